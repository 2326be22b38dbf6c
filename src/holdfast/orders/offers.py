"""Offers: what campaigns take off a basket. One function prices what is shown and what is charged; the database grants it.

    quoted = await offers.quote(tx, account_id, lines, channel="web", locale="zh", code="SPRING")

Bookings are priced in the batch that places them, with what is on offer at that moment. What was offered a moment ago and is
not any more refuses the booking with the present price; it never makes it dearer in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.campaigns import codes, facts, live, live_store, pricing
from holdfast.campaigns.facts import Basket, Code, Line
from holdfast.campaigns.live import Live
from holdfast.campaigns.model import Grant, Version
from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx
from holdfast.kit.problems import Conflict, Problem

from . import offers_store
from .model import PlaceRequest
from .offers_store import Person, Ticket

CODE_MAX = 40
KNOWN_MAX = 5000
_NOBODY = UUID(int=0)
SOLD_AS = {"waitlist": "web"}
"""Offers of the waiting list are priced as bookings on the website, where it is joined (the guard sees them so, too)."""
TRIES = 3
"""So often a batch is priced again because the offers moved while it was on its way."""


class OffersMoved(Conflict):
    """What is on offer changed while you were booking."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Look at the present price and book again."


class TotalChanged(Conflict):
    """The price of this order has changed since you saw it."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Look at the new price and book again if it suits you."


class CodeRefused(Conflict):
    """This code gives nothing for this order."""

    safe = "Nothing was booked and nothing was charged. What you typed is kept."
    next_step = "Check the code, or book without it."


class Wish(msgspec.Struct, frozen=True):
    """So many tickets of one price in one slot."""

    slot_id: UUID
    price_id: str
    quantity: int


class Quoted(msgspec.Struct, frozen=True):
    """A basket's price as it is shown. `code`: what is known of the code that was typed, if there is such a code.

    `currency`: of all its sums. `missing`: what is not sold; the price is without it.
    """

    priced: pricing.Priced
    code: Code | None
    currency: str
    missing: list[Wish]


async def quote(
    tx: ReadTx, account_id: UUID | None, wishes: Sequence[Wish], *, channel: str, locale: str, code: str = "",
    is_new: bool = False,
) -> Quoted:  # fmt: skip
    """What a basket costs now. Of somebody who is not known, nothing is assumed: offers that ask who books are left out.

    `is_new`: somebody without an account yet, who gets one with the booking.
    """
    offered = await live.load(tx)
    tickets, people = await _facts(tx, offered, wishes, [account_id] if account_id else [])
    known = await _codes(tx, [code]) if code else {}
    person = Person(_NOBODY, clock.now(), 0, {}) if is_new else None
    person = people.get(account_id) if account_id else person
    basket = _basket(wishes, tickets, clock.now(), channel, locale, person, known.get(code))
    missing = [wish for wish in wishes if (wish.slot_id, wish.price_id) not in tickets]
    return Quoted(pricing.price(basket, offered.versions), known.get(code), basket.currency, missing)


async def read_code(db: Db, typed: str, source: str) -> str:
    """The code that somebody meant, as it is kept. CodeRefused where there is none; CodesTooOften limits guesses by `source`."""
    try:
        return (await codes.look_up(db, typed, source)).code
    except codes.BenefitCodeUnknown as unknown:
        raise CodeRefused(code=typed[:CODE_MAX]) from unknown


async def price_all(
    tx: ReadTx, offered: Live, requests: Sequence[PlaceRequest], *, strangers: Collection[UUID] = ()
) -> list[PlaceRequest | Problem]:
    """Each request with what it is granted; or that its code gives nothing. Those that are alike are priced once.

    Reads nothing while nothing is on offer. `strangers`: accounts of people of whom nothing is assumed, as in `quote`.
    """
    if not offered.versions:
        return _unpriced(offered, requests)
    wishes = [[Wish(line.slot_id, line.price_id, line.quantity) for line in request.lines] for request in requests]
    everybody = list({request.account_id for request in requests}.difference(strangers))
    tickets, people = await _facts(tx, offered, [wish for one in wishes for wish in one], everybody)
    known = await _codes(tx, [request.code for request in requests if request.code]) if offered.asks_code else {}
    now = clock.now()
    priced: list[PlaceRequest | Problem] = []
    alike: dict[Any, list[Grant]] = {}
    for request, wanted in zip(requests, wishes, strict=True):
        person = people.get(request.account_id)
        about = person and (person.earlier, (now - person.since).days, *offered.telling(person.redemptions))
        channel = SOLD_AS.get(request.channel, request.channel)
        key = (channel, request.locale, request.code, about, *wanted)
        grants = alike.get(key)
        if grants is None:
            code = known.get(request.code)
            basket = _basket(wanted, tickets, now, channel, request.locale, person, code)
            grants = alike[key] = pricing.price(basket, _possible(offered, basket)).grants
        if request.code and not any(grant.code for grant in grants):
            priced.append(CodeRefused(code=request.code))
        else:
            priced.append(msgspec.structs.replace(request, epoch=offered.epoch, grants=grants or None))
    return priced


def _unpriced(offered: Live, requests: Sequence[PlaceRequest]) -> list[PlaceRequest | Problem]:
    """Requests while nothing is on offer: no code gives anything."""
    return [
        CodeRefused(code=one.code) if one.code else msgspec.structs.replace(one, epoch=offered.epoch)
        for one in requests
    ]


class Till:
    """Prices the batches of one process. What is on offer is read again when the database says that it moved, and at midnight."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._live: Live | None = None

    def forget(self) -> None:
        """What is on offer has moved."""
        self._live = None

    async def price(self, requests: Sequence[PlaceRequest]) -> list[PlaceRequest | Problem]:
        """Reads nothing while nothing is on offer. What was answered before is not refused: placing repeats its answer."""
        offered = self._live
        if offered is None or offered.day != live.today():
            offered = self._live = await self._db.read(live.load)
        if offered.versions:
            priced = await self._db.read(price_all, offered, requests)
        else:
            priced = _unpriced(offered, requests)
        refused = [at for at, one in enumerate(priced) if isinstance(one, Problem)]
        if refused:
            answered = await self._db.read(offers_store.answered, [requests[at] for at in refused])
            for at in refused:
                if (requests[at].account_id, requests[at].key) in answered:
                    priced[at] = msgspec.structs.replace(requests[at], epoch=offered.epoch)
        return priced


