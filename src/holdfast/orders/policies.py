"""Policies: what a product's published rule says about giving a ticket back or changing it, as moments and money.

The rule is data of the catalogue (``cancel_rule``), with its provenance. Where an attraction has published none, the whole
price goes back until the slot starts and nothing after; whatever the house itself closes goes back whole. A trader's own
terms may not take away what is due when the service is not given (Consumer Rights Protection Law, articles 26 and 53).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.passes import CardRefund

from .discounts_model import LineDiscount, tickets_minor


class Why(StrEnum):
    """Which part of the terms decides."""

    CLOSED = "closed"
    """The house gives nothing: all of it goes back, whenever."""
    FREE = "free"
    PART = "part"
    OVER = "over"
    CARD = "card"
    """The order holds cards: `Quote.cards` says what each of them gives back, and by which rule."""


class Terms(msgspec.Struct, frozen=True):
    """A rule for one slot. Free until `free_until`; then `kept_percent` is kept until `part_until`; then all of it.

    `published`: the attraction's own rule, in its words in `says`; else what holds where there is none. `fee_minor` is
    for each ticket that changes to another slot; `change_until` is None where changing is not possible at all.
    """

    free_until: datetime
    part_until: datetime
    kept_percent: int
    change_until: datetime | None
    fee_minor: int
    published: bool
    says: dict[str, str]


class Item(msgspec.Struct, frozen=True):
    """A current line of an order with what decides about it: slot, product, the rule, and who it is for."""

    seq: int
    slot_id: UUID
    product_id: str
    venue_id: str
    price_id: str
    ticket: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    quantity: int
    places: int
    unit_minor: int
    slot_state: str
    cancel_rule: dict[str, Any]
    travellers: list[int]
    """Their numbers in the order; none where tickets bear no names."""
    kind: str = ""
    """The kind of venue."""
    commission_bp: int = 0
    """Of a reseller's order: its part of the price, in basis points; it pays the rest."""
    discounts: list[LineDiscount] = []
    """What campaigns took off, all tickets together, in the order of their versions."""

    @property
    def discount_minor(self) -> int:
        return sum(one.amount_minor for one in self.discounts)

    @property
    def price_minor(self) -> int:
        """What all its tickets cost: the list price without what campaigns took off."""
        return self.unit_minor * self.quantity - self.discount_minor

    def places_of(self, travellers: set[int]) -> list[int]:
        """Where in the line the tickets of some travellers stand, from 0."""
        return [place for place, seq in enumerate(self.travellers) if seq in travellers]

    def tickets_minor(self, places: Sequence[int] | None = None) -> list[int]:
        """What was asked for each of some tickets (None: all of them)."""
        prices = tickets_minor(self.unit_minor, self.discounts, self.quantity)
        return prices if places is None else [prices[place] for place in places]

    @property
    def terms(self) -> Terms:
        return terms(self.cancel_rule, self.visit_date, self.starts_at, self.time_zone)

    @property
    def is_closed(self) -> bool:
        return self.slot_state == "closed"


class Share(msgspec.Struct, frozen=True):
    """What one line gives back: so many of its tickets, their price, what is kept of it, and why."""

    line_seq: int
    quantity: int
    price_minor: int
    kept_minor: int
    why: Why
    terms: Terms


class Quote(msgspec.Struct, frozen=True):
    """What cancelling gives back. `travellers`: who leaves; `whole`: nobody stays.

    Of the `left_minor` that is still there, `refund_minor` goes back and `kept_minor` is kept as a fee. `holds_until` is
    when the sums change by themselves.
    """

    travellers: list[int]
    whole: bool
    shares: list[Share]
    left_minor: int
    refund_minor: int
    kept_minor: int
    currency: str
    holds_until: datetime | None
    cards: list[CardRefund] = []


