"""SQL of desks and their allotments. Slots are locked before allotments, both in id order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .allotments_model import Allotment, AllotmentRule, AllottedSlot, Desk

_DESK: LiteralString = (
    """select code, name, venue_id, on_paper_since, is_drill, made_by, made_at, retired_at from inventory.desks """
)
_RULE: LiteralString = """select id, desk, venue_id, percent_bp, return_minutes, reason, made_by, made_at
    from inventory.allotment_rules """
_ALLOTMENT: LiteralString = """select id, slot_id, desk, places, used, returns_at, returned_at, rule_id
    from inventory.allotments """


async def desks(tx: ReadTx) -> list[Desk]:
    return await tx.rows(Desk, _DESK + "where retired_at is null order by code")


async def desk(tx: ReadTx, code: str) -> Desk | None:
    return await tx.maybe(Desk, _DESK + "where code = %(code)s", code=code)


async def insert_desk(tx: Tx, code: str, name: str, venue_id: str | None, by: str, at: datetime) -> bool:
    """False when the code is or was in use."""
    return bool(
        await tx.execute(
            """insert into inventory.desks (code, name, venue_id, made_by, made_at)
               values (%(code)s, %(name)s, %(venue)s, %(by)s, %(at)s) on conflict (code) do nothing""",
            code=code, name=name, venue=venue_id, by=by, at=at,
        )
    )  # fmt: skip


async def set_on_paper(tx: Tx, code: str, since: datetime | None) -> None:
    await tx.execute(
        "update inventory.desks set on_paper_since = %(since)s where code = %(code)s", code=code, since=since
    )


async def set_drill(tx: Tx, code: str, is_drill: bool) -> None:
    await tx.execute("update inventory.desks set is_drill = %(drill)s where code = %(code)s", code=code, drill=is_drill)


async def rules(tx: ReadTx) -> list[AllotmentRule]:
    """The rules in force."""
    return await tx.rows(AllotmentRule, _RULE + "where ended_at is null order by desk, venue_id")


async def rule(tx: ReadTx, rule_id: UUID) -> AllotmentRule | None:
    return await tx.maybe(AllotmentRule, _RULE + "where id = %(id)s and ended_at is null", id=rule_id)


async def insert_rule(tx: Tx, made: AllotmentRule) -> None:
    await tx.execute(
        """insert into inventory.allotment_rules (id, desk, venue_id, percent_bp, return_minutes, reason, made_by, made_at)
           values (%(id)s, %(desk)s, %(venue_id)s, %(percent_bp)s, %(return_minutes)s, %(reason)s, %(made_by)s, %(made_at)s)""",
        **msgspec.structs.asdict(made),
    )


async def end_rule(tx: Tx, desk: str, venue_id: str, at: datetime, by: str) -> UUID | None:
    """The rule that ends: there is at most one for a desk at a venue."""
    found: UUID | None = await tx.value(
        """update inventory.allotment_rules set ended_at = %(at)s, ended_by = %(by)s
           where desk = %(desk)s and venue_id = %(venue)s and ended_at is null returning id""",
        desk=desk, venue=venue_id, at=at, by=by,
    )  # fmt: skip
    return found


async def follow(tx: Tx, old: UUID, new: UUID) -> None:
    """Allotments of a rule that was replaced follow the new one."""
    await tx.execute(
        "update inventory.allotments set rule_id = %(new)s where rule_id = %(old)s and returned_at is null",
        old=old, new=new,
    )  # fmt: skip


async def of_rule(tx: ReadTx, rule_id: UUID) -> list[UUID]:
    """The slots in which something is set aside by a rule."""
    return await tx.values(
        "select slot_id from inventory.allotments where rule_id = %(id)s and returned_at is null order by slot_id",
        id=rule_id,
    )


async def ruled_slots(tx: ReadTx, venue_id: str, now: datetime, ahead: datetime) -> list[UUID]:
    """The open slots of a venue that begin until then and can still be sold."""
    return await tx.values(
        """select id from inventory.slots where venue_id = %(venue)s and state = 'open' and sale_closes_at > %(now)s
              and starts_at <= %(ahead)s order by id""",
        venue=venue_id, now=now, ahead=ahead,
    )  # fmt: skip


async def lock_allotments(tx: Tx, slot_ids: Sequence[UUID], desk: str) -> dict[UUID, Allotment]:
    """What is set aside for a desk in these slots, by slot; the caller has locked the slots."""
    found = await tx.rows(
        Allotment,
        _ALLOTMENT + "where slot_id = any(%(ids)s) and desk = %(desk)s order by slot_id for no key update",
        ids=list(slot_ids), desk=desk,
    )  # fmt: skip
    return {one.slot_id: one for one in found}


async def of_desk(tx: ReadTx, slot_ids: Sequence[UUID], desk: str) -> dict[UUID, Allotment]:
    """The same without locks."""
    found = await tx.rows(
        Allotment, _ALLOTMENT + "where slot_id = any(%(ids)s) and desk = %(desk)s", ids=list(slot_ids), desk=desk
    )
    return {one.slot_id: one for one in found}


async def of_slots_locked(tx: Tx, slot_ids: Sequence[UUID]) -> list[Allotment]:
    """All that is set aside and not returned in these slots, locked; the caller has locked the slots."""
    return await tx.rows(
        Allotment,
        _ALLOTMENT + "where slot_id = any(%(ids)s) and returned_at is null order by slot_id, id for no key update",
        ids=list(slot_ids),
    )


async def due(tx: ReadTx, now: datetime, limit: int) -> list[UUID]:
    """Slots of which something returns to sale now; not while its desk takes bookings on paper."""
    return await tx.values(
        """select a.slot_id from inventory.allotments a join inventory.desks d on d.code = a.desk
            where a.returned_at is null and a.returns_at <= %(now)s and d.on_paper_since is null
            group by a.slot_id order by min(a.returns_at) limit %(limit)s""",
        now=now, limit=limit,
    )  # fmt: skip


async def on_paper(tx: ReadTx) -> set[str]:
    """The desks that take bookings on paper now."""
    return set(await tx.values("select code from inventory.desks where on_paper_since is not null"))


async def put(tx: Tx, made: Allotment, by: str, at: datetime) -> None:
    """Writes an allotment over the one there is."""
    await tx.execute(
        """insert into inventory.allotments (id, slot_id, desk, places, used, returns_at, returned_at, rule_id, made_by, made_at)
           values (%(id)s, %(slot_id)s, %(desk)s, %(places)s, %(used)s, %(returns_at)s, %(returned_at)s, %(rule_id)s, %(by)s, %(at)s)
           on conflict (slot_id, desk) do update set places = excluded.places, used = excluded.used, made_by = excluded.made_by,
             returns_at = excluded.returns_at, returned_at = excluded.returned_at, rule_id = excluded.rule_id""",
        **msgspec.structs.asdict(made), by=by, at=at,
    )  # fmt: skip


async def use(tx: Tx, desk: str, slot_ids: Sequence[UUID], places: Sequence[int]) -> None:
    """So many more of a desk's places are sold; below zero: not sold after all. The caller has locked and looked."""
    await tx.execute(
        """update inventory.allotments a set used = a.used + t.places from unnest(%(ids)s::uuid[], %(places)s::int[]) as t (id, places)
            where a.slot_id = t.id and a.desk = %(desk)s""",
        ids=list(slot_ids), places=list(places), desk=desk,
    )  # fmt: skip


