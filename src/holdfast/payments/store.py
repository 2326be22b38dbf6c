"""All SQL of payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Attempt, AttemptState, Intent, IntentState, Role
from .providers.base import Observation

_INTENT: LiteralString = """select id, reference, amount_minor, currency, description, state, conflicted, expires_at, paid_at,
    due_at, created_at from payments.intents """
_ATTEMPT: LiteralString = """select id, intent_id, provider, method, adapter_version, merchant_ref, amount_minor, currency, state,
    role, provider_ref, code_url, pay_url, client_secret, provider_txn, paid_minor, paid_currency, paid_at, error_code, created_at,
    expires_at, queries, abandoned_at, route from payments.attempts """


async def insert_intent(
    tx: Tx,
    *,
    intent_id: UUID,
    reference: str,
    amount_minor: int,
    currency: str,
    description: str,
    expires_at: datetime,
    at: datetime,
) -> None:
    """A new intent; a reference has one for ever."""
    await tx.execute(
        """insert into payments.intents (id, reference, amount_minor, currency, description, expires_at, created_at)
           values (%(id)s, %(reference)s, %(amount)s, %(currency)s, %(description)s, %(expires)s, %(at)s)""",
        id=intent_id, reference=reference, amount=amount_minor, currency=currency, description=description,
        expires=expires_at, at=at,
    )  # fmt: skip


async def intent(tx: ReadTx, intent_id: UUID) -> Intent | None:
    return await tx.maybe(Intent, _INTENT + "where id = %(id)s", id=intent_id)


async def intent_locked(tx: Tx, intent_id: UUID) -> Intent | None:
    """The intent, locked: always before its attempts."""
    return await tx.maybe(Intent, _INTENT + "where id = %(id)s for no key update", id=intent_id)


async def set_intent_state(tx: Tx, intent_id: UUID, state: IntentState, paid_at: datetime | None) -> None:
    await tx.execute(
        "update payments.intents set state = %(state)s, paid_at = coalesce(%(paid)s, paid_at) where id = %(id)s",
        id=intent_id, state=state, paid=paid_at,
    )  # fmt: skip


async def set_conflicted(tx: Tx, intent_id: UUID) -> None:
    await tx.execute("update payments.intents set conflicted = true where id = %(id)s", id=intent_id)


async def defer_intent(tx: Tx, intent_id: UUID, due_at: datetime) -> None:
    """Turns an open intent into a promise to pay."""
    await tx.execute(
        "update payments.intents set state = 'deferred', due_at = %(due)s where id = %(id)s", id=intent_id, due=due_at
    )


async def promised_minor(tx: ReadTx, currency: str) -> int:
    """The sum of all promises to pay that are still open."""
    return int(
        await tx.value(
            "select coalesce(sum(amount_minor), 0) from payments.intents where state = 'deferred' and currency = %(currency)s",
            currency=currency,
        )
    )


async def promises_due(tx: ReadTx, now: datetime, limit: int) -> list[UUID]:
    """Promises whose time is over."""
    found: list[UUID] = await tx.values(
        "select id from payments.intents where state = 'deferred' and due_at <= %(now)s order by due_at limit %(limit)s",
        now=now, limit=limit,
    )  # fmt: skip
    return found


async def look(tx: Tx, intent_id: UUID, now: datetime) -> None:
    """Somebody waits in front of this payment: its open attempts are asked about now, and before others, every few seconds."""
    await tx.execute(
        """with watched as (
             update payments.intents set looked_at = %(now)s
             where id = %(id)s and (looked_at is null or looked_at < %(now)s - interval '5 s') returning id)
           update payments.attempts a
           set priority = case when a.state in ('created', 'submitted', 'unknown') then 0 else a.priority end,
               next_query_at = least(a.next_query_at, %(now)s)
           from watched w where a.intent_id = w.id and a.next_query_at is not null and a.abandoned_at is null
             and a.state in ('created', 'submitted', 'unknown', 'awaiting_user')""",
        now=now, id=intent_id,
    )  # fmt: skip


async def insert_attempt(
    tx: Tx, *, attempt_id: UUID, intent: Intent, provider: str, method: str, version: str, merchant_ref: str,
    route: dict[str, Any], at: datetime, expires_at: datetime, next_query_at: datetime | None,
) -> None:  # fmt: skip
    """Committed before the provider is called (payments.md §5, R1)."""
    await tx.execute(
        """insert into payments.attempts (id, intent_id, provider, method, adapter_version, merchant_ref, amount_minor,
                                          currency, route, created_at, expires_at, next_query_at)
           values (%(id)s, %(intent)s, %(provider)s, %(method)s, %(version)s, %(ref)s, %(amount)s, %(currency)s, %(route)s,
                   %(at)s, %(expires)s, %(next)s)""",
        id=attempt_id, intent=intent.id, provider=provider, method=method, version=version, ref=merchant_ref,
        amount=intent.amount_minor, currency=intent.currency, route=Jsonb(route), at=at, expires=expires_at,
        next=next_query_at,
    )  # fmt: skip


async def abandon(tx: Tx, attempt_id: UUID, at: datetime) -> None:
    """Another channel is begun while this attempt may still bring money."""
    await tx.execute(
        "update payments.attempts set abandoned_at = coalesce(abandoned_at, %(at)s), priority = 2 where id = %(id)s",
        id=attempt_id, at=at,
    )  # fmt: skip


async def attempts(tx: ReadTx, intent_id: UUID) -> list[Attempt]:
    """The attempts of an intent, oldest first."""
    return await tx.rows(Attempt, _ATTEMPT + "where intent_id = %(id)s order by created_at", id=intent_id)


async def attempt(tx: ReadTx, attempt_id: UUID) -> Attempt | None:
    return await tx.maybe(Attempt, _ATTEMPT + "where id = %(id)s", id=attempt_id)


async def attempt_locked(tx: Tx, attempt_id: UUID) -> Attempt | None:
    """The attempt, locked; its intent is locked already."""
    return await tx.maybe(Attempt, _ATTEMPT + "where id = %(id)s for no key update", id=attempt_id)


async def attempt_of_reference(tx: ReadTx, provider: str, merchant_ref: str) -> Attempt | None:
    return await tx.maybe(
        Attempt,
        _ATTEMPT + "where provider = %(provider)s and merchant_ref = %(ref)s",
        provider=provider,
        ref=merchant_ref,
    )


async def due_attempts(tx: Tx, provider: str, now: datetime, lease: datetime, limit: int) -> list[UUID]:
    """Attempts to be asked about, most urgent first; taken by moving their next query behind the lease."""
    found: list[UUID] = []
    for urgency in range(3):
        found += await tx.values(
            """update payments.attempts a set next_query_at = %(lease)s
               from (select id from payments.attempts
                     where provider = %(provider)s and priority = %(urgency)s and next_query_at <= %(now)s
                     order by next_query_at limit %(limit)s for no key update skip locked) due
               where a.id = due.id returning a.id""",
            provider=provider, urgency=urgency, now=now, lease=lease, limit=limit - len(found),
        )  # fmt: skip
        if len(found) >= limit:
            break
    return found


async def hurry(tx: Tx, provider: str, now: datetime) -> None:
    """The provider answers again: what is in doubt there is asked about now, not when its pause is over."""
    await tx.execute(
        """update payments.attempts set next_query_at = %(now)s, queries = 0
           where provider = %(provider)s and next_query_at > %(now)s and state in ('created', 'submitted', 'unknown')""",
        provider=provider, now=now,
    )  # fmt: skip
    await tx.execute(
        """update payments.refunds r set next_query_at = %(now)s, queries = 0 from payments.attempts a
           where a.id = r.attempt_id and a.provider = %(provider)s and r.next_query_at > %(now)s""",
        provider=provider, now=now,
    )  # fmt: skip


async def update_attempt(
    tx: Tx, attempt_id: UUID, *, state: AttemptState, role: Role | None, seen: Observation, queries: int,
    priority: int, next_query_at: datetime | None,
) -> None:  # fmt: skip
    """Writes what an observation made of an attempt; what was known and is not told again stays."""
    paid = state is AttemptState.SUCCEEDED
    await tx.execute(
        """update payments.attempts set state = %(state)s, role = %(role)s, code_url = coalesce(%(code_url)s, code_url),
                  pay_url = coalesce(%(pay_url)s, pay_url), client_secret = coalesce(%(secret)s, client_secret),
                  provider_ref = coalesce(provider_ref, %(ref)s), provider_txn = coalesce(provider_txn, %(txn)s),
                  paid_minor = coalesce(paid_minor, %(amount)s), paid_currency = coalesce(paid_currency, %(currency)s),
                  paid_at = coalesce(paid_at, %(paid_at)s), error_code = %(error)s,
                  queries = %(queries)s, priority = %(priority)s, next_query_at = %(next)s where id = %(id)s""",
        id=attempt_id, state=state, role=role, code_url=seen.code_url, pay_url=seen.pay_url, secret=seen.client_secret,
        ref=seen.provider_ref, txn=seen.provider_txn if paid else None, amount=seen.amount_minor if paid else None,
        currency=seen.currency if paid else None, paid_at=seen.occurred_at if paid else None, error=seen.error_code,
        queries=queries, priority=priority, next=next_query_at,
    )  # fmt: skip


async def ask_soon(tx: Tx, attempt_id: UUID, at: datetime) -> None:
    await tx.execute("update payments.attempts set next_query_at = %(at)s where id = %(id)s", id=attempt_id, at=at)


async def owner_of_txn(tx: ReadTx, provider: str, provider_txn: str) -> UUID | None:
    """The attempt that a provider's receipt number belongs to."""
    found: UUID | None = await tx.value(
        "select id from payments.attempts where provider = %(provider)s and provider_txn = %(txn)s",
        provider=provider, txn=provider_txn,
    )  # fmt: skip
    return found


