"""The audit of findability: some orders, all the time, are looked for as their owners would, with the functions of the pages.

The newest orders and some from anywhere in the past are taken. Who placed an order stands in its story, so an order that
was moved to another account is missed too. A miss is logged as an error and stands as an alarm (``orders.misses``) until
the order is found again; an open one breaks an invariant.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from holdfast.kit import clock, crypto, ids, log
from holdfast.kit.db import Db, ReadTx, Tx

from . import finding, finding_store, lookup
from .finding_model import Wish
from .finding_store import Owned
from .model import OrderUnknown

NEWEST = 20
ANYWHERE = 20
ALARMS = 100
"""Alarms that are looked at again each time."""
WAYS = ("number", "list", "link", "phone")


async def look(db: Db) -> dict[str, list[str]]:
    """Looks for a sample of orders; the number of each one that was missed → the ways that missed it."""
    sample = await db.read(_sample)
    missed: dict[str, list[str]] = {}
    for one in sample:
        async with db.reading() as tx:
            ways = [way for way in WAYS if not await _finds(tx, one, way)]
        if ways:
            missed[one.number] = ways
            log.get().error("order.missed", order_id=str(one.id), ways=ways)
        await db.run(_note, one, ways)
    return missed


async def _sample(tx: ReadTx) -> list[Owned]:
    """The newest, a run from anywhere that goes on at the oldest when it reaches the end, and what has an alarm."""
    found = await finding_store.newest(tx, NEWEST) + await finding_store.missed(tx, ALARMS)
    first = await finding_store.first_id(tx)
    if first is not None:
        run = await finding_store.from_id_on(tx, _between(first, found[0].id), ANYWHERE)
        found += run + await finding_store.from_id_on(tx, first, ANYWHERE - len(run))
    return list({one.id: one for one in found}.values())


def _between(first: UUID, last: UUID) -> UUID:
    """An id of some moment between two (both UUIDv7)."""
    return UUID(int=first.int + secrets.randbelow(max(1, last.int - first.int)))


async def _finds(tx: ReadTx, one: Owned, way: str) -> bool:
    """Whether this way leads the order's owner to it."""
    owner = _owner(one)
    try:
        if way == "number":
            found = await lookup.require(tx, owner, one.number)
        elif way == "list":
            page = await finding.mine(tx, owner, Wish(text=one.number))
            return [order.row.id for order in page.orders] == [one.id]
        elif way == "link":
            found = await lookup.by_link(tx, one.number, lookup.link_token(one.number))
        elif one.phone is None:
            return True  # its owner had it erased: there is no phone any more that could find it
        else:
            found = await lookup.with_phone(
                tx, ids.read_code(one.number) or "", crypto.unseal("orders.orders.phone", bytes(one.phone))
            )
    except (OrderUnknown, crypto.Undecipherable):
        return False
    return found.row.id == one.id


def _owner(one: Owned) -> UUID:
    """The account that placed the order; the row's own where somebody else placed it."""
    kind, _, account = one.actor.partition(":")
    try:
        return UUID(account) if kind == "traveller" else one.account_id
    except ValueError:
        return one.account_id


async def _note(tx: Tx, one: Owned, ways: list[str]) -> None:
    now = clock.now()
    for way in ways:
        await finding_store.note_miss(tx, one.id, way, now)
    await finding_store.end_misses(tx, one.id, [way for way in WAYS if way not in ways], now)
