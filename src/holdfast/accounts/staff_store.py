"""All SQL of staff: accounts, set-up links, sessions, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .staff_model import ApiToken, Member, Role, Staff, StaffDevice


class Credentials(msgspec.Struct, frozen=True):
    """What a sign-in is compared with."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    password_hash: str | None
    totp_secret: bytes | None
    totp_step: int
    active: bool

    @property
    def staff(self) -> Staff:
        return Staff(self.id, self.login, self.name, self.roles)


class Standing(msgspec.Struct, frozen=True):
    """A staff account as it stands now, with since when each role is held."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    active: bool
    roles_since: dict[str, datetime]


class Pending(msgspec.Struct, frozen=True):
    """A set-up that may still be finished, and for whom."""

    staff_id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    totp_secret: bytes
    expires_at: datetime


class Live(msgspec.Struct, frozen=True):
    """A live session with its owner."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Holder(msgspec.Struct, frozen=True):
    """Who answers for a token, and with which roles of each."""

    token_id: UUID
    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    token_roles: tuple[Role, ...]
    used_at: datetime | None


async def insert_staff(tx: Tx, *, staff_id: UUID, login: str, name: str, roles: Sequence[str], at: datetime) -> bool:
    """A new account without proofs; False when the login is taken."""
    return bool(
        await tx.execute(
            """insert into accounts.staff (id, login, name, roles, created_at, roles_at)
               values (%(id)s, %(login)s, %(name)s, %(roles)s, %(at)s, %(at)s) on conflict on constraint login_taken do nothing""",
            id=staff_id, login=login, name=name, roles=list(roles), at=at,
        )
    )  # fmt: skip


async def credentials(tx: ReadTx, login: str) -> Credentials | None:
    """The proofs behind a login."""
    return await tx.maybe(
        Credentials,
        """select id, login, name, roles, password_hash, totp_secret, totp_step, active
           from accounts.staff where login = %(login)s""",
        login=login,
    )


async def lock_credentials(tx: Tx, staff_id: UUID) -> Credentials | None:
    """The same by id, locked: one sign-in of an account at a time decides about its code."""
    return await tx.maybe(
        Credentials,
        """select id, login, name, roles, password_hash, totp_secret, totp_step, active
           from accounts.staff where id = %(id)s for update""",
        id=staff_id,
    )


async def set_credentials(tx: Tx, staff_id: UUID, password_hash: str, totp_secret: bytes, totp_step: int) -> None:
    """New proofs."""
    await tx.execute(
        """update accounts.staff set password_hash = %(hash)s, totp_secret = %(secret)s, totp_step = %(step)s where id = %(id)s""",
        id=staff_id, hash=password_hash, secret=totp_secret, step=totp_step,
    )  # fmt: skip


async def clear_credentials(tx: Tx, staff_id: UUID) -> None:
    """Nobody can sign in until a set-up is finished."""
    await tx.execute(
        "update accounts.staff set password_hash = null, totp_secret = null, totp_step = 0 where id = %(id)s",
        id=staff_id,
    )


async def note_sign_in(tx: Tx, staff_id: UUID, totp_step: int, at: datetime) -> None:
    """The code of this step is used up."""
    await tx.execute(
        "update accounts.staff set totp_step = %(step)s, signed_in_at = %(at)s where id = %(id)s",
        id=staff_id, step=totp_step, at=at,
    )  # fmt: skip


async def use_step(tx: Tx, staff_id: UUID, totp_step: int) -> None:
    """The code of this step is used up."""
    await tx.execute("update accounts.staff set totp_step = %(step)s where id = %(id)s", id=staff_id, step=totp_step)


async def set_roles(tx: Tx, staff_id: UUID, roles: Sequence[str], at: datetime) -> None:
    """What somebody may do from now on; the database notes since when each role is held."""
    await tx.execute(
        "update accounts.staff set roles = %(roles)s, roles_at = %(at)s where id = %(id)s",
        id=staff_id, roles=list(roles), at=at,
    )  # fmt: skip


async def set_roles_since(tx: Tx, staff_id: UUID, at: datetime) -> None:
    """Every role counts from another moment: for accounts that are ready at once."""
    await tx.execute(
        """update accounts.staff set roles_since = (select jsonb_object_agg(role, %(at)s::timestamptz) from unnest(roles) role)
           where id = %(id)s""",
        id=staff_id, at=at,
    )  # fmt: skip


async def standing(tx: ReadTx, staff_id: UUID) -> Standing | None:
    """Who somebody is now, and since when they have each role."""
    return await tx.maybe(
        Standing,
        "select id, login, name, roles, active, roles_since from accounts.staff where id = %(id)s",
        id=staff_id,
    )


