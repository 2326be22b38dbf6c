"""Stages: a campaign starts small and is let grow only while all that it granted is right and as it was forecast.

    canary (20 redemptions or 500 yuan) → 1 % → 10 % → all of its budget

A stage that would be no larger than the one before it is left out. Each step is taken by the timetable or by hand, on the same
conditions (`judge`): five minutes have passed, the stage is used by half at least, everything granted in it was recounted and is what the
version says, the share of orders that match and the size of discounts are near the forecast. Else it stays, and says why. A stage
that is full is not offered until the step.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, jobs
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Conflict

from . import guards, recounting, start
from . import stages_store as store
from .expecting import CANARY_COUNT, CANARY_MINOR
from .model import CampaignUnknown
from .stages_store import Judged, Stage, Standing

SHARES_BP = (100, 1000, 10_000)
"""Of the budget, after the canary."""
WAIT = timedelta(minutes=5)
USED_PART = 0.5
SHARE_TIMES, SIZE_TIMES = 3.0, 1.3
ERRORS = 2.0
"""Few redemptions cannot be near a forecast but by chance: so many standard errors are allowed where that is more."""
BATCH, NAMED = 500, 5
GROWS = system("campaigns.stages")


class NotReady(Conflict):
    """This stage cannot be left yet."""

    safe = "Nothing was changed; the campaign goes on in its stage."
    next_step = "Look at what stands against it; it is looked at again every half minute."


class LastStage(Conflict):
    """This campaign is in its last stage, or does not run."""

    safe = "Nothing was changed."
    next_step = "Look at the campaign's page: it says how it stands."


class Check(msgspec.Struct, frozen=True):
    """One condition of a step. `values`: figures to say it with; `name`: wait, used, recount, share, size."""

    name: str
    holds: bool
    values: dict[str, Any] = {}


class Limit(msgspec.Struct, frozen=True):
    """A stage and what it may use: minor units, redemptions; None: only the budget bounds it."""

    stage: int
    state: str
    minor: int | None
    count: int | None


def plan(budget_minor: int, budget_count: int | None, *, is_gift: bool) -> list[Limit]:
    """The stages of a campaign, those that would not grow left out. Gifts cost no money of orders, so redemptions bound them."""
    minor = None if is_gift else min(budget_minor, CANARY_MINOR)
    found = [Limit(1, "canary", minor, CANARY_COUNT)]
    if is_gift:
        sizes = _growing(CANARY_COUNT, budget_count or CANARY_COUNT * 100)
        found += [Limit(n, "ramping", None, size) for n, size in enumerate(sizes, 2)]
    else:
        found += [Limit(n, "ramping", size, None) for n, size in enumerate(_growing(CANARY_MINOR, budget_minor), 2)]
    return [*found, Limit(len(found) + 1, "live", None, None)]


def _growing(least: int, whole: int) -> list[int]:
    """The parts of the whole that are larger than what came before and smaller than the whole."""
    found = []
    for share in SHARES_BP[:-1]:
        size = whole * share // 10_000
        if size > least:
            found.append(size)
            least = size
    return found


def next_stage(now: Standing) -> Limit | None:
    """What comes after the stage that it is in; None after the last."""
    if now.state not in ("canary", "ramping"):
        return None
    stages = plan(now.budget_minor, now.budget_count, is_gift=now.content["effect"]["type"] == "gift")
    return next((one for one in stages if one.stage == now.stage + 1), None)


# The conditions of a step. All but the recount are decisions


def cheap(now: Standing, at: datetime) -> list[Check]:
    """What can be said without looking at single orders."""
    return [_waited(now, at), _used(now), _share(now), _size(now)]


def _waited(now: Standing, at: datetime) -> Check:
    since = max(now.stage_since, now.starts_at)
    return Check("wait", at >= since + WAIT, {"until": (since + WAIT).isoformat()})


def _used(now: Standing) -> Check:
    """Full, or by half: a stage that hardly anybody came to says nothing."""
    parts = [used / limit for used, limit in (
        (now.stage_used_minor, now.stage_minor), (now.stage_used_count, now.stage_count)
    ) if limit]  # fmt: skip
    part = 1.0 if now.full_since is not None else max(parts, default=1.0)
    return Check("used", part >= USED_PART, {"percent": round(100 * min(part, 1.0))})


def _share(now: Standing) -> Check:
    """Between a third and three times the forecast, both of the orders placed while it is offered."""
    if now.forecast is None or not now.seen or not now.matched:
        return Check("share", holds=False, values={"matched": now.matched, "seen": now.seen})
    expected, found = max(float(now.forecast["share"]), guards.SHARE_LEAST), min(1.0, now.matched / now.seen)
    far = max(math.log(SHARE_TIMES), ERRORS / math.sqrt(now.matched))
    return Check(
        "share", abs(math.log(found / expected)) <= far,
        {"matched": now.matched, "seen": now.seen, "percent": round(100 * found, 2), "expected": round(100 * expected, 2)},
    )  # fmt: skip


def _size(now: Standing) -> Check:
    """Within 30 percent of the forecast, by the mean of logarithms: one very large discount among twenty moves it little, many do."""
    if now.content["effect"]["type"] == "gift":
        return Check("size", holds=True)
    expected = None if now.forecast is None else now.forecast["log_mean"]
    if now.log_mean is None or expected is None or now.forecast is None:
        return Check("size", holds=False)
    far = max(math.log(SIZE_TIMES), ERRORS * float(now.forecast["log_sd"] or 0) / math.sqrt(now.logs))
    return Check(
        "size", abs(now.log_mean - expected) <= far,
        {"found_minor": round(math.exp(now.log_mean)), "expected_minor": round(math.exp(expected)), "count": now.logs},
    )  # fmt: skip


async def recount(tx: ReadTx, now: Standing) -> Check:
    """Every reservation of the stage, also those that came to nothing since, reckoned a second time."""
    count, wrong, after = 0, Counter[str](), None
    named: list[str] = []
    while batch := await store.kept(tx, now.version_id, now.epoch, now.stage, after, BATCH):
        for one in batch:
            found = recounting.faults(now.content, now.label, one)
            wrong.update(found)
            if found and len(named) < NAMED:
                named.append(one.order_number)
        count, after = count + len(batch), batch[-1].order_id
    return Check(
        "recount", count > 0 and not wrong, {"count": count, "wrong": dict(sorted(wrong.items())), "orders": named}
    )


# Judging and stepping


async def judge(tx: ReadTx, version_id: UUID) -> tuple[Standing, list[Check]]:
    """How a version stands and every condition of its next step. LastStage when there is none."""
    now = await store.standing(tx, version_id)
    if now is None or next_stage(now) is None:
        raise LastStage
    found = cheap(now, clock.now())
    return now, [*found[:2], await recount(tx, now), *found[2:]]


async def step(tx: Tx, actor: Actor, campaign_id: str) -> Limit:
    """Takes the next step of a campaign by hand, on the same conditions as the timetable does.

    CampaignUnknown; LastStage; NotReady with the conditions that do not hold.
    """
    running = await start.running(tx, campaign_id)
    if running is None:
        raise CampaignUnknown
    now, checks = await judge(tx, running.version_id)
    if not all(one.holds for one in checks):
        raise NotReady(against=[one.name for one in checks if not one.holds])
    return await _step(tx, actor, now, checks)


async def _step(tx: Tx, actor: Actor, now: Standing, checks: Sequence[Check]) -> Limit:
    following = next_stage(now)
    if following is None:
        raise LastStage
    rested_on, at = msgspec.to_builtins(list(checks)), clock.now()
    if not await store.step(
        tx, now, following.stage, following.state, following.minor, following.count, str(actor), rested_on, at
    ):
        raise LastStage
    await audit.record(
        tx, actor, "campaign.stage", f"campaign:{now.campaign_id}", version=str(now.version_id), stage=following.stage
    )
    await jobs.emit(tx, "campaign.stage", {"campaign_id": now.campaign_id, "version_id": str(now.version_id)})
    return following


async def grow(db: Db) -> int:
    """The timetable's look at everything that runs in a stage; how many went on."""
    await db.run(store.count_from_start, clock.now())
    grown = 0
    for version_id in await db.read(store.stepping):
        grown += await db.run(_look, version_id)
    return grown


