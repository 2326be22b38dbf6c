"""The ledger: where all money is, who is owed what, and how it came about. Double entry, in integer minor units.

An account is named by its code in the chart, its owner and its currency, and exists from the first journal that names it.
A journal moves money between accounts: at once (`record`), or first as a claim (`pend`) that is carried out (`post`) or
given up (`void`) later, whole and once. A mistake is undone by a journal of its own (`reverse`). The key of a journal
makes it count once: the same content under the same key gives the same id, and changes nothing.

Promises: every journal balances in each currency; nothing written is ever changed; a guarded account never goes to its
wrong side, and what is pending counts as gone; a claim is resolved at most once, in full; every balance is the sum of
its entries. The database holds all of this (`migrations/0010_ledger.sql`), whoever writes.
"""

from .balances import balance, clearing, open_balances, owned, story, totals, verify
from .model import (
    Account,
    AccountUnknown,
    AlreadyResolved,
    AlreadyReversed,
    Balance,
    Difference,
    Entry,
    GuardBroken,
    Journal,
    JournalNotPending,
    JournalNotPosted,
    JournalUnknown,
    KeyReusedOtherwise,
    Leg,
    OpenBalance,
    Phase,
    Side,
    Total,
    Unbalanced,
    credit,
    debit,
)
from .postings import find, pend, post, record, reverse, void

__all__ = [
    "Account",
    "AccountUnknown",
    "AlreadyResolved",
    "AlreadyReversed",
    "Balance",
    "Difference",
    "Entry",
    "GuardBroken",
    "Journal",
    "JournalNotPending",
    "JournalNotPosted",
    "JournalUnknown",
    "KeyReusedOtherwise",
    "Leg",
    "OpenBalance",
    "Phase",
    "Side",
    "Total",
    "Unbalanced",
    "balance",
    "clearing",
    "credit",
    "debit",
    "find",
    "open_balances",
    "owned",
    "pend",
    "post",
    "record",
    "reverse",
    "story",
    "totals",
    "verify",
    "void",
]
