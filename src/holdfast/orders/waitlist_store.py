"""SQL of the waiting list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .waitlist_model import Line, Wait, WaitState, WaitView

_WAIT: LiteralString = """select w.id, w.place, w.account_id, w.slot_id, w.tickets, w.places, w.locale, w.state, w.order_id, w.joined_at,
    w.passed_at, w.passed_why, w.offered_at, w.until_at, w.ended_at from orders.waits w """


async def by_key(tx: ReadTx, account_id: UUID, key: str) -> Wait | None:
    """What an earlier request with this key made."""
    return await tx.maybe(
        Wait,
        _WAIT + "where w.account_id in (select accounts.members(%(account)s)) and w.key = %(key)s",
        account=account_id,
        key=key,
    )


async def open_of(tx: ReadTx, account_id: UUID) -> list[Wait]:
    """The lists in which the person behind an account waits or has an offer."""
    return await tx.rows(
        Wait,
        _WAIT + "where w.account_id in (select accounts.members(%(account)s)) and w.ended_at is null order by w.place",
        account=account_id,
    )


async def insert(
    tx: Tx, *, wait_id: UUID, key: str, account_id: UUID, slot_id: UUID, tickets: list[dict[str, Any]], places: int,
    people: bytes, locale: str, at: datetime,
) -> None:  # fmt: skip
    """A party at the end of a list whose slot the caller has locked; from now on what comes free is kept."""
    await tx.execute(
        """insert into orders.waits (id, key, account_id, slot_id, tickets, places, people, locale, state, joined_at)
           values (%(id)s, %(key)s, %(account)s, %(slot)s, %(tickets)s, %(places)s, %(people)s, %(locale)s, 'waiting', %(at)s)""",
        id=wait_id, key=key, account=account_id, slot=slot_id, tickets=Jsonb(tickets), places=places, people=people,
        locale=locale, at=at,
    )  # fmt: skip
    await tx.value("select inventory.begin_waiting(%(slot)s)", slot=slot_id)


async def locked(tx: Tx, wait_id: UUID, account_id: UUID) -> Wait | None:
    """A party of the person behind an account, locked."""
    return await tx.maybe(
        Wait,
        _WAIT + "where w.id = %(id)s and w.account_id in (select accounts.members(%(account)s)) for no key update",
        id=wait_id,
        account=account_id,
    )


async def capacity(tx: ReadTx, slot_id: UUID) -> tuple[int, datetime]:
    """How many places a slot has in all, and when its sale ends."""
    [(places, closes_at)] = await tx.tuples(
        "select capacity, sale_closes_at from inventory.slots where id = %(id)s", id=slot_id
    )
    return places, closes_at


_VIEW: LiteralString = """select to_jsonb(w) - 'people' - 'key' as wait, s.venue_id, v.name as venue_name, p.name as product_name, s.visit_date, s.starts_at, s.ends_at,
    v.time_zone, s.sale_closes_at, s.state = 'open' as is_open, q.ahead, q.ahead_places, q.behind, q.offers_made, o.number as order_number
    from orders.waits w join inventory.slots s on s.id = w.slot_id join catalogue.venues v on v.id = s.venue_id
    join catalogue.products p on p.id = s.product_id left join orders.orders o on o.id = w.order_id
    cross join lateral (
      select count(*) filter (where x.state = 'waiting' and x.place < w.place) as ahead,
             coalesce(sum(x.places) filter (where x.state = 'waiting' and x.place < w.place), 0) as ahead_places,
             count(*) filter (where x.state = 'waiting' and x.place > w.place) as behind,
             count(*) filter (where x.offered_at is not null) as offers_made
        from orders.waits x where x.slot_id = w.slot_id) q """


async def views(tx: ReadTx, account_id: UUID, wait_id: UUID | None, limit: int) -> list[WaitView]:
    """The lists of the person behind an account, or the one of them with that id; those that have not ended first."""
    rows = await tx.dicts(
        _VIEW + """where w.account_id in (select accounts.members(%(account)s)) and (%(id)s::uuid is null or w.id = %(id)s)
           order by w.ended_at is not null, w.place desc limit %(limit)s""",
        account=account_id, id=wait_id, limit=limit,
    )  # fmt: skip
    return msgspec.convert(rows, list[WaitView])


async def lengths(tx: ReadTx, slot_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many parties wait for each of these slots; those without a list are left out."""
    return dict(
        await tx.tuples(
            "select slot_id, count(*) from orders.waits where slot_id = any(%(ids)s) and state = 'waiting' group by slot_id",
            ids=list(slot_ids),
        )
    )


