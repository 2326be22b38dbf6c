"""Attempts: the three steps of every payment. Commit the attempt, call the provider, record what was seen.

A crash between the steps leaves an attempt that the resolver finds: created, or answered but not recorded. While the
outcome at one provider is unknown, another is begun only after asking, or when the payer insists.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec

from holdfast.kit import clock, faults, ids, log, settings
from holdfast.kit.db import Db, ReadTx, Tx

from . import channels, health, intents, rollouts, routing, store
from .model import (
    OPEN_STATES,
    WANTING,
    Attempt,
    AttemptState,
    Intent,
    IntentOver,
    IntentState,
    IntentUnknown,
    Key,
    Settlement,
    StillChecking,
    next_query_at,
)
from .observations import observe
from .providers.base import CallRecord, Charge, PaymentState, Provider

ATTEMPTED = faults.declare("payments.pay.before_call", "the attempt is committed, the provider is not called")
ANSWERED = faults.declare("payments.pay.answered", "the provider has answered, nothing is recorded")
TIME_LEFT_MIN = timedelta(seconds=70)
"""WeChat refuses a time_expire less than a minute ahead."""
RENEWED = frozenset({"h5"})
"""Ways whose link lasts minutes only: asked for again whenever the payer wants to go there."""
RESENT_WITHIN = timedelta(hours=23)
"""Stripe forgets idempotency keys after a day."""
INSIST_AFTER = timedelta(seconds=20)
"""So long a payer waits for an answer before another way may be taken all the same."""


class Wish(msgspec.Struct, frozen=True):
    """How somebody wants to pay. Empty names: whatever is best now."""

    provider: str = ""
    method: str = ""
    insist: bool = False
    """Pay this way although another attempt may still succeed; if both do, one goes back by itself."""
    return_url: str | None = None
    payer_ip: str | None = None


class _Begun(msgspec.Struct, frozen=True):
    """What there is to pay: the intent, and the attempt under way, if any; `blocks`: it is another way than wished for."""

    intent: Intent
    attempt: Attempt | None = None
    blocks: bool = False


async def pay(db: Db, intent_id: UUID, wish: Wish = Wish()) -> Attempt:  # noqa: B008 - frozen
    """Starts a payment, or finds the one that is under way; the attempt as it stands after the provider's answer.

    Another way than the one under way is begun only when that is closed at its provider. Where its outcome is unknown:
    StillChecking, unless the payer insists, after a while. IntentOver when the money has come or the time is over;
    ChannelResting when the way does not answer and is not offered; ChannelUnavailable when it cannot be configured.
    """
    begun = await db.read(_under_way, intent_id, wish)
    if begun.attempt is None or begun.blocks:
        route = await db.read(routing.choose, intent_id, wish.provider, wish.method)
        await channels.current().get(route.provider, route.version)  # what cannot be configured begins nothing
        if begun.attempt is not None:
            await _make_way(db, begun.attempt, wish)
        begun = await db.run(_begin, intent_id, wish, route)
        if begun.blocks:
            raise StillChecking(provider=begun.attempt.provider if begun.attempt else "")
    attempt, intent = begun.attempt, begun.intent
    assert attempt is not None
    if attempt.state is AttemptState.AWAITING_USER and attempt.method not in RENEWED:
        return attempt
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    faults.point(ATTEMPTED)
    return await submit(db, adapter, attempt, intent)


async def _under_way(tx: ReadTx, intent_id: UUID, wish: Wish, *, intent: Intent | None = None) -> _Begun:
    """What is under way and can still be paid; IntentOver when nothing more is wanted."""
    intent = intent or await store.intent(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    if intent.state not in WANTING or intent.payable_until - clock.now() < TIME_LEFT_MIN:
        raise IntentOver(state=intent.state)
    attempts = [one for one in await store.attempts(tx, intent_id) if one.is_open and one.abandoned_at is None]
    if not attempts:
        return _Begun(intent)
    newest = attempts[-1]
    same_way = not wish.provider or (newest.provider == wish.provider and wish.method in ("", newest.method))
    return _Begun(intent, newest, blocks=not same_way)


async def _begin(tx: Tx, intent_id: UUID, wish: Wish, route: routing.Route) -> _Begun:
    """The new attempt, committed before its provider is called; or the one that somebody else has begun meanwhile."""
    begun = await _under_way(tx, intent_id, wish, intent=await store.intent_locked(tx, intent_id))
    if begun.attempt is not None:
        return begun
    attempt_id, now, intent = ids.uuid7(), clock.now(), begun.intent
    await store.insert_attempt(
        tx, attempt_id=attempt_id, intent=intent, provider=route.provider, method=route.method, version=route.version,
        merchant_ref=f"HF{attempt_id.hex[:30].upper()}", at=now,
        route=route.why | {"return_url": wish.return_url, "payer_ip": wish.payer_ip}, expires_at=intent.payable_until,
        next_query_at=next_query_at(AttemptState.CREATED, 2, now, route.provider),
    )  # fmt: skip
    return _Begun(intent, await store.attempt(tx, attempt_id))


async def _make_way(db: Db, attempt: Attempt, wish: Wish) -> None:
    """Ends the attempt that stands in the way of another, or gives it up where that is no double charge in the making."""
    ended, last = await _close(db, attempt)
    if not ended.is_open:
        return
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    unscanned = not adapter.exists_when_placed and last is PaymentState.NOT_FOUND
    may_insist = wish.insist and clock.now() - attempt.created_at >= INSIST_AFTER
    if not unscanned and not may_insist:
        raise StillChecking(
            provider=attempt.provider, since=attempt.created_at.isoformat(), may_insist_after_s=INSIST_AFTER.seconds
        )
    log.get().info("payment.another_way", attempt_id=str(attempt.id), insisted=wish.insist, unscanned=unscanned)
    await db.run(store.abandon, attempt.id, clock.now())


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
            method=attempt.method,
            return_url=attempt.route.get("return_url"),
            payer_ip=attempt.route.get("payer_ip"),
        )
    )
    faults.point(ANSWERED)
    observed = await db.run(observe, attempt.id, seen, call)
    await _judge(db, attempt, call)
    return observed


async def _judge(db: Db, attempt: Attempt, call: CallRecord) -> None:
    await health.note(db, Key(attempt.provider, attempt.method, attempt.adapter_version, call.operation), call)


async def ask(db: Db, attempt_id: UUID) -> Attempt:
    """Asks the provider about one attempt; a charge that may never have arrived is sent again while it can be paid."""
    attempt = await db.read(store.attempt, attempt_id)
    if attempt is None:
        raise IntentUnknown
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    if adapter.found_by_resending and attempt.provider_ref is None and (intent := await _resendable(db, attempt)):
        return await submit(db, adapter, attempt, intent)
    asked = attempt
    seen, call = await adapter.query(asked.merchant_ref, asked.provider_ref)
    attempt = await db.run(observe, attempt_id, seen, call)
    await _judge(db, asked, call)
    await rollouts.shadow(db, asked, seen)
    is_shown = attempt.code_url or attempt.pay_url or attempt.client_secret
    lost = seen.state in (PaymentState.NOT_FOUND, PaymentState.AWAITING_USER) and not is_shown
    if attempt.is_open and lost and (intent := await _resendable(db, attempt)):
        attempt = await submit(db, adapter, attempt, intent)
    return attempt


async def _resendable(db: Db, attempt: Attempt) -> Intent | None:
    """The intent, if its charge may be sent once more: still wanted, by this way, and with time left to pay."""
    now = clock.now()
    if attempt.abandoned_at or attempt.expires_at - now <= TIME_LEFT_MIN or now - attempt.created_at > RESENT_WITHIN:
        return None
    intent = await db.read(store.intent, attempt.intent_id)
    return intent if intent is not None and intent.state in WANTING else None


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


async def close_others(db: Db, intent_id: UUID) -> None:
    """The money has come: what else could still be paid for it is closed, so that nobody pays twice."""
    for attempt in await db.read(store.attempts, intent_id):
        if attempt.state in OPEN_STATES:
            await _close(db, attempt)


async def _close(db: Db, attempt: Attempt) -> tuple[Attempt, PaymentState | None]:
    """One attempt to its end, as far as its provider tells: the attempt as it is then, and what was said last."""
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    seen, call = await adapter.query(attempt.merchant_ref, attempt.provider_ref)
    attempt = await db.run(observe, attempt.id, seen, call)
    if attempt.state not in OPEN_STATES:
        return attempt, seen.state
    closed, call = await adapter.close(attempt.merchant_ref, attempt.provider_ref)
    attempt = await db.run(observe, attempt.id, closed, call)
    if attempt.state in OPEN_STATES:  # refused, perhaps because it was paid this moment
        seen, call = await adapter.query(attempt.merchant_ref, attempt.provider_ref)
        attempt = await db.run(observe, attempt.id, seen, call)
    return attempt, seen.state
