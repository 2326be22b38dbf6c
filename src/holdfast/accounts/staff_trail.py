"""The audit trail as staff read it: who did what, when and why, newest first."""

from __future__ import annotations

from datetime import datetime

from holdfast.kit.db import ReadTx

from . import staff_trail_store as store
from .staff_model import TrailEntry

PAGE = 50


async def trail(
    tx: ReadTx, *, actor: str = "", action: str = "", subject: str = "", since: datetime | None = None,
    until: datetime | None = None, before: int | None = None, limit: int = PAGE,
) -> list[TrailEntry]:  # fmt: skip
    """Lines that fit all that is asked, newest first; `before` is the id of the last line of the page before.

    `actor` is a part of a staff member's login or name, or the beginning of an actor (``system:``, ``traveller:…``);
    `action` and `subject` are beginnings: ``staff.`` finds every act on staff.
    """
    actor, action, subject = (text.strip()[:200] for text in (actor, action, subject))
    return await store.entries(tx, actor, action, subject, since, until, before, limit)
