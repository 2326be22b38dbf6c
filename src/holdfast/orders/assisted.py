"""Assisted booking: staff book for somebody on the telephone or at the counter, who may have no phone of their own.

The order belongs to the person's account where the phone is known, else to one that nobody signs in to yet; its number and
PIN, printed on a slip, open it everywhere. The same form counts once. Offers of the channel ``desk`` count as others do at
checkout; the booking is priced in its own transaction, because what the desk has set aside is sold in it. Also practice at desks: who starts it and how it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from holdfast import inventory
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import Invalid, Problem

from . import assisted_money, assisted_requests, assisted_store, lookup, messages, offers, placing, store
from .assisted_store import Drill, Made
from .imports_booking import HOME
from .model import BasketLine, Order, OrderUnknown
from .offers import Quoted

CHANNEL = "desk"
PAYMENTS = ("cash", "link")
LISTED = 30
_NOBODY = UUID(int=0)


class PhoneForLinkMissing(Invalid):
    """A link to pay needs a phone that it can be sent to."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Enter the phone, or take the money at the desk."


class Wanted(msgspec.Struct, frozen=True):
    """What somebody wants, as it was typed at a desk.

    `payment` is ``cash`` (the whole sum is in hand: confirmed at once) or ``link`` (a message with the link to pay; the places
    are kept until the visit); what is free is confirmed either way. With a desk its allotment is used first.
    `quoted_total_minor`: the price that was said, which is exactly what is taken in cash and the most that a link asks for.
    """

    key: str
    lines: list[BasketLine]
    phone: str
    locale: str
    payment: str
    desk_code: str = ""
    code: str = ""
    quoted_total_minor: int | None = None


async def quote(tx: ReadTx, wishes: Sequence[offers.Wish], *, phone: str, locale: str, code: str = "") -> Quoted:
    """What it costs now, as `book` will have it: for the person of that phone, or a new one. Without a phone nobody is known."""
    known = await assisted_money.known(tx, phone) if phone else None
    is_new = bool(phone) and known is None
    return await offers.quote(tx, known, wishes, channel=CHANNEL, locale=locale, code=code, is_new=is_new)


async def book(db: Db, actor: Actor, wanted: Wanted) -> str:
    """Books for somebody; the number of the order. The same key gives the same order.

    Raises what placing raises: InvalidInput with every finding, SlotFull, BenefitOver and the like; TotalChanged when the price is
    not what was said; PhoneForLinkMissing.
    """
    answer = await db.run(_book, actor, wanted)
    if isinstance(answer, Problem):
        raise answer
    return answer


async def _book(tx: Tx, actor: Actor, wanted: Wanted) -> str | BenefitOver:
    """A refusal by the guard of a campaign is an answer: what it decided is written, also that it stopped the campaign."""
    key, payment = wanted.key, wanted.payment
    await lock(tx, f"orders.assisted:{key}")
    if known := await assisted_store.of_key(tx, key):
        return known
    request = assisted_requests.prepare(
        key=key, lines=wanted.lines, phone=wanted.phone, locale=wanted.locale, channel=CHANNEL, actor=actor, account_id=_NOBODY,
        today=clock.now().astimezone(HOME).date(), code=wanted.code, quoted_total_minor=wanted.quoted_total_minor,
    )  # fmt: skip
    request = msgspec.structs.replace(request, account_id=await assisted_money.account_for(tx, request))
    desk = (await inventory.allotments.require(tx, wanted.desk_code)).code if wanted.desk_code else None
    drawn = await _draw(tx, desk, wanted.lines) if desk else {}
    placed = await placing.place_one(tx, request, is_known=bool(wanted.phone))
    if isinstance(placed, BenefitOver):
        if desk:
            await inventory.allotments.put_back(tx, desk, drawn)
        return placed
    if isinstance(placed, Problem):
        raise placed
    if payment == "cash" and wanted.quoted_total_minor not in (None, placed.amount_minor):
        raise offers.TotalChanged(
            quoted_minor=wanted.quoted_total_minor, total_minor=placed.amount_minor, currency=placed.currency
        )
    if placed.amount_minor:
        if payment == "link" and not wanted.phone:
            raise PhoneForLinkMissing
        await assisted_money.settle(
            tx, actor, placed.order_id, paid=payment == "cash", note=ids.show_code(placed.number)
        )
        if payment == "link":
            await _send_link(tx, placed.order_id, placed.number)
    await assisted_store.insert(tx, key=key, order_id=placed.order_id, desk=desk, by=str(actor), at=clock.now())
    await audit.record(tx, actor, "desk.booking", placed.number, payment=payment, desk=desk or "")
    return placed.number


async def _draw(tx: Tx, desk: str, lines: Sequence[BasketLine]) -> dict[UUID, int]:
    """As much of it as the desk has set aside, by slot; the rest is for everybody."""
    wanted: dict[UUID, int] = {}
    taking = await assisted_store.taking_places(tx, [line.price_id for line in lines])
    for line in lines:
        if line.price_id not in taking:
            continue
        wanted[line.slot_id] = wanted.get(line.slot_id, 0) + line.quantity
    _slots, left = await inventory.allotments.lock_left(tx, desk, list(wanted))
    drawn = {slot_id: min(count, left.get(slot_id, 0)) for slot_id, count in wanted.items()}
    await inventory.allotments.draw(tx, desk, drawn)
    return drawn


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
