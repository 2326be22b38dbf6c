"""Choices: what a party of a cut may do by itself while it waits, and what it is told about its chances."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from holdfast.inventory import safety
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx

from . import (
    displacement_moving,
    displacement_offers_store,
    displacement_parting,
    displacement_prices,
    displacement_run,
    displacement_store,
)
from .displacement_model import ChoiceOver, Cut, NoChoice, Party
from .displacement_offers_store import Free, Offer
from .displacement_prices import Price
from .displacement_store import Visit
from .model import Order, PaymentInDoubt

SHOWN = 12
"""So many other times at most."""


class Choice(msgspec.Struct, frozen=True):
    """One visit of an order that a cut touches. `kept_now`: parties before it in the order fill the room, so it would go.

    `back_price`: what the places that are held for it cost, where they are booked anew; places of who was moved cost nothing more.
    `ahead` and `waiting` count the parties of its slot that still wait; `held` is another time set aside for it.
    """

    cut: Cut
    party: Party
    visit: Visit
    is_open: bool
    kept_now: bool
    place: int
    waiting: int
    room: int
    held: Offer | None
    others: list[Free]
    moved_to: Visit | None
    back: Offer | None
    back_price: Price | None


async def of_order(tx: ReadTx, order: Order) -> list[Choice]:
    """What there is to choose for an order, or what was chosen; the newest cut first. Empty when no cut touches it."""
    found = []
    for party in await displacement_store.of_order(tx, order.row.id):
        cut = await displacement_store.find(tx, party.cut_id)
        if cut is not None and cut.step not in ("stopped", "given_up"):
            found.append(await _choice(tx, cut, party))
    return found


async def open_until(tx: ReadTx, order: Order) -> datetime | None:
    """Until when something may be chosen for an order; None when nothing may."""
    times = [one.cut.answer_until for one in await of_order(tx, order) if one.is_open and one.cut.answer_until]
    backs = [
        one.until_at
        for one in await displacement_offers_store.held(tx, order.row.id, clock.now())
        if one.kind == "return"
    ]
    return min([*times, *backs], default=None)


async def _choice(tx: ReadTx, cut: Cut, party: Party) -> Choice:
    wanted = [party.slot_id, *([party.to_slot] if party.to_slot else [])]
    visits = await displacement_store.visits(tx, wanted)
    is_open = party.outcome is None and party.is_paid and cut.takes_answers and party.protected != "inside"
    held = [
        one
        for one in await displacement_offers_store.held(tx, party.order_id, clock.now())
        if one.from_slot == party.slot_id
    ]
    alternative = next((one for one in held if one.kind == "alternative"), None)
    back = next((one for one in held if one.kind == "return" and one.cut_id == cut.id), None)
    here = (
        [one for one in await displacement_store.waiting(tx, cut.id) if one.slot_id == party.slot_id] if is_open else []
    )
    room = (await safety.room_of(tx, [party.slot_id]))[party.slot_id]
    used = sum(one.places for one in here if one.position <= party.position)
    return Choice(
        cut=cut, party=party, visit=visits[party.slot_id], is_open=is_open, kept_now=used <= room,
        place=sum(one.position <= party.position for one in here), waiting=len(here), room=room, held=alternative,
        others=await _others(tx, visits[party.slot_id], party) if is_open else [],
        moved_to=visits.get(party.to_slot) if party.to_slot else None,
        back=back, back_price=await displacement_prices.price(tx, back) if back and party.outcome == "refunded" else None,
    )  # fmt: skip


async def _others(tx: ReadTx, visit: Visit, party: Party) -> list[Free]:
    """Other times of the same ticket with room for the whole party, the nearest first."""
    around = displacement_run.AROUND
    found = await displacement_offers_store.free_beside(
        tx, [party.slot_id], clock.now(), visit.visit_date - around, visit.visit_date + around
    )
    fits = [one for one in found if one.places >= party.places and one.starts_at > clock.now() + timedelta(minutes=5)]
    return sorted(fits, key=lambda one: abs((one.starts_at - visit.starts_at).total_seconds()))[:SHOWN]


async def move(db: Db, actor: Actor, order: Order, slot_id: UUID, to_slot: UUID) -> None:
    """Moves a visit to another time. NoChoice, ChoiceOver; of the new time SlotFull and the like."""
    choice = await db.read(_open, order, slot_id)
    await displacement_moving.move(db, actor, choice.party, to_slot)


async def give_back(db: Db, actor: Actor, order: Order, slot_id: UUID) -> None:
    """Gives a visit up for all of its money. NoChoice, ChoiceOver; PaymentInDoubt while a payment is asked about."""
    choice = await db.read(_open, order, slot_id)
    if not await displacement_parting.part(db, actor, choice.party, chosen=True):
        raise PaymentInDoubt


async def _open(tx: ReadTx, order: Order, slot_id: UUID) -> Choice:
    found = [one for one in await of_order(tx, order) if one.party.slot_id == slot_id]
    if not found:
        raise NoChoice
    choice = next((one for one in found if one.is_open), None)
    if choice is None:
        raise ChoiceOver
    return choice


async def visits_of(tx: ReadTx, choices: list[Choice]) -> dict[UUID, Visit]:
    """What the times are called that are held for somebody."""
    return await displacement_store.visits(tx, [one.held.to_slot for one in choices if one.held])
