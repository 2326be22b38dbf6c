"""The pages say of which orders a share is, and what of the money that is spent was paid too late."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from holdfast.campaigns.model import Hours, Schedule
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.web.console import access
from tests.campaigns import proposing
from tests.campaigns.running import book, ground, write
from tests.web.conftest import text_of
from tests.web.test_looks import is_well_made

pytestmark = pytest.mark.anyio
HERE = "/console/campaigns"


@pytest.fixture
def db(its_own: Db) -> Db:
    """These pages need no provider of payments."""
    return its_own


async def test_what_is_proposed_for_some_hours_is_foreseen_of_the_orders_of_these_hours(db, reader):
    lin, wu = [await proposing.person(db, role) for role in ("marketing", "finance")]
    now = clock.now()
    hour = (now + timedelta(hours=8)).hour
    said = proposing.content(
        await proposing.envelope(db, lin, wu),
        schedule=Schedule(now, now + timedelta(days=20), hours=Hours(time(hour), time((hour + 1) % 24))),
    )
    await proposing.orders_of_the_past(db, 10_000, 4000)
    others = await proposing.orders_of_the_past(db, 10_000, 10_000)
    await db.run(proposing._back, others, now - timedelta(days=3, hours=5), True)
    asked = await proposing.proposal(db, lin, said)
    reader.cookies.set(access.COOKIE, wu.token)
    answer = await reader.get(f"{HERE}/proposals/{asked.id}")
    is_well_made(answer.text)
    told = text_of(answer)
    assert "50% of the orders placed while it is offered, ¥" in told
    assert "1 of 2, of the orders placed while it is offered" in told
    assert "with 4 orders" in told


async def test_both_pages_of_a_campaign_say_what_was_paid_too_late(db, reader):
    on = await ground(db)
    [placed] = await book(db, on, 1)
    reader.cookies.set(access.COOKIE, on.lin.token)
    assert "paid too late" not in text_of(await reader.get(f"{HERE}/spring"))
    for state in ("expired", "confirmed"):
        await write(db, "update orders.orders set state = %(state)s where id = %(id)s", state=state, id=placed.order_id)
    for page in (f"{HERE}/spring", f"{HERE}/spring/live"):
        answer = await reader.get(page)
        is_well_made(answer.text)
        assert "with ¥10 paid too late or back after a cut: what was promised stands" in text_of(answer)
