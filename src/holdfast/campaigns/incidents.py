"""Incidents: one for every stop of a campaign, opened by itself, with the evidence that the rows hold.

The stop itself happened in a booking, or by one press; nothing waits for this. What was granted stays granted; what becomes of it in
the books is decided one domain above (`orders.honour`). Nothing begins again by itself (`restart`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast import notices
from holdfast.kit import audit, clock, log
from holdfast.kit.actor import system
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import NotFound

from . import incidents_store as store
from . import stages
from .incidents_store import Granted, Stop, Sums

OPENS = system("campaigns.incidents")
SHOWN = 30


class StopUnknown(NotFound):
    """No campaign was stopped under this number."""

    next_step = "Look at the list of campaigns: each says when it was stopped."


class Step(msgspec.Struct, frozen=True):
    """A moment of an incident's course. `kind`: started, stage, first, last, stopped, opened, restarted."""

    at: datetime
    kind: str
    values: dict[str, str | int] = {}


class Evidence(msgspec.Struct, frozen=True):
    """A stop with all that is known of it. `last`: the last orders that got something, the newest first."""

    stop: Stop
    sums: Sums
    steps: list[Step]
    last: list[Granted]


async def require(tx: ReadTx, trip_id: UUID) -> Stop:
    """A stop. StopUnknown."""
    found = await store.stop(tx, trip_id)
    if found is None:
        raise StopUnknown
    return found


async def newest(tx: ReadTx, limit: int = SHOWN) -> list[Stop]:
    """The newest stops."""
    return await store.newest(tx, limit)


async def last_of(tx: ReadTx, version_id: UUID) -> UUID | None:
    """The newest stop of a version; None when it was never stopped."""
    return await store.last_of(tx, version_id)


async def evidence(tx: ReadTx, trip_id: UUID, orders: int = SHOWN) -> Evidence:
    """What is known of a stop. StopUnknown."""
    stop = await require(tx, trip_id)
    sums, last = await store.sums(tx, trip_id), await store.before(tx, trip_id, orders)
    steps = [
        Step(one.began_at, "stage" if one.stage > 1 else "started", {"stage": one.stage})
        for one in await stages.history(tx, stop.version_id)
        if one.epoch < stop.epoch
    ]
    if sums.first_at is not None and sums.last_at is not None:
        steps += [Step(sums.first_at, "first"), Step(sums.last_at, "last", {"orders": sums.orders})]
    steps.append(Step(stop.at, "stopped"))
    if stop.opened_at is not None:
        steps.append(Step(stop.opened_at, "opened"))
    if stop.restarted_at is not None:
        steps.append(Step(stop.restarted_at, "restarted"))
    return Evidence(stop, sums, sorted(steps, key=lambda one: one.at), last)


async def open_one(tx: Tx, trip_id: UUID) -> bool:
    """Opens the incident of a stop: record, alarm, trail and an event, once. StopUnknown."""
    stop, sums = await require(tx, trip_id), await store.sums(tx, trip_id)
    if not await store.opened(tx, trip_id, msgspec.to_builtins(sums), clock.now()):
        return False
    facts = {"version": str(stop.version_id), "reason": stop.reason, "orders": sums.orders, "minor": sums.minor}
    if stop.reason == "person":
        log.get().warning("campaign.stopped", campaign=stop.campaign_id, trip=str(trip_id), **facts)
    else:
        log.get().error("campaign.tripped", campaign=stop.campaign_id, trip=str(trip_id), **facts)
    await audit.record(tx, OPENS, "campaign.incident", f"campaign:{stop.campaign_id}", trip=str(trip_id), **facts)
    await notices.publish(
        tx, "campaign.stopped",
        {"campaign_id": stop.campaign_id, "version": stop.n, "reason": stop.reason, "incident_id": str(trip_id), "orders": sums.orders,
         "amount": {"amount_minor": sums.minor, "currency": "CNY"}},
        subject=f"campaign:{stop.campaign_id}",
    )  # fmt: skip
    return True
