"""SQL of card products and cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.accounts import Groups, Tally
from holdfast.kit.db import ReadTx, Tx

from .card_model import Card, CardProduct, CardRow, CardState, Companion, Counter, Entitlement, Use

_CARD: LiteralString = """select c.id, c.number, c.product_id, v.name, c.version, p.rules, c.order_id, c.order_number,
    c.holder_seq, c.account_id, c.state, c.paid_minor, c.list_minor, c.currency, c.issued_at, c.activate_by, c.activated_at,
    c.valid_from, c.valid_to, c.first_used_at, c.valid_until, c.suspended_why, c.ended_at
    from passes.cards c join passes.products p on p.id = c.product_id and p.version = c.version
    join catalogue.products q on q.id = c.product_id join catalogue.venues v on v.id = q.venue_id """


# Products


async def newest(tx: ReadTx, product_ids: Sequence[str] | None) -> list[CardProduct]:
    """These cards, or all that are on sale, each with the rules that it is sold with now."""
    return await tx.rows(
        CardProduct,
        """select distinct on (p.id) p.id, p.version, p.rules from passes.products p join catalogue.products q on q.id = p.id
           where (%(ids)s::text[] is null and q.retired_at is null) or p.id = any(%(ids)s::text[])
           order by p.id, p.version desc""",
        ids=None if product_ids is None else list(product_ids),
    )


async def add_version(tx: Tx, product_id: str, rules: Any, by: str, at: datetime) -> None:
    """The next version of a card's rules."""
    await tx.execute(
        """insert into passes.products (id, version, rules, made_by, made_at)
           select %(id)s, coalesce(max(version), 0) + 1, %(rules)s, %(by)s, %(at)s from passes.products where id = %(id)s""",
        id=product_id, rules=Jsonb(rules), by=by, at=at,
    )  # fmt: skip


class ListPrice(msgspec.Struct, frozen=True):
    """A product that a card could cover, and what an adult and a child pay there on a day; a child without a price of
    its own pays what an adult does."""

    product_id: str
    venue_id: str
    adult_minor: int
    child_minor: int
    currency: str


async def list_prices(tx: ReadTx, venue_ids: Sequence[str], day: date) -> list[ListPrice]:
    """What these venues sell, at the prices of that day."""
    return await tx.rows(
        ListPrice,
        """with price as (
             select c.*, p.venue_id from catalogue.prices c join catalogue.products p on p.id = c.product_id
              where p.venue_id = any(%(ids)s) and p.retired_at is null and c.retired_at is null and not c.with_card
                and catalogue.in_season(%(day)s, c.from_day, c.to_day)),
           adult as (select distinct on (product_id) * from price where uses_place and ticket <> 'child' order by product_id, position, id),
           child as (select distinct on (product_id) * from price where ticket = 'child' order by product_id, position, id)
           select a.product_id, a.venue_id, a.amount_minor as adult_minor, a.currency,
                  coalesce(k.amount_minor, a.amount_minor) as child_minor
             from adult a left join child k on k.product_id = a.product_id and k.currency = a.currency order by a.product_id""",
        ids=list(venue_ids), day=day,
    )  # fmt: skip


# Cards


async def insert(
    tx: Tx,
    row: dict[str, Any],
    people: list[dict[str, Any]],
    entitlements: list[dict[str, Any]],
    counters: dict[str, int],
) -> bool:
    """A new card with its people, entitlements and counters; False when this holder of the order has one already."""
    made = await tx.execute(
        """insert into passes.cards (id, number, product_id, version, order_id, order_number, holder_seq, account_id,
                                     paid_minor, list_minor, currency, issued_at, activate_by)
           values (%(id)s, %(number)s, %(product_id)s, %(version)s, %(order_id)s, %(order_number)s, %(holder_seq)s,
                   %(account_id)s, %(paid_minor)s, %(list_minor)s, %(currency)s, %(issued_at)s, %(activate_by)s)
           on conflict on constraint card_once do nothing""",
        **row,
    )
    if not made:
        return False
    await tx.execute_many(
        """insert into passes.card_people (card_id, seq, kind, name, name_masked, document_type, document, document_last4)
           values (%(card_id)s, %(seq)s, %(kind)s, %(name)s, %(name_masked)s, %(document_type)s, %(document)s,
                   %(document_last4)s)""",
        people,
    )
    await tx.execute_many(
        """insert into passes.entitlements (card_id, item, venue_id, prices, uses_max)
           values (%(card_id)s, %(item)s, %(venue_id)s, %(prices)s, %(uses_max)s)""",
        [one | {"prices": Jsonb(one["prices"])} for one in entitlements],
    )
    await tx.execute(
        """insert into passes.counters (card_id, code, uses_max)
           select %(id)s, t.code, t.uses_max from unnest(%(codes)s::text[], %(most)s::int[]) as t (code, uses_max)""",
        id=row["id"], codes=list(counters), most=list(counters.values()),
    )  # fmt: skip
    return True


