"""SQL that finds payments and shows one whole: for staff and their programs, and for what pages say about money."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .model import RefundRow


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment must fit, all of it; an empty filter fits all."""

    text: str = ""
    """Our number of an attempt or refund, the provider's number of a receipt or charge, or the reference; whole, not a part."""
    state: str = ""
    """Of the intent: open, deferred, paid, expired, cancelled."""
    provider: str = ""
    """At which an attempt was made."""
    merchant_ref: str = ""
    reference: str = ""
    unknown: bool = False
    """Money is still wanted, and an attempt's outcome is not known."""
    conflicted: bool = False
    """Money that did not fit came for it."""
    since: datetime | None = None
    until: datetime | None = None
    """Created in this time; the end is not part of it."""


class Found(msgspec.Struct, frozen=True):
    """A payment in a list. The attempt shown is the winner, else the newest not given up."""

    id: UUID
    reference: str
    description: str
    amount_minor: int
    currency: str
    state: str
    conflicted: bool
    in_doubt: bool
    created_at: datetime
    expires_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    attempts: int
    provider: str | None
    method: str | None
    attempt_state: str | None
    merchant_ref: str | None
    provider_txn: str | None
    refunded_minor: int
    refunding_minor: int


class Receipt(msgspec.Struct, frozen=True):
    """A second success under another number of the provider."""

    id: UUID
    attempt_id: UUID
    provider_txn: str
    amount_minor: int
    currency: str
    state: str
    seen_at: datetime
    decided_at: datetime | None


class RefundFound(RefundRow, frozen=True):
    """A refund with the payment that it belongs to."""

    intent_id: UUID
    provider: str
    merchant_ref: str


_LIST: LiteralString = """
    select i.id, i.reference, i.description, i.amount_minor, i.currency, i.state, i.conflicted, i.created_at, i.due_at, i.paid_at,
           greatest(i.expires_at, i.due_at) as expires_at, coalesce(n.attempts, 0) as attempts,
           i.state in ('open', 'deferred') and coalesce(n.unknown, false) as in_doubt,
           a.provider, a.method, a.state as attempt_state, a.merchant_ref, a.provider_txn,
           coalesce(r.refunded, 0)::bigint as refunded_minor,
           coalesce(r.refunding, 0)::bigint as refunding_minor
    from payments.intents i
    left join lateral (select count(*) as attempts, bool_or(state = 'unknown' and abandoned_at is null) as unknown
                       from payments.attempts where intent_id = i.id) n on true
    left join lateral (select provider, method, state, merchant_ref, provider_txn from payments.attempts
                       where intent_id = i.id
                       order by role = 'winner' desc nulls last, abandoned_at is null desc, created_at desc limit 1) a on true
    left join lateral (select sum(f.amount_minor) filter (where f.state = 'succeeded') as refunded,
                              sum(f.amount_minor) filter (where f.state not in ('succeeded', 'closed')) as refunding
                       from payments.refunds f join payments.attempts b on b.id = f.attempt_id
                       where b.intent_id = i.id) r on true
    where true"""
_TEXT: LiteralString = """
    and i.id in (select intent_id from payments.attempts where merchant_ref = upper(%(text)s)
                 union all select intent_id from payments.attempts where provider_txn = %(text)s
                 union all select intent_id from payments.attempts where provider_ref = %(text)s
                 union all select b.intent_id from payments.refunds f join payments.attempts b on b.id = f.attempt_id
                           where f.refund_ref = upper(%(text)s)
                 union all select b.intent_id from payments.second_receipts s join payments.attempts b on b.id = s.attempt_id
                           where s.provider_txn = %(text)s
                 union all select id from payments.intents where reference in (%(text)s, 'order:' || lower(%(text)s)))"""
_PARTS: dict[str, LiteralString] = {
    "text": _TEXT,
    "state": " and i.state = %(state)s",
    "provider": " and exists (select from payments.attempts where intent_id = i.id and provider = %(provider)s)",
    "merchant_ref": " and i.id in (select intent_id from payments.attempts where merchant_ref = upper(%(merchant_ref)s))",
    "reference": " and i.reference = %(reference)s",
    "unknown": """ and i.state in ('open', 'deferred') and i.id in (
                     select intent_id from payments.attempts where state = 'unknown' and abandoned_at is null)""",
    "conflicted": " and i.conflicted",
    "since": " and i.created_at >= %(since)s",
    "until": " and i.created_at < %(until)s",
}


async def search(tx: ReadTx, filters: Filters, before: UUID | None, limit: int) -> list[Found]:
    """A page of what fits, newest first: ids are in order of time. Only the filters that are set become conditions."""
    sql, given = _LIST, dict[str, Any]()
    for name, part in _PARTS.items():
        if value := getattr(filters, name):
            sql += part
            given[name] = value
    if before is not None:
        sql += " and i.id < %(before)s"
    return await tx.rows(Found, sql + " order by i.id desc limit %(limit)s", before=before, limit=limit, **given)


async def receipts(tx: ReadTx, intent_id: UUID) -> list[Receipt]:
    return await tx.rows(
        Receipt,
        """select s.id, s.attempt_id, s.provider_txn, s.amount_minor, s.currency, s.state, s.seen_at, s.decided_at
           from payments.second_receipts s join payments.attempts a on a.id = s.attempt_id
           where a.intent_id = %(id)s order by s.seen_at""",
        id=intent_id,
    )


async def refund(tx: ReadTx, refund_id: UUID) -> RefundFound | None:
    return await tx.maybe(
        RefundFound,
        """select f.id, f.attempt_id, f.refund_ref, f.amount_minor, f.currency, f.reason, f.state, f.error_code, f.created_at,
                  f.finished_at, f.queries, f.provider_refund, f.receipt_id, f.source, f.journal_id, f.requested_by,
                  a.intent_id, a.provider, a.merchant_ref
           from payments.refunds f join payments.attempts a on a.id = f.attempt_id where f.id = %(id)s""",
        id=refund_id,
    )
