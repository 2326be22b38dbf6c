"""The books: what the provider says it took and gave back, against what our orders say was paid."""

from __future__ import annotations

from holdfast.kit.db import Db, ReadTx
from tests.payments.conftest import SimulatorProcess


def truth(sim: SimulatorProcess) -> dict[str, int]:
    """What the provider holds of each charge: paid, less what went back, in fen."""
    return {
        order["out_trade_no"]: (order["paid_amount"] or 0)
        - sum(refund["amount"] for refund in order["refunds"] if refund["status"] == "SUCCESS")
        for order in sim.http.get("/_sim/truth").json()["orders"]
    }


async def kept(tx: ReadTx) -> dict[str, int]:
    """What we may keep of each charge: the amount of the confirmed order that it won."""
    rows = await tx.tuples(
        """select a.merchant_ref, case when a.role = 'winner' and o.state in ('confirmed', 'used') then o.amount_minor else 0 end
           from payments.attempts a join orders.orders o on o.intent_id = a.intent_id"""
    )
    return dict(rows)


async def require(db: Db, sim: SimulatorProcess) -> None:
    """AssertionError with the charges whose money is not where it belongs."""
    taken, ours = truth(sim), await db.read(kept)
    wrong = {
        ref: (taken.get(ref, 0), ours.get(ref, 0)) for ref in taken | ours if taken.get(ref, 0) != ours.get(ref, 0)
    }
    assert not wrong, f"charge: (the provider holds, we may keep): {wrong}"
