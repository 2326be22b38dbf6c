"""Assisted booking: staff book for somebody on the telephone or at the counter, who may have no phone of their own.

The order belongs to the person's account where the phone is known, else to one that nobody signs in to yet; its number and
PIN, printed on a slip, open it everywhere. The same form counts once. Also practice at desks: who starts it and how it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from holdfast import inventory
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.problems import Invalid, Problem

from . import assisted_money, assisted_requests, assisted_store, lookup, messages, placing, store
from .assisted_store import Drill, Made
from .imports_booking import HOME
from .model import BasketLine, Order, OrderUnknown

CHANNEL = "desk"
PAYMENTS = ("cash", "link")
LISTED = 30
_NOBODY = UUID(int=0)


class PhoneForLinkMissing(Invalid):
    """A link to pay needs a phone that it can be sent to."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Enter the phone, or take the money at the desk."


async def book(
    tx: Tx,
    actor: Actor,
    *,
    key: str,
    lines: Sequence[BasketLine],
    phone: str,
    locale: str,
    payment: str,
    desk_code: str = "",
) -> str:
    """Books for somebody; the number of the order. The same key gives the same order.

    `payment` is ``cash`` (the whole sum is in hand: confirmed at once) or ``link`` (a message with the link to pay; the places
    are kept until the visit); what is free is confirmed either way. With a desk its allotment is used first.
    Raises what placing raises: InvalidInput with every finding, SlotFull and the like; PhoneForLinkMissing.
    """
    await lock(tx, f"orders.assisted:{key}")
    if known := await assisted_store.of_key(tx, key):
        return known
    request = assisted_requests.prepare(
        key=key, lines=lines, phone=phone, locale=locale, channel=CHANNEL, actor=actor, account_id=_NOBODY,
        today=clock.now().astimezone(HOME).date(),
    )  # fmt: skip
    request = msgspec.structs.replace(request, account_id=await assisted_money.account_for(tx, request))
    desk = (await inventory.allotments.require(tx, desk_code)).code if desk_code else None
    if desk:
        await _draw(tx, desk, lines)
    [placed] = await placing.place_many(tx, [request])
    if isinstance(placed, Problem):
        raise placed
    if placed.amount_minor:
        if payment == "link" and not phone:
            raise PhoneForLinkMissing
        await assisted_money.settle(
            tx, actor, placed.order_id, paid=payment == "cash", note=ids.show_code(placed.number)
        )
        if payment == "link":
            await _send_link(tx, placed.order_id, placed.number)
    await assisted_store.insert(tx, key=key, order_id=placed.order_id, desk=desk, by=str(actor), at=clock.now())
    await audit.record(tx, actor, "desk.booking", placed.number, payment=payment, desk=desk or "")
    return placed.number


async def _draw(tx: Tx, desk: str, lines: Sequence[BasketLine]) -> None:
    """As much of it as the desk has set aside; the rest is for everybody."""
    wanted: dict[UUID, int] = {}
    taking = await assisted_store.taking_places(tx, [line.price_id for line in lines])
    for line in lines:
        if line.price_id not in taking:
            continue
        wanted[line.slot_id] = wanted.get(line.slot_id, 0) + line.quantity
    _slots, left = await inventory.allotments.lock_left(tx, desk, list(wanted))
    await inventory.allotments.draw(
        tx, desk, {slot_id: min(count, left.get(slot_id, 0)) for slot_id, count in wanted.items()}
    )


async def _send_link(tx: Tx, order_id: UUID, number: str) -> None:
    row = await store.locked(tx, order_id)
    assert row is not None
    assert row.expires_at is not None
    until = row.expires_at.astimezone(HOME)
    await messages.tell(tx, row, "order-to-pay", link=lookup.link(number), until=f"{until:%m-%d %H:%M}")


async def made(tx: ReadTx) -> list[Made]:
    """The newest bookings that staff made."""
    return await assisted_store.newest(tx, LISTED)


async def slip(tx: ReadTx, number: str) -> Order:
    """An order that staff made, with its people masked and its tickets: for the slip that is printed. OrderUnknown for others."""
    row = await store.by_number(tx, ids.read_code(number) or "")
    if row is None or row.channel not in (CHANNEL, "paper"):
        raise OrderUnknown
    return await lookup.whole(tx, row)


async def start_drill(tx: Tx, actor: Actor, desk_code: str) -> None:
    """A desk begins to practise: what its offline page takes from now on is judged and never booked."""
    desk = await inventory.allotments.require(tx, desk_code)
    await inventory.allotments.set_drill(tx, actor, desk.code, on=True)
    await assisted_store.start_drill(tx, ids.uuid7(), desk.code, str(actor), clock.now())


async def end_drill(tx: Tx, actor: Actor, desk_code: str) -> None:
    """Practice is over; what is taken from the next download on counts."""
    desk = await inventory.allotments.require(tx, desk_code)
    await inventory.allotments.set_drill(tx, actor, desk.code, on=False)
    await assisted_store.end_drill(tx, desk.code, clock.now())


async def drills(tx: ReadTx) -> list[Drill]:
    """How practice went: how fast the first booking was taken and handed in, and how many lines had a fault."""
    return await assisted_store.drills(tx, LISTED)
