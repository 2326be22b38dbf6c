"""Visits with a card: one basket over several venues, all of it or nothing, in one transaction with the card's uses.

A visit is an order of the channel ``card`` that costs nothing, so tickets, gates, cuts and finding know it already. The
card is locked first, then decides (`passes.eligibility`), then the places are taken, then one use is held for each line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from holdfast import passes
from holdfast.kit import clock, faults, idempotency
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx
from holdfast.kit.problems import Problem
from holdfast.passes import Card, CardRefuses, UseState, Wanted
from holdfast.passes.cards import NewPerson

from . import after_sale_store, attendance, cancellation, cards_store, news, placing, store
from .cards import CHANNEL
from .cards_store import CardSlot
from .model import (
    Basket,
    BasketLine,
    NotCancellable,
    OrderUnknown,
    Placed,
    PlaceRequest,
    SlotUnknown,
    State,
    TravellerInput,
)

RESERVED = faults.declare("orders.card_visits.before_commit", "visits and uses are written, not yet committed")
CANCELLED = faults.declare("orders.card_visits.cancelled", "a visit is given back with its use, not yet committed")
VISITS_MAX = placing.LINES_MAX


class VisitWish(msgspec.Struct, frozen=True):
    """A slot to be visited, and by whom of the card's party (their numbers; None: everybody)."""

    slot_id: UUID
    people: list[int] | None = None


class Wish(msgspec.Struct, frozen=True):
    """The visits of one basket, with the key under which it was sent and the language of its messages."""

    visits: Sequence[VisitWish]
    key: str
    locale: str


async def reserve(tx: Tx, actor: Actor, account_id: UUID, number: str, wish: Wish) -> Placed:
    """Books visits with a card: all of them or none. Again under the same key: the same answer.

    CardUnknown; CardRefuses lists every reason with its visit; SlotUnknown; else the problems of placing.
    """
    card = await passes.cards.locked(tx, account_id, number)
    slots = await cards_store.slots(tx, [visit.slot_id for visit in wish.visits])
    missing = [visit.slot_id for visit in wish.visits if visit.slot_id not in slots]
    if missing or not wish.visits:
        raise SlotUnknown(slot_id=str(missing[0]) if missing else None)
    people = await passes.cards.people_of(tx, card)
    request = await _request(tx, actor, account_id, card, wish, slots, people)
    known = await idempotency.recall(tx, account_id, wish.key, bytes.fromhex(request.body_hash[2:]))
    if known is not None:
        return msgspec.convert(known, Placed)
    _require(card, wish, slots, people)
    [placed] = await placing.place_many(tx, [request])
    if isinstance(placed, Problem):
        raise placed
    assert placed.amount_minor == 0, "a card pays nothing but prices of 0"
    holds = [_hold(card, at, visit, slots[visit.slot_id]) for at, visit in enumerate(wish.visits)]
    await passes.hold(tx, actor, card, placed.order_id, placed.number, holds)
    faults.point(RESERVED)
    return placed


def _require(card: Card, wish: Wish, slots: dict[UUID, CardSlot], people: dict[int, NewPerson]) -> None:
    """CardRefuses with every reason; also when the names have been removed, without which nobody can be booked."""
    wanted = [
        Wanted(slots[one.slot_id].product_id, slots[one.slot_id].visit_date, slots[one.slot_id].starts_at, one.people)
        for one in wish.visits
    ]
    found = passes.eligibility.refusals(card, wanted, clock.now())
    errors = [
        {
            "field": f"visits[{one.visit}]",
            "code": one.code,
            "message": one.says,
            "severity": "error",
            "suggestion": None,
        }
        for one in found
    ]
    if errors or len(people) < len(card.people):
        raise CardRefuses(errors=errors)


def _coming(card: Card, visit: VisitWish) -> list[int]:
    everybody = [person.seq for person in card.people]
    return everybody if visit.people is None else [seq for seq in everybody if seq in visit.people]


def _quantity(card: Card, visit: VisitWish, slot: CardSlot) -> int:
    """A room is one, whoever sleeps in it; else a place for each who comes."""
    covered = card.covering(slot.product_id)
    is_night = covered is not None and card.rules.item(covered.item).unit == "night"
    return 1 if is_night else len(_coming(card, visit))


