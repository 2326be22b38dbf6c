"""SQL of what staff watch: calls by the minute, error codes, how charges fare, the doubts of the last hour, who is asked first."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Minute(msgspec.Struct, frozen=True):
    """The calls of one channel in one minute. `p95_ms`: so long 95 of a hundred took at most."""

    provider: str
    method: str
    version: str
    minute: datetime
    calls: int
    failed: int
    p95_ms: int


class ErrorCount(msgspec.Struct, frozen=True):
    """How often a code was said of late."""

    provider: str
    method: str
    version: str
    operation: str
    code: str
    outcome_class: str
    count: int
    last_at: datetime


class Funnel(msgspec.Struct, frozen=True):
    """Charges that were begun, shown to their payer, and paid."""

    provider: str
    method: str
    version: str
    begun: int
    shown: int
    paid: int


class ChannelEvent(msgspec.Struct, frozen=True):
    """A channel changed its state; `evidence` is what its calls said."""

    at: datetime
    provider: str
    method: str
    adapter_version: str
    operation: str
    before_state: str
    after_state: str
    reason: str
    evidence: dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """What happened at one provider in one minute: questions asked, and doubts that began less those that ended."""

    provider: str
    minute: datetime
    asked: int
    more: int


class Due(msgspec.Struct, frozen=True):
    """An attempt that is going to be asked about."""

    attempt_id: UUID
    intent_id: UUID
    provider: str
    merchant_ref: str
    amount_minor: int
    currency: str
    state: str
    error_code: str | None
    intent_state: str
    priority: int
    queries: int
    created_at: datetime
    next_query_at: datetime
    looked_at: datetime | None
    abandoned: bool


async def minutes(tx: ReadTx, since: datetime, failures: list[str]) -> list[Minute]:
    """All calls since then, by channel and minute."""
    return await tx.rows(
        Minute,
        """select provider, method, adapter_version as version, date_trunc('minute', started_at) as minute, count(*) as calls,
                  count(*) filter (where outcome_class = any(%(failures)s)) as failed,
                  percentile_disc(0.95) within group (order by elapsed_ms) as p95_ms
           from payments.calls where started_at >= %(since)s and provider <> 'desk' group by 1, 2, 3, 4 order by 4""",
        since=since, failures=failures,
    )  # fmt: skip


async def errors(tx: ReadTx, since: datetime, provider: str, limit: int) -> list[ErrorCount]:
    """Error codes said since then, the most frequent first."""
    return await tx.rows(
        ErrorCount,
        """select provider, method, adapter_version as version, operation, error_code as code, outcome_class, count(*) as count,
                  max(started_at) as last_at
           from payments.calls where started_at >= %(since)s and provider = %(provider)s and error_code is not null
           group by 1, 2, 3, 4, 5, 6 order by count(*) desc, max(started_at) desc limit %(limit)s""",
        since=since, provider=provider, limit=limit,
    )  # fmt: skip


async def funnels(tx: ReadTx, since: datetime) -> list[Funnel]:
    """How the charges that were begun since then fare."""
    return await tx.rows(
        Funnel,
        """select provider, method, adapter_version as version, count(*) as begun,
                  count(*) filter (where code_url is not null or pay_url is not null or client_secret is not null
                                   or state = 'succeeded') as shown,
                  count(*) filter (where state = 'succeeded') as paid
           from payments.attempts where created_at >= %(since)s and provider <> 'desk' group by 1, 2, 3 order by 1, 2, 3""",
        since=since,
    )


async def events(tx: ReadTx, since: datetime, limit: int) -> list[ChannelEvent]:
    """Changes of state since then, newest first."""
    return await tx.rows(
        ChannelEvent,
        """select at, provider, method, adapter_version, operation, before_state, after_state, reason, evidence
           from payments.channel_events where at >= %(since)s order by at desc, id desc limit %(limit)s""",
        since=since, limit=limit,
    )  # fmt: skip


async def asked(tx: ReadTx, since: datetime) -> list[Asked]:
    """Questions, and how the number of doubts moved, by provider and minute. An attempt is born in doubt."""
    return await tx.rows(
        Asked,
        """with happened as (
             select provider, started_at as at, 1 as asked, 0 as more from payments.calls
              where started_at >= %(since)s and operation in ('query', 'query_refund', 'refund') and attempt_id is not null
             union all
             select provider, created_at, 0, 1 from payments.attempts where created_at >= %(since)s
             union all
             select a.provider, o.seen_at, 0,
                    (o.after_state in ('created', 'submitted', 'unknown'))::int - (o.before_state in ('created', 'submitted', 'unknown'))::int
               from payments.observations o join payments.attempts a on a.id = o.attempt_id
              where o.seen_at >= %(since)s and o.before_state <> o.after_state)
           select provider, date_trunc('minute', at) as minute, sum(asked)::int as asked, sum(more)::int as more
             from happened where provider <> 'desk' group by 1, 2 order by 2""",
        since=since,
    )


async def due(tx: ReadTx, provider: str, limit: int) -> list[Due]:
    """Whom a provider is asked about next, in the order in which the resolver takes them."""
    return await tx.rows(
        Due,
        """select a.id as attempt_id, a.intent_id, a.provider, a.merchant_ref, a.amount_minor, a.currency, a.state, a.error_code,
                  i.state as intent_state, a.priority, a.queries, a.created_at, a.next_query_at, i.looked_at,
                  a.abandoned_at is not null as abandoned
           from payments.attempts a join payments.intents i on i.id = a.intent_id
           where a.provider = %(provider)s and a.next_query_at is not null
           order by a.priority, a.next_query_at limit %(limit)s""",
        provider=provider, limit=limit,
    )  # fmt: skip


async def shadows(tx: ReadTx, provider: str, version: str, limit: int) -> tuple[int, int]:
    """Of the last answers that a new version gave beside the old one: how many, and how many differed."""
    [row] = await tx.tuples(
        """select count(*), count(*) filter (where not same) from (
             select same from payments.shadows where provider = %(provider)s and version = %(version)s
             order by id desc limit %(limit)s) last""",
        provider=provider, version=version, limit=limit,
    )  # fmt: skip
    return row[0], row[1]
