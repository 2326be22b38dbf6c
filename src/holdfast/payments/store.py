"""All SQL of payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Attempt, AttemptState, Intent, IntentState, RefundRow, Role
from .providers.base import CallRecord, Observation, RefundObservation

_INTENT: LiteralString = """select id, reference, amount_minor, currency, description, state, conflicted, expires_at, paid_at
    from payments.intents """
_ATTEMPT: LiteralString = """select id, intent_id, provider, method, merchant_ref, amount_minor, currency, state, role,
    code_url, provider_txn, paid_minor, paid_currency, paid_at, error_code, created_at, expires_at, queries
    from payments.attempts """
_REFUND: LiteralString = """select id, attempt_id, refund_ref, amount_minor, currency, reason, state, error_code, created_at,
    finished_at, queries from payments.refunds """


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


async def insert_attempt(
    tx: Tx, *, attempt_id: UUID, intent: Intent, provider: str, method: str, version: str, merchant_ref: str,
    at: datetime, expires_at: datetime, next_query_at: datetime | None,
) -> None:  # fmt: skip
    """Committed before the provider is called (payments.md §5, R1)."""
    await tx.execute(
        """insert into payments.attempts (id, intent_id, provider, method, adapter_version, merchant_ref, amount_minor,
                                          currency, created_at, expires_at, next_query_at)
           values (%(id)s, %(intent)s, %(provider)s, %(method)s, %(version)s, %(ref)s, %(amount)s, %(currency)s, %(at)s,
                   %(expires)s, %(next)s)""",
        id=attempt_id, intent=intent.id, provider=provider, method=method, version=version, ref=merchant_ref,
        amount=intent.amount_minor, currency=intent.currency, at=at, expires=expires_at, next=next_query_at,
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


async def due_attempts(tx: Tx, now: datetime, lease: datetime, limit: int) -> list[UUID]:
    """Attempts to be asked about; taken by moving their next query behind the lease."""
    found: list[UUID] = await tx.values(
        """update payments.attempts a set next_query_at = %(lease)s
           from (select id from payments.attempts where next_query_at <= %(now)s order by next_query_at
                 limit %(limit)s for no key update skip locked) due
           where a.id = due.id returning a.id""",
        now=now, lease=lease, limit=limit,
    )  # fmt: skip
    return found


async def update_attempt(
    tx: Tx, attempt_id: UUID, *, state: AttemptState, role: Role | None, seen: Observation, code_url: str | None,
    queries: int, next_query_at: datetime | None,
) -> None:  # fmt: skip
    """Writes what an observation made of an attempt; what was known and is not told again stays."""
    paid = state is AttemptState.SUCCEEDED
    await tx.execute(
        """update payments.attempts set state = %(state)s, role = %(role)s, code_url = %(code_url)s,
                  provider_txn = coalesce(provider_txn, %(txn)s),
                  paid_minor = coalesce(paid_minor, %(amount)s), paid_currency = coalesce(paid_currency, %(currency)s),
                  paid_at = coalesce(paid_at, %(paid_at)s), error_code = %(error)s,
                  queries = %(queries)s, next_query_at = %(next)s where id = %(id)s""",
        id=attempt_id, state=state, role=role, code_url=code_url, txn=seen.provider_txn,
        amount=seen.amount_minor if paid else None, currency=seen.currency if paid else None,
        paid_at=seen.occurred_at if paid else None, error=seen.error_code, queries=queries, next=next_query_at,
    )  # fmt: skip


async def set_role(tx: Tx, attempt_id: UUID, role: Role) -> None:
    await tx.execute("update payments.attempts set role = %(role)s where id = %(id)s", id=attempt_id, role=role)


async def insert_observation(
    tx: Tx, attempt_id: UUID, seen: Observation, before: AttemptState, after: AttemptState, at: datetime
) -> None:
    """The record of what was seen, whatever it changed."""
    await tx.execute(
        """insert into payments.observations (attempt_id, source, state, provider_txn, amount_minor, currency, error_code,
                                              digest, before_state, after_state, seen_at)
           values (%(id)s, %(source)s, %(state)s, %(txn)s, %(amount)s, %(currency)s, %(error)s, %(digest)s, %(before)s,
                   %(after)s, %(at)s)""",
        id=attempt_id, source=seen.source, state=seen.state, txn=seen.provider_txn, amount=seen.amount_minor,
        currency=seen.currency, error=seen.error_code, digest=bytes.fromhex(seen.raw_digest) if seen.raw_digest else None,
        before=before, after=after, at=at,
    )  # fmt: skip


async def insert_call(tx: Tx, attempt_id: UUID, call: CallRecord) -> None:
    await tx.execute(
        """insert into payments.calls (attempt_id, operation, started_at, elapsed_ms, http_status, outcome_class, error_code)
           values (%(id)s, %(operation)s, %(at)s, %(ms)s, %(status)s, %(class)s, %(error)s)""",
        id=attempt_id, operation=call.operation, at=call.started_at, ms=call.elapsed_ms, status=call.http_status,
        error=call.error_code, **{"class": call.outcome_class},
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


async def insert_refund(
    tx: Tx,
    *,
    refund_id: UUID,
    attempt_id: UUID,
    refund_ref: str,
    amount_minor: int,
    currency: str,
    reason: str,
    at: datetime,
) -> None:
    await tx.execute(
        """insert into payments.refunds (id, attempt_id, refund_ref, amount_minor, currency, reason, created_at, next_query_at)
           values (%(id)s, %(attempt)s, %(ref)s, %(amount)s, %(currency)s, %(reason)s, %(at)s, %(at)s)""",
        id=refund_id, attempt=attempt_id, ref=refund_ref, amount=amount_minor, currency=currency, reason=reason, at=at,
    )  # fmt: skip


async def refunded_or_promised(tx: ReadTx, attempt_id: UUID) -> int:
    """How much of an attempt's money went back or is on its way; a closed refund gave nothing back."""
    return int(
        await tx.value(
            "select coalesce(sum(amount_minor), 0) from payments.refunds where attempt_id = %(id)s and state <> 'closed'",
            id=attempt_id,
        )
    )


