"""SQL that finds orders: a person's own by what they wish to see, and anybody's by what is known of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .finding_model import Candidate, Loose
from .model import OrderRow, State


class Ranked(OrderRow, frozen=True):
    """An order and its place in the list: seconds of its start when it is still to come, else counted backwards."""

    rank: int = 0


async def of_person(
    tx: ReadTx, account_id: UUID, *, number: str, text: str, state: State | None, since: date | None, until: date | None,
    at: datetime, after: tuple[int, UUID] | None, limit: int,
) -> list[Ranked]:  # fmt: skip
    """A page of a person's orders that fit: those still to come at `at` first, the soonest before; then the others, latest first."""
    rank, order_id = after or (None, None)
    return await tx.rows(
        Ranked,
        """with mine as (
             select o.id, min(s.starts_at) as starts_at,
                    coalesce(max(s.ends_at) > %(at)s, false) and o.state in ('held', 'awaiting_payment', 'confirmed') as coming,
                    o.number = %(number)s or %(text)s = '' or coalesce(bool_or(position(%(text)s in lower(concat_ws(' ',
                      v.name ->> 'zh', v.name ->> 'en', v.search_text))) > 0), false) as named,
                    coalesce(bool_or((%(since)s::date is null or s.visit_date >= %(since)s)
                                     and (%(until)s::date is null or s.visit_date <= %(until)s)),
                             %(since)s::date is null and %(until)s::date is null) as dated
             from orders.orders o left join orders.lines l on l.order_id = o.id and l.part = 'current'
             left join inventory.slots s on s.id = l.slot_id left join catalogue.venues v on v.id = s.venue_id
             where o.account_id in (select accounts.members(%(account)s)) and (%(state)s::text is null or o.state = %(state)s)
             group by o.id),
           ranked as (
             select o.*, case when m.coming then extract(epoch from m.starts_at)
                              else 20000000000 - extract(epoch from coalesce(m.starts_at, o.placed_at)) end::bigint as rank
             from mine m join orders.orders o on o.id = m.id where m.named and m.dated)
           select id, number, account_id, state, amount_minor, currency, phone_masked, locale, channel, placed_at, expires_at,
                  confirmed_at, intent_id, ticket_version, rank
           from ranked where %(rank)s::bigint is null or (rank, id) > (%(rank)s, %(id)s::uuid)
           order by rank, id limit %(limit)s""",
        account=account_id, number=number, text=text, state=state, since=since, until=until, at=at, rank=rank, id=order_id,
        limit=limit,
    )  # fmt: skip


async def rows(tx: ReadTx, order_ids: list[UUID]) -> list[OrderRow]:
    """These orders, whoever owns them: callers authorise."""
    return await tx.rows(
        OrderRow,
        """select id, number, account_id, state, amount_minor, currency, phone_masked, locale, channel, placed_at, expires_at,
                  confirmed_at, intent_id, ticket_version from orders.orders where id = any(%(ids)s)""",
        ids=order_ids,
    )


_CANDIDATE: LiteralString = """select o.id, o.number, o.account_id, o.state, o.phone_index, o.phone_masked,
    coalesce((select array_agg(i.value_index) from accounts.identifiers i where i.account_id = o.account_id and i.kind = 'phone'),
             '{}') as phones
    from orders.orders o """


async def candidates(tx: ReadTx, order_ids: list[UUID]) -> list[Candidate]:
    """These orders, with what proves that they are somebody's."""
    return await tx.rows(Candidate, _CANDIDATE + "where o.id = any(%(ids)s) order by o.id desc", ids=order_ids)


async def with_number(tx: ReadTx, number: str) -> list[UUID]:
    return await tx.values("select id from orders.orders where number = %(number)s", number=number)


async def with_document(tx: ReadTx, index: bytes, limit: int) -> list[UUID]:
    """The newest orders with a traveller of this document, also one who has left."""
    return await tx.values(
        """select distinct order_id from orders.travellers where document_index = %(index)s
           order by order_id desc limit %(limit)s""",
        index=index, limit=limit,
    )  # fmt: skip


async def with_phone(tx: ReadTx, index: bytes, limit: int) -> list[UUID]:
    """The newest orders that were placed with a phone, or by an account that signs in with it."""
    return await tx.values(
        """select id from (
             select id from orders.orders where phone_index = %(index)s
             union select o.id from accounts.identifiers i join orders.orders o on o.account_id = i.account_id
                   where i.kind = 'phone' and i.value_index = %(index)s) found
           order by id desc limit %(limit)s""",
        index=index, limit=limit,
    )  # fmt: skip


async def with_payments(tx: ReadTx, intent_ids: list[UUID]) -> dict[UUID, UUID]:
    """Order by payment; a payment that is no order's is left out."""
    rows = await tx.tuples(
        "select intent_id, order_id from orders.intents where intent_id = any(%(ids)s)", ids=intent_ids
    )
    return dict(rows)


