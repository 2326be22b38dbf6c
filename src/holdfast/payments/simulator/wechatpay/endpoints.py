"""What each endpoint does: verify, do, commit; the answer is signed by `sim`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from holdfast.payments.simulator import serving, times
from holdfast.payments.simulator.serving import Call, Done

from . import bills, orders, protocol, refunds
from .protocol import Refusal

if TYPE_CHECKING:
    from .sim import WeChatSim


def native(sim: WeChatSim, call: Call) -> Done:
    placed = _placed(sim, call, protocol.parsed(call.body, protocol.NativeRequest), "NATIVE")
    return Done(200, msgspec.json.encode({"code_url": placed.code_url}), placed.out_trade_no)


def h5(sim: WeChatSim, call: Call) -> Done:
    asked = protocol.parsed(call.body, protocol.H5Request)
    protocol.require_address(asked.scene_info.payer_client_ip)
    placed = _placed(sim, call, asked, "H5")
    link = f"{serving.origin(call.request)}/h5/checkmweb?prepay_id=wx{placed.token}&package={int(times.now())}"
    return Done(200, msgspec.json.encode({"h5_url": link}), placed.out_trade_no)


def _placed(sim: WeChatSim, call: Call, asked: protocol.NativeRequest, trade_type: str) -> orders.Order:
    _require_merchant(sim, asked.mchid, asked.appid)
    protocol.require_notify_url(asked.notify_url)
    protocol.require_cny(asked.amount.currency)
    new = orders.NewOrder(
        out_trade_no=asked.out_trade_no,
        trade_type=trade_type,
        description=asked.description,
        total=asked.amount.total,
        currency=asked.amount.currency,
        notify_url=asked.notify_url,
        attach=asked.attach,
        expires_at=_expiry(asked.time_expire),
        request=protocol.canonical(call.body),
    )
    with sim.state.writing() as db:
        order = orders.place(db, new, sim.keys.signer(call.request.headers.get("wechatpay-serial", "")))
    if "callback_before_response" in call.faults:
        sim.pay(order.out_trade_no)
    return order


def query(sim: WeChatSim, call: Call) -> Done:
    _require_merchant(sim, call.request.query_params.get("mchid", ""))
    parameters = call.request.path_params
    if "transaction_id" in parameters:
        order = orders.by_transaction(sim.state.db, parameters["transaction_id"])
    else:
        order = orders.by_number(sim.state.db, parameters["out_trade_no"])
    if order is None:
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
    identity = sim.keys.identity
    shown = orders.transaction(order, identity.mchid, identity.appid, call.faults)
    return Done(200, msgspec.json.encode(shown), order.out_trade_no)


def close(sim: WeChatSim, call: Call) -> Done:
    asked = protocol.parsed(call.body, protocol.CloseRequest)
    _require_merchant(sim, asked.mchid)
    with sim.state.writing() as db:
        orders.close(db, call.request.path_params["out_trade_no"])
    return Done(204, b"")


def refund(sim: WeChatSim, call: Call) -> Done:
    asked = protocol.parsed(call.body, protocol.RefundRequest)
    if (asked.transaction_id is None) == (asked.out_trade_no is None):
        raise Refusal(400, "PARAM_ERROR", "transaction_id 和 out_trade_no 必须且只能填写一个", field="/body")
    protocol.require_cny(asked.amount.currency)
    if asked.notify_url is not None:
        protocol.require_notify_url(asked.notify_url)
    if "refund_not_enough" in call.faults:
        raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    new = refunds.NewRefund(
        out_refund_no=asked.out_refund_no,
        transaction_id=asked.transaction_id,
        out_trade_no=asked.out_trade_no,
        amount=asked.amount.refund,
        total=asked.amount.total,
        notify_url=asked.notify_url or "",
        request=protocol.canonical(call.body),
    )
    with sim.state.writing() as db:
        signer = sim.keys.signer(call.request.headers.get("wechatpay-serial", ""))
        accepted = refunds.accept(db, new, signer, _settles_at(sim, call))
    if "callback_before_response" in call.faults:
        sim.settle_refund(accepted.out_refund_no, "SUCCESS")
    return Done(200, _refund_shown(sim, accepted), accepted.out_refund_no)


def query_refund(sim: WeChatSim, call: Call) -> Done:
    found = refunds.by_number(sim.state.db, call.request.path_params["out_refund_no"])
    if found is None:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return Done(200, _refund_shown(sim, found), found.out_refund_no)


def abnormal_refund(sim: WeChatSim, call: Call) -> Done:
    """A refund whose way is barred goes to a bank card, or back to the merchant's account."""
    asked = protocol.parsed(call.body, protocol.AbnormalRefundRequest)
    if asked.type == "USER_BANK_CARD":
        serial = call.request.headers.get("wechatpay-serial", "")
        for field, sealed in (("bank_account", asked.bank_account), ("real_name", asked.real_name)):
            if not sim.keys.opened(serial, sealed):
                raise Refusal(400, "PARAM_ERROR", "敏感信息解密失败", field=f"/body/{field}")
        if not asked.bank_type:
            raise Refusal(400, "PARAM_ERROR", "bank_type 必填", field="/body/bank_type")
    with sim.state.writing() as db:
        found = refunds.by_id(db, call.request.path_params["refund_id"])
        if found is None or found.out_refund_no != asked.out_refund_no:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        taken_up = refunds.take_up(db, found, _settles_at(sim, call))
    return Done(200, _refund_shown(sim, taken_up), taken_up.out_refund_no)


def trade_bill(sim: WeChatSim, call: Call) -> Done:
    asked = bills.asked(dict(call.request.query_params))
    identity = sim.keys.identity
    content = bills.written(sim.state.db, asked, identity.mchid, identity.appid, call.faults)
    with sim.state.writing() as db:
        token = bills.put(db, content, asked)
    prefix = call.request.scope.get("root_path", "")
    answer = {
        "hash_type": "SHA1",
        "hash_value": bills.hash_of(content, call.faults),
        "download_url": f"{serving.origin(call.request)}{prefix}/v3/billdownload/file?token={token}",
    }
    return Done(200, msgspec.json.encode(answer))


def bill_file(sim: WeChatSim, call: Call) -> Done:
    return Done(200, bills.fetch(sim.state.db, call.request.query_params.get("token", "")))


def certificates(sim: WeChatSim, call: Call) -> Done:
    return Done(200, msgspec.json.encode({"data": sim.keys.certificates()}))


def _settles_at(sim: WeChatSim, call: Call) -> float | None:
    if "refund_processing" in call.faults:
        return None
    return times.now() + call.faults.get("slow_refund", sim.options.refund_delay_s)


def _refund_shown(sim: WeChatSim, shown: refunds.Refund) -> bytes:
    return msgspec.json.encode(refunds.answer(shown, refunds.receipt_of(sim.state.db, shown)))


def _require_merchant(sim: WeChatSim, mchid: str, appid: str | None = None) -> None:
    if mchid != sim.keys.identity.mchid:
        raise Refusal(400, "PARAM_ERROR", "mchid 与签名商户号不一致", field="mchid")
    if appid is not None and appid != sim.keys.identity.appid:
        raise Refusal(400, "APPID_MCHID_NOT_MATCH", "商户号与appid不匹配")


def _expiry(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise Refusal(400, "PARAM_ERROR", "time_expire 必须为 rfc3339 格式", field="/body/time_expire")
    return moment.timestamp()
