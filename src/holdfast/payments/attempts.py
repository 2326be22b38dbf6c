"""Attempts: the three steps of every payment. Commit the attempt, call the provider, record what was seen.

A crash between the steps leaves an attempt that the resolver finds: created, or answered but not recorded.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast.kit import clock, faults, ids, settings
from holdfast.kit.db import Db, Tx

from . import channels, intents, store
from .model import (
    OPEN_STATES,
    Attempt,
    AttemptState,
    Intent,
    IntentOver,
    IntentState,
    IntentUnknown,
    Settlement,
    next_query_at,
)
from .observations import observe
from .providers.base import Charge, PaymentState, Provider

ATTEMPTED = faults.declare("payments.pay.before_call", "the attempt is committed, the provider is not called")
ANSWERED = faults.declare("payments.pay.answered", "the provider has answered, nothing is recorded")
TIME_LEFT_MIN = timedelta(seconds=70)
"""WeChat refuses a time_expire less than a minute ahead."""


async def pay(db: Db, intent_id: UUID, provider: str = "wechatpay", method: str = "native") -> Attempt:
    """Starts a payment, or finds the one that is under way; the attempt as it stands after the provider's answer.

    While an attempt's outcome is unknown, no other is started: that is how double charges are made.
    IntentOver when the money has come or the time is over; ChannelUnavailable when the provider cannot be configured.
    """
    adapter = await channels.current().get(provider)
    attempt, intent = await db.run(_begin, intent_id, adapter, method)
    if attempt.state is AttemptState.AWAITING_USER:
        return attempt
    faults.point(ATTEMPTED)
    return await submit(db, adapter, attempt, intent)


async def _begin(tx: Tx, intent_id: UUID, adapter: Provider, method: str) -> tuple[Attempt, Intent]:
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    now = clock.now()
    if intent.state is not IntentState.OPEN or intent.expires_at - now < TIME_LEFT_MIN:
        raise IntentOver
    for attempt in await store.attempts(tx, intent_id):
        if attempt.state in OPEN_STATES:
            return attempt, intent
    attempt_id = ids.uuid7()
    await store.insert_attempt(
        tx, attempt_id=attempt_id, intent=intent, provider=adapter.name, method=method, version=adapter.version,
        merchant_ref=f"HF{attempt_id.hex[:30].upper()}", at=now, expires_at=intent.expires_at,
        next_query_at=next_query_at(AttemptState.CREATED, 2, now),
    )  # fmt: skip
    started = await store.attempt(tx, attempt_id)
    assert started is not None
    return started, intent


async def submit(db: Db, adapter: Provider, attempt: Attempt, intent: Intent) -> Attempt:
    """Sends the charge of an attempt. Sending it again is safe: same reference, same parameters."""
    seen, call = await adapter.create(
        Charge(
            merchant_ref=attempt.merchant_ref,
            amount_minor=attempt.amount_minor,
            currency=attempt.currency,
            description=intent.description,
            expires_at=attempt.expires_at,
            notify_url=f"{settings.current().base_url}/webhooks/{adapter.name}",
        )
    )
    faults.point(ANSWERED)
    return await db.run(observe, attempt.id, seen, call)


async def ask(db: Db, attempt_id: UUID) -> Attempt:
    """Asks the provider about one attempt; a charge that may never have arrived is sent again while it can be paid."""
    attempt = await db.read(store.attempt, attempt_id)
    if attempt is None:
        raise IntentUnknown
    adapter = await channels.current().get(attempt.provider)
    seen, call = await adapter.query(attempt.merchant_ref)
    attempt = await db.run(observe, attempt_id, seen, call)
    if (
        attempt.state in OPEN_STATES
        and attempt.code_url is None
        and seen.state in (PaymentState.NOT_FOUND, PaymentState.AWAITING_USER)
        and attempt.expires_at - clock.now() > TIME_LEFT_MIN
    ):
        intent = await db.read(store.intent, attempt.intent_id)
        assert intent is not None
        if intent.state is IntentState.OPEN:
            attempt = await submit(db, adapter, attempt, intent)
    return attempt


async def settle(db: Db, intent_id: UUID, ended: IntentState = IntentState.EXPIRED) -> Settlement:
    """Brings an intent to its end: asks, closes what is unpaid, asks again. Only then may places be released.

    OVER: nothing was paid and nothing can be paid any more. PAID: money came. IN_DOUBT: a provider gave no clear
    answer; the caller keeps the places and comes again.
    """
    for attempt in await db.read(store.attempts, intent_id):
        if attempt.state in OPEN_STATES:
            await _close(db, attempt)
    state = await db.run(intents.close, intent_id, ended)
    if state is None:
        return Settlement.IN_DOUBT
    return Settlement.PAID if state is IntentState.PAID else Settlement.OVER


async def _close(db: Db, attempt: Attempt) -> None:
    """One attempt to its end, as far as its provider tells."""
    adapter = await channels.current().get(attempt.provider)
    seen, call = await adapter.query(attempt.merchant_ref)
    attempt = await db.run(observe, attempt.id, seen, call)
    if attempt.state not in OPEN_STATES:
        return
    seen, call = await adapter.close(attempt.merchant_ref)
    attempt = await db.run(observe, attempt.id, seen, call)
    if attempt.state in OPEN_STATES:  # refused, perhaps because it was paid this moment
        seen, call = await adapter.query(attempt.merchant_ref)
        await db.run(observe, attempt.id, seen, call)
