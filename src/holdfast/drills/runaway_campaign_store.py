"""The SQL with which the drill of the runaway campaign sets its stage and reads what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx


class Stage(msgspec.Struct, frozen=True):
    """Where people book: one slot."""

    slot_id: UUID
    product_id: str
    kind: str


async def furnish(tx: Tx, amounts: list[int]) -> Stage:
    """The slot with the most places asks for no names, and has a price for each amount."""
    [stage] = await tx.rows(
        Stage,
        """select s.id as slot_id, s.product_id, v.kind from inventory.slots s
             join catalogue.venues v on v.id = s.venue_id
             join catalogue.products p on p.id = s.product_id
            where s.state = 'open' and v.kind not in ('hotel', 'restaurant', 'card') and s.sale_opens_at <= now()
              and s.visit_date = (select min(visit_date) + 3 from inventory.slots)
            order by s.capacity - s.taken desc, s.id limit 1""",
    )
    await tx.execute(
        """update catalogue.products set real_name = false, once_per_document_day = false, per_account_day = null where id = %(id)s""",
        id=stage.product_id,
    )
    await tx.execute(
        """insert into catalogue.prices (id, product_id, ticket, name, amount_minor)
           select 'drill-' || n, %(product)s, 'drill-' || n, '{"zh": "演练", "en": "Drill"}', amount
             from unnest(%(amounts)s::bigint[]) with ordinality as t (amount, n)""",
        product=stage.product_id, amounts=amounts,
    )  # fmt: skip
    return stage


async def insert_envelope(tx: Tx, envelope: dict[str, Any]) -> None:
    """What finance allows in a trial."""
    await tx.execute(
        """insert into campaigns.envelopes (id, name, payer, label, max_minor, max_bp, kinds, channels, budget_minor, valid_until,
                                            content_hash, proposal_id, made_at)
           values (%(id)s, '{}', 'platform', '{"zh": "演练", "en": "Drill"}', %(max_minor)s, %(max_bp)s, %(kinds)s, '{web}', %(budget)s,
                   %(until)s, '\\x00', %(id)s, %(at)s)""",
        **envelope,
    )  # fmt: skip


async def insert_campaign(tx: Tx, campaign_id: str, at: datetime) -> None:
    """A campaign for one trial."""
    await tx.execute(
        "insert into campaigns.campaigns (id, name, made_by, made_at) values (%(id)s, %(name)s, 'drill', %(at)s)",
        id=campaign_id, name=Jsonb({"zh": "演练", "en": "Drill"}), at=at,
    )  # fmt: skip


async def unwatch(tx: Tx, version_id: UUID, *, share: bool, size: bool, pace: bool) -> None:
    """Leaves only the watches that a trial is about."""
    await tx.execute(
        """update campaigns.running
              set share_limit = case when %(share)s then share_limit end, size_limit = case when %(size)s then size_limit end,
                  pace_depth = case when %(pace)s then pace_depth end, stage_minor = null, stage_count = null, state = 'live'
            where version_id = %(id)s""",
        id=version_id, share=share, size=size, pace=pace,
    )  # fmt: skip


async def stop(tx: Tx, version_id: UUID) -> None:
    """Somebody, or something beside the bookings, stops it."""
    await tx.execute("update campaigns.running set state = 'tripped' where version_id = %(id)s", id=version_id)
    await tx.execute("update campaigns.epoch set epoch = epoch + 1")


async def spent(tx: ReadTx, version_id: UUID) -> tuple[int, int, str]:
    """Minor units and orders that were granted, and how the campaign stands."""
    [found] = await tx.tuples(
        "select used_minor, used_count, state from campaigns.running where version_id = %(id)s", id=version_id
    )
    return int(found[0]), int(found[1]), str(found[2])


async def reasons(tx: ReadTx) -> list[tuple[str, int]]:
    """Why campaigns were stopped by themselves, and how often."""
    return [(str(reason), int(count)) for reason, count in await tx.tuples(
        "select reason, count(*) from campaigns.trips group by reason order by reason"
    )]  # fmt: skip
