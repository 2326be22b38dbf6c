"""Channels: a dead one is hidden after a handful of tries, tried unseen, and comes back; staff and versions are above it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from holdfast import orders, payments
from holdfast.kit import actor, clock, ids, settings
from holdfast.payments import health, health_store, resolver, rollouts, routing, switches
from holdfast.payments.model import AttemptState, ChannelResting, ChannelUnknown, DeferralRefused, Key
from tests import world

pytestmark = pytest.mark.anyio
SOMEBODY = actor.system("test")
ALL = ("wechatpay", "alipay", "stripe")


async def begin(db, provider: str = "wechatpay", method: str = "", *, slot=None):
    mei, order = await world.held_order(db, slot or await world.open_slot(db, places=500))
    return mei, order, await orders.pay(db, mei.actor, order, payments.Wish(provider, method))


async def offered(db, of: UUID | None = None) -> dict[str, bool]:
    ways = await db.read(payments.offers, of or ids.uuid7())
    return {f"{way.provider}/{way.method}": way.offered for way in ways}


async def state_of(db, provider: str, method: str, operation: str = "create", version: str = "apiv3.1") -> str:
    row = await db.read(health_store.channel, Key(provider, method, version, operation))
    return row.state if row else "healthy"


async def dead(db, sim, provider: str = "wechatpay", method: str = "native") -> int:
    """A channel that fails every charge, used until it is hidden; how many charges went into it."""
    sim.script({"fault": "html_502", "provider": provider})
    slot = await world.open_slot(db, places=500)
    for sent in range(20):
        try:
            await begin(db, provider, method, slot=slot)
        except ChannelResting:
            return sent
    raise AssertionError("it was never hidden")


async def test_a_dead_channel_is_hidden_after_five_charges_and_the_others_are_offered(db, sim):
    assert await dead(db, sim) == health.IN_A_ROW
    ways = await offered(db)
    assert ways == {
        "wechatpay/native": False,
        "wechatpay/h5": True,
        "alipay/qr": True,
        "alipay/page": True,
        "stripe/card": True,
    }
    _mei, _order, view = await begin(db, "")  # whatever is best
    assert view.provider != "wechatpay" or view.method == "h5"
    sim.script()


async def test_the_refusal_names_what_is_offered_instead(db, sim):
    await dead(db, sim)
    with pytest.raises(ChannelResting) as raised:
        await begin(db, "wechatpay", "native")
    assert "alipay/qr" in raised.value.fields["offered"]
    sim.script()


async def test_a_returning_channel_is_tried_unseen_and_offered_to_more_and_more(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_CHANNEL_STEP_S", "0.01")
    settings.current.cache_clear()
    await dead(db, sim)
    before = len(sim.http.get("/_sim/truth").json()["orders"])
    sim.script()
    shares = set()

    async def healthy() -> bool:
        clock.move(timedelta(seconds=5))
        sim.advance(5)
        await health.probe(db)
        row = await db.read(health_store.channel, Key("wechatpay", "native", "apiv3.1", "create"))
        shares.add(row.share)
        return row.state == "healthy"

    await world.until(healthy)
    assert {5, 25, 50} <= shares
    probes = [
        one for one in sim.http.get("/_sim/truth").json()["orders"][before:] if one["out_trade_no"].startswith("HP")
    ]
    assert probes
    assert {one["state"] for one in probes} == {"CLOSED"}
    events = await world.value(
        db,
        "select array_agg(after_state order by id) from payments.channel_events where operation = 'create' and method = 'native'",
    )
    assert events == ["down", "returning", "healthy"]


async def test_a_channel_that_is_still_dead_stays_hidden_whatever_time_passes(db, sim):
    await dead(db, sim)
    for _ in range(4):
        clock.move(timedelta(seconds=6))
        sim.advance(6)
        await health.probe(db)
        await health.watch(db)
    assert await state_of(db, "wechatpay", "native") == "down"
    sim.script()


async def test_charges_that_hang_count_before_they_end(db, sim):
    slot = await world.open_slot(db, places=50)
    people = [await world.held_order(db, slot) for _ in range(6)]
    sim.script({"fault": "hang", "match": "create", "seconds": 30, "provider": "wechatpay"})
    await channels_with_patience(20)
    hanging = [
        asyncio.create_task(orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))) for mei, order in people
    ]
    await world.until(lambda: begun(db, 6))
    clock.move(health.OVERDUE_AFTER + timedelta(seconds=1))
    await health.watch(db)
    assert await state_of(db, "wechatpay", "native") == "down"
    clock.reset()
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    sim.script()


async def channels_with_patience(seconds: float) -> None:
    adapter = await payments.channels.current().get("wechatpay")
    adapter._timeouts_s = dict.fromkeys(("create", "refund", "query", "query_refund", "close", "bill"), seconds)


async def begun(db, count: int) -> bool:
    return await world.value(db, "select count(*) from payments.attempts") == count


async def test_when_nothing_answers_the_least_bad_is_offered_and_one_may_promise_to_pay(db, sim):
    for provider, method in (("wechatpay", "native"), ("alipay", "qr"), ("stripe", "card")):
        await dead(db, sim, provider, method)
    await all_ways_down(db, sim)
    ways = await db.read(payments.offers, ids.uuid7())
    assert [way.offered for way in ways].count(True) == 1
    assert ways[0].least_bad
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    assert await orders.may_promise(db, order) == ""
    await orders.promise(db, mei.actor, order)
    await orders.promise(db, mei.actor, order)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CONFIRMED
    assert len(orders.tickets(after)) == 1
    sim.script()
    await back_to_health(db, sim)
    view = await orders.pay(db, mei.actor, after, payments.Wish("alipay"))
    sim.pay(view.merchant_ref)
    await world.until_quiet(db)
    story = [event.kind for event in (await world.order_of(db, mei, order.number)).events]
    assert story.count("promise_kept") == 1
    assert story.count("confirmed") == 1


async def all_ways_down(db, sim) -> None:
    """The second way of each wallet is used up as well."""
    sim.script(*({"fault": "html_502", "provider": provider} for provider in ALL))

    async def mark(tx) -> None:
        for provider, method, version in (("wechatpay", "h5", "apiv3.1"),):
            await health_store.move(
                tx, Key(provider, method, version, "create"), "healthy", "down", at=clock.now(), reason="in-a-row",
                share=0, next_probe_at=clock.now(), counted_from=clock.now(), evidence={},
            )  # fmt: skip

    await db.run(mark)


async def back_to_health(db, sim) -> None:
    async def heal(tx) -> None:
        await tx.execute("delete from payments.channels")

    await db.run(heal)


async def test_a_promise_that_is_not_kept_ends_and_gives_the_places_back(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    settings.current.cache_clear()
    slot = await world.open_slot(db, places=1, starts_in=timedelta(days=3))
    mei, order = await world.held_order(db, slot)
    await orders.promise(db, mei.actor, order)
    assert await world.places_left(db, slot) == 0
    await world.promise_over(db, order)
    await orders.promises.sweep(db)
    after = await world.order_of(db, mei, order.number)
    assert (after.state, after.events[-1].kind) == (orders.State.CANCELLED, "promise_not_kept")
    assert await world.places_left(db, slot) == 1


async def test_promises_have_limits_and_say_which(db, sim, monkeypatch):
    slot = await world.open_slot(db, places=50)
    mei, order = await world.held_order(db, slot)
    assert await orders.may_promise(db, order) == "channels-answer"
    with pytest.raises(DeferralRefused):
        await orders.promise(db, mei.actor, order)
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    monkeypatch.setenv("HOLDFAST_DEFERRAL_PER_PERSON", "1")
    monkeypatch.setenv("HOLDFAST_DEFERRAL_TOTAL_MINOR", "12000")
    settings.current.cache_clear()
    await orders.promise(db, mei.actor, order)
    again = await world.place(db, world.request(mei, world.basket(slot)))
    with pytest.raises(DeferralRefused) as person:
        await orders.promise(db, mei.actor, await world.order_of(db, mei, again.number))
    assert person.value.fields["reason"] == "person-limit"
    others = [await world.held_order(db, slot) for _ in range(4)]
    tries = await asyncio.gather(*(orders.promise(db, who.actor, what) for who, what in others), return_exceptions=True)
    assert [type(one).__name__ for one in tries].count("NoneType") == 1, tries
    refused = next(one for one in tries if isinstance(one, DeferralRefused))
    assert refused.fields["reason"] == "total-limit"


async def test_staff_take_the_money_of_a_promise_at_the_desk(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    settings.current.cache_clear()
    mei, order = await world.held_order(db, await world.open_slot(db))
    await orders.promise(db, mei.actor, order)
    intent_id = (await world.order_of(db, mei, order.number)).row.intent_id
    taken = await db.run(payments.take_at_desk, SOMEBODY, intent_id, "cash")
    assert (taken.provider, taken.role) == ("desk", "winner")
    with pytest.raises(payments.IntentOver):
        await db.run(payments.take_at_desk, SOMEBODY, intent_id, "again")
    refund_id = await db.run(orders.refund, SOMEBODY, intent_id, None, "came back")
    await world.work_once(db)
    assert await world.value(db, "select state from payments.refunds") == "requested"
    await db.run(payments.handed_over, SOMEBODY, refund_id, "in cash")
    assert await world.value(db, "select state from payments.refunds") == "succeeded"


async def test_staff_switch_a_channel_off_and_on_again(db, sim):
    number = await db.run(switches.turn_off, SOMEBODY, "wechatpay", None, "contract ends", timedelta(hours=1))
    ways = await offered(db)
    assert (ways["wechatpay/native"], ways["wechatpay/h5"], ways["alipay/qr"]) == (False, False, True)
    with pytest.raises(ChannelResting):
        await begin(db, "wechatpay")
    await db.run(switches.turn_on, SOMEBODY, number)
    with pytest.raises(switches.SwitchGone):
        await db.run(switches.turn_on, SOMEBODY, number)
    assert (await offered(db))["wechatpay/native"]
    with pytest.raises(ChannelUnknown):
        await db.run(switches.turn_off, SOMEBODY, "paypal", None, "?", timedelta(hours=1))


async def test_a_switch_ends_by_itself(db, sim):
    await db.run(switches.turn_off, SOMEBODY, "alipay", "qr", "maintenance", timedelta(minutes=5))
    assert not (await offered(db))["alipay/qr"]
    clock.move(timedelta(minutes=6))
    assert (await offered(db))["alipay/qr"]


async def test_a_new_version_that_fails_trips_back_and_nobody_notices_after(db, sim):
    """The provider's new interface answers SYSTEM_ERROR for ever, while the old one works."""
    await db.run(rollouts.change, SOMEBODY, "wechatpay", "apiv3.2", "primary", 100, "new keys")
    sim.script({"fault": "system_error", "match": "create", "agent": "apiv3.2"})
    slot = await world.open_slot(db, places=50)
    views = [(await begin(db, "wechatpay", slot=slot))[2] for _ in range(8)]
    doubts = [view for view in views if view.in_doubt]
    assert len(doubts) == health.IN_A_ROW
    rollout = await db.read(health_store.rollout, "wechatpay")
    assert rollout.tripped_at is not None
    assert rollout.mode == "primary"  # what was intended stays written beside the trip
    versions = await world.value(db, "select array_agg(adapter_version order by created_at) from payments.attempts")
    assert versions == ["apiv3.2"] * 5 + ["apiv3.1"] * 3
    assert (await offered(db))["wechatpay/native"]
    sim.script()


