"""Our bookings with suppliers: held before an order is placed, confirmed with it, given back when it comes to nothing.

Each is written down before the supplier is asked and has a uuid of ours, so an answer that was lost is asked for again and nothing
is held twice. What is in doubt is never promised: the order is refused, and the hold is cancelled until the supplier says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from holdfast.kit import clock, crypto, http, log
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Problem

from . import client, client_store
from .client import InDoubt, Refused, Supplier, SupplierFull, SupplierSilent
from .client_store import Need, OctoBooking

TOKEN = "partners.octo_suppliers.token"  # noqa: S105 - the name of the column it is sealed for
LEASE = timedelta(seconds=30)
LATE_REQUEST = timedelta(minutes=2)
"""So long after we asked, a request that got no answer may still arrive at the supplier."""
PAUSES = (5, 15, 30, 60, 120, 300)
ORPHAN = timedelta(minutes=3)
"""A hold whose order nobody has told us of for so long is looked after."""


@asynccontextmanager
async def connected(db: Db, partner_id: str) -> AsyncIterator[tuple[http.Client, Supplier]]:
    """A supplier to be asked, and a client for it. SupplierSilent when it is no such supplier."""
    row = await db.read(client_store.supplier, partner_id)
    if row is None:
        raise SupplierSilent
    async with http.client(connections_max=8) as opened:
        yield opened, Supplier(row.partner_id, row.url, crypto.unseal(TOKEN, row.token))


async def hold(db: Db, needs: Sequence[Need], order_key: str, order_id: UUID, minutes: int) -> None:
    """Holds everything an order needs, or nothing. What is held already under this key stays.

    SupplierFull, SupplierSilent; then what was held for the others is given back.
    """
    have = {(one.product_id, one.visit_date, one.code) for one in await db.read(client_store.live_bookings, order_key)}
    for need in needs:
        if (need.product_id, need.visit_date, need.code) in have:
            continue
        now = clock.now()
        row = await db.run(client_store.begin, uuid4(), need, order_key, order_id, now, now + LEASE)
        problem = await _hold_one(db, row, minutes)
        if problem is not None:
            await give_back(db, order_key)
            raise problem


async def _hold_one(db: Db, row: OctoBooking, minutes: int) -> Problem | None:
    if row.availability_id is None:
        await _move(db, row, "refused", error="slot-not-seen")
        return SupplierFull()
    try:
        async with connected(db, row.partner_id) as (asking, supplier):
            units = [row.octo_unit_id] * row.places
            held = await client.reserve(
                asking, supplier, row.uuid, row.octo_product_id, row.octo_option_id, row.availability_id, units, minutes
            )
    except Refused as refused:
        await _move(db, row, "refused", error=refused.code)
        return SupplierFull()
    except (InDoubt, SupplierSilent) as doubt:
        await _move(db, row, "cancelling", error=str(doubt))
        return SupplierSilent(retry_after_s=60)
    state = "confirmed" if held.status == "CONFIRMED" else "held"
    await _move(db, row, state, expires_at=held.expires_at, due_in=ORPHAN)
    return None


async def give_back(db: Db, order_key: str) -> None:
    """The order came to nothing: what is held for it is cancelled, now if the supplier answers, else until it does."""
    for row in await db.read(client_store.live_bookings, order_key):
        await _move(db, row, "cancelling")
        await _cancel(db, row)


async def belongs(tx: Tx, order_key: str, order_id: UUID, number: str) -> None:
    """What is held under this key is for this order."""
    await client_store.of_order(tx, order_key, order_id, number)


async def confirm(db: Db, number: str) -> bool:
    """Confirms everything that is held for an order; False when the supplier refused something."""
    fine = True
    for row in await db.read(client_store.of_number, number):
        if row.state in ("held", "confirming"):
            await _move(db, row, "confirming")
            fine = await _confirm(db, row) and fine
    return fine


async def _confirm(db: Db, row: OctoBooking) -> bool:
    """One confirmation; a doubt stays to be asked about. False: the supplier refused it."""
    assert row.order_number is not None
    try:
        async with connected(db, row.partner_id) as (asking, supplier):
            await client.confirm(asking, supplier, row.uuid, row.order_number)
    except Refused as refused:
        return await _as_it_stands(db, row, refused)
    except (InDoubt, SupplierSilent) as doubt:
        await _move(db, row, "confirming", error=str(doubt), due_in=_pause(row))
        return True
    await _move(db, row, "confirmed")
    return True


async def _as_it_stands(db: Db, row: OctoBooking, refused: Refused) -> bool:
    """A confirmation was refused: perhaps because an earlier one, whose answer was lost, had arrived."""
    try:
        async with connected(db, row.partner_id) as (asking, supplier):
            found = await client.booking(asking, supplier, row.uuid)
    except Refused:
        await _move(db, row, "refused", error=refused.code)
        return False
    except (InDoubt, SupplierSilent) as doubt:
        await _move(db, row, "confirming", error=str(doubt), due_in=_pause(row))
        return True
    fine = found.status in ("CONFIRMED", "REDEEMED")
    await _move(db, row, "confirmed" if fine else "refused", error="" if fine else refused.code)
    return fine


async def cancel(db: Db, row: OctoBooking) -> None:
    """The order is over: so is our booking with the supplier."""
    await _move(db, row, "cancelling")
    await _cancel(db, row)


async def _cancel(db: Db, row: OctoBooking) -> None:
    """One cancellation; asked again until the supplier says that it is so, or that there is no such booking any more."""
    try:
        async with connected(db, row.partner_id) as (asking, supplier):
            await client.cancel(asking, supplier, row.uuid, "not needed")
    except Refused as refused:
        may_arrive = refused.code == client.UNKNOWN_BOOKING and clock.now() < row.began_at + LATE_REQUEST
        if may_arrive:
            await _move(db, row, "cancelling", error=refused.code, due_in=_pause(row))
        else:
            await _move(db, row, "cancelled", error=refused.code)
    except (InDoubt, SupplierSilent) as doubt:
        await _move(db, row, "cancelling", error=str(doubt), due_in=_pause(row))
    else:
        await _move(db, row, "cancelled")


async def work(db: Db, refused: Callable[[OctoBooking], object]) -> list[OctoBooking]:
    """Asks again about what is in doubt; the holds without an order that somebody above must look after.

    `refused` is told of what a supplier refused after all.
    """
    now = clock.now()
    orphans = []
    for row in await db.run(client_store.claim_due, now, now + LEASE):
        if row.state in ("asking", "cancelling"):
            await _move(db, row, "cancelling")
            await _cancel(db, row)
        elif row.order_number is None:
            orphans.append(row)
        elif row.state == "confirming" and not await _confirm(db, row):
            refused(row)
        elif row.state == "held":
            await _move(db, row, "held", due_in=ORPHAN)
    return orphans


async def keep(db: Db, row: OctoBooking) -> None:
    """Nothing to be done about it for now."""
    await _move(db, row, row.state, due_in=ORPHAN)


def _pause(row: OctoBooking) -> timedelta:
    return timedelta(seconds=PAUSES[min(row.tries, len(PAUSES) - 1)])


async def _move(
    db: Db, row: OctoBooking, state: str, *, error: str = "", expires_at: datetime | None = None,
    due_in: timedelta = LEASE,
) -> None:  # fmt: skip
    now = clock.now()
    await db.run(client_store.move, row.uuid, state, now, now + due_in, expires_at=expires_at, error=error[:200])
    if error:
        log.get().info("octo.supplier", partner=row.partner_id, uuid=str(row.uuid), state=state, error=error)
