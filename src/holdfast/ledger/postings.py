"""Postings: writing journals. All in the caller's transaction; `at` is when the thing itself happened.

A refusal (GuardBroken and the others) leaves the transaction usable, and nothing of the journal in it. Rows stay locked
until the transaction ends: post late in it, and where there are several journals, in the same order everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import from_code

from . import model, store
from .model import Leg


async def record(
    tx: Tx, kind: str, key: str, legs: Sequence[Leg], *, subject: str, at: datetime, details: dict[str, Any] | None = None
) -> UUID:  # fmt: skip
    """A journal that counts at once; its id. Known by `key`: kind, subject and legs must then be the same as before.

    Problems: GuardBroken, KeyReusedOtherwise, Unbalanced, AccountUnknown.
    """
    return await _write(tx, _journal("record", kind, key, legs, subject, at, details))


async def pend(
    tx: Tx, kind: str, key: str, legs: Sequence[Leg], *, subject: str, at: datetime, details: dict[str, Any] | None = None
) -> UUID:  # fmt: skip
    """A claim: what would leave a guarded account is gone for everybody else, what would come is not there yet.

    It waits until `post` or `void`. Problems as of `record`.
    """
    return await _write(tx, _journal("pend", kind, key, legs, subject, at, details))


async def post(tx: Tx, pending_id: UUID, key: str, *, at: datetime) -> UUID:
    """Carries out a claim, in full; the id of the journal that does. It cannot break a guard.

    Problems: AlreadyResolved, JournalNotPending, JournalUnknown, KeyReusedOtherwise.
    """
    return await _write(tx, store.Writing("post", key, at, answered=pending_id))


async def void(tx: Tx, pending_id: UUID, key: str, *, at: datetime) -> UUID:
    """Gives up a claim, in full; the id of the journal that does. Problems as of `post`."""
    return await _write(tx, store.Writing("void", key, at, answered=pending_id))


async def reverse(tx: Tx, journal_id: UUID, key: str, *, at: datetime) -> UUID:
    """Undoes a posted journal, once, by another with the sides exchanged; its id. A reversal can be undone too.

    Problems: GuardBroken, AlreadyReversed, JournalNotPosted, JournalUnknown, KeyReusedOtherwise.
    """
    return await _write(tx, store.Writing("reverse", key, at, answered=journal_id))


async def find(tx: ReadTx, key: str) -> UUID | None:
    """The journal of a key, for whoever has to resolve what it pended."""
    return await store.journal_of_key(tx, key)


def _journal(
    act: store.Act, kind: str, key: str, legs: Sequence[Leg], subject: str, at: datetime, details: dict[str, Any] | None
) -> store.Writing:  # fmt: skip
    model.require_balance(legs)
    return store.Writing(act, key, at, kind=kind, subject=subject, details=details or {}, legs=model.in_order(legs))


async def _write(tx: Tx, writing: store.Writing) -> UUID:
    written = await store.write(tx, ids.uuid7(), writing, clock.now())
    if written.journal is None:
        assert written.problem is not None
        raise from_code(written.problem, written.fields or {})
    return written.journal
