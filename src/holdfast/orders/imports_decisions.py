"""Decisions about slips that wait: one press each, with the proposed way first. What is decided is kept with who and why."""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx

from . import imports_booking, imports_matching, imports_reading, imports_store, slips_model, slips_store, store
from .imports_booking import Decided
from .imports_model import (
    CONFLICTS,
    SUPERVISED,
    CorrectionInvalid,
    DecisionNeedsSupervisor,
    DecisionNotPossible,
    Outcome,
    Row,
    Written,
)
from .slips_model import Slip, SlipDecided, SlipUnknown


def ways_out(slip: Slip) -> list[str]:
    """What can be decided about a slip that waits, the proposal first; `move:<slot>` for each other time with room."""
    found = []
    for act in CONFLICTS[slip.problem].acts if slip.problem in CONFLICTS else ("correct", "decline"):
        if act == "move":
            found += [f"move:{option['id']}" for option in slip.details.get("options", [])]
        elif act != "existing" or ids.read_code(str(slip.details.get("order", ""))):
            found.append(act)
    return found


def needs_supervisor(act: str) -> bool:
    """Whether only a supervisor may decide so."""
    return act.partition(":")[2] in SUPERVISED


async def written(tx: Tx, actor: Actor, slip_id: UUID) -> Written | None:
    """What stands on a slip, to be compared with the paper; who looked is kept. None when it has gone after the visit.

    Devices write a slot by its id; people read when it begins.
    """
    slip = await slips_store.slip(tx, slip_id)
    if slip is None:
        raise SlipUnknown
    content = await slips_store.content(tx, slip_id)
    if content is None:
        return None
    await audit.record(tx, actor, "desk.slip_read", slips_model.show(slip.number))
    said = imports_booking.unsealed(content)
    day = imports_reading.read_day(said.date)
    slots = await imports_store.slots(tx, [said.venue], [day]) if day else []
    return msgspec.structs.replace(said, slot=imports_matching.word_of(slots, said.slot))


async def decide(tx: Tx, actor: Actor, slip_id: UUID, act: str, reason: str, *, is_supervisor: bool) -> Outcome:
    """Does one of the ways out of a slip that waits; another conflict may come up behind it.

    SlipDecided, DecisionNotPossible; DecisionNeedsSupervisor.
    """
    slip = await _waiting(tx, slip_id)
    if act not in ways_out(slip):
        raise DecisionNotPossible
    if needs_supervisor(act) and not is_supervisor:
        raise DecisionNeedsSupervisor
    kind, _colon, what = act.partition(":")
    if kind in ("decline", "keep", "existing"):
        return await _close(tx, actor, slip, kind, reason)
    if kind == "correct":
        raise DecisionNotPossible
    content = await slips_store.content(tx, slip_id)
    assert content is not None, "what waits is never forgotten"
    said = imports_booking.unsealed(content)
    if kind == "move":
        said = msgspec.structs.replace(said, slot=what)
    allowed = frozenset(slip.allowed) | ({what} if kind == "honour" else set())
    return await _book(
        tx, actor, slip, said, Decided(slip, kind if kind == "move" else act, reason, str(actor), allowed)
    )


async def correct(tx: Tx, actor: Actor, slip_id: UUID, said: Written, reason: str) -> Outcome:
    """Books a slip as it was meant. CorrectionInvalid names what still cannot be; another conflict may come up behind it.

    A slip whose number could be read only now goes on under its number; the line without one is closed with it.
    """
    slip = await _waiting(tx, slip_id)
    code = slips_model.read(said.slip)
    if slip.number.startswith("?") and code is not None and code[:2] == slip.desk:
        [outcome] = await imports_booking.book(tx, actor, slip.desk, [Row(1, said)])
        _require_readable(outcome)
        goes_on = await slips_store.slip(tx, outcome.slip_id) if outcome.slip_id else None
        assert goes_on is not None
        why = f"{reason} → {slips_model.show(outcome.key)}"
        await _end(tx, actor, slip, "existing" if goes_on.order_id else "declined", "correct", why, goes_on.order_id)
        return outcome
    decided = Decided(slip, "correct", reason, str(actor), frozenset(slip.allowed))
    return await _book(tx, actor, slip, said, decided)


async def _waiting(tx: Tx, slip_id: UUID) -> Slip:
    slip = await slips_store.slip_locked(tx, slip_id)
    if slip is None:
        raise SlipUnknown
    if slip.state != "open":
        raise SlipDecided
    return slip


async def _book(tx: Tx, actor: Actor, slip: Slip, said: Written, decided: Decided) -> Outcome:
    [outcome] = await imports_booking.book(tx, actor, slip.desk, [Row(1, said)], decided=decided)
    if decided.decision == "correct":
        _require_readable(outcome)
    await audit.record(
        tx, actor, "desk.slip_decide", slips_model.show(slip.number), decision=decided.decision, reason=decided.reason,
        result=outcome.result, problem=outcome.problem, order=outcome.order_number,
    )  # fmt: skip
    return outcome


def _require_readable(outcome: Outcome) -> None:
    if outcome.result == "conflict" and (outcome.problem in ("fields", "document") and outcome.details.get("errors")):
        raise CorrectionInvalid(errors=outcome.details["errors"])


async def _close(tx: Tx, actor: Actor, slip: Slip, kind: str, reason: str) -> Outcome:
    order_id, number = None, ""
    if kind == "existing":
        row = await store.by_number(tx, str(slip.details["order"]))
        if row is None:
            raise DecisionNotPossible
        order_id, number = row.id, row.number
    await _end(tx, actor, slip, "existing" if order_id else "declined", kind, reason, order_id)
    return Outcome(
        1, slip.number, "same" if order_id else "conflict", slip.problem, slip.details, slip.warnings, number, slip.id
    )


async def _end(tx: Tx, actor: Actor, slip: Slip, state: str, decision: str, reason: str, order_id: UUID | None) -> None:
    await slips_store.close(
        tx, slip.id, state=state, decision=decision, reason=reason, by=str(actor), at=clock.now(), order_id=order_id
    )
    await audit.record(
        tx, actor, "desk.slip_decide", slips_model.show(slip.number), decision=decision, reason=reason, result=state
    )
