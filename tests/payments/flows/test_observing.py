"""Observing: one function applies all that a provider says, in any order, and money decides before anything else."""

from __future__ import annotations

import itertools

import pytest

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.payments.model import OPEN_STATES, AttemptState, next_query_at, next_state
from holdfast.payments.observations import observe
from holdfast.payments.providers.base import Observation, PaymentState, Source
from tests import world

pytestmark = pytest.mark.anyio


def seen(
    ref: str, state: PaymentState, *, amount: int | None = None, txn: str | None = None, code: str | None = None
) -> Observation:
    paid = state is PaymentState.SUCCEEDED
    return Observation(
        source=Source.QUERY, state=state, merchant_ref=ref, amount_minor=amount or (6000 if paid else None),
        currency="CNY" if paid else None, provider_txn=txn, occurred_at=clock.now() if paid else None, code_url=code,
    )  # fmt: skip


ANY = [seen("r", state, code=code) for state in PaymentState for code in (None, "weixin://x")]


def decided(state: AttemptState, what: Observation, *, late: bool = False) -> AttemptState:
    now = clock.now()
    return next_state(state, what, payable_until=now + world.timedelta(minutes=-1 if late else 1), now=now)


@pytest.mark.parametrize("late", [False, True])
def test_money_once_seen_is_never_unseen_and_is_believed_in_every_state(late):
    for state in AttemptState:
        assert decided(state, seen("r", PaymentState.SUCCEEDED), late=late) is AttemptState.SUCCEEDED
    for what in ANY:
        assert decided(AttemptState.SUCCEEDED, what, late=late) is AttemptState.SUCCEEDED


@pytest.mark.parametrize("ended", [AttemptState.CLOSED, AttemptState.FAILED])
def test_what_has_ended_is_changed_by_money_alone(ended):
    for what in ANY:
        expected = AttemptState.SUCCEEDED if what.state is PaymentState.SUCCEEDED else ended
        assert decided(ended, what) is expected


def test_not_found_is_no_end_while_a_lost_request_may_still_arrive():
    for state in OPEN_STATES:
        assert decided(state, seen("r", PaymentState.NOT_FOUND)) in OPEN_STATES
        assert decided(state, seen("r", PaymentState.NOT_FOUND), late=True) is AttemptState.CLOSED


def test_no_answer_ends_nothing_and_hides_no_code_that_was_shown():
    for state in OPEN_STATES:
        assert decided(state, seen("r", PaymentState.UNKNOWN), late=True) in OPEN_STATES
    assert decided(AttemptState.AWAITING_USER, seen("r", PaymentState.UNKNOWN)) is AttemptState.AWAITING_USER


def test_what_is_open_is_asked_about_ever_more_rarely_and_for_ever():
    now = clock.now()
    pauses = [next_query_at(AttemptState.UNKNOWN, queries, now) - now for queries in range(50)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= world.timedelta(seconds=2)
    assert pauses[-1] <= world.timedelta(minutes=30)
    for state in set(AttemptState) - set(OPEN_STATES):
        assert next_query_at(state, 0, now) is None


@pytest.fixture
async def begun(db, sim):
    mei, order = await world.held_order(db, await world.open_slot(db))
    view = await orders.pay(db, mei.actor, order)
    attempt_id = await world.value(db, "select id from payments.attempts")
    return mei, order, view.merchant_ref, attempt_id


async def test_any_order_of_the_same_news_ends_the_same(db, sim, begun):
    """The provider's words are true ones of this charge, replayed in every order; the money counts once."""
    mei, order, ref, attempt_id = begun
    sim.script({"fault": "drop_callback"})
    txn = sim.pay(ref)["transaction_id"]
    words = [
        seen(ref, PaymentState.AWAITING_USER, code="weixin://x"),
        seen(ref, PaymentState.UNKNOWN),
        seen(ref, PaymentState.SUCCEEDED, txn=txn),
        seen(ref, PaymentState.SUCCEEDED, txn=txn),
    ]
    for news in itertools.permutations(words):
        for one in news:
            attempt = await db.run(observe, attempt_id, one)
        assert (attempt.state, attempt.role, attempt.paid_minor) == (AttemptState.SUCCEEDED, "winner", 6000)
    await world.until_quiet(db)
    assert [event.kind for event in (await world.order_of(db, mei, order.number)).events].count("confirmed") == 1


async def test_a_second_transaction_number_does_not_replace_the_first(db, sim, begun):
    _, _, ref, attempt_id = begun
    sim.script({"fault": "drop_callback"})
    txn = sim.pay(ref)["transaction_id"]
    await db.run(observe, attempt_id, seen(ref, PaymentState.SUCCEEDED, txn=txn))
    after = await db.run(observe, attempt_id, seen(ref, PaymentState.SUCCEEDED, txn="another"))
    assert after.provider_txn == txn
    told = await world.value(
        db, "select array_agg(provider_txn order by id) from payments.observations where state = 'succeeded'"
    )
    assert told == [txn, "another"]


async def test_a_refused_charge_is_followed_by_another_and_only_one_is_kept_if_both_are_paid_after_all(db, sim, begun):
    """Old attempt failed, new one paid, and then the old one succeeds: the loser goes back on its own charge."""
    mei, order, first, attempt_id = begun
    await db.run(_declined, attempt_id)
    second = (await orders.pay(db, mei.actor, order)).merchant_ref
    assert second != first
    sim.pay(second)
    await world.until_quiet(db)
    sim.pay(first)

    async def told() -> bool:
        await world.work_once(db)
        return await world.value(
            db, "select role = 'duplicate' from payments.attempts where merchant_ref = %(r)s", r=first
        )

    await world.until(told)
    await world.until_quiet(db)
    view = await world.payment_of(db, mei, order)
    assert (view.state, view.merchant_ref) == (payments.IntentState.PAID, second)
    assert [(refund.amount_minor, refund.reason, refund.state) for refund in view.refunds] == [
        (6000, "duplicate", "succeeded")
    ]
    assert sim.order(second)["refunds"] == []


async def _declined(tx, attempt_id) -> None:
    """As a payer's bank that says no leaves it."""
    await tx.execute(
        "update payments.attempts set state = 'failed', next_query_at = null where id = %(id)s", id=attempt_id
    )


async def test_an_old_attempts_failure_after_a_new_ones_success_stays_its_own(db, sim, begun):
    mei, order, first, attempt_id = begun
    await db.run(_declined, attempt_id)
    second = (await orders.pay(db, mei.actor, order)).merchant_ref
    sim.pay(second)
    await world.until_quiet(db)
    await db.run(observe, attempt_id, seen(first, PaymentState.CLOSED))
    await world.until_quiet(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED


async def test_of_two_late_payments_one_confirms_and_the_other_goes_back(db, sim, begun):
    mei, order, first, attempt_id = begun
    await db.run(_declined, attempt_id)
    second = (await orders.pay(db, mei.actor, order)).merchant_ref
    newer = await world.value(db, "select id from payments.attempts where merchant_ref = %(r)s", r=second)
    await db.run(_declined, newer)
    await world.run_out(db, order)
    await orders.expiry.sweep(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.EXPIRED
    sim.pay(first)
    sim.pay(second)

    async def both_told() -> bool:
        await world.work_once(db)
        return await world.value(db, "select count(*) = 2 from payments.attempts where state = 'succeeded'")

    await world.until(both_told)
    await world.until_quiet(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    refunds = (await world.payment_of(db, mei, order)).refunds
    assert [(refund.amount_minor, refund.state) for refund in refunds] == [(6000, "succeeded")]