async def closed_refunds(tx: ReadTx, attempt_id: UUID) -> int:
    """How many refunds of an attempt its provider has closed without giving anything back."""
    return int(
        await tx.value(
            "select count(*) from payments.refunds where attempt_id = %(id)s and state = 'closed'", id=attempt_id
        )
    )


async def refunds_of_intent(tx: ReadTx, intent_id: UUID) -> list[RefundRow]:
    return await tx.rows(
        RefundRow,
        _REFUND + "where attempt_id in (select id from payments.attempts where intent_id = %(id)s) order by created_at",
        id=intent_id,
    )


async def refund(tx: ReadTx, refund_id: UUID) -> RefundRow | None:
    return await tx.maybe(RefundRow, _REFUND + "where id = %(id)s", id=refund_id)


async def refund_locked(tx: Tx, refund_id: UUID) -> RefundRow | None:
    return await tx.maybe(RefundRow, _REFUND + "where id = %(id)s for no key update", id=refund_id)


async def refund_of_reference(tx: ReadTx, refund_ref: str) -> RefundRow | None:
    return await tx.maybe(RefundRow, _REFUND + "where refund_ref = %(ref)s", ref=refund_ref)


async def due_refunds(tx: Tx, now: datetime, lease: datetime, limit: int) -> list[UUID]:
    """Refunds to be sent or asked about; taken like attempts."""
    found: list[UUID] = await tx.values(
        """update payments.refunds r set next_query_at = %(lease)s
           from (select id from payments.refunds where next_query_at <= %(now)s order by next_query_at
                 limit %(limit)s for no key update skip locked) due
           where r.id = due.id returning r.id""",
        now=now, lease=lease, limit=limit,
    )  # fmt: skip
    return found


async def update_refund(
    tx: Tx,
    refund_id: UUID,
    *,
    state: str,
    seen: RefundObservation,
    queries: int,
    next_query_at: datetime | None,
    finished_at: datetime | None,
) -> None:
    await tx.execute(
        """update payments.refunds set state = %(state)s, error_code = %(error)s, queries = %(queries)s,
                  next_query_at = %(next)s, finished_at = %(finished)s where id = %(id)s""",
        id=refund_id, state=state, error=seen.error_code, queries=queries, next=next_query_at, finished=finished_at,
    )  # fmt: skip
