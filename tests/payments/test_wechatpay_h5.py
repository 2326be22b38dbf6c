"""H5 payments, and orders that are paid twice: each receipt can be asked about and given back by itself."""

from __future__ import annotations

import pytest

from holdfast.payments.providers.base import OutcomeClass, PaymentState, RefundState

from .merchant import charge, number, paid, refund_of
from .test_wechatpay import settled

pytestmark = pytest.mark.anyio

BACK = "http://127.0.0.1:8000/orders/7K3QF/payment?token=a%2Fb&lang=zh"


def h5(ref: str, **other: object):
    return charge(ref, method="h5", payer_ip="203.0.113.7", return_url=BACK, **other)


async def test_a_phones_browser_goes_to_pay_and_comes_back(provider, sim, receiver):
    ref = number()
    seen, call = await provider.create(h5(ref, url=receiver.url))
    assert (seen.state, seen.code_url, call.outcome_class) == (PaymentState.AWAITING_USER, None, OutcomeClass.OK)
    page = sim.http.get(seen.pay_url, follow_redirects=True)
    assert "Pay / 支付 ¥128.00" in page.text
    done = sim.http.post(page.url.path, data={"action": "pay", "return": BACK}, follow_redirects=True)
    assert BACK.replace("&", "&amp;") in done.text
    assert provider.notification(*receiver.next()).observation.merchant_ref == ref
    assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED


async def test_a_link_is_good_for_five_minutes_and_placing_the_order_again_makes_it_good_again(provider, sim):
    ref = number()
    seen, _ = await provider.create(h5(ref))
    sim.advance(301)
    assert "Link too old / 链接已过期" in sim.http.get(seen.pay_url, follow_redirects=True).text
    again, _ = await provider.create(h5(ref))
    assert "Pay / 支付" in sim.http.get(again.pay_url, follow_redirects=True).text


async def test_an_h5_order_without_the_payers_address_is_never_sent(provider, sim):
    ref = number()
    seen, call = await provider.create(charge(ref, method="h5"))
    assert (seen.state, seen.error_code, call.outcome_class, call.http_status) == (
        PaymentState.FAILED,
        "payer-ip-missing",
        OutcomeClass.CONFIG,
        None,
    )
    assert seen.error_code in provider.errors
    assert sim.http.get("/_sim/truth").json()["orders"] == []
    seen, _ = await provider.create(charge(ref, method="h5", payer_ip="somewhere"))
    assert (seen.state, seen.error_code) == (PaymentState.FAILED, "PARAM_ERROR")


async def test_one_number_is_not_placed_both_ways(provider, sim):
    ref = number()
    await provider.create(charge(ref))
    assert (await provider.create(h5(ref)))[0].error_code == "INVALID_REQUEST"
    assert sim.http.get("/h5/checkmweb?prepay_id=wxnone").status_code == 404


async def test_an_order_paid_twice_shows_the_first_receipt_by_number_and_each_by_its_own(provider, sim, receiver):
    ref = await paid(provider, sim, url=receiver.url)
    first = provider.notification(*receiver.next()).observation.provider_txn
    second = sim.pay(ref, again=True)["transaction_id"]
    assert provider.notification(*receiver.next()).observation.provider_txn == second != first
    assert (await provider.query(ref))[0].provider_txn == first
    for txn in (first, second):
        seen, _ = await provider.query_txn(txn)
        assert (seen.provider_txn, seen.merchant_ref, seen.state, seen.amount_minor) == (
            txn,
            ref,
            PaymentState.SUCCEEDED,
            12_800,
        )
    shown = sim.order(ref)
    assert (shown["paid_amount"], [receipt["transaction_id"] for receipt in shown["receipts"]]) == (
        25_600,
        [first, second],
    )

    await provider.refund(refund_of(ref, 12_800, provider_txn=second))
    assert (await settled(provider, f"R{ref}")).state is RefundState.SUCCEEDED
    assert [given["transaction_id"] for given in sim.order(ref)["refunds"]] == [second]
    assert (await provider.query_txn(second))[0].refunded
    assert not (await provider.query(ref))[0].refunded


async def test_an_unpaid_order_is_not_paid_again(provider, sim):
    ref = number()
    await provider.create(charge(ref))
    assert sim.http.post(f"/_sim/pay/{ref}", json={"again": True}).status_code == 409


async def test_a_receipt_that_nobody_knows_is_absent(provider):
    seen, call = await provider.query_txn("4200000000000000000000000000")
    assert (seen.state, seen.merchant_ref, call.outcome_class) == (PaymentState.NOT_FOUND, "", OutcomeClass.OK)
