"""The SQL of restrictions and breakers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .restrictions_model import Breaker, Group, Restriction

_SELECTED: LiteralString = """voided_at is null and (%(release)s::text is null or release_id = %(release)s)
    and (%(since)s::timestamptz is null or created_at >= %(since)s)
    and (%(until)s::timestamptz is null or created_at < %(until)s)"""


async def insert(
    tx: Tx, *, restriction_id: UUID, scope: str, key: bytes, account_id: UUID | None, reason: str, release_id: str,
    incident_id: UUID | None, at: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """Writes a restriction."""
    await tx.execute(
        """insert into accounts.restrictions (id, scope, key, account_id, reason, release_id, incident_id, created_at, expires_at)
           values (%(id)s, %(scope)s, %(key)s, %(account)s, %(reason)s, %(release)s, %(incident)s, %(at)s, %(expires)s)""",
        id=restriction_id, scope=scope, key=key, account=account_id, reason=reason, release=release_id, incident=incident_id,
        at=at, expires=expires_at,
    )  # fmt: skip


async def ends_at(tx: ReadTx, scope: str, key: bytes, now: datetime) -> datetime | None:
    """Until when a credential is restricted; None when it is not."""
    found: datetime | None = await tx.value(
        """select max(expires_at) from accounts.restrictions
           where scope = %(scope)s and key = %(key)s and voided_at is null and expires_at > %(now)s""",
        scope=scope, key=key, now=now,
    )  # fmt: skip
    return found


async def written_since(tx: ReadTx, scope: str, since: datetime) -> int:
    """How many were written since then, whatever became of them."""
    return int(
        await tx.value(
            "select count(*) from accounts.restrictions where scope = %(scope)s and created_at > %(since)s",
            scope=scope, since=since,
        )
    )  # fmt: skip


async def groups(
    tx: ReadTx, release: str | None, since: datetime | None, until: datetime | None, now: datetime
) -> list[Group]:
    """Those not voided that fit, by scope, reason and release; `in_force` are those that have not ended by themselves."""
    return await tx.rows(
        Group,
        """select scope, reason, release_id, count(*) as written, count(*) filter (where expires_at > %(now)s) as in_force,
                  count(distinct account_id) as accounts, min(created_at) as first_at, max(created_at) as last_at,
                  max(expires_at) as ends_at
           from accounts.restrictions where """ + _SELECTED + """ group by 1, 2, 3 order by max(created_at) desc limit 200""",
        release=release, since=since, until=until, now=now,
    )  # fmt: skip


async def listed(
    tx: ReadTx, release: str | None, since: datetime | None, until: datetime | None, limit: int
) -> list[Restriction]:
    """Those not voided that fit, newest first."""
    return await tx.rows(
        Restriction,
        """select id, scope, account_id, reason, release_id, incident_id, created_at, expires_at
           from accounts.restrictions where """ + _SELECTED + """ order by created_at desc, id limit %(limit)s""",
        release=release, since=since, until=until, limit=limit,
    )  # fmt: skip


async def void(
    tx: Tx, release: str | None, since: datetime | None, until: datetime | None, *, at: datetime, by: str, reason: str
) -> list[bytes]:  # fmt: skip
    """Ends all that fit and have not ended by themselves; their keys."""
    return [
        bytes(key)
        for key in await tx.values(
            "update accounts.restrictions set voided_at = %(at)s, voided_by = %(by)s, void_reason = %(reason)s where "
            + _SELECTED + " and expires_at > %(at)s returning key",
            release=release, since=since, until=until, at=at, by=by, reason=reason,
        )
    ]  # fmt: skip


_BREAKER: LiteralString = "select method, is_open, changed_at, reason, evidence, rests_until from accounts.breakers "


async def breakers(tx: ReadTx) -> list[Breaker]:
    """The breakers that were ever open."""
    return await tx.rows(Breaker, _BREAKER + "order by method")


async def breaker(tx: ReadTx, method: str) -> Breaker | None:
    return await tx.maybe(Breaker, _BREAKER + "where method = %(method)s", method=method)


async def open_breaker(tx: Tx, method: str, *, reason: str, evidence: dict[str, Any], at: datetime) -> bool:
    """Opens a breaker; False when it is open already, or was closed by hand a moment ago."""
    return bool(
        await tx.execute(
            """insert into accounts.breakers as b (method, is_open, changed_at, reason, evidence)
               values (%(method)s, true, %(at)s, %(reason)s, %(evidence)s)
               on conflict (method) do update set is_open = true, changed_at = excluded.changed_at, reason = excluded.reason,
                                                  evidence = excluded.evidence, rests_until = null
               where not b.is_open and (b.rests_until is null or b.rests_until <= excluded.changed_at)""",
            method=method, at=at, reason=reason, evidence=Jsonb(evidence),
        )
    )  # fmt: skip


async def close_breaker(
    tx: Tx, method: str, *, reason: str, evidence: dict[str, Any], at: datetime, rests_until: datetime | None
) -> bool:
    """Closes a breaker; False when it is closed."""
    return bool(
        await tx.execute(
            """update accounts.breakers set is_open = false, changed_at = %(at)s, reason = %(reason)s, evidence = %(evidence)s,
                                            rests_until = %(rests)s where method = %(method)s and is_open""",
            method=method, at=at, reason=reason, evidence=Jsonb(evidence), rests=rests_until,
        )
    )  # fmt: skip
