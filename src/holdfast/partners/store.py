"""SQL of partners and their tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.catalogue.model import Text
from holdfast.kit.db import ReadTx, Tx

from .model import Partner, PartnerToken

_PARTNER = "select id, name, email, phone, created_at, account_id, disabled_at, disabled_reason from partners.partners "


async def insert_partner(tx: Tx, partner_id: str, name: Text, email: str, phone: str, at: datetime) -> bool:
    """False when the name is taken."""
    return bool(
        await tx.execute(
            """insert into partners.partners (id, name, email, phone, created_at)
               values (%(id)s, %(name)s, %(email)s, %(phone)s, %(at)s) on conflict (id) do nothing""",
            id=partner_id, name=Jsonb(name), email=email, phone=phone, at=at,
        )
    )  # fmt: skip


async def set_account(tx: Tx, partner_id: str, account_id: UUID) -> None:
    await tx.execute(
        "update partners.partners set account_id = %(account)s where id = %(id)s", id=partner_id, account=account_id
    )


async def disable(tx: Tx, partner_id: str, at: datetime | None, reason: str) -> bool:
    """Switches a partner off, or on again when `at` is None; False when there is no such partner."""
    return bool(
        await tx.execute(
            "update partners.partners set disabled_at = %(at)s, disabled_reason = %(reason)s where id = %(id)s",
            id=partner_id, at=at, reason=reason,
        )
    )  # fmt: skip


async def partner(tx: ReadTx, partner_id: str) -> Partner | None:
    return await tx.maybe(Partner, _PARTNER + "where id = %(id)s", id=partner_id)


async def partners(tx: ReadTx) -> list[Partner]:
    return await tx.rows(Partner, _PARTNER + "order by disabled_at is not null, id")


async def insert_token(tx: Tx, token_id: UUID, partner_id: str, token_hash: bytes, name: str, at: datetime) -> None:
    await tx.execute(
        """insert into partners.tokens (id, partner_id, token_hash, name, created_at)
           values (%(id)s, %(partner)s, %(hash)s, %(name)s, %(at)s)""",
        id=token_id, partner=partner_id, hash=token_hash, name=name, at=at,
    )  # fmt: skip


async def tokens(tx: ReadTx, partner_id: str) -> list[PartnerToken]:
    """Those that count, newest first."""
    return await tx.rows(
        PartnerToken,
        """select id, partner_id, name, created_at, used_at from partners.tokens
            where partner_id = %(partner)s and ended_at is null order by created_at desc, id""",
        partner=partner_id,
    )


async def token(tx: ReadTx, token_hash: bytes) -> PartnerToken | None:
    """A token that counts, of a partner that is not switched off."""
    return await tx.maybe(
        PartnerToken,
        """select t.id, t.partner_id, t.name, t.created_at, t.used_at from partners.tokens t
             join partners.partners p on p.id = t.partner_id
            where t.token_hash = %(hash)s and t.ended_at is null and p.disabled_at is null""",
        hash=token_hash,
    )


async def touch_token(tx: Tx, token_id: UUID, at: datetime) -> None:
    await tx.execute("update partners.tokens set used_at = %(at)s where id = %(id)s", id=token_id, at=at)


async def end_token(tx: Tx, partner_id: str, token_id: UUID, at: datetime) -> bool:
    return bool(
        await tx.execute(
            """update partners.tokens set ended_at = %(at)s
                where id = %(id)s and partner_id = %(partner)s and ended_at is null""",
            id=token_id, partner=partner_id, at=at,
        )
    )  # fmt: skip
