"""SQL of money that needs people: where unapplied money came from, and refunds that a provider could not give."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .model import DESK


class Origin(msgspec.Struct, frozen=True):
    """The attempt, or second receipt, that unapplied money came by; `owner` is the ledger's name for it."""

    owner: str
    attempt_id: UUID
    receipt_id: UUID | None
    intent_id: UUID
    provider: str
    method: str
    merchant_ref: str
    provider_txn: str | None
    role: str | None
    asked_minor: int
    asked_currency: str
    came_minor: int
    came_currency: str


class Return(msgspec.Struct, frozen=True):
    """A refund with the payment it belongs to."""

    id: UUID
    intent_id: UUID
    attempt_id: UUID
    receipt_id: UUID | None
    provider: str
    refund_ref: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    error_code: str | None
    source: str
    created_at: datetime
    finished_at: datetime | None


_RETURN: LiteralString = """select r.id, a.intent_id, r.attempt_id, r.receipt_id, a.provider, r.refund_ref, r.amount_minor, r.currency,
    r.reason, r.state, r.error_code, r.source, r.created_at, r.finished_at
    from payments.refunds r join payments.attempts a on a.id = r.attempt_id """


async def origins(tx: ReadTx, attempts: list[UUID], receipts: list[UUID]) -> list[Origin]:
    """Where the money of these owners came from."""
    return await tx.rows(
        Origin,
        """select 'attempt:' || a.id as owner, a.id as attempt_id, null::uuid as receipt_id, a.intent_id, a.provider, a.method,
                  a.merchant_ref, a.provider_txn, a.role, i.amount_minor as asked_minor, i.currency as asked_currency,
                  coalesce(a.paid_minor, 0) as came_minor, coalesce(a.paid_currency, a.currency) as came_currency
             from payments.attempts a join payments.intents i on i.id = a.intent_id where a.id = any(%(attempts)s)
           union all
           select 'receipt:' || s.id, a.id, s.id, a.intent_id, a.provider, a.method, a.merchant_ref, s.provider_txn, a.role,
                  i.amount_minor, i.currency, s.amount_minor, s.currency
             from payments.second_receipts s join payments.attempts a on a.id = s.attempt_id
             join payments.intents i on i.id = a.intent_id where s.id = any(%(receipts)s)""",
        attempts=attempts, receipts=receipts,
    )  # fmt: skip


async def returns_of(tx: ReadTx, attempts: list[UUID]) -> list[Return]:
    """Refunds of unapplied money of these attempts, oldest first."""
    return await tx.rows(
        Return,
        _RETURN + """where r.attempt_id = any(%(attempts)s) and r.source = 'unapplied' order by r.created_at""",
        attempts=attempts,
    )


async def abnormal(tx: ReadTx, limit: int) -> list[Return]:
    """Refunds that their provider could not give, oldest first."""
    return await tx.rows(
        Return,
        _RETURN + """where r.state = 'abnormal' order by r.created_at limit %(limit)s""",
        limit=limit,
    )


async def refused(tx: ReadTx, closed_max: int, limit: int) -> list[Return]:
    """The last refund of each promise whose provider closed so many that none is tried any more, oldest first.

    A promise is told from others by its money, sum and reason: each new try has them from the one before.
    """
    return await tx.rows(
        Return,
        """select id, intent_id, attempt_id, receipt_id, provider, refund_ref, amount_minor, currency, reason, state, error_code,
                  source, created_at, finished_at
             from (select distinct on (r.attempt_id, r.source, r.receipt_id, r.amount_minor, r.reason) r.*, a.intent_id, a.provider
                     from payments.refunds r join payments.attempts a on a.id = r.attempt_id
                    where r.attempt_id in (select attempt_id from payments.refunds where state = 'closed'
                                            group by attempt_id having count(*) >= %(most)s)
                    order by r.attempt_id, r.source, r.receipt_id, r.amount_minor, r.reason, r.created_at desc, r.id desc) last
            where state = 'closed' order by created_at limit %(limit)s""",
        most=closed_max, limit=limit,
    )  # fmt: skip


async def tried_again(tx: ReadTx, refund_id: UUID) -> bool:
    """Whether the promise of a refund was taken up by a later one."""
    return bool(
        await tx.value(
            """select exists (select from payments.refunds n join payments.refunds r on r.id = %(id)s
                where n.attempt_id = r.attempt_id and n.source = r.source and n.receipt_id is not distinct from r.receipt_id
                  and n.amount_minor = r.amount_minor and n.reason = r.reason and (n.created_at, n.id) > (r.created_at, r.id))""",
            id=refund_id,
        )
    )


async def at_desk(tx: ReadTx, limit: int) -> list[Return]:
    """Refunds of money that was taken at the desk and is to be handed over there, oldest first."""
    return await tx.rows(
        Return,
        _RETURN + """where a.provider = %(desk)s and r.state not in ('succeeded', 'closed') order by r.created_at limit %(limit)s""",
        desk=DESK, limit=limit,
    )  # fmt: skip


async def one(tx: ReadTx, refund_id: UUID) -> Return | None:
    return await tx.maybe(
        Return,
        _RETURN + "where r.id = %(id)s",
        id=refund_id,
    )
