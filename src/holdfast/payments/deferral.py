"""Deferral: the promise to pay at the gate or within a day, when no online way to pay answers.

The thing is given at once, the money is still wanted: the first right sum that comes, through any channel or at the
desk, keeps the promise. What may be open at once is limited, because a promise is a risk that the house takes.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit import audit, clock, ids, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock

from . import channels, routing, store
from .model import (
    DESK,
    WANTING,
    Attempt,
    AttemptState,
    DeferralRefused,
    IntentOver,
    IntentState,
    IntentUnknown,
    next_query_at,
)
from .observations import observe
from .providers.base import Observation, PaymentState, Source


def per_person() -> int:
    """How many promises of one person may be open at once; whoever knows persons counts them."""
    return settings.current().deferral_per_person


async def may_defer(tx: ReadTx, intent_id: UUID | None, amount_minor: int, currency: str) -> str:
    """Empty when this sum may be paid later now; else why not: never, channels-answer, order-limit or total-limit."""
    given = settings.current()
    if given.deferral not in ("outage", "always"):
        return "never"
    if given.deferral == "outage" and not await routing.all_down(tx, intent_id or ids.uuid7()):
        return "channels-answer"
    if amount_minor > given.deferral_order_minor:
        return "order-limit"
    if await store.promised_minor(tx, currency) + amount_minor > given.deferral_total_minor:
        return "total-limit"
    return ""


async def defer(tx: Tx, intent_id: UUID, due_at: datetime) -> None:
    """Turns an open intent into a promise. DeferralRefused says why not; again: nothing.

    An attempt whose outcome is unknown stays: if it succeeds, it has kept the promise.
    """
    await lock(tx, "payments.deferral")
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    if intent.state is IntentState.DEFERRED:
        return
    if intent.state is not IntentState.OPEN:
        raise IntentOver(state=intent.state)
    if why := await may_defer(tx, intent_id, intent.amount_minor, intent.currency):
        raise DeferralRefused(reason=why)
    await store.defer_intent(tx, intent_id, due_at)


async def take_at_desk(tx: Tx, actor: Actor, intent_id: UUID, note: str) -> Attempt:
    """Staff took the whole sum by hand: the desk's attempt succeeds. IntentOver when it is paid, or nothing more is wanted."""
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    if intent.state not in WANTING:
        raise IntentOver(state=intent.state)
    now = clock.now()
    under_way = [one for one in await store.attempts(tx, intent_id) if one.provider == DESK and one.is_open]
    attempt_id = under_way[0].id if under_way else ids.uuid7()
    if not under_way:
        await store.insert_attempt(
            tx, attempt_id=attempt_id, intent=intent, provider=DESK, method=DESK, version=channels.VERSIONS[DESK][0],
            merchant_ref=f"HF{attempt_id.hex[:30].upper()}", route={"by": str(actor)}, at=now, expires_at=intent.payable_until,
            next_query_at=next_query_at(AttemptState.CREATED, 0, now, DESK),
        )  # fmt: skip
    seen = Observation(
        source=Source.DESK, state=PaymentState.SUCCEEDED, merchant_ref=f"HF{attempt_id.hex[:30].upper()}",
        provider_txn=f"DESK-{attempt_id.hex[:20].upper()}", amount_minor=intent.amount_minor, currency=intent.currency,
        occurred_at=now,
    )  # fmt: skip
    await audit.record(
        tx,
        actor,
        "payment.at_desk",
        str(intent_id),
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        note=note,
    )
    return await observe(tx, attempt_id, seen)


async def promises_due(tx: ReadTx, limit: int = 500) -> list[UUID]:
    """Intents whose promise to pay was not kept in time; to be settled by whoever gave the thing."""
    return await store.promises_due(tx, clock.now(), limit)
