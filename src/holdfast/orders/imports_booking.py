"""Booking what was taken on paper: lines are judged under the locks of their slots, and written with their outcome at once.

Places come from the desk's allotment first, then from the public ones; over the limit only where a supervisor allowed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import inventory
from holdfast.accounts import documents
from holdfast.kit import clock, crypto, faults, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.problems import Problem

from . import assisted_money, imports_reading, imports_store, placing, slips_model, slips_store
from .imports_judging import Ground, judge
from .imports_model import Outcome, Row, Verdict, Written
from .model import PlaceRequest
from .slips_model import Slip

BOOKED = faults.declare("orders.imports.before_commit", "lines of an import are booked, not yet committed")
HOME = ZoneInfo("Asia/Shanghai")
SEAL = "orders.slips.content"


class Decided(msgspec.Struct, frozen=True):
    """What people decided about a slip that waits, and why."""

    target: Slip
    decision: str
    reason: str
    by: str
    allowed: frozenset[str] = frozenset()


async def book(
    tx: Tx, actor: Actor, desk_code: str, rows: Sequence[Row], *, import_id: UUID | None = None,
    decided: Decided | None = None,
) -> list[Outcome]:  # fmt: skip
    """Judges lines and books those that nothing stands in the way of; every line is kept with its outcome.

    With `decided` the one line is what people now say of a slip that waits.
    """
    await lock(tx, f"orders.slips:{desk_code}")
    ground = await load(tx, actor, desk_code, rows)
    slot_ids = [slot.id for slots in ground.slots.values() for slot in slots]
    slots, ground.left = await inventory.allotments.lock_left(tx, desk_code, slot_ids)
    ground.free = {slot.id: slot.capacity - slot.taken - slot.set_aside for slot in slots.values()}
    if decided is None:
        verdicts = [judge(ground, row, allowed_before(ground, row)) for row in rows]
    else:
        verdicts = [judge(ground, rows[0], decided.allowed, decided.target)]
    placed = await _place(tx, actor, ground, rows, verdicts)
    faults.point(BOOKED)
    return await _write(tx, ground, rows, verdicts, placed, import_id, decided)


async def load(tx: ReadTx, actor: Actor, desk_code: str, rows: Sequence[Row]) -> Ground:
    """What judging these lines must know, as it is now; nothing is locked."""
    desk = await inventory.allotments.require(tx, desk_code)
    today = clock.now().astimezone(HOME).date()
    words = {" ".join(row.written.venue.split()).lower() for row in rows} - {""}
    named = await imports_store.venues_named(tx, sorted(words))
    venues = {word: one.id for one in named for word in (one.id.lower(), *(text.lower() for text in one.name.values()))}
    venue_ids = sorted(set(venues.values()) | ({desk.venue_id} if desk.venue_id else set()))
    days = sorted({day for row in rows if (day := imports_reading.read_day(row.written.date))})
    slots: dict[tuple[str, date], list[imports_store.SlotFacts]] = {}
    for slot in await imports_store.slots(tx, venue_ids, days):
        slots.setdefault((slot.venue_id, slot.visit_date), []).append(slot)
    slot_ids = [slot.id for found in slots.values() for slot in found]
    booked = await imports_store.booked(tx, venue_ids, days, _document_indexes(rows, today))
    return Ground(
        desk=desk, actor=actor, today=today, pads=await slips_store.pads_of(tx, desk.code), venues=venues, slots=slots,
        free={slot.id: slot.free for found in slots.values() for slot in found},
        left=await inventory.allotments.left(tx, desk.code, slot_ids),
        booked={(one.venue_id, one.visit_date, "\\x" + one.document_index.hex()): one.number for one in booked},
        known=await slips_store.numbered(tx, desk.code, _keys(rows)), seen={},
    )  # fmt: skip


def _document_indexes(rows: Sequence[Row], today: date) -> list[bytes]:
    found = set()
    for row in rows:
        for one in imports_reading.read(row.written).persons:
            document, _findings = documents.check_document(one.document_type, one.document, today)
            if document is not None:
                found.add(crypto.blind_index("document", f"{document.type}|{document.person_key}"))
    return sorted(found)


def _keys(rows: Sequence[Row]) -> list[str]:
    """Every key under which one of these lines may have been written before."""
    found = set()
    for row in rows:
        digest = imports_reading.digest(row.written).hex()
        found.add(f"?{digest[:16]}")
        if code := slips_model.read(row.written.slip):
            found |= {code, f"{code}/{digest[:4]}"}
    return sorted(found)


def allowed_before(ground: Ground, row: Row) -> frozenset[str]:
    """What people have let pass already for a slip that still waits."""
    waiting = [ground.known[key] for key in _keys([row]) if key in ground.known]
    return frozenset(word for slip in waiting for word in slip.allowed)


async def _place(
    tx: Tx, actor: Actor, ground: Ground, rows: Sequence[Row], verdicts: Sequence[Verdict]
) -> dict[int, tuple[UUID, str]]:
    """Places what was judged new, in one statement: position → order. What is refused all the same becomes a conflict."""
    wanted = [at for at, one in enumerate(verdicts) if one.result == "new" and not rows[at].is_drill]
    if not wanted:
        return {}
    draws, lends = _sums(verdicts, wanted, "draw"), _sums(verdicts, wanted, "lend")
    requests = [await _owned(tx, verdicts[at]) for at in wanted]
    await inventory.allotments.draw(tx, ground.desk.code, draws)
    for slot_id, places in sorted(lends.items()):
        await inventory.allotments.lend(tx, slot_id, places)
    answers = await placing.place_many(tx, requests)
    placed: dict[int, tuple[UUID, str]] = {}
    undrawn: dict[UUID, int] = {}
    for at, answer in zip(wanted, answers, strict=True):
        verdict = verdicts[at]
        if isinstance(answer, Problem):
            assert verdict.slot_id is not None
            await _refused(tx, verdict, answer)
            undrawn[verdict.slot_id] = undrawn.get(verdict.slot_id, 0) + verdict.draw
            continue
        verdict.order_number = answer.number
        placed[at] = (answer.order_id, answer.number)
        if answer.amount_minor:
            await assisted_money.settle(
                tx, actor, answer.order_id, paid=verdict.is_paid, note=slips_model.show(verdict.key)
            )
    for slot_id, places in sorted(lends.items()):
        await inventory.allotments.call_in(tx, slot_id, places)
    _name_orders(verdicts)
    await inventory.allotments.put_back(tx, ground.desk.code, undrawn)
    return placed


def _name_orders(verdicts: Sequence[Verdict]) -> None:
    """Where a line met another one of its own batch, it says that one's order, which has its number only now."""
    numbers = {one.key: one.order_number for one in verdicts if one.result == "new"}
    for one in verdicts:
        if one.problem == "person-day" and one.details.get("order") in numbers:
            one.details["order"] = numbers[one.details["order"]]