async def _request(
    tx: Tx,
    actor: Actor,
    account_id: UUID,
    card: Card,
    wish: Wish,
    slots: dict[UUID, CardSlot],
    people: dict[int, NewPerson],
) -> PlaceRequest:
    """The basket as any other booking, in the names of the card's people and with the phone it was bought with."""
    lines = []
    for visit in wish.visits:
        slot = slots[visit.slot_id]
        named = [_typed(people[seq]) for seq in _coming(card, visit) if seq in people] if slot.real_name else []
        quantity = max(_quantity(card, visit, slot), 1)
        lines.append(BasketLine(visit.slot_id, slot.price_id or f"{slot.product_id}-with-card", quantity, named, 0))
    phone = await store.phone(tx, card.row.order_id)
    return placing.prepare(
        account_id=account_id,
        key=wish.key,
        basket=Basket(lines, phone),
        locale=wish.locale,
        channel=CHANNEL,
        actor=actor,
    )


def _typed(person: NewPerson) -> TravellerInput:
    return TravellerInput(person.name, person.document_type, person.document)


def _hold(card: Card, at: int, visit: VisitWish, slot: CardSlot) -> passes.Hold:
    covered = card.covering(slot.product_id)
    assert covered is not None
    return passes.Hold(
        item=covered.item, line_seq=at + 1, product_id=slot.product_id, slot_id=slot.id, visit_date=slot.visit_date,
        starts_at=slot.starts_at, ends_at=slot.ends_at, people=max(len(_coming(card, visit)), 1),
        list_minor=covered.prices[slot.product_id],
    )  # fmt: skip


async def cancel(tx: Tx, actor: Actor, account_id: UUID, number: str, order_number: str, line_seq: int) -> None:
    """Gives one visit of a card back: its places go on sale again, the use comes back to the card. Again: nothing.

    CardUnknown; OrderUnknown when it is no visit of this card; NotCancellable when it was used or is over.
    """
    card = await passes.cards.require(tx, account_id, number)
    use = next((use for use in card.uses if (use.order_number, use.line_seq) == (order_number, line_seq)), None)
    if use is None:
        raise OrderUnknown
    await _cancel_line(tx, actor, use.order_id, line_seq)
    faults.point(CANCELLED)


async def cancel_all(tx: Tx, actor: Actor, order_id: UUID) -> int:
    """Gives back every visit that is booked with the cards of an order, because those end; how many there were."""
    await passes.cards.lock_of_order(tx, order_id)
    return await _cancel_open(tx, actor, await passes.cards.of_order(tx, order_id))


async def cancel_of_card(tx: Tx, actor: Actor, number: str) -> int:
    """The same for one card."""
    card = await passes.cards.by_number(tx, number)
    await passes.cards.lock_of_order(tx, card.row.order_id)
    return await _cancel_open(tx, actor, [await passes.cards.by_number(tx, number)])


async def _cancel_open(tx: Tx, actor: Actor, cards: Sequence[Card]) -> int:
    open_uses = [use for card in cards for use in card.uses if use.state is UseState.HELD]
    for use in sorted(open_uses, key=lambda use: (use.order_id, use.line_seq)):
        await _cancel_line(tx, actor, use.order_id, use.line_seq, force=True)
    return len(open_uses)


async def _cancel_line(tx: Tx, actor: Actor, order_id: UUID, line_seq: int, *, force: bool = False) -> None:
    row = await store.locked(tx, order_id)
    assert row is not None
    items = await after_sale_store.items(tx, order_id)
    item = next((item for item in items if item.seq == line_seq), None)
    if item is None or row.state is State.CANCELLED:
        return
    if row.state is not State.CONFIRMED:
        raise NotCancellable(state=row.state)
    if await attendance.slot_was_used(tx, row.number, item.slot_id):
        raise NotCancellable(reason="used")
    if item.starts_at <= clock.now() and not force:
        raise NotCancellable(reason="started")
    if len(items) == 1:
        await cancellation.end_order(tx, actor, row, {"card": True})
        return
    details: dict[str, Any] = {"line": line_seq, "travellers": item.travellers}
    await store.add_event(tx, order_id, "visit_cancelled", clock.now(), str(actor), details)
    await passes.release(tx, actor, order_id, [line_seq])
    await news.changed(tx, row)
    await after_sale_store.leave(tx, order_id, [after_sale_store.leaving(item)])
    await attendance.settle(tx, row, str(actor))
