"""Remembered replies: the same key gives the same answer, also across processes and after a crash.

A reply is written in the transaction of what it answers. `recall` and `remember` serve commands that decide one thing
at a time; group commit does the same set-based, inside its SQL function. Draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from . import clock
from .db import ReadTx, Tx
from .problems import Invalid


class KeyReused(Invalid):
    """This Idempotency-Key was already used with another request body."""

    safe = "The first request with this key stands as it was answered."
    next_step = "Send a changed request under a new key; repeat an unchanged one with the same body."


class Reply(msgspec.Struct, frozen=True):
    """What was answered under a key."""

    body_hash: bytes
    result: dict[str, Any]


async def recall(tx: ReadTx, scope: UUID, key: str, body_hash: bytes) -> dict[str, Any] | None:
    """The remembered result, or None for a new key. KeyReused when the body differs."""
    reply = await tx.maybe(
        Reply,
        "select body_hash, result from kit.replies where scope = %(scope)s and key = %(key)s",
        scope=scope,
        key=key,
    )
    if reply is None:
        return None
    if reply.body_hash != body_hash:
        raise KeyReused
    return reply.result


async def remember(tx: Tx, scope: UUID, key: str, body_hash: bytes, result: dict[str, Any]) -> None:
    """Writes the result under the key; a concurrent twin makes this a unique violation and the command runs again."""
    await tx.execute(
        """insert into kit.replies (scope, key, body_hash, result, created_at)
           values (%(scope)s, %(key)s, %(body_hash)s, %(result)s, %(at)s)""",
        scope=scope, key=key, body_hash=body_hash, result=Jsonb(result), at=clock.now(),
    )  # fmt: skip
