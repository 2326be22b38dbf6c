"""Webhooks on their way: signed, tried again by the clock, never lost, never twice under another id."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import standardwebhooks

from holdfast import notices
from holdfast.kit import clock, jobs
from holdfast.notices import courier, signatures
from tests import world

from .conftest import ACTOR
from .receiver import Reply

pytestmark = pytest.mark.anyio
PAID = {"amount_minor": 12000, "currency": "CNY", "note": "门票 – “two” adults"}


async def publish(db, kind="payment.paid", data=PAID, **more):
    return await db.run(notices.publish, kind, data, subject="order:7K3QF90XMA", **more)


async def deliveries(db, **which):
    return await db.read(notices.webhooks.deliveries, **which)


async def test_an_event_arrives_signed_and_an_independent_library_agrees(db, receiver, hook):
    event_id = await publish(db)
    assert await notices.webhooks.deliver(db) == 1
    [got] = receiver.got()
    told = standardwebhooks.Webhook(hook.secret).verify(got.raw, got.headers)
    assert told == {"type": "payment.paid", "timestamp": told["timestamp"], "data": PAID}
    assert told["timestamp"].endswith("Z")
    assert got.id == f"evt_{event_id.hex}"
    assert got.headers["content-type"] == "application/json"
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)


async def test_a_changed_body_is_refused_by_the_independent_library(db, receiver, hook):
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(hook.secret).verify(got.raw.replace(b"12000", b"1"), got.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(signatures.new_secret()).verify(got.raw, got.headers)


async def test_each_subscription_gets_the_events_it_asked_for_and_all_see_one_id(db, receiver, hook):
    await notices.subscriptions.add(db, ACTOR, receiver.url("/money"), ["payment.paid", "payment.late"])
    paid = await publish(db)
    confirmed = await publish(db, "order.confirmed", {"number": "7K3QF90XMA"})
    await publish(db, "order.expired", {"number": "7K3QF90XMA"})
    assert await notices.webhooks.deliver(db) == 3
    assert {got.id for got in receiver.got()} == {signatures.message_id(paid), signatures.message_id(confirmed)}
    assert [got.id for got in receiver.got("/money")] == [signatures.message_id(paid)]


async def test_an_event_of_a_transaction_that_fails_is_no_event(db, receiver, hook):
    async def failing(tx) -> None:
        await notices.publish(tx, "payment.paid", PAID, subject="order:1")
        raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await db.run(failing)
    assert await notices.webhooks.deliver(db) == 0
    assert await world.value(db, "select count(*) from notices.events") == 0


async def test_an_event_nobody_offers_cannot_be_published(db):
    with pytest.raises(KeyError):
        await publish(db, "payment.dreamt")


async def test_an_event_without_subscribers_is_kept(db):
    await publish(db)
    assert await world.value(db, "select count(*) from notices.events") == 1
    assert await deliveries(db) == []


async def test_a_handler_that_runs_twice_publishes_once(db, receiver, hook):
    assert await publish(db, once="intent-1") == await publish(db, once="intent-1")
    await publish(db, once="intent-2")
    assert await notices.webhooks.deliver(db) == 2


async def test_retries_follow_the_schedule_and_then_the_delivery_is_given_up(db, receiver, hook):
    receiver.usual["/hooks"] = Reply(500, b"no")
    await publish(db)
    assert await notices.webhooks.deliver(db) == 1
    for pause in signatures.RETRIES:
        clock.move(pause - timedelta(seconds=1))
        assert await notices.webhooks.deliver(db) == 0, f"too early, {pause}"
        clock.move(pause * signatures.JITTER + timedelta(seconds=2))
        assert await notices.webhooks.deliver(db) == 1, pause
    clock.move(timedelta(days=2))
    assert await notices.webhooks.deliver(db) == 0
    assert len({got.id for got in receiver.got()}) == 1
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("failed", 10, 500)
    attempts = await db.read(notices.webhooks.attempts, delivery.id)
    assert [attempt.number for attempt in attempts] == list(range(1, 11))
    assert {attempt.answer for attempt in attempts} == {"no"}


async def test_the_first_retry_that_is_accepted_is_the_last_attempt(db, receiver, hook):
    receiver.will(503, 200)
    await publish(db)
    await notices.webhooks.deliver(db)
    clock.move(timedelta(seconds=7))
    await notices.webhooks.deliver(db)
    first, second = receiver.got()
    assert (first.id, first.raw) == (second.id, second.raw)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 7
    assert (await deliveries(db))[0].state == "delivered"
    clock.move(timedelta(days=1))
    assert await notices.webhooks.deliver(db) == 0


async def test_a_receiver_that_asks_for_more_time_gets_it(db, receiver, hook):
    receiver.will(Reply(429, headers={"Retry-After": "120"}))
    await publish(db)
    await notices.webhooks.deliver(db)
    clock.move(timedelta(seconds=110))
    assert await notices.webhooks.deliver(db) == 0
    clock.move(timedelta(seconds=15))
    assert await notices.webhooks.deliver(db) == 1


@pytest.mark.parametrize(
    ("asked", "least_s", "most_s"),
    [("", 5, 6), ("soon", 5, 6), ("-4", 5, 6), ("90", 90, 90), ("9" * 40, 86400, 86400), ("Wed, 21 Oct 1900 07:28:00 GMT", 5, 6)],
)  # fmt: skip
def test_what_a_receiver_asks_for_only_lengthens_the_pause_and_never_past_a_day(asked, least_s, most_s):
    now = clock.now()
    due = signatures.next_due_at(0, now, asked)
    assert due is not None
    assert timedelta(seconds=least_s) <= due - now <= timedelta(seconds=most_s)


async def test_an_address_that_is_gone_is_paused_and_what_waits_is_kept(db, receiver, hook):
    receiver.will(410)
    await publish(db)
    await notices.webhooks.deliver(db)
    subscription = await db.read(notices.subscriptions.require, hook.id)
    assert (subscription.state, subscription.reason) == ("paused", notices.subscriptions.GONE)
    clock.move(timedelta(days=1))
    assert await notices.webhooks.deliver(db) == 0
    assert await db.run(notices.subscriptions.resume, ACTOR, hook.id) == 1
    assert await notices.webhooks.deliver(db) == 1
    assert (await deliveries(db))[0].state == "delivered"


async def test_a_redirect_is_not_followed(db, receiver, hook):
    receiver.will(Reply(307, headers={"Location": receiver.url("/elsewhere")}))
    await publish(db)
    await notices.webhooks.deliver(db)
    assert len(receiver.got()) == 1
    assert receiver.got("/elsewhere") == []
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("waiting", 307, "redirect-refused")


async def test_an_address_that_nobody_answers_at_is_tried_again(db, receiver):
    await notices.subscriptions.add(db, ACTOR, "http://127.0.0.1:9/hooks", ["payment.paid"])
    await publish(db)
    await notices.webhooks.deliver(db)
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("waiting", None, "connect-failed")


async def test_of_an_answer_the_beginning_is_kept_however_long_it_is(db, receiver, hook):
    receiver.will(Reply(500, "错\0".encode() + b"x" * 3_000_000))
    await publish(db)
    await notices.webhooks.deliver(db)
    [attempt] = await db.read(notices.webhooks.attempts, (await deliveries(db))[0].id)
    assert attempt.answer == "错\ufffd" + "x" * (courier.ANSWER_CHARACTERS - 2)
    assert attempt.status == 500


async def test_a_slow_address_does_not_keep_another_waiting(db, receiver, hook):
    receiver.usual["/slow"] = Reply(204, after_s=2)
    await notices.subscriptions.add(db, ACTOR, receiver.url("/slow"), ["payment.paid"])
    for _ in range(60):
        await publish(db)
    started = time.monotonic()
    shift = asyncio.create_task(courier.current(db).shift(1.5))
    await world.until(lambda: _all_delivered(db, hook.id, 60))
    assert time.monotonic() - started < 1.5
    await shift
    assert len(receiver.got("/slow")) == courier.MOST, "the slow one has its share under way, and no more"
    assert len(receiver.got()) == 60


async def _all_delivered(db, subscription_id, count: int) -> bool:
    found = await deliveries(db, subscription_id=subscription_id, state="delivered", limit=100)
    return len(found) == count


async def test_one_shift_carries_a_long_queue_to_its_end(db, receiver, hook):
    for _ in range(20 * courier.MOST):
        await publish(db)
    await courier.current(db).shift(60)
    assert len({got.id for got in receiver.got()}) == 20 * courier.MOST
    assert await deliveries(db, state="waiting") == []


async def test_several_workers_share_the_limit_of_a_subscription_and_double_nothing(
    db, database_url, receiver, hook, monkeypatch
):
    receiver.usual["/hooks"] = Reply(204, after_s=0.3)
    for _ in range(30):
        await publish(db)
    async with world.another_process(database_url) as other:
        couriers = [courier.Courier(pool) for pool in (db, other)]
        taken = [await one.take_up() for one in couriers]
        assert sum(taken) == courier.MOST
        await asyncio.gather(*(one.settle() for one in couriers))
        await asyncio.gather(*(one.shift(5) for one in couriers))
        for one in couriers:
            await one.close()
    ids = [got.id for got in receiver.got()]
    assert len(ids) == len(set(ids)) == 30


async def test_a_failing_address_is_tried_a_few_at_a_time(db, receiver, hook):
    receiver.will(*[500] * courier.MOST)
    for _ in range(3 * courier.MOST):
        await publish(db)
    one = courier.current(db)
    assert await one.take_up() == courier.MOST
    await one.settle()
    assert await one.take_up() == courier.MOST_FAILING
    await one.settle()
    assert await one.take_up() == courier.MOST, "it works again"
    await one.settle()
    await notices.webhooks.deliver(db)


async def test_killed_between_sending_and_recording_it_is_sent_again_under_the_same_id(
    db, database_url, receiver, hook
):
    await publish(db)
    script = (
        "import asyncio, sys\n"
        "from holdfast import notices\n"
        "from holdfast.kit.db import Db\n"
        "async def main():\n"
        "    db = await Db(sys.argv[1], size=2).open()\n"
        "    await notices.webhooks.deliver(db)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "HOLDFAST_FAULTS": f"{courier.ANSWERED}=kill"}
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, database_url], env=environment, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    [first] = receiver.got()
    assert await notices.webhooks.deliver(db) == 0, "its lease has not ended"
    clock.move(courier.LEASE + timedelta(seconds=1))
    assert await notices.webhooks.deliver(db) == 1
    [second] = receiver.got()
    assert (first.id, first.raw) == (second.id, second.raw)
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    lost, told = await db.read(notices.webhooks.attempts, delivery.id)
    assert (lost.elapsed_ms, lost.status) == (None, None)
    assert told.status == 204


async def test_a_success_told_late_counts_though_another_attempt_has_begun(db, receiver, hook):
    await publish(db)
    receiver.will(Reply(204, after_s=0.5), 500)
    slow = courier.Courier(db)
    await slow.take_up()
    await world.until(lambda: _arrived(receiver))
    clock.move(courier.LEASE + timedelta(seconds=1))
    assert await notices.webhooks.deliver(db) == 1
    await slow.close()
    [delivery] = await deliveries(db)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    clock.move(timedelta(days=1))
    assert await notices.webhooks.deliver(db) == 0


async def _arrived(receiver) -> bool:
    return not receiver.inboxes["/hooks"].empty()


async def test_a_delivery_is_sent_again_by_hand_under_the_same_id(db, receiver, hook):
    await publish(db)
    await notices.webhooks.deliver(db)
    [delivery] = await deliveries(db)
    again = await db.run(notices.webhooks.resend, ACTOR, delivery.id)
    assert again.state == "waiting"
    await notices.webhooks.deliver(db)
    first, second = receiver.got()
    assert first.id == second.id
    assert (await deliveries(db))[0].state == "delivered"
    with pytest.raises(notices.DeliveryUnknown):
        await db.run(notices.webhooks.resend, ACTOR, delivery.id + 1)


async def test_the_worker_delivers_by_its_timetable(db, receiver, hook):
    await publish(db)
    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(db, stop, pause_s=0.02))
    await world.until(lambda: _all_delivered(db, hook.id, 1))
    stop.set()
    await working


async def test_what_was_settled_months_ago_is_forgotten_and_what_waits_is_not(db, receiver, hook):
    await publish(db)
    await notices.webhooks.deliver(db)
    receiver.usual["/hooks"] = Reply(410)
    waiting = await publish(db)
    await notices.webhooks.deliver(db)
    clock.move(notices.webhooks.KEPT + timedelta(days=1))
    assert await notices.webhooks.forget(db) == 1
    [left] = await deliveries(db)
    assert left.event_id == waiting