async def namesakes(tx: ReadTx, staff_id: UUID) -> list[UUID]:
    """Accounts with the same name, this one among them; blanks and capitals do not count."""
    found: list[UUID] = await tx.values(
        """select o.id from accounts.staff s
             join accounts.staff o on lower(regexp_replace(o.name, '[[:space:]]', '', 'g')) = lower(regexp_replace(s.name, '[[:space:]]', '', 'g'))
            where s.id = %(id)s""",
        id=staff_id,
    )
    return found


async def set_active(tx: Tx, staff_id: UUID, inactive_reason: str | None) -> None:
    """Switches an account off with a reason, or on again with None."""
    await tx.execute(
        """update accounts.staff set active = (%(reason)s::text is null), inactive_reason = %(reason)s where id = %(id)s""",
        id=staff_id, reason=inactive_reason,
    )  # fmt: skip


async def members(tx: ReadTx, now: datetime, seen_since: datetime) -> list[Member]:
    """Every account, those that are switched off last, with the number of its live sessions and tokens."""
    return await tx.rows(
        Member,
        """select s.id, s.login, s.name, s.roles, s.active, s.inactive_reason, s.password_hash is not null as ready, s.created_at,
                  s.signed_in_at,
                  (select count(*) from accounts.staff_sessions e where e.staff_id = s.id and e.ended_at is null
                     and e.expires_at > %(now)s and e.seen_at > %(since)s) as sessions,
                  (select count(*) from accounts.staff_tokens t where t.staff_id = s.id and t.ended_at is null
                     and t.expires_at > %(now)s) as tokens
           from accounts.staff s order by s.active desc, s.login""",
        now=now, since=seen_since,
    )  # fmt: skip


async def other_engineers(tx: ReadTx, staff_id: UUID) -> int:
    """How many others could manage staff."""
    return int(
        await tx.value(
            """select count(*) from accounts.staff
               where id <> %(id)s and active and password_hash is not null and 'engineer' = any(roles)""",
            id=staff_id,
        )
    )


async def insert_setup(
    tx: Tx, *, code_hash: bytes, staff_id: UUID, totp_secret: bytes, at: datetime, expires_at: datetime
) -> None:
    """A set-up link; the earlier ones of the account no longer count."""
    await end_setups(tx, staff_id, at)
    await tx.execute(
        """insert into accounts.staff_setups (code_hash, staff_id, totp_secret, created_at, expires_at)
           values (%(hash)s, %(staff)s, %(secret)s, %(at)s, %(expires)s)""",
        hash=code_hash, staff=staff_id, secret=totp_secret, at=at, expires=expires_at,
    )  # fmt: skip


async def pending_setup(tx: ReadTx, code_hash: bytes, now: datetime) -> Pending | None:
    """The set-up behind a link that still counts."""
    return await tx.maybe(
        Pending,
        """select u.staff_id, s.login, s.name, s.roles, u.totp_secret, u.expires_at
           from accounts.staff_setups u join accounts.staff s on s.id = u.staff_id
           where u.code_hash = %(hash)s and u.ended_at is null and u.expires_at > %(now)s and s.active""",
        hash=code_hash, now=now,
    )  # fmt: skip


async def use_setup(tx: Tx, code_hash: bytes, at: datetime) -> bool:
    """Ends a link that still counts; False when another request was first."""
    return bool(
        await tx.execute(
            """update accounts.staff_setups set ended_at = %(at)s
               where code_hash = %(hash)s and ended_at is null and expires_at > %(at)s""",
            hash=code_hash, at=at,
        )
    )  # fmt: skip


async def end_setups(tx: Tx, staff_id: UUID, at: datetime) -> None:
    """No link of the account counts any more."""
    await tx.execute(
        "update accounts.staff_setups set ended_at = %(at)s where staff_id = %(staff)s and ended_at is null",
        staff=staff_id, at=at,
    )  # fmt: skip


async def insert_session(
    tx: Tx, *, token_hash: bytes, staff_id: UUID, device: str, at: datetime, expires_at: datetime
) -> None:
    """Begins a session."""
    await tx.execute(
        """insert into accounts.staff_sessions (token_hash, staff_id, device, created_at, seen_at, expires_at)
           values (%(hash)s, %(staff)s, %(device)s, %(at)s, %(at)s, %(expires)s)""",
        hash=token_hash, staff=staff_id, device=device, at=at, expires=expires_at,
    )  # fmt: skip


