"""The simulator's wallet: what a payer sees and does, without JavaScript."""

from __future__ import annotations

import pytest

from .merchant import NATIVE, Merchant, number


def wallet_of(merchant: Merchant, ref: str, **changes: object) -> str:
    code_url = merchant.send("POST", NATIVE, merchant.order(ref, **changes)).json()["code_url"]
    return f"/wallet/{code_url.partition('pr=')[2]}"


def test_a_payer_pays_in_the_wallet_once(merchant, sim):
    ref, back = number(), "http://127.0.0.1:8000/orders/7K3QF?lang=zh&x=1"
    page = wallet_of(merchant, ref, description="<b>船票</b>")
    shown = sim.http.get(page, params={"return": back}).text
    for expected in (
        "&lt;b&gt;船票&lt;/b&gt;",
        "¥60.00",
        "Pay / 支付",
        "Not now / 暂不支付",
        "Simulator – no real money",
    ):
        assert expected in shown
    assert "<script" not in shown
    declined = sim.http.post(page, data={"action": "decline", "return": back})
    assert "Not paid / 未支付" in declined.text
    assert sim.order(ref)["state"] == "NOTPAY"

    done = sim.http.post(page, data={"action": "pay", "return": back}, follow_redirects=True)
    transaction_id = sim.order(ref)["transaction_id"]
    for expected in ("Paid / 支付成功", "¥60.00", transaction_id, back.replace("&", "&amp;")):
        assert expected in done.text
    again = sim.http.post(page, data={"action": "pay"})
    assert again.status_code == 409
    assert "Already paid / 该订单已支付" in again.text
    assert sim.order(ref)["transaction_id"] == transaction_id


@pytest.mark.parametrize(
    "back",
    [
        "https://example.com/",
        "javascript:alert(1)",
        "//example.com/",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com/",
        "http://[",
    ],
)
def test_the_wallet_leads_back_to_this_machine_only(merchant, sim, back):
    ref = number()
    page = wallet_of(merchant, ref)
    sim.pay(ref)
    shown = sim.http.get(page, params={"return": back})
    assert shown.status_code == 200
    assert "Back to the merchant" not in shown.text


def test_the_wallet_says_what_is_the_matter(merchant, sim):
    ref = number()
    page = wallet_of(merchant, ref)
    merchant.send("POST", f"/v3/pay/transactions/out-trade-no/{ref}/close", {"mchid": merchant.config.mchid})
    assert "Closed / 订单已关闭" in sim.http.get(page).text
    assert sim.http.post(page, data={"action": "pay"}).status_code == 409
    for strange in (
        "/wallet/none",
        "/wallet?code_url=https://example.com",
        "/wallet?code_url=weixin://wxpay/bizpayurl?pr=",
    ):
        answer = sim.http.get(strange, follow_redirects=True)
        assert answer.status_code == 404
        assert "Unknown code" in answer.text
    assert "Code from the payment page" in sim.http.get("/wallet").text