def terms(rule: dict[str, Any], visit_date: date, starts_at: datetime, time_zone: str) -> Terms:
    """The published rule for a slot, in moments; what holds without one where it names no time.

    ``days_before`` and ``time`` are on the venue's clocks; a day without a time lasts until its end.
    """
    deadline = _deadline(rule, visit_date, starts_at, time_zone)
    free_until = deadline or starts_at
    kept_percent = min(max(int(rule.get("later_kept_percent", 100)), 0), 100)
    change_until: datetime | None = free_until
    if "change_minutes_before_start" in rule:
        change_until = starts_at - timedelta(minutes=int(rule["change_minutes_before_start"]))
    if rule.get("change_allowed") is False:
        change_until = None
    says = rule.get("text")
    return Terms(
        free_until=free_until,
        part_until=max(free_until, starts_at) if kept_percent < 100 else free_until,
        kept_percent=kept_percent,
        change_until=change_until,
        fee_minor=max(int(rule.get("change_fee_minor", 0)), 0),
        published=deadline is not None,
        says={str(key): str(value) for key, value in says.items()} if isinstance(says, dict) else {},
    )


def _deadline(rule: dict[str, Any], visit_date: date, starts_at: datetime, time_zone: str) -> datetime | None:
    if "minutes_before_start" in rule:
        return starts_at - timedelta(minutes=int(rule["minutes_before_start"]))
    if "days_before" not in rule and "time" not in rule:
        return None
    day = visit_date - timedelta(days=int(rule.get("days_before", 0)))
    if "time" not in rule:
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone))
    return datetime.combine(day, time.fromisoformat(str(rule["time"])), ZoneInfo(time_zone))


def kept(found: Terms, price_minor: int, now: datetime, *, closed: bool = False) -> tuple[int, Why]:
    """How much of a price is kept at that moment, rounded down to the traveller's good, and why."""
    if closed:
        return 0, Why.CLOSED
    if now < found.free_until:
        return 0, Why.FREE
    if now < found.part_until:
        return price_minor * found.kept_percent // 100, Why.PART
    return price_minor, Why.OVER


def decide(
    items: Sequence[Item], leaving: Sequence[int] | None, now: datetime, left_minor: int, currency: str
) -> Quote:
    """What it gives back that these travellers leave (None: everybody), of the `left_minor` that is still there.

    The price is shared by ticket: each traveller has the unit price of their own line less its share of a discount, so
    shares add up by themselves, in whatever order people leave. What was not paid never goes back. What staff gave back before is not given back again. A whole order keeps as a fee what does not go back of it.
    """
    named = {seq for item in items for seq in item.travellers}
    chosen = named if leaving is None else set(leaving)
    whole = leaving is None or (chosen == named and all(item.travellers for item in items))
    shares = []
    for item in items:
        prices = item.tickets_minor(None if whole else item.places_of(chosen))
        if not prices:
            continue
        fees = [kept(item.terms, price, now, closed=item.is_closed) for price in prices]
        kept_minor = sum(minor for minor, _why in fees)
        shares.append(Share(item.seq, len(prices), sum(prices), kept_minor, fees[0][1], item.terms))
    gross = sum(share.price_minor for share in shares)
    kept_minor = sum(share.kept_minor for share in shares)
    refund = min(gross - kept_minor, left_minor)
    kept_minor = max(left_minor - refund, 0) if whole else min(kept_minor, left_minor - refund)
    return Quote(
        travellers=sorted(chosen), whole=whole, shares=shares, left_minor=left_minor, refund_minor=refund, kept_minor=kept_minor,
        currency=currency, holds_until=_holds_until(shares),
    )  # fmt: skip


def _holds_until(shares: Sequence[Share]) -> datetime | None:
    """The first moment at which one of the shares changes."""
    ends = [
        share.terms.free_until if share.why is Why.FREE else share.terms.part_until
        for share in shares
        if share.why in (Why.FREE, Why.PART)
    ]
    return min(ends, default=None)


def spread(amount_minor: int, left: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
    """An amount over payments, as far as each has money, in their order; at most what there is."""
    found = []
    for intent_id, there in left:
        part = min(amount_minor, there)
        if part > 0:
            found.append((intent_id, part))
            amount_minor -= part
    return found