async def backlog(tx: ReadTx, provider: str, since: datetime) -> dict[str, Any]:
    """What is open at a provider: counts, the oldest doubt, and how many questions were asked since then."""
    [row] = await tx.dicts(
        """select count(*) filter (where state in ('created', 'submitted', 'unknown')) as in_doubt,
                  count(*) filter (where state = 'awaiting_user') as waiting,
                  min(created_at) filter (where state in ('created', 'submitted', 'unknown')) as oldest_doubt,
                  (select count(*) from payments.refunds r join payments.attempts a on a.id = r.attempt_id
                   where a.provider = %(provider)s and r.next_query_at is not null) as refunds,
                  (select count(*) from payments.second_receipts
                   where provider = %(provider)s and next_query_at is not null) as second_receipts,
                  (select count(*) from payments.calls where provider = %(provider)s and started_at >= %(since)s
                     and operation in ('query', 'query_refund', 'refund')) as asked_last_minute
           from payments.attempts where provider = %(provider)s and next_query_at is not null""",
        provider=provider, since=since,
    )  # fmt: skip
    return row


async def set_role(tx: Tx, attempt_id: UUID, role: Role) -> None:
    await tx.execute("update payments.attempts set role = %(role)s where id = %(id)s", id=attempt_id, role=role)


