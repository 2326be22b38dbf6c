"""The waiting list: places that come free go to those who waited, in the order of arrival, before anybody else can buy them.

Joining is a booking that found its slot full: it is checked as every booking is, and whoever finds places after all has
them. From then on what comes free is set aside in the same statement (`inventory.keep_for_waiting`), so that there is no
moment in which it could be snapped up. An offer is an order that holds the places until its deadline; a free ticket is
booked at once. Whole parties only: one that is too big for what is there is passed over and keeps its place. Places too
few for anybody are kept for a quarter of an hour, in case more come free, then go on sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace

from holdfast import accounts
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import audit, clock, crypto, faults, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import InvalidInput, Problem

from . import cancellation, lookup, offers, placing, store
from . import waitlist_store as lists
from .model import UNPAID, Basket, BasketLine, Placed, PlaceRequest, SlotFull, TravellerInput
from .waitlist_model import (
    OFFER_AT_LEAST,
    WAIT_STATES,
    WAITS_MAX,
    AlreadyWaiting,
    NoPhoneForOffers,
    TooManyWaits,
    Wait,
    WaitHopeless,
    WaitOver,
    WaitState,
    WaitUnknown,
    WaitView,
)

PEOPLE = "orders.waits.people"
SHOWN_MAX = 50
JOINED = faults.declare("waitlist.join.before_commit", "somebody has joined a waiting list, not yet committed")
_people = msgspec.json.Decoder(list[list[TravellerInput]])


async def join(
    tx: Tx, actor: Actor, account_id: UUID, key: str, lines: Sequence[BasketLine], *, locale: str, channel: str
) -> WaitView | Placed:
    """Puts a party at the end of the list of a slot. Placed instead when there are places for it after all.

    All lines are of one slot. The same key again: the same answer. InvalidInput for what was typed; every problem of a
    booking but SlotFull; AlreadyWaiting, TooManyWaits, WaitHopeless, NoPhoneForOffers.
    """
    await lock(tx, f"orders.waits:{await lists.root(tx, account_id)}")
    if before := await lists.by_key(tx, account_id, key):
        return await view(tx, account_id, before.id)
    slot_id = lines[0].slot_id if lines else None
    if slot_id is None or any(line.slot_id != slot_id for line in lines):
        raise InvalidInput(errors=[])
    phone = await accounts.phone_of(tx, account_id)
    if phone is None:
        raise NoPhoneForOffers
    request = placing.prepare(
        account_id=account_id, key=f"waitlist-{key}"[:255], basket=Basket(list(lines), phone), locale=locale, channel=channel,
        actor=actor,
    )  # fmt: skip
    found = await book(tx, request)
    if isinstance(found, Placed):
        return found
    if not isinstance(found, SlotFull):
        raise found
    places = int(found.fields["asked"])
    await _require_sense(tx, account_id, slot_id, places)
    wait_id, now = ids.uuid7(), clock.now()
    await lists.insert(
        tx, wait_id=wait_id, key=key, account_id=account_id, slot_id=slot_id, places=places, locale=locale, at=now,
        tickets=[{"price_id": line.price_id, "quantity": line.quantity} for line in lines],
        people=crypto.seal(PEOPLE, msgspec.json.encode([line.travellers for line in lines]).decode()),
    )  # fmt: skip
    await audit.record(tx, actor, "wait.join", f"wait:{wait_id}", slot=str(slot_id), places=places)
    faults.point(JOINED)
    return await view(tx, account_id, wait_id)


async def book(tx: Tx, request: PlaceRequest, *, hold_s: int | None = None) -> Placed | Problem:
    """Decides a booking of somebody who waits at the price of now: with what campaigns give at this moment.

    Nobody was shown a price for it, so what is over in this very moment is left out, and the places are not lost for it.
    """
    for again in range(offers.TRIES):
        found = await placing.place_one(tx, _keyed(request, again), is_known=True, hold_s=hold_s)
        if not isinstance(found, BenefitOver):
            return found
    [found] = await placing.place_many(tx, [_keyed(request, offers.TRIES)], hold_s=hold_s)
    return found


def _keyed(request: PlaceRequest, again: int) -> PlaceRequest:
    """An answer is remembered under its key: each try has one of its own."""
    return replace(request, key=f"{request.key[:250]}~{again}") if again else request


async def _require_sense(tx: Tx, account_id: UUID, slot_id: UUID, places: int) -> None:
    """Not twice in one list, not in too many, and not where an offer can never come."""
    waits = await lists.open_of(tx, account_id)
    if same := next((wait for wait in waits if wait.slot_id == slot_id), None):
        raise AlreadyWaiting(wait_id=str(same.id))
    if len(waits) >= WAITS_MAX:
        raise TooManyWaits(allowed=WAITS_MAX)
    capacity, closes_at = await lists.capacity(tx, slot_id)
    if capacity < places or closes_at - clock.now() < OFFER_AT_LEAST:
        raise WaitHopeless(capacity=capacity, asked=places)


async def view(tx: ReadTx, account_id: UUID, wait_id: UUID) -> WaitView:
    """One party of the person behind an account. WaitUnknown."""
    found = await lists.views(tx, account_id, wait_id, 1)
    if not found:
        raise WaitUnknown
    return found[0]


async def mine(tx: ReadTx, account_id: UUID) -> list[WaitView]:
    """The lists of the person behind an account, those that have not ended first."""
    return await lists.views(tx, account_id, None, SHOWN_MAX)


async def lengths(tx: ReadTx, slot_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many parties wait for each of these slots."""
    return await lists.lengths(tx, slot_ids)