async def due(tx: ReadTx, now: datetime) -> list[UUID]:
    """The slots whose list has something to do: an answered offer, places for somebody, kept leftovers, or the end."""
    return await tx.values(
        """select distinct w.slot_id from orders.waits w join inventory.slots s on s.id = w.slot_id
             left join orders.orders o on o.id = w.order_id
            where w.ended_at is null and (
                  w.state = 'offered' and o.state not in ('held', 'awaiting_payment')
               or w.state = 'waiting' and (s.sale_closes_at <= %(now)s or s.kept > 0
                  or s.state = 'open' and s.capacity - s.taken - s.set_aside + s.kept >= w.places))
           union
           select s.id from inventory.slots s where s.is_waited_for
              and not exists (select 1 from orders.waits w where w.slot_id = s.id and w.state = 'waiting')""",
        now=now,
    )


async def line(tx: ReadTx, slot_id: UUID) -> Line | None:
    """The list of a slot as it stands."""
    return await tx.maybe(
        Line,
        """select s.id as slot_id, s.venue_id, s.starts_at, s.sale_closes_at, v.time_zone, s.state = 'open' as is_open,
                  s.capacity - s.taken - s.set_aside + s.kept as free, s.kept, l.since as leftover_since
             from inventory.slots s join catalogue.venues v on v.id = s.venue_id
             left join orders.wait_leftovers l on l.slot_id = s.id where s.id = %(id)s""",
        id=slot_id,
    )


class Answered(msgspec.Struct, frozen=True):
    """An offer whose order is no longer waiting for its payment."""

    id: UUID
    account_id: UUID
    locale: str
    order_state: str


async def answered(tx: Tx, slot_id: UUID) -> list[Answered]:
    """The offers of a slot that were taken, declined or not paid, locked."""
    return await tx.rows(
        Answered,
        """select w.id, w.account_id, w.locale, o.state as order_state from orders.waits w join orders.orders o on o.id = w.order_id
            where w.slot_id = %(slot)s and w.state = 'offered' and o.state not in ('held', 'awaiting_payment')
            order by w.place for no key update of w""",
        slot=slot_id,
    )


async def next_that_fits(tx: Tx, slot_id: UUID, free: int, again_before: datetime) -> Wait | None:
    """The first party of the list that so many places are enough for, locked. Passed over, without losing their place: parties
    that are too big, that could not be offered places a moment ago, or that hold an offer at this venue on that day."""
    return await tx.maybe(
        Wait,
        _WAIT + """where w.slot_id = %(slot)s and w.state = 'waiting' and w.places <= %(free)s
              and (w.passed_at is null or w.passed_at < %(again)s)
              and not exists (select 1 from orders.waits x join inventory.slots t on t.id = x.slot_id
                               join inventory.slots s on s.id = w.slot_id
                              where x.account_id = w.account_id and x.state = 'offered' and x.id <> w.id
                                and t.venue_id = s.venue_id and t.visit_date = s.visit_date)
            order by w.place limit 1 for no key update of w""",
        slot=slot_id, free=free, again=again_before,
    )  # fmt: skip


async def waiting(tx: Tx, slot_id: UUID) -> list[Wait]:
    """Everybody who waits for a slot, locked, in their order."""
    return await tx.rows(
        Wait, _WAIT + "where w.slot_id = %(slot)s and w.state = 'waiting' order by w.place for no key update", slot=slot_id
    )  # fmt: skip


async def people(tx: ReadTx, wait_id: UUID) -> bytes:
    """The sealed travellers of a party that waits."""
    return bytes(await tx.value("select people from orders.waits where id = %(id)s", id=wait_id))


async def lock_person(tx: Tx, account_id: UUID) -> None:
    """Locks the person before the slot, in the order in which every booking does."""
    await tx.value(
        """select r.id from accounts.accounts a join accounts.accounts r on r.id = a.root where a.id = %(id)s
           for no key update of r""",
        id=account_id,
    )


async def draw(tx: Tx, slot_id: UUID, places: int) -> None:
    """So many of the places that were kept are no longer set aside."""
    await tx.value("select inventory.draw_kept(%(slot)s, %(places)s)", slot=slot_id, places=places)


