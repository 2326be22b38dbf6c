"""A mistake is honoured: what a stopped campaign granted stays with those who got it, and the platform bears it.

    proposal = await honour.propose(db, actor, trip_id, verdict="honour", since=None, false_label=True, reason=why)
    await honour.approve(db, other_person_of_finance, proposal.id, proposal.shown)

Until that is decided the discounts stand as undecided in the books (`discount_books`), within seconds of the stop. The
decision is made once and never changed. Then, order by order in one transaction each: books, invoices and the label are
put right, and each person is told once that nothing is to be done and nothing will be asked for. Whoever comes after a
crash goes on; whoever pays later is put right when the payment is confirmed. Bad faith is decided account by account
(`abuse`), never by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.kit import clock, faults, log
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money

from . import discount_books, honour_store, invoices, messages, store
from .honour_model import (
    AlreadyDecided,
    Decision,
    EvidenceNeeded,
    Gainer,
    Incident,
    IncidentUnknown,
    Standing,
    Verdict,
)
from .model import OrderRow, State

__all__ = [
    "KIND",
    "AlreadyDecided",
    "EvidenceNeeded",
    "IncidentUnknown",
    "approve",
    "decision",
    "finance",
    "follow",
    "gainers",
    "incident",
    "incidents",
    "of_incident",
    "propose",
    "put_right",
    "run",
    "standing",
]

KIND = "campaign-honour"
BATCH = 200
GAINERS_SHOWN = 50
PUT_RIGHT = faults.declare(
    "honour.put_right", "an order of a mistake is put right and its owner told, not yet committed"
)
_ACTOR = str(system("honour"))
_NOBODY = "nobody"
"""Stands for the approver while a decision is only tried."""


async def incident(tx: ReadTx, trip_id: UUID) -> Incident:
    """A stop with what was granted before it. IncidentUnknown."""
    found = await honour_store.incident(tx, trip_id)
    if found is None:
        raise IncidentUnknown
    return found


async def incidents(tx: ReadTx, limit: int = 30) -> list[tuple[Incident, Decision | None]]:
    """The newest stops, each with what was decided."""
    return [(one, await honour_store.decision(tx, one.trip_id)) for one in await honour_store.incidents(tx, limit)]


async def decision(tx: ReadTx, trip_id: UUID) -> Decision | None:
    """What was decided of a stop; None before that."""
    return await honour_store.decision(tx, trip_id)


async def standing(tx: ReadTx, trip_id: UUID) -> Standing:
    """How far it is: orders, money in the books, people who were told."""
    return await honour_store.standing(tx, trip_id)


async def gainers(tx: ReadTx, trip_id: UUID) -> list[Gainer]:
    """The accounts that got most out of it: for people to look at."""
    return await honour_store.gainers(tx, trip_id, GAINERS_SHOWN)


async def propose(
    db: Db, actor: Actor, trip_id: UUID, *, verdict: Verdict, since: datetime | None, false_label: bool, reason: str
) -> changes.Proposal:  # fmt: skip
    """Asks a second person for a decision. `since`: when the mistake began, None: with the first grant.

    IncidentUnknown, AlreadyDecided, ReasonNeeded.
    """
    found = await db.read(incident, trip_id)
    begun = since or found.first_at or found.at
    payload = {
        "trip": str(trip_id), "verdict": verdict, "since": begun.isoformat(),
        "false_label": false_label and verdict == "honour",
    }  # fmt: skip
    return await changes.propose(db, actor, KIND, payload, reason)


async def approve(db: Db, actor: Actor, proposal_id: UUID, shown: str, note: str = "") -> changes.Proposal:
    """A second person, of finance, agrees to what `shown` stands for; it is done at once.

    What `finance` raises; SamePerson, PreviewStale and the like as `changes` says.
    """
    proposal = await db.read(changes.require, proposal_id)
    if proposal.kind not in (KIND, "campaign-abuse"):
        raise changes.ProposalUnknown
    if proposal.state is changes.State.PROPOSED:
        await changes.approve(db, actor, proposal_id, shown, note)
    return await changes.apply(db, actor, proposal_id)


async def finance(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    """Who may agree: another person than those who did so far, who has had the role of finance for a day.

    What `accounts.reviewer` raises.
    """
    return await accounts.reviewer(
        tx, actor, [Role.FINANCE], [proposal.proposed_by, *await changes.agreed(tx, proposal)]
    )


async def of_incident(tx: ReadTx, trip_id: UUID) -> list[changes.Proposal]:
    """The proposals about a stop, the newest first: what to do, and single accounts."""
    found = [*await changes.recent(tx, KIND, BATCH), *await changes.queue(tx, KIND)]
    found += [*await changes.recent(tx, "campaign-abuse", BATCH), *await changes.queue(tx, "campaign-abuse")]
    mine = {one.id: one for one in found if one.payload["trip"] == str(trip_id)}
    return sorted(mine.values(), key=lambda one: one.proposed_at, reverse=True)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    trip_id = UUID(draft.payload["trip"])
    await incident(tx, trip_id)
    if await honour_store.decision(tx, trip_id) is not None:
        raise AlreadyDecided
    made = Decision(
        trip_id=trip_id, verdict=draft.payload["verdict"], since=datetime.fromisoformat(draft.payload["since"]),
        false_label=draft.payload["false_label"], reason=draft.reason, proposal_id=draft.id, proposed_by=draft.proposed_by,
        approved_by=draft.approved_by or _NOBODY, decided_at=clock.now(), ended_at=None,
    )  # fmt: skip
    await honour_store.insert_decision(tx, made)
    return {}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    """What was granted, all of it: nothing is granted after a stop, so this stays as it is."""
    found = await incident(tx, UUID(draft.payload["trip"]))
    return {
        "campaign": found.campaign_id, "version": found.version, "orders": found.granted, "people": found.people,
        "amount_minor": found.granted_minor, "currency": found.currency, "payer": found.payer, "label": found.label,
    }  # fmt: skip


changes.register(KIND, apply=_apply, preview=_preview, approver=finance)


# Carrying it out


async def run(db: Db) -> int:
    """Takes all stops a step further, and goes on where a crash left it: how many orders were touched."""
    done = 0
    for order_id in await db.read(honour_store.undecided, BATCH):
        done += await db.run(discount_books.settle, order_id)
    for made in await db.read(honour_store.to_do):
        waiting = await db.read(honour_store.waiting, made.trip_id, BATCH)
        for order_id in waiting:
            done += await db.run(put_right, made, order_id)
        if waiting:
            continue
        for order_id in await db.read(honour_store.untold, made.trip_id, BATCH) if made.verdict == "honour" else []:
            done += await db.run(_tell_late, made, order_id)
        if not await db.read(honour_store.suspected, made.trip_id):
            await db.run(honour_store.end_decision, made.trip_id, clock.now())
            log.get().info("honour.done", trip_id=str(made.trip_id), verdict=made.verdict)
    return done


async def _tell(tx: Tx, made: Decision, row: OrderRow, amount: str) -> bool:
    """Tells the person behind an order, once, unless somebody is asked to decide on their good faith."""
    if not await honour_store.may_tell(tx, made.trip_id, row.account_id):
        return False
    if not await honour_store.first_told(tx, made.trip_id, row.account_id, row.id, clock.now()):
        return False
    await messages.tell(tx, row, "benefit-kept", amount=amount)
    return True


async def _tell_late(tx: Tx, made: Decision, order_id: UUID) -> bool:
    row = await store.locked(tx, order_id)
    has = await honour_store.amount(tx, made.trip_id, order_id)
    return row is not None and has is not None and await _tell(tx, made, row, str(Money(has[0], row.currency)))


async def follow(tx: Tx, order_id: UUID) -> None:
    """An order became confirmed, perhaps after it was decided what becomes of its benefit."""
    for made in await honour_store.decided_of(tx, order_id):
        await put_right(tx, made, order_id)


async def put_right(tx: Tx, made: Decision, order_id: UUID) -> bool:
    """One order of a decided stop: its books, its invoices, its story, and its owner's message. Again: nothing, and False."""
    row = await store.locked(tx, order_id)
    has = await honour_store.amount(tx, made.trip_id, order_id)
    if row is None or row.state not in (State.CONFIRMED, State.USED):
        return False
    amount, made_at = has or (0, made.since)
    now = clock.now()
    honoured = amount if made.verdict == "honour" and made_at >= made.since else 0
    if not await honour_store.put_right(tx, made.trip_id, order_id, honoured, now):
        return False
    if honoured:
        if made.false_label:
            await invoices.correct(tx, row)
        said = str(Money(amount, row.currency))
        await store.add_event(tx, order_id, "benefit_kept", now, _ACTOR, {"amount": said})
        await _tell(tx, made, row, said)
    await discount_books.settle(tx, order_id)
    faults.point(PUT_RIGHT)
    return True
