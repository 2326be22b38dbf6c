"""Types of bills and reconciliation: a bill of one day, its rows, a difference and what each kind of difference means."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from holdfast import ledger
from holdfast.kit.problems import Conflict, Invalid, NotFound

from .model import Attempt, RefundRow
from .refunds_store import SecondReceipt


class Totals(msgspec.Struct, frozen=True):
    """What the rows of a bill add up to in one currency, in minor units. Repeated rows count here: so says the bill."""

    payments: int = 0
    paid_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    fees_minor: int = 0
    """Fees kept, less fees given back."""


class Figures(msgspec.Struct, frozen=True):
    """One day and currency as its last comparison left it. The three sides count by their own idea of the day:
    a refund stands in the bill when it was accepted, with us and in the ledger when it was given."""

    bill_rows: int = 0
    bill_minor: int = 0
    """Paid less refunded, as the bill says."""
    matched_rows: int = 0
    """Rows of the bill on which bill, payments and ledger agree."""
    matched_minor: int = 0
    waiting_rows: int = 0
    """Refunds in the bill that are not at their end yet: compared again until they are."""
    ours_count: int = 0
    ours_minor: int = 0
    """Paid less refunded that day, as we know it."""
    ledger_minor: int = 0
    """What moved on the provider's clearing account (1010) that day, without fees and corrections."""
    fees_minor: int = 0
    """Booked fees of the bill's rows."""


class BillDay(msgspec.Struct, frozen=True):
    """The bill of one of a provider's days, and how its comparison stands."""

    provider: str
    day: date
    state: str
    """wanted, fetched, or missing: the provider says that there is none."""
    digest: str | None
    content: str | None
    fetched_at: datetime | None
    row_count: int
    totals: dict[str, Totals]
    tries: int
    next_try_at: datetime | None
    error: str | None
    reconciled_at: datetime | None
    looked_again_at: datetime | None
    figures: dict[str, Figures]


class DaySummary(msgspec.Struct, frozen=True):
    """A day in a calendar: its bill, and how many differences stand open or are settled."""

    provider: str
    day: date
    state: str
    row_count: int
    reconciled_at: datetime | None
    figures: dict[str, Figures]
    open_items: int
    settled_items: int

    @property
    def matched(self) -> int:
        return sum(figures.matched_rows for figures in self.figures.values())


class StoredRow(msgspec.Struct, frozen=True):
    """A row of a stored bill: a payment, or a refund (then `refund_ref` is set)."""

    provider: str
    day: date
    number: int
    merchant_ref: str
    provider_txn: str | None
    refund_ref: str | None
    provider_refund: str | None
    amount_minor: int
    currency: str
    fee_minor: int
    occurred_at: datetime | None
    status: str | None
    repeats: bool
    fees_journal: UUID | None


class Item(msgspec.Struct, frozen=True):
    """One difference between a bill, our payments and the ledger. None: that side says nothing."""

    id: UUID
    provider: str
    day: date
    kind: str
    subject: str
    attempt_id: UUID | None
    refund_id: UUID | None
    receipt_id: UUID | None
    row_number: int | None
    merchant_ref: str | None
    provider_txn: str | None
    refund_ref: str | None
    ours_minor: int | None
    theirs_minor: int | None
    ledger_minor: int | None
    currency: str | None
    noted_at: datetime
    asked_at: datetime | None
    answer: str | None
    """What the provider said when asked about it."""
    state: str
    resolution: str | None
    """auto: settled by itself; manual: explained by a person; forced: booked by a person."""
    note: str | None
    journal_id: UUID | None
    turn: int
    by: str | None
    at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def sign(self) -> int:
        """Whether its amounts came to us (1) or went back (-1)."""
        return -1 if self.kind in GIVEN else 1

    @property
    def off_minor(self) -> int:
        """How much more the provider owes us by its bill than our books say; negative: less."""
        booked = self.ours_minor if self.ledger_minor is None else self.ledger_minor
        return self.sign * ((self.theirs_minor or 0) - (booked or 0))

    @property
    def may_book(self) -> bool:
        """Whether the difference can be booked away: what is only asked about, or concerns a whole bill, cannot."""
        return self.is_open and KINDS[self.kind].bookable and self.off_minor != 0 and self.currency is not None


