"""What must be true after every step, and what must be true once all is quiet.

After each step: every invariant of the program that knows no deadline, and that nothing which is final was ever undone.
At the end faults stop and time passes: then nothing is left open, and the providers' truth, our orders and the ledger
agree to the last fen.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec

from holdfast import ledger, payments
from holdfast.kit import checks, clock
from holdfast.kit.db import Db, ReadTx
from holdfast.orders.model import TRANSITIONS, State
from holdfast.payments import reconciliation
from tests import invariants
from tests.payments.flows import books

from . import people
from .ground import MORNING, Ground

DEADLINES = ("Late money is accepted", "Money that nobody asked for is on its way back")
"""Sentences that hold only while workers run: asked at the end."""
_FIRST_HOURS_S = (10, 60, 300, 600, 900, 1800, 3600, 3600, 7200)
_NEXT_DAY_S = (86400, 600, 3600, 3600)
PAUSES_S = (*_FIRST_HOURS_S, *_NEXT_DAY_S, *_NEXT_DAY_S, *_NEXT_DAY_S)
"""How time passes at the end, until all is quiet."""
FINAL_ATTEMPTS, FINAL_REFUNDS = ("succeeded",), ("succeeded", "closed")


class Seen(msgspec.Struct, frozen=True):
    """What can be remembered of a moment."""

    orders: dict[str, str]
    attempts: dict[str, tuple[str, str | None, int | None, str | None]]
    """State, role, sum paid and the provider's number, by our reference."""
    refunds: dict[str, tuple[str, int]]
    journals: int


async def photograph(tx: ReadTx) -> Seen:
    return Seen(
        orders=dict(await tx.tuples("select number, state from orders.orders")),
        attempts={
            row[0]: tuple(row[1:])
            for row in await tx.tuples(
                "select merchant_ref, state, role, paid_minor, provider_txn from payments.attempts"
            )
        },
        refunds={
            row[0]: (row[1], row[2])
            for row in await tx.tuples("select refund_ref, state, amount_minor from payments.refunds")
        },
        journals=await tx.value("select count(*) from ledger.journals"),
    )


def reachable(state: str) -> set[str]:
    """Where an order may be later."""
    found, frontier = {State(state)}, [State(state)]
    while frontier:
        new = TRANSITIONS[frontier.pop()] - found
        found |= new
        frontier += new
    return {str(one) for one in found}


def require_onward(before: Seen, after: Seen) -> None:
    """Nothing that was final is otherwise now, and nothing is gone."""
    for number, state in before.orders.items():
        assert after.orders.get(number) in reachable(state), f"order {number}: {state} → {after.orders.get(number)}"
    for ref, known in before.attempts.items():
        now = after.attempts[ref]
        if known[0] in FINAL_ATTEMPTS:
            accepted_late = (known[1], now[1]) == ("late", "winner")
            kept = (known[0], now[1] if accepted_late else known[1], *known[2:])
            assert kept == now, f"attempt {ref}: {known} → {now}"
        if known[0] in ("closed", "failed"):
            assert now[0] in (known[0], "succeeded"), f"attempt {ref}: {known} → {now}"
    for ref, (state, amount) in before.refunds.items():
        now_state, now_amount = after.refunds[ref]
        assert amount == now_amount, f"refund {ref}: {amount} → {now_amount}"
        assert state not in FINAL_REFUNDS or state == now_state, f"refund {ref}: {state} → {now_state}"
    assert before.journals <= after.journals, "journals are gone"


async def step(db: Db, before: Seen) -> Seen:
    """After a step; what can be seen now, for the next."""
    async with db.reading() as tx:
        for sentence, query in checks.REGISTRY.items():
            if not sentence.startswith(DEADLINES):
                offenders = await query(tx)
                assert not offenders, f"{sentence}: {offenders[:5]}"
        after = await photograph(tx)
    require_onward(before, after)
    return after


# The end


async def quieten(ground: Ground) -> None:
    """Faults stop, we restart, staff and providers do their part, workers run, and time passes until nothing is open.

    Then the bills of the day come, and whatever they tell of is brought to its end as well.
    """
    ground.clear_up()
    await payments.close_channels()
    await people.switch(ground.db, "*", on=True)
    await _until_quiet(ground)
    for day in range(1, 3):
        bills_are_there = MORNING + timedelta(days=(clock.now() - MORNING).days + day, hours=1)
        await ground.pass_time(bills_are_there - clock.now())
        await people.WORKERS["reconciliation"](ground.db)
        await _until_quiet(ground)


async def _until_quiet(ground: Ground) -> None:
    left: dict[str, Any] = {}
    for pause_s in PAUSES_S:
        await _round(ground)
        left = await ground.db.read(still_open)
        if waiting := ground.simulation.truth()["callbacks"].get("waiting"):  # type: ignore[attr-defined]
            left["callbacks"] = waiting
        if not left:
            return
        await ground.pass_time(timedelta(seconds=pause_s))
    raise AssertionError(f"not at an end after {sum(PAUSES_S)} s without faults: {left}")


