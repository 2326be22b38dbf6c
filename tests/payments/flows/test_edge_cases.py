"""The edge cases of taking money, one test each, by number and name: what is the right answer, against real protocols.

After every test (see conftest) all is quiet, every invariant holds, and the providers' books agree with ours.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import pytest

from holdfast import ledger, orders, payments
from holdfast.kit import actor, clock, faults, settings
from holdfast.payments import attempts, channels, refunds, store
from holdfast.payments.model import AttemptState, Role, StillChecking
from holdfast.payments.observations import observe
from holdfast.payments.providers.base import Observation, PaymentState, RefundObservation, RefundState, Source
from tests import world

pytestmark = pytest.mark.anyio
PROVIDERS = ("wechatpay", "alipay", "stripe")
SOMEBODY = actor.system("test")


async def begin(db, provider: str = "wechatpay", *, slot=None):
    """A held order whose payment is started: its owner, the order, what the page shows."""
    mei, order = await world.held_order(db, slot or await world.open_slot(db))
    return mei, order, await orders.pay(db, mei.actor, order, payments.Wish(provider))


async def attempt_of(db, ref: str):
    attempt_id = await world.value(db, "select id from payments.attempts where merchant_ref = %(r)s", r=ref)
    return await db.read(store.attempt, attempt_id)


async def state_of(db, mei, order) -> orders.State:
    return (await world.order_of(db, mei, order.number)).state


async def until_order(db, mei, order, wanted: orders.State) -> None:
    async def reached() -> bool:
        await world.work_once(db)
        return await state_of(db, mei, order) is wanted

    await world.until(reached)


async def until_attempt(db, ref: str, wanted: str) -> None:
    async def reached() -> bool:
        await world.work_once(db)
        return (await attempt_of(db, ref)).state == wanted

    await world.until(reached)


async def refunds_of(db, mei, order) -> list[tuple[int, str, str]]:
    return [(one.amount_minor, one.reason, one.state) for one in (await world.payment_of(db, mei, order)).refunds]


async def unapplied(db) -> int:
    """All that waits in 2030, of every owner and currency."""
    return sum(total.amount_minor for total in await db.read(ledger.totals) if total.code == "2030")


def last_word(ref: str, state: PaymentState, source: Source = Source.QUERY, **told: object) -> Observation:
    return Observation(source=source, state=state, merchant_ref=ref, **told)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_01_timeout_with_unknown_outcome_is_neither_failed_nor_tried_elsewhere_and_is_resolved_by_asking(
    db, sim, provider
):
    sim.script({"fault": "hang", "match": "create", "count": 1, "seconds": 1.5, "provider": provider})
    mei, order, view = await begin(db, provider)
    assert (view.in_doubt, view.attempt_state) == (True, AttemptState.UNKNOWN)
    other = next(name for name in PROVIDERS if name != provider)
    sim.script({"fault": "html_502", "match": "query", "provider": provider})
    with pytest.raises(StillChecking):
        await orders.pay(db, mei.actor, order, payments.Wish(other))
    with pytest.raises(StillChecking):  # insisting counts only after a while
        await orders.pay(db, mei.actor, order, payments.Wish(other, insist=True))
    sim.script()

    async def payable() -> bool:
        await world.work_once(db)
        found = await world.payment_of(db, mei, order)
        return found.attempt_state is AttemptState.AWAITING_USER

    await world.until(payable)
    assert await world.value(db, "select count(*) from payments.attempts") == 1
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)


async def test_01b_a_payer_who_insists_pays_another_way_and_the_loser_goes_back(db, sim):
    sim.script({"fault": "lost_response", "match": "create", "count": 1, "provider": "wechatpay"})
    mei, order, first = await begin(db)
    sim.script(
        {"fault": "html_502", "match": "query", "provider": "wechatpay"},
        {"fault": "html_502", "match": "close", "provider": "wechatpay"},
    )
    await world.age(db, first.merchant_ref, attempts.INSIST_AFTER)
    second = await orders.pay(db, mei.actor, order, payments.Wish("stripe", insist=True))
    assert (second.provider, second.in_doubt, second.abandoned) == ("stripe", False, ["wechatpay"])
    sim.script()
    sim.pay(first.merchant_ref)
    sim.pay(second.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    await until_attempt(db, first.merchant_ref, "succeeded")
    await until_attempt(db, second.merchant_ref, "succeeded")
    await world.until_quiet(db)
    assert await refunds_of(db, mei, order) == [(6000, "duplicate", "succeeded")]


@pytest.mark.parametrize("free", [True, False])
async def test_02_late_success_after_the_order_expired_confirms_while_places_are_free_and_goes_back_otherwise(
    db, sim, free
):
    slot = await world.open_slot(db, places=1)
    sim.script({"fault": "hang", "match": "create", "count": 1, "seconds": 2.4})
    mei, order, view = await begin(db, slot=slot)
    await world.run_out(db, order)
    await orders.expiry.sweep(db)
    assert await state_of(db, mei, order) is orders.State.EXPIRED
    if not free:
        await world.paid_order(db, sim, slot)

    async def arrived() -> bool:
        return any(one["out_trade_no"] == view.merchant_ref for one in sim.http.get("/_sim/truth").json()["orders"])

    await world.until(arrived)
    sim.pay(view.merchant_ref)
    await until_attempt(db, view.merchant_ref, "succeeded")
    await world.until_quiet(db)
    kept = orders.State.CONFIRMED if free else orders.State.EXPIRED
    assert await state_of(db, mei, order) is kept
    assert await refunds_of(db, mei, order) == ([] if free else [(6000, "late payment", "succeeded")])
    assert await unapplied(db) == 0


async def test_03_double_success_on_two_channels_keeps_the_first_and_returns_the_second_on_its_own_channel(db, sim):
    mei, order, alipay = await begin(db, "alipay")
    wechat = await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    assert wechat.abandoned == ["alipay"]  # its code was never scanned, so it cannot be closed
    sim.pay(wechat.merchant_ref)
    sim.pay(alipay.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    await until_attempt(db, alipay.merchant_ref, "succeeded")
    await until_attempt(db, wechat.merchant_ref, "succeeded")
    await world.until_quiet(db)
    roles = {
        one.merchant_ref: one.role
        for one in await db.read(store.attempts, order_intent(await world.order_of(db, mei, order.number)))
    }
    assert sorted(roles.values()) == ["duplicate", "winner"]
    loser = next(ref for ref, role in roles.items() if role is Role.DUPLICATE)
    assert [one["status"] for one in sim.order(loser)["refunds"]] == ["SUCCESS"]
    assert await unapplied(db) == 0


def order_intent(order: orders.Order) -> UUID:
    assert order.row.intent_id is not None
    return order.row.intent_id


@pytest.mark.parametrize("provider", ["wechatpay", "alipay"])
async def test_04_callback_before_the_response_is_applied_and_the_response_changes_nothing(db, sim, provider):
    sim.script({"fault": "callback_before_response", "match": "create", "count": 1, "provider": provider})
    mei, order, view = await begin(db, provider)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    told = await world.value(
        db, "select array_agg(source order by id) from payments.observations where after_state = 'succeeded'"
    )
    assert "callback" in told
    assert (await attempt_of(db, view.merchant_ref)).state is AttemptState.SUCCEEDED


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_05_callback_replay_counts_once_and_is_thanked_again(db, sim, provider):
    sim.script({"fault": "double_callback", "provider": provider})
    mei, order, view = await begin(db, provider)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    await world.until(lambda: delivered(sim, 2))
    assert await world.value(db, "select count(*) from payments.inbox where kind not like '%%REFUND%%'") == 1
    assert await world.value(db, "select count(*) from ledger.journals where kind = 'payment.received'") == 1


async def delivered(sim, times: int) -> bool:
    return sim.callbacks().get("delivered", 0) >= times


async def test_06_callback_for_a_merged_account_finds_its_order_and_refunds_go_to_the_payer(db, sim):
    mei, order, view = await begin(db)
    wang = await world.traveller(db)
    await world.same_person(db, wang, mei)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    assert await state_of(db, wang, order) is orders.State.CONFIRMED
    told = [
        message.recipient
        for message in await world.messages(db, await order_phone(db, order))
        if message.template == "order-confirmed"
    ]
    assert len(told) == 1
    await db.run(orders.refund, SOMEBODY, order_intent(await world.order_of(db, mei, order.number)), None, "merged")
    await world.until_quiet(db)
    assert [one["status"] for one in sim.order(view.merchant_ref)["refunds"]] == ["SUCCESS"]


async def order_phone(db, order) -> str:
    return await db.read(orders.store.phone, order.row.id)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_07_partial_refunds_have_their_own_numbers_and_never_sum_to_more_than_was_paid(db, sim, provider):
    mei, order, view = await begin(db, provider)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    intent_id = order_intent(await world.order_of(db, mei, order.number))
    tries = await asyncio.gather(
        *(db.run(payments.give_back, SOMEBODY, intent_id, 2500, f"part {n}") for n in range(8)), return_exceptions=True
    )
    given = [one for one in tries if isinstance(one, UUID)]
    assert len(given) == 2, tries
    assert {type(one).__name__ for one in tries if not isinstance(one, UUID)} == {"RefundTooMuch"}
    await world.until_quiet(db)
    assert sorted(one["amount"] for one in sim.order(view.merchant_ref)["refunds"]) == [2500, 2500]
    assert await state_of(db, mei, order) is orders.State.CONFIRMED
    attempt = await attempt_of(db, view.merchant_ref)
    again = await attempts.ask(db, attempt.id)  # the provider says REFUND now; it was paid all the same
    assert (again.state, again.role) == (AttemptState.SUCCEEDED, Role.WINNER)
    await db.run(orders.refund, SOMEBODY, intent_id, None, "the rest")
    await world.until_quiet(db)
    assert await state_of(db, mei, order) is orders.State.CANCELLED


async def paid(db, sim, provider: str = "wechatpay"):
    mei, order, view = await begin(db, provider)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    return mei, await world.order_of(db, mei, order.number), view.merchant_ref


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["system_error", "lost_response", "refund_not_enough", "html_502", "hang"])
async def test_08_refund_failures_keep_the_number_and_pay_once(db, sim, provider, fault):
    mei, order, ref = await paid(db, sim, provider)
    sim.script(
        {
            "fault": fault,
            "match": "refund",
            "count": 2,
            "provider": provider,
            **({"seconds": 1} if fault == "hang" else {}),
        }
    )
    await db.run(orders.refund, SOMEBODY, order_intent(order), None, fault)
    for _ in range(2):
        await world.work_once(db)
    sim.script()
    await world.until_quiet(db)
    assert [(one["amount"], one["status"]) for one in sim.order(ref)["refunds"]] == [(6000, "SUCCESS")]
    assert len(await refunds_of(db, mei, order)) == 1


async def test_08b_an_abnormal_refund_waits_for_people_who_pay_it_by_bank_and_sign(db, sim):
    mei, order, ref = await paid(db, sim)
    sim.script({"fault": "refund_processing", "match": "refund"})
    refund_id = await db.run(orders.refund, SOMEBODY, order_intent(order), None, "closed card")
    await world.work_once(db)
    number = await world.value(db, "select refund_ref from payments.refunds")
    with pytest.raises(refunds.RefundNotByHand):
        await db.run(payments.handed_over, SOMEBODY, refund_id, "too early")
    sim.http.post(f"/_sim/refunds/{number}", json={"status": "ABNORMAL"}).raise_for_status()

    async def abnormal() -> bool:
        await world.work_once(db)
        return await world.value(db, "select state from payments.refunds") == "abnormal"

    await world.until(abnormal)
    await db.run(payments.handed_over, SOMEBODY, refund_id, "bank transfer 2026-11")
    assert await refunds_of(db, mei, order) == [(6000, "closed card", "succeeded")]
    bank = await db.read(ledger.balance, ledger.Account("1020", "operating", "CNY"))
    assert bank.credits_posted == 6000
    assert [one["status"] for one in sim.order(ref)["refunds"]] == ["ABNORMAL"]


async def test_09_amount_mismatch_is_believed_only_after_asking_and_is_not_fulfilled(db, sim):
    sim.script({"fault": "wrong_amount", "match": "callback"})
    mei, order, view = await begin(db)
    sim.pay(view.merchant_ref)  # the callback lies by a fen, the query does not

    async def called_back() -> bool:
        return await world.value(db, "select count(*) from payments.inbox") == 1

    await world.until(called_back)
    await world.jobs.drain(db)
    assert (await attempt_of(db, view.merchant_ref)).state is AttemptState.AWAITING_USER
    notes = await world.value(db, "select count(*) from payments.observations where note like 'another sum%%'")
    assert notes == 1
    await until_order(db, mei, order, orders.State.CONFIRMED)
    assert (await attempt_of(db, view.merchant_ref)).paid_minor == 6000
    sim.script()
    li, short, charge = await begin(db)
    sim.pay(charge.merchant_ref, amount=5999)
    await until_attempt(db, charge.merchant_ref, "succeeded")
    await world.until_quiet(db)
    assert await state_of(db, li, short) is orders.State.AWAITING_PAYMENT
    assert await refunds_of(db, li, short) == [(5999, "wrong amount", "succeeded")]


async def test_09b_what_is_paid_too_much_goes_back_and_the_order_stands(db, sim):
    mei, order, view = await begin(db)
    sim.pay(view.merchant_ref, amount=6100)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    await world.until_quiet(db)
    assert await refunds_of(db, mei, order) == [(100, "excess", "succeeded")]
    assert await unapplied(db) == 0
    intent_id = order_intent(await world.order_of(db, mei, order.number))
    assert await db.read(payments.left_minor, intent_id) == 6000


async def test_10_currency_mismatch_is_never_converted_and_goes_back_whole(db, sim):
    mei, order, view = await begin(db)
    attempt = await attempt_of(db, view.merchant_ref)
    sim.script({"fault": "drop_callback"}, {"fault": "wrong_currency", "match": "query"})
    sim.pay(view.merchant_ref)
    await attempts.ask(db, attempt.id)
    found = await attempt_of(db, view.merchant_ref)
    assert (found.state, found.role, found.paid_currency) == (AttemptState.SUCCEEDED, Role.CONFLICTED, "USD")
    assert await state_of(db, mei, order) is orders.State.AWAITING_PAYMENT
    [waiting] = await db.read(ledger.open_balances, "2030", 10)
    assert (waiting.account.currency, waiting.amount_minor) == ("USD", 6000)
    assert await refunds_of(db, mei, order) == [(6000, "wrong amount", "requested")]
    sim.script()

    async def refused() -> bool:
        await world.work_once(db)
        return await world.value(db, "select state from payments.refunds") == "abnormal"

    await world.until(refused)  # no dollars ever came: people find that out, and sign for what they do
    await db.run(payments.handed_over, SOMEBODY, await world.value(db, "select id from payments.refunds"), "by bank")
    assert await unapplied(db) == 0


async def test_11_success_twice_with_different_ids_waits_for_proof_and_returns_the_second_by_its_own_number(db, sim):
    mei, order, view = await begin(db)
    first = sim.pay(view.merchant_ref)["transaction_id"]
    await until_order(db, mei, order, orders.State.CONFIRMED)
    attempt = await attempt_of(db, view.merchant_ref)
    assert attempt.provider_txn == first
    imagined = last_word(
        attempt.merchant_ref, PaymentState.SUCCEEDED, provider_txn="4200000000NOBODY", amount_minor=6000, currency="CNY"
    )
    await db.run(observe, attempt.id, imagined)
    assert await unapplied(db) == 0  # pending only
    second = sim.pay(view.merchant_ref, again=True)["transaction_id"]

    async def decided() -> bool:
        await world.work_once(db)
        rows = await db.read(_receipt_states)
        return rows.get("4200000000NOBODY") == "refuted" and rows.get(second) == "confirmed"

    await world.until(decided)
    await world.until_quiet(db)
    back = [one for one in sim.order(view.merchant_ref)["refunds"] if one["status"] == "SUCCESS"]
    assert [(one["amount"], one.get("transaction_id", second)) for one in back] == [(6000, second)]
    assert await refunds_of(db, mei, order) == [(6000, "second receipt", "succeeded")]
    assert await state_of(db, mei, order) is orders.State.CONFIRMED
    assert await unapplied(db) == 0


async def _receipt_states(tx) -> dict[str, str]:
    return dict(await tx.tuples("select provider_txn, state from payments.second_receipts"))


@pytest.mark.parametrize(("ours_ahead_s", "believed"), [(200, True), (-200, True), (400, False), (-400, False)])
async def test_12_clock_skew_is_tolerated_up_to_five_minutes_and_refused_beyond(db, sim, ours_ahead_s, believed):
    clock.move(timedelta(seconds=ours_ahead_s))
    mei, order = await world.held_order(db, await world.open_slot(db))
    view = await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    assert (view.code_url is not None) is believed
    clock.move(timedelta(seconds=-ours_ahead_s))
    await until_attempt(db, view.merchant_ref, "awaiting_user")
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("spoilt", ["forged_callback", "tampered_callback", "stale_callback", "huge_callback"])
async def test_13_forged_callbacks_are_refused_and_change_nothing(db, sim, provider, spoilt):
    sim.script({"fault": spoilt, "match": "callback", "provider": provider})
    mei, order, view = await begin(db, provider)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)

    async def told() -> bool:
        return any(key.startswith(spoilt) for key in sim.callbacks())

    await world.until(told)
    accepted = sim.callbacks().get(f"{spoilt} accepted", 0)
    assert accepted == 0 or spoilt == "stale_callback"  # a protocol without signed time replays what is true: harmless
    assert await world.value(db, "select count(*) from ledger.journals where kind = 'payment.received'") == 1


@pytest.mark.parametrize("change", ["new_enum", "renamed_field"])
async def test_14_a_changed_provider_api_is_unknown_never_success_or_failure(db, sim, change):
    sim.script({"fault": change, "match": "query", "count": 2}, {"fault": "drop_callback"})
    mei, order, view = await begin(db)
    sim.pay(view.merchant_ref)
    attempt = await attempt_of(db, view.merchant_ref)
    for _ in range(2):
        seen = await attempts.ask(db, attempt.id)
        assert seen.state is AttemptState.AWAITING_USER
    assert await state_of(db, mei, order) is orders.State.AWAITING_PAYMENT
    await until_order(db, mei, order, orders.State.CONFIRMED)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_15_html_502_is_an_unknown_outcome_counts_for_health_and_is_never_shown(db, sim, provider):
    sim.script({"fault": "html_502", "provider": provider})
    mei, order, view = await begin(db, provider)
    assert view.in_doubt
    assert "html" not in (view.error_code or "").lower() or view.error_code == "http-502"
    classes = await world.value(
        db,
        "select array_agg(outcome_class) from payments.calls where provider = %(p)s and operation = 'create'",
        p=provider,
    )
    assert set(classes) <= {"unknown_outcome", "technical"}
    sim.script()
    await until_attempt(db, view.merchant_ref, "awaiting_user")
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)


async def test_16_stuck_userpaying_is_asked_on_closed_at_the_end_and_late_success_is_late_money(db, sim):
    sim.script({"fault": "userpaying", "match": "query"}, {"fault": "drop_callback"})
    mei, order, view = await begin(db)
    sim.pay(view.merchant_ref)
    attempt = await attempt_of(db, view.merchant_ref)
    for _ in range(3):
        assert (await attempts.ask(db, attempt.id)).state is AttemptState.AWAITING_USER
    await world.run_out(db, order)
    await orders.expiry.sweep(db)  # closing is refused as paid, the question still says that somebody pays: in doubt
    assert await state_of(db, mei, order) is orders.State.AWAITING_PAYMENT
    sim.script()
    await until_attempt(db, view.merchant_ref, "succeeded")
    await until_order(db, mei, order, orders.State.CONFIRMED)


async def test_17_query_lag_does_not_undo_a_success_that_was_called_back(db, sim):
    sim.script({"fault": "query_lag", "seconds": 60})
    mei, order, view = await begin(db)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    attempt = await attempt_of(db, view.merchant_ref)
    assert (await attempts.ask(db, attempt.id)).state is AttemptState.SUCCEEDED


async def test_18_an_old_attempts_failure_after_a_new_success_stays_with_its_own_attempt(db, sim):
    mei, order, first = await begin(db)
    second = await orders.pay(db, mei.actor, order, payments.Wish("stripe"))  # closes the first at WeChat
    sim.pay(second.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    old = await attempt_of(db, first.merchant_ref)
    for state in (PaymentState.CLOSED, PaymentState.FAILED):
        await db.run(observe, old.id, last_word(old.merchant_ref, state, Source.CALLBACK))
    assert await state_of(db, mei, order) is orders.State.CONFIRMED
    assert (await attempt_of(db, second.merchant_ref)).role is Role.WINNER


async def test_19_success_after_cancellation_or_refund_revives_nothing_and_takes_no_stock(db, sim):
    slot = await world.open_slot(db, places=3)
    mei, order, ref = await paid_in(db, sim, slot)
    await db.run(orders.refund, SOMEBODY, order_intent(order), None, "cancelled")
    await world.until_quiet(db)
    left = await world.places_left(db, slot)
    attempt = await attempt_of(db, ref)
    again = last_word(
        ref,
        PaymentState.SUCCEEDED,
        Source.CALLBACK,
        provider_txn=attempt.provider_txn,
        amount_minor=6000,
        currency="CNY",
    )
    await db.run(observe, attempt.id, again)
    await world.until_quiet(db)
    assert await state_of(db, mei, order) is orders.State.CANCELLED
    assert await world.places_left(db, slot) == left == 3


async def paid_in(db, sim, slot):
    mei, order, view = await begin(db, slot=slot)
    sim.pay(view.merchant_ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    return mei, await world.order_of(db, mei, order.number), view.merchant_ref


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_20_close_races_with_payment_and_money_wins(db, sim, provider):
    sim.script({"fault": "drop_callback"}, {"fault": "query_lag", "match": "query", "seconds": 1, "count": 1})
    mei, order, view = await begin(db, provider)
    sim.pay(view.merchant_ref)
    await world.run_out(db, order)
    await orders.expiry.sweep(db)  # the first question lags, closing is refused as paid, the second question tells
    await until_order(db, mei, order, orders.State.CONFIRMED)
    assert await refunds_of(db, mei, order) == []


async def test_21_two_clicks_or_two_tabs_find_one_attempt_and_another_way_closes_the_first(db, sim):
    mei, order = await world.held_order(db, await world.open_slot(db))
    views = await asyncio.gather(*(orders.pay(db, mei.actor, order, payments.Wish("wechatpay")) for _ in range(6)))
    assert len({view.merchant_ref for view in views}) == 1
    other = await orders.pay(db, mei.actor, order, payments.Wish("stripe"))
    assert sim.order(views[0].merchant_ref)["state"] == "CLOSED"
    assert (other.provider, other.abandoned) == ("stripe", [])
    tabs = await asyncio.gather(
        *(orders.pay(db, mei.actor, order, payments.Wish(name)) for name in ("stripe", "wechatpay") * 3),
        return_exceptions=True,
    )
    payable = await world.value(
        db, "select count(*) from payments.attempts where state = 'awaiting_user' and abandoned_at is null"
    )
    assert payable <= 1, tabs


async def test_22_crash_between_commit_and_call_is_found_and_the_same_number_is_sent(db, sim):
    faults.arm("payments.pay.before_call=error")
    mei, order = await world.held_order(db, await world.open_slot(db))
    with pytest.raises(faults.FaultInjected):
        await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    faults.arm("")
    ref = await world.value(db, "select merchant_ref from payments.attempts where state = 'created'")
    await until_attempt(db, ref, "awaiting_user")
    sim.pay(ref)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    assert await world.value(db, "select count(*) from payments.attempts") == 1


async def test_23_our_callback_address_down_for_hours_loses_nothing(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_BASE_URL", "http://127.0.0.1:9")  # nobody listens there
    settings.current.cache_clear()
    begun = [await begin(db, provider) for provider in PROVIDERS]
    for _mei, _order, view in begun:
        sim.pay(view.merchant_ref)
    for mei, order, _view in begun:
        await until_order(db, mei, order, orders.State.CONFIRMED)
    assert await world.value(db, "select count(*) from payments.inbox") == 0


async def test_24_a_bill_that_says_paid_is_an_observation_like_any_other(db, sim):
    sim.script({"fault": "drop_callback"})
    mei, order, view = await begin(db)
    txn = sim.pay(view.merchant_ref)["transaction_id"]
    attempt = await attempt_of(db, view.merchant_ref)
    row = last_word(
        attempt.merchant_ref,
        PaymentState.SUCCEEDED,
        Source.BILL,
        provider_txn=txn,
        amount_minor=6000,
        currency="CNY",
        occurred_at=clock.now(),
    )
    await db.run(observe, attempt.id, row)
    await until_order(db, mei, order, orders.State.CONFIRMED)
    sources = await world.value(
        db, "select array_agg(source) from payments.observations where after_state = 'succeeded'"
    )
    assert sources == ["bill"]


async def test_25_what_we_call_paid_and_nobody_confirms_is_kept_and_named(db, sim):
    """A success that the provider later knows nothing of: monotonic, so nothing is undone; reconciliation names it (see there)."""
    mei, order, ref = await paid(db, sim)
    attempt = await attempt_of(db, ref)
    await db.run(observe, attempt.id, last_word(ref, PaymentState.NOT_FOUND))
    assert (await attempt_of(db, ref)).state is AttemptState.SUCCEEDED
    assert await state_of(db, mei, order) is orders.State.CONFIRMED


async def test_26_a_refund_that_the_provider_refuses_for_good_goes_by_other_means_with_a_signature(db, sim):
    _mei, order, ref = await paid(db, sim, "alipay")
    sim.script({"fault": "html_502", "match": "refund"}, {"fault": "html_502", "match": "query_refund"})
    refund_id = await db.run(orders.refund, SOMEBODY, order_intent(order), None, "after a year")
    refused = RefundObservation(
        source=Source.REFUND, state=RefundState.UNKNOWN, refund_ref="", error_code="ACQ.TRADE_NOT_ALLOW_REFUND"
    )
    adapter = await channels.current().get("alipay")
    rule = adapter.errors["ACQ.TRADE_NOT_ALLOW_REFUND"]
    call = world.call_record("refund", rule.outcome, "ACQ.TRADE_NOT_ALLOW_REFUND")
    after = await db.run(refunds.observe_refund, refund_id, refused, call)
    assert after.state == "abnormal"
    done = await db.run(payments.handed_over, SOMEBODY, refund_id, "bank transfer")
    assert done.state == "succeeded"
    sim.script()
    assert sim.order(ref)["refunds"] == []  # the provider still holds it: our bank paid


async def test_27_the_providers_day_is_the_providers(db, sim):
    """A receipt is booked at the provider's time of success: what is compared with its bill, whatever our clock says."""
    _mei, _order, ref = await paid(db, sim)
    told = await world.value(db, "select effective_at from ledger.journals where kind = 'payment.received'")
    assert told == (await attempt_of(db, ref)).paid_at
    truth = sim.order(ref)["paid_at"]
    assert told.astimezone(world.ZONE).isoformat(timespec="seconds") == truth


async def test_28_a_poison_callback_is_parked_for_people_and_thanked(db, sim):
    mei, order, view = await begin(db)
    sim.script({"fault": "drop_callback"})
    content = {
        "payment": {"source": "callback", "state": "succeeded", "merchant_ref": "HF-NOT-OURS", "amount_minor": -1},
        "refund": None,
    }
    await db.run(world.lay_in_inbox, "wechatpay", "poison-1", content)
    broken = {
        "payment": {"source": "callback", "state": "no such state", "merchant_ref": view.merchant_ref},
        "refund": None,
    }
    await db.run(world.lay_in_inbox, "wechatpay", "poison-2", broken)
    await world.jobs.drain(db)
    states = await world.value(db, "select array_agg(state order by dedupe_key) from payments.inbox")
    assert states == ["needs_review", "needs_review"]
    assert await state_of(db, mei, order) is orders.State.AWAITING_PAYMENT


def test_every_edge_case_has_its_test():
    found = {int(match[1]) for name in globals() if (match := re.match(r"test_(\d\d)_", name))}
    assert found == set(range(1, 29))
