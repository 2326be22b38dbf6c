"""The simulator as one thing: its memory, keys, scenario, journal and what happens outside the merchant's requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from . import callbacks, orders, refunds
from .faults import Scenario
from .journal import Journal
from .keys import Keys
from .state import State, beijing


class Options(msgspec.Struct, frozen=True):
    """How to run."""

    state_dir: Path
    speed: float = 1.0
    """Callbacks are repeated this many times faster than the provider's schedule."""
    refund_delay_s: float = 0.5
    """A refund is PROCESSING for so long."""
    seed: int = 1


class Simulator:
    """Everything the endpoints share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.state = State(options.state_dir)
        self.keys = Keys(self.state.identity())
        self.scenario = Scenario(options.seed)
        self.journal = Journal(options.state_dir)
        self.wake = asyncio.Event()
        self.deliverer = callbacks.Deliverer(self)

    def pay(self, out_trade_no: str, total: int | None = None, payer_total: int | None = None) -> orders.Order:
        """The payer pays; the callback is stored with the payment. KeyError, NotPayable."""
        with self.state.writing() as db:
            order = orders.pay(db, out_trade_no, total, payer_total)
            callbacks.of_payment(self, db, order)
        self.journal.add("payment", out_trade_no=out_trade_no, amount=order.paid_total, id=order.transaction_id)
        self.wake.set()
        return order

    def settle_refund(self, out_refund_no: str, status: str) -> refunds.Refund:
        """A refund reaches a final status; the callback is stored with it. KeyError."""
        with self.state.writing() as db:
            before = refunds.by_number(db, out_refund_no)
            refund = refunds.settle(db, out_refund_no, status)
            order = orders.by_number(db, refund.out_trade_no)
            assert order is not None
            if before is not None and before.status == "PROCESSING":
                callbacks.of_refund(self, db, refund, order)
        self.journal.add("settlement", out_refund_no=out_refund_no, status=refund.status)
        self.wake.set()
        return refund

    def truth(self) -> dict[str, object]:
        """What really happened: every order with its refunds. Amounts in fen, times in Beijing."""
        db, given = self.state.db, dict[str, list[dict[str, object]]]()
        for row in db.execute("select * from refunds order by created_at"):
            refund = refunds.Refund(**dict(row))
            given.setdefault(refund.out_trade_no, []).append(
                {
                    "out_refund_no": refund.out_refund_no,
                    "refund_id": refund.refund_id,
                    "amount": refund.amount,
                    "status": refund.status,
                    "created_at": beijing(refund.created_at),
                    "success_at": _shown(refund.success_at),
                }
            )
        rows = db.execute(f"select {orders.COLUMNS} from orders o order by created_at")
        shown = [_order_truth(orders.Order(**dict(row)), given) for row in rows.fetchall()]
        counts = db.execute("select outcome, count(*) from callbacks group by outcome").fetchall()
        return {"orders": shown, "callbacks": {row[0]: row[1] for row in counts}}

    def close(self) -> None:
        self.state.close()
        self.journal.close()


def _order_truth(order: orders.Order, given: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return {
        "out_trade_no": order.out_trade_no,
        "amount": order.total,
        "currency": order.currency,
        "state": order.trade_state,
        "transaction_id": order.transaction_id,
        "created_at": beijing(order.created_at),
        "expires_at": beijing(order.expires_at),
        "closed_at": _shown(order.closed_at),
        "paid_at": _shown(order.paid_at),
        "paid_amount": order.paid_total,
        "payer_amount": order.payer_total,
        "refunds": given.get(order.out_trade_no, []),
    }


def _shown(moment: float | None) -> str | None:
    return None if moment is None else beijing(moment)