async def leave(db: Db, actor: Actor, account_id: UUID, wait_id: UUID) -> None:
    """Leaves a list, or declines the offer: its places go to the next at once. Again: nothing.

    WaitUnknown; WaitOver when the offer was taken already; PaymentInDoubt while it may have been paid.
    """
    number = await db.run(_leave, actor, account_id, wait_id)
    if number is None:
        return
    async with db.reading() as tx:
        order = await lookup.require(tx, account_id, number)
    if order.state in UNPAID:
        await cancellation.cancel(db, actor, order)


async def _leave(tx: Tx, actor: Actor, account_id: UUID, wait_id: UUID) -> str | None:
    """Ends a party that waits; else the number of the order that holds its offer."""
    wait = await lists.locked(tx, wait_id, account_id)
    if wait is None:
        raise WaitUnknown
    if wait.state is WaitState.OFFERED and wait.order_id:
        row = await store.locked(tx, wait.order_id)
        assert row is not None
        if row.state not in (*UNPAID, "cancelled", "expired"):
            raise WaitOver
        return row.number
    if wait.state is WaitState.TAKEN:
        raise WaitOver
    if wait.state is WaitState.WAITING:
        await end(tx, wait, WaitState.LEFT)
        await audit.record(tx, actor, "wait.leave", f"wait:{wait.id}")
    return None


async def end(tx: Tx, wait: Wait, state: WaitState) -> None:
    """A locked party is no longer in its list; with the last of it nothing is kept any more."""
    assert state in WAIT_STATES[wait.state], f"{wait.state} never becomes {state}"
    await lists.end(tx, wait.id, state, clock.now())
    await lists.end_line(tx, wait.slot_id)


def basket(wait: Wait, sealed: bytes, phone: str) -> Basket:
    """What a party that waits wants, with its travellers, at the prices of now."""
    people = _people.decode(crypto.unseal(PEOPLE, sealed))
    lines = [
        BasketLine(wait.slot_id, str(ticket["price_id"]), int(ticket["quantity"]), travellers)
        for ticket, travellers in zip(wait.tickets, people, strict=True)
    ]
    return Basket(lines, phone)