async def _round(ground: Ground) -> None:
    for order in ground.simulation.truth()["orders"]:  # type: ignore[attr-defined]
        for refund in order["refunds"]:
            if refund["status"] == "PROCESSING":
                ground.simulation.settle_refund(refund["out_refund_no"], "SUCCESS")
    await ground.settle()
    await people.hand_over(ground.db)
    for name in ("outbox", "resolver", "health", "expiry", "promises", "outbox"):
        await people.WORKERS[name](ground.db)
        await ground.settle()


async def still_open(tx: ReadTx) -> dict[str, Any]:
    """Whatever is not at its end yet, by kind."""
    found = {
        "attempts": await tx.tuples(
            """select merchant_ref, provider, method, state, error_code from payments.attempts
               where state not in ('succeeded', 'failed', 'closed')"""
        ),
        "refunds": await tx.tuples(
            "select refund_ref, state, error_code from payments.refunds where state not in ('succeeded', 'closed')"
        ),
        "receipts": await tx.tuples(
            "select provider_txn, state from payments.second_receipts where state = 'suspected'"
        ),
        "news": await tx.tuples("select topic, subscriber, attempts, error from kit.outbox"),
        "orders": await tx.tuples(
            "select number, state from orders.orders where state in ('held', 'awaiting_payment')"
        ),
        "intents": await tx.tuples("select id::text, state from payments.intents where state in ('open', 'deferred')"),
    }
    return {kind: rows for kind, rows in found.items() if rows}


async def end(ground: Ground) -> None:
    """Everything that was promised, asked when all is quiet."""
    await quieten(ground)
    db, truth = ground.db, ground.simulation.truth()["orders"]
    await invariants.require(db)
    assert not (wrong := await db.read(ledger.verify)), wrong
    waiting = [total for total in await db.read(ledger.totals) if total.code == "2030" and total.amount_minor]
    assert not waiting, f"unapplied money is left: {waiting}"
    require_receipts(truth, await db.read(receipts))  # type: ignore[arg-type]
    require_money(truth, await db.read(books.kept))  # type: ignore[arg-type]
    open_items = await db.read(reconciliation.open_counts)
    assert not open_items, f"differences that reconciliation left: {open_items}: {await db.read(reconciliation.queue)}"


def require_receipts(truth: list[dict[str, Any]], ours: Counter[tuple[str, str, int]]) -> None:
    """Every success of a provider has exactly one receipt journal, over its sum."""
    theirs: Counter[tuple[str, str, int]] = Counter()
    for order in truth:
        taken = order.get("receipts")
        if taken is None and order["paid_amount"]:
            taken = [{"transaction_id": order["transaction_id"], "amount": order["paid_amount"]}]
        for one in taken or []:
            theirs[order["out_trade_no"], one["transaction_id"], one["amount"]] += 1
    assert theirs == ours, f"only at providers: {theirs - ours}; only in the ledger: {ours - theirs}"


async def receipts(tx: ReadTx) -> Counter[tuple[str, str, int]]:
    """Charge, provider's number and sum of each receipt that is booked and stands."""
    rows = await tx.tuples(
        """select a.merchant_ref, a.provider_txn, sum(e.amount_minor)::bigint from payments.attempts a
           join ledger.journals j on j.key = 'receipt:' || a.id join ledger.entries e on e.journal_id = j.id and e.side = 'D'
           where a.provider <> 'desk' group by a.id, j.id
           union all
           select a.merchant_ref, s.provider_txn, sum(e.amount_minor)::bigint from payments.second_receipts s
           join payments.attempts a on a.id = s.attempt_id
           join ledger.journals j on j.pending_id = s.journal_id and j.phase = 'post'
           join ledger.entries e on e.journal_id = j.id and e.side = 'D' group by a.id, s.id, j.id"""
    )
    return Counter((row[0], row[1], row[2]) for row in rows)


def require_money(truth: list[dict[str, Any]], kept: dict[str, int]) -> None:
    """What each provider holds of each charge is what we may keep of it; nobody gets back more than they paid."""
    for order in truth:
        held, back = (
            order["paid_amount"] or 0,
            sum(refund["amount"] for refund in order["refunds"] if refund["status"] in ("SUCCESS", "PROCESSING")),
        )
        ref = order["out_trade_no"]
        assert back <= held, f"{ref}: {back} went back of {held}"
        assert held - back == kept.get(ref, 0), (
            f"{ref}: the provider holds {held - back}, we may keep {kept.get(ref, 0)}"
        )
    missing = {ref: sum_ for ref, sum_ in kept.items() if sum_ and ref not in {one["out_trade_no"] for one in truth}}
    assert not missing, f"the provider knows nothing of {missing}"
