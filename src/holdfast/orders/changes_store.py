"""SQL of changes to another slot: the old places stay until the new ones are certain."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .after_sale_model import Change, ChangeState
from .discounts_model import LineDiscount

_CHANGE: LiteralString = """select id, order_id, seq, state, from_slot, to_slot, old_minor, new_minor, fee_minor, due_minor,
    currency, benefit_id, intent_id, asked_by, asked_at, expires_at, ended_at from orders.changes """


class Target(msgspec.Struct, frozen=True):
    """A slot to change to, with what decides whether it may be sold."""

    id: UUID
    product_id: str
    venue_id: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    sale_opens_at: datetime
    sale_closes_at: datetime
    state: str
    reason: dict[str, str]
    places_left: int
    fresh_until: datetime | None


class Fare(msgspec.Struct, frozen=True):
    """What a ticket costs in the new slot."""

    price_id: str
    ticket: str
    amount_minor: int
    currency: str
    uses_place: bool


async def of_order(tx: ReadTx, order_id: UUID) -> list[Change]:
    """The changes of an order, the newest first."""
    return await tx.rows(Change, _CHANGE + "where order_id = %(id)s order by seq desc", id=order_id)


async def under_way(tx: ReadTx, order_id: UUID) -> Change | None:
    """The change that waits for its payment, if there is one."""
    return await tx.maybe(Change, _CHANGE + "where order_id = %(id)s and state = 'awaiting_payment'", id=order_id)


async def of_intent(tx: ReadTx, intent_id: UUID) -> Change | None:
    return await tx.maybe(Change, _CHANGE + "where intent_id = %(id)s", id=intent_id)


async def expiring(tx: ReadTx, now: datetime, limit: int) -> list[Change]:
    """Changes whose time to be paid is over."""
    return await tx.rows(
        Change,
        _CHANGE + "where state = 'awaiting_payment' and expires_at <= %(now)s order by expires_at limit %(limit)s",
        now=now, limit=limit,
    )  # fmt: skip


async def target(tx: ReadTx, slot_id: UUID) -> Target | None:
    return await tx.maybe(
        Target,
        """select id, product_id, venue_id, visit_date, starts_at, ends_at, sale_opens_at, sale_closes_at, state, reason,
                  capacity - taken - set_aside as places_left, fresh_until from inventory.slots where id = %(id)s""",
        id=slot_id,
    )


async def lock_slots(tx: Tx, slot_ids: list[UUID]) -> None:
    """Locks slots in the order that everybody keeps."""
    await tx.value("select inventory.lock_many(%(ids)s)", ids=sorted(slot_ids))


async def fares(tx: ReadTx, product_id: str, day: date) -> list[Fare]:
    """The tickets of a product that are sold for a day."""
    return await tx.rows(
        Fare,
        """select id as price_id, ticket, amount_minor, currency, uses_place from catalogue.prices
           where product_id = %(product)s and retired_at is null and catalogue.in_season(%(day)s, from_day, to_day)
           order by position, id""",
        product=product_id, day=day,
    )  # fmt: skip


async def documents_taken(tx: ReadTx, order_id: UUID, slot_id: UUID, from_slot: UUID) -> int:
    """How many of the people who would move have another booking there that day, where once a day is the rule."""
    return int(
        await tx.value(
            """select count(*) from orders.travellers t join orders.lines l on l.order_id = t.order_id and l.seq = t.line_seq
               join inventory.slots s on s.id = %(slot)s
               join orders.travellers o on o.live and o.once and o.visit_date = s.visit_date and o.venue_id = s.venue_id
                    and o.document_index = t.document_index
               where t.order_id = %(id)s and t.part = 'current' and t.once and l.slot_id = %(from)s
                 and not (o.order_id = t.order_id and o.seq = t.seq)""",
            id=order_id, slot=slot_id, **{"from": from_slot},
        )
    )  # fmt: skip


async def lock_person(tx: Tx, account_id: UUID) -> None:
    """Locks the person behind an account: daily limits are counted under it, as placing does."""
    await tx.value(
        """select 1 from accounts.accounts where id = (select root from accounts.accounts where id = %(id)s)
           for no key update""",
        id=account_id,
    )


async def left_that_day(tx: ReadTx, order_id: UUID, account_id: UUID, slot_id: UUID, from_slot: UUID) -> int | None:
    """How many tickets the person may still have in the new slot's day, those that move left out; None without a limit."""
    found: int | None = await tx.value(
        """select p.per_account_day - coalesce((
             select sum(l.quantity) from orders.orders o join orders.lines l on l.order_id = o.id and l.live
               join inventory.slots d on d.id = l.slot_id and d.venue_id = s.venue_id and d.visit_date = s.visit_date
              where o.account_id in (select accounts.members(%(account)s))
                and not (o.id = %(id)s and l.slot_id = %(from)s)), 0)::int
           from inventory.slots s join catalogue.products p on p.id = s.product_id
           where s.id = %(slot)s and not exists (select 1 from orders.resales r where r.order_id = %(id)s)""",
        account=account_id, id=order_id, slot=slot_id, **{"from": from_slot},
    )  # fmt: skip
    return found