async def test_a_canary_serves_its_share_and_attempts_keep_their_version(db, sim):
    await db.run(rollouts.change, SOMEBODY, "wechatpay", "apiv3.2", "canary", 50, "new keys")
    slot = await world.open_slot(db, places=100)
    begun_here = [await begin(db, "wechatpay", slot=slot) for _ in range(24)]
    versions = await world.value(db, "select array_agg(distinct adapter_version) from payments.attempts")
    assert sorted(versions) == ["apiv3.1", "apiv3.2"]
    await db.run(rollouts.change, SOMEBODY, "wechatpay", "apiv3.2", "off", 0, "back")
    for _mei, _order, view in begun_here[:6]:
        sim.pay(view.merchant_ref)
    await world.until_quiet(db)
    confirmed = await world.value(db, "select count(*) from orders.orders where state = 'confirmed'")
    assert confirmed == 6


async def test_a_shadow_sees_the_same_changes_nothing_and_trips_when_it_differs(db, sim):
    await db.run(rollouts.change, SOMEBODY, "wechatpay", "apiv3.2", "shadow", 0, "watch first")
    mei, order, _view = await begin(db)
    attempt_id = await world.value(db, "select id from payments.attempts")
    for _ in range(3):
        await payments.attempts.ask(db, attempt_id)
    assert await world.value(db, "select array_agg(distinct same) from payments.shadows") == [True]
    assert await world.value(db, "select adapter_version from payments.attempts") == "apiv3.1"
    sim.script({"fault": "new_enum", "match": "query", "agent": "apiv3.2"})
    for _ in range(rollouts.SHADOWS_MIN):
        await payments.attempts.ask(db, attempt_id)
    rollout = await db.read(health_store.rollout, "wechatpay")
    assert "differ" in rollout.trip_reason
    assert (await world.payment_of(db, mei, order)).attempt_state is AttemptState.AWAITING_USER
    sim.script()


