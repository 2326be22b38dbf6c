"""All SQL of admission."""

from __future__ import annotations

from datetime import datetime

from holdfast.kit.db import Tx


async def spend(tx: Tx, name: str, subject: bytes, now: datetime, since: datetime) -> tuple[int, datetime]:
    """Counts one use in the current window, beginning a new one when the last is over; uses so far and its begin."""
    [(used, started_at)] = await tx.tuples(
        """insert into admission.windows as w (name, subject, started_at, used) values (%(name)s, %(subject)s, %(now)s, 1)
           on conflict (name, subject) do update set
             used = case when w.started_at <= %(since)s then 1 else w.used + 1 end,
             started_at = case when w.started_at <= %(since)s then excluded.started_at else w.started_at end
           returning used, started_at""",
        name=name, subject=subject, now=now, since=since,
    )  # fmt: skip
    return used, started_at


async def give_back(tx: Tx, name: str, subject: bytes) -> None:
    """One use less in the current window."""
    await tx.execute(
        "update admission.windows set used = greatest(used - 1, 0) where name = %(name)s and subject = %(subject)s",
        name=name, subject=subject,
    )  # fmt: skip


async def forget(tx: Tx, before: datetime) -> int:
    """Deletes windows that are long over."""
    return await tx.execute("delete from admission.windows where started_at < %(before)s", before=before)