async def insert(tx: Tx, change: Change) -> None:
    await tx.execute(
        """insert into orders.changes (id, order_id, seq, state, from_slot, to_slot, old_minor, new_minor, fee_minor, due_minor,
                                       currency, benefit_id, intent_id, asked_by, asked_at, expires_at, ended_at)
           values (%(id)s, %(order_id)s, %(seq)s, %(state)s, %(from_slot)s, %(to_slot)s, %(old_minor)s, %(new_minor)s,
                   %(fee_minor)s, %(due_minor)s, %(currency)s, %(benefit_id)s, %(intent_id)s, %(asked_by)s, %(asked_at)s,
                   %(expires_at)s, %(ended_at)s)""",
        **_fields(change),
    )


def _fields(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in Change.__struct_fields__}


class Move(msgspec.Struct, frozen=True):
    """A current line and what it becomes in the new slot."""

    line_seq: int
    price_id: str
    unit_minor: int
    places: int
    discounts: list[LineDiscount] = []
    """What it keeps of the benefits of the line, all tickets together."""

    @property
    def discount_minor(self) -> int:
        return sum(one.amount_minor for one in self.discounts)


async def take_new(tx: Tx, order_id: UUID, slot_id: UUID, moves: list[Move]) -> None:
    """The new places are taken, as lines that are awaited; the old ones stay. slot_full or document_once_a_day if not so.

    Documents that the order itself holds on that day stay with its current lines for as long.
    """
    await tx.execute(
        """with m as (select *, row_number() over (order by line_seq) as n from unnest(
                        %(lines)s::int[], %(prices)s::text[], %(units)s::bigint[], %(places)s::int[], %(discounts)s::bigint[])
                          as t (line_seq, price_id, unit_minor, places, discount)),
                came as (
                  insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor, discount_minor, live, part)
                  select l.order_id, (select max(seq) from orders.lines where order_id = %(id)s) + m.n, %(slot)s, m.price_id,
                         l.quantity, m.places, m.unit_minor, m.discount, true, 'awaited'
                  from m join orders.lines l on l.order_id = %(id)s and l.seq = m.line_seq returning slot_id, places),
                last as (select max(seq) as seq from orders.lines where order_id = %(id)s),
                people as (
                  insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type,
                                                 document, document_index, document_last4, once, live, part)
                  select t.order_id, (select max(seq) from orders.travellers where order_id = %(id)s) + row_number() over (order by t.seq),
                         last.seq + m.n, s.venue_id, s.visit_date, t.name, t.name_masked, t.document_type, t.document,
                         t.document_index, t.document_last4, t.once, t.visit_date <> s.visit_date, 'awaited'
                  from orders.travellers t join m on m.line_seq = t.line_seq cross join last join inventory.slots s on s.id = %(slot)s
                  where t.order_id = %(id)s and t.part = 'current' returning 1),
                sums as (select slot_id, sum(places)::int as places from came group by slot_id)
           select inventory.take_many(array_agg(slot_id), array_agg(places)) from sums having count(*) > 0""",
        id=order_id, slot=slot_id, lines=[move.line_seq for move in moves], prices=[move.price_id for move in moves],
        units=[move.unit_minor for move in moves], places=[move.places for move in moves],
        discounts=[move.discount_minor for move in moves],
    )  # fmt: skip
    parts = [(move.line_seq, part) for move in moves for part in move.discounts]
    if parts:
        await _bring_discounts(tx, order_id, [move.line_seq for move in moves], parts)


