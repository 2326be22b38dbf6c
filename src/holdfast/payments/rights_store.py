"""SQL of what payments hold about who paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

REFUNDS: LiteralString = """select a.intent_id as payment_id, r.refund_ref as reference, r.amount_minor, r.currency, r.state, r.reason,
    r.created_at, r.finished_at
    from payments.refunds r join payments.attempts a on a.id = r.attempt_id
    where a.intent_id = any(%(ids)s) order by r.created_at"""


class IntentRow(msgspec.Struct, frozen=True):
    """A payment without its attempts."""

    payment_id: UUID
    payment_for: str
    amount_minor: int
    currency: str
    state: str
    created_at: datetime
    paid_at: datetime | None
    due_at: datetime | None


class AttemptRow(msgspec.Struct, frozen=True):
    """An attempt and the payment it belongs to."""

    intent_id: UUID
    provider: str
    method: str
    reference: str
    provider_number: str | None
    amount_minor: int
    currency: str
    state: str
    role: str | None
    created_at: datetime
    paid_at: datetime | None
    payer_address: str | None


async def intents(tx: ReadTx, intent_ids: Sequence[UUID]) -> list[IntentRow]:
    return await tx.rows(
        IntentRow,
        """select id as payment_id, reference as payment_for, amount_minor, currency, state, created_at, paid_at, due_at
           from payments.intents where id = any(%(ids)s) order by created_at, id""",
        ids=list(intent_ids),
    )


async def attempts(tx: ReadTx, intent_ids: Sequence[UUID]) -> list[AttemptRow]:
    return await tx.rows(
        AttemptRow,
        """select intent_id, provider, method, merchant_ref as reference, provider_txn as provider_number, amount_minor, currency,
                  state, role, created_at, paid_at, route ->> 'payer_ip' as payer_address
           from payments.attempts where intent_id = any(%(ids)s) order by created_at, id""",
        ids=list(intent_ids),
    )


async def in_doubt(tx: ReadTx, intent_ids: Sequence[UUID]) -> list[tuple[UUID, str]]:
    """Payment and why, one line for each payment that is not settled."""
    return await tx.tuples(
        """select distinct on (d.id) d.id, d.why from (
             select i.id, 'promised' as why from payments.intents i where i.id = any(%(ids)s) and i.state = 'deferred'
             union all
             select a.intent_id, 'unknown' from payments.attempts a where a.intent_id = any(%(ids)s)
                and (a.state in ('created', 'submitted', 'unknown')
                     or (a.state = 'awaiting_user' and a.abandoned_at is not null and a.next_query_at is not null))
             union all
             select a.intent_id, 'refunding' from payments.refunds r join payments.attempts a on a.id = r.attempt_id
              where a.intent_id = any(%(ids)s) and r.state not in ('succeeded', 'closed')
             union all
             select a.intent_id, 'second' from payments.second_receipts s join payments.attempts a on a.id = s.attempt_id
              where a.intent_id = any(%(ids)s) and s.state = 'suspected') d order by d.id, d.why""",
        ids=list(intent_ids),
    )


async def forget_payers(tx: Tx, intent_ids: Sequence[UUID], limit: int) -> int:
    return await tx.execute(
        """update payments.attempts set route = route - 'payer_ip' where id in (
               select id from payments.attempts where intent_id = any(%(ids)s) and route ? 'payer_ip' limit %(limit)s)""",
        ids=list(intent_ids), limit=limit,
    )  # fmt: skip


async def forget_addresses(tx: Tx, before: datetime, limit: int) -> int:
    return await tx.execute(
        """update payments.attempts set route = route - 'payer_ip' where id in (
               select id from payments.attempts where created_at < %(before)s and route ? 'payer_ip'
                  and state in ('succeeded', 'failed', 'closed') order by created_at limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip
