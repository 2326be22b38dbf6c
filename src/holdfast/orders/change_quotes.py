"""What a change to another slot costs, and whether the published rule and the new slot allow it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import partners, payments
from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import after_sale_store, attendance, benefits, cards, changes_store, discounts
from .after_sale_model import NotChangeable
from .changes_store import Fare, Move, Target
from .model import (
    DocumentAlreadyBooked,
    MixedCurrencies,
    NotYetOnSale,
    OrderRow,
    PriceUnknown,
    SaleOver,
    SaleUnconfirmed,
    SlotClosed,
    SlotFull,
    SlotUnknown,
    State,
    TooManyThatDay,
)
from .policies import Item


class ChangeQuote(msgspec.Struct, frozen=True):
    """A change with its sums in minor units. `due_minor` = new + fee - old: above zero it is to be paid, below it goes back.

    `benefit`: a granted free change serves, so there is no fee. `holds_until` is until when changing is possible; None
    where the house closed the old slot, which may be changed whenever.
    """

    from_slot: UUID
    to_slot: UUID
    old_starts_at: datetime
    new_starts_at: datetime
    new_ends_at: datetime
    quantity: int
    moves: list[Move]
    old_minor: int
    new_minor: int
    fee_minor: int
    due_minor: int
    currency: str
    benefit: bool
    holds_until: datetime | None


class Allowed(msgspec.Struct, frozen=True):
    """What the rule says of a change at a moment."""

    fee_minor: int
    benefit: bool
    holds_until: datetime | None


def allow(items: Sequence[Item], now: datetime, *, has_benefit: bool) -> Allowed:
    """Whether these lines of one slot may be changed, and for which fee. NotChangeable says why not.

    A slot that the house closed is changed without fee at any time; a benefit waives the fee, and the last moment up to
    the start of the visit.
    """
    rule, starts_at = items[0].terms, items[0].starts_at
    if any(item.is_closed for item in items):
        return Allowed(0, benefit=False, holds_until=None)
    if rule.change_until is None:
        raise NotChangeable(reason="not-allowed")
    fee = rule.fee_minor * sum(item.quantity for item in items)
    in_time = now < rule.change_until
    if not in_time and not (has_benefit and now < starts_at):
        raise NotChangeable(reason="too-late", until=rule.change_until.isoformat())
    if has_benefit and (fee or not in_time):
        return Allowed(0, benefit=True, holds_until=max(rule.change_until, starts_at))
    return Allowed(fee, benefit=False, holds_until=rule.change_until)


def fare_of(item: Item, fares: Sequence[Fare]) -> Fare:
    """What the same ticket costs in the new slot: under the same price, else the same kind of ticket of that season."""
    same = [fare for fare in fares if fare.price_id == item.price_id]
    alike = [fare for fare in fares if fare.ticket == item.ticket]
    found = next(iter(same or alike), None)
    if found is None:
        raise PriceUnknown(price_id=item.price_id)
    net = partners.limits.net_minor(found.amount_minor, item.commission_bp)
    return msgspec.structs.replace(found, amount_minor=net)


async def movable(tx: ReadTx, row: OrderRow, from_slot: UUID | None, product_id: str | None = None) -> list[Item]:
    """The lines of the slot that is to be changed. NotChangeable when the order is not confirmed and paid, or has several."""
    if row.state is not State.CONFIRMED:
        raise NotChangeable(state=row.state)
    if row.intent_id and (await payments.view(tx, row.intent_id)).state is payments.IntentState.DEFERRED:
        raise NotChangeable(reason="unpaid")
    items = await after_sale_store.items(tx, row.id)
    if from_slot is not None:
        items = [item for item in items if item.slot_id == from_slot]
    elif product_id is not None:
        items = [item for item in items if item.product_id == product_id]
    if any(item.kind == "card" for item in items):
        raise NotChangeable(reason="is-card")
    slots = {item.slot_id for item in items}
    if len(slots) != 1:
        raise NotChangeable(reason="other-product" if not slots else "several-slots")
    if await attendance.slot_was_used(tx, row.number, items[0].slot_id):
        raise NotChangeable(reason="used")
    return items


async def quote(tx: ReadTx, row: OrderRow, to_slot: UUID, from_slot: UUID | None = None) -> ChangeQuote:
    """The sums as they are now, or the problem that stands in the way of the change."""
    target = await changes_store.target(tx, to_slot)
    if target is None:
        raise SlotUnknown(slot_id=str(to_slot))
    items = await movable(tx, row, from_slot, target.product_id)
    first, now = items[0], clock.now()
    if target.product_id != first.product_id:
        raise NotChangeable(reason="other-product")
    if target.id == first.slot_id:
        raise NotChangeable(reason="same-slot")
    allowed = allow(items, now, has_benefit=bool(await benefits.of_order(tx, row)))
    fares = await changes_store.fares(tx, target.product_id, target.visit_date)
    moves = [move_to(item, fare_of(item, fares), row.currency) for item in items]
    quantity = {item.seq: item.quantity for item in items}
    moves = await discounts.carry(tx, items, moves)
    old = sum(item.price_minor for item in items)
    new = sum(move.unit_minor * quantity[move.line_seq] - move.discount_minor for move in moves)
    found = ChangeQuote(
        from_slot=first.slot_id, to_slot=target.id, old_starts_at=first.starts_at, new_starts_at=target.starts_at,
        new_ends_at=target.ends_at, quantity=sum(quantity.values()), moves=moves, old_minor=old, new_minor=new,
        fee_minor=allowed.fee_minor, due_minor=new + allowed.fee_minor - old, currency=row.currency,
        benefit=allowed.benefit, holds_until=allowed.holds_until,
    )  # fmt: skip
    _require_sale(target, found, now)
    await cards.require_move(tx, row, items, target)
    await require_people(tx, row, found)
    return found


def move_to(item: Item, fare: Fare, currency: str) -> Move:
    if fare.currency != currency:
        raise MixedCurrencies
    return Move(item.seq, fare.price_id, fare.amount_minor, item.quantity if fare.uses_place else 0)


def _require_sale(target: Target, found: ChangeQuote, now: datetime) -> None:
    """The new slot is on sale and has places for all of them."""
    named = {"slot_id": str(target.id)}
    if target.state != "open":
        raise SlotClosed(**named, reason=target.reason)
    if now < target.sale_opens_at:
        raise NotYetOnSale(**named, sale_opens_at=target.sale_opens_at.isoformat())
    if now >= target.sale_closes_at:
        raise SaleOver(**named)
    if target.fresh_until is not None and target.fresh_until <= now:
        raise SaleUnconfirmed(**named)
    asked = sum(move.places for move in found.moves)
    if asked > target.places_left:
        raise SlotFull(**named, asked=asked, places_left=max(target.places_left, 0))


async def require_room(tx: ReadTx, found: ChangeQuote) -> None:
    """The same once more, of a slot that the caller has locked."""
    target = await changes_store.target(tx, found.to_slot)
    assert target is not None
    _require_sale(target, found, clock.now())


async def require_people(tx: ReadTx, row: OrderRow, found: ChangeQuote) -> None:
    """Nobody who moves has another booking there that day, and the person's daily limit holds."""
    left = await changes_store.left_that_day(tx, row.id, row.account_id, found.to_slot, found.from_slot)
    if left is not None and left < found.quantity:
        raise TooManyThatDay(left=max(left, 0))
    if await changes_store.documents_taken(tx, row.id, found.to_slot, found.from_slot):
        raise DocumentAlreadyBooked


def on_the_clock(moment: datetime, time_zone: str) -> str:
    """``2026-12-05 09:30`` on the clocks of the venue: for messages in any language."""
    return moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")
