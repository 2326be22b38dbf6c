"""The audit trail: who did what to which thing, written in the transaction of the act."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from . import clock
from .actor import Actor
from .db import Tx


async def record(tx: Tx, actor: Actor, action: str, subject: str, **details: Any) -> None:
    """Appends one line. `action` is a domain verb (``catalogue.import``), `subject` the thing's name."""
    await tx.execute(
        """insert into kit.audit (at, actor, action, subject, details)
           values (%(at)s, %(actor)s, %(action)s, %(subject)s, %(details)s)""",
        at=clock.now(), actor=str(actor), action=action, subject=subject, details=Jsonb(details),
    )  # fmt: skip
