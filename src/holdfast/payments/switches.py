"""Switches: staff turn a channel off, with a reason and an end, and on again. It works for the next payer, everywhere."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx
from holdfast.kit.problems import Conflict

from . import channels, health_store
from .model import ChannelUnknown

LONGEST = timedelta(days=7)


class SwitchGone(Conflict):
    """This switch is lifted already."""

    next_step = "Look at the list: it shows what is switched off now."


async def turn_off(tx: Tx, actor: Actor, provider: str, method: str | None, reason: str, for_: timedelta) -> int:
    """Offers a channel (all of a provider without a method) to nobody for so long; the switch's number.

    Payments under way go on: they are asked about, closed and refunded as ever. ChannelUnknown for others.
    """
    known = channels.METHODS.get(provider, ())
    if not known or (method is not None and method not in known):
        raise ChannelUnknown(
            provider=provider, method=method, known=[f"{p}/{m}" for p, ms in channels.METHODS.items() for m in ms]
        )
    now = clock.now()
    until = now + min(for_, LONGEST)
    switch_id = await health_store.insert_switch(
        tx, provider=provider, method=method, reason=reason, by=str(actor), at=now, until=until
    )
    await audit.record(
        tx, actor, "payments.switch_off", provider, method=method, reason=reason, until=until.isoformat()
    )
    return switch_id


async def turn_on(tx: Tx, actor: Actor, switch_id: int) -> None:
    """Lifts a switch before its end. SwitchGone when it is lifted already, or there is none."""
    if not await health_store.lift_switch(tx, switch_id, str(actor), clock.now()):
        raise SwitchGone(switch_id=switch_id)
    await audit.record(tx, actor, "payments.switch_on", str(switch_id))
