"""SQL of discounts after pricing: what each version took off an order, who bears it, and what was decided of a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .discounts_model import LineDiscount


class Effect(msgspec.Struct, frozen=True):
    """What a version gives, as its content has it."""

    version_id: UUID
    effect: dict[str, Any]


async def effects(tx: ReadTx, version_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """What these versions give."""
    rows = await tx.rows(
        Effect,
        "select id as version_id, content -> 'effect' as effect from campaigns.versions where id = any(%(ids)s)",
        ids=list(version_ids),
    )
    return {row.version_id: row.effect for row in rows}


class Said(msgspec.Struct, frozen=True):
    """What a version says to travellers."""

    version_id: UUID
    sentence: dict[str, str] | None


async def sentences(tx: ReadTx, version_ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """The sentences of these versions, in both languages."""
    rows = await tx.rows(
        Said,
        "select id as version_id, content -> 'sentence' as sentence from campaigns.versions where id = any(%(ids)s)",
        ids=list(version_ids),
    )
    return {row.version_id: row.sentence or {} for row in rows}


class Granted(msgspec.Struct, frozen=True):
    """What a version gives an order as it stands, with all that explains it."""

    order_id: UUID
    version_id: UUID
    campaign_id: str
    version: int
    label: dict[str, str]
    amount_minor: int
    currency: str
    code: str | None
    gift: dict[str, Any] | None
    trace: Any
    content: dict[str, Any]
    corrected: bool


async def granted(tx: ReadTx, order_ids: Sequence[UUID]) -> list[Granted]:
    """The discounts and gifts of orders, by order and campaign; not what was given up before it was paid."""
    return await tx.rows(
        Granted,
        """select v.order_id, v.version_id, v.campaign_id, n.n as version, v.label, v.currency, v.code, v.gift, v.trace, n.content,
                  coalesce(a.minor, 0) as amount_minor, coalesce(h.verdict = 'honour' and h.false_label, false) as corrected
             from campaigns.reservations v join campaigns.versions n on n.id = v.version_id
             left join lateral (
               select sum(d.amount_minor)::bigint as minor from orders.line_discounts d
                 join orders.lines l on l.order_id = d.order_id and l.seq = d.line_seq and l.part = 'current'
                where d.order_id = v.order_id and d.version_id = v.version_id) a on true
             left join lateral (select t.id from campaigns.trips t where t.version_id = v.version_id and t.epoch > v.epoch
                                order by t.epoch limit 1) t on true
             left join orders.honours h on h.trip_id = t.id and v.made_at >= h.since
            where v.order_id = any(%(ids)s) and (v.amount_minor > 0 or v.gift is not null)
            order by v.order_id, v.campaign_id""",
        ids=list(order_ids),
    )


class Bearing(msgspec.Struct, frozen=True):
    """So much of an order's discounts by a version, at one venue, and what decides who bears it.

    `trip_id`: the version was stopped after this was granted; `verdict` and `since`: what was decided of that.
    """

    version_id: UUID
    campaign_id: str
    payer: str
    agreement: str | None
    venue_id: str
    minor: int
    made_at: datetime
    trip_id: UUID | None
    verdict: str | None
    since: datetime | None
    approved_by: str | None


async def bearings(tx: ReadTx, order_id: UUID) -> list[Bearing]:
    """The discounts of an order that stands; none of one that is not confirmed or is over."""
    return await tx.rows(
        Bearing,
        """select v.version_id, v.campaign_id, e.payer, e.agreement, s.venue_id, sum(d.amount_minor)::bigint as minor, v.made_at,
                  t.id as trip_id, h.verdict, h.since, h.approved_by
             from orders.orders o join campaigns.reservations v on v.order_id = o.id
             join campaigns.versions n on n.id = v.version_id join campaigns.envelopes e on e.id = n.envelope_id
             join orders.line_discounts d on d.order_id = o.id and d.version_id = v.version_id and d.amount_minor > 0
             join orders.lines l on l.order_id = o.id and l.seq = d.line_seq and l.part = 'current'
             join inventory.slots s on s.id = l.slot_id
             left join lateral (select t.id from campaigns.trips t where t.version_id = v.version_id and t.epoch > v.epoch
                                order by t.epoch limit 1) t on true
             left join orders.honours h on h.trip_id = t.id
            where o.id = %(id)s and o.state in ('confirmed', 'used')
            group by v.version_id, v.campaign_id, e.payer, e.agreement, s.venue_id, v.made_at, t.id, h.trip_id
            order by v.version_id, s.venue_id""",
        id=order_id,
    )


class Booked(msgspec.Struct, frozen=True):
    """What an account bears of an order's discount by a version, as it is booked."""

    version_id: UUID
    code: str
    owner: str
    minor: int


async def booked(tx: ReadTx, order_id: UUID) -> list[Booked]:
    return await tx.rows(
        Booked,
        """select version_id, code, owner, sum(minor)::bigint as minor from orders.discount_books where order_id = %(id)s
            group by version_id, code, owner having sum(minor) <> 0 order by version_id, code, owner""",
        id=order_id,
    )


async def journals(tx: ReadTx, order_id: UUID, version_id: UUID) -> int:
    """How many journals an order has of a version so far."""
    return int(
        await tx.value(
            """select count(distinct journal_id) from orders.discount_books
                where order_id = %(id)s and version_id = %(version)s""",
            id=order_id, version=version_id,
        )
    )  # fmt: skip


