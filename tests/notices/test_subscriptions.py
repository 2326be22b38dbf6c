"""Subscriptions: added, tested, paused with a reason, resumed without a loss, rotated without a gap, ended for good."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import standardwebhooks

from holdfast import notices
from holdfast.kit import clock
from holdfast.kit.i18n import catalogue
from holdfast.notices import subscriptions
from holdfast.notices.model import AddressSubscribed, SubscriptionOver
from tests import world

from .conftest import ACTOR
from .receiver import Reply

pytestmark = pytest.mark.anyio


async def publish(db, kind="payment.paid"):
    return await db.run(notices.publish, kind, {"amount_minor": 1}, subject="order:1")


async def state(db, hook):
    return (await db.read(subscriptions.require, hook.id)).state


def verifies(secret: str, got) -> bool:
    try:
        standardwebhooks.Webhook(secret).verify(got.raw, got.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


async def refusals(db, url, events=("payment.paid",), **more):
    with pytest.raises(notices.SubscriptionInvalid) as refused:
        await subscriptions.add(db, ACTOR, url, list(events), **more)
    return {(error["field"], error["code"]) for error in refused.value.errors}


async def test_what_cannot_be_subscribed_is_told_field_by_field(db, receiver):
    assert await refusals(db, "ftp://example.com/") == {("url", "not-a-url")}
    assert await refusals(db, "http://", []) == {("url", "not-a-url"), ("events", "events-invalid")}
    assert await refusals(db, receiver.url(), ["payment.dreamt"]) == {("events", "events-invalid")}
    assert await refusals(db, receiver.url(), contact="139") == {("contact", "contact-invalid")}
    assert await db.read(subscriptions.listed) == []


async def test_an_address_is_subscribed_once_and_again_after_its_end(db, receiver, hook):
    with pytest.raises(AddressSubscribed):
        await subscriptions.add(db, ACTOR, receiver.url(), ["order.expired"])
    await db.run(subscriptions.end, ACTOR, hook.id, "moved")
    anew = await subscriptions.add(db, ACTOR, receiver.url(), ["order.expired"])
    assert [found.id for found in await db.read(subscriptions.listed)] == [anew.id]
    assert [found.id for found in await db.read(subscriptions.listed, ended=True)] == [hook.id, anew.id]


async def test_a_secret_is_not_readable_in_the_database(db, hook):
    sealed = bytes(await world.value(db, "select secret from notices.signing_secrets"))
    assert hook.secret.encode() not in sealed
    assert hook.secret.startswith("whsec_")


async def test_both_secrets_sign_during_the_overlap_and_the_new_one_alone_after_it(db, receiver, hook):
    fresh = await db.run(subscriptions.rotate, ACTOR, hook.id)
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    assert len(got.headers["webhook-signature"].split(" ")) == 2
    assert verifies(hook.secret, got)
    assert verifies(fresh, got)
    await db.run(_age_secrets, subscriptions.OVERLAP)
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    assert not verifies(hook.secret, got)
    assert verifies(fresh, got)


async def _age_secrets(tx, by: timedelta) -> None:
    await tx.execute("update notices.signing_secrets set expires_at = expires_at - %(by)s", by=by)


async def test_a_secret_rotated_twice_within_the_overlap_signs_three_times(db, receiver, hook):
    secrets = [hook.secret, await db.run(subscriptions.rotate, ACTOR, hook.id), await db.run(subscriptions.rotate, ACTOR, hook.id)]  # fmt: skip
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    assert all(verifies(secret, got) for secret in secrets)


async def test_a_leaked_secret_signs_no_more_at_once(db, receiver, hook):
    fresh = await db.run(subscriptions.rotate, ACTOR, hook.id, overlap=timedelta(0))
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    assert not verifies(hook.secret, got)
    assert verifies(fresh, got)


async def test_a_pause_loses_nothing(db, receiver, hook):
    before = await publish(db)
    await db.run(subscriptions.pause, ACTOR, hook.id, "we move the server")
    during = await publish(db)
    await publish(db, "order.expired")
    assert await notices.webhooks.deliver(db) == 0
    assert await db.run(subscriptions.resume, ACTOR, hook.id) == 2
    await notices.webhooks.deliver(db)
    assert {got.id for got in receiver.got()} == {f"evt_{event.hex}" for event in (before, during)}
    assert await db.run(subscriptions.resume, ACTOR, hook.id) == 0, "it is active"


async def test_a_pause_can_be_left_without_catching_up(db, receiver, hook):
    await db.run(subscriptions.pause, ACTOR, hook.id, "we move the server")
    await publish(db)
    assert await db.run(subscriptions.resume, ACTOR, hook.id, catch_up=False) == 0
    assert await notices.webhooks.deliver(db) == 0


async def test_resuming_does_not_send_what_was_delivered_or_happened_before_the_subscription(db, receiver):
    await publish(db)
    clock.move(timedelta(seconds=1))
    hook = await subscriptions.add(db, ACTOR, receiver.url(), ["payment.paid"])
    await publish(db)
    await notices.webhooks.deliver(db)
    await db.run(subscriptions.pause, ACTOR, hook.id, "look")
    assert await db.run(subscriptions.resume, ACTOR, hook.id) == 0


async def test_a_pause_keeps_its_first_reason(db, hook):
    await db.run(subscriptions.pause, ACTOR, hook.id, "we move the server")
    await db.run(subscriptions.pause, ACTOR, hook.id, "again")
    assert (await db.read(subscriptions.require, hook.id)).reason == "we move the server"


async def test_an_ended_subscription_is_sent_nothing_more_and_cannot_be_woken(db, receiver, hook):
    await publish(db)
    await db.run(subscriptions.end, ACTOR, hook.id, "contract over")
    await publish(db)
    assert await notices.webhooks.deliver(db) == 0
    [delivery] = await db.read(notices.webhooks.deliveries)
    assert delivery.state == "ended"
    for command in (subscriptions.resume, subscriptions.rotate):
        with pytest.raises(SubscriptionOver):
            await db.run(command, ACTOR, hook.id)
    with pytest.raises(SubscriptionOver):
        await db.run(notices.webhooks.resend, ACTOR, delivery.id)
    with pytest.raises(SubscriptionOver):
        await notices.webhooks.test(db, ACTOR, hook.id)


async def test_a_publisher_and_a_resume_at_the_same_moment_lose_nothing(db, database_url, receiver, hook):
    """The publisher has seen the pause and has not committed: the resume waits for it, and then finds its event."""
    await db.run(subscriptions.pause, ACTOR, hook.id, "look")
    published, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(tx) -> None:
        await notices.publish(tx, "payment.paid", {}, subject="order:1")
        published.set()
        await go_on.wait()

    publishing = asyncio.create_task(db.run(slowly))
    await published.wait()
    resuming = asyncio.create_task(db.run(subscriptions.resume, ACTOR, hook.id))
    await asyncio.sleep(0.2)
    assert not resuming.done()
    go_on.set()
    await publishing
    assert await resuming == 1


async def test_a_test_is_sent_at_once_and_only_once(db, receiver, hook):
    receiver.will(500)
    tested = await notices.webhooks.test(db, ACTOR, hook.id)
    assert tested.attempt.status == 500
    [got] = receiver.got()
    assert verifies(hook.secret, got)
    assert got.body["type"] == "webhook.test"
    clock.move(timedelta(days=1))
    assert await notices.webhooks.deliver(db) == 0
    assert (await db.read(notices.webhooks.deliveries))[0].state == "failed"


async def test_a_paused_address_can_be_tested_before_it_is_resumed(db, receiver, hook):
    await db.run(subscriptions.pause, ACTOR, hook.id, "we move the server")
    assert (await notices.webhooks.test(db, ACTOR, hook.id)).attempt.status == 204
    assert await db.run(subscriptions.resume, ACTOR, hook.id) == 0


async def failing_for_days(db, receiver, days: int) -> None:
    """An event a day, tried when its time has come, refused each time."""
    receiver.usual["/hooks"] = Reply(500)
    for _ in range(days):
        await publish(db)
        for _ in range(12):
            await notices.webhooks.deliver(db)
            clock.move(timedelta(hours=2))
    clock.move(timedelta(seconds=10))
    await notices.webhooks.deliver(db)


async def test_an_address_that_fails_for_five_days_is_paused_and_its_contact_told(db, receiver):
    phone = world.phone_number()
    hook = await subscriptions.add(db, ACTOR, receiver.url(), ["payment.paid"], contact=phone, locale="en")
    await failing_for_days(db, receiver, 4)
    assert await state(db, hook) == "active"
    await failing_for_days(db, receiver, 1)
    await publish(db)
    await notices.webhooks.deliver(db)
    subscription = await db.read(subscriptions.require, hook.id)
    assert (subscription.state, subscription.reason) == ("paused", subscriptions.FAILING)
    [message] = await world.messages(db, phone)
    assert message.template == "webhooks-paused"
    assert "127.0.0.1" in message.body
    assert await world.value(db, "select count(*) from kit.audit where action = 'webhooks.pause'") == 1
    assert subscriptions.FAILING in catalogue()


async def test_what_was_given_up_while_the_address_failed_comes_after_resuming(db, receiver, hook):
    await failing_for_days(db, receiver, 5)
    await publish(db)
    await notices.webhooks.deliver(db)
    assert await db.read(notices.webhooks.deliveries, state="failed")
    receiver.got()
    receiver.usual.clear()
    assert await db.run(subscriptions.resume, ACTOR, hook.id) == 6
    await notices.webhooks.deliver(db)
    assert len({got.id for got in receiver.got()}) == 6


async def test_one_success_ends_the_failing(db, receiver, hook):
    receiver.will(500)
    await publish(db)
    await notices.webhooks.deliver(db)
    assert (await db.read(subscriptions.require, hook.id)).failing_since is not None
    clock.move(timedelta(seconds=7))
    await notices.webhooks.deliver(db)
    assert (await db.read(subscriptions.require, hook.id)).failing_since is None


async def test_health_tells_the_share_delivered_and_the_oldest_that_waits(db, receiver, hook):
    assert (await db.read(subscriptions.health))[hook.id].share_bp is None
    for status in (204, 204, 204, 500):
        receiver.will(status)
        await publish(db)
        await notices.webhooks.deliver(db)
    found = (await db.read(subscriptions.health))[hook.id]
    assert (found.tried, found.delivered, found.share_bp, found.waiting) == (4, 3, 7500, 1)
    assert found.oldest_waiting_at is not None


async def test_every_act_is_in_the_audit_trail_with_its_actor(db, receiver, hook):
    await db.run(subscriptions.pause, ACTOR, hook.id, "look")
    await db.run(subscriptions.resume, ACTOR, hook.id)
    await db.run(subscriptions.rotate, ACTOR, hook.id)
    await notices.webhooks.test(db, ACTOR, hook.id)
    await db.run(subscriptions.end, ACTOR, hook.id, "over")
    acts = await world.value(
        db, "select array_agg(action order by id) from kit.audit where actor = 'system:test' and subject like 'subscription:%%'"
    )  # fmt: skip
    assert acts == [f"webhooks.{verb}" for verb in ("add", "pause", "resume", "rotate", "test", "end")]
