"""Moving: a party of a cut goes over to another time of the same ticket, to places that are held for it, at no cost.

The house is the cause: there is no fee and no deadline, what is dearer costs nothing more, what is cheaper goes back.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from psycopg import errors

from holdfast import inventory
from holdfast.kit import clock, faults, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx
from holdfast.passes import entitlements

from . import (
    after_sale_store,
    change_quotes,
    changes,
    changes_store,
    discounts,
    displacement_offers_store,
    displacement_store,
    store,
)
from .after_sale_model import Change, ChangeState
from .change_quotes import ChangeQuote
from .changes_store import Move, Target
from .displacement_model import ChoiceOver, Party
from .displacement_parting import CARD
from .model import DocumentAlreadyBooked, OrderRow, OrderUnknown, SlotUnknown
from .policies import Item

MOVED = faults.declare("cuts.moved", "a party of a cut is in its new slot, not yet committed")


async def move(db: Db, actor: Actor, party: Party, to_slot: UUID) -> None:
    """Moves a party whose outcome is open. ChoiceOver when it is known; else the problems of a change of date."""
    try:
        await db.run(_move, actor, party, to_slot)
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name != "document_once_a_day":
            raise
        raise DocumentAlreadyBooked from taken


async def _move(tx: Tx, actor: Actor, party: Party, to_slot: UUID) -> None:
    row = await store.locked(tx, party.order_id)
    standing = await displacement_store.party_locked(tx, party.cut_id, party.order_id, party.slot_id)
    if row is None:
        raise OrderUnknown
    if standing is None or standing.outcome is not None:
        raise ChoiceOver
    held = await displacement_offers_store.end_offers(
        tx, party.cut_id, row.id, party.slot_id, "alternative", clock.now(), taken=to_slot
    )
    made = await shift(tx, actor, row, party.slot_id, to_slot, held)
    await displacement_store.end_party(
        tx,
        standing,
        "moved",
        at=clock.now(),
        told=True,
        chosen=True,
        refund_minor=max(0, -made.due_minor),
        to_slot=to_slot,
    )
    faults.point(MOVED)


async def shift(tx: Tx, actor: Actor, row: OrderRow, from_slot: UUID, to_slot: UUID, held: dict[UUID, int]) -> Change:
    """The locked order's visit in one slot becomes one in another. `held`: places set aside that are free from now on.

    The order's message tells of it. NotChangeable; SlotFull and the like as in placing.
    """
    target = await changes_store.target(tx, to_slot)
    if target is None:
        raise SlotUnknown(slot_id=str(to_slot))
    items = await change_quotes.movable(tx, row, from_slot, target.product_id)
    await changes_store.lock_person(tx, row.account_id)
    found = await _quote(tx, row, target, items)
    await change_quotes.require_people(tx, row, found)
    known = await changes_store.of_order(tx, row.id)
    made = _made(actor, row, found, seq=known[0].seq + 1 if known else 1)
    await changes_store.insert(tx, made)
    await changes.pay_back(tx, actor, row, made)
    await changes_store.lock_slots(tx, sorted({from_slot, to_slot, *held}))
    if held:
        await inventory.safety.set_aside(tx, list(held), [-places for places in held.values()])
    await change_quotes.require_room(tx, found)
    await changes_store.take_new(tx, row.id, to_slot, found.moves)
    await changes.arrive(tx, str(actor), row, made)
    if row.channel == CARD:
        here = [item.seq for item in await after_sale_store.items(tx, row.id) if item.slot_id == to_slot]
        old = sorted(move.line_seq for move in found.moves)
        await entitlements.moved(tx, str(actor), row.id, old, here[-len(old) :], to_slot)
    return made


async def _quote(tx: Tx, row: OrderRow, target: Target, items: list[Item]) -> ChangeQuote:
    """The sums of a move that the house causes: nothing is to be paid."""
    fares = await changes_store.fares(tx, target.product_id, target.visit_date)
    moves = []
    for item in items:
        move = change_quotes.move_to(item, change_quotes.fare_of(item, fares), row.currency)
        moves.append(msgspec.structs.replace(move, unit_minor=min(item.unit_minor, move.unit_minor)))
    moves = await discounts.carry(tx, items, moves, at_most=True)
    sums = _sums(items, moves)
    return ChangeQuote(
        from_slot=items[0].slot_id, to_slot=target.id, old_starts_at=items[0].starts_at, new_starts_at=target.starts_at,
        new_ends_at=target.ends_at, quantity=sum(item.quantity for item in items), moves=moves, old_minor=sums.old,
        new_minor=sums.new, fee_minor=0, due_minor=sums.new - sums.old, currency=row.currency, benefit=False,
        holds_until=None,
    )  # fmt: skip


class _Sums(NamedTuple):
    old: int
    new: int


def _sums(items: list[Item], moves: list[Move]) -> _Sums:
    return _Sums(
        sum(item.price_minor for item in items),
        sum(move.unit_minor * item.quantity - move.discount_minor for move, item in zip(moves, items, strict=True)),
    )


def _made(actor: Actor, row: OrderRow, found: ChangeQuote, seq: int) -> Change:
    now: datetime = clock.now()
    return Change(
        id=ids.uuid7(), order_id=row.id, seq=seq, state=ChangeState.DONE, from_slot=found.from_slot, to_slot=found.to_slot,
        old_minor=found.old_minor, new_minor=found.new_minor, fee_minor=0, due_minor=found.due_minor, currency=row.currency,
        benefit_id=None, intent_id=None, asked_by=str(actor), asked_at=now, expires_at=None, ended_at=now,
    )  # fmt: skip