async def paid_about(tx: ReadTx, amount_minor: int, since: datetime, until: datetime, limit: int) -> list[UUID]:
    """The payments of this amount that were begun in this time, the newest first."""
    return await tx.values(
        """select intent_id from payments.attempts
           where amount_minor = %(amount)s and created_at >= %(since)s and created_at < %(until)s
           group by intent_id order by max(created_at) desc limit %(limit)s""",
        amount=amount_minor, since=since, until=until, limit=limit,
    )  # fmt: skip


async def loose(tx: ReadTx, intent_ids: list[UUID]) -> list[Loose]:
    """The newest attempt of each of these payments."""
    return await tx.rows(
        Loose,
        """select distinct on (intent_id) intent_id, merchant_ref, provider, state, amount_minor, currency, created_at
           from payments.attempts where intent_id = any(%(ids)s)
           order by intent_id, role = 'winner' desc nulls last, created_at desc""",
        ids=intent_ids,
    )


async def charged(tx: ReadTx, order_ids: list[UUID]) -> bool:
    """Whether one of these orders got money although it holds no places, and the money is not all on its way back."""
    return bool(
        await tx.value(
            """select exists (
                 select from orders.orders o join orders.intents i on i.order_id = o.id
                 join payments.attempts a on a.intent_id = i.intent_id and a.state = 'succeeded'
                 where o.id = any(%(ids)s) and o.state in ('held', 'awaiting_payment', 'cancelled', 'expired')
                   and a.paid_minor > (select coalesce(sum(r.amount_minor), 0) from payments.refunds r
                                       where r.attempt_id = a.id and r.state <> 'closed'))""",
            ids=order_ids,
        )
    )


class Owned(msgspec.Struct, frozen=True):
    """An order, its phone (sealed; None: erased), its row's account, and who placed it according to its story (``traveller:<account>``)."""

    id: UUID
    number: str
    account_id: UUID
    phone: bytes | None
    actor: str


_OWNED: LiteralString = """select o.id, o.number, o.account_id, o.phone, e.actor
    from orders.orders o join orders.events e on e.order_id = o.id and e.seq = 1 and o.erased_at is null """


async def newest(tx: ReadTx, limit: int) -> list[Owned]:
    return await tx.rows(Owned, _OWNED + "order by o.id desc limit %(limit)s", limit=limit)


async def from_id_on(tx: ReadTx, order_id: UUID, limit: int) -> list[Owned]:
    """So many orders from an id on: ids are in order of time."""
    return await tx.rows(Owned, _OWNED + "where o.id >= %(id)s order by o.id limit %(limit)s", id=order_id, limit=limit)


async def missed(tx: ReadTx, limit: int) -> list[Owned]:
    """The orders that have an alarm."""
    return await tx.rows(
        Owned,
        _OWNED
        + """where o.id in (select order_id from orders.misses where ended_at is null)
           order by o.id limit %(limit)s""",
        limit=limit,
    )


async def first_id(tx: ReadTx) -> UUID | None:
    found: UUID | None = await tx.value("select id from orders.orders where erased_at is null order by id limit 1")
    return found


async def note_miss(tx: Tx, order_id: UUID, way: str, at: datetime) -> None:
    """An alarm, once for each order and way until it ends."""
    await tx.execute(
        """insert into orders.misses (order_id, way, seen_at) values (%(order)s, %(way)s, %(at)s)
           on conflict (order_id, way) where ended_at is null do nothing""",
        order=order_id, way=way, at=at,
    )  # fmt: skip


async def end_misses(tx: Tx, order_id: UUID, ways: list[str], at: datetime) -> None:
    """The order is found again in these ways."""
    await tx.execute(
        """update orders.misses set ended_at = %(at)s
           where order_id = %(order)s and way = any(%(ways)s) and ended_at is null""",
        order=order_id, ways=ways, at=at,
    )  # fmt: skip


async def insert_link(tx: Tx, token_hash: bytes, order_id: UUID, at: datetime, expires_at: datetime) -> None:
    await tx.execute(
        """insert into orders.one_time_links (token_hash, order_id, created_at, expires_at)
           values (%(hash)s, %(order)s, %(at)s, %(expires)s)""",
        hash=token_hash, order=order_id, at=at, expires=expires_at,
    )  # fmt: skip


async def link_stands(tx: ReadTx, token_hash: bytes, now: datetime) -> bool:
    """Whether a link was made by us, was not used and is not over."""
    return bool(
        await tx.value(
            """select exists (select from orders.one_time_links
                              where token_hash = %(hash)s and used_at is null and expires_at > %(now)s)""",
            hash=token_hash, now=now,
        )
    )  # fmt: skip


async def use_link(tx: Tx, token_hash: bytes, now: datetime) -> str | None:
    """Uses a link up; the number of its order, or None."""
    number: str | None = await tx.value(
        """update orders.one_time_links l set used_at = %(now)s from orders.orders o
           where l.token_hash = %(hash)s and l.used_at is null and l.expires_at > %(now)s and o.id = l.order_id
           returning o.number""",
        hash=token_hash, now=now,
    )  # fmt: skip
    return number


async def forget_links(tx: Tx, before: datetime) -> int:
    """Deletes links that were over before a moment."""
    return await tx.execute("delete from orders.one_time_links where expires_at < %(before)s", before=before)
