"""WeChat Pay as the simulation sees it: state, keys, endpoints, payers and callbacks in one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdfast.payments.simulator import callbacks, serving, times
from holdfast.payments.simulator.faults import Scenario
from holdfast.payments.simulator.journal import Journal
from holdfast.payments.simulator.serving import Call, Done
from holdfast.payments.simulator.simulation import Options

from . import endpoints, news, orders, pages, protocol, refunds
from .keys import Keys, rotated
from .protocol import Refusal
from .state import State

JSON = "application/json; charset=utf-8"
Work = Callable[["WeChatSim", Call], Done]


class WeChatSim:
    """The provider. ``/v3`` is served at the root, below ``/wechat``, and below ``/backup`` as its second host."""

    name = "wechatpay"
    prefixes = ("", "/wechat", serving.BACKUP)

    def __init__(self, options: Options, journal: Journal, scenario: Scenario) -> None:
        self.options, self.journal, self.scenario = options, journal, scenario
        self.state = State(options.state_dir, durable=options.durable)
        self.keys = Keys(self.state.identity())
        self.counter = serving.Counter()
        manners = callbacks.Manners(
            waits_s=news.WAITS_S,
            timeout_s=news.TIMEOUT_S,
            is_accepted=news.is_accepted,
            dressed=lambda callback: news.dressed(self.keys, callback),
        )
        self.courier = callbacks.Courier(self.name, self.state, journal, options, manners)
        self.routes = self._endpoints()
        self.pages = pages.routes(self)

    def _endpoints(self) -> list[BaseRoute]:
        orders_path, refunds_path = "/v3/pay/transactions/out-trade-no/{out_trade_no}", "/v3/refund/domestic/refunds"
        served = self._served
        file = served("bill", endpoints.bill_file, is_download=True)
        return [
            Route("/v3/pay/transactions/native", served("create", endpoints.native), methods=["POST"]),
            Route("/v3/pay/transactions/h5", served("create", endpoints.h5), methods=["POST"]),
            Route(orders_path, served("query", endpoints.query), methods=["GET"]),
            Route(f"{orders_path}/close", served("close", endpoints.close), methods=["POST"]),
            Route("/v3/pay/transactions/id/{transaction_id}", served("query", endpoints.query), methods=["GET"]),
            Route(refunds_path, served("refund", endpoints.refund), methods=["POST"]),
            Route(f"{refunds_path}/{{out_refund_no}}", served("query_refund", endpoints.query_refund), methods=["GET"]),
            Route(
                f"{refunds_path}/{{refund_id}}/apply-abnormal-refund",
                served("refund", endpoints.abnormal_refund),
                methods=["POST"],
            ),
            Route("/v3/bill/tradebill", served("bill", endpoints.trade_bill), methods=["GET"]),
            Route("/v3/billdownload/file", file, methods=["GET"]),
            Route("/v3/certificates", served("certificates", endpoints.certificates), methods=["GET"]),
        ]

    def _served(
        self, operation: str, work: Work, *, is_download: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            respond = self._respond_file if is_download else self._respond
            return await serving.serve(
                self, request, operation, lambda call: self._work(call, work), respond, is_download=is_download
            )

        return endpoint

    def _work(self, call: Call, work: Work) -> Done:
        try:
            self._require_welcome(call)
            return work(self, call)
        except Refusal as refusal:
            return Done(refusal.status, refusal.body)

    def _require_welcome(self, call: Call) -> None:
        if "rate_limit" in call.faults:
            raise Refusal(429, "FREQUENCY_LIMITED", "请求频率超过限制，请降低频率后重试")
        is_by_certificate = not call.request.headers.get("wechatpay-serial", "").startswith("PUB_KEY_ID_")
        if "system_error" in call.faults or ("cert_mode_gone" in call.faults and is_by_certificate):
            raise Refusal(500, "SYSTEM_ERROR", "系统繁忙，请稍后重试")
        protocol.require_form(call.request, call.body)
        protocol.require_signed(self.keys, call.request, call.body)

    def _respond(self, call: Call, done: Done) -> Response:
        content = done.body[: len(done.body) // 2] if "truncated_json" in call.faults else done.body
        headers = {"Content-Type": JSON}
        if "unsigned" not in call.faults:
            serial = self.keys.signing_serial(call.request.headers.get("wechatpay-serial", ""))
            headers |= self.keys.platform_headers(serial, content, spoil="bad_signature" in call.faults)
        return Response(content, done.status, headers)

    def _respond_file(self, call: Call, done: Done) -> Response:
        """Files are not signed: their hash was."""
        return Response(done.body, done.status, {"Content-Type": "text/plain" if done.status == 200 else JSON})

    def config(self, base_url: str) -> dict[str, object]:
        return self.keys.config(base_url)

    def scanned(self, code: str) -> str | None:
        return pages.scanned(code)

    def pay(
        self, number: str, amount: int | None = None, payer_amount: int | None = None, *, again: bool = False
    ) -> dict[str, object]:
        """The payer pays; the callback is stored with the payment. KeyError, NotPayable."""
        with self.state.writing() as db:
            order = orders.pay(db, number, amount, payer_amount, again=again)
            news.of_payment(db, self.keys, order, self.scenario.draw("callback", provider=self.name))
        self.journal.add(
            "payment", provider=self.name, number=number, amount=order.paid_total, id=order.transaction_id, again=again
        )
        self.courier.wake()
        return {"transaction_id": order.transaction_id, "amount": order.paid_total}

    def settle_refund(self, number: str, status: str) -> dict[str, object]:
        """A refund reaches a final status; the callback is stored with it. Later words change nothing. KeyError."""
        with self.state.writing() as db:
            before = refunds.by_number(db, number)
            refund = refunds.settle(db, number, status)
            if before is not None and before.status == "PROCESSING" and refund.notify_url:
                faults = self.scenario.draw("refund_callback", provider=self.name)
                news.of_refund(db, self.keys, refund, refunds.receipt_of(db, refund), faults)
        self.journal.add("settlement", provider=self.name, number=number, status=refund.status)
        self.courier.wake()
        return {"status": refund.status}

    def rotate_keys(self) -> dict[str, object]:
        """A new certificate signs from now on; the old one is valid beside it for a day."""
        identity = rotated(self.keys.identity, times.now())
        self.state.replace_identity(identity)
        self.keys = Keys(identity)
        until = {serial: times.beijing(moment) for serial, moment in identity.retired_at.items()}
        return {"serial": self.keys.certificate_serial, "valid_until": until}

    def truth(self) -> list[dict[str, object]]:
        db = self.state.db
        given: dict[str, list[refunds.Refund]] = {}
        for refund in refunds.every(db):
            given.setdefault(refund.out_trade_no, []).append(refund)
        taken: dict[str, list[dict[str, object]]] = {}
        for row in db.execute("select * from receipts order by seq").fetchall():
            taken.setdefault(row["out_trade_no"], []).append(
                {
                    "transaction_id": row["transaction_id"],
                    "amount": row["total"],
                    "paid_at": times.beijing(row["paid_at"]),
                }
            )
        return [
            self._order_truth(order, taken.get(order.out_trade_no, []), given.get(order.out_trade_no, []))
            for order in orders.every(db)
        ]

    def _order_truth(
        self, order: orders.Order, receipts: list[dict[str, object]], given: list[refunds.Refund]
    ) -> dict[str, object]:
        amounts = [amount for receipt in receipts if isinstance(amount := receipt["amount"], int)]
        return {
            "provider": self.name,
            "out_trade_no": order.out_trade_no,
            "amount": order.total,
            "currency": order.currency,
            "state": order.trade_state,
            "transaction_id": order.transaction_id,
            "created_at": times.beijing(order.created_at),
            "expires_at": times.beijing(order.expires_at),
            "closed_at": times.shown(order.closed_at),
            "paid_at": times.shown(order.paid_at),
            "paid_amount": sum(amounts) if amounts else None,
            "payer_amount": order.payer_total,
            "receipts": receipts,
            "refunds": [
                {
                    "out_refund_no": refund.out_refund_no,
                    "refund_id": refund.refund_id,
                    "transaction_id": refund.transaction_id,
                    "amount": refund.amount,
                    "status": refund.status,
                    "created_at": times.beijing(refund.created_at),
                    "success_at": times.shown(refund.success_at),
                }
                for refund in given
            ],
        }

    def callback_counts(self) -> dict[str, int]:
        return self.courier.counts()

    async def run(self) -> None:
        await self.courier.run(self._settle_due)

    def _settle_due(self) -> None:
        for number in refunds.due(self.state.db):
            self.settle_refund(number, "SUCCESS")

    def wake(self) -> None:
        self.courier.wake()

    def reset(self) -> None:
        self.state.reset()

    def close(self) -> None:
        self.state.close()