async def lend(tx: Tx, slot_id: UUID, places: int) -> None:
    """So many places more than there are, until `call_in` in the same transaction; the caller has locked the slot."""
    await tx.execute(
        "update inventory.slots set capacity = capacity + %(places)s where id = %(id)s", id=slot_id, places=places
    )


async def call_in(tx: Tx, slot_id: UUID, places: int, reason: str) -> None:
    """Takes back what was lent: what is sold of it is over the capacity, and sale is stopped (`reason`: JSON text)."""
    await tx.execute(
        """update inventory.slots set capacity = capacity - %(places)s,
                  overcommitted = greatest(0, taken - (capacity - %(places)s)),
                  state = case when state = 'open' and taken > capacity - %(places)s then 'paused' else state end,
                  reason = case when state = 'open' and taken > capacity - %(places)s then %(reason)s::jsonb else reason end
            where id = %(id)s""",
        id=slot_id, places=places, reason=reason,
    )  # fmt: skip


_ALLOTTED: LiteralString = """
    select s.id as slot_id, s.venue_id, v.name as venue_name, s.product_id, p.name as product_name, s.code,
           coalesce(t.name, '{}') as slot_name, v.time_zone, s.visit_date, s.starts_at, s.ends_at, s.state, s.capacity, s.taken,
           s.set_aside, coalesce(a.places, 0) as places, coalesce(a.used, 0) as used, a.returns_at, a.returned_at,
           a.rule_id is not null as by_rule
      from inventory.slots s
      join catalogue.venues v on v.id = s.venue_id
      join catalogue.products p on p.id = s.product_id
      left join catalogue.timeslots t on t.product_id = s.product_id and t.code = s.code
      left join inventory.allotments a on a.slot_id = s.id and a.desk = %(desk)s """


async def day(tx: ReadTx, desk: str, venue_id: str, visit_date: date) -> list[AllottedSlot]:
    """The slots of a venue on a day, as a desk sees them, in the order of the clock."""
    return await tx.rows(
        AllottedSlot,
        _ALLOTTED + """where s.venue_id = %(venue)s and s.visit_date = %(day)s order by s.starts_at, s.product_id, s.code""",
        desk=desk, venue=venue_id, day=visit_date,
    )  # fmt: skip


async def of_day(tx: ReadTx, desk: str, visit_date: date) -> list[AllottedSlot]:
    """The slots of a day in which something is set aside for a desk and not returned."""
    return await tx.rows(
        AllottedSlot,
        _ALLOTTED + """where s.visit_date = %(day)s and a.returned_at is null and a.id is not null
                       order by v.id, s.starts_at, s.product_id, s.code""",
        desk=desk, day=visit_date,
    )  # fmt: skip
