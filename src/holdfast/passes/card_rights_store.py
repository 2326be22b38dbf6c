"""SQL of what cards hold about people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx


async def held(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    """Cards with their people, sealed as hex, and their uses, oldest first."""
    return await tx.dicts(
        """select c.number, v.name as card, c.order_number, c.state, c.paid_minor, c.currency, c.issued_at, c.activated_at,
                  c.valid_from, c.valid_to, c.ended_at,
                  coalesce((select jsonb_agg(jsonb_build_object(
                    'kind', p.kind, 'name', encode(p.name, 'hex'), 'document_type', p.document_type,
                    'document', encode(p.document, 'hex'), 'document_last4', p.document_last4) order by p.seq)
                    from passes.card_people p where p.card_id = c.id), '[]') as holders,
                  coalesce((select jsonb_agg(jsonb_build_object(
                    'venue', w.name, 'order_number', u.order_number, 'visit_date', u.visit_date, 'people', u.people,
                    'state', u.state) order by u.starts_at)
                    from passes.uses u join catalogue.venues w on w.id = u.item where u.card_id = c.id), '[]') as uses
             from passes.cards c join catalogue.products q on q.id = c.product_id join catalogue.venues v on v.id = q.venue_id
            where c.account_id = any(%(ids)s) order by c.id""",
        ids=list(accounts),
    )


async def open_cards(tx: ReadTx, accounts: Sequence[UUID]) -> list[str]:
    """Numbers of cards that can still be used, or could if they were not suspended."""
    return await tx.values(
        """select number from passes.cards where account_id = any(%(ids)s) and state in ('issued', 'active', 'suspended')
           order by id""",
        ids=list(accounts),
    )


async def erase(tx: Tx, accounts: Sequence[UUID], limit: int) -> int:
    """Takes names and documents off cards; how many people."""
    return await tx.execute(
        """update passes.card_people t set name = null, name_masked = '', document = null, document_last4 = ''
           from (select p.card_id, p.seq from passes.card_people p join passes.cards c on c.id = p.card_id
                 where c.account_id = any(%(ids)s) and (p.name is not null or p.name_masked <> '')
                 limit %(limit)s for no key update of p) old
           where t.card_id = old.card_id and t.seq = old.seq""",
        ids=list(accounts), limit=limit,
    )  # fmt: skip


async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Document numbers on cards that were over before that; names stay masked."""
    return await tx.execute(
        """update passes.card_people t set name = null, document = null
           from (select p.card_id, p.seq from passes.card_people p join passes.cards c on c.id = p.card_id
                 where c.ended_at < %(before)s and p.document is not null limit %(limit)s for no key update of p) old
           where t.card_id = old.card_id and t.seq = old.seq""",
        before=before, limit=limit,
    )  # fmt: skip
