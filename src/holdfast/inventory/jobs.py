"""Background work of the inventory: slots are made ahead of their release, and kept in step with the catalogue."""

from __future__ import annotations

from holdfast.kit import actor, log
from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import allotments, slots


@every(3600)
async def generate_slots(db: Db) -> None:
    made = await db.run(slots.generate, actor.system("inventory.generate_slots"))
    log.get().info(
        "slots.generated", created=made.created, changed=made.changed, closed=made.closed, paused=made.paused
    )


@every(300)
async def set_aside(db: Db) -> None:
    """What is set aside for desks follows the rules."""
    await allotments.apply_rules(db)


@every(60)
async def return_unused(db: Db) -> None:
    """What desks have not sold in time returns to sale."""
    await allotments.return_due(db)