async def row_of_person(tx: ReadTx, number: str, account_id: UUID) -> CardRow | None:
    """The card of a number if it belongs to the person behind an account."""
    return await tx.maybe(
        CardRow,
        _CARD + "where c.number = %(number)s and c.account_id in (select accounts.members(%(account)s))",
        number=number, account=account_id,
    )  # fmt: skip


async def row(tx: ReadTx, card_id: UUID) -> CardRow:
    """A card by its id."""
    found = await tx.maybe(CardRow, _CARD + "where c.id = %(id)s", id=card_id)
    assert found is not None, f"no card {card_id}"
    return found


async def row_of_number(tx: ReadTx, number: str) -> CardRow | None:
    """The card of a number, whoever owns it: callers authorise."""
    return await tx.maybe(CardRow, _CARD + "where c.number = %(number)s", number=number)


async def found(tx: ReadTx, number: str) -> str | None:
    """The number of a card, by it or by that of its order."""
    known: str | None = await tx.value(
        "select number from passes.cards where number = %(number)s or order_number = %(number)s order by id limit 1",
        number=number,
    )
    return known


async def rows_of_person(tx: ReadTx, account_id: UUID, limit: int) -> list[CardRow]:
    """The cards of the person behind an account, newest first."""
    return await tx.rows(
        CardRow,
        _CARD + "where c.account_id in (select accounts.members(%(account)s)) order by c.id desc limit %(limit)s",
        account=account_id, limit=limit,
    )  # fmt: skip


async def rows_of_order(tx: ReadTx, order_id: UUID) -> list[CardRow]:
    """The cards that an order bought."""
    return await tx.rows(CardRow, _CARD + "where c.order_id = %(id)s order by c.holder_seq", id=order_id)


async def newest_rows(tx: ReadTx, limit: int) -> list[CardRow]:
    """The cards that were bought last."""
    return await tx.rows(CardRow, _CARD + "order by c.id desc limit %(limit)s", limit=limit)


async def lock(tx: Tx, card_id: UUID) -> None:
    await tx.execute("select 1 from passes.cards where id = %(id)s for no key update", id=card_id)


async def locked(tx: Tx, card_id: UUID) -> Card:
    """A card with everything, locked until the transaction ends."""
    await lock(tx, card_id)
    return (await whole(tx, [await row(tx, card_id)]))[0]


class _Person(Companion, frozen=True, kw_only=True):
    card_id: UUID


class _Entitled(Entitlement, frozen=True, kw_only=True):
    card_id: UUID


class _Counted(Counter, frozen=True, kw_only=True):
    card_id: UUID


class _Used(Use, frozen=True, kw_only=True):
    card_id: UUID


async def whole(tx: ReadTx, rows: Sequence[CardRow]) -> list[Card]:
    """Cards with their people, entitlements, counters and uses."""
    ids = [row.id for row in rows]
    people = await tx.rows(
        _Person,
        """select card_id, seq, kind, name_masked, document_type, document_last4 from passes.card_people
           where card_id = any(%(ids)s) order by seq""",
        ids=ids,
    )
    entitled = await tx.rows(
        _Entitled,
        """select e.card_id, e.item, e.venue_id, v.name as venue_name, e.prices, e.uses_max, e.held, e.used
           from passes.entitlements e join catalogue.venues v on v.id = e.venue_id where e.card_id = any(%(ids)s)
           order by v.position, e.item""",
        ids=ids,
    )
    counted = await tx.rows(
        _Counted,
        "select card_id, code, uses_max, held, used from passes.counters where card_id = any(%(ids)s) order by code",
        ids=ids,
    )
    uses = await tx.rows(
        _Used,
        """select card_id, id, item, state, order_id, order_number, line_seq, product_id, visit_date, starts_at, ends_at,
                  people, list_minor from passes.uses where card_id = any(%(ids)s) order by starts_at, id""",
        ids=ids,
    )
    return [
        Card(
            row,
            [one for one in people if one.card_id == row.id],
            [one for one in entitled if one.card_id == row.id],
            [one for one in counted if one.card_id == row.id],
            [one for one in uses if one.card_id == row.id],
        )
        for row in rows
    ]


class SealedPerson(msgspec.Struct, frozen=True):
    """Somebody a card is for; name and document are sealed, and gone some weeks after the card is over."""

    seq: int
    kind: str
    name: bytes | None
    document_type: str
    document: bytes | None


async def sealed_people(tx: ReadTx, card_id: UUID) -> list[SealedPerson]:
    return await tx.rows(
        SealedPerson,
        "select seq, kind, name, document_type, document from passes.card_people where card_id = %(id)s order by seq",
        id=card_id,
    )


