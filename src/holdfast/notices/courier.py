"""The courier: carries due webhooks to their addresses, each in a task of its own.

A slow address keeps its own deliveries waiting and nobody else's: it has at most a few under way, in all processes
together, and the courier goes on claiming while they last. An attempt is written before it is made; a crash between
sending and recording lets its lease run out, and it is sent again under the same id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from holdfast.kit import clock, crypto, egress, faults, http, log, settings
from holdfast.kit.db import Batch, Db, Tx

from . import signatures, subscriptions, subscriptions_store, webhooks_store
from .model import Due, Outcome, SubscriptionState

TIMEOUT_S = 15.0
LEASE = timedelta(seconds=60)
AT_ONCE = 256
"""Attempts under way in one process."""
MOST = 10
"""Attempts under way for one subscription, in all processes together."""
MOST_FAILING = 2
"""The same while its address is failing."""
FAILING_MAX = timedelta(days=5)
ANSWER_CHARACTERS = 500
SHIFT_S = 5.0
"""How long one turn of the timetable goes on claiming; the next turn comes at once if there is more."""
ANSWERED = faults.declare("notices.webhook.answered", "a receiver has answered, nothing is recorded")


class Courier:
    """The deliveries that this process has under way."""

    def __init__(self, db: Db) -> None:
        self.db = db
        self._client = egress.client(strict=settings.current().is_production, connections_max=AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._record: Batch[Outcome, None] = Batch(self._flush, limit=200, lanes=1, depth=2 * AT_ONCE)

    async def take_up(self) -> int:
        """Claims what is due, as far as there is room, and sets off; how many deliveries."""
        room = AT_ONCE - len(self._under_way)
        claimed = await self.db.run(_claim, room) if room else []
        for due in claimed:
            task = asyncio.create_task(self._carry(due))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def shift(self, seconds: float = SHIFT_S) -> None:
        """Claims again whenever something has come back, for so long; what is slow stays under way behind it."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            busy = bool(self._under_way)  # what comes back during the claim has made room that the claim did not see
            if not await self.take_up() and not busy:
                return
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)

    async def settle(self) -> None:
        """Waits for all that is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """Waits for what is under way, then closes the connections."""
        await self.settle()
        await self._client.aclose()

    async def _carry(self, due: Due) -> None:
        try:
            await self.send(due)
        except Exception as error:  # comes again when its lease ends; its neighbours go on
            log.get().warning("webhooks.unrecorded", delivery=due.delivery_id, error=repr(error))

    async def send(self, due: Due) -> None:
        """One attempt, and the record of what came of it."""
        at, started = clock.now(), time.monotonic()
        body = due.body.encode()
        keys = [crypto.unseal(subscriptions.SECRET, sealed) for sealed in due.secrets]
        try:
            answer = await http.send(
                self._client, "POST", due.url, body=body, headers=signatures.headers(keys, due.event_id, at, body),
                timeout_s=TIMEOUT_S,
            )  # fmt: skip
        except http.NoAnswer as missing:
            elapsed_ms = round((time.monotonic() - started) * 1000)
            reason = egress.refusal(missing) or missing.reason
            outcome = Outcome(
                due, at, elapsed_ms, error=reason, next_due_at=signatures.next_due_at(due.step, clock.now())
            )
        else:
            faults.point(ANSWERED)
            outcome = _outcome(due, answer)
        await self._record(outcome)

    async def _flush(self, outcomes: Sequence[Outcome]) -> list[None]:
        await self.db.run(_record, outcomes)
        return [None] * len(outcomes)


def _outcome(due: Due, answer: http.Answer) -> Outcome:
    now = clock.now()
    accepted = 200 <= answer.status < 300
    return Outcome(
        due,
        now,
        answer.elapsed_ms,
        status=answer.status,
        error="redirect-refused" if 300 <= answer.status < 400 else None,
        answer=answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")[:ANSWER_CHARACTERS],
        next_due_at=None if accepted else signatures.next_due_at(due.step, now, answer.headers.get("retry-after", "")),
    )


async def _claim(tx: Tx, limit: int) -> list[Due]:
    """Two statements: the second sees what others had under way when the first had its locks."""
    now = clock.now()
    able = await webhooks_store.with_due(tx, now)
    if not able:
        return []
    return await webhooks_store.claim(
        tx, able, now=now, lease=now + LEASE, limit=limit, most=MOST, most_failing=MOST_FAILING
    )


async def _record(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Writes what came of attempts; pauses addresses that are gone or have failed for days.

    Subscriptions are locked first, and only if something about them may change.
    """
    refused = {outcome.due.subscription_id for outcome in outcomes if not outcome.accepted}
    mended = {outcome.due.subscription_id for outcome in outcomes if outcome.accepted and outcome.due.failing}
    known = await subscriptions_store.lock(tx, [*refused | mended]) if refused | mended else []
    await webhooks_store.record(tx, outcomes)
    if not known:
        return
    now = clock.now()
    accepted = {outcome.due.subscription_id for outcome in outcomes if outcome.accepted}
    await subscriptions_store.note_success(tx, [*accepted & (refused | mended)])
    await subscriptions_store.note_failure(tx, [*refused - accepted], now)
    gone = {outcome.due.subscription_id for outcome in outcomes if outcome.is_gone}
    for subscription in known:
        if subscription.state is not SubscriptionState.ACTIVE:
            continue
        if subscription.id in gone:
            await subscriptions.give_up(tx, subscription, subscriptions.GONE)
        elif subscription.id in refused - accepted and (subscription.failing_since or now) <= now - FAILING_MAX:
            await subscriptions.give_up(tx, subscription, subscriptions.FAILING)


_current: Courier | None = None


def current(db: Db) -> Courier:
    """The courier of this process; made at first use, inside the running event loop."""
    global _current  # noqa: PLW0603 - one set of connections per process
    if _current is None or _current.db is not db:
        _current = Courier(db)
    return _current


async def close() -> None:
    """Finishes what is under way and closes the connections; the next use makes new ones."""
    global _current
    if _current is not None:
        closing, _current = _current, None
        await closing.close()