async def test_a_rollout_of_what_there_is_not_is_refused(db, sim):
    for version, mode, percent in (
        ("apiv9", "canary", 5),
        ("apiv3.2", "sideways", 5),
        ("apiv3.2", "canary", 0),
        ("apiv3.2", "canary", 101),
    ):
        with pytest.raises(rollouts.RolloutImpossible):
            await db.run(rollouts.change, SOMEBODY, "wechatpay", version, mode, percent, "?")


async def test_payers_declines_leave_a_channel_healthy(db, sim):
    slot = await world.open_slot(db, places=50)
    for _ in range(8):
        _mei, _order, view = await begin(db, "stripe", slot=slot)
        assert view.client_secret
    for outcome in ("decline", "user"):
        await db.run(_note_calls, outcome, 30)
    await health.watch(db)
    assert await state_of(db, "stripe", "card", version="2026-10") == "healthy"


async def _note_calls(tx, outcome: str, count: int) -> None:
    for _ in range(count):
        await health_store.insert_call(
            tx, world.call_record("create", outcome), provider="stripe", method="card", version="2026-10"
        )


async def test_charges_that_nobody_can_pay_make_a_channel_degraded(db, sim):
    await db.run(_shown, 60, 55, timedelta(hours=2))
    await db.run(_shown, 30, 1, timedelta(minutes=5))
    await health.watch_conversion(db)
    row = await db.read(health_store.channel, Key("wechatpay", "native", "apiv3.1", "create"))
    assert (row.state, row.reason) == ("degraded", "conversion")
    assert (await offered(db))["wechatpay/native"]
    best = (await db.read(routing.offers, ids.uuid7()))[0]
    assert best.provider != "wechatpay" or best.method != "native"
    await db.run(_forget)


