"""SQL of what partners were told, whom to call, and how we hear from each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.catalogue.model import Text
from holdfast.kit.db import ReadTx, Tx


class Feed(msgspec.Struct, frozen=True):
    """How we hear from a partner and tell it. `demo_beats`: a demonstration speaks in its name."""

    partner_id: str
    locale: str = "zh"
    link_version: int = 1
    subscription_id: UUID | None = None
    is_demo: bool = False
    demo_beats: bool = False


class Told(msgspec.Struct, frozen=True):
    """What a partner was told, when and how."""

    id: UUID
    kind: str
    episode: str
    product_ids: list[str]
    at: datetime
    ways: list[dict[str, Any]]


class Call(msgspec.Struct, frozen=True):
    """A partner that somebody should call."""

    id: UUID
    partner_id: str
    partner_name: Text
    phone: str
    kind: str
    product_ids: list[str]
    opened_at: datetime


async def feed(tx: ReadTx, partner_id: str) -> Feed:
    found = await tx.maybe(
        Feed,
        """select partner_id, locale, link_version, subscription_id, is_demo, demo_beats from partners.feeds
            where partner_id = %(id)s""",
        id=partner_id,
    )
    return found or Feed(partner_id)


async def set_feed(tx: Tx, given: Feed) -> None:
    await tx.execute(
        """insert into partners.feeds (partner_id, locale, link_version, subscription_id, is_demo, demo_beats)
           values (%(partner_id)s, %(locale)s, %(link_version)s, %(subscription_id)s, %(is_demo)s, %(demo_beats)s)
           on conflict (partner_id) do update set locale = excluded.locale, link_version = excluded.link_version,
             subscription_id = excluded.subscription_id, is_demo = excluded.is_demo, demo_beats = excluded.demo_beats""",
        **msgspec.structs.asdict(given),
    )


async def demo_feeds(tx: ReadTx) -> list[str]:
    """The partners in whose name a demonstration speaks."""
    found: list[str] = await tx.values(
        """select f.partner_id from partners.feeds f join partners.partners p on p.id = f.partner_id
            where f.demo_beats and p.disabled_at is null order by f.partner_id"""
    )
    return found


async def subscriptions_of_others(tx: ReadTx, partner_id: str) -> list[UUID]:
    """The webhook subscriptions of all other partners."""
    found: list[UUID] = await tx.values(
        "select subscription_id from partners.feeds where subscription_id is not null and partner_id <> %(id)s",
        id=partner_id,
    )
    return found


async def insert_secret(tx: Tx, secret_id: UUID, partner_id: str, sealed: bytes, at: datetime) -> None:
    await tx.execute(
        "insert into partners.feed_secrets (id, partner_id, secret, created_at) values (%(id)s, %(partner)s, %(secret)s, %(at)s)",
        id=secret_id, partner=partner_id, secret=sealed, at=at,
    )  # fmt: skip


async def end_secrets(tx: Tx, partner_id: str, but: UUID, at: datetime, until: datetime) -> None:
    """The others count a little longer, so that the partner can change over."""
    await tx.execute(
        """update partners.feed_secrets set ended_at = %(until)s
            where partner_id = %(partner)s and id <> %(but)s and (ended_at is null or ended_at > %(until)s)""",
        partner=partner_id, but=but, at=at, until=until,
    )  # fmt: skip


async def secrets(tx: ReadTx, partner_id: str, now: datetime) -> list[bytes]:
    """The sealed secrets that count, of a partner that is not switched off."""
    return [
        bytes(found)
        for found in await tx.values(
            """select s.secret from partners.feed_secrets s join partners.partners p on p.id = s.partner_id
                where s.partner_id = %(partner)s and (s.ended_at is null or s.ended_at > %(now)s) and p.disabled_at is null
                order by s.created_at desc""",
            partner=partner_id, now=now,
        )
    ]  # fmt: skip


async def keep_told(
    tx: Tx, told_id: UUID, partner_id: str, kind: str, episode: str, product_ids: Sequence[str], at: datetime,
    ways: list[dict[str, Any]],
) -> None:  # fmt: skip
    await tx.execute(
        """insert into partners.told (id, partner_id, kind, episode, product_ids, at, ways)
           values (%(id)s, %(partner)s, %(kind)s, %(episode)s, %(products)s, %(at)s, %(ways)s)""",
        id=told_id, partner=partner_id, kind=kind, episode=episode, products=list(product_ids), at=at, ways=Jsonb(ways),
    )  # fmt: skip


async def told_names(tx: ReadTx, partner_id: str) -> set[tuple[str, str]]:
    """Kind and name of every episode that a partner was told of lately."""
    return {
        (kind, episode)
        for kind, episode in await tx.tuples(
            """select kind, episode from partners.told where partner_id = %(partner)s order by id desc limit 200""",
            partner=partner_id,
        )
    }


async def told(tx: ReadTx, partner_id: str, limit: int) -> list[Told]:
    return await tx.rows(
        Told,
        """select id, kind, episode, product_ids, at, ways from partners.told
            where partner_id = %(partner)s order by at desc, id desc limit %(limit)s""",
        partner=partner_id, limit=limit,
    )  # fmt: skip


async def not_recovered(tx: ReadTx, partner_id: str) -> list[Told]:
    """What was told of sale that rests and was not followed by news that it goes on, the oldest first."""
    return await tx.rows(
        Told,
        """select t.id, t.kind, t.episode, t.product_ids, t.at, t.ways from partners.told t
            where t.partner_id = %(partner)s and t.kind in ('silent', 'barred')
              and not exists (select 1 from partners.told r
                               where r.partner_id = t.partner_id and r.kind = 'recovered' and r.episode = t.id::text)
            order by t.at, t.id""",
        partner=partner_id,
    )  # fmt: skip


async def open_call(tx: Tx, call_id: UUID, told_id: UUID, partner_id: str, at: datetime) -> None:
    await tx.execute(
        """insert into partners.calls (id, told_id, partner_id, opened_at) values (%(id)s, %(told)s, %(partner)s, %(at)s)
           on conflict (told_id) do nothing""",
        id=call_id, told=told_id, partner=partner_id, at=at,
    )  # fmt: skip


async def end_call(tx: Tx, told_id: UUID, by: str, outcome: str, at: datetime) -> None:
    await tx.execute(
        """update partners.calls set ended_at = %(at)s, ended_by = %(by)s, outcome = %(outcome)s
            where told_id = %(told)s and ended_at is null""",
        told=told_id, by=by, outcome=outcome, at=at,
    )  # fmt: skip


async def end_one_call(tx: Tx, call_id: UUID, by: str, outcome: str, at: datetime) -> bool:
    return bool(
        await tx.execute(
            """update partners.calls set ended_at = %(at)s, ended_by = %(by)s, outcome = %(outcome)s
                where id = %(id)s and ended_at is null""",
            id=call_id, by=by, outcome=outcome, at=at,
        )
    )  # fmt: skip


async def calls(tx: ReadTx) -> list[Call]:
    """Those that nobody has made, the longest waiting first."""
    return await tx.rows(
        Call,
        """select c.id, c.partner_id, p.name as partner_name, p.phone, t.kind, t.product_ids, c.opened_at
             from partners.calls c join partners.told t on t.id = c.told_id join partners.partners p on p.id = c.partner_id
            where c.ended_at is null order by c.opened_at, c.id limit 200""",
    )
