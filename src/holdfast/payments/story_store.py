"""SQL of a payment's whole story: what every call, observation and callback of it left behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Plan(msgspec.Struct, frozen=True):
    """Why an attempt went where it went, and when it is asked about next."""

    attempt_id: UUID
    route: dict[str, Any]
    next_query_at: datetime | None
    priority: int


class Call(msgspec.Struct, frozen=True):
    """One call to a provider about an attempt. `error_code` is the provider's, or ours in small letters."""

    attempt_id: UUID
    operation: str
    started_at: datetime
    elapsed_ms: int
    http_status: int | None
    outcome_class: str
    error_code: str | None
    adapter_version: str
    host: str | None


class Sight(msgspec.Struct, frozen=True):
    """One observation of an attempt. `note` says why it was not applied."""

    attempt_id: UUID
    source: str
    state: str
    provider_txn: str | None
    amount_minor: int | None
    currency: str | None
    error_code: str | None
    before_state: str
    after_state: str
    seen_at: datetime
    note: str | None


class Callback(msgspec.Struct, frozen=True):
    """A proven callback about one of the payment's charges or refunds."""

    id: UUID
    provider: str
    kind: str
    received_at: datetime
    state: str
    note: str | None


async def plans(tx: ReadTx, intent_id: UUID) -> list[Plan]:
    return await tx.rows(
        Plan,
        """select id as attempt_id, route, next_query_at, priority from payments.attempts
           where intent_id = %(id)s order by created_at""",
        id=intent_id,
    )


async def calls(tx: ReadTx, intent_id: UUID, limit: int) -> list[Call]:
    """The newest calls, in the order in which they ended."""
    return await tx.rows(
        Call,
        """select attempt_id, operation, started_at, elapsed_ms, http_status, outcome_class, error_code, adapter_version, host
           from (select * from payments.calls where attempt_id in (select id from payments.attempts where intent_id = %(id)s)
                 order by id desc limit %(limit)s) newest order by id""",
        id=intent_id, limit=limit,
    )  # fmt: skip


async def sights(tx: ReadTx, intent_id: UUID, limit: int) -> list[Sight]:
    """The newest observations, oldest first."""
    return await tx.rows(
        Sight,
        """select attempt_id, source, state, provider_txn, amount_minor, currency, error_code, before_state, after_state, seen_at, note
           from (select * from payments.observations
                 where attempt_id in (select id from payments.attempts where intent_id = %(id)s)
                 order by id desc limit %(limit)s) newest order by id""",
        id=intent_id, limit=limit,
    )  # fmt: skip


async def callbacks(tx: ReadTx, intent_id: UUID, limit: int) -> list[Callback]:
    """Callbacks that name one of the payment's charges or refunds, oldest first."""
    return await tx.rows(
        Callback,
        """select id, provider, kind, received_at, state, note from payments.inbox
           where content #>> '{payment,merchant_ref}' in (select merchant_ref from payments.attempts where intent_id = %(id)s)
              or content #>> '{refund,refund_ref}' in (
                   select r.refund_ref from payments.refunds r join payments.attempts a on a.id = r.attempt_id
                   where a.intent_id = %(id)s)
           order by received_at limit %(limit)s""",
        id=intent_id, limit=limit,
    )  # fmt: skip
