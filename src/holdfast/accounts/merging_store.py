"""SQL of accounts that are one person: the graph, the roots derived from it, proofs, and what accounts themselves count."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .merging_model import NOT_ME, Known, Link
from .merging_tallies import Groups, Tally


class Contact(msgspec.Struct, frozen=True):
    """Something of an account that a code can be sent to: sealed."""

    kind: str
    value: bytes
    masked: str


class ProofCode(msgspec.Struct, frozen=True):
    """A code sent to prove a phone: its digest, and whether it may still be used."""

    id: UUID
    code_hash: bytes
    tries_left: int
    expires_at: datetime
    used_at: datetime | None


async def members(tx: ReadTx, account_id: UUID) -> list[UUID]:
    """All accounts of the person behind an account, as every list and search finds them."""
    return await tx.values("select m from accounts.members(%(id)s) m order by m", id=account_id)


async def connected(tx: ReadTx, account_id: UUID, without: UUID | None = None) -> list[UUID]:
    """The accounts that links join to this one, from the graph; as if one link did not exist, if asked."""
    return await tx.values(
        "select c from accounts.connected(%(id)s, %(without)s) c order by c", id=account_id, without=without
    )


async def lock_persons(tx: Tx, accounts: list[UUID]) -> list[UUID]:
    """Locks every account of these persons, in id order; the ids. Only merges take these locks on more than the root."""
    return await tx.values(
        """select a.id from accounts.accounts a
           where a.root in (select m.root from accounts.accounts m where m.id = any(%(ids)s)) order by a.id for no key update""",
        ids=accounts,
    )


async def set_root(tx: Tx, accounts: list[UUID], root: UUID) -> None:
    """Writes the derived root of one person; the caller holds the locks."""
    await tx.execute(
        "update accounts.accounts set root = %(root)s where id = any(%(ids)s) and root <> %(root)s",
        ids=accounts,
        root=root,
    )


async def insert_link(tx: Tx, link_id: UUID, a: UUID, b: UUID, evidence: dict[str, Any], by: str, at: datetime, approved_by: str | None) -> None:  # fmt: skip
    """Asserts a pair."""
    await tx.execute(
        """insert into accounts.links (id, a, b, evidence, made_by, made_at, approved_by)
           values (%(id)s, %(a)s, %(b)s, %(evidence)s, %(by)s, %(at)s, %(approved)s)""",
        id=link_id, a=a, b=b, evidence=Jsonb(evidence), by=by, at=at, approved=approved_by,
    )  # fmt: skip


async def end_link(tx: Tx, link_id: UUID, by: str, at: datetime, reason: str) -> int:
    """Ends a link that has not ended; how many that were."""
    return await tx.execute(
        """update accounts.links set ended_at = %(at)s, ended_by = %(by)s, end_reason = %(reason)s
           where id = %(id)s and ended_at is null""",
        id=link_id, by=by, at=at, reason=reason,
    )  # fmt: skip


_LINK: LiteralString = """select l.id, l.a, l.b, l.evidence, l.made_by, l.made_at, l.approved_by, l.ended_at, l.end_reason,
    coalesce((select i.masked from accounts.identifiers i where i.account_id = l.a order by i.verified_at limit 1), '') as a_masked,
    coalesce((select i.masked from accounts.identifiers i where i.account_id = l.b order by i.verified_at limit 1), '') as b_masked
    from accounts.links l """


async def link(tx: ReadTx, link_id: UUID) -> Link | None:
    """A link, whoever it concerns: callers authorise."""
    return await tx.maybe(Link, _LINK + """where l.id = %(id)s""", id=link_id)


async def links_of(tx: ReadTx, account_id: UUID) -> list[Link]:
    """The links that make the person behind an account one, the newest first."""
    return await tx.rows(
        Link,
        _LINK + """where l.ended_at is null and l.a in (select accounts.members(%(id)s)) order by l.id desc""",
        id=account_id,
    )


async def newest_links(tx: ReadTx, limit: int) -> list[Link]:
    """The latest links, ended ones too."""
    return await tx.rows(Link, _LINK + """order by l.id desc limit %(limit)s""", limit=limit)


async def disputed(tx: ReadTx, left: list[UUID], right: list[UUID], since: datetime) -> bool:
    """Whether somebody said "not me" about a link between these since then."""
    return bool(
        await tx.value(
            """select exists (select 1 from accounts.links l where l.end_reason = %(reason)s and l.ended_at > %(since)s
                 and (l.a = any(%(left)s) and l.b = any(%(right)s) or l.a = any(%(right)s) and l.b = any(%(left)s)))""",
            reason=NOT_ME, since=since, left=left, right=right,
        )
    )  # fmt: skip


async def seen_since(tx: ReadTx, account_id: UUID, since: datetime) -> bool:
    """Whether an account was opened or signed in to since then."""
    return bool(
        await tx.value(
            """select exists (select 1 from accounts.accounts a where a.id = %(id)s and a.created_at > %(since)s)
                   or exists (select 1 from accounts.sessions s where s.account_id = %(id)s and s.created_at > %(since)s)""",
            id=account_id, since=since,
        )
    )  # fmt: skip


async def known(tx: ReadTx, accounts: list[UUID]) -> list[Known]:
    """Accounts as people recognise them, the oldest first."""
    return await tx.rows(
        Known,
        """select a.id, a.created_at, a.locale, coalesce((select i.masked from accounts.identifiers i
                    where i.account_id = a.id order by i.verified_at limit 1), '') as masked
           from accounts.accounts a where a.id = any(%(ids)s) order by a.id""",
        ids=accounts,
    )


async def contact(tx: ReadTx, account_id: UUID) -> Contact | None:
    """The first phone of an account, else its first e-mail address."""
    return await tx.maybe(
        Contact,
        """select i.kind, i.value, i.masked from accounts.identifiers i
           where i.account_id = %(id)s and i.kind in ('phone', 'email') order by i.kind = 'email', i.verified_at limit 1""",
        id=account_id,
    )


async def account_of_phone(tx: ReadTx, phone_index: bytes) -> UUID | None:
    """The account that a phone identifies."""
    found: UUID | None = await tx.value(
        "select account_id from accounts.identifiers where kind = 'phone' and value_index = %(phone)s",
        phone=phone_index,
    )
    return found


async def end_sessions_since(tx: Tx, accounts: list[UUID], since: datetime, at: datetime) -> int:
    """Ends the sessions of these accounts that began since then; how many there were."""
    return await tx.execute(
        """update accounts.sessions set ended_at = %(at)s
           where account_id = any(%(ids)s) and created_at >= %(since)s and ended_at is null""",
        ids=accounts, since=since, at=at,
    )  # fmt: skip


async def insert_proof(tx: Tx, proof_id: UUID, account_id: UUID, asker: UUID, means: str, at: datetime, until: datetime) -> None:  # fmt: skip
    """Somebody proved an account to an asker."""
    await tx.execute(
        """insert into accounts.proofs (id, account_id, asker, means, at, expires_at)
           values (%(id)s, %(account)s, %(asker)s, %(means)s, %(at)s, %(until)s)""",
        id=proof_id, account=account_id, asker=asker, means=means, at=at, until=until,
    )  # fmt: skip


async def proofs(tx: ReadTx, asker: UUID, now: datetime) -> dict[UUID, str]:
    """The accounts that were proven to an asker and still count → by what means."""
    return dict(
        await tx.tuples(
            "select account_id, means from accounts.proofs where asker = %(asker)s and expires_at > %(now)s order by id",
            asker=asker, now=now,
        )
    )  # fmt: skip


async def end_proofs(tx: Tx, accounts: list[UUID], now: datetime) -> None:
    """Whatever was proven to or about these accounts no longer counts."""
    await tx.execute(
        """update accounts.proofs set expires_at = %(now)s
           where expires_at > %(now)s and (asker = any(%(ids)s) or account_id = any(%(ids)s))""",
        ids=accounts, now=now,
    )  # fmt: skip


async def insert_code(
    tx: Tx, code_id: UUID, phone_index: bytes, asker: UUID, code_hash: bytes, tries: int, at: datetime, until: datetime
) -> None:
    """Writes a code; only its digest is kept."""
    await tx.execute(
        """insert into accounts.proof_codes (id, phone_index, asker, code_hash, tries_left, created_at, expires_at)
           values (%(id)s, %(index)s, %(asker)s, %(hash)s, %(tries)s, %(at)s, %(until)s)""",
        id=code_id, index=phone_index, asker=asker, hash=code_hash, tries=tries, at=at, until=until,
    )  # fmt: skip


async def newest_code(tx: Tx, asker: UUID, phone_index: bytes) -> ProofCode | None:
    """The newest code that an asker had sent to a phone, locked."""
    return await tx.maybe(
        ProofCode,
        """select id, code_hash, tries_left, expires_at, used_at from accounts.proof_codes
           where asker = %(asker)s and phone_index = %(index)s order by created_at desc limit 1 for update""",
        asker=asker, index=phone_index,
    )  # fmt: skip


async def use_code(tx: Tx, code_id: UUID, at: datetime) -> None:
    """A code counts once."""
    await tx.execute("update accounts.proof_codes set used_at = %(at)s where id = %(id)s", id=code_id, at=at)


async def use_try(tx: Tx, code_id: UUID) -> None:
    """One try less."""
    await tx.execute("update accounts.proof_codes set tries_left = tries_left - 1 where id = %(id)s", id=code_id)


async def tallies(tx: ReadTx, groups: Groups, now: datetime) -> list[Tally]:
    """Identifiers and live sessions of each side."""
    return await tx.rows(
        Tally,
        """with asked as (select * from unnest(%(sides)s::text[], %(accounts)s::uuid[]) as g (side, account_id))
           select g.side, 'identifiers' as kind, i.kind as name, '' as currency, count(*), 0 as sum_minor
             from asked g join accounts.identifiers i on i.account_id = g.account_id group by g.side, i.kind
           union all
           select g.side, 'sessions', '', '', count(*), 0
             from asked g join accounts.sessions s on s.account_id = g.account_id and s.ended_at is null and s.expires_at > %(now)s
            group by g.side""",
        sides=groups.sides, accounts=groups.accounts, now=now,
    )  # fmt: skip
