"""SQL of official positions."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .positions_model import Position

_POSITION: LiteralString = """select id, says, keywords, is_urgent, valid_from, valid_until, proposed_by, approved_by, made_at, ending_why
    from notices.positions """


async def standing(tx: ReadTx, now: datetime) -> list[Position]:
    return await tx.rows(
        Position,
        _POSITION + """where valid_from <= %(now)s and (valid_until is null or valid_until > %(now)s)
                       order by is_urgent desc, id""",
        now=now,
    )  # fmt: skip


async def every(tx: ReadTx) -> list[Position]:
    return await tx.rows(Position, _POSITION + "order by id desc limit 500")


async def find(tx: ReadTx, position_id: UUID) -> Position | None:
    return await tx.maybe(Position, _POSITION + "where id = %(id)s", id=position_id)


async def locked(tx: Tx, position_id: UUID) -> Position | None:
    return await tx.maybe(Position, _POSITION + "where id = %(id)s for no key update", id=position_id)


async def insert(
    tx: Tx, position_id: UUID, *, says: dict[str, str], keywords: list[list[str]], is_urgent: bool, valid_from: datetime,
    valid_until: datetime | None, proposal_id: UUID, proposed_by: str, approved_by: str,
) -> None:  # fmt: skip
    await tx.execute(
        """insert into notices.positions (id, says, keywords, is_urgent, valid_from, valid_until, proposal_id, proposed_by, approved_by,
                                          made_at)
           values (%(id)s, %(says)s, %(keywords)s, %(urgent)s, %(from)s, %(until)s, %(proposal)s, %(proposer)s, %(approver)s, %(from)s)""",
        id=position_id, says=Jsonb(says), keywords=Jsonb(keywords), urgent=is_urgent, until=valid_until, proposal=proposal_id,
        proposer=proposed_by, approver=approved_by, **{"from": valid_from},
    )  # fmt: skip


async def end(tx: Tx, position_id: UUID, until: datetime, proposal_id: UUID, why: str) -> None:
    await tx.execute(
        "update notices.positions set valid_until = %(until)s, ending_id = %(proposal)s, ending_why = %(why)s where id = %(id)s",
        id=position_id, until=until, proposal=proposal_id, why=why,
    )  # fmt: skip
