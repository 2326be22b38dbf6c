"""What a merchant does in these tests: numbers, charges, refunds, and requests signed by hand."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import httpx2

from holdfast.payments.providers.base import Charge, Refund
from holdfast.payments.providers.wechatpay import WeChatPay, load_config
from holdfast.payments.providers.wechatpay_protocol import Keys

if TYPE_CHECKING:
    from .conftest import SimulatorProcess

NATIVE = "/v3/pay/transactions/native"
H5 = "/v3/pay/transactions/h5"
REFUNDS = "/v3/refund/domestic/refunds"


def number() -> str:
    return f"T{secrets.token_hex(8)}"


def charge(ref: str, url: str = "http://127.0.0.1:9/notify", **other: object) -> Charge:
    fields = {"amount_minor": 12_800, "currency": "CNY", "description": "西湖游船 两位", "expires_at": None} | other
    return Charge(merchant_ref=ref, notify_url=url, **fields)


def refund_of(ref: str, amount: int = 2_800, url: str | None = None, **other: object) -> Refund:
    return Refund(f"R{ref}", ref, amount, 12_800, "CNY", "行程取消", url, **other)


async def paid(provider: WeChatPay, sim: SimulatorProcess, **charged: object) -> str:
    ref = number()
    await provider.create(charge(ref, **charged))
    sim.pay(ref)
    return ref


class Merchant:
    """Signs whatever a test wants sent."""

    def __init__(self, sim: SimulatorProcess) -> None:
        self.sim = sim
        self.config = load_config(sim.config())
        self._keys = Keys(self.config)

    def order(self, ref: str, **changes: object) -> dict[str, object]:
        return {
            "appid": self.config.appid,
            "mchid": self.config.mchid,
            "description": "夜游秦淮河",
            "out_trade_no": ref,
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": 6_000, "currency": "CNY"},
        } | changes

    def refund(self, ref: str, refund_ref: str, amount: int) -> dict[str, object]:
        total = {"refund": amount, "total": 6_000, "currency": "CNY"}
        return {"out_trade_no": ref, "out_refund_no": refund_ref, "amount": total}

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        signed = {"Authorization": self._keys.authorization(method, path, raw), "Content-Type": "application/json"}
        return self.sim.http.request(method, path, content=raw, headers={**signed, **headers})

    def paid(self, **changes: object) -> str:
        ref = number()
        self.send("POST", NATIVE, self.order(ref, **changes)).raise_for_status()
        self.sim.pay(ref)
        return ref
