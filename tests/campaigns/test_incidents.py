"""Stops: an incident opens by itself with its evidence; only others than whoever stopped let it begin anew, and never a timeout."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from holdfast import accounts, changes, orders
from holdfast.campaigns import incidents, jobs, restart, review, stages, start
from holdfast.campaigns.model import BenefitOver, Content
from holdfast.campaigns.simulation_model import BacktestStale
from holdfast.kit import clock
from holdfast.kit import jobs as work
from holdfast.kit.db import Db
from holdfast.orders import backtest
from tests import invariants, world
from tests.campaigns import proposing
from tests.campaigns.proposing import FIGURES, REASON
from tests.campaigns.running import Ground, book, ground, running, standing, write

pytestmark = pytest.mark.anyio


@pytest.fixture
async def db(db: Db):
    yield db
    clock.reset()
    await invariants.require(db)


async def tripped(db: Db, on: Ground, matching: int = 40) -> UUID:
    """So many orders in a row match, where every second one was forecast: the guard stops it on the way."""
    await write(db, "update campaigns.running set stage_count = null")
    with pytest.raises(BenefitOver) as refused:
        await book(db, on, matching)
    assert refused.value.fields["reason"] == "stopped"
    return await stopped(db, on)


async def stopped(db: Db, on: Ground) -> UUID:
    found = await db.read(incidents.last_of, on.version_id)
    assert found is not None
    return found


async def test_a_stop_by_the_guard_becomes_an_incident_with_its_evidence(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    await work.drain(db)
    found = await db.read(incidents.evidence, trip_id)
    stop, sums = found.stop, found.sums
    assert (stop.reason, stop.by, stop.state, stop.is_still) == ("share", "guard", "tripped", True)
    assert stop.opened_at is not None
    assert stop.found is not None
    assert (sums.orders, sums.minor) == (stop.found["orders"], stop.found["minor"]) == (29, 29_000)
    assert sums.people == 29
    assert [one.kind for one in found.steps] == ["started", "first", "last", "stopped", "opened"]
    newest = found.last[0]
    assert (newest.amount_minor, newest.listed_minor, newest.stage) == (1000, 10_000, 1)
    curve = [one.share_sum for one in reversed(found.last)]
    assert curve == sorted(curve)
    assert curve[-1] < stop.evidence["share_limit"] <= stop.evidence["share_sum"]


async def test_it_opens_once_and_is_told_to_whoever_subscribes(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    await work.drain(db)
    assert not await db.run(incidents.open_one, trip_id)
    await jobs.open_incident(db, {"trip_id": str(trip_id)})
    said = await db.read(accounts.trail, subject="campaign:spring", limit=20)
    assert [one.action for one in said].count("campaign.incident") == 1
    [event] = await told(db)
    assert (event["type"], event["data"]["incident_id"], event["data"]["orders"]) == (
        "campaign.stopped",
        str(trip_id),
        29,
    )


async def told(db: Db) -> list[dict]:
    async with db.reading() as tx:
        bodies = await tx.values(
            "select body from notices.events where type = 'campaign.stopped' order by occurred_at, id"
        )
    return [msgspec.json.decode(one) for one in bodies]


async def test_a_person_stops_it_and_that_is_an_incident_too(db):
    on = await ground(db)
    await book(db, on, 2, 2)
    await db.run(start.stop, on.wu.actor, "spring", "the label looks wrong")
    await work.drain(db)
    stop = await db.read(incidents.require, await stopped(db, on))
    assert (stop.reason, stop.by, stop.evidence["reason"]) == ("person", str(on.wu.actor), "the label looks wrong")
    assert [one.trip_id for one in await db.read(incidents.newest)] == [stop.trip_id]
    with pytest.raises(incidents.StopUnknown):
        await db.read(incidents.require, on.version_id)


async def test_no_time_brings_it_back(db):
    on = await ground(db)
    await tripped(db, on)
    for days in (1, 3, 7):
        clock.move(timedelta(days=days))
        await work.drain(db)
        await stages.grow(db)
        await stages.end_due(db)
        assert (await running(db)).state == "tripped"
        with pytest.raises(stages.LastStage):
            await db.run(stages.step, on.lin.actor, "spring")


async def again(db: Db, on: Ground, trip_id: UUID) -> changes.Proposal:
    """Tried on past orders once more, and proposed by Lin."""
    content = (await running(db)).content
    await backtest.run(db, on.lin.actor, "spring", msgspec.convert(content, Content))
    return await restart.propose(db, on.lin.actor, trip_id, REASON)


async def test_others_let_it_begin_anew_from_the_first_stage(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    before = await running(db)
    asked = await again(db, on, trip_id)
    assert asked.preview["stop"]["reason"] == "share"
    assert await db.read(restart.of_stop, trip_id) == [asked]
    with pytest.raises(changes.SamePerson):
        await review.approve(db, on.lin.actor, asked.id, asked.shown, FIGURES)
    for one in (on.chen, on.wu):
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    await changes.apply(db, on.lin.actor, asked.id)
    now = await standing(db, on.version_id)
    assert (now.state, now.stage, now.stage_used_count, now.used_minor) == ("canary", 1, 0, 29_000)
    assert (now.matched, now.seen, now.epoch) == (0, 0, before.epoch)
    [made] = await book(db, on, 1, 1)
    assert made.amount_minor == 9000
    stop = await db.read(incidents.require, trip_id)
    assert (stop.is_still, stop.state) == (False, "canary")
    with pytest.raises(restart.RestartOver):
        await restart.propose(db, on.lin.actor, trip_id, REASON)
    await work.drain(db)


async def test_a_second_stop_is_an_incident_of_its_own(db):
    on = await ground(db)
    first = await tripped(db, on)
    asked = await again(db, on, first)
    for one in (on.chen, on.wu):
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    await changes.apply(db, on.lin.actor, asked.id)
    await book(db, on, 3, 3)
    await db.run(start.stop, on.wu.actor, "spring", "once more")
    second = await stopped(db, on)
    assert second != first
    assert (await db.read(incidents.evidence, second)).sums.orders == 3
    assert (await db.read(incidents.evidence, first)).sums.orders == 29
    await work.drain(db)
    assert len(await told(db)) == 2


async def test_whoever_stopped_it_neither_proposes_nor_agrees(db):
    on = await ground(db)
    await db.run(start.stop, on.wu.actor, "spring", "wait")
    trip_id = await stopped(db, on)
    with pytest.raises(restart.StoppedByYou):
        await restart.propose(db, on.wu.actor, trip_id, REASON)
    asked = await restart.propose(db, on.lin.actor, trip_id, REASON)
    with pytest.raises(restart.StoppedByYou):
        await review.approve(db, on.wu.actor, asked.id, asked.shown, FIGURES)
    await review.approve(db, on.chen.actor, asked.id, asked.shown, FIGURES)
    assert (await db.read(changes.require, asked.id)).state is changes.State.PROPOSED, "finance has not agreed"
    other = await proposing.person(db, "finance")
    await review.approve(db, other.actor, asked.id, asked.shown, FIGURES)
    await changes.apply(db, on.chen.actor, asked.id)
    assert (await running(db)).state == "canary"


async def test_wrong_figures_reject_it(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    asked = await again(db, on, trip_id)
    with pytest.raises(changes.FiguresDiffer):
        await review.approve(
            db, on.chen.actor, asked.id, asked.shown, review.Retyped("20", "percent", "20", "platform")
        )
    assert (await db.read(changes.require, asked.id)).state is changes.State.REJECTED
    assert (await running(db)).state == "tripped"


async def test_an_old_backtest_lets_nothing_begin_anew(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    clock.move(timedelta(days=2))
    with pytest.raises(BacktestStale):
        await restart.propose(db, on.lin.actor, trip_id, REASON)


async def test_another_version_is_the_other_way_and_ends_this_one(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    asked = await again(db, on, trip_id)
    said = msgspec.structs.replace(
        msgspec.convert((await running(db)).content, Content),
        limits=proposing.ContentLimits(budget_minor=4_000_00, per_day_minor=1_000_00, per_person=2),
    )
    await proposing.started(db, on.lin, [on.chen, on.wu], said)
    with pytest.raises(restart.RestartOver):
        await review.approve(db, on.chen.actor, asked.id, asked.shown, FIGURES)
    with pytest.raises(restart.RestartOver):
        await restart.propose(db, on.lin.actor, trip_id, REASON)
    assert (await running(db)).n == 2


async def test_what_came_back_while_it_stood_is_there_again_when_it_begins_anew(db):
    """Money of a stopped campaign is kept for the decision; one that begins anew counts what its orders hold, to the fen."""
    on = await ground(db)
    trip_id = await tripped(db, on)
    clock.move(timedelta(minutes=30))
    await orders.expiry.sweep(db)
    assert (await running(db)).used_minor == 29_000
    asked = await again(db, on, trip_id)
    for one in (on.chen, on.wu):
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    await changes.apply(db, on.lin.actor, asked.id)
    now = await running(db)
    assert (now.used_minor, now.used_count) == (0, 0)


async def test_orders_before_a_restart_do_not_lower_what_its_stage_has_used(db):
    on = await ground(db)
    mei = await world.traveller(db)
    await on.place(world.request(mei, world.basket(on.slot)))
    await db.run(start.stop, on.wu.actor, "spring", "wait")
    trip_id = await stopped(db, on)
    asked = await restart.propose(db, on.lin.actor, trip_id, REASON)
    other = await proposing.person(db, "finance")
    for one in (on.chen, other):
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    await changes.apply(db, on.lin.actor, asked.id)
    await book(db, on, 2, 2)
    clock.move(timedelta(minutes=16))
    await write(
        db,
        "update orders.orders set expires_at = expires_at + interval '1 hour' where account_id <> %(id)s",
        id=mei.account_id,
    )
    await orders.expiry.sweep(db)
    now = await standing(db, on.version_id)
    assert (now.used_minor, now.stage_used_minor, now.stage_used_count) == (2000, 2000, 2)


async def test_two_who_apply_it_at_once_begin_it_once(db):
    on = await ground(db)
    trip_id = await tripped(db, on)
    asked = await again(db, on, trip_id)
    for one in (on.chen, on.wu):
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    done = await asyncio.gather(
        *(changes.apply(db, who.actor, asked.id) for who in (on.lin, on.chen)), return_exceptions=True
    )
    assert sum(isinstance(one, changes.Proposal) for one in done) == 1
    assert len([one for one in await db.read(stages.history, on.version_id) if one.stage == 1]) == 2
