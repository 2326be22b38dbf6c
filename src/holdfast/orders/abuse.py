"""Bad faith in a mistake, account by account: evidence, a second person of finance, and never by itself.

Visits that have not begun are cancelled and what was paid for them goes back whole. What was used stays as it was, and is
borne by the platform; no one is ever asked for money. Whoever was told that the benefit is theirs keeps it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from holdfast import changes
from holdfast.kit import clock
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money

from . import after_sale_store, attendance, cancellation, honour, honour_store, invoices, messages, policies, store
from .honour_model import AlreadyDecided, AlreadyTold, EvidenceNeeded, NotInIncident
from .model import OrderRow, State

KIND = "campaign-abuse"
EVIDENCE_LENGTH_MIN, EVIDENCE_LENGTH_MAX = 20, 2000
BATCH = 100
_ACTOR = system("abuse")


async def propose(
    db: Db, actor: Actor, trip_id: UUID, account_id: UUID, evidence: str, reason: str
) -> changes.Proposal:
    """Asks a second person to decide that an account used a mistake in bad faith; until then its owner is not told anything.

    EvidenceNeeded, NotInIncident, AlreadyTold, AlreadyDecided, ReasonNeeded.
    """
    payload = {"trip": str(trip_id), "account": str(account_id), "evidence": " ".join(evidence.split())}
    return await changes.propose(db, actor, KIND, payload, reason)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    trip_id, account_id = UUID(draft.payload["trip"]), UUID(draft.payload["account"])
    evidence = draft.payload["evidence"]
    if not EVIDENCE_LENGTH_MIN <= len(evidence) <= EVIDENCE_LENGTH_MAX:
        raise EvidenceNeeded
    await honour.incident(tx, trip_id)
    if not await honour_store.orders_of(tx, trip_id, account_id):
        raise NotInIncident
    if await honour_store.was_told(tx, trip_id, account_id):
        raise AlreadyTold
    decided = {one.account_id for one in await honour.gainers(tx, trip_id) if one.abuse_at}
    if account_id in decided:  # each account by itself, on its own evidence
        raise AlreadyDecided
    await honour_store.insert_abuse(
        tx, trip_id, account_id, evidence=evidence, proposal_id=draft.id, proposed_by=draft.proposed_by,
        approved_by=draft.approved_by or "nobody", at=clock.now(),
    )  # fmt: skip
    return {}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    """Which account, and of how many orders what has not begun would be cancelled with its money back."""
    trip_id, account_id = UUID(draft.payload["trip"]), UUID(draft.payload["account"])
    return {"account": str(account_id), "orders": len(await honour_store.orders_of(tx, trip_id, account_id))}


changes.register(KIND, apply=_apply, preview=_preview, approver=honour.finance)


async def run(db: Db) -> int:
    """Cancels what was decided, order by order; how many. What waits for a payment's answer comes with a later round."""
    done = 0
    for trip_id, order_id in await db.read(honour_store.abused, BATCH):
        done += await db.run(_end, trip_id, order_id)
    return done


async def _end(tx: Tx, trip_id: UUID, order_id: UUID) -> bool:
    """One order that has not begun: all of its money first, its places last."""
    row = await store.locked(tx, order_id)
    if row is None or row.state is not State.CONFIRMED or await cancellation.unsettled(tx, row):
        return False
    items = await after_sale_store.items(tx, order_id)
    if any([await attendance.slot_was_used(tx, row.number, item.slot_id) for item in items]):
        return False
    await _give_back(tx, row, items)
    await cancellation.end_order(tx, _ACTOR, row, {"trip": str(trip_id)})
    return True


async def _give_back(tx: Tx, row: OrderRow, items: list[policies.Item]) -> None:
    there = await cancellation.lefts(tx, row)
    left = sum(minor for _intent, minor in there)
    closed = [replace(item, slot_state="closed") for item in items]
    found = policies.decide(closed, None, clock.now(), left, row.currency)
    await cancellation.move_money(tx, _ACTOR, row, replace(found, refund_minor=left, kept_minor=0), there)
    await invoices.after_refund(tx, row)
    if left:
        await messages.tell(tx, row, "order-cancelled", amount=str(Money(left, row.currency)))
