"""The story of one payment for staff: every fact that is kept of it, and asking its providers out of turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from uuid import UUID

import msgspec

from holdfast import ledger
from holdfast.kit import audit
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import attempts, bookings, receipts, refunds, refunds_store, store, story_store
from .model import DESK, Attempt, Intent, IntentUnknown, RefundRow
from .refunds_store import SecondReceipt
from .story_store import Call, Callback, Plan, Sight

__all__ = ["Call", "Callback", "Plan", "Sight", "Story", "ask_now", "whole"]
FACTS_MAX = 500
"""Of calls and observations the newest so many, of callbacks and journals the oldest."""
ASKED_MAX = 10
"""At so many attempts, the newest, the provider is asked when somebody wants to know now."""


class Story(msgspec.Struct, frozen=True):
    """A payment with all that is known of it, each list oldest first. `left_minor` could still go back."""

    intent: Intent
    attempts: list[Attempt]
    plans: dict[UUID, Plan]
    """By attempt."""
    calls: list[Call]
    sights: list[Sight]
    callbacks: list[Callback]
    refunds: list[RefundRow]
    receipts: list[SecondReceipt]
    journals: list[ledger.Journal]
    left_minor: int


async def whole(tx: ReadTx, intent_id: UUID) -> Story:
    """All of a payment. IntentUnknown when there is none."""
    intent = await store.intent(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    return Story(
        intent=intent,
        attempts=await store.attempts(tx, intent_id),
        plans={plan.attempt_id: plan for plan in await story_store.plans(tx, intent_id)},
        calls=await story_store.calls(tx, intent_id, FACTS_MAX),
        sights=await story_store.sights(tx, intent_id, FACTS_MAX),
        callbacks=await story_store.callbacks(tx, intent_id, FACTS_MAX),
        refunds=await refunds_store.of_intent(tx, intent_id),
        receipts=await refunds_store.receipts_of_intent(tx, intent_id),
        journals=await ledger.story(tx, bookings.subject(intent_id), limit=FACTS_MAX),
        left_minor=await refunds.left_minor(tx, intent_id),
    )


async def ask_now(db: Db, actor: Actor, intent_id: UUID, reason: str) -> int:
    """Asks the providers about every attempt, refund and second receipt of a payment that one can be asked about; how many.

    What they say is applied as ever. Unavailable, as `channels` says, when a provider is not configured.
    """
    found = await db.read(whole, intent_id)
    online = [one.id for one in found.attempts if one.provider != DESK]
    await db.run(_note, actor, intent_id, reason)
    work: list[Awaitable[object]] = [attempts.ask(db, attempt_id) for attempt_id in online[-ASKED_MAX:]]
    work += [
        refunds.pursue(db, one.id)
        for one in found.refunds
        if one.state not in refunds.FINAL and one.attempt_id in online
    ]
    work += [receipts.ask(db, one.id) for one in found.receipts if one.state == "suspected"]
    answers = await asyncio.gather(*work, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return len(work)


async def _note(tx: Tx, actor: Actor, intent_id: UUID, reason: str) -> None:
    await audit.record(tx, actor, "payment.ask", str(intent_id), reason=reason)
