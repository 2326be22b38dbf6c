"""Changes of capacity: every one is tried first, and says what it does to slots, bookings and money before it is done.

What is harmless one person does; what is large or opens much needs a second one (`changes`); what leaves more booked than
may come is a cut (`displacement`). Undoing is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.inventory import policies, safety
from holdfast.inventory.policies import Done, Plan
from holdfast.inventory.safety import Effect
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Conflict

from . import displacement_returns, displacement_store
from .displacement_model import Booked

KIND = "capacity.plan"


class NeedsSecondPerson(Conflict):
    """This change needs a second person."""

    safe = "Nothing was changed."
    next_step = "Propose it: a colleague looks at the same effect and approves it."


class MustBeACut(Conflict):
    """More would be booked than may come."""

    safe = "Nothing was changed."
    next_step = "Make it a cut: sale stops at once, and everybody who has booked is treated by the published order."


class Touched(msgspec.Struct, frozen=True):
    """What is booked in slots that would hold too many: all parties there, and how many places too many."""

    places: int
    orders: int
    money: list[tuple[str, int]]
    """Currency and sum, in minor units."""
    over: int


class Shown(msgspec.Struct, frozen=True):
    """What a change did when it was tried. `hash` is what whoever agrees agrees to."""

    effect: Effect
    touched: Touched
    dangers: list[str]
    hash: str


class _TriedError(Exception):
    """Carries what a trial showed out of the transaction that it undoes."""

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.shown = shown


async def try_out(db: Db, actor: Actor, plan: Plan, reason: str) -> Shown:
    """Carries the plan out, looks, and rolls it back. InvalidInput, PolicyUnknown, PolicyOver."""
    try:
        await db.run(_try, actor, plan, reason)
    except _TriedError as tried:
        return tried.shown
    raise AssertionError("unreachable")


async def _try(tx: Tx, actor: Actor, plan: Plan, reason: str) -> NoReturn:
    _done, shown = await _do(tx, actor, plan, reason)
    raise _TriedError(shown)


async def _do(tx: Tx, actor: Actor, plan: Plan, reason: str) -> tuple[Done, Shown]:
    await policies.check(tx, plan)
    venue_ids = await venues_of(tx, plan)
    before = await safety.snapshot(tx, venue_ids)
    done = await policies.carry_out(tx, actor, plan, reason)
    after = await safety.snapshot(tx, venue_ids)
    effect = safety.compare(before, after)
    touched = count(await displacement_store.booked(tx, effect.over_slots), effect.over_places)
    return done, Shown(effect, touched, effect.dangers(), _hash(effect, touched))


def _hash(effect: Effect, touched: Touched) -> str:
    """Of what matters: a booking elsewhere meanwhile does not make it another change."""
    return changes.hashed(msgspec.to_builtins([summary(effect), touched])).hex()


async def venues_of(tx: ReadTx, plan: Plan) -> list[str]:
    """The venues that a plan is about."""
    found = {one.venue_id for one in plan.policies} | {one.venue_id for one in plan.marks}
    for policy_id in plan.lifts:
        found.add((await policies.require(tx, policy_id)).venue_id)
    return sorted(found)


def count(parties: Iterable[Booked], over: int) -> Touched:
    """Places, orders and money of some parties."""
    found = list(parties)
    money: dict[str, int] = {}
    for one in found:
        money[one.currency] = money.get(one.currency, 0) + (one.price_minor if one.is_paid else 0)
    return Touched(
        places=sum(one.places for one in found), orders=len({one.order_id for one in found}), money=sorted(money.items()),
        over=over,
    )  # fmt: skip


async def carry_out(db: Db, actor: Actor, plan: Plan, reason: str, shown: str) -> Done:
    """Does what one person may do, exactly as it was shown (`Shown.hash`).

    MustBeACut when bookings are touched, NeedsSecondPerson when it is dangerous otherwise; PreviewStale when it would do
    something else by now.
    """
    return await db.run(_carry_out, actor, plan, reason, shown)


async def _carry_out(tx: Tx, actor: Actor, plan: Plan, reason: str, shown: str) -> Done:
    done, found = await _do(tx, actor, plan, reason)
    if found.effect.over_places:
        raise MustBeACut
    if found.dangers:
        raise NeedsSecondPerson(dangers=found.dangers)
    if found.hash != shown:
        raise changes.PreviewStale(preview_hash=found.hash)
    await displacement_returns.offer(tx, done.venue_ids)
    return done


async def propose(db: Db, actor: Actor, plan: Plan, reason: str) -> changes.Proposal:
    """Asks for a second person. MustBeACut; what carrying it out raises; ReasonNeeded."""
    return await changes.propose(db, actor, KIND, {"plan": msgspec.to_builtins(plan)}, reason)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    plan = msgspec.convert(draft.payload["plan"], Plan)
    done, shown = await _do(tx, actor, plan, draft.reason)
    if shown.effect.over_places:
        raise MustBeACut
    await displacement_returns.offer(tx, done.venue_ids)
    return {"done": msgspec.to_builtins(done), "shown": msgspec.to_builtins(summary(shown.effect))}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    return dict(effects["shown"])


class Summary(msgspec.Struct, frozen=True):
    """An effect in figures, as a proposal keeps it: sums, the first days one by one, without present moments."""

    lost: int
    gained: int
    stops: int
    opens: int
    over: int
    dangers: list[str]
    days: list[tuple[date, str, int, int]]
    """Date, venue, places before and after."""


def summary(effect: Effect, most: int = 60) -> Summary:
    """By date and venue, the first `most` of them."""
    sums: dict[tuple[date, str], tuple[int, int]] = {}
    for one in effect.slots:
        before, after = sums.get((one.visit_date, one.venue_id), (0, 0))
        sums[one.visit_date, one.venue_id] = (before + one.places_before, after + one.places_after)
    days = [(day, venue, before, after) for (day, venue), (before, after) in sorted(sums.items())]
    return Summary(
        effect.lost, effect.gained, effect.stops, effect.opens, effect.over_places, effect.dangers(), days[:most]
    )


async def _revert(tx: Tx, actor: Actor, draft: changes.Draft, effects: dict[str, Any], reason: str) -> None:
    done = msgspec.convert(effects["done"], Done)
    _undone, shown = await _do(tx, actor, policies.undoing(done), reason)
    if shown.effect.over_places:
        raise MustBeACut
    await displacement_returns.offer(tx, done.venue_ids)


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    """The policies of the venues concerned: whoever changes one meanwhile makes it another change."""
    plan = msgspec.convert(payload["plan"], Plan)
    found: list[UUID] = []
    for venue_id in await venues_of(tx, plan):
        found += [one.id for one in await policies.of_venue(tx, venue_id)]
    return changes.hashed([str(one) for one in found]).hex()[:32]


changes.register(KIND, apply=_apply, preview=_preview, revert=_revert, version=_version)