async def _facts(
    tx: ReadTx, offered: Live, wishes: Sequence[Wish], account_ids: Sequence[UUID]
) -> tuple[dict[tuple[UUID, str], Ticket], dict[UUID, Person]]:
    """Tickets by slot and price; people by account, where some offer asks about them."""
    pairs = sorted({(wish.slot_id, wish.price_id) for wish in wishes})
    found = await offers_store.facts(
        tx, [slot for slot, _ in pairs], [price for _, price in pairs], account_ids if offered.asks_person else [],
        counts_orders=offered.asks_orders, counts_uses=bool(offered.asks_uses),
    )  # fmt: skip
    return {(one.slot_id, one.price_id): one for one in found.tickets}, {one.account_id: one for one in found.people}


def _possible(offered: Live, basket: Basket) -> list[Version]:
    """Those on offer that can give something for these lines: the same for every batch while offers and the days stay as they are."""
    days = [facts.local(basket.now, line.time_zone).date() for line in basket.lines]
    key = (basket.channel, *basket.lines, *days)
    found = offered.possible.get(key)
    if found is None:
        if len(offered.possible) >= KNOWN_MAX:
            offered.possible.clear()
        found = offered.possible[key] = pricing.possible(basket, offered.versions)
    return found


async def _codes(tx: ReadTx, typed: Sequence[str]) -> dict[str, Code]:
    """What was typed → the code, if there is one."""
    found = {}
    for one in set(typed):
        read = codes.read(one)
        known = await live_store.code(tx, read) if read else None
        if known is not None:
            found[one] = known
    return found


def _basket(
    wishes: Sequence[Wish], tickets: dict[tuple[UUID, str], Ticket], now: datetime, channel: str, locale: str,
    person: Person | None, code: Code | None,
) -> Basket:  # fmt: skip
    """The facts of a basket. Lines that there are not are left out: placing says what is wrong with them."""
    lines, currency = [], "CNY"
    for seq, wish in enumerate(wishes, 1):
        one = tickets.get((wish.slot_id, wish.price_id))
        if one is not None:
            currency = one.currency
            lines.append(
                Line(
                    seq, one.product_id, one.venue_id, one.city, one.kind, one.ticket, one.price_id, one.visit_date, one.starts_at,
                    one.time_zone, wish.quantity, one.unit_minor,
                )
            )  # fmt: skip
    if person is None:
        return Basket(lines, now, channel, currency, locale, code=code)
    return Basket(lines, now, channel, currency, locale, person.earlier, person.redemptions, person.since, code)
