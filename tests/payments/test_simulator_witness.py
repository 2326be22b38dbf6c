"""The simulated WeChat Pay, understood by an SDK that others wrote: what we and it share is the protocol alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from wechatpayv3 import WeChatPay as ForeignSdk
from wechatpayv3 import WeChatPayType

from holdfast.kit import clock
from holdfast.payments.providers.wechatpay import BEIJING, load_config

from .conftest import SimulatorProcess
from .merchant import NATIVE, Merchant, number

TWO_DAYS_S = 2 * 86400
MONEY = {"refund": 990, "total": 990, "currency": "CNY"}


def sdk(sim: SimulatorProcess, notify_url: str = "http://127.0.0.1:9/notify", mode: str = "public key") -> ForeignSdk:
    """The SDK, pointed at the simulator."""
    config = load_config(sim.config())
    serial, public_key = next((s, k) for s, k in config.platform_keys.items() if s.startswith("PUB_KEY_ID_"))
    made = ForeignSdk(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=config.mchid,
        private_key=config.private_key_pem,
        cert_serial_no=config.serial,
        appid=config.appid,
        apiv3_key=config.apiv3_key,
        notify_url=notify_url,
        public_key=public_key,
        public_key_id=serial,
        timeout=(5, 5),
    )
    made._core._gate_way = config.base_url
    if mode == "certificate":
        made._core._public_key = made._core._public_key_id = None
        made._core._update_certificates()
    return made


@pytest.fixture(params=["public key", "certificate"])
def foreign(request, sim, receiver):
    """The SDK in both of its modes; in the second it fetched, opened and parsed our certificates itself."""
    return sdk(sim, receiver.url, request.param)


def test_a_foreign_sdk_pays_queries_refunds_and_reads_our_callbacks(foreign, sim, receiver):
    ref = number()
    status, answer = foreign.pay(description="外来 SDK", out_trade_no=ref, amount={"total": 990, "currency": "CNY"})
    assert status == 200
    assert json.loads(answer)["code_url"].startswith("weixin://")
    status, answer = foreign.query(out_trade_no=ref)
    assert (status, json.loads(answer)["trade_state"]) == (200, "NOTPAY")
    assert foreign.close(number())[0] == 404

    transaction_id = sim.pay(ref)["transaction_id"]
    event = foreign.callback(*receiver.next())
    assert (event["event_type"], event["resource"]["transaction_id"]) == ("TRANSACTION.SUCCESS", transaction_id)
    assert event["resource"]["amount"]["payer_total"] == 990
    status, answer = foreign.query(transaction_id=transaction_id)
    assert (status, json.loads(answer)["trade_state"]) == (200, "SUCCESS")
    status, answer = foreign.close(ref)
    assert (status, json.loads(answer)["code"]) == (400, "ORDERPAID")

    status, answer = foreign.refund(out_refund_no=f"R{ref}", amount=MONEY, transaction_id=transaction_id)
    assert (status, json.loads(answer)["status"]) == (200, "PROCESSING")
    event = foreign.callback(*receiver.next())
    assert (event["event_type"], event["resource"]["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")
    status, answer = foreign.query_refund(f"R{ref}")
    assert (status, json.loads(answer)["status"]) == (200, "SUCCESS")


def test_a_foreign_sdk_closes_and_notices_bad_signatures(foreign, sim):
    ref = number()
    foreign.pay(description="待关闭", out_trade_no=ref, amount={"total": 1})
    assert foreign.close(ref)[0] == 204
    assert json.loads(foreign.query(out_trade_no=ref)[1])["trade_state"] == "CLOSED"
    sim.script({"fault": "bad_signature"})
    with pytest.raises(Exception, match="failed to verify the signature"):
        foreign.query(out_trade_no=ref)


def test_a_foreign_sdk_places_h5_orders(foreign, sim):
    ref = number()
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    amount = {"total": 990, "currency": "CNY"}
    status, answer = foreign.pay("外来", ref, amount, scene_info=scene, pay_type=WeChatPayType.H5)
    assert status == 200
    assert "¥9.90" in sim.http.get(json.loads(answer)["h5_url"], follow_redirects=True).text
    sim.pay(ref)
    assert json.loads(foreign.query(out_trade_no=ref)[1])["trade_type"] == "MWEB"


def test_a_foreign_sdk_takes_no_counterfeit_callback(foreign, sim, receiver):
    sim.script({"fault": "forged_callback"}, {"fault": "tampered_callback"})
    ref = number()
    foreign.pay(description="外来", out_trade_no=ref, amount={"total": 990})
    sim.pay(ref)
    read = [foreign.callback(*receiver.next()) for _ in range(3)]
    assert [event["resource"]["out_trade_no"] for event in read if event] == [ref]


def test_a_foreign_sdk_sends_an_abnormal_refund_to_a_bank_card(sim):
    foreign, ref = sdk(sim), number()
    foreign.pay(description="外来", out_trade_no=ref, amount={"total": 990})
    sim.pay(ref)
    sim.script({"fault": "refund_processing", "count": 1})
    refund_id = json.loads(foreign.refund(f"R{ref}", MONEY, out_trade_no=ref)[1])["refund_id"]
    card = {"bank_type": "ICBC_DEBIT", "bank_account": "6222020000000000", "real_name": "张三"}
    assert foreign.abnormal_refund(refund_id, f"R{ref}", "USER_BANK_CARD", **card)[0] == 400
    sim.http.post(f"/_sim/refunds/R{ref}", json={"status": "ABNORMAL"}).raise_for_status()
    assert foreign.abnormal_refund(refund_id, f"R{ref}", "USER_BANK_CARD", bank_type="ICBC_DEBIT")[0] == 400
    assert foreign.abnormal_refund("503none", f"R{ref}", "MERCHANT_BANK_CARD")[0] == 404
    status, answer = foreign.abnormal_refund(refund_id, f"R{ref}", "USER_BANK_CARD", **card)
    assert (status, json.loads(answer)["status"]) == (200, "PROCESSING")


def test_a_foreign_sdk_fetches_the_trade_bill(tmp_path):
    """The SDK knows no clock but the host's: the simulator begins two days ago and catches up."""
    sim = SimulatorProcess(tmp_path / "state", clock_offset_s=-TWO_DAYS_S)
    try:
        clock.move(timedelta(seconds=-TWO_DAYS_S))
        merchant, day = Merchant(sim), clock.now().astimezone(BEIJING).date()
        ref = number()
        merchant.send("POST", NATIVE, merchant.order(ref)).raise_for_status()
        sim.pay(ref)
        sim.advance(TWO_DAYS_S)
        for mode in ("public key", "certificate"):
            foreign = sdk(sim, mode=mode)
            status, answer = foreign.trade_bill(day.isoformat(), tar_type="")
            assert status == 200
            status, content = foreign.download_bill(json.loads(answer)["download_url"])
            assert status == 200
            header, row, _, summary, _ = content.decode("utf-8-sig").split("\r\n")
            assert len(header.split(",")) == 27
            assert row.split(",`")[6] == ref
            assert summary.startswith("`1,`60.00,")
        assert json.loads(foreign.trade_bill("2026-02-30")[1])["code"] == "PARAM_ERROR"
    finally:
        sim.stop()
