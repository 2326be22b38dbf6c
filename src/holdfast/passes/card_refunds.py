"""What comes back for a card that is returned: the formulas of the law, and the seller's own terms where they give more.

Source: 最高人民法院关于审理预付式消费民事纠纷案件适用法律若干问题的解释, 法释〔2025〕4号, in force since 2025-05-01; it
names tourism, and cards in whatever form. Articles: 9 (a term that nothing is given back is void), 14 (seven days), 18
(the seller's cause: what was used counts at the discounted price), 19 (the buyer's cause: at the price before the
discount), 20 (never more than was paid), 22 (unlimited use: by the time that is left), 24 (a card that has run out still
has what was not used). Interest (16) does not arise: the money goes back in the transaction that ends the contract.

All sums are whole minor units; what was used is rounded down, to the buyer's good. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from .card_model import ZONE, Card, CardState, UseState

SEVEN_DAYS = timedelta(days=7)


INTERPRETATION = "法释〔2025〕4号"


class Cause(StrEnum):
    """Why a card is given back."""

    BUYER = "buyer"
    SELLER = "seller"


class Ground(StrEnum):
    """Which rule decided the sum, with its source in `ARTICLES`."""

    SEVEN_DAYS = "seven-days"
    OWN_TERMS = "own-terms"
    SELLERS_CAUSE = "sellers-cause"
    BUYERS_CAUSE = "buyers-cause"
    TIME = "time"
    NOT_BEGUN = "not-begun"


ARTICLES: dict[Ground, tuple[int, ...]] = {
    Ground.SEVEN_DAYS: (14,),
    Ground.OWN_TERMS: (),
    Ground.SELLERS_CAUSE: (18, 20),
    Ground.BUYERS_CAUSE: (19, 20),
    Ground.TIME: (20, 22),
    Ground.NOT_BEGUN: (19, 22),
}


class CardRefund(msgspec.Struct, frozen=True):
    """What a card gives back. Of `paid_minor`, `used_minor` is what the use of it counts; `open_visits` stand in the way.

    `holds_until` is when the sum changes by itself; None: not before it is used further.
    """

    paid_minor: int
    used_minor: int
    refund_minor: int
    ground: Ground
    open_visits: int
    holds_until: datetime | None

    @property
    def source(self) -> str:
        """``法释〔2025〕4号 art. 19, 20``; empty where the seller's own terms decide."""
        articles = ", ".join(map(str, ARTICLES[self.ground]))
        return f"{INTERPRETATION} art. {articles}" if articles else ""


def at_discounted_price(paid_minor: int, list_minor: int, used_list_minor: int) -> int:
    """What is left when the use counts at the price of the card: its share of the list price (art. 18)."""
    if list_minor <= 0:
        return paid_minor if used_list_minor <= 0 else 0
    used = min(used_list_minor, list_minor) * min(paid_minor, list_minor) // list_minor
    return _bounded(paid_minor - used, paid_minor)


def at_list_price(paid_minor: int, used_list_minor: int) -> int:
    """What is left when the use counts at the price before the discount (art. 19), never below nothing."""
    return _bounded(paid_minor - used_list_minor, paid_minor)


def by_time_left(paid_minor: int, whole_days: int, used_days: int) -> int:
    """What is left of an unlimited card: the days still to come of all its days (art. 22); a day begun counts as used."""
    if whole_days <= 0:
        return paid_minor
    used = paid_minor * min(max(used_days, 0), whole_days) // whole_days
    return _bounded(paid_minor - used, paid_minor)


def _bounded(refund_minor: int, paid_minor: int) -> int:
    """Art. 20: no more than was paid."""
    return min(max(refund_minor, 0), paid_minor)


def decide(card: Card, now: datetime, *, had_before: bool, cause: Cause = Cause.BUYER) -> CardRefund:
    """What returning the card gives back at a moment: the best for its buyer of the law's sum and the seller's own terms.

    `had_before`: its buyer had used the same kind of card before, so that the seven days do not hold. A visit that is
    booked and not over has to be cancelled first.
    """
    ways = [_by_law(card, now, cause), *_seven_days(card, now, had_before=had_before), *_own_terms(card, now)]
    refund, ground, until = max(ways, key=lambda way: way[0])
    open_visits = sum(use.state is UseState.HELD for use in card.uses)
    if card.state is CardState.REFUNDED:
        refund = 0
    paid = card.row.paid_minor
    return CardRefund(paid, paid - refund, refund, ground, open_visits, until)


_Way = tuple[int, Ground, datetime | None]


def _used_list_minor(card: Card) -> int:
    return sum(use.list_minor for use in card.uses if use.state is UseState.USED)


def _by_law(card: Card, now: datetime, cause: Cause) -> _Way:
    row = card.row
    if card.rules.model == "unlimited":
        return _time(card, now)
    if cause is Cause.SELLER:
        refund = at_discounted_price(row.paid_minor, row.list_minor, _used_list_minor(card))
        return refund, Ground.SELLERS_CAUSE, None
    return at_list_price(row.paid_minor, _used_list_minor(card)), Ground.BUYERS_CAUSE, None


def _time(card: Card, now: datetime) -> _Way:
    """An unlimited card: the whole of it before it begins, then by days."""
    row = card.row
    today = now.astimezone(ZONE).date()
    if row.valid_from is None or row.valid_to is None or today < row.valid_from:
        return row.paid_minor, Ground.NOT_BEGUN, None
    whole = (row.valid_to - row.valid_from).days + 1
    tomorrow = datetime(today.year, today.month, today.day, tzinfo=ZONE) + timedelta(days=1)
    return by_time_left(row.paid_minor, whole, (today - row.valid_from).days + 1), Ground.TIME, tomorrow


def _seven_days(card: Card, now: datetime, *, had_before: bool) -> Sequence[_Way]:
    """Within seven days of paying no reason is needed; what was used counts at the price of the card."""
    row, until = card.row, card.row.issued_at + SEVEN_DAYS
    if now >= until or had_before:
        return []
    if card.rules.model == "unlimited":
        used = any(use.state is UseState.USED for use in card.uses)
        return [] if used else [(row.paid_minor, Ground.SEVEN_DAYS, until)]
    return [(at_discounted_price(row.paid_minor, row.list_minor, _used_list_minor(card)), Ground.SEVEN_DAYS, until)]


def _own_terms(card: Card, now: datetime) -> Sequence[_Way]:
    row, terms = card.row, card.rules.own_terms
    unused = not any(use.state is UseState.USED for use in card.uses)
    if terms.kind == "unused" and unused:
        return [(row.paid_minor, Ground.OWN_TERMS, None)]
    if terms.kind == "before_first_use" and unused:
        first = min((use.starts_at for use in card.live), default=None)
        until = first - timedelta(hours=terms.hours) if first else None
        return [(row.paid_minor, Ground.OWN_TERMS, until)] if until is None or now < until else []
    if terms.kind == "share" and card.rules.model != "unlimited":
        return [(at_discounted_price(row.paid_minor, row.list_minor, _used_list_minor(card)), Ground.OWN_TERMS, None)]
    return []
