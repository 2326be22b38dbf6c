"""Cuts: capacity falls below what is sold. Sale stops at once; the rest is previewed, approved, and done step by step.

    cut = await db.run(displacement.stop, actor, wish, reason)       # one person; takes nothing from anybody
    proposal = await displacement.propose(db, actor, cut.id, reason) # tried and rolled back: dates, parties, money
    # another person approves and applies it (`changes`); then `displacement_run.run` does one step after the other

Steps are rows: whoever comes after a crash goes on where it stood, and nobody is moved, refunded or told twice.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.inventory import policies, safety
from holdfast.inventory.policies import Done, Plan, Wish
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import both

from . import displacement_capacity, displacement_returns, displacement_store
from .displacement_model import (
    Booked,
    Cut,
    CutOver,
    CutUnknown,
    CutWish,
    NothingOver,
    Verdict,
    ranked,
    verdicts,
)

KIND = "orders.cut"
GROUND = "Fewer people may come than have booked; until that is settled, nothing is sold."


async def stop(tx: Tx, actor: Actor, wish: CutWish, reason: str) -> Cut:
    """Stops the sale of everything the cut is about, now; the cut itself waits to be proposed. InvalidInput."""
    await policies.check(tx, wish.plan)
    stops = await _stopping(tx, wish.plan)
    done = await policies.carry_out(tx, actor, Plan(policies=stops), reason)
    cut = Cut(
        id=ids.uuid7(), wish=wish, stop_ids=done.policy_ids, seed=secrets.token_hex(16), made_by=str(actor),
        made_at=clock.now(), proposal_id=None, policy_ids=[], applied_at=None, answer_until=None, step="stopped",
        is_held=False, ended_at=None,
    )  # fmt: skip
    await displacement_store.insert(tx, cut)
    await displacement_store.add_event(tx, cut.id, "stopped", cut.made_at, str(actor), {"reason": reason})
    await audit.record(tx, actor, "cut.stopped", f"cut:{cut.id}", reason=reason)
    return cut


async def _stopping(tx: ReadTx, plan: Plan) -> list[Wish]:
    """The stop of sale that belongs to a plan: of the same tickets and days."""
    ground = next((one.reason for one in plan.policies if one.reason), both(GROUND))
    stops = [
        msgspec.structs.replace(one, kind="paused", value=0, minutes=0, supersedes=None, day_type=None)
        for one in plan.policies
    ]
    stops += [
        Wish(one.venue_id, "paused", min(one.days), max(one.days), reason=ground) for one in plan.marks if one.days
    ]
    for policy_id in plan.lifts:
        old = await policies.require(tx, policy_id)
        stops.append(
            Wish(
                old.venue_id, "paused", old.from_date, old.to_date, product_id=old.product_id, code=old.code,
                weekdays=old.weekdays, reason=ground,
            )
        )  # fmt: skip
    return stops


async def propose(db: Db, actor: Actor, cut_id: UUID, reason: str) -> changes.Proposal:
    """Tries the cut, rolls it back, and asks for a second person. NothingOver when nobody is touched; CutOver."""
    proposal = await changes.propose(db, actor, KIND, {"cut": str(cut_id)}, reason)
    await db.run(_note_proposal, actor, cut_id, proposal.id)
    return proposal


async def _note_proposal(tx: Tx, actor: Actor, cut_id: UUID, proposal_id: UUID) -> None:
    await displacement_store.set_proposal(tx, cut_id, proposal_id)
    await displacement_store.add_event(tx, cut_id, "proposed", clock.now(), str(actor), {"proposal": str(proposal_id)})


async def require(tx: ReadTx, cut_id: UUID) -> Cut:
    """A cut. CutUnknown."""
    found = await displacement_store.find(tx, cut_id)
    if found is None:
        raise CutUnknown
    return found


async def locked(tx: Tx, cut_id: UUID) -> Cut:
    """The same, locked."""
    found = await displacement_store.locked(tx, cut_id)
    if found is None:
        raise CutUnknown
    return found


async def give_up(tx: Tx, actor: Actor, cut_id: UUID, reason: str) -> None:
    """Ends a cut before it was applied: sale goes on as before. Starting again is open to one person: nothing was cut."""
    cut = await locked(tx, cut_id)
    if cut.step != "stopped":
        raise CutOver(step=cut.step)
    if cut.proposal_id is not None and (await changes.require(tx, cut.proposal_id)).is_open:
        await changes.withdraw(tx, actor, cut.proposal_id, reason)
    await displacement_store.set_step(tx, cut_id, "stopped", "given_up", clock.now())
    await displacement_store.add_event(tx, cut_id, "given_up", clock.now(), str(actor), {"reason": reason})
    await policies.carry_out(tx, actor, Plan(lifts=cut.stop_ids), reason)


async def hold(tx: Tx, actor: Actor, cut_id: UUID, reason: str, *, is_held: bool) -> None:
    """Stops a running cut where it stands, or lets it go on; one person suffices for both: it was approved."""
    cut = await locked(tx, cut_id)
    if not cut.is_running:
        raise CutOver(step=cut.step)
    await displacement_store.set_held(tx, cut_id, is_held=is_held)
    kind = "held" if is_held else "resumed"
    await displacement_store.add_event(tx, cut_id, kind, clock.now(), str(actor), {"reason": reason})
    await audit.record(tx, actor, f"cut.{kind}", f"cut:{cut_id}", reason=reason)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    """New policies instead of the stop, and the published order of everybody who is over. The steps come afterwards."""
    cut = await locked(tx, UUID(draft.payload["cut"]))
    if cut.step != "stopped":
        raise CutOver(step=cut.step)
    venue_ids = await displacement_capacity.venues_of(tx, cut.wish.plan)
    before = await safety.snapshot(tx, venue_ids)
    own = len(cut.wish.plan.policies) + len(cut.wish.plan.lifts)
    plan = msgspec.structs.replace(cut.wish.plan, lifts=[*cut.wish.plan.lifts, *cut.stop_ids])
    done = await policies.carry_out(tx, actor, plan, draft.reason)
    after = await safety.snapshot(tx, venue_ids)
    effect = safety.compare(before, after)
    over = [one for one in safety.overfull(before, after) if one.slot_id not in await displacement_store.being_cut(tx)]
    if not over:
        raise NothingOver
    now = clock.now()
    await displacement_store.insert_slots(
        tx, cut.id, [one.slot_id for one in over], [one.places_before for one in over],
        [one.places_after for one in over], [one.taken for one in over],
    )  # fmt: skip
    await _rank(tx, cut, over)
    made = done.policy_ids[:own]
    await displacement_store.set_applied(tx, cut.id, made, now, now + timedelta(hours=cut.wish.ask_hours))
    await displacement_store.add_event(tx, cut.id, "applied", now, str(actor), {"approved_by": draft.approved_by or ""})
    undone = msgspec.structs.replace(done, policy_ids=made)
    others = displacement_capacity.summary(safety.Effect([one for one in effect.slots if not one.over]))
    return {"done": undone, "slots": over, "others": others}


async def _rank(tx: Tx, cut: Cut, over: list[safety.SlotEffect]) -> None:
    """Everybody in the slots that are over, by the published order, each with the forecast that nobody chooses anything."""
    order = ranked(await displacement_store.booked(tx, [one.slot_id for one in over]), cut.seed)
    forecast: dict[tuple[UUID, UUID], Verdict] = {}
    for slot in over:
        here = [(one.order_id, one.places, one.protected == "inside") for one in order if one.slot_id == slot.slot_id]
        found = verdicts(here, slot.places_after, closed=slot.state_after == "closed")
        forecast |= {(order_id, slot.slot_id): verdict for order_id, verdict in found.items()}
    await displacement_store.insert_parties(
        tx, cut.id,
        [
            (one, position, forecast[one.order_id, one.slot_id], one.price_minor if one.is_paid and one.is_owed else await _owed(tx, one))
            for position, one in enumerate(order, 1)
        ],
    )  # fmt: skip


async def _owed(tx: ReadTx, party: Booked) -> int:
    """What would go back to a party that has not paid all of its price, or got some of it back already."""
    if not party.is_paid:
        return 0
    return await displacement_returns.owed_minor(tx, party)


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    """What the cut does when nobody chooses anything: slots, parties, money."""
    cut_id = UUID(draft.payload["cut"])
    parties = await displacement_store.parties(tx, cut_id)
    gives_way = [one for one in parties if one.forecast == "gives_way"]
    refunds: Counter[str] = Counter()
    for one in gives_way:
        refunds[one.currency] += one.price_minor if one.is_paid else 0
    return {
        "slots": [slot | {"over": slot["taken"] - slot["places_after"]} for slot in effects["slots"]],
        "others": effects["others"],
        "booked": tally(parties),
        "keeps": tally(one for one in parties if one.forecast == "keeps"),
        "gives_way": tally(one for one in gives_way if one.is_paid),
        "unpaid": tally(one for one in gives_way if not one.is_paid),
        "protected": tally(one for one in parties if one.protected),
        "refunds": [{"currency": currency, "amount_minor": minor} for currency, minor in sorted(refunds.items())],
    }


def tally(parties: Iterable[Any]) -> dict[str, int]:
    """Orders and places of some parties."""
    found = list(parties)
    return {"orders": len({one.order_id for one in found}), "places": sum(one.places for one in found)}


async def _revert(tx: Tx, actor: Actor, draft: changes.Draft, effects: dict[str, Any], reason: str) -> None:
    """The limit is lifted: who has not been parted keeps their places, who has is asked first whether they come back."""
    cut = await locked(tx, UUID(draft.payload["cut"]))
    done = msgspec.convert(effects["done"], Done)
    await policies.carry_out(tx, actor, policies.undoing(done), reason)
    await displacement_returns.offer(tx, done.venue_ids)
    if cut.is_running:
        await displacement_store.keep_all(tx, cut.id)
        await displacement_store.set_held(tx, cut.id, is_held=False)
        await displacement_store.set_step(tx, cut.id, cut.step, "telling", None)
        await displacement_store.add_event(tx, cut.id, "reverted", clock.now(), str(actor), {"reason": reason})


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    cut = await displacement_store.find(tx, UUID(payload["cut"]))
    return cut.step if cut else ""


changes.register(KIND, apply=_apply, preview=_preview, revert=_revert, version=_version)