async def _look(tx: Tx, version_id: UUID) -> bool:
    """Judges one, keeps what was found, and takes the step if nothing stands against it. What waits anyway is not recounted."""
    now = await store.standing(tx, version_id)
    if now is None or next_stage(now) is None:
        return False
    found = cheap(now, clock.now())
    due = found[0].holds and found[1].holds
    if due:
        found.insert(2, await recount(tx, now))
    await store.judged(tx, now, msgspec.to_builtins(found), clock.now())
    if not due or not all(one.holds for one in found):
        return False
    await _step(tx, GROWS, now, found)
    return True


async def end_due(db: Db) -> int:
    """Ends what is over; how many."""
    return len(await db.run(_end_due))


async def _end_due(tx: Tx) -> list[tuple[UUID, str]]:
    ended = await store.end_due(tx, clock.now())
    for version_id, campaign_id in ended:
        await audit.record(tx, GROWS, "campaign.ended", f"campaign:{campaign_id}", version=str(version_id))
        await jobs.emit(tx, "campaign.ended", {"campaign_id": campaign_id, "version_id": str(version_id)})
    return ended


async def forget_marks(db: Db) -> int:
    """Drops what was noted of when orders were placed, as far as nothing that runs counts them; how many notes."""
    return await db.run(store.forget_marks)


async def latest(tx: ReadTx, version_id: UUID) -> Judged | None:
    """What was found when it was last looked at in its present stage."""
    return await store.latest(tx, version_id)


async def history(tx: ReadTx, version_id: UUID) -> list[Stage]:
    """Every stage that a version began, the first first."""
    return await store.stages(tx, version_id)
