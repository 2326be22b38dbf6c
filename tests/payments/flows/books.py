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
    """What we may keep of each charge: what it won for an order that stands, less what was given back; of one that is over
    the fee that was kept; and what our bank paid back where the provider could not."""
    rows = await tx.tuples(
        """select a.merchant_ref,
                  case when a.role = 'winner' and o.state in ('confirmed', 'used') then i.amount_minor
                         - (select coalesce(sum(r.amount_minor), 0) from payments.refunds r where r.attempt_id = a.id
                            and r.source = 'order' and r.state = 'succeeded')
                       when a.role = 'winner' then (select coalesce(sum(e.amount_minor), 0) from ledger.journals j
                            join ledger.entries e on e.journal_id = j.id and e.side = 'D'
                            where j.kind = 'fee.kept' and j.subject = 'intent:' || i.id) else 0 end
                  + (select coalesce(sum(r.amount_minor), 0) from payments.refunds r
                     join ledger.journals j on j.key = 'refund:' || r.id || ':bank' where r.attempt_id = a.id)
           from payments.attempts a join payments.intents i on i.id = a.intent_id
           join orders.intents x on x.intent_id = i.id join orders.orders o on o.id = x.order_id where a.provider <> 'desk'"""
    )
    return dict(rows)


async def require(db: Db, sim: SimulatorProcess) -> None:
    """AssertionError with the charges whose money is not where it belongs."""
    taken, ours = truth(sim), await db.read(kept)
    wrong = {
        ref: (taken.get(ref, 0), ours.get(ref, 0)) for ref in taken | ours if taken.get(ref, 0) != ours.get(ref, 0)
    }
    assert not wrong, f"charge: (the provider holds, we may keep): {wrong}"