async def note(tx: Tx, order_id: UUID, rows: Sequence[Booked], journal_id: UUID, at: datetime) -> None:
    """What a journal changed."""
    await tx.execute(
        """insert into orders.discount_books (order_id, version_id, code, owner, minor, journal_id, at)
           select %(id)s, t.version_id, t.code, t.owner, t.minor, %(journal)s, %(at)s
             from unnest(%(versions)s::uuid[], %(codes)s::text[], %(owners)s::text[], %(minors)s::bigint[])
                  as t (version_id, code, owner, minor)""",
        id=order_id, journal=journal_id, at=at, versions=[one.version_id for one in rows], codes=[one.code for one in rows],
        owners=[one.owner for one in rows], minors=[one.minor for one in rows],
    )  # fmt: skip


class Gift(msgspec.Struct, frozen=True):
    """A benefit that comes with an order."""

    version_id: UUID
    campaign_id: str
    gift: dict[str, Any]
    visit_ends_at: datetime


async def gifts(tx: ReadTx, order_id: UUID) -> list[Gift]:
    """The gifts that were redeemed with an order, with the end of its last visit."""
    return await tx.rows(
        Gift,
        """select v.version_id, v.campaign_id, v.gift, max(s.ends_at) as visit_ends_at
             from campaigns.reservations v join orders.lines l on l.order_id = v.order_id and l.part = 'current'
             join inventory.slots s on s.id = l.slot_id
            where v.order_id = %(id)s and v.gift is not null and v.state = 'redeemed'
            group by v.version_id, v.campaign_id, v.gift""",
        id=order_id,
    )


class Carried(msgspec.Struct, frozen=True):
    """What an order was granted, as it could come along to the order for places that come back.

    `is_over`: nothing of the order stands. `used_again`: its person has had all of it again since; `abused`: got in bad faith.
    `gift_used`: how many of its gifts were used.
    """

    version_id: UUID
    label: dict[str, str]
    gift: dict[str, Any] | None
    is_over: bool
    used_again: bool
    abused: bool
    gift_used: int


async def carried(tx: ReadTx, order_id: UUID) -> list[Carried]:
    """All that an order was granted, by version."""
    return await tx.rows(
        Carried,
        """select v.version_id, v.label, v.state = 'released' as is_over,
                  case when not exists (
                    select from campaigns.reservations o where o.account_id = v.account_id and o.version_id = v.version_id
                       and o.carried_from = coalesce(v.carried_from, v.order_id) and o.order_id <> v.order_id and o.gift is not null
                       and o.state <> 'released') then nullif(v.gift, 'null') end as gift,
                  campaigns.used_again(v.order_id, v.version_id) as used_again,
                  exists (select from orders.abuses b join campaigns.trips t on t.id = b.trip_id
                           where b.account_id = v.account_id and t.version_id = v.version_id and t.epoch > v.epoch
                             and not exists (select from campaigns.trips e where e.version_id = v.version_id
                                                and e.epoch > v.epoch and e.epoch < t.epoch)) as abused,
                  (select count(*) from orders.benefits b where b.order_id = v.order_id and b.used_at is not null
                      and b.granted_by = 'campaign:' || v.campaign_id) as gift_used
             from campaigns.reservations v where v.order_id = %(id)s order by v.version_id""",
        id=order_id,
    )


async def carry(
    tx: Tx, from_order: UUID, to_order: UUID, number: str, version_id: UUID, *, amount_minor: int, lines: list[dict[str, Any]],
    gift: dict[str, Any] | None, redeemed: bool, at: datetime,
) -> bool:  # fmt: skip
    """A grant goes along to another order; False when it does not any more."""
    return bool(
        await tx.value(
            """select campaigns.carry(%(from)s, %(to)s, %(number)s, %(becomes)s, %(version)s, %(amount)s::bigint, %(lines)s, %(gift)s, %(at)s)""",
            to=to_order, number=number, becomes="redeemed" if redeemed else "held", version=version_id, amount=amount_minor,
            lines=Jsonb(lines), gift=Jsonb(gift) if gift else None, at=at, **{"from": from_order},
        )
    )  # fmt: skip


async def come_along(tx: Tx, from_order: UUID, to_order: UUID, parts: Sequence[tuple[int, int, LineDiscount]]) -> None:
    """Writes the discounts that came along: (line of the first order, line of the new one, what it has of a version)."""
    await tx.execute(
        """insert into orders.line_discounts (order_id, line_seq, version_id, amount_minor, granted_minor, granted_unit_minor, from_order,
                                              from_line)
           select %(to)s, t.line, t.version_id, t.amount, t.most, t.unit, %(from)s, t.was
             from unnest(%(lines)s::int[], %(was)s::int[], %(versions)s::uuid[], %(amounts)s::bigint[], %(most)s::bigint[], %(units)s::bigint[])
                  as t (line, was, version_id, amount, most, unit)""",
        to=to_order, lines=[line for _was, line, _part in parts], was=[was for was, _line, _part in parts],
        versions=[part.version_id for *_, part in parts], amounts=[part.amount_minor for *_, part in parts],
        most=[part.granted_minor for *_, part in parts], units=[part.granted_unit_minor for *_, part in parts],
        **{"from": from_order},
    )  # fmt: skip
