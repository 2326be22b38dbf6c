"""The SQL of attempts to sign in: what was tried, which devices are known, what failed how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .attempts_model import HourOfDay, SignInRecord, Window


class Failed(msgspec.Struct, frozen=True):
    """How often a credential failed from one place since it last succeeded there, and when last."""

    failed: int
    last_at: datetime


async def insert_sign_in(
    tx: Tx, *, method: str, succeeded: bool, why: str, subject: bytes, source: bytes, account_id: UUID | None, known: bool,
    device: str, release_id: str, at: datetime,
) -> None:  # fmt: skip
    """One line for one attempt."""
    await tx.execute(
        """insert into accounts.sign_ins (at, method, succeeded, why, subject, source, account_id, known, device, release_id)
           values (%(at)s, %(method)s, %(succeeded)s, %(why)s, %(subject)s, %(source)s, %(account)s, %(known)s, %(device)s,
                   %(release)s)""",
        at=at, method=method, succeeded=succeeded, why=why, subject=subject, source=source, account=account_id, known=known,
        device=device, release=release_id,
    )  # fmt: skip


async def recent(tx: ReadTx, account_id: UUID, limit: int) -> list[SignInRecord]:
    """The latest attempts on the accounts of one person, newest first."""
    return await tx.rows(
        SignInRecord,
        """select at, method, succeeded, why, device, known from accounts.sign_ins
           where account_id in (select accounts.members(%(account)s)) order by at desc limit %(limit)s""",
        account=account_id, limit=limit,
    )  # fmt: skip


async def is_known(tx: ReadTx, device: bytes | None, account_id: UUID | None) -> bool:
    """Whether a device has signed in to an account before."""
    if device is None or account_id is None:
        return False
    return bool(
        await tx.value(
            "select true from accounts.devices where device = %(device)s and account_id = %(account)s",
            device=device, account=account_id,
        )
    )  # fmt: skip


async def note_device(tx: Tx, device: bytes, account_id: UUID, method: str, at: datetime) -> None:
    """A device has signed in."""
    await tx.execute(
        """insert into accounts.devices (device, account_id, method, first_at, last_at)
           values (%(device)s, %(account)s, %(method)s, %(at)s, %(at)s)
           on conflict (device, account_id) do update set method = excluded.method, last_at = excluded.last_at""",
        device=device, account=account_id, method=method, at=at,
    )  # fmt: skip


async def methods_of(tx: ReadTx, device: bytes) -> list[str]:
    """How people signed in on a device, the latest way first."""
    found: list[str] = await tx.values(
        "select method from accounts.devices where device = %(device)s group by method order by max(last_at) desc",
        device=device,
    )
    return found


async def forget_devices(tx: Tx, account_id: UUID) -> None:
    """No device of the person behind an account is known any more."""
    await tx.execute(
        "delete from accounts.devices where account_id in (select accounts.members(%(account)s))", account=account_id
    )


async def failed(tx: ReadTx, subject: bytes, place: bytes) -> Failed | None:
    """The failures of a credential from one place."""
    return await tx.maybe(
        Failed,
        "select failed, last_at from accounts.failures where subject = %(subject)s and place = %(place)s",
        subject=subject, place=place,
    )  # fmt: skip


async def note_failure(tx: Tx, subject: bytes, place: bytes, at: datetime) -> int:
    """One failure more; how many there are now in a row."""
    return int(
        await tx.value(
            """insert into accounts.failures as f (subject, place, failed, last_at) values (%(subject)s, %(place)s, 1, %(at)s)
               on conflict (subject, place) do update set failed = f.failed + 1, last_at = excluded.last_at returning f.failed""",
            subject=subject, place=place, at=at,
        )
    )  # fmt: skip


async def forgive(tx: Tx, subject: bytes, places: Sequence[bytes]) -> None:
    """The failures of a credential from these places are forgotten."""
    await tx.execute(
        "delete from accounts.failures where subject = %(subject)s and place = any(%(places)s)",
        subject=subject, places=list(places),
    )  # fmt: skip


async def forgive_all(tx: Tx, subjects: Sequence[bytes]) -> None:
    """All failures of these credentials are forgotten."""
    await tx.execute("delete from accounts.failures where subject = any(%(subjects)s)", subjects=list(subjects))


async def windows(tx: ReadTx, method: str, *, minute: datetime, five: datetime) -> list[Window]:
    """What happened since `minute` and since `five` (the earlier), of attempts on credentials that an account has."""
    return await tx.rows(
        Window,
        """select count(s.id) as tries, count(s.id) filter (where s.succeeded) as successes, count(distinct s.subject) as people,
                  count(distinct s.source) as sources, count(s.id) filter (where s.known) as known_tries,
                  count(s.id) filter (where s.known and s.succeeded) as known_successes
           from (values (%(minute)s::timestamptz), (%(five)s::timestamptz)) as w (since)
           left join accounts.sign_ins s
             on s.method = %(method)s and s.at > %(five)s and s.at > w.since and s.account_id is not null
           group by w.since order by w.since desc""",
        method=method, minute=minute, five=five,
    )  # fmt: skip


async def has_tries(tx: ReadTx, method: str, since: datetime, count: int) -> bool:
    """Whether there were so many tries since then; looks at no more rows than that."""
    found = await tx.value(
        """select count(*) from (select 1 from accounts.sign_ins where method = %(method)s and at > %(since)s
                                 and account_id is not null limit %(count)s) as looked_at""",
        method=method, since=since, count=count,
    )  # fmt: skip
    return int(found) >= count


async def hours(tx: ReadTx, method: str, since: datetime, hour_of_day: int) -> list[HourOfDay]:
    """The same hour (of UTC) on the days since then."""
    return await tx.rows(
        HourOfDay,
        """select tries, successes from accounts.sign_in_hours
           where method = %(method)s and hour >= %(since)s and extract(hour from hour at time zone 'UTC') = %(of_day)s
           order by hour""",
        method=method, since=since, of_day=hour_of_day,
    )  # fmt: skip


async def curve(tx: ReadTx, method: str, since: datetime) -> list[tuple[datetime, int, int]]:
    """Each minute since then with its tries and successes, oldest first."""
    return await tx.tuples(
        """select date_trunc('minute', at), count(*), count(*) filter (where succeeded) from accounts.sign_ins
           where method = %(method)s and at > %(since)s and account_id is not null group by 1 order by 1""",
        method=method, since=since,
    )  # fmt: skip


async def roll_up(tx: Tx, since: datetime, until: datetime) -> None:
    """Writes the sums of whole hours; again, if they were written before."""
    await tx.execute(
        """insert into accounts.sign_in_hours (method, hour, tries, successes)
           select method, date_trunc('hour', at, 'UTC'), count(*), count(*) filter (where succeeded) from accounts.sign_ins
           where at >= %(since)s and at < %(until)s and account_id is not null group by 1, 2
           on conflict (method, hour) do update set tries = excluded.tries, successes = excluded.successes""",
        since=since, until=until,
    )  # fmt: skip


async def count_people(tx: Tx, since: datetime, at: datetime) -> None:
    """Writes how many accounts have a session that was used since then."""
    await tx.execute(
        """insert into accounts.activity (people, counted_at)
           select count(distinct account_id), %(at)s from accounts.sessions where coalesce(seen_at, created_at) > %(since)s
           on conflict (one) do update set people = excluded.people, counted_at = excluded.counted_at""",
        since=since, at=at,
    )  # fmt: skip


async def people(tx: ReadTx) -> int:
    """How many accounts are in use, as last counted."""
    return int(await tx.value("select people from accounts.activity") or 0)


async def forget(tx: Tx, *, sign_ins: datetime, hours: datetime, failures: datetime, now: datetime) -> None:
    """Deletes what is older than it is kept."""
    await tx.execute("delete from accounts.sign_ins where at < %(before)s", before=sign_ins)
    await tx.execute("delete from accounts.sign_in_hours where hour < %(before)s", before=hours)
    await tx.execute("delete from accounts.failures where last_at < %(before)s", before=failures)
    await tx.execute("delete from accounts.spent_challenges where expires_at < %(now)s", now=now)
