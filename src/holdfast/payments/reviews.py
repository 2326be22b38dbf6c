"""Reviews: callbacks that are proven and about nothing we know, or impossible. A person looks at each, and says what it was."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import audit
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import Conflict

from . import reviews_store
from .reviews_store import Parked

__all__ = ["Parked", "ReviewGone", "done", "waiting"]
LIST_MAX = 100


class ReviewGone(Conflict):
    """This callback does not wait for anybody any more."""

    safe = "Nothing was changed."
    next_step = "Look at the list: it shows what still waits."


async def waiting(tx: ReadTx) -> list[Parked]:
    """What people must look at, oldest first."""
    return await reviews_store.parked(tx, LIST_MAX)


async def done(tx: Tx, actor: Actor, inbox_id: UUID, reason: str) -> None:
    """It was looked at; `reason` is what was found out. ReviewGone when somebody else was quicker."""
    if not await reviews_store.settle(tx, inbox_id, f"reviewed: {reason}"):
        raise ReviewGone
    await audit.record(tx, actor, "payment.callback_reviewed", str(inbox_id), reason=reason)
