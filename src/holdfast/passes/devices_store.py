"""SQL of gate devices and of the shifts at them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .gate_model import Device, Known


async def insert(
    tx: Tx, device_id: UUID, venue_id: str, name: str, by: str, at: datetime, enrol_hash: bytes, until: datetime
) -> None:
    await tx.execute(
        """insert into passes.devices (id, venue_id, name, made_by, made_at, enrol_hash, enrol_until)
           values (%(id)s, %(venue)s, %(name)s, %(by)s, %(at)s, %(hash)s, %(until)s)""",
        id=device_id, venue=venue_id, name=name, by=by, at=at, hash=enrol_hash, until=until,
    )  # fmt: skip


async def enrol(tx: Tx, enrol_hash: bytes, token_hash: bytes, agent: str, at: datetime) -> Known | None:
    """The device of a link that still counts gets its token; the link is used up. None when it does not count."""
    return await tx.maybe(
        Known,
        """with d as (update passes.devices set enrol_hash = null, token_hash = %(token)s, agent = %(agent)s, enrolled_at = %(at)s
                      where enrol_hash = %(hash)s and enrol_until > %(at)s and revoked_at is null returning id, name, venue_id)
           select d.id, d.name, d.venue_id, v.name as venue_name, v.time_zone from d join catalogue.venues v on v.id = d.venue_id""",
        hash=enrol_hash, token=token_hash, agent=agent, at=at,
    )  # fmt: skip


async def of_token(tx: ReadTx, token_hash: bytes, now: datetime, roles: list[str]) -> Known | None:
    """The device, and who is on duty: not when their account was switched off, or none of these roles is left to them."""
    return await tx.maybe(
        Known,
        """select d.id, d.name, d.venue_id, v.name as venue_name, v.time_zone, h.id as shift_id, s.name as staff_name,
                  case when s.id is not null then h.ends_at end as shift_ends_at
           from passes.devices d join catalogue.venues v on v.id = d.venue_id
           left join (passes.shifts h join accounts.staff s on s.id = h.staff_id and s.active and s.roles && %(roles)s)
             on h.device_id = d.id and h.ended_at is null and h.ends_at > %(now)s
           where d.token_hash = %(hash)s and d.revoked_at is null order by h.begun_at desc nulls last limit 1""",
        hash=token_hash, now=now, roles=roles,
    )  # fmt: skip


async def heard(tx: Tx, device_id: UUID, at: datetime, pending: int, *, synced: bool) -> None:
    """It spoke to us, has so much to upload, and perhaps got the list."""
    await tx.execute(
        """update passes.devices set seen_at = %(at)s, pending = %(pending)s,
                  synced_at = case when %(synced)s then %(at)s else synced_at end where id = %(id)s""",
        id=device_id, at=at, pending=pending, synced=synced,
    )  # fmt: skip


async def revoke(tx: Tx, device_id: UUID, by: str, at: datetime, reason: str) -> bool:
    """False when there is no such device, or it was revoked before."""
    return bool(
        await tx.execute(
            """update passes.devices set revoked_at = %(at)s, revoked_by = %(by)s, revoked_reason = %(reason)s,
                      token_hash = null, enrol_hash = null where id = %(id)s and revoked_at is null""",
            id=device_id, by=by, at=at, reason=reason,
        )
    )  # fmt: skip


async def exists(tx: ReadTx, device_id: UUID) -> bool:
    return bool(await tx.value("select exists (select 1 from passes.devices where id = %(id)s)", id=device_id))


async def every(tx: ReadTx, now: datetime) -> list[Device]:
    """Every device, those in use first, with who is on duty and what it did since midnight there."""
    return await tx.rows(
        Device,
        """select d.id, d.venue_id, v.name as venue_name, d.name, d.agent, d.made_at, d.enrolled_at, d.seen_at, d.synced_at,
                  d.pending, d.revoked_at, d.revoked_reason,
                  coalesce((select s.name from passes.shifts h join accounts.staff s on s.id = h.staff_id
                             where h.device_id = d.id and h.ended_at is null and h.ends_at > %(now)s
                             order by h.begun_at desc limit 1), '') as staff_name,
                  coalesce((select sum(a.people) from passes.admissions a where a.device_id = d.id and a.kind = 'entry'
                             and a.undone_at is null
                             and a.at >= date_trunc('day', %(now)s at time zone v.time_zone) at time zone v.time_zone), 0)::int as today,
                  coalesce((select max(a.counter) - count(*) from passes.admissions a where a.device_id = d.id), 0)::int as missing
           from passes.devices d join catalogue.venues v on v.id = d.venue_id
           order by d.revoked_at is not null, d.venue_id, d.name""",
        now=now,
    )


async def begin_shift(tx: Tx, shift_id: UUID, device_id: UUID, staff_id: UUID, at: datetime, ends_at: datetime) -> None:
    """Whoever was on duty there is so no longer."""
    await tx.execute(
        "update passes.shifts set ended_at = %(at)s where device_id = %(device)s and ended_at is null",
        device=device_id, at=at,
    )  # fmt: skip
    await tx.execute(
        """insert into passes.shifts (id, device_id, staff_id, begun_at, ends_at)
           values (%(id)s, %(device)s, %(staff)s, %(at)s, %(ends)s)""",
        id=shift_id, device=device_id, staff=staff_id, at=at, ends=ends_at,
    )  # fmt: skip


async def end_shift(tx: Tx, device_id: UUID, at: datetime) -> UUID | None:
    """Ends it; whose it was."""
    found: UUID | None = await tx.value(
        "update passes.shifts set ended_at = %(at)s where device_id = %(device)s and ended_at is null returning staff_id",
        device=device_id, at=at,
    )  # fmt: skip
    return found
