"""Alipay as one thing: its memory, keys and scenario, and what happens outside the merchant's requests."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdfast.payments.simulator import callbacks, serving, times
from holdfast.payments.simulator.faults import Scenario
from holdfast.payments.simulator.journal import Journal
from holdfast.payments.simulator.memory import Memory
from holdfast.payments.simulator.simulation import Options

from . import cashier, gateway, notices, refunds, trades
from .keys import Identity, Keys, new_identity
from .refunds import Refund
from .trades import Order, Trade


class AlipaySim:
    """The provider `alipay`; see `simulation.ProviderSim`."""

    name = "alipay"
    prefixes: tuple[str, ...] = ("/alipay",)

    def __init__(self, options: Options, journal: Journal, scenario: Scenario) -> None:
        self.options, self.journal, self.scenario = options, journal, scenario
        self.memory = Memory(
            options.state_dir / "alipay.sqlite3", trades.SCHEMA + callbacks.SCHEMA, durable=options.durable
        )
        self.keys = Keys(self._identity())
        self.courier = callbacks.Courier(self.name, self.memory, journal, options, notices.manners(self.keys))
        self.counter = serving.Counter()
        self._teller = notices.Teller(self.keys)
        self.routes: list[BaseRoute] = [
            Route("/gateway.do", self._bound(gateway.serve), methods=["GET", "POST"]),
            Route("/bill/{token}", self._bound(gateway.download), methods=["GET"]),
        ]
        self.pages: list[BaseRoute] = [
            Route("/alipay/pay/{token}", self._bound(cashier.show), methods=["GET"]),
            Route("/alipay/pay/{token}", self._bound(cashier.decide), methods=["POST"]),
        ]

    def _bound(
        self, endpoint: Callable[[AlipaySim, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await endpoint(self, request)

        return handle

    def _identity(self) -> Identity:
        """Made at the first start."""
        with self.memory.writing() as db:
            row = db.execute("select json from identity").fetchone()
            if row is not None:
                return msgspec.json.decode(row["json"], type=Identity)
            fresh = new_identity()
            db.execute("insert into identity values (1, ?)", (msgspec.json.encode(fresh).decode(),))
            return fresh

    def config(self, base_url: str) -> dict[str, object]:
        return self.keys.config(f"{base_url}/alipay/gateway.do")

    def scanned(self, code: str) -> str | None:
        order = (
            trades.by_token(self.memory.db, code.removeprefix(trades.CODE)) if code.startswith(trades.CODE) else None
        )
        return None if order is None else cashier.path(order)

    def pay(
        self, number: str, amount: int | None = None, payer_amount: int | None = None, *, again: bool = False
    ) -> dict[str, object]:
        """The payer scans and pays; the notice is stored with the payment. KeyError, NotPayable."""
        with self.memory.writing() as db:
            order = trades.order(db, number)
            if order is None:
                raise KeyError(number)
            trade = trades.pay(db, order, amount, payer_amount, again=again)
            self._teller.payment(db, order, trade, self.scenario.draw("callback", provider=self.name))
        self.journal.add("payment", provider=self.name, out_trade_no=number, amount=trade.paid_total, id=trade.trade_no)
        self.courier.wake()
        return {"transaction_id": trade.trade_no, "amount": trade.paid_total}

    def end(self, db: sqlite3.Connection, trade: Trade) -> None:
        """An unpaid trade ends, by the merchant's word; told of. Refusal when it is not unpaid."""
        trades.close(db, trade)
        self._tell_end(db, trade)

    def _tell_end(self, db: sqlite3.Connection, trade: Trade) -> None:
        order, ended = trades.order(db, trade.out_trade_no), trades.by_number(db, trade.trade_no, None)
        assert order is not None
        self._teller.payment(db, order, ended, self.scenario.draw("callback", provider=self.name))
        self.courier.wake()

    def settle(self, db: sqlite3.Connection, refund: Refund, status: str) -> Refund:
        """A refund in processing comes to its end; a done one is told of."""
        settled = refunds.settle(db, refund, status)
        if settled != refund and settled.status == "SUCCESS":
            trade = trades.by_number(db, refund.trade_no, None)
            order = trades.order(db, trade.out_trade_no)
            assert order is not None
            faults = self.scenario.draw("refund_callback", provider=self.name)
            self._teller.refund(db, order, trade, settled, faults)
        self.journal.add("settlement", provider=self.name, out_request_no=refund.out_request_no, status=settled.status)
        self.courier.wake()
        return settled

    def settle_refund(self, number: str, status: str) -> dict[str, object]:
        with self.memory.writing() as db:
            refund = refunds.by_number(db, number)
            if refund is None:
                raise KeyError(number)
            return {"status": self.settle(db, refund, status).status}

    def rotate_keys(self) -> dict[str, object] | None:
        """Alipay's key belongs to the app for as long as that lives."""
        return None

    def truth(self) -> list[dict[str, object]]:
        db = self.memory.db
        rows = db.execute("select * from orders order by created_at").fetchall()
        return [self._order_truth(Order(**dict(row))) for row in rows]

    def _order_truth(self, order: Order) -> dict[str, object]:
        receipts = trades.by_order(self.memory.db, order.out_trade_no)
        first = receipts[0] if receipts else None
        paid = [one for one in receipts if one.paid_at is not None]
        return {
            "provider": self.name,
            "out_trade_no": order.out_trade_no,
            "amount": order.total,
            "currency": "CNY",
            "state": first.status if first else "NOT_SCANNED" if order.is_scannable else "TRADE_CLOSED",
            "transaction_id": first.trade_no if first and paid else None,
            "created_at": times.shown(order.created_at),
            "expires_at": times.shown(order.expires_at),
            "closed_at": times.shown(first.closed_at) if first else None,
            "paid_at": times.shown(paid[0].paid_at) if paid else None,
            "paid_amount": sum(one.paid_total or 0 for one in paid) if paid else None,
            "payer_amount": sum(one.payer_total or 0 for one in paid) if paid else None,
            "receipts": [
                {"transaction_id": one.trade_no, "amount": one.paid_total, "paid_at": times.shown(one.paid_at)}
                for one in paid
            ],
            "refunds": [
                _refund_truth(one) for receipt in paid for one in refunds.of_trade(self.memory.db, receipt.trade_no)
            ],
        }

    def callback_counts(self) -> dict[str, int]:
        return self.courier.counts()

    async def run(self) -> None:
        await self.courier.run(self._each_round)

    def _each_round(self) -> None:
        """Refunds whose time has come, and trades whose time is over."""
        if not (refunds.due(self.memory.db) or trades.expired(self.memory.db)):
            return
        with self.memory.writing() as db:
            for refund in refunds.due(db):
                self.settle(db, refund, "SUCCESS")
            for trade in trades.expired(db):
                db.execute("update trades set closed_at = expires_at where trade_no = ?", (trade.trade_no,))
                self._tell_end(db, trade)

    def wake(self) -> None:
        self.courier.wake()

    def reset(self) -> None:
        self.memory.forget("callbacks", "refunds", "trades", "orders", "downloads")

    def close(self) -> None:
        self.memory.close()


def _refund_truth(refund: Refund) -> dict[str, object]:
    return {
        "out_refund_no": refund.out_request_no,
        "refund_id": None,
        "transaction_id": refund.trade_no,
        "amount": refund.amount,
        "status": refund.status,
        "created_at": times.shown(refund.created_at),
        "success_at": times.shown(refund.success_at),
    }