async def _bring_discounts(tx: Tx, order_id: UUID, moved: list[int], parts: list[tuple[int, LineDiscount]]) -> None:
    """The lines that are awaited keep what was granted to the lines they come from: both in the order of their numbers."""
    await tx.execute(
        """with old as (select seq, row_number() over (order by seq) as n from unnest(%(moved)s::int[]) as t (seq)),
                new as (select seq, row_number() over (order by seq) as n from orders.lines
                         where order_id = %(id)s and part = 'awaited')
           insert into orders.line_discounts (order_id, line_seq, version_id, amount_minor, granted_minor, granted_unit_minor)
           select %(id)s, new.seq, p.version_id, p.amount, p.most, p.unit from old join new using (n)
             join unnest(%(lines)s::int[], %(versions)s::uuid[], %(amounts)s::bigint[], %(most)s::bigint[], %(units)s::bigint[])
                  as p (seq, version_id, amount, most, unit) on p.seq = old.seq""",
        id=order_id, moved=moved, lines=[seq for seq, _part in parts], versions=[part.version_id for _seq, part in parts],
        amounts=[part.amount_minor for _seq, part in parts], most=[part.granted_minor for _seq, part in parts],
        units=[part.granted_unit_minor for _seq, part in parts],
    )  # fmt: skip


async def leave_old(tx: Tx, order_id: UUID, slot_id: UUID) -> None:
    """The old places and documents go back, and the awaited lines become the order's."""
    await tx.execute(
        """with gone as (update orders.lines set live = false, part = 'left'
                         where order_id = %(id)s and slot_id = %(slot)s and part = 'current' returning seq, slot_id, places),
                people as (update orders.travellers set live = false, part = 'left'
                           where order_id = %(id)s and part = 'current' and line_seq in (select seq from gone) returning 1),
                sums as (select slot_id, sum(places)::int as places from gone group by slot_id)
           select inventory.release_many(array_agg(slot_id), array_agg(places)) from sums having count(*) > 0""",
        id=order_id, slot=slot_id,
    )  # fmt: skip
    await tx.execute(
        "update orders.lines set part = 'current' where order_id = %(id)s and part = 'awaited'", id=order_id
    )
    await tx.execute(
        "update orders.travellers set part = 'current', live = true where order_id = %(id)s and part = 'awaited'",
        id=order_id,
    )


async def drop_awaited(tx: Tx, order_id: UUID) -> None:
    """The new places of a change that does not take place go back."""
    await tx.execute(
        """update orders.travellers set live = false, part = 'left' where order_id = %(id)s and part = 'awaited'""",
        id=order_id,
    )
    await tx.execute(
        """with before as (select seq, slot_id, places from orders.lines where order_id = %(id)s and part = 'awaited' and live),
                gone as (update orders.lines set live = false, part = 'left' where order_id = %(id)s and part = 'awaited' returning 1),
                sums as (select slot_id, sum(places)::int as places from before group by slot_id),
                ids as (select array_agg(slot_id order by slot_id) as slots, array_agg(places order by slot_id) as places from sums)
           select inventory.lock_many(slots), inventory.release_many(slots, places) from ids where slots is not null""",
        id=order_id,
    )


async def end_under_way(tx: Tx, order_id: UUID, state: ChangeState, at: datetime) -> None:
    """Writes how the change under way ended, if there is one; a benefit that did not serve is there again."""
    await tx.execute(
        """with gone as (update orders.changes set state = %(state)s, ended_at = %(at)s
                         where order_id = %(id)s and state = 'awaiting_payment' returning benefit_id)
           update orders.benefits b set used_at = null from gone where b.id = gone.benefit_id and %(state)s <> 'done'""",
        id=order_id, state=state, at=at,
    )  # fmt: skip


async def postpone(tx: Tx, change_id: UUID, until: datetime) -> None:
    """Keeps a change whose payment is being asked about."""
    await tx.execute(
        "update orders.changes set expires_at = %(until)s where id = %(id)s and state = 'awaiting_payment'",
        id=change_id, until=until,
    )  # fmt: skip
