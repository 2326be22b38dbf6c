"""Retention: nothing personal is kept longer than its setting says. Each domain registers its rules, one job applies them.

    @retention.rule("document numbers", "documents_kept_days")
    async def forget_documents(tx: Tx, before: datetime, limit: int) -> int: ...

A rule treats at most `limit` rows that are older than `before` and answers how many it treated; treating again is harmless,
so a run that was cut short goes on with the next one (PIPL art. 19: the shortest time that the purpose needs).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from . import clock, log, settings
from .db import Db, Tx
from .jobs import every

Forget = Callable[[Tx, datetime, int], Awaitable[int]]
BATCH = 1000
"""Rows of one transaction."""


class Rule(NamedTuple):
    """What is forgotten, and the setting that says after how many days."""

    name: str
    setting: str
    forget: Forget

    @property
    def before(self) -> datetime:
        """What is older than this goes now."""
        return clock.now() - timedelta(days=kept_days(self.setting))


RULES: dict[str, Rule] = {}


def rule(name: str, setting: str) -> Callable[[Forget], Forget]:
    """Registers what a domain forgets after the days of a setting."""

    def register(forget: Forget) -> Forget:
        RULES[name] = Rule(name, setting, forget)
        return forget

    return register


def kept_days(setting: str) -> int:
    """The days that a setting says, never less than none."""
    return max(0, int(getattr(settings.current(), setting)))


async def apply(db: Db) -> dict[str, int]:
    """Applies every rule until nothing is left that is too old; how many rows each one treated.

    A rule that fails is logged and does not keep the others from their work.
    """
    treated: dict[str, int] = {}
    for name, found in RULES.items():
        treated[name] = 0
        try:
            while count := await db.run(found.forget, found.before, BATCH):
                treated[name] += count
        except Exception as error:
            log.get().warning("retention.failed", rule=name, error=repr(error))
    if any(treated.values()):
        log.get().info("retention.applied", **{name.replace(" ", "_"): count for name, count in treated.items()})
    return treated


@every(3600)
async def forget_what_is_too_old(db: Db) -> None:
    """What has been kept long enough."""
    await apply(db)


@rule("remembered replies", "replies_kept_days")
async def forget_replies(tx: Tx, before: datetime, limit: int) -> int:
    """After this an Idempotency-Key may be used anew."""
    return await tx.execute(
        """delete from kit.replies where (scope, key) in (
               select scope, key from kit.replies where created_at < %(before)s limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


@rule("addresses in the audit trail", "addresses_kept_days")
async def forget_addresses(tx: Tx, before: datetime, limit: int) -> int:
    """The line stays; from where it was done goes (Cybersecurity Law art. 21: network logs for at least six months)."""
    return await tx.execute(
        """update kit.audit set details = details - 'source' where id in (
               select id from kit.audit where details ? 'source' and at < %(before)s order by at limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


async def forget_replies_of(tx: Tx, scopes: Sequence[UUID]) -> int:
    """What was answered to these askers; how many answers there were."""
    return await tx.execute("delete from kit.replies where scope = any(%(scopes)s)", scopes=list(scopes))
