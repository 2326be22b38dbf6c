"""From 100 % to 30 % at 10,000 sold places, with kill -9 in the middle: everybody is treated once and told once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from holdfast.kit import crypto
from holdfast.kit.db import Db, ReadTx
from holdfast.orders import displacement_store
from holdfast.orders.displacement_model import Cut
from tests import world

from . import cuts

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PLACES, SLOTS = 2_500, 4
KILLS = ("cuts.decided=kill", "cuts.parted=kill@5", "cuts.parted=kill@120", "cuts.told=kill@2")


def process(url: str, cut: Cut, faults: str = "") -> int:
    """``holdfast capacity run`` as a process of its own; how it ended."""
    environment = os.environ | {
        "HOLDFAST_DATABASE_URL": url, "HOLDFAST_SECRETS": json.dumps(crypto._secrets()), "HOLDFAST_FAULTS": faults,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "capacity", "run", str(cut.id)],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr.decode()
    return done.returncode


async def test_ten_thousand_places_are_cut_to_three_thousand_through_kills(db: Db, database_url: str) -> None:
    first = await world.open_slot(db, places=PLACES, real_name=False, max_per_order=50, starts_in=timedelta(days=2))
    slots = [first, *[await world.open_slot(db, places=PLACES, beside=first) for _ in range(SLOTS - 1)]]
    numbers = await cuts.many_paid(db, slots, PLACES, most=50)
    assert await world.value(db, "select sum(taken)::int from inventory.slots") == PLACES * SLOTS
    cut = await cuts.stopped(db, first, 30)
    proposal = await cuts.approved(db, cut)
    preview = proposal.preview
    assert preview["booked"] == {"orders": len(numbers), "places": PLACES * SLOTS}
    assert preview["unpaid"] == {"orders": 0, "places": 0}
    for faults in KILLS:
        assert process(database_url, cut, faults) == -9, faults
    assert process(database_url, cut) == 0

    done = await cuts.cut_of(db, cut)
    parties = await db.read(displacement_store.parties, cut.id)
    assert done.step == "done"
    kept = [one for one in parties if one.outcome == "kept"]
    refunded = [one for one in parties if one.outcome == "refunded"]
    assert len(kept) + len(refunded) == len(parties) == len(numbers)
    assert {"orders": len(kept), "places": sum(one.places for one in kept)} == preview["keeps"]
    assert {"orders": len(refunded), "places": sum(one.places for one in refunded)} == preview["gives_way"]
    refunds = sum(one.refund_minor for one in refunded)
    assert [{"currency": "CNY", "amount_minor": refunds}] == preview["refunds"]
    assert all(one.verdict == one.forecast for one in parties)
    assert await db.read(promised_back) == refunds
    assert await db.read(refunds_each) == dict.fromkeys((one.number for one in refunded), 1)
    assert await cuts.told(db) == dict.fromkeys(numbers, 1)
    assert await cuts.told(db, "cut-kept") == dict.fromkeys((one.number for one in kept), 1)
    for slot in slots:
        taken = await world.value(db, "select taken from inventory.slots where id = %(id)s", id=slot.slot_id)
        assert PLACES * 30 // 100 - 49 <= taken <= PLACES * 30 // 100


async def promised_back(tx: ReadTx) -> int:
    return int(await tx.value("select coalesce(sum(amount_minor), 0) from payments.refunds"))


async def refunds_each(tx: ReadTx) -> dict[str, int]:
    """Order number → how many refunds it got."""
    return dict(
        await tx.tuples(
            """select o.number, count(*) from payments.refunds r join payments.attempts a on a.id = r.attempt_id
               join orders.orders o on o.intent_id = a.intent_id group by o.number"""
        )
    )
