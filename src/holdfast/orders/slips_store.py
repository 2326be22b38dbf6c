"""SQL of slips: pads that are out, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .slips_model import Pad, Slip

_PAD: LiteralString = """select p.id, p.desk, p.first, p.last, p.kind, p.day, p.is_drill, p.note, p.made_by, p.made_at, p.revoked_at,
    (select count(*) from orders.slips s where s.pad_id = p.id and strpos(s.number, '/') = 0) as came,
    (select count(*) from orders.slips s where s.pad_id = p.id and s.state = 'void') as void
    from orders.slip_pads p """
_SLIP: LiteralString = """select s.id, s.desk, s.number, s.pad_id, s.state, s.problem, s.details, s.warnings, s.allowed, s.content_hash,
    s.visit_date, s.is_drill, s.order_id, o.number as order_number, s.taken_at, s.arrived_at, s.decision, s.reason, s.decided_by,
    s.decided_at, s.content is not null as has_content
    from orders.slips s left join orders.orders o on o.id = s.order_id """


async def last_serial(tx: ReadTx, desk: str) -> int:
    return int(await tx.value("select coalesce(max(last), 0) from orders.slip_pads where desk = %(desk)s", desk=desk))


async def insert_pad(tx: Tx, made: Pad) -> None:
    values = {name: getattr(made, name) for name in Pad.__struct_fields__ if name not in ("came", "void", "revoked_at")}
    await tx.execute(
        """insert into orders.slip_pads (id, desk, first, last, kind, day, is_drill, note, made_by, made_at)
           values (%(id)s, %(desk)s, %(first)s, %(last)s, %(kind)s, %(day)s, %(is_drill)s, %(note)s, %(made_by)s, %(made_at)s)""",
        **values,
    )


async def pads(tx: ReadTx, desk: str, limit: int) -> list[Pad]:
    """The pads of a desk, or of all when it is empty; the newest first."""
    return await tx.rows(
        Pad,
        _PAD + "where %(desk)s = '' or p.desk = %(desk)s order by p.made_at desc, p.first desc limit %(limit)s",
        desk=desk, limit=limit,
    )  # fmt: skip


async def pads_of(tx: ReadTx, desk: str) -> list[Pad]:
    """All pads of a desk, without what came back: for judging."""
    return await tx.rows(
        Pad,
        """select id, desk, first, last, kind, day, is_drill, note, made_by, made_at, revoked_at, 0 as came, 0 as void
             from orders.slip_pads where desk = %(desk)s order by first""",
        desk=desk,
    )


async def pad(tx: ReadTx, pad_id: UUID) -> Pad | None:
    return await tx.maybe(Pad, _PAD + "where p.id = %(id)s", id=pad_id)


async def revoke_pad(tx: Tx, pad_id: UUID, at: datetime) -> bool:
    return bool(
        await tx.execute(
            "update orders.slip_pads set revoked_at = %(at)s where id = %(id)s and revoked_at is null", id=pad_id, at=at
        )
    )


async def slip(tx: ReadTx, slip_id: UUID) -> Slip | None:
    return await tx.maybe(Slip, _SLIP + "where s.id = %(id)s", id=slip_id)


async def slip_locked(tx: Tx, slip_id: UUID) -> Slip | None:
    return await tx.maybe(Slip, _SLIP + "where s.id = %(id)s for no key update of s", id=slip_id)


async def content(tx: ReadTx, slip_id: UUID) -> bytes | None:
    """What was written on it, sealed; None when it is gone."""
    found = await tx.value("select content from orders.slips where id = %(id)s", id=slip_id)
    return bytes(found) if found is not None else None


async def numbered(tx: ReadTx, desk: str, numbers: Sequence[str]) -> dict[str, Slip]:
    """What came back of these numbers, by number."""
    found = await tx.rows(
        Slip, _SLIP + "where s.desk = %(desk)s and s.number = any(%(numbers)s)", desk=desk, numbers=list(numbers)
    )
    return {one.number: one for one in found}


async def open_slips(tx: ReadTx, desk: str, limit: int) -> list[Slip]:
    """Slips that wait for a decision, the visit that comes first first."""
    return await tx.rows(
        Slip,
        _SLIP + """where s.state = 'open' and (%(desk)s = '' or s.desk = %(desk)s)
                   order by s.visit_date nulls first, s.number limit %(limit)s""",
        desk=desk, limit=limit,
    )  # fmt: skip


async def of_import(tx: ReadTx, import_id: UUID, limit: int) -> list[tuple[int, str, str, Slip]]:
    """Row, result and problem then, and the slip as it is now."""
    rows = await tx.tuples(
        """select a.row, a.result, a.problem, a.slip_id from orders.slip_arrivals a where a.import_id = %(id)s
           order by a.row limit %(limit)s""",
        id=import_id, limit=limit,
    )  # fmt: skip
    found = await tx.rows(Slip, _SLIP + "where s.id = any(%(ids)s)", ids=[row[3] for row in rows])
    by_id = {one.id: one for one in found}
    return [(row, result, problem, by_id[slip_id]) for row, result, problem, slip_id in rows]


async def write(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """New slips, or what became of those that wait: never over one that is decided."""
    await tx.execute_many(
        """insert into orders.slips (id, desk, number, pad_id, state, problem, details, warnings, allowed, content, content_hash,
                                     visit_date, is_drill, order_id, taken_at, arrived_at, decision, reason, decided_by, decided_at)
           values (%(id)s, %(desk)s, %(number)s, %(pad_id)s, %(state)s, %(problem)s, %(details)s, %(warnings)s, %(allowed)s,
                   %(content)s, %(content_hash)s, %(visit_date)s, %(is_drill)s, %(order_id)s, %(taken_at)s, %(arrived_at)s,
                   %(decision)s, %(reason)s, %(decided_by)s, %(decided_at)s)
           on conflict (desk, number) do update set pad_id = excluded.pad_id, state = excluded.state, problem = excluded.problem,
             details = excluded.details, warnings = excluded.warnings, allowed = excluded.allowed, content = excluded.content,
             visit_date = excluded.visit_date, order_id = excluded.order_id, decision = excluded.decision,
             reason = excluded.reason, decided_by = excluded.decided_by, decided_at = excluded.decided_at
           where orders.slips.state = 'open'""",
        [row | {"details": Jsonb(row["details"]), "warnings": Jsonb(row["warnings"])} for row in rows],
    )


async def close(
    tx: Tx, slip_id: UUID, *, state: str, decision: str, reason: str, by: str, at: datetime, order_id: UUID | None
) -> None:
    """A slip that waited is decided without booking it."""
    await tx.execute(
        """update orders.slips set state = %(state)s, decision = %(decision)s, reason = %(reason)s, decided_by = %(by)s,
                  decided_at = %(at)s, order_id = %(order)s where id = %(id)s and state = 'open'""",
        id=slip_id, state=state, decision=decision, reason=reason, by=by, at=at, order=order_id,
    )  # fmt: skip


async def forget_contents(tx: Tx, before: date, limit: int) -> int:
    """What was written on slips of visits before that day goes, but for those that wait; without a day, that of their coming counts."""
    return await tx.execute(
        """update orders.slips set content = null where id in (
             select id from orders.slips where content is not null and state <> 'open'
                and coalesce(visit_date, (arrived_at at time zone 'Asia/Shanghai')::date) < %(before)s limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


class Figures(msgspec.Struct, frozen=True):
    """Slips of a desk in numbers."""

    printed: int
    came: int
    booked: int
    open: int


async def figures(tx: ReadTx, desk: str) -> Figures:
    found = await tx.maybe(
        Figures,
        """select (select coalesce(sum(last - first + 1), 0) from orders.slip_pads where desk = %(desk)s and not is_drill) as printed,
                  count(*) filter (where strpos(number, '/') = 0 and not is_drill) as came,
                  count(*) filter (where state = 'booked') as booked, count(*) filter (where state = 'open') as open
             from orders.slips where desk = %(desk)s""",
        desk=desk,
    )
    assert found is not None
    return found
