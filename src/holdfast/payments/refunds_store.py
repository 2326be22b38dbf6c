"""SQL of refunds and of second receipts."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .model import RefundRow
from .providers.base import RefundObservation

_REFUND: LiteralString = """select id, attempt_id, refund_ref, amount_minor, currency, reason, state, error_code, created_at,
    finished_at, queries, provider_refund, receipt_id, source, journal_id, requested_by from payments.refunds """
_RECEIPT: LiteralString = """select id, attempt_id, provider, provider_txn, amount_minor, currency, state, seen_at, journal_id
    from payments.second_receipts """


class SecondReceipt(msgspec.Struct, frozen=True):
    """A second success under another number of the provider, for a charge that was paid already."""

    id: UUID
    attempt_id: UUID
    provider: str
    provider_txn: str
    amount_minor: int
    currency: str
    state: str
    seen_at: datetime
    journal_id: UUID | None


async def insert_refund(
    tx: Tx, *, refund_id: UUID, attempt_id: UUID, refund_ref: str, amount_minor: int, currency: str, reason: str,
    source: str, receipt_id: UUID | None, journal_id: UUID, requested_by: str, at: datetime, due: datetime | None,
) -> None:  # fmt: skip
    """Committed before the provider is asked; `journal_id` is the pending journal that holds the money."""
    await tx.execute(
        """insert into payments.refunds (id, attempt_id, refund_ref, amount_minor, currency, reason, source, receipt_id,
                                         journal_id, requested_by, created_at, next_query_at)
           values (%(id)s, %(attempt)s, %(ref)s, %(amount)s, %(currency)s, %(reason)s, %(source)s, %(receipt)s,
                   %(journal)s, %(by)s, %(at)s, %(due)s)""",
        id=refund_id, attempt=attempt_id, ref=refund_ref, amount=amount_minor, currency=currency, reason=reason,
        source=source, receipt=receipt_id, journal=journal_id, by=requested_by, at=at, due=due,
    )  # fmt: skip


async def promised(tx: ReadTx, attempt_id: UUID, source: str, receipt_id: UUID | None = None) -> int:
    """How much of a receipt's money went back or is on its way; a closed refund gave nothing back."""
    return int(
        await tx.value(
            """select coalesce(sum(amount_minor), 0) from payments.refunds
               where attempt_id = %(id)s and state <> 'closed' and source = %(source)s
                 and receipt_id is not distinct from %(receipt)s""",
            id=attempt_id, source=source, receipt=receipt_id,
        )
    )  # fmt: skip


async def given(tx: ReadTx, attempt_id: UUID) -> int:
    """How much of an attempt's earned money has gone back."""
    return int(
        await tx.value(
            """select coalesce(sum(amount_minor), 0) from payments.refunds
               where attempt_id = %(id)s and source = 'order' and state = 'succeeded'""",
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


async def of_intent(tx: ReadTx, intent_id: UUID) -> list[RefundRow]:
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


async def due_refunds(tx: Tx, provider: str, now: datetime, lease: datetime, limit: int) -> list[UUID]:
    """Refunds to be sent or asked about; taken like attempts."""
    found: list[UUID] = await tx.values(
        """update payments.refunds r set next_query_at = %(lease)s
           from (select f.id from payments.refunds f join payments.attempts a on a.id = f.attempt_id
                 where f.next_query_at <= %(now)s and a.provider = %(provider)s order by f.next_query_at
                 limit %(limit)s for no key update of f skip locked) due
           where r.id = due.id returning r.id""",
        provider=provider, now=now, lease=lease, limit=limit,
    )  # fmt: skip
    return found


async def update_refund(
    tx: Tx, refund_id: UUID, *, state: str, seen: RefundObservation, queries: int, next_query_at: datetime | None,
    finished_at: datetime | None,
) -> None:  # fmt: skip
    await tx.execute(
        """update payments.refunds set state = %(state)s, error_code = %(error)s, queries = %(queries)s,
                  provider_refund = coalesce(provider_refund, %(theirs)s),
                  next_query_at = %(next)s, finished_at = %(finished)s where id = %(id)s""",
        id=refund_id, state=state, error=seen.error_code, queries=queries, theirs=seen.provider_refund,
        next=next_query_at, finished=finished_at,
    )  # fmt: skip


async def insert_receipt(
    tx: Tx, *, receipt_id: UUID, attempt_id: UUID, provider: str, provider_txn: str, amount_minor: int, currency: str,
    at: datetime, journal_id: UUID,
) -> None:  # fmt: skip
    """A second receipt that is only suspected: asked about at once."""
    await tx.execute(
        """insert into payments.second_receipts (id, attempt_id, provider, provider_txn, amount_minor, currency, seen_at,
                                                 next_query_at, journal_id)
           values (%(id)s, %(attempt)s, %(provider)s, %(txn)s, %(amount)s, %(currency)s, %(at)s, %(at)s, %(journal)s)""",
        id=receipt_id, attempt=attempt_id, provider=provider, txn=provider_txn, amount=amount_minor, currency=currency,
        at=at, journal=journal_id,
    )  # fmt: skip


async def receipt_of_txn(tx: ReadTx, provider: str, provider_txn: str) -> SecondReceipt | None:
    return await tx.maybe(
        SecondReceipt,
        _RECEIPT + "where provider = %(provider)s and provider_txn = %(txn)s",
        provider=provider, txn=provider_txn,
    )  # fmt: skip


async def receipt(tx: ReadTx, receipt_id: UUID) -> SecondReceipt | None:
    return await tx.maybe(SecondReceipt, _RECEIPT + "where id = %(id)s", id=receipt_id)


async def receipt_locked(tx: Tx, receipt_id: UUID) -> SecondReceipt | None:
    return await tx.maybe(SecondReceipt, _RECEIPT + "where id = %(id)s for no key update", id=receipt_id)


async def receipts_of_intent(tx: ReadTx, intent_id: UUID) -> list[SecondReceipt]:
    return await tx.rows(
        SecondReceipt,
        _RECEIPT + "where attempt_id in (select id from payments.attempts where intent_id = %(id)s) order by seen_at",
        id=intent_id,
    )


async def due_receipts(tx: Tx, provider: str, now: datetime, lease: datetime, limit: int) -> list[UUID]:
    """Suspected receipts to be asked about by the provider's number."""
    found: list[UUID] = await tx.values(
        """update payments.second_receipts r set next_query_at = %(lease)s
           from (select id from payments.second_receipts where next_query_at <= %(now)s and provider = %(provider)s
                 order by next_query_at limit %(limit)s for no key update skip locked) due
           where r.id = due.id returning r.id""",
        provider=provider, now=now, lease=lease, limit=limit,
    )  # fmt: skip
    return found


async def decide_receipt(
    tx: Tx, receipt_id: UUID, state: str, decided_at: datetime | None, next_query_at: datetime | None
) -> None:
    await tx.execute(
        """update payments.second_receipts set state = %(state)s, decided_at = %(decided)s, next_query_at = %(next)s
           where id = %(id)s""",
        id=receipt_id, state=state, decided=decided_at, next=next_query_at,
    )  # fmt: skip
