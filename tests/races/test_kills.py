"""kill -9: processes, the database, or both, at every named point of placing and paying; then everything is counted.

By default a fixed handful of cases runs; HOLDFAST_RACES=long runs every point with every victim. A point that is
declared anywhere in placing and paying is among the cases by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest

from holdfast import orders, payments  # noqa: F401 - so that their points are declared
from holdfast.kit import faults
from holdfast.kit.db import Db
from holdfast.kit.problems import Unavailable
from tests import invariants, world
from tests.orders.after_sale import other_day
from tests.payments.flows import books

from . import journeys
from .rig import VICTIMS, Rig, Victim, patiently

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

POINTS = sorted(name for name in faults.POINTS if name.startswith(("orders.", "payments.")))
CASES = [(point, victim) for point in POINTS for victim in VICTIMS]
SHORT: list[tuple[str, Victim]] = [
    ("orders.place.before_flush", "process"),
    ("orders.place.after_commit", "both"),
    ("payments.pay.answered", "process"),
    ("payments.observe.before_commit", "database"),
    ("payments.notify.stored", "both"),
    ("orders.change.completed", "process"),
    ("orders.change.before_commit", "both"),
    ("orders.cancel.before_commit", "process"),
]
LONG = os.environ.get("HOLDFAST_RACES") == "long"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


@pytest.mark.parametrize(("point", "victim"), CASES if LONG else SHORT)
async def test_nothing_is_lost_or_doubled_by_a_kill(rig: Rig, point: str, victim: Victim) -> None:
    if victim == "database" and not _kernel_tells():
        pytest.skip("the kernel does not tell where a process waits (/proc/PID/wchan)")
    async with world.another_process(rig.instance.database_url) as db, _http() as http:
        slot = await patiently(lambda: world.open_slot(db, places=4))
        tight = await patiently(lambda: world.open_slot(db, places=1))
        dear = await patiently(lambda: world.open_slot(db, places=2))
        cheap = await patiently(lambda: other_day(db, dear, price_minor=4000, places=2))
        doing = [
            *[(journeys.buys, slot)] * 2,
            (journeys.pays_the_wrong_amount_and_cancels, slot),
            (journeys.books_and_forgets, slot),
            (journeys.changes_its_mind, (dear, cheap)),
            *[(journeys.wants_the_last_place, tight)] * 3,
        ]
        clients = [journeys.Client(rig, http, await patiently(lambda: world.traveller(db))) for _ in doing]
        await asyncio.to_thread(rig.arm, point, victim)
        stop = asyncio.Event()
        killer = asyncio.create_task(rig.strike(victim, stop))
        pusher = asyncio.create_task(journeys.time_flies(db, stop))
        try:
            async with asyncio.timeout(60):
                await asyncio.gather(
                    *(do(client, db, where) for client, (do, where) in zip(clients, doing, strict=True))
                )
                await _quiet(db)
        finally:
            stop.set()
            await pusher
            struck = await killer
        assert struck, f"nobody stood at {point}: the journeys no longer lead there"
        await _nothing_is_lost(rig, db, clients, tight)


async def _nothing_is_lost(rig: Rig, db: Db, clients: list[journeys.Client], tight: world.SlotWorld) -> None:
    """The account of a case: promises, orders, places, money."""
    for client in clients:
        for key, body in client.asked.items():
            number = client.promised[key].get("number")
            again = await client.ask("POST", "/orders", body, **{"Idempotency-Key": f'"{key}"'})
            assert again.json().get("number") == number
            mine = (await client.ask("GET", "/orders")).json()["items"]
            assert [order["number"] for order in mine] == ([number] if number else [])
    winners = [client for client in clients if client.promised.get("last", {}).get("number")]
    assert len(winners) == 1
    assert await world.places_left(db, tight) == 0
    told = "select count(*) from orders.events where kind = 'tickets_sent' group by order_id having count(*) > 1"
    assert await world.value(db, told) is None
    assert await world.value(db, "select count(*) from kit.outbox where parked_at is not null") == 0
    await invariants.require(db)
    await books.require(db, rig)


async def _quiet(db: Db) -> None:
    """Nothing is left to be done by anybody."""

    async def quiet() -> bool:
        with suppress(Unavailable):
            return not await world.value(
                db,
                """select (select count(*) from payments.attempts where state in ('created', 'submitted', 'unknown'))
                        + (select count(*) from payments.refunds where state not in ('succeeded', 'closed'))
                        + (select count(*) from kit.outbox where parked_at is null)""",
            )
        return False

    await world.until(quiet, timeout_s=30)


def _kernel_tells() -> bool:
    try:
        with open("/proc/self/wchan") as told:
            told.read()
    except OSError:
        return False
    return True


def _http() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(trust_env=False, timeout=10)
