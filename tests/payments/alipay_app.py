"""What the owner of an Alipay app and its payers do in these tests: signed calls by hand, scans, pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx2

from holdfast.payments.providers.alipay import Alipay, load_config
from holdfast.payments.providers.alipay_protocol import Keys

from .merchant import charge, number

if TYPE_CHECKING:
    from .conftest import SimulatorProcess

GATEWAY = "/alipay/gateway.do"


class App:
    """Signs whatever a test wants sent."""

    def __init__(self, sim: SimulatorProcess) -> None:
        self.sim = sim
        self.config = load_config(sim.config("alipay"))
        self.keys = Keys(self.config)

    def signed(self, method: str, content: Mapping[str, object], **common: str) -> dict[str, str]:
        return self.keys.signed(method, content, **common)

    def send(self, fields: Mapping[str, str], query: str = "charset=utf-8") -> httpx2.Response:
        form = {name: value for name, value in fields.items() if name != "charset"}
        return self.sim.http.post(f"{GATEWAY}?{query}", data=form)

    def call(self, method: str, content: Mapping[str, object], **common: str) -> dict[str, object]:
        """The node of the answer, proven; of an ``error_response`` also unproven."""
        answer = self.send(self.signed(method, content, **common)).text
        found = json.loads(answer)
        if "error_response" in found:
            return found["error_response"]
        node = answer[answer.index(":") + 1 : answer.rindex(',"sign":')]
        self.keys.verify(node.encode(), found["sign"])
        return json.loads(node)

    def order(self, ref: str, **changes: object) -> dict[str, object]:
        return {"out_trade_no": ref, "total_amount": "60.00", "subject": "夜游秦淮河"} | changes

    def placed(self, **changes: object) -> str:
        ref = number()
        assert self.call("alipay.trade.precreate", self.order(ref, **changes))["code"] == "10000"
        return ref

    def paid(self, notify_url: str = "http://127.0.0.1:9/notify") -> str:
        ref = number()
        self.call("alipay.trade.precreate", self.order(ref), notify_url=notify_url)
        self.sim.pay(ref)
        return ref


def scanned(sim: SimulatorProcess, code_url: str) -> str:
    """The payer's camera reads the code: the path of the page it leads to."""
    page = sim.http.get("/wallet", params={"code_url": code_url}, follow_redirects=True).raise_for_status()
    return page.url.path


async def paid(alipay: Alipay, sim: SimulatorProcess, **charged: object) -> str:
    ref = number()
    await alipay.create(charge(ref, **charged))
    sim.pay(ref)
    return ref
