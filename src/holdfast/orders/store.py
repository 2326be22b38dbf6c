"""All SQL of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit import crypto
from holdfast.kit.db import ReadTx, Tx

from .model import Event, Line, OrderRow, PlaceRequest, State, TravellerView


async def place_many(
    tx: Tx, requests: Sequence[PlaceRequest], *, at: datetime, hold_s: int, subscribers: list[str]
) -> str:
    """The SQL function that decides and writes a batch; its JSON answer, one element per request."""
    heads, lines, travellers = [], [], []
    offers: dict[int, int] = {}
    for n, request in enumerate(requests, 1):
        head = {name: getattr(request, name) for name in _HEAD}
        head["n"] = n
        if request.grants is not None:  # many are alike: their grants travel once
            head["offer"] = first = offers.setdefault(id(request.grants), n)
            head["grants"] = [grant.wire() for grant in request.grants] if first == n else None
        heads.append(head)
        for line in request.lines:
            lines.append({"n": n, **msgspec.structs.asdict(line)})
        for traveller in request.travellers:
            travellers.append({"n": n, **msgspec.structs.asdict(traveller)})
    encode = msgspec.json.Encoder().encode
    answer: str = await tx.value(
        """select orders.place_many(%(heads)s::json, %(lines)s::json, %(travellers)s::json, %(at)s, %(hold)s,
                                    %(subscribers)s)::text""",
        heads=encode(heads).decode(), lines=encode(lines).decode(), travellers=encode(travellers).decode(), at=at,
        hold=timedelta(seconds=hold_s), subscribers=subscribers,
    )  # fmt: skip
    return answer


_ORDER: LiteralString = """select id, number, account_id, state, amount_minor, currency, phone_masked, locale, channel,
    placed_at, expires_at, confirmed_at, intent_id, ticket_version, granted from orders.orders """
_HEAD = tuple(name for name in PlaceRequest.__struct_fields__ if name not in ("lines", "travellers"))


async def by_number(tx: ReadTx, number: str) -> OrderRow | None:
    """The order of a number, whoever owns it: callers authorise."""
    return await tx.maybe(
        OrderRow,
        _ORDER + """where number = %(number)s""",
        number=number,
    )


async def of_person(tx: ReadTx, number: str, account_id: UUID) -> OrderRow | None:
    """The order of a number if it belongs to the person behind an account."""
    return await tx.maybe(
        OrderRow,
        _ORDER + """where number = %(number)s and account_id in (select accounts.members(%(account)s))""",
        number=number, account=account_id,
    )  # fmt: skip


async def with_phone(tx: ReadTx, number: str, phone_index: bytes) -> OrderRow | None:
    """The order of a number if it was placed with that phone."""
    return await tx.maybe(
        OrderRow,
        _ORDER + """where number = %(number)s and phone_index = %(phone)s""",
        number=number, phone=phone_index,
    )  # fmt: skip


async def newest_of_person(tx: ReadTx, account_id: UUID, before: UUID | None, limit: int) -> list[OrderRow]:
    """A page of a person's orders, newest first: ids are in order of time, and no two orders share one."""
    return await tx.rows(
        OrderRow,
        _ORDER + """where account_id in (select accounts.members(%(account)s))
             and (%(before)s::uuid is null or id < %(before)s)
           order by id desc limit %(limit)s""",
        account=account_id, before=before, limit=limit,
    )  # fmt: skip


async def promises(tx: ReadTx, account_id: UUID) -> int:
    """How many orders of the person behind an account are confirmed and not paid yet."""
    return int(
        await tx.value(
            """select count(*) from orders.orders o join payments.intents i on i.id = o.intent_id
               where o.account_id in (select accounts.members(%(account)s)) and o.state = 'confirmed' and i.state = 'deferred'""",
            account=account_id,
        )
    )


async def locked(tx: Tx, order_id: UUID) -> OrderRow | None:
    """The order, locked until the transaction ends."""
    return await tx.maybe(
        OrderRow,
        _ORDER + """where id = %(id)s for no key update""",
        id=order_id,
    )


async def by_intent_locked(tx: Tx, intent_id: UUID) -> OrderRow | None:
    """The order whose placing a payment intent is for, locked."""
    return await tx.maybe(
        OrderRow,
        _ORDER + """where intent_id = %(id)s for no key update""",
        id=intent_id,
    )


class LineOf(Line, frozen=True, kw_only=True):
    """A line and the order it belongs to."""

    order_id: UUID


async def lines(tx: ReadTx, order_ids: list[UUID]) -> dict[UUID, list[Line]]:
    """The current lines of several orders, with the names of what they are for."""
    rows = await tx.rows(
        LineOf,
        """select l.order_id, l.seq, l.slot_id, s.venue_id, v.name as venue_name, p.name as product_name, s.visit_date,
                  s.starts_at, s.ends_at, v.time_zone, c.name as ticket_name, l.quantity, l.places, l.unit_minor, l.live,
                  v.kind as venue_kind, l.discount_minor
           from orders.lines l join inventory.slots s on s.id = l.slot_id
           join catalogue.venues v on v.id = s.venue_id join catalogue.products p on p.id = s.product_id
           join catalogue.prices c on c.id = l.price_id
           where l.order_id = any(%(ids)s) and l.part = 'current' order by l.order_id, l.seq""",
        ids=order_ids,
    )
    found: dict[UUID, list[Line]] = {order_id: [] for order_id in order_ids}
    for row in rows:
        found[row.order_id].append(row)
    return found


