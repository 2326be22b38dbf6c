"""Orders of what a supplier holds through its OCTO interface: its hold comes first, then the order, then its confirmation.

    place = supplied.first(db, group_commit(db, …))

The network is asked outside every transaction. A supplier that refuses or is silent ends the order before it begins; what it held
for an order that came to nothing is given back. Whatever a crash leaves behind is found by `look_after`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

from holdfast import partners
from holdfast.kit import clock, log, settings
from holdfast.kit.actor import system
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem, Unavailable
from holdfast.partners import client_bookings, client_store
from holdfast.partners.client_store import Need, OctoBooking

from . import supplied_store
from .model import Placed, PlaceRequest
from .supplied_store import Place as Wanted

KNOWN_S = 5.0
"""So long the list of slots that suppliers hold is remembered; a slot newer than that is secured as soon as it is confirmed."""
HOLD_LONGER_MINUTES = 15
BY = system("orders.supplied")
Place = Callable[[PlaceRequest], Awaitable[Placed]]


class First:
    """Places orders like the callable it wraps, with suppliers' holds before them."""

    def __init__(self, db: Db, place: Place) -> None:
        self._db, self._place = db, place
        self._slots: dict[UUID, tuple[str, str, date, str]] = {}
        self._known_at = float("-inf")
        self._looking = asyncio.Lock()

    async def __call__(self, request: PlaceRequest) -> Placed:
        """The order; SupplierFull and SupplierSilent besides its own problems."""
        if time.monotonic() - self._known_at > KNOWN_S:
            await self._look()
        needs = self._needs(request) if self._slots else []
        if not needs:
            return await self._place(request)
        key = f"{request.account_id}:{request.key}"
        minutes = settings.current().hold_ttl_s // 60 + HOLD_LONGER_MINUTES
        await client_bookings.hold(self._db, needs, key, request.order_id, minutes)
        try:
            placed = await self._place(request)
        except Unavailable:
            raise  # perhaps it was placed: `look_after` finds out
        except Problem:
            await client_bookings.give_back(self._db, key)
            raise
        await self._db.run(client_bookings.belongs, key, placed.order_id, placed.number)
        return placed

    async def _look(self) -> None:
        """Nobody goes on with a list that is too old, or not there yet."""
        async with self._looking:
            if time.monotonic() - self._known_at > KNOWN_S:
                self._slots = await self._db.read(client_store.slots_of_items, clock.now())
                self._known_at = time.monotonic()

    def _needs(self, request: PlaceRequest) -> list[Need]:
        found: dict[UUID, int] = {}
        for line in request.lines:
            if line.slot_id in self._slots:
                found[line.slot_id] = found.get(line.slot_id, 0) + line.quantity
        return [
            Need(product_id, partner_id, day, code, found[slot_id])
            for slot_id in sorted(found)
            for product_id, partner_id, day, code in [self._slots[slot_id]]
        ]


def first(db: Db, place: Place) -> First:
    """Suppliers are asked before orders are placed."""
    return First(db, place)


async def secure(db: Db, order_id: UUID) -> None:
    """An order is confirmed: so are its places with their suppliers. What was placed without a hold, as by a change of date, gets one now."""
    wanted = await db.read(supplied_store.places, order_id)
    if not wanted:
        return
    number, have = wanted[0].number, await db.read(client_store.of_number, wanted[0].number)
    held = {
        (one.product_id, one.visit_date, one.code) for one in have if one.state in ("held", "confirming", "confirmed")
    }
    missing = [one for one in wanted if (one.product_id, one.visit_date, one.code) not in held]
    key = f"order:{number}"
    for one in missing:
        need = Need(one.product_id, one.partner_id, one.visit_date, one.code, one.places)
        try:
            await client_bookings.hold(db, [need], f"{key}:{one.product_id}:{one.visit_date}:{one.code}", order_id, 60)
        except partners.SupplierSilent:
            raise  # the outbox tries again
        except partners.SupplierFull:
            await refused(db, one)
        else:
            await db.run(
                client_bookings.belongs, f"{key}:{one.product_id}:{one.visit_date}:{one.code}", order_id, number
            )
    if not await client_bookings.confirm(db, number):
        for one in wanted:
            await refused(db, one, only_refused=True)


async def refused(db: Db, place: Wanted, *, only_refused: bool = False) -> None:
    """A supplier does not have what we promised: its sale stops, and somebody settles it with the traveller. The order stands."""
    rows = await db.read(client_store.of_number, place.number)
    mine = [
        one
        for one in rows
        if (one.product_id, one.visit_date, one.code) == (place.product_id, place.visit_date, place.code)
    ]
    if only_refused and not (mine and mine[-1].state == "refused"):
        return
    once = f"octo:{place.number}:{place.product_id}:{place.visit_date}:{place.code}"
    ask = partners.Wanted(
        once, "standing", place.product_id, place.number, place.visit_date, place.code, place.starts_at, place.places
    )
    await db.run(partners.asks.ask, [ask])
    await db.run(partners.asks.answer, BY, place.partner_id, place.number, "cannot", note="refused by its program")


async def look_after(db: Db) -> None:
    """Asks again about what is in doubt with suppliers, gives back what no order needs any more, keeps what one needs."""
    lost: list[OctoBooking] = []
    for row in await client_bookings.work(db, lost.append):
        await _adopt(db, row)
    for row in lost:
        for place in await db.read(supplied_store.places, row.order_id):
            await refused(db, place, only_refused=True)
    for uuid in await db.read(supplied_store.not_needed):
        found = await db.read(client_store.one, uuid)
        if found is not None:
            await client_bookings.cancel(db, found)


async def _adopt(db: Db, row: OctoBooking) -> None:
    """A hold that no order has claimed: an answer was lost between the two, or the order came to nothing."""
    number = await db.read(supplied_store.number_of, row.order_id)
    if number is not None:
        await db.run(client_bookings.belongs, row.order_key, row.order_id, number)
        await secure(db, row.order_id)
    elif clock.now() > row.began_at + timedelta(minutes=2):
        log.get().info("octo.given_back", uuid=str(row.uuid), partner=row.partner_id)
        await client_bookings.cancel(db, row)
    else:
        await client_bookings.keep(db, row)


__all__: Sequence[str] = ["First", "first", "look_after", "refused", "secure"]
