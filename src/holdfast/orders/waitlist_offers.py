"""Offers of the waiting list: whoever is next gets an order that holds the places; what is not taken goes to the one after.

One transaction for each offer, so that nothing is locked longer than by a booking. A crash between two of them loses
nothing: places stay kept, offers stay orders with a deadline, and the next round goes on.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from holdfast import accounts, notices
from holdfast.kit import clock, faults, ids
from holdfast.kit.actor import system
from holdfast.kit.db import Db, Tx, lock
from holdfast.kit.i18n import pick
from holdfast.kit.problems import Problem

from . import lookup, model, placing, waitlist
from . import waitlist_store as lists
from .model import Placed, PlaceRequest, State
from .waitlist_model import (
    OF_ORDER,
    PASS_AGAIN_AFTER,
    Line,
    NoPhoneForOffers,
    Wait,
    WaitState,
    is_leftover_over,
    offer_until,
)

OFFERED = faults.declare("waitlist.offer.before_commit", "places are offered to the next who waits, not yet committed")
SETTLED = faults.declare("waitlist.settle.before_commit", "an answered offer is noted, not yet committed")
_ACTOR = system("waitlist")
_OF_THE_SLOT = (model.SlotFull, model.SlotClosed, model.SaleOver, model.NotYetOnSale, model.SaleUnconfirmed)


class _Refused(Exception):
    """A booking for somebody who waits was refused; what it drew is given back with the transaction."""

    def __init__(self, wait: Wait, problem: Problem) -> None:
        super().__init__(problem.code)
        self.wait, self.problem = wait, problem


async def offer(db: Db) -> int:
    """Notes how offers were answered and makes new ones, list by list; how many were made."""
    made = 0
    for slot_id in await db.read(lists.due, clock.now()):
        await db.run(_settle, slot_id)
        while True:
            try:
                if not await db.run(_offer_next, slot_id):
                    break
                made += 1
            except _Refused as refused:
                if isinstance(refused.problem, _OF_THE_SLOT):
                    break  # somebody was quicker, or it is closed by now: the next round looks again
                await db.run(lists.pass_over, refused.wait.id, clock.now(), refused.problem.code)
    return made


async def _settle(tx: Tx, slot_id: UUID) -> None:
    """What became of the offers of a slot; and the end of the list, when its sale is over."""
    await lock(tx, f"orders.waitlist:{slot_id}")
    now = clock.now()
    for found in await lists.answered(tx, slot_id):
        state = OF_ORDER[found.order_state]
        await lists.end(tx, found.id, state, now)
        if state is WaitState.TAKEN:
            for other in await lists.others_that_day(tx, found.id):
                await lists.end(tx, other, WaitState.LEFT, now)
        elif state is WaitState.LAPSED:
            await _tell(tx, slot_id, found.account_id, found.locale, "waitlist-lapsed")
    line = await lists.line(tx, slot_id)
    assert line is not None
    if line.sale_closes_at <= now:
        for wait in await lists.waiting(tx, slot_id):
            await lists.end(tx, wait.id, WaitState.OVER, now)
            await _tell(tx, slot_id, wait.account_id, wait.locale, "waitlist-over")
    await lists.end_line(tx, slot_id)
    faults.point(SETTLED)


async def _offer_next(tx: Tx, slot_id: UUID) -> bool:
    """Offers places to the first party that they are enough for. False when there is none, or nothing to offer."""
    await lock(tx, f"orders.waitlist:{slot_id}")
    now, line = clock.now(), await lists.line(tx, slot_id)
    assert line is not None
    until = offer_until(now, line.time_zone, line.sale_closes_at)
    if until is None or not line.is_open:
        return False
    wait = await lists.next_that_fits(tx, slot_id, line.free, now - PASS_AGAIN_AFTER)
    if wait is None:
        await _keep_or_let_go(tx, line, now)
        await lists.end_line(tx, slot_id)
        return False
    phone = await accounts.phone_of(tx, wait.account_id)
    if phone is None:
        raise _Refused(wait, NoPhoneForOffers())
    await lists.forget_leftover(tx, slot_id)
    await lists.lock_person(tx, wait.account_id)
    await lists.draw(tx, slot_id, wait.places)
    hold_s = int((until - now).total_seconds())
    placed = await waitlist.book(tx, await _request(tx, wait, phone), hold_s=hold_s)
    if isinstance(placed, Problem):
        raise _Refused(wait, placed)
    await _note(tx, wait, placed, line, now)
    faults.point(OFFERED)
    return True


async def _request(tx: Tx, wait: Wait, phone: str) -> PlaceRequest:
    """The booking of a party: under a key of its own, since it may be refused today and possible tomorrow."""
    return placing.prepare(
        account_id=wait.account_id, key=f"waitlist-offer-{wait.id}-{ids.new_code()}",
        basket=waitlist.basket(wait, await lists.people(tx, wait.id), phone), locale=wait.locale, channel="waitlist", actor=_ACTOR,
    )  # fmt: skip


async def _note(tx: Tx, wait: Wait, placed: Placed, line: Line, now: datetime) -> None:
    """The order holds the places; its person is told. A free one is booked already, and so is taken."""
    await lists.set_offered(tx, wait.id, placed.order_id, now, placed.expires_at)
    link = lookup.link(placed.number)
    if placed.state is State.CONFIRMED:
        await lists.end(tx, wait.id, WaitState.TAKEN, now)
        for other in await lists.others_that_day(tx, wait.id):
            await lists.end(tx, other, WaitState.LEFT, now)
        await _tell(tx, wait.slot_id, wait.account_id, wait.locale, "waitlist-booked", link=link)
        return
    assert placed.expires_at is not None
    until = placed.expires_at.astimezone(ZoneInfo(line.time_zone)).strftime("%m-%d %H:%M")
    await _tell(tx, wait.slot_id, wait.account_id, wait.locale, "waitlist-offer", link=link, until=until)


async def _keep_or_let_go(tx: Tx, line: Line, now: datetime) -> None:
    """Places that are too few for anybody: kept for a while, then on sale."""
    if not line.kept:
        await lists.forget_leftover(tx, line.slot_id)
    elif is_leftover_over(line, now):
        await lists.draw(tx, line.slot_id, line.kept)
        await lists.forget_leftover(tx, line.slot_id)
    else:
        await lists.note_leftover(tx, line.slot_id, now)


async def _tell(tx: Tx, slot_id: UUID, account_id: UUID, locale: str, template: str, **values: str) -> None:
    """A message to the phone of whoever waits; who has none any more is told on the page."""
    phone = await accounts.phone_of(tx, account_id)
    if phone is None:
        return
    name, zone, starts_at = await lists.named(tx, slot_id)
    when = starts_at.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M")
    await notices.send(
        tx, phone, accounts.mask_phone(phone), template, locale, venue=pick(name, locale), when=when, **values
    )