class Evidence(msgspec.Struct, frozen=True):
    """One difference from all three sides."""

    item: Item
    rows: list[StoredRow]
    """All rows of stored bills about the same charge or refund."""
    attempt: Attempt | None
    refund: RefundRow | None
    receipts: list[SecondReceipt]
    journals: list[ledger.Journal]
    """All that was booked about the payment, and about this difference."""


class DayReport(msgspec.Struct, frozen=True):
    """A day as it is shown: the bill with its figures, and its differences, open ones first."""

    bill: BillDay
    items: list[Item]
    counts: dict[tuple[str, str], int]
    """How many differences, by kind and state: open, auto, manual or forced."""


class Kind(NamedTuple):
    """What a kind of difference is called, and what to do about one that stays open. English; Chinese in ``zh.po``."""

    title: str
    advice: str
    bookable: bool = True


KINDS = {
    "unknown_to_us": Kind(
        "In the bill, not paid here",
        "The payment was taken over from the bill. It stays open only where that was impossible: look at the payment.",
        bookable=False,
    ),
    "foreign_row": Kind(
        "A payment that is not ours",
        "Ask the provider whose payment it is. Until it is explained, book it to suspense: the money is there.",
    ),
    "missing_at_provider": Kind(
        "Paid here, missing in the bill",
        "If the next day's bill has not brought it and the provider denies it, claim it from the provider; do not pay out for it, and book it to suspense.",
    ),
    "amount_differs": Kind(
        "Another sum in the bill",
        "Compare with the provider's answer. A provider's mistake is claimed there; book the difference to suspense meanwhile.",
    ),
    "currency_differs": Kind(
        "Another currency in the bill",
        "Sums of two currencies cannot be compared here: clear it with the provider and note what was agreed.",
        bookable=False,
    ),
    "duplicate_row": Kind(
        "A row that comes twice",
        "The provider must explain the second row: one receipt is one payment. It is not counted here.",
    ),
    "second_receipt": Kind(
        "A second receipt of one charge",
        "The payer paid twice: the second payment goes back by itself. It stays open only where it was refuted before: look at both receipts.",
        bookable=False,
    ),
    "refund_missing": Kind(
        "Refunded here, missing in the bill",
        "If the provider denies it too, the traveller has not got the money: give it another way.",
    ),
    "refund_unknown": Kind(
        "A refund that is not ours",
        "Somebody refunded it at the provider's own console, or it belongs to others: find out who, and note it.",
    ),
    "refund_amount_differs": Kind(
        "Another sum refunded",
        "Compare with the provider's answer. Too little: give the rest. Too much: book the difference.",
    ),
    "refund_status": Kind(
        "Another state of a refund",
        "The bill shows how a refund stood when it was made. The provider was asked; if its answer still differs from ours, clear it there.",
        bookable=False,
    ),
    "ledger_differs": Kind(
        "Not as in our ledger",
        "Find the journal that is missing or too much: the payment's story shows what was booked, when and why.",
    ),
    "bill_changed": Kind(
        "The bill was changed afterwards",
        "The rows that are new were taken up beside the old ones. Ask the provider what the change is, and note it.",
        bookable=False,
    ),
    "bill_missing": Kind(
        "No bill for a day with payments",
        "The provider says that this day had nothing. Ask it for the bill; it is compared as soon as it comes.",
        bookable=False,
    ),
}
"""Every kind of difference."""
GIVEN = frozenset({"refund_missing", "refund_unknown", "refund_amount_differs", "refund_status"})
"""Kinds whose amounts went back."""


class ItemUnknown(NotFound):
    """There is no such difference."""


class ItemResolved(Conflict):
    """This difference is settled already."""

    safe = "What was decided first stands; nothing was booked twice."
    next_step = "Look at the difference: it says who settled it, and how. It can be opened again."


class ItemOpen(Conflict):
    """This difference is still open."""

    next_step = "Settle it; only what is settled by a person can be opened again."


class NotBookable(Conflict):
    """There is nothing here that could be booked."""

    safe = "Nothing was booked."
    next_step = "Say in a note how it was explained, and accept it."


class WriteOffTooLarge(Invalid):
    """This is more than one person may write off."""

    safe = "Nothing was booked."
    next_step = "Book it to suspense: there it waits, visible, until it is explained."


class BillNotReady(Conflict):
    """The bill of this day is not made yet."""

    next_step = "Come back after the time shown."


class BillUnknown(NotFound):
    """There is no bill of this day."""
