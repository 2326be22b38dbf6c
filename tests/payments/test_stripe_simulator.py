"""Stripe's simulator as its own SDK sees it: nothing of our adapter is used here."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx2
import pytest
import stripe

from .merchant import number

NOBODY = "http://127.0.0.1:9"
stripe.enable_telemetry = False  # or the package writes into the home directory


@pytest.fixture
def keys(sim):
    return sim.http.get("/_sim/config", params={"provider": "stripe"}).json()


@pytest.fixture
def sdk(keys):
    """The unmodified package, synchronous, as anyone would use it."""
    return stripe.StripeClient(keys["secret_key"], base_addresses={"api": keys["api_base"]}, max_network_retries=0)


def placed(sdk: stripe.StripeClient, amount: int = 12_800, **more: object) -> stripe.PaymentIntent:
    parameters = {"amount": amount, "currency": "cny", "metadata": {"merchant_ref": number()}} | more
    return sdk.v1.payment_intents.create(parameters)


def shown(sim, keys, intent: stripe.PaymentIntent, card: str = "4242424242424242", **more: str) -> httpx2.Response:
    """What Stripe.js sends when a payer has typed a card."""
    form = {
        "key": keys["publishable_key"],
        "client_secret": intent.client_secret,
        "return_url": f"{NOBODY}/back",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": card,
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "34",
        "payment_method_data[card][cvc]": "123",
    } | more
    return sim.http.post(f"/stripe/v1/payment_intents/{intent.id}/confirm", data=form)


def test_a_card_pays_and_the_money_and_the_fee_are_in_the_balance(sim, sdk, keys):
    intent = placed(sdk, description="西湖游船")
    assert (intent.status, intent.amount_received, intent.livemode) == ("requires_payment_method", 0, False)
    assert shown(sim, keys, intent).json()["status"] == "succeeded"
    paid = sdk.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    assert (paid.status, paid.amount_received) == ("succeeded", 12_800)
    assert (paid.latest_charge.status, paid.latest_charge.description) == ("succeeded", "西湖游船")
    moved = paid.latest_charge.balance_transaction
    assert (moved.amount, moved.fee, moved.net, moved.type) == (12_800, 401, 12_399, "charge")
    truth = sim.order(intent.metadata["merchant_ref"])
    assert (truth["provider"], truth["state"], truth["paid_amount"]) == ("stripe", "SUCCESS", 12_800)
    assert truth["transaction_id"] == paid.latest_charge.id


def test_a_payment_can_be_confirmed_from_the_server_with_a_test_payment_method(sdk):
    paid = placed(sdk, confirm=True, payment_method="pm_card_visa", return_url=f"{NOBODY}/back")
    assert paid.status == "succeeded"
    with pytest.raises(stripe.CardError) as declined:
        placed(sdk, confirm=True, payment_method="pm_card_chargeDeclined")
    assert (declined.value.code, declined.value.error.decline_code) == ("card_declined", "generic_decline")


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", None),
        ("4111111111111111", "card_declined", "test_mode_live_card"),
    ],
)
def test_a_declined_card_leaves_the_payment_payable(sim, sdk, keys, card, code, decline_code):
    intent = placed(sdk)
    answer = shown(sim, keys, intent, card)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error.get("decline_code") == decline_code
    assert error["payment_intent"]["status"] == "requires_payment_method"
    left = sdk.v1.payment_intents.retrieve(intent.id)
    assert left.last_payment_error.code == code
    assert shown(sim, keys, intent).json()["status"] == "succeeded"


def test_mistyped_cards_are_refused_before_anything_is_tried(sim, sdk, keys):
    intent = placed(sdk)
    assert shown(sim, keys, intent, "4242424242424241").json()["error"]["code"] == "incorrect_number"
    late = {"payment_method_data[card][exp_year]": "20"}
    assert shown(sim, keys, intent, **late).json()["error"]["code"] == "invalid_expiry_year"
    assert shown(sim, keys, intent, **{"payment_method_data[card][cvc]": "x"}).json()["error"]["code"] == "invalid_cvc"
    assert sdk.v1.payment_intents.retrieve(intent.id).last_payment_error is None


@pytest.mark.parametrize(("action", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
def test_a_bank_asks_the_payer_who_is_then_sent_back(sim, sdk, keys, action, status):
    intent = placed(sdk)
    asked = shown(sim, keys, intent, "4000002500003155").json()
    assert asked["status"] == "requires_action"
    page = asked["next_action"]["redirect_to_url"]["url"]
    assert "是您本人在支付吗" in sim.http.get(page).text
    answered = sim.http.post(page, data={"action": action})
    assert answered.status_code == 303
    assert re.search(f"^{NOBODY}/back\\?payment_intent={intent.id}&.*redirect_status=", answered.headers["location"])
    assert sdk.v1.payment_intents.retrieve(intent.id).status == status
    assert sim.http.post(page, data={"action": "complete"}).status_code == 409
    assert sim.http.get("/stripe/challenge/unknown").status_code == 404


def test_payers_need_the_secret_of_their_payment_and_cannot_use_the_rest(sim, sdk, keys):
    intent, other = placed(sdk), placed(sdk)
    assert shown(sim, keys, intent, client_secret=other.client_secret).status_code == 400
    browser = stripe.StripeClient(keys["publishable_key"], base_addresses={"api": keys["api_base"]})
    with pytest.raises(stripe.AuthenticationError) as refused:
        browser.v1.payment_intents.create({"amount": 100, "currency": "cny"})
    assert refused.value.error.code == "secret_key_required"
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": keys["api_base"]})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.payment_intents.list()
    known = sim.http.get(
        f"/stripe/v1/payment_intents/{intent.id}",
        params={"key": keys["publishable_key"], "client_secret": intent.client_secret},
    )
    assert (known.status_code, known.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize(
    ("parameters", "code", "param"),
    [
        ({"amount": 100}, "parameter_missing", "currency"),
        ({"currency": "cny"}, "parameter_missing", "amount"),
        ({"amount": 0, "currency": "cny"}, "amount_too_small", "amount"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": "1.5", "currency": "cny"}, "parameter_invalid_integer", "amount"),
        ({"amount": 10**8, "currency": "cny"}, "amount_too_large", "amount"),
        ({"amount": 100, "currency": "xxx"}, None, "currency"),
        ({"amount": 100, "currency": "cny", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 100, "currency": "cny", "payment_method_types": ["alipay"]}, None, "payment_method_types"),
    ],
)
def test_wrong_parameters_are_named(sdk, parameters, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.create(parameters)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_a_key_brings_the_same_answer_for_a_day_and_no_second_payment(sim, sdk):
    parameters = {"amount": 500, "currency": "cny"}
    first = sdk.v1.payment_intents.create(parameters, {"idempotency_key": "once"})
    again = sdk.v1.payment_intents.create(parameters, {"idempotency_key": "once"})
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.headers["request-id"]
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.create({**parameters, "amount": 501}, {"idempotency_key": "once"})
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.cancel(first.id, options={"idempotency_key": "once"})
    sim.advance(86_401)
    assert sdk.v1.payment_intents.create(parameters, {"idempotency_key": "once"}).id != first.id


def test_a_call_that_hangs_while_days_pass_is_done_at_its_own_time(sim, sdk):
    """Its key is known then, so that no second payment is made days later."""
    ref, key = number(), {"idempotency_key": "hanging"}
    parameters = {"amount": 500, "currency": "cny", "metadata": {"merchant_ref": ref}}
    sim.script({"fault": "hang", "match": "create", "count": 1, "provider": "stripe", "seconds": 3600})
    with ThreadPoolExecutor() as threads:
        hanging = threads.submit(sdk.v1.payment_intents.create, parameters, key)
        while not sim.http.get("/_sim/scenario").json()["steps"][0]["struck"]:
            time.sleep(0.01)
        done = sdk.v1.payment_intents.create(parameters, key)
        sim.advance(1)
        assert not hanging.done()
        sim.advance(2 * 86_400)
        assert hanging.result().id == done.id
    assert [one["out_trade_no"] for one in sim.http.get("/_sim/truth").json()["orders"]].count(ref) == 1
    told = [one for one in sim.http.get("/_sim/journal").json()["entries"] if "hang" in one.get("faults", ())]
    late = datetime.fromisoformat(told[-1]["at"]).timestamp() - done.created
    assert 3599 <= late < 3700


def test_a_kept_failure_is_repeated_but_not_a_mistake_or_a_hurry(sim, sdk):
    parameters, key = {"amount": 500, "currency": "cny"}, {"idempotency_key": "failed"}
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create({"amount": 500}, key)
    sim.script({"fault": "rate_limit", "match": "create", "count": 1, "provider": "stripe"})
    with pytest.raises(stripe.RateLimitError):
        sdk.v1.payment_intents.create(parameters, key)
    sim.script({"fault": "system_error", "match": "create", "count": 1, "provider": "stripe"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            sdk.v1.payment_intents.create(parameters, key)
        assert failed.value.http_status == 500
    sim.advance(86_401)
    assert sdk.v1.payment_intents.create(parameters, key).amount == 500


def test_a_payment_is_cancelled_once_and_never_when_it_is_paid(sim, sdk):
    intent = placed(sdk)
    gone = sdk.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    for other in (intent, placed(sdk, confirm=True, payment_method="pm_card_visa")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.payment_intents.cancel(other.id)
        assert refused.value.code == "payment_intent_unexpected_state"
    assert sim.http.post(f"/_sim/pay/{intent.metadata['merchant_ref']}").json()["state"] == "CLOSED"


def test_a_payment_intent_is_charged_once(sim, sdk):
    ref = placed(sdk).metadata["merchant_ref"]
    assert sim.http.post(f"/_sim/pay/{ref}", json={"again": True}).json()["state"] == "NOTPAY"
    sim.pay(ref)
    refused = sim.http.post(f"/_sim/pay/{ref}", json={"again": True})
    assert (refused.status_code, refused.json()["state"]) == (409, "SUCCESS")


def test_refunds_never_exceed_what_was_charged(sim, sdk):
    paid = placed(sdk, confirm=True, payment_method="pm_card_visa")
    first = sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 2_800, "metadata": {"refund_ref": "R1"}})
    assert (first.status, first.charge) == ("pending", paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as greedy:
        sdk.v1.refunds.create({"charge": paid.latest_charge, "amount": 10_001})
    assert greedy.value.param == "amount"
    rest = sdk.v1.refunds.create({"charge": paid.latest_charge})
    assert rest.amount == 10_000
    with pytest.raises(stripe.InvalidRequestError) as late:
        sdk.v1.refunds.create({"charge": paid.latest_charge})
    assert late.value.code == "charge_already_refunded"
    with pytest.raises(stripe.InvalidRequestError) as early:
        sdk.v1.refunds.create({"payment_intent": placed(sdk).id})
    assert early.value.code == "payment_intent_unexpected_state"
    assert sdk.v1.charges.retrieve(paid.latest_charge).refunded
    assert {refund.id for refund in sdk.v1.refunds.list({"payment_intent": paid.id}).data} == {first.id, rest.id}


def test_a_refund_that_the_bank_sends_back_is_in_the_balance_again(sim, sdk):
    sim.script({"fault": "refund_processing", "match": "refund"})
    paid = placed(sdk, confirm=True, payment_method="pm_card_visa")
    refund = sdk.v1.refunds.create({"payment_intent": paid.id, "metadata": {"refund_ref": "R2"}})
    assert sim.http.post("/_sim/refunds/R2", json={"status": "ABNORMAL"}).json() == {"status": "ABNORMAL"}
    back = sdk.v1.refunds.retrieve(refund.id)
    assert (back.status, back.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = sdk.v1.charges.retrieve(paid.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (False, 0)
    moves = sdk.v1.balance_transactions.list({"limit": 3}).data
    assert [(move.type, move.amount) for move in moves] == [
        ("refund_failure", 12_800),
        ("refund", -12_800),
        ("charge", 12_800),
    ]


def test_lists_are_paged_filtered_and_expanded(sim, sdk):
    made = [placed(sdk, 100 + at).id for at in range(7)]
    pages = list(sdk.v1.payment_intents.list({"limit": 3}).auto_paging_iter())
    assert [intent.id for intent in pages] == made[::-1]
    before = sdk.v1.payment_intents.list({"limit": 2, "ending_before": made[3]})
    assert [intent.id for intent in before.data] == [made[5], made[4]]
    assert before.has_more
    assert sdk.v1.payment_intents.list({"created": {"lt": pages[-1].created}}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.list({"starting_after": "pi_unknown"})
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.retrieve(made[0], {"expand": ["colour"]})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.v1.payment_intents.retrieve("pi_unknown")
    assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")


def test_a_search_is_a_minute_behind(sim, sdk):
    intent = placed(sdk, metadata={"merchant_ref": 'it\'s "this"'})
    asked = {"query": 'metadata["merchant_ref"]:"it\'s \\"this\\""'}
    assert sdk.v1.payment_intents.search(asked).data == []
    sim.advance(61)
    assert [found.id for found in sdk.v1.payment_intents.search(asked).data] == [intent.id]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.search({"query": "amount>100"})


def test_it_forgets_on_reset_but_stays_the_same_account(sim, sdk, keys):
    intent = placed(sdk)
    sim.http.post("/_sim/reset")
    assert sim.http.get("/_sim/config", params={"provider": "stripe"}).json() == keys
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.retrieve(intent.id)
    assert sim.http.get("/stripe/v1/customers", headers={"Authorization": "Bearer x"}).status_code == 404


def test_a_kill_loses_nothing_that_was_answered(own_simulator):
    config = own_simulator.http.get("/_sim/config", params={"provider": "stripe"}).json()
    client = stripe.StripeClient(config["secret_key"], base_addresses={"api": config["api_base"]})
    ref = placed(client, confirm=True, payment_method="pm_card_visa").metadata["merchant_ref"]
    own_simulator.kill()
    own_simulator.start()
    assert own_simulator.order(ref)["paid_amount"] == 12_800
    assert own_simulator.http.get("/_sim/config", params={"provider": "stripe"}).json() == config
