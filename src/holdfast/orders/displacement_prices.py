"""Prices of places that come back: what they had cost, because the cut was not the traveller's doing.

What campaigns granted comes along: the same versions out of the same purse, also when they have ended, are used up or were
stopped since. Never the grant of somebody who got it in bad faith, never on top of what its person has had of the campaign
again since, and once only. A ticket costs at most what it cost; is its list price lower now, the discount follows it as it
follows to another date.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from holdfast.kit import clock
from holdfast.kit.db import ReadTx, Tx

from . import discounts, discounts_store, displacement_offers_store, offers
from .discounts_model import LineDiscount
from .discounts_store import Carried
from .displacement_offers_store import AgainLine, Offer
from .model import KeptLine, Placed, State


class Taken(msgspec.Struct, frozen=True):
    """What comes along of one version: off all lines together, or a gift."""

    label: dict[str, str]
    amount_minor: int
    gift: dict[str, Any] | None = None


class Price(msgspec.Struct, frozen=True):
    """What places that come back cost: `lines` with a ticket at most as dear as it was, `gifts` by version.

    `left_out`: what does not come along, as it was granted; `abused` or else used again.
    """

    order_id: UUID
    currency: str
    lines: list[AgainLine]
    taken: list[Taken]
    gifts: dict[UUID, dict[str, Any]]
    left_out: list[Carried]

    @property
    def list_minor(self) -> int:
        return sum(line.unit_minor * line.quantity for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.list_minor - sum(one.amount_minor for line in self.lines for one in line.discounts)


async def price(tx: ReadTx, offer: Offer) -> Price | None:
    """The price of an offer of places that come back, as it is now; None when there are no lines to come back."""
    lines = await displacement_offers_store.again_lines(tx, offer.cut_id, offer.order_id, offer.from_slot)
    if not lines:
        return None
    granted = await discounts_store.carried(tx, offer.order_id)
    coming = {one.version_id: one for one in granted if not (one.used_again or one.abused)}
    gifts = {one.version_id: gift for one in coming.values() if one.is_over and (gift := _left_of(one))}
    effects = await discounts_store.effects(tx, sorted(coming))
    kept = [_kept(line, coming, effects) for line in lines]
    taken = [
        Taken(one.label, _off(kept, version_id), gifts.get(version_id))
        for version_id, one in coming.items()
        if _off(kept, version_id) or version_id in gifts
    ]
    had = {one.version_id for line in lines for one in line.discounts if one.amount_minor}
    left_out = [one for one in granted if one.version_id not in coming and (one.version_id in had or one.gift)]
    return Price(offer.order_id, lines[0].currency, kept, taken, gifts, left_out)


def _kept(line: AgainLine, coming: dict[UUID, Carried], effects: dict[UUID, dict[str, Any]]) -> AgainLine:
    """A line as it costs now."""
    parts = [one for one in line.discounts if one.version_id in coming]
    unit = min(line.unit_minor, line.listed_minor)
    most = line.unit_minor * line.quantity - sum(one.amount_minor for one in parts)
    return replace(line, unit_minor=unit, discounts=discounts.follow(parts, effects, unit, line.quantity, most))


def _off(lines: list[AgainLine], version_id: UUID) -> int:
    return sum(one.amount_minor for line in lines for one in line.discounts if one.version_id == version_id)


def _left_of(one: Carried) -> dict[str, Any] | None:
    """What was not used of a gift."""
    left = int(one.gift.get("quantity", 1)) - one.gift_used if one.gift else 0
    return {**one.gift, "quantity": left} if one.gift and left > 0 else None


def line_of(
    line: AgainLine, at: int, slot_id: UUID, price: Price, *, people: int, document_types: list[str]
) -> KeptLine:
    """The line of the booking, with its price."""
    off = sum(one.amount_minor for one in line.discounts) if line.discounts or price.gifts else None
    return KeptLine(
        at,
        slot_id,
        line.price_id,
        line.quantity,
        None,
        people,
        document_types,
        kept_minor=line.unit_minor,
        off_minor=off,
    )


async def carry(tx: Tx, price: Price, placed: Placed) -> None:
    """Writes what comes along to the order that was placed at this price. OffersMoved when some of it does not any more."""
    versions = sorted({one.version_id for line in price.lines for one in line.discounts} | set(price.gifts))
    for version_id in versions:
        parts = [(at, line, one) for at, line, one in _parts(price) if one.version_id == version_id]
        came = await discounts_store.carry(
            tx, price.order_id, placed.order_id, placed.number, version_id,
            amount_minor=sum(one.granted_minor for *_, one in parts), lines=[_noted(at, line, one) for at, line, one in parts],
            gift=price.gifts.get(version_id), redeemed=placed.state is State.CONFIRMED, at=clock.now(),
        )  # fmt: skip
        if not came:
            raise offers.OffersMoved
    if any(line.discounts for line in price.lines):
        found = [(line.seq, at, one) for at, line, one in _parts(price)]
        await discounts_store.come_along(tx, price.order_id, placed.order_id, found)


def _parts(price: Price) -> list[tuple[int, AgainLine, LineDiscount]]:
    """Each discount with its line and the number of that in the new order."""
    return [(at, line, one) for at, line in enumerate(price.lines, 1) for one in line.discounts]


def _noted(at: int, line: AgainLine, one: LineDiscount) -> dict[str, Any]:
    """A line of a reservation: what was granted for these tickets, and what they cost then."""
    listed = one.granted_unit_minor * line.quantity
    return {"seq": at, "amount_minor": one.granted_minor, "listed_minor": listed, "tickets": line.quantity}