async def insert_observation(
    tx: Tx, attempt_id: UUID, seen: Observation, before: AttemptState, after: AttemptState, at: datetime,
    note: str | None = None,
) -> None:  # fmt: skip
    """The record of what was seen, whatever it changed."""
    await tx.execute(
        """insert into payments.observations (attempt_id, source, state, provider_txn, amount_minor, currency, error_code,
                                              digest, before_state, after_state, seen_at, note)
           values (%(id)s, %(source)s, %(state)s, %(txn)s, %(amount)s, %(currency)s, %(error)s, %(digest)s, %(before)s,
                   %(after)s, %(at)s, %(note)s)""",
        id=attempt_id, source=seen.source, state=seen.state, txn=seen.provider_txn, amount=seen.amount_minor,
        currency=seen.currency, error=seen.error_code, digest=bytes.fromhex(seen.raw_digest) if seen.raw_digest else None,
        before=before, after=after, at=at, note=note,
    )  # fmt: skip


async def insert_notification(
    tx: Tx, *, inbox_id: UUID, provider: str, dedupe_key: str, kind: str, content: dict[str, Any], at: datetime
) -> bool:
    """Stores a proven callback; False when it had come before."""
    return bool(
        await tx.execute(
            """insert into payments.inbox (id, provider, dedupe_key, kind, content, received_at)
               values (%(id)s, %(provider)s, %(key)s, %(kind)s, %(content)s, %(at)s) on conflict on constraint notification_once do nothing""",
            id=inbox_id, provider=provider, key=dedupe_key, kind=kind, content=Jsonb(content), at=at,
        )
    )  # fmt: skip


async def notification(tx: ReadTx, inbox_id: UUID) -> tuple[str, dict[str, Any], str] | None:
    """Provider, content and state of a stored callback."""
    rows = await tx.tuples("select provider, content, state from payments.inbox where id = %(id)s", id=inbox_id)
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def mark_notification(tx: Tx, inbox_id: UUID, state: str, note: str | None) -> None:
    await tx.execute(
        "update payments.inbox set state = %(state)s, note = %(note)s where id = %(id)s",
        id=inbox_id,
        state=state,
        note=note,
    )
