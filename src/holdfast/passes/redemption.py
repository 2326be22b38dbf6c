"""Redemption: the rules by which a gate lets people in, and how many people are inside.

A ticket admits once: whichever admission the server hears of first counts. A second one that a device without a network
has let in is recorded beside it for staff; the person is not punished for it.
"""

from __future__ import annotations

import msgspec

from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import InvalidInput

from . import admissions_store
from .gate_model import USUAL, Rules

LIMITS: dict[str, tuple[int, int]] = {
    "early_minutes": (0, 1440),
    "late_minutes": (0, 1440),
    "stay_minutes": (5, 1440),
    "grace_minutes": (0, 1440),
}
"""The least and the most minutes of each rule."""


async def rules_of(tx: ReadTx, venue_id: str) -> Rules:
    """The rules of entry of a venue; what is usual where nobody has set others."""
    return await admissions_store.rules(tx, venue_id) or USUAL


async def set_rules(tx: Tx, actor: Actor, venue_id: str, rules: Rules, reason: str) -> None:
    """Sets the rules of a venue; devices get them with their next list. InvalidInput names minutes out of range."""
    errors = [
        {
            "field": name, "code": "OUT_OF_RANGE",
            "message": {"en": f"Minutes from {least} to {most}.", "zh": f"请填写 {least} 到 {most} 之间的分钟数。"},
        }
        for name, (least, most) in LIMITS.items()
        if not least <= getattr(rules, name) <= most
    ]  # fmt: skip
    if errors:
        raise InvalidInput(errors=errors)
    await admissions_store.set_rules(tx, venue_id, rules, str(actor), clock.now())
    await audit.record(tx, actor, "gate.rules", f"venue:{venue_id}", reason=reason, **msgspec.to_builtins(rules))


async def inside(tx: ReadTx, venue_id: str) -> int:
    """How many people are inside a venue now, as its gates tell.

    Where exits are counted: who went in today less who went out. Elsewhere: who went in within the time people stay.
    Everybody who went in counts, also on a ticket that was used twice; nobody whose admission was undone.
    """
    return await admissions_store.inside(tx, venue_id, clock.now(), USUAL.stay_minutes)
