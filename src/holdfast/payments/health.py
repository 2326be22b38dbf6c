"""Health: how each channel is, judged from the calls themselves, and how it comes back after an outage.

Only technical outcomes count, never what payers do. Two windows decide: the last 125 calls, and failures in a row.
A channel that is down is not offered; synthetic charges that nobody sees try it every few seconds; when they succeed it
returns to a growing share of payers. States live in the database, so all processes see the same (payments.md §4.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from holdfast.kit import clock, ids, log, settings
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Unavailable

from . import channels, health_store, news, rollouts, store
from .health_store import Outcome
from .model import PROBE, Key
from .providers.base import CallRecord, Charge, OutcomeClass, PaymentState

WINDOW = 125
WINDOW_TIME = timedelta(minutes=15)
CALLS_MIN = 20
"""Fewer calls say nothing about a share."""
DEGRADED_SHARE, DOWN_SHARE = 0.2, 0.5
IN_A_ROW = 5
OVERDUE_AFTER = timedelta(seconds=4)
"""A charge that was begun so long ago and has no answer counts as a failure before it ends."""
PROBE_EVERY = timedelta(seconds=5)
PROBES_TO_RETURN = 2
STEPS = (5, 25, 50, 100)
"""Shares of payers to which a returning channel is offered, one step after each clean pause."""
FAILURES = frozenset(
    {OutcomeClass.TECHNICAL, OutcomeClass.UNKNOWN_OUTCOME, OutcomeClass.RATE_LIMIT, OutcomeClass.CONFIG}
)
CONVERSION_AFTER, CONVERSION_OVER = timedelta(minutes=3), timedelta(minutes=10)
CONVERSION_MIN, CONVERSION_DROP = 20, 0.3
PROBED = frozenset({"create", "query"})
PROBE_MINOR = 500
"""The sum of a synthetic charge: above every provider's minimum. Nobody can pay it: its code is shown to nobody."""


class ChannelState(StrEnum):
    """`returning`: its probes succeed, and it is offered to some payers."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    RETURNING = "returning"


class Verdict(msgspec.Struct, frozen=True):
    """What the calls say; `reason` is a word that pages put into a sentence: in-a-row, share, clean, probes, relapse."""

    state: ChannelState
    reason: str
    share: int = 100


def is_failure(outcome_class: str) -> bool:
    return outcome_class in FAILURES


def judge(failed: Sequence[bool]) -> Verdict:
    """What a window says of a channel that serves; newest first, True is a technical failure."""
    if len(failed) >= IN_A_ROW and all(failed[:IN_A_ROW]):
        return Verdict(ChannelState.DOWN, "in-a-row", 0)
    share = sum(failed) / len(failed) if len(failed) >= CALLS_MIN else 0.0
    if share >= DOWN_SHARE:
        return Verdict(ChannelState.DOWN, "share", 0)
    if share >= DEGRADED_SHARE:
        return Verdict(ChannelState.DEGRADED, "share")
    return Verdict(ChannelState.HEALTHY, "clean")


def decide(state: ChannelState, share: int, failed: Sequence[bool], *, rested: bool) -> Verdict:
    """The next state of a channel. `rested`: its last step is a clean pause ago.

    Down ends by probes alone; a returning channel falls back at the first sign, and grows step by step otherwise.
    """
    if state is ChannelState.DOWN:
        if len(failed) >= PROBES_TO_RETURN and not any(failed[:PROBES_TO_RETURN]):
            return Verdict(ChannelState.RETURNING, "probes", STEPS[0])
        return Verdict(state, "in-a-row", 0)
    if state is ChannelState.RETURNING:
        recent = failed[:IN_A_ROW]
        if sum(recent) >= 2 or (failed and sum(failed) / len(failed) >= DOWN_SHARE):
            return Verdict(ChannelState.DOWN, "relapse", 0)
        if not rested or not failed or failed[0]:
            return Verdict(state, "probes", share)
        wider = next((step for step in STEPS if step > share), 100)
        return Verdict(state, "probes", wider) if wider < 100 else Verdict(ChannelState.HEALTHY, "clean")
    return judge(failed)


async def review(tx: Tx, key: Key) -> ChannelState:
    """Judges a channel by its calls and moves it where they say; the state it has then."""
    now = clock.now()
    row = await health_store.channel(tx, key)
    state = ChannelState(row.state) if row else ChannelState.HEALTHY
    since = max(now - WINDOW_TIME, row.counted_from) if row else now - WINDOW_TIME
    calls = await health_store.window(tx, key, since, WINDOW)
    failed = [is_failure(call.outcome_class) for call in calls]
    if key.operation == "create" and state is not ChannelState.DOWN:
        late = await health_store.overdue(tx, key, max(since, now - timedelta(minutes=1)), now - OVERDUE_AFTER)
        failed = ([True] * late + failed)[:WINDOW]
    rested = row is not None and now - row.since >= timedelta(seconds=settings.current().channel_step_s)
    share = row.share if row else 100
    verdict = decide(state, share, failed, rested=rested)
    if (verdict.state, verdict.share) == (state, share):
        return state
    return await _move(tx, key, state, verdict, now, since, calls, failed)


async def _move(
    tx: Tx, key: Key, state: ChannelState, verdict: Verdict, now: datetime, since: datetime, calls: list[Outcome],
    failed: list[bool],
) -> ChannelState:  # fmt: skip
    """Writes a new state, with its evidence, and what follows from it."""
    keeps_counting = verdict.state is ChannelState.DEGRADED
    errors = sorted({call.error_code for call in calls if call.error_code and is_failure(call.outcome_class)})[:5]
    probed = verdict.state in (ChannelState.DOWN, ChannelState.RETURNING) and key.operation in PROBED
    moved = await health_store.move(
        tx, key, state, verdict.state, at=now, reason=verdict.reason, share=verdict.share,
        next_probe_at=now if probed else None, counted_from=since if keeps_counting else now,
        evidence={"failed": sum(failed), "of": len(failed), "errors": errors},
    )  # fmt: skip
    if not moved or verdict.state is state:
        return verdict.state
    log.get().warning("channel.moved", channel=str(key), before=state, after=verdict.state, reason=verdict.reason)
    await news.channel(tx, key.provider, key.method, state, verdict.state, verdict.reason)
    if verdict.state in (ChannelState.DOWN, ChannelState.DEGRADED):
        await rollouts.trip_if_new(tx, key, verdict.reason)
    if verdict.state is ChannelState.RETURNING:
        await store.hurry(tx, key.provider, now)
    return verdict.state


async def note(db: Db, key: Key, call: CallRecord) -> None:
    """After a call: a failure is judged at once, so that few go into a dead channel; what went well can wait."""
    if is_failure(call.outcome_class):
        await db.run(review, key)


async def watch(db: Db) -> None:
    """Judges every channel that was used of late, and those that are not healthy."""
    now = clock.now()
    keys = set(await db.read(health_store.active, now - timedelta(minutes=2)))
    keys |= {row.key for row in await db.read(health_store.channels) if row.state != ChannelState.HEALTHY}
    for key in sorted(keys, key=str):
        await db.run(review, key)


async def watch_conversion(db: Db) -> None:
    """Charges are made, but nobody manages to pay: compared with the same channel's day, it is called degraded."""
    now = clock.now()
    recent = await db.read(health_store.conversion, now - CONVERSION_OVER, now - CONVERSION_AFTER)
    usual = {
        row[:3]: row[3:]
        for row in await db.read(health_store.conversion, now - timedelta(days=1), now - CONVERSION_OVER)
    }
    for provider, method, version, shown, paid in recent:
        before_shown, before_paid = usual.get((provider, method, version), (0, 0))
        if shown < CONVERSION_MIN or before_shown < CONVERSION_MIN or before_paid == 0:
            continue
        if paid / shown < CONVERSION_DROP * before_paid / before_shown:
            await db.run(_unpayable, Key(provider, method, version, "create"), shown, paid)


