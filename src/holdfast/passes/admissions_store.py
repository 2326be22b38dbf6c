"""SQL of admissions and of the rules of entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .gate_model import Passage, Rules, Ruling

_PASSAGE: LiteralString = """select a.device_id, a.counter, d.name as device_name, a.kind, a.venue_id, v.name as venue_name,
    a.order_number, a.ticket, a.people, a.at, a.recorded_at, a.offline, a.insisted, a.verdict, a.counts,
    coalesce(s.name, '') as staff_name, a.undone_at, a.undone_reason, a.ruling, a.ruling_note
  from passes.admissions a join passes.devices d on d.id = a.device_id join catalogue.venues v on v.id = a.venue_id
  left join passes.shifts h on h.id = a.shift_id left join accounts.staff s on s.id = h.staff_id """


async def rules(tx: ReadTx, venue_id: str) -> Rules | None:
    return await tx.maybe(
        Rules,
        """select early_minutes, late_minutes, exits_counted, stay_minutes, grace_minutes from passes.gate_rules
           where venue_id = %(venue)s""",
        venue=venue_id,
    )


async def set_rules(tx: Tx, venue_id: str, given: Rules, by: str, at: datetime) -> None:
    await tx.execute(
        """insert into passes.gate_rules as r (venue_id, early_minutes, late_minutes, exits_counted, stay_minutes, grace_minutes,
                                               changed_at, changed_by)
           values (%(venue)s, %(early)s, %(late)s, %(exits)s, %(stay)s, %(grace)s, %(at)s, %(by)s)
           on conflict (venue_id) do update set early_minutes = excluded.early_minutes, late_minutes = excluded.late_minutes,
             exits_counted = excluded.exits_counted, stay_minutes = excluded.stay_minutes, grace_minutes = excluded.grace_minutes,
             changed_at = excluded.changed_at, changed_by = excluded.changed_by""",
        venue=venue_id, early=given.early_minutes, late=given.late_minutes, exits=given.exits_counted,
        stay=given.stay_minutes, grace=given.grace_minutes, at=at, by=by,
    )  # fmt: skip


async def inside(tx: ReadTx, venue_id: str, now: datetime, usual_stay_minutes: int) -> int:
    return int(
        await tx.value(
            """select greatest(0, coalesce(sum(case a.kind when 'entry' then a.people else -a.people end), 0))
               from catalogue.venues v left join passes.gate_rules r on r.venue_id = v.id
               join passes.admissions a on a.venue_id = v.id and a.undone_at is null and a.at <= %(now)s
                and case when coalesce(r.exits_counted, false)
                         then a.at >= date_trunc('day', %(now)s at time zone v.time_zone) at time zone v.time_zone
                         else a.kind = 'entry' and a.at > %(now)s - coalesce(r.stay_minutes, %(stay)s) * interval '1 minute' end
                and a.at > %(now)s - interval '25 hours'
               where v.id = %(venue)s""",
            venue=venue_id, now=now, stay=usual_stay_minutes,
        )
    )  # fmt: skip


async def latest(tx: ReadTx, venue_id: str, order_number: str, limit: int) -> list[Passage]:
    return await tx.rows(
        Passage,
        _PASSAGE
        + """where (%(venue)s = '' or a.venue_id = %(venue)s) and (%(number)s = '' or a.order_number = %(number)s)
             order by a.recorded_at desc, a.counter desc limit %(limit)s""",
        venue=venue_id, number=order_number, limit=limit,
    )  # fmt: skip


async def one(tx: ReadTx, device_id: UUID, counter: int) -> Passage | None:
    return await tx.maybe(
        Passage,
        _PASSAGE + "where a.device_id = %(device)s and a.counter = %(counter)s",
        device=device_id, counter=counter,
    )  # fmt: skip


async def against_rules(tx: ReadTx, *, decided: bool, limit: int) -> list[Passage]:
    """Passages whose verdict was no, the newest first."""
    return await tx.rows(
        Passage,
        _PASSAGE
        + """where a.verdict <> 'valid' and (a.ruled_at is not null) = %(decided)s and a.undone_at is null
             order by a.recorded_at desc limit %(limit)s""",
        decided=decided, limit=limit,
    )  # fmt: skip


async def rivals(tx: ReadTx, devices: Sequence[UUID], counters: Sequence[int]) -> dict[str, Passage]:
    """The admissions that had used the tickets of these passages, by the passages' keys."""
    keys = await tx.tuples(
        """select m.device_id, m.counter, m.rival_device, m.rival_counter from passes.admissions m
           join unnest(%(devices)s::uuid[], %(counters)s::bigint[]) as g (device_id, counter)
             on g.device_id = m.device_id and g.counter = m.counter
           where m.rival_device is not null""",
        devices=list(devices), counters=list(counters),
    )  # fmt: skip
    found = await tx.rows(
        Passage,
        _PASSAGE
        + """join unnest(%(devices)s::uuid[], %(counters)s::bigint[]) as g (device_id, counter)
               on g.device_id = a.device_id and g.counter = a.counter""",
        devices=[key[2] for key in keys], counters=[key[3] for key in keys],
    )  # fmt: skip
    by_key = {(one.device_id, one.counter): one for one in found}
    return {f"{device}.{counter}": by_key[rival, number] for device, counter, rival, number in keys}


async def set_ruling(tx: Tx, device_id: UUID, counter: int, ruling: Ruling, note: str, by: str, at: datetime) -> bool:
    """False when it was ruled on before, or there is nothing to rule on."""
    return bool(
        await tx.execute(
            """update passes.admissions set ruled_at = %(at)s, ruled_by = %(by)s, ruling = %(ruling)s, ruling_note = %(note)s
               where device_id = %(device)s and counter = %(counter)s and verdict <> 'valid' and ruled_at is null""",
            device=device_id, counter=counter, ruling=ruling, note=note, by=by, at=at,
        )
    )  # fmt: skip


async def set_undone(tx: Tx, device_id: UUID, counter: int, reason: str, by: str, at: datetime) -> bool:
    """False when it was undone before, or did not count."""
    return bool(
        await tx.execute(
            """update passes.admissions set undone_at = %(at)s, undone_by = %(by)s, undone_reason = %(reason)s
               where device_id = %(device)s and counter = %(counter)s and counts and undone_at is null""",
            device=device_id, counter=counter, reason=reason, by=by, at=at,
        )
    )  # fmt: skip
