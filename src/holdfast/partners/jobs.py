"""Background entries of partners."""

from __future__ import annotations

from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import client_pull, demo, freshness


@every(20)
async def watch_partners(db: Db) -> None:
    """Whose word grows old is told; sale ends without this."""
    await freshness.watch(db)


@every(60)
async def ask_suppliers(db: Db) -> None:
    """What suppliers with an interface of their own say is free."""
    await client_pull.pull_all(db)


@every(300)
async def demo_heartbeat(db: Db) -> None:
    """Only for demonstrations: says "still open" in the name of invented partners, where that is not switched off."""
    await demo.beat(db)