async def travellers(tx: ReadTx, order_id: UUID) -> list[TravellerView]:
    """The travellers of an order who have not left it, masked."""
    return await tx.rows(
        TravellerView,
        """select seq, line_seq, name_masked, document_type, document_last4,
                  encode(substring(document_index for 6), 'hex') as document_tag
           from orders.travellers where order_id = %(id)s and part = 'current' order by seq""",
        id=order_id,
    )


async def events(tx: ReadTx, order_id: UUID) -> list[Event]:
    """The whole story of an order."""
    return await tx.rows(
        Event,
        "select seq, kind, at, actor, details from orders.events where order_id = %(id)s order by seq",
        id=order_id,
    )


async def add_event(tx: Tx, order_id: UUID, kind: str, at: datetime, actor: str, details: dict[str, Any]) -> None:
    """Appends to the story of an order, which the caller has locked."""
    await tx.execute(
        """insert into orders.events (order_id, seq, kind, at, actor, details)
           select %(id)s, coalesce(max(seq), 0) + 1, %(kind)s, %(at)s, %(actor)s, %(details)s
           from orders.events where order_id = %(id)s""",
        id=order_id, kind=kind, at=at, actor=actor, details=Jsonb(details),
    )  # fmt: skip


async def set_state(
    tx: Tx, order_id: UUID, state: State, *, expires_at: datetime | None, confirmed_at: datetime | None
) -> None:
    """Writes a new state; callers have locked the order and asked the transition table."""
    await tx.execute(
        """update orders.orders set state = %(state)s, expires_at = %(expires)s,
                  confirmed_at = coalesce(%(confirmed)s, confirmed_at) where id = %(id)s""",
        id=order_id, state=state, expires=expires_at, confirmed=confirmed_at,
    )  # fmt: skip


async def set_intent(tx: Tx, order_id: UUID, intent_id: UUID) -> None:
    """Binds the order to its one payment intent."""
    await tx.execute("update orders.orders set intent_id = %(intent)s where id = %(id)s", id=order_id, intent=intent_id)


async def release(tx: Tx, order_id: UUID) -> None:
    """Gives the places and documents of an order back; its lines stay, no longer live."""
    await tx.execute(
        """with gone as (update orders.lines set live = false, part = case part when 'awaited' then 'left' else part end
                         where order_id = %(id)s and live returning slot_id, places),
                sums as (select slot_id, sum(places)::int as places from gone group by slot_id),
                ids as (select array_agg(slot_id order by slot_id) as slots, array_agg(places order by slot_id) as places from sums)
           select inventory.lock_many(slots), inventory.release_many(slots, places) from ids where slots is not null""",
        id=order_id,
    )
    await tx.execute(
        """update orders.travellers set live = false, part = case part when 'awaited' then 'left' else part end
           where order_id = %(id)s and (live or part = 'awaited')""",
        id=order_id,
    )


async def expired_unpaid(tx: Tx, now: datetime, limit: int) -> list[OrderRow]:
    """Orders whose hold is over, locked; others' locks are skipped."""
    return await tx.rows(
        OrderRow,
        _ORDER + """where state in ('held', 'awaiting_payment') and expires_at <= %(now)s
           order by expires_at limit %(limit)s for no key update skip locked""",
        now=now, limit=limit,
    )  # fmt: skip


async def expire_many(tx: Tx, order_ids: list[UUID], at: datetime, actor: str) -> None:
    """Lets the holds of locked orders go, set-based: state, event, documents, lines and places."""
    await tx.execute(
        "update orders.orders set state = 'expired', expires_at = null where id = any(%(ids)s)", ids=order_ids
    )
    await tx.execute(
        """insert into orders.events (order_id, seq, kind, at, actor)
           select order_id, max(seq) + 1, 'expired', %(at)s, %(actor)s from orders.events
           where order_id = any(%(ids)s) group by order_id""",
        ids=order_ids, at=at, actor=actor,
    )  # fmt: skip
    await tx.execute("update orders.travellers set live = false where order_id = any(%(ids)s) and live", ids=order_ids)
    await tx.execute(
        """with gone as (update orders.lines set live = false where order_id = any(%(ids)s) and live returning slot_id, places),
                sums as (select slot_id, sum(places)::int as places from gone group by slot_id),
                ids as (select array_agg(slot_id order by slot_id) as slots, array_agg(places order by slot_id) as places from sums)
           select inventory.lock_many(slots), inventory.release_many(slots, places) from ids where slots is not null""",
        ids=order_ids,
    )


async def retake(tx: Tx, order_id: UUID) -> None:
    """Makes a released order's lines and documents live again; slot_full or document_once_a_day if that cannot be."""
    await tx.execute(
        """with back as (update orders.lines set live = true
                         where order_id = %(id)s and part = 'current' and not live returning slot_id, places),
                sums as (select slot_id, sum(places)::int as places from back group by slot_id),
                ids as (select array_agg(slot_id order by slot_id) as slots, array_agg(places order by slot_id) as places from sums)
           select inventory.lock_many(slots), inventory.take_many(slots, places) from ids where slots is not null""",
        id=order_id,
    )
    await tx.execute(
        "update orders.travellers set live = true where order_id = %(id)s and part = 'current' and not live",
        id=order_id,
    )


async def postpone_expiry(tx: Tx, order_ids: list[UUID], until: datetime) -> None:
    """Keeps orders whose payment is being asked about."""
    await tx.execute(
        "update orders.orders set expires_at = %(until)s where id = any(%(ids)s)", ids=order_ids, until=until
    )


async def phone(tx: ReadTx, order_id: UUID) -> str:
    """The E.164 number that gets the order's messages; empty when its owner had it erased."""
    sealed = await tx.value("select phone from orders.orders where id = %(id)s", id=order_id)
    return crypto.unseal("orders.orders.phone", bytes(sealed)) if sealed is not None else ""