async def _shown(tx, shown: int, paid: int, ago: timedelta) -> None:
    """Charges of the past, as far as the comparison looks at them."""
    for n in range(shown):
        intent_id, attempt_id, at = ids.uuid7(), ids.uuid7(), clock.now() - ago
        await tx.execute(
            """insert into payments.intents (id, reference, amount_minor, currency, description, state, expires_at, created_at)
               values (%(id)s, %(id)s::text, 100, 'CNY', 'past', 'expired', %(at)s, %(at)s)""",
            id=intent_id, at=at,
        )  # fmt: skip
        await tx.execute(
            """insert into payments.attempts (id, intent_id, provider, method, adapter_version, merchant_ref, amount_minor, currency,
                                              state, code_url, created_at, expires_at)
               values (%(id)s, %(intent)s, 'wechatpay', 'native', 'apiv3.1', %(id)s::text, 100, 'CNY', %(state)s, 'weixin://x', %(at)s, %(at)s)""",
            id=attempt_id, intent=intent_id, at=at, state="succeeded" if n < paid else "closed",
        )  # fmt: skip


async def _forget(tx) -> None:
    """They were no payments: the books of this test are not to be compared with them."""
    await tx.execute("delete from payments.attempts where merchant_ref = id::text")


async def test_the_resolver_keeps_to_its_plan_and_says_how_long_it_will_take(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_RESOLVER_RATES", "wechatpay=5,alipay=5,stripe=5")
    settings.current.cache_clear()
    slot = await world.open_slot(db, places=100)
    sim.script({"fault": "reset", "match": "create", "provider": "alipay"})
    for _ in range(4):
        await begin(db, "alipay", slot=slot)
    sim.script()
    [backlog] = [one for one in await db.read(resolver.progress) if one.provider == "alipay"]
    assert (backlog.in_doubt, backlog.rate_per_s) == (4, 5.0)
    assert backlog.eta_s == pytest.approx(0.8)
    clock.move(timedelta(minutes=1))
    assert await resolver.resolve(db) <= 10
    clock.reset()


async def test_doubts_are_asked_about_at_once_when_a_channel_returns(db, sim):
    await begin(db)
    await db.run(_doubt)
    key = Key("wechatpay", "native", "apiv3.1", "query")
    for outcome in ("technical",) * 5:
        await db.run(_call, key, outcome)
    assert await db.run(health.review, key) == "down"
    for _ in range(2):
        await db.run(_call, key, "ok")
    assert await db.run(health.review, key) == "returning"
    assert await world.value(db, "select next_query_at <= %(now)s from payments.attempts", now=clock.now())


async def _doubt(tx) -> None:
    await tx.execute(
        "update payments.attempts set state = 'unknown', code_url = null, next_query_at = %(later)s",
        later=clock.now() + timedelta(minutes=30),
    )


async def _call(tx, key: Key, outcome: str) -> None:
    await health_store.insert_call(
        tx, world.call_record(key.operation, outcome), provider=key.provider, method=key.method, version=key.version
    )