async def set_offered(tx: Tx, wait_id: UUID, order_id: UUID, at: datetime, until: datetime | None) -> None:
    """The party's places are held by an order; its travellers stand there from now on."""
    await tx.execute(
        """update orders.waits set state = 'offered', order_id = %(order)s, offered_at = %(at)s, until_at = %(until)s, people = null,
                  passed_why = '' where id = %(id)s""",
        id=wait_id, order=order_id, at=at, until=until,
    )  # fmt: skip


async def end(tx: Tx, wait_id: UUID, state: WaitState, at: datetime) -> None:
    """A party is no longer in the list."""
    await tx.execute(
        "update orders.waits set state = %(state)s, ended_at = %(at)s, people = null where id = %(id)s",
        id=wait_id, state=state, at=at,
    )  # fmt: skip


async def pass_over(tx: Tx, wait_id: UUID, at: datetime, why: str) -> None:
    """Places were there and could not be offered to this party, for a reason of its own."""
    await tx.execute(
        "update orders.waits set passed_at = %(at)s, passed_why = %(why)s where id = %(id)s and state = 'waiting'",
        id=wait_id, at=at, why=why,
    )  # fmt: skip


async def others_that_day(tx: Tx, wait_id: UUID) -> list[UUID]:
    """Other parties of the same person that wait at the same venue on the same day, locked."""
    return await tx.values(
        """select x.id from orders.waits w join inventory.slots s on s.id = w.slot_id
             join orders.waits x on x.account_id = w.account_id and x.id <> w.id and x.state = 'waiting'
             join inventory.slots t on t.id = x.slot_id and t.venue_id = s.venue_id and t.visit_date = s.visit_date
            where w.id = %(id)s order by x.place for no key update of x""",
        id=wait_id,
    )


async def note_leftover(tx: Tx, slot_id: UUID, since: datetime) -> None:
    await tx.execute(
        "insert into orders.wait_leftovers (slot_id, since) values (%(slot)s, %(since)s) on conflict do nothing",
        slot=slot_id, since=since,
    )  # fmt: skip


async def forget_leftover(tx: Tx, slot_id: UUID) -> None:
    await tx.execute("delete from orders.wait_leftovers where slot_id = %(slot)s", slot=slot_id)


async def end_line(tx: Tx, slot_id: UUID) -> None:
    """Nobody waits any more: nothing is kept, what comes free is on sale."""
    await tx.value(
        """select inventory.end_waiting(%(slot)s) where not exists (
             select 1 from orders.waits where slot_id = %(slot)s and state = 'waiting')""",
        slot=slot_id,
    )


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    """The lists these accounts joined, with what they are for and the sealed travellers, as far as they still wait."""
    return await tx.dicts(
        """select v.name as venue, p.name as product, s.starts_at, w.places, w.people, w.state, o.number as order_number, w.joined_at,
                  w.offered_at, w.ended_at
             from orders.waits w join inventory.slots s on s.id = w.slot_id join catalogue.venues v on v.id = s.venue_id
             join catalogue.products p on p.id = s.product_id left join orders.orders o on o.id = w.order_id
            where w.account_id = any(%(ids)s) order by w.place""",
        ids=list(accounts),
    )


async def waiting_of(tx: Tx, accounts: Sequence[UUID], limit: int) -> list[Wait]:
    """Lists in which these accounts wait, locked."""
    return await tx.rows(
        Wait,
        _WAIT + """where w.account_id = any(%(ids)s) and w.state = 'waiting' order by w.place limit %(limit)s for no key update""",
        ids=list(accounts), limit=limit,
    )  # fmt: skip


async def named(tx: ReadTx, slot_id: UUID) -> tuple[dict[str, str], str, datetime]:
    """What messages call a slot: its venue, the venue's zone, when it begins."""
    [found] = await tx.tuples(
        """select v.name, v.time_zone, s.starts_at from inventory.slots s join catalogue.venues v on v.id = s.venue_id
            where s.id = %(id)s""",
        id=slot_id,
    )
    return found[0], found[1], found[2]


async def root(tx: ReadTx, account_id: UUID) -> UUID:
    """The account by which all accounts of a person are locked together."""
    found: UUID = await tx.value("select root from accounts.accounts where id = %(id)s", id=account_id)
    return found
