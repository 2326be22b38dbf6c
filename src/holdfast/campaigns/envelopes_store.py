"""All SQL of envelopes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Envelope

if TYPE_CHECKING:
    from .envelopes import Wish

_ENVELOPE: LiteralString = """select id, name, payer, agreement, label, max_minor, max_bp, currency, kinds, channels, budget_minor,
    valid_until from campaigns.envelopes """


async def insert(tx: Tx, envelope_id: UUID, wish: Wish, content_hash: bytes, proposal_id: UUID, at: datetime) -> None:
    """Writes an envelope; it is never changed."""
    await tx.execute(
        """insert into campaigns.envelopes (id, name, payer, agreement, label, max_minor, max_bp, currency, kinds, channels,
                                            budget_minor, valid_until, content_hash, proposal_id, made_at)
           values (%(id)s, %(name)s, %(payer)s, %(agreement)s, %(label)s, %(max_minor)s, %(max_bp)s, %(currency)s, %(kinds)s,
                   %(channels)s, %(budget)s, %(until)s, %(hash)s, %(proposal)s, %(at)s)""",
        id=envelope_id, name=Jsonb(wish.name), payer=wish.payer, agreement=wish.agreement, label=Jsonb(wish.label),
        max_minor=wish.max_minor, max_bp=wish.max_bp, currency=wish.currency, kinds=wish.kinds, channels=wish.channels,
        budget=wish.budget_minor, until=wish.valid_until, hash=content_hash, proposal=proposal_id, at=at,
    )  # fmt: skip


async def find(tx: ReadTx, envelope_id: UUID) -> Envelope | None:
    """An envelope by its id."""
    return await tx.maybe(Envelope, _ENVELOPE + "where id = %(id)s", id=envelope_id)


async def newest(tx: ReadTx, valid_at: datetime | None, limit: int) -> list[Envelope]:
    """The newest first; only those still valid at a moment, if one is given."""
    return await tx.rows(
        Envelope,
        _ENVELOPE + "where %(at)s::timestamptz is null or valid_until > %(at)s order by made_at desc, id limit %(limit)s",
        at=valid_at, limit=limit,
    )  # fmt: skip


async def committed(tx: ReadTx, besides: str = "") -> dict[UUID, int]:
    """Envelope → what running versions may spend and versions that are over have spent; of the campaign `besides` only what
    is used already. Late payments may have used more than a budget: that counts as well."""
    rows = await tx.tuples(
        """select v.envelope_id, sum(case when r.state in ('ended', 'tripped') or r.campaign_id = %(besides)s then r.used_minor
                                          else greatest(r.budget_minor, r.used_minor) end)::bigint
             from campaigns.running r join campaigns.versions v on v.id = r.version_id group by v.envelope_id""",
        besides=besides,
    )
    return dict(rows)