async def _unpayable(tx: Tx, key: Key, shown: int, paid: int) -> None:
    row = await health_store.channel(tx, key)
    if row is not None and row.state != ChannelState.HEALTHY:
        return
    now = clock.now()
    await health_store.move(
        tx, key, ChannelState.HEALTHY, ChannelState.DEGRADED, at=now, reason="conversion", share=100, next_probe_at=None,
        counted_from=now - WINDOW_TIME, evidence={"shown": shown, "paid": paid},
    )  # fmt: skip
    await rollouts.trip_if_new(tx, key, "conversion")


async def probe(db: Db) -> int:
    """Tries what does not serve: a charge that nobody sees and that is closed again, or a question. How many were tried."""
    now = clock.now()
    due = await db.run(health_store.claim_probes, now, now + PROBE_EVERY)

    async def one(key: Key) -> None:
        try:
            await _probe(db, key)
        except Unavailable as reason:
            log.get().info("channel.probe_postponed", channel=str(key), reason=reason.code)
        await db.run(review, key)

    await asyncio.gather(*(one(row.key) for row in due))  # side by side: one that hangs delays no other's return
    return len(due)


async def _probe(db: Db, key: Key) -> None:
    adapter = await channels.current().get(key.provider, key.version)
    ref = f"{PROBE}{ids.uuid7().hex[:30].upper()}"
    if key.operation != "create":
        _, call = await adapter.query(ref)
        await db.run(_note_probe, call, key)
        return
    seen, call = await adapter.create(
        Charge(
            merchant_ref=ref,
            amount_minor=PROBE_MINOR,
            currency="CNY",
            description="availability check",
            expires_at=clock.now() + timedelta(minutes=5),
            notify_url=f"{settings.current().base_url}/webhooks/{adapter.name}",
            method=key.method,
            payer_ip="127.0.0.1",
        )
    )
    await db.run(_note_probe, call, key)
    if adapter.exists_when_placed and seen.state is not PaymentState.FAILED:
        await adapter.close(ref, seen.provider_ref)


async def _note_probe(tx: Tx, call: CallRecord, key: Key) -> None:
    await health_store.insert_call(tx, call, provider=key.provider, method=key.method, version=key.version)
