"""SQL of cuts: who has places in a slot that is cut, in which order, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .displacement_model import Booked, Cut, Outcome, Party, Step, Verdict

_CUT: LiteralString = """select id, wish, stop_ids, seed, made_by, made_at, proposal_id, policy_ids, applied_at, answer_until,
    step, is_held, ended_at from orders.cuts """
_PARTY: LiteralString = """select p.cut_id, p.order_id, p.slot_id, o.number, p.position, p.places, p.is_paid, p.protected,
    p.price_minor, p.currency, p.forecast, p.verdict, p.outcome, p.chosen, p.asked_at, p.ended_at, p.told_at,
    p.refund_minor, p.to_slot from orders.cut_parties p join orders.orders o on o.id = p.order_id """


async def insert(tx: Tx, cut: Cut) -> None:
    await tx.execute(
        """insert into orders.cuts (id, wish, stop_ids, seed, made_by, made_at)
           values (%(id)s, %(wish)s, %(stops)s, %(seed)s, %(by)s, %(at)s)""",
        id=cut.id, wish=Jsonb(msgspec.to_builtins(cut.wish)), stops=cut.stop_ids, seed=cut.seed, by=cut.made_by,
        at=cut.made_at,
    )  # fmt: skip


async def find(tx: ReadTx, cut_id: UUID) -> Cut | None:
    return await tx.maybe(Cut, _CUT + "where id = %(id)s", id=cut_id)


async def locked(tx: Tx, cut_id: UUID) -> Cut | None:
    return await tx.maybe(Cut, _CUT + "where id = %(id)s for no key update", id=cut_id)


async def newest(tx: ReadTx, limit: int) -> list[Cut]:
    return await tx.rows(Cut, _CUT + "order by made_at desc limit %(limit)s", limit=limit)


async def running(tx: ReadTx) -> list[UUID]:
    """Cuts that have something to do, the oldest first."""
    return await tx.values(
        """select id from orders.cuts where step not in ('stopped', 'done', 'given_up') and not is_held order by made_at"""
    )


async def set_proposal(tx: Tx, cut_id: UUID, proposal_id: UUID) -> None:
    await tx.execute(
        "update orders.cuts set proposal_id = %(proposal)s where id = %(id)s", id=cut_id, proposal=proposal_id
    )


async def set_applied(tx: Tx, cut_id: UUID, policy_ids: list[UUID], at: datetime, answer_until: datetime) -> None:
    await tx.execute(
        """update orders.cuts set step = 'freeing', policy_ids = %(policies)s, applied_at = %(at)s, answer_until = %(until)s
           where id = %(id)s""",
        id=cut_id, policies=policy_ids, at=at, until=answer_until,
    )  # fmt: skip


async def set_step(tx: Tx, cut_id: UUID, before: Step, after: Step, ended_at: datetime | None) -> bool:
    """False when it is not at that step any more: somebody else took it."""
    return bool(
        await tx.execute(
            "update orders.cuts set step = %(after)s, ended_at = %(ended)s where id = %(id)s and step = %(before)s",
            id=cut_id, before=before, after=after, ended=ended_at,
        )
    )  # fmt: skip


async def set_held(tx: Tx, cut_id: UUID, *, is_held: bool) -> None:
    await tx.execute("update orders.cuts set is_held = %(held)s where id = %(id)s", id=cut_id, held=is_held)


async def insert_slots(
    tx: Tx, cut_id: UUID, slot_ids: Sequence[UUID], before: Sequence[int], after: Sequence[int], taken: Sequence[int]
) -> None:
    await tx.execute(
        """insert into orders.cut_slots (cut_id, slot_id, capacity_before, capacity_after, taken_before)
           select %(cut)s, * from unnest(%(slots)s::uuid[], %(before)s::int[], %(after)s::int[], %(taken)s::int[])""",
        cut=cut_id, slots=list(slot_ids), before=list(before), after=list(after), taken=list(taken),
    )  # fmt: skip


async def booked(tx: ReadTx, slot_ids: Sequence[UUID]) -> list[Booked]:
    """The parties with live places in these slots. One whose change into a slot is not paid yet counts as unpaid there."""
    return await tx.rows(
        Booked,
        """with party as (
             select l.order_id, l.slot_id, bool_and(l.part = 'current') as is_current, sum(l.places)::int as places,
                    sum(l.quantity * l.unit_minor - l.discount_minor)::bigint as price_minor,
                    bool_or(c.ticket in ('disabled', 'disability', 'wheelchair')) as access
               from orders.lines l left join catalogue.prices c on c.id = l.price_id
              where l.slot_id = any(%(slots)s) and l.live group by l.order_id, l.slot_id)
           select p.order_id, p.slot_id, o.number, p.places, p.price_minor, o.currency,
                  p.is_current and o.state in ('confirmed', 'used') as is_paid, coalesce(o.confirmed_at, o.placed_at) as since,
                  case when o.state = 'used' or exists (
                         select 1 from passes.admissions a where a.order_number = o.number and a.slot_id = p.slot_id
                            and a.counts and a.undone_at is null) then 'inside'
                       when exists (select 1 from orders.cut_parties e where e.order_id = o.id and e.outcome = 'moved') then 'moved'
                       when exists (
                         select 1 from orders.orders h join orders.lines n on n.order_id = h.id and n.live
                           join inventory.slots b on b.id = n.slot_id and b.visit_date between s.visit_date - 1 and s.visit_date
                           join catalogue.venues v on v.id = b.venue_id and v.kind = 'hotel'
                          where h.account_id = o.account_id) then 'lodging'
                       when p.access then 'access' else '' end as protected,
                  coalesce(i.state = 'paid', o.amount_minor = 0) and not exists (
                    select 1 from orders.events e where e.order_id = o.id and e.kind in ('refund_requested', 'fee_kept')) as is_owed,
                  not exists (select 1 from orders.lines r where r.order_id = o.id and r.live and r.slot_id <> p.slot_id) as is_whole
             from party p join orders.orders o on o.id = p.order_id join inventory.slots s on s.id = p.slot_id
             left join payments.intents i on i.id = o.intent_id
            order by p.slot_id, o.number""",
        slots=list(slot_ids),
    )  # fmt: skip


async def insert_parties(tx: Tx, cut_id: UUID, rows: Sequence[tuple[Booked, int, Verdict, int]]) -> None:
    """Each with its position, the forecast, and what would go back."""
    await tx.execute(
        """insert into orders.cut_parties (cut_id, order_id, slot_id, position, places, is_paid, protected, price_minor,
                                           currency, forecast)
           select %(cut)s, * from unnest(%(orders)s::uuid[], %(slots)s::uuid[], %(positions)s::int[], %(places)s::int[],
                  %(paid)s::bool[], %(protected)s::text[], %(prices)s::bigint[], %(currencies)s::text[], %(forecasts)s::text[])""",
        cut=cut_id, orders=[one.order_id for one, *_ in rows], slots=[one.slot_id for one, *_ in rows],
        positions=[position for _, position, _, _ in rows], places=[one.places for one, *_ in rows],
        paid=[one.is_paid for one, *_ in rows], protected=[one.protected for one, *_ in rows],
        prices=[price for *_, price in rows], currencies=[one.currency for one, *_ in rows],
        forecasts=[verdict for _, _, verdict, _ in rows],
    )  # fmt: skip


async def parties(tx: ReadTx, cut_id: UUID) -> list[Party]:
    """All of a cut, in the published order."""
    return await tx.rows(Party, _PARTY + "where p.cut_id = %(id)s order by p.position", id=cut_id)


async def page_of_parties(tx: ReadTx, cut_id: UUID, after: int, limit: int) -> list[Party]:
    return await tx.rows(
        Party,
        _PARTY + "where p.cut_id = %(id)s and p.position > %(after)s order by p.position limit %(limit)s",
        id=cut_id, after=after, limit=limit,
    )  # fmt: skip


async def waiting(tx: ReadTx, cut_id: UUID) -> list[Party]:
    """Those whose outcome is open, in the published order."""
    return await tx.rows(Party, _PARTY + "where p.cut_id = %(id)s and p.outcome is null order by p.position", id=cut_id)


async def party_locked(tx: Tx, cut_id: UUID, order_id: UUID, slot_id: UUID) -> Party | None:
    return await tx.maybe(
        Party,
        _PARTY + """where p.cut_id = %(cut)s and p.order_id = %(order)s and p.slot_id = %(slot)s for no key update of p""",
        cut=cut_id, order=order_id, slot=slot_id,
    )  # fmt: skip


async def of_order(tx: ReadTx, order_id: UUID) -> list[Party]:
    """The cuts an order was touched by, the newest first."""
    return await tx.rows(
        Party,
        _PARTY + "join orders.cuts c on c.id = p.cut_id where p.order_id = %(id)s order by c.made_at desc, p.slot_id",
        id=order_id,
    )


async def end_party(
    tx: Tx, party: Party, outcome: Outcome, *, at: datetime, told: bool, chosen: bool = False, refund_minor: int = 0,
    to_slot: UUID | None = None, lines: Sequence[int] = (),
) -> None:  # fmt: skip
    """Writes what became of a party, which the caller has locked."""
    await tx.execute(
        """update orders.cut_parties set outcome = %(outcome)s, ended_at = %(at)s, told_at = %(told)s, chosen = %(chosen)s,
                  refund_minor = %(refund)s, to_slot = %(to)s, line_seqs = %(lines)s::smallint[]
           where cut_id = %(cut)s and order_id = %(order)s and slot_id = %(slot)s""",
        cut=party.cut_id, order=party.order_id, slot=party.slot_id, outcome=outcome, at=at, told=at if told else None,
        chosen=chosen, refund=refund_minor, to=to_slot, lines=list(lines),
    )  # fmt: skip


async def set_paid(tx: Tx, party: Party) -> None:
    """It was paid after the cut had begun."""
    await tx.execute(
        """update orders.cut_parties set is_paid = true
           where cut_id = %(cut)s and order_id = %(order)s and slot_id = %(slot)s""",
        cut=party.cut_id, order=party.order_id, slot=party.slot_id,
    )  # fmt: skip


async def set_asked(tx: Tx, cut_id: UUID, order_id: UUID, slot_id: UUID, at: datetime) -> None:
    await tx.execute(
        """update orders.cut_parties set asked_at = %(at)s
           where cut_id = %(cut)s and order_id = %(order)s and slot_id = %(slot)s""",
        cut=cut_id, order=order_id, slot=slot_id, at=at,
    )  # fmt: skip


async def lock_step(tx: Tx, cut_id: UUID, step: Step) -> bool:
    """Locks a cut; whether it stands at that step and nobody has stopped it."""
    found = await locked(tx, cut_id)
    return found is not None and found.step == step and not found.is_held


async def set_verdicts(
    tx: Tx, cut_id: UUID, order_ids: Sequence[UUID], slot_ids: Sequence[UUID], found: Sequence[Verdict]
) -> None:
    await tx.execute(
        """update orders.cut_parties p set verdict = t.verdict
             from unnest(%(orders)s::uuid[], %(slots)s::uuid[], %(found)s::text[]) as t (order_id, slot_id, verdict)
            where p.cut_id = %(cut)s and p.order_id = t.order_id and p.slot_id = t.slot_id and p.outcome is null""",
        cut=cut_id, orders=list(order_ids), slots=list(slot_ids), found=list(found),
    )  # fmt: skip


async def keep_all(tx: Tx, cut_id: UUID) -> None:
    """Whoever waits keeps their places after all."""
    await tx.execute(
        "update orders.cut_parties set verdict = 'keeps' where cut_id = %(id)s and outcome is null", id=cut_id
    )


async def mark_gone(tx: Tx, cut_id: UUID, at: datetime) -> None:
    """Parties that have no live places in their slot any more: they cancelled, changed or ran out of time themselves."""
    await tx.execute(
        """update orders.cut_parties p set outcome = 'gone', ended_at = %(at)s, chosen = true
           where p.cut_id = %(id)s and p.outcome is null and not exists (
             select 1 from orders.lines l where l.order_id = p.order_id and l.slot_id = p.slot_id and l.live)""",
        id=cut_id, at=at,
    )  # fmt: skip


async def add_event(tx: Tx, cut_id: UUID, kind: str, at: datetime, actor: str, details: dict[str, Any]) -> None:
    await tx.execute(
        """insert into orders.cut_events (cut_id, seq, kind, at, actor, details)
           select %(id)s, coalesce(max(seq), 0) + 1, %(kind)s, %(at)s, %(actor)s, %(details)s
             from orders.cut_events where cut_id = %(id)s""",
        id=cut_id, kind=kind, at=at, actor=actor, details=Jsonb(details),
    )  # fmt: skip


class CutEvent(msgspec.Struct, frozen=True):
    """A step of a cut, and whose it was."""

    seq: int
    kind: str
    at: datetime
    actor: str
    details: dict[str, Any]


async def events(tx: ReadTx, cut_id: UUID) -> list[CutEvent]:
    return await tx.rows(
        CutEvent,
        "select seq, kind, at, actor, details from orders.cut_events where cut_id = %(id)s order by seq",
        id=cut_id,
    )


class Visit(msgspec.Struct, frozen=True):
    """A slot as people know it."""

    slot_id: UUID
    venue_id: str
    venue_name: dict[str, str]
    product_id: str
    product_name: dict[str, str]
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str


async def visits(tx: ReadTx, slot_ids: Sequence[UUID]) -> dict[UUID, Visit]:
    """What these slots are called."""
    found = await tx.rows(
        Visit,
        """select s.id as slot_id, s.venue_id, v.name as venue_name, s.product_id, p.name as product_name, s.visit_date,
                  s.starts_at, s.ends_at, v.time_zone
             from inventory.slots s join catalogue.venues v on v.id = s.venue_id join catalogue.products p on p.id = s.product_id
            where s.id = any(%(ids)s) order by s.visit_date, s.starts_at, s.id""",
        ids=list(slot_ids),
    )
    return {one.slot_id: one for one in found}


class SlotOfCut(msgspec.Struct, frozen=True):
    """A slot that was cut, then and now."""

    slot_id: UUID
    capacity_before: int
    capacity_after: int
    taken_before: int
    taken: int


async def slots(tx: ReadTx, cut_id: UUID) -> list[SlotOfCut]:
    return await tx.rows(
        SlotOfCut,
        """select c.slot_id, c.capacity_before, c.capacity_after, c.taken_before, s.taken
             from orders.cut_slots c join inventory.slots s on s.id = c.slot_id where c.cut_id = %(id)s
            order by s.visit_date, s.starts_at, s.id""",
        id=cut_id,
    )


async def being_cut(tx: ReadTx) -> set[UUID]:
    """The slots that a running cut is at work on."""
    return set(
        await tx.values(
            """select s.slot_id from orders.cut_slots s join orders.cuts c on c.id = s.cut_id
               where c.step not in ('stopped', 'done', 'given_up')"""
        )
    )


async def venues_of_products(tx: ReadTx, product_ids: Sequence[str]) -> list[str]:
    return await tx.values(
        "select distinct venue_id from catalogue.products where id = any(%(ids)s)", ids=list(product_ids)
    )