def _sums(verdicts: Sequence[Verdict], wanted: Sequence[int], what: str) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for at in wanted:
        one = verdicts[at]
        assert one.slot_id is not None
        if getattr(one, what):
            found[one.slot_id] = found.get(one.slot_id, 0) + getattr(one, what)
    return found


async def _refused(tx: Tx, verdict: Verdict, problem: Problem) -> None:
    """What only the order's own statement finds, because it happened meanwhile: a conflict like those that were foreseen."""
    codes = {"slot-full": "slot-full", "document-already-booked": "person-day", "slot-closed": "slot-closed"}
    verdict.result, verdict.problem = "conflict", codes.get(problem.code, "unknown-item")
    verdict.details |= {"refused": problem.code}
    if verdict.problem == "person-day" and verdict.request is not None and verdict.visit_date is not None:
        indexes = [bytes.fromhex(one.document_index.removeprefix("\\x")) for one in verdict.request.travellers]
        holders = await imports_store.holders(tx, verdict.visit_date, indexes)
        verdict.details |= {"order": holders[0]} if holders else {}


async def _owned(tx: Tx, verdict: Verdict) -> PlaceRequest:
    """The request with the account that the order belongs to."""
    assert verdict.request is not None
    account_id = await assisted_money.account_for(tx, verdict.request)
    key = f"{verdict.request.key}:{verdict.request.order_id.hex[-12:]}"  # a refusal is no answer to the next try
    return msgspec.structs.replace(verdict.request, account_id=account_id, key=key)


async def _write(
    tx: Tx, ground: Ground, rows: Sequence[Row], verdicts: Sequence[Verdict], placed: Mapping[int, tuple[UUID, str]],
    import_id: UUID | None, decided: Decided | None,
) -> list[Outcome]:  # fmt: skip
    """Every line with its outcome: slips that are new or still wait, and which line of the import they came by."""
    now, slips, arrivals, keys = clock.now(), [], [], []
    for at, (row, verdict) in enumerate(zip(rows, verdicts, strict=True)):
        if verdict.result != "same" and not verdict.kept:
            slips.append(_slip(ground, row, verdict, placed.get(at), decided, now))
        keys.append(verdict.key)
        arrivals.append({
            "import_id": import_id, "row": row.row, "desk": ground.desk.code, "number": verdict.key, "result": verdict.result,
            "problem": verdict.problem,
        })  # fmt: skip
    await slips_store.write(tx, slips)
    if import_id is not None:
        await imports_store.insert_arrivals(tx, arrivals)
    now_known = await slips_store.numbered(tx, ground.desk.code, keys)
    return [
        Outcome(
            row.row, one.key, one.result, one.problem, one.details, one.warnings,
            now_known[one.key].order_number or "", now_known[one.key].id,
        )
        for row, one in zip(rows, verdicts, strict=True)
    ]  # fmt: skip


def _slip(
    ground: Ground, row: Row, verdict: Verdict, placed: tuple[UUID, str] | None, decided: Decided | None, now: datetime
) -> dict[str, Any]:
    states = {"new": "booked", "conflict": "open", "practised": "practised"}
    known = verdict.known
    allowed = decided.allowed if decided else frozenset(known.allowed if known else ())
    by = decided if decided and (placed or decided.decision == "correct") else None
    return {
        "id": known.id if known else ids.uuid7(), "desk": ground.desk.code, "number": verdict.key, "pad_id": verdict.pad_id,
        "state": states[verdict.result], "problem": verdict.problem, "details": verdict.details, "warnings": verdict.warnings,
        "allowed": sorted(allowed), "content": sealed(row.written), "content_hash": verdict.content_hash,
        "visit_date": verdict.visit_date, "is_drill": row.is_drill, "order_id": placed[0] if placed else None,
        "taken_at": verdict.taken_at, "arrived_at": now, "decision": by.decision if by else "",
        "reason": by.reason if by else "", "decided_by": by.by if by else "", "decided_at": now if by else None,
    }  # fmt: skip


def sealed(written: Written) -> bytes:
    """What was written on a slip, encrypted."""
    return crypto.seal(SEAL, msgspec.json.encode(written).decode())


def unsealed(content: bytes) -> Written:
    return msgspec.json.decode(crypto.unseal(SEAL, content), type=Written)
