"""SQL of channels: every call to a provider, how each channel is, what staff switched off, and new versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Key
from .providers.base import CallRecord


class ChannelRow(msgspec.Struct, frozen=True):
    """How a channel is, if it is not simply healthy."""

    provider: str
    method: str
    adapter_version: str
    operation: str
    state: str
    since: datetime
    reason: str
    share: int
    next_probe_at: datetime | None
    counted_from: datetime

    @property
    def key(self) -> Key:
        return Key(self.provider, self.method, self.adapter_version, self.operation)


class Outcome(msgspec.Struct, frozen=True):
    """How one call went."""

    outcome_class: str
    error_code: str | None
    started_at: datetime
    elapsed_ms: int


class Switch(msgspec.Struct, frozen=True):
    """A channel that staff have turned off."""

    id: int
    provider: str
    method: str | None
    reason: str
    by: str
    at: datetime
    until: datetime


class Rollout(msgspec.Struct, frozen=True):
    """A new version of an adapter beside the old one."""

    provider: str
    version: str
    baseline: str
    mode: str
    percent: int
    changed_at: datetime
    changed_by: str
    reason: str
    tripped_at: datetime | None
    trip_reason: str | None


_CHANNEL: LiteralString = """select provider, method, adapter_version, operation, state, since, reason, share, next_probe_at, counted_from
    from payments.channels """
_ROLLOUT: LiteralString = """select provider, version, baseline, mode, percent, changed_at, changed_by, reason, tripped_at, trip_reason
    from payments.rollouts """


async def insert_call(
    tx: Tx, call: CallRecord, *, provider: str, method: str, version: str, attempt_id: UUID | None = None
) -> None:
    """One call, without its content; without an attempt it was a probe or a bill."""
    await tx.execute(
        """insert into payments.calls (attempt_id, provider, method, adapter_version, operation, started_at, elapsed_ms,
                                       http_status, outcome_class, error_code, host)
           values (%(id)s, %(provider)s, %(method)s, %(version)s, %(operation)s, %(at)s, %(ms)s, %(status)s, %(class)s,
                   %(error)s, %(host)s)""",
        id=attempt_id, provider=provider, method=method, version=version, operation=call.operation, at=call.started_at,
        ms=call.elapsed_ms, status=call.http_status, error=call.error_code, host=call.host, **{"class": call.outcome_class},
    )  # fmt: skip


async def window(tx: ReadTx, key: Key, since: datetime, limit: int) -> list[Outcome]:
    """The last calls of a channel, newest first."""
    return await tx.rows(
        Outcome,
        """select outcome_class, error_code, started_at, elapsed_ms from payments.calls
           where provider = %(provider)s and method = %(method)s and adapter_version = %(version)s
             and operation = %(operation)s and started_at >= %(since)s
           order by id desc limit %(limit)s""",
        provider=key.provider, method=key.method, version=key.version, operation=key.operation, since=since, limit=limit,
    )  # fmt: skip


async def overdue(tx: ReadTx, key: Key, since: datetime, until: datetime) -> int:
    """Charges that were committed and whose provider has not answered yet: they count as failures before they end."""
    return int(
        await tx.value(
            """select count(*) from payments.attempts where state = 'created' and provider = %(provider)s
                 and method = %(method)s and adapter_version = %(version)s
                 and created_at >= %(since)s and created_at < %(until)s""",
            provider=key.provider, method=key.method, version=key.version, since=since, until=until,
        )
    )  # fmt: skip


async def active(tx: ReadTx, since: datetime) -> list[Key]:
    """Channels that were called or begun of late."""
    rows = await tx.tuples(
        """select distinct provider, method, adapter_version, operation from payments.calls where started_at >= %(since)s
           union select distinct provider, method, adapter_version, 'create' from payments.attempts
           where created_at >= %(since)s""",
        since=since,
    )  # fmt: skip
    return [Key(*row) for row in rows]


async def channel(tx: ReadTx, key: Key) -> ChannelRow | None:
    return await tx.maybe(
        ChannelRow,
        _CHANNEL + """where provider = %(provider)s and method = %(method)s and adapter_version = %(version)s
                        and operation = %(operation)s""",
        provider=key.provider, method=key.method, version=key.version, operation=key.operation,
    )  # fmt: skip


async def channels(tx: ReadTx) -> list[ChannelRow]:
    return await tx.rows(ChannelRow, _CHANNEL + "order by provider, method, adapter_version, operation")


async def move(
    tx: Tx, key: Key, before: str, after: str, *, at: datetime, reason: str, share: int, next_probe_at: datetime | None,
    counted_from: datetime, evidence: dict[str, Any],
) -> bool:  # fmt: skip
    """A channel changes its state; False when somebody else was quicker."""
    done = await tx.execute(
        """insert into payments.channels as c (provider, method, adapter_version, operation, state, since, reason, share,
                                               next_probe_at, counted_from)
           values (%(provider)s, %(method)s, %(version)s, %(operation)s, %(after)s, %(at)s, %(reason)s, %(share)s, %(probe)s,
                   %(from)s)
           on conflict on constraint one_channel do update set state = %(after)s, since = %(at)s, reason = %(reason)s,
               share = %(share)s, next_probe_at = %(probe)s, counted_from = %(from)s where c.state = %(before)s""",
        provider=key.provider, method=key.method, version=key.version, operation=key.operation, before=before,
        after=after, at=at, reason=reason, share=share, probe=next_probe_at, **{"from": counted_from},
    )  # fmt: skip
    if done and before != after:
        await tx.execute(
            """insert into payments.channel_events (at, provider, method, adapter_version, operation, before_state,
                                                    after_state, reason, evidence)
               values (%(at)s, %(provider)s, %(method)s, %(version)s, %(operation)s, %(before)s, %(after)s, %(reason)s,
                       %(evidence)s)""",
            at=at, provider=key.provider, method=key.method, version=key.version, operation=key.operation,
            before=before, after=after, reason=reason, evidence=Jsonb(evidence),
        )  # fmt: skip
    return bool(done)


async def claim_probes(tx: Tx, now: datetime, again: datetime) -> list[ChannelRow]:
    """Channels that do not serve and are to be tried now; taken by setting their next try."""
    return await tx.rows(
        ChannelRow,
        """update payments.channels set next_probe_at = %(again)s where next_probe_at <= %(now)s
           returning provider, method, adapter_version, operation, state, since, reason, share, next_probe_at, counted_from""",
        now=now, again=again,
    )  # fmt: skip


async def conversion(tx: ReadTx, since: datetime, until: datetime) -> list[tuple[str, str, str, int, int]]:
    """Of the charges shown to payers in that time: provider, method, version, how many, how many were paid."""
    rows: list[Any] = await tx.tuples(
        """select provider, method, adapter_version, count(*), count(*) filter (where state = 'succeeded')
           from payments.attempts where created_at >= %(since)s and created_at < %(until)s
             and (code_url is not null or pay_url is not null or client_secret is not null) group by 1, 2, 3""",
        since=since, until=until,
    )  # fmt: skip
    return rows


async def switches(tx: ReadTx, now: datetime) -> list[Switch]:
    """What is switched off now."""
    return await tx.rows(
        Switch,
        """select id, provider, method, reason, by, at, until from payments.switches
           where lifted_at is null and until > %(now)s order by at""",
        now=now,
    )


async def insert_switch(
    tx: Tx, *, provider: str, method: str | None, reason: str, by: str, at: datetime, until: datetime
) -> int:
    return int(
        await tx.value(
            """insert into payments.switches (provider, method, reason, by, at, until)
               values (%(provider)s, %(method)s, %(reason)s, %(by)s, %(at)s, %(until)s) returning id""",
            provider=provider, method=method, reason=reason, by=by, at=at, until=until,
        )
    )  # fmt: skip


async def lift_switch(tx: Tx, switch_id: int, by: str, at: datetime) -> bool:
    return bool(
        await tx.execute(
            "update payments.switches set lifted_at = %(at)s, lifted_by = %(by)s where id = %(id)s and lifted_at is null",
            id=switch_id, by=by, at=at,
        )
    )  # fmt: skip


async def rollout(tx: ReadTx, provider: str) -> Rollout | None:
    return await tx.maybe(Rollout, _ROLLOUT + "where provider = %(provider)s", provider=provider)


async def rollouts(tx: ReadTx) -> list[Rollout]:
    return await tx.rows(Rollout, _ROLLOUT + "order by provider")


async def set_rollout(
    tx: Tx, *, provider: str, version: str, baseline: str, mode: str, percent: int, by: str, reason: str, at: datetime
) -> None:
    """What is intended; a new intention clears the trip."""
    await tx.execute(
        """insert into payments.rollouts (provider, version, baseline, mode, percent, changed_at, changed_by, reason)
           values (%(provider)s, %(version)s, %(baseline)s, %(mode)s, %(percent)s, %(at)s, %(by)s, %(reason)s)
           on conflict (provider) do update set version = excluded.version, baseline = excluded.baseline,
               mode = excluded.mode, percent = excluded.percent, changed_at = excluded.changed_at,
               changed_by = excluded.changed_by, reason = excluded.reason, tripped_at = null, trip_reason = null""",
        provider=provider, version=version, baseline=baseline, mode=mode, percent=percent, at=at, by=by, reason=reason,
    )  # fmt: skip


async def trip_rollout(tx: Tx, provider: str, version: str, at: datetime, reason: str) -> bool:
    """The new version serves nobody from now on; False when it did not serve, or has tripped already."""
    return bool(
        await tx.execute(
            """update payments.rollouts set tripped_at = %(at)s, trip_reason = %(reason)s
               where provider = %(provider)s and version = %(version)s and mode <> 'off' and tripped_at is null""",
            provider=provider, version=version, at=at, reason=reason,
        )
    )  # fmt: skip


async def insert_shadow(
    tx: Tx, *, provider: str, version: str, attempt_id: UUID, same: bool, served: str, shadowed: str, at: datetime
) -> None:
    await tx.execute(
        """insert into payments.shadows (at, provider, version, attempt_id, same, served, shadowed)
           values (%(at)s, %(provider)s, %(version)s, %(attempt)s, %(same)s, %(served)s, %(shadowed)s)""",
        at=at, provider=provider, version=version, attempt=attempt_id, same=same, served=served, shadowed=shadowed,
    )  # fmt: skip


async def shadow_window(tx: ReadTx, provider: str, version: str, limit: int) -> list[bool]:
    """Whether the new version saw what the old one saw, newest first."""
    found: list[bool] = await tx.values(
        "select same from payments.shadows where provider = %(provider)s and version = %(version)s order by id desc limit %(limit)s",
        provider=provider, version=version, limit=limit,
    )  # fmt: skip
    return found


async def refill(tx: Tx, provider: str, rate_per_s: float, burst: float, now: datetime, wanted: int) -> int:
    """Takes up to `wanted` tokens of a provider's bucket; how many were there."""
    taken: int = await tx.value(
        """insert into payments.pace as p (provider, tokens, refilled_at)
             values (%(provider)s, %(burst)s, %(now)s) on conflict (provider) do update
             set tokens = least(%(burst)s, p.tokens
                   + greatest(0, extract(epoch from %(now)s - p.refilled_at))::float8 * %(rate)s),
                 refilled_at = greatest(p.refilled_at, %(now)s)
           returning floor(tokens)::int""",
        provider=provider, rate=rate_per_s, burst=burst, now=now,
    )  # fmt: skip
    spent = min(taken, wanted)
    if spent > 0:
        await tx.execute(
            "update payments.pace set tokens = tokens - %(spent)s where provider = %(provider)s",
            provider=provider, spent=spent,
        )  # fmt: skip
    return max(0, spent)


async def give_back(tx: Tx, provider: str, tokens: int) -> None:
    """Tokens that were taken and not needed."""
    if tokens > 0:
        await tx.execute(
            "update payments.pace set tokens = tokens + %(tokens)s where provider = %(provider)s",
            provider=provider, tokens=tokens,
        )  # fmt: skip