async def live_session(tx: ReadTx, token_hash: bytes, now: datetime, seen_since: datetime) -> Live | None:
    """The session behind a digest, if it was seen lately, is not over, and its owner is active."""
    return await tx.maybe(
        Live,
        """select s.id, s.login, s.name, s.roles, e.device, e.created_at, e.seen_at, e.expires_at
           from accounts.staff_sessions e join accounts.staff s on s.id = e.staff_id
           where e.token_hash = %(hash)s and e.ended_at is null and e.expires_at > %(now)s and e.seen_at > %(since)s and s.active""",
        hash=token_hash, now=now, since=seen_since,
    )  # fmt: skip


async def touch_session(tx: Tx, token_hash: bytes, at: datetime) -> None:
    """It is in use."""
    await tx.execute(
        "update accounts.staff_sessions set seen_at = greatest(seen_at, %(at)s) where token_hash = %(hash)s",
        hash=token_hash, at=at,
    )  # fmt: skip


async def devices(tx: ReadTx, staff_id: UUID, now: datetime, seen_since: datetime) -> list[StaffDevice]:
    """The live sessions of one person, newest first."""
    return await tx.rows(
        StaffDevice,
        """select device, created_at, seen_at, expires_at, token_hash from accounts.staff_sessions
           where staff_id = %(staff)s and ended_at is null and expires_at > %(now)s and seen_at > %(since)s
           order by created_at desc""",
        staff=staff_id, now=now, since=seen_since,
    )  # fmt: skip


async def end_session(tx: Tx, token_hash: bytes, at: datetime) -> int:
    """Ends one session; whether there was one."""
    return await tx.execute(
        "update accounts.staff_sessions set ended_at = %(at)s where token_hash = %(hash)s and ended_at is null",
        hash=token_hash, at=at,
    )  # fmt: skip


async def end_sessions(tx: Tx, staff_id: UUID, at: datetime) -> int:
    """Ends every session of one person; how many had not ended."""
    return await tx.execute(
        "update accounts.staff_sessions set ended_at = %(at)s where staff_id = %(staff)s and ended_at is null",
        staff=staff_id, at=at,
    )  # fmt: skip


async def insert_token(
    tx: Tx, *, token_id: UUID, token_hash: bytes, staff_id: UUID, name: str, roles: Sequence[str], at: datetime,
    expires_at: datetime,
) -> None:  # fmt: skip
    """A program's token."""
    await tx.execute(
        """insert into accounts.staff_tokens (id, token_hash, staff_id, name, roles, created_at, expires_at)
           values (%(id)s, %(hash)s, %(staff)s, %(name)s, %(roles)s, %(at)s, %(expires)s)""",
        id=token_id, hash=token_hash, staff=staff_id, name=name, roles=list(roles), at=at, expires=expires_at,
    )  # fmt: skip


async def token_holder(tx: ReadTx, token_hash: bytes, now: datetime) -> Holder | None:
    """Who answers for a token that counts."""
    return await tx.maybe(
        Holder,
        """select t.id as token_id, s.id, s.login, s.name, s.roles, t.roles as token_roles, t.used_at
           from accounts.staff_tokens t join accounts.staff s on s.id = t.staff_id
           where t.token_hash = %(hash)s and t.ended_at is null and t.expires_at > %(now)s and s.active""",
        hash=token_hash, now=now,
    )  # fmt: skip


async def touch_token(tx: Tx, token_id: UUID, at: datetime) -> None:
    """It is in use."""
    await tx.execute("update accounts.staff_tokens set used_at = %(at)s where id = %(id)s", id=token_id, at=at)


async def tokens(tx: ReadTx, staff_id: UUID, now: datetime) -> list[ApiToken]:
    """The tokens of one person that count, newest first."""
    return await tx.rows(
        ApiToken,
        """select id, name, roles, created_at, expires_at, used_at from accounts.staff_tokens
           where staff_id = %(staff)s and ended_at is null and expires_at > %(now)s order by created_at desc""",
        staff=staff_id, now=now,
    )  # fmt: skip


async def end_token(tx: Tx, staff_id: UUID, token_id: UUID, at: datetime) -> str | None:
    """Ends a token of that person; its name, or None when there is none that counts."""
    found: str | None = await tx.value(
        """update accounts.staff_tokens set ended_at = %(at)s
           where id = %(id)s and staff_id = %(staff)s and ended_at is null returning name""",
        id=token_id, staff=staff_id, at=at,
    )  # fmt: skip
    return found


async def end_tokens(tx: Tx, staff_id: UUID, at: datetime) -> int:
    """Ends every token of one person; how many had not ended."""
    return await tx.execute(
        "update accounts.staff_tokens set ended_at = %(at)s where staff_id = %(staff)s and ended_at is null",
        staff=staff_id, at=at,
    )  # fmt: skip
