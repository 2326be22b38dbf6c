"""Admissions: who went in, what was found to be against the rules, and what staff made of it.

They are written by the SQL function `passes.admit_many`, which orders call with what they know of a ticket.
"""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import audit, clock, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import admissions_store
from .gate_model import AdmissionUndone, AdmissionUnknown, Dispute, DisputeOver, Passage, Ruling

SHOWN = 100


async def latest(tx: ReadTx, *, venue_id: str = "", order_number: str = "", limit: int = SHOWN) -> list[Passage]:
    """The newest entries and exits; of one venue or one order if asked."""
    return await admissions_store.latest(tx, venue_id, order_number, limit)


async def require(tx: ReadTx, device_id: UUID, counter: int) -> Passage:
    """One of them. AdmissionUnknown."""
    found = await admissions_store.one(tx, device_id, counter)
    if found is None:
        raise AdmissionUnknown
    return found


async def disputes(tx: ReadTx, *, decided: bool = False, limit: int = SHOWN) -> list[Dispute]:
    """What was let in against the rules and nobody has decided about yet, or the last that were decided; with both sides."""
    late = await admissions_store.against_rules(tx, decided=decided, limit=limit)
    rivals = await admissions_store.rivals(tx, [one.device_id for one in late], [one.counter for one in late])
    return [Dispute(one, rivals.get(one.key)) for one in late]


async def rule(tx: Tx, actor: Actor, device_id: UUID, counter: int, ruling: Ruling, note: str) -> None:
    """What staff decide about a passage against the rules. AdmissionUnknown, DisputeOver."""
    await require(tx, device_id, counter)
    if not await admissions_store.set_ruling(tx, device_id, counter, ruling, note, str(actor), clock.now()):
        raise DisputeOver
    await audit.record(tx, actor, "gate.ruling", f"gate:{device_id}", counter=counter, ruling=ruling, note=note)


async def undo(tx: Tx, actor: Actor, device_id: UUID, counter: int, reason: str) -> None:
    """An admission was a mistake: the ticket admits again, and its order is no longer used. AdmissionUnknown, AdmissionUndone."""
    found = await require(tx, device_id, counter)
    if not await admissions_store.set_undone(tx, device_id, counter, reason, str(actor), clock.now()):
        raise AdmissionUndone
    await audit.record(
        tx, actor, "gate.undo", f"order:{found.order_number}", device=str(device_id), counter=counter, reason=reason
    )
    news = {"order_number": found.order_number, "ticket": found.ticket, "device": str(device_id), "counter": counter}
    await jobs.emit(tx, "gate.undone", news | {"by": str(actor), "reason": reason})