async def had_before(tx: ReadTx, card: CardRow) -> bool:
    """Whether the person behind a card had one of the same kind before."""
    return bool(
        await tx.value(
            """select exists (select 1 from passes.cards c where c.product_id = %(product)s and c.id <> %(id)s
                 and c.issued_at < %(at)s and c.account_id in (select accounts.members(%(account)s))
                 and exists (select 1 from passes.uses u where u.card_id = c.id and u.state = 'used'))""",
            product=card.product_id, id=card.id, at=card.issued_at, account=card.account_id,
        )
    )  # fmt: skip


async def sold_today(tx: ReadTx, product_id: str, since: datetime) -> int:
    """How many of a card were sold since then."""
    return int(
        await tx.value(
            "select count(*) from passes.cards where product_id = %(id)s and issued_at >= %(since)s",
            id=product_id,
            since=since,
        )
    )


async def activate(tx: Tx, card_id: UUID, at: datetime, valid_from: date | None, valid_to: date | None) -> None:
    await tx.execute(
        """update passes.cards set state = 'active', activated_at = %(at)s, valid_from = %(from)s, valid_to = %(to)s
           where id = %(id)s""",
        id=card_id, at=at, **{"from": valid_from, "to": valid_to},
    )  # fmt: skip


async def set_days(
    tx: Tx,
    card_id: UUID,
    valid_from: date | None,
    valid_to: date | None,
    first: datetime | None,
    until: datetime | None,
) -> None:
    """When the card began, and until when it serves; all null while nothing was used."""
    await tx.execute(
        """update passes.cards set valid_from = %(from)s, valid_to = %(to)s, first_used_at = %(first)s, valid_until = %(until)s
           where id = %(id)s""",
        id=card_id, first=first, until=until, **{"from": valid_from, "to": valid_to},
    )  # fmt: skip


async def set_active(tx: Tx, card_id: UUID) -> None:
    await tx.execute(
        "update passes.cards set state = 'active', suspended_why = '', ended_at = null where id = %(id)s", id=card_id
    )


async def suspend(tx: Tx, card_id: UUID, why: str) -> None:
    await tx.execute(
        "update passes.cards set state = 'suspended', suspended_why = %(why)s where id = %(id)s", id=card_id, why=why
    )


async def end(tx: Tx, card_id: UUID, state: CardState, at: datetime) -> None:
    """The card is used up, over, or given back."""
    await tx.execute(
        "update passes.cards set state = %(state)s, suspended_why = '', ended_at = %(at)s where id = %(id)s",
        id=card_id, state=state, at=at,
    )  # fmt: skip


async def over(tx: ReadTx, today: date, now: datetime, limit: int) -> list[UUID]:
    """Cards whose time is over and for which no visit is booked."""
    return await tx.values(
        """select c.id from passes.cards c
           where (c.state = 'issued' and c.activate_by < %(today)s
               or c.state = 'active' and (c.valid_to < %(today)s or c.valid_until <= %(now)s
                                          or c.valid_to is null and c.activate_by < %(today)s))
             and not exists (select 1 from passes.uses u where u.card_id = c.id and u.state = 'held')
           order by c.id limit %(limit)s""",
        today=today, now=now, limit=limit,
    )  # fmt: skip


async def tallies(tx: ReadTx, groups: Groups) -> list[Tally]:
    """Cards by state of each side of a merge."""
    return await tx.rows(
        Tally,
        """select g.side, 'cards' as kind, c.state as name, '' as currency, count(*), 0::bigint as sum_minor
             from unnest(%(sides)s::text[], %(accounts)s::uuid[]) as g (side, account_id)
             cross join lateral (select k.state from passes.cards k where k.account_id = g.account_id
                                  order by k.id desc limit %(most)s) c
            group by g.side, c.state""",
        sides=groups.sides, accounts=groups.accounts, most=groups.most,
    )  # fmt: skip


class CardEvent(msgspec.Struct, frozen=True):
    """Something that happened to a card."""

    kind: str
    at: datetime
    actor: str
    details: dict[str, Any]


async def events(tx: ReadTx, card_id: UUID) -> list[CardEvent]:
    """The story of a card and its uses, oldest first."""
    return await tx.rows(
        CardEvent,
        """select kind, at, actor, details from passes.card_events where card_id = %(id)s
           union all select 'use_' || e.kind, e.at, e.actor, e.details || jsonb_build_object('item', u.item, 'day', u.visit_date)
             from passes.use_events e join passes.uses u on u.id = e.use_id where u.card_id = %(id)s
           order by at""",
        id=card_id,
    )


async def add_event(tx: Tx, card_id: UUID, kind: str, at: datetime, actor: str, details: dict[str, Any]) -> None:
    """Adds to the story of a card, which the caller has locked."""
    await tx.execute(
        """insert into passes.card_events (card_id, seq, kind, at, actor, details)
           select %(id)s, coalesce(max(seq), 0) + 1, %(kind)s, %(at)s, %(actor)s, %(details)s
           from passes.card_events where card_id = %(id)s""",
        id=card_id, kind=kind, at=at, actor=actor, details=Jsonb(details),
    )  # fmt: skip
