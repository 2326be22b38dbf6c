"""Attendance: what a gate may let in, that it did, and who did not come.

A ticket is checked and its admission written in one statement. An order is *used* when all its tickets have been admitted;
until then it stays confirmed, with an event for each who came, so that the other visits of it can still be cancelled or
changed. What was admitted can be neither.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import passes
from holdfast.kit import clock, ids, jobs
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.passes import Verdict

from . import attendance_store, store
from .attendance_model import Answer, Asked, GateList, Printed, Scan
from .model import NotCancellable, OrderRow, State, may_become
from .tickets import Admission, TicketInvalid, public_keys, verify

LIST_BACK, LIST_AHEAD = timedelta(hours=6), timedelta(hours=20)
"""Of which slots a device gets the tickets: those that ended so long ago at most and begin within so long."""
OVERLAP = timedelta(seconds=60)
"""A list since a moment goes back a little further: what was being written then is not missed."""
CLOCK_SLACK = timedelta(minutes=5)
"""A device's moment lies at most so far in the future."""
OLDEST = timedelta(days=14)
WAITS = timedelta(hours=24)
"""So long at most a gate that was offline is waited for before somebody counts as not having come."""


class _Verdict(msgspec.Struct, frozen=True):
    """An answer as SQL gives it."""

    n: int
    verdict: Verdict
    recorded: bool
    holder: str | None = None
    people: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    of_venue: str | None = None
    used_at: datetime | None = None
    used_where: str | None = None


async def admit(tx: Tx, device_id: UUID, scans: list[Scan]) -> list[Answer]:
    """Decides what a device asks and writes what it reports, in one statement; an answer for each.

    The same counter again gets the same answer and is not written again. What is let in counts once per ticket: the
    first that is heard of. A code that is none of ours is answered *unknown*; as there is no order it is not written.
    """
    now, keys = clock.now(), public_keys()
    answers: dict[int, Answer] = {}
    asked: list[Asked] = []
    for n, scan in enumerate(scans):
        made = _asked(n, scan, keys, now)
        if made is None:
            answers[n] = Answer(scan.counter, Verdict.UNKNOWN, recorded=False)
        else:
            asked.append(made)
    if asked:
        subscribers = list(jobs.SUBSCRIBERS.get("gate.admitted", {}))
        told = await attendance_store.admit(tx, device_id, asked, now, passes.USUAL, subscribers)
        by_n = {one.n: one for one in asked}
        for one in msgspec.json.decode(told, type=list[_Verdict]):
            answers[one.n] = _answer(by_n[one.n], one)
    return [answers[n] for n in range(len(scans))]


def _asked(n: int, scan: Scan, keys: dict[str, str], now: datetime) -> Asked | None:
    """The scan as SQL takes it; None when there is nothing to look up."""
    moment = min(max(scan.at or now, now - OLDEST), now + CLOCK_SLACK) if scan.offline or scan.kind == "exit" else now
    made = Asked(
        n=n, counter=scan.counter, kind=scan.kind, number=None, ticket=0, version=None, tag="", of_venue=None,
        people=max(1, scan.people) if scan.kind == "exit" else max(0, scan.people), passed_at=moment, offline=scan.offline, insisted=scan.insisted, shift=scan.shift,
    )  # fmt: skip
    if scan.kind == "exit":
        return made
    if not scan.code:
        number = ids.read_code(scan.number)
        return msgspec.structs.replace(made, number=number, ticket=max(1, scan.ticket)) if number else None
    try:
        signed: Admission = verify(scan.code, keys)
    except TicketInvalid:
        return None
    return msgspec.structs.replace(
        made, number=signed.number, ticket=signed.ticket, version=signed.version, tag=signed.document_tag.hex(),
        of_venue=signed.venue_id,
    )  # fmt: skip


def _answer(asked: Asked, told: _Verdict) -> Answer:
    return Answer(
        counter=asked.counter, verdict=told.verdict, recorded=told.recorded, number=asked.number or "",
        ticket=asked.ticket, holder=told.holder or "", people=told.people or asked.people, starts_at=told.starts_at,
        ends_at=told.ends_at, of_venue=told.of_venue or "", used_at=told.used_at, used_where=told.used_where or "",
    )  # fmt: skip


async def gate_list(tx: ReadTx, venue_id: str, since: datetime | None) -> GateList:
    """The tickets of a venue's slots around now: all of them, or those of orders of which something happened since then.

    An order without tickets in the list is void: cancelled, changed to another day, or not paid.
    """
    now = clock.now()
    whole = since is None or since < now - LIST_BACK
    begin = None if whole or since is None else since - OVERLAP
    found = await attendance_store.listed(tx, venue_id, now - LIST_BACK, now + LIST_AHEAD, begin)
    return GateList(now, whole, found)


async def printed(tx: ReadTx, venue_id: str, day: Any) -> list[Printed]:
    """The tickets of a venue and day by slot and number, people masked: the list on paper for when nothing else works."""
    return await attendance_store.printed(tx, venue_id, day)


async def note_admitted(tx: Tx, payload: dict[str, Any]) -> None:
    """An admission is part of the order's story; when all its tickets were admitted, the order is used. Again: nothing."""
    row = await _locked(tx, payload["order_number"])
    if row is None:
        return
    if not await attendance_store.has_event(tx, row.id, "admitted", payload["device"], payload["counter"]):
        details = {
            key: payload[key]
            for key in ("ticket", "line_seq", "traveller_seq", "people", "offline", "device", "counter", "venue_id")
        }
        await store.add_event(tx, row.id, "admitted", datetime.fromisoformat(payload["at"]), _gate(payload), details)
    await passes.no_shows.came(tx, row.number)
    await settle(tx, row, _gate(payload))


async def settle(tx: Tx, row: OrderRow, by: str) -> None:
    """The order is used when nobody of it is left who was not admitted: after an admission, and when others leave it.

    The caller has locked the order. One of which nobody was admitted is never used.
    """
    if not may_become(row.state, State.USED) or not await attendance_store.admitted(tx, row.number, None):
        return
    if not await attendance_store.not_admitted(tx, row.id):
        await store.set_state(tx, row.id, State.USED, expires_at=None, confirmed_at=None)
        await store.add_event(tx, row.id, "used", clock.now(), by, {})
        await jobs.emit(tx, "order.used", {"order_id": str(row.id)})


async def note_undone(tx: Tx, payload: dict[str, Any]) -> None:
    """An admission was a mistake: it stays in the story, and the order is confirmed again. Again: nothing."""
    row = await _locked(tx, payload["order_number"])
    if row is None or await attendance_store.has_event(
        tx, row.id, "admission_undone", payload["device"], payload["counter"]
    ):
        return
    details = {key: payload[key] for key in ("ticket", "device", "counter", "reason")}
    await store.add_event(tx, row.id, "admission_undone", clock.now(), payload["by"], details)
    if row.state is State.USED and await attendance_store.not_admitted(tx, row.id):
        await store.set_state(tx, row.id, State.CONFIRMED, expires_at=None, confirmed_at=None)


async def _locked(tx: Tx, number: str) -> OrderRow | None:
    row = await store.by_number(tx, number)
    return await store.locked(tx, row.id) if row else None


def _gate(payload: dict[str, Any]) -> str:
    return f"system:gate:{payload['device']}"


async def require_not_admitted(tx: ReadTx, number: str, travellers: list[int] | None) -> None:
    """NotCancellable when one of these travellers, or anybody for None, was admitted: a visit that was used is not given back."""
    if await attendance_store.admitted(tx, number, travellers):
        raise NotCancellable(reason="used")


async def slot_was_used(tx: ReadTx, number: str, slot_id: UUID) -> bool:
    """Whether somebody of an order was admitted in a slot."""
    return await attendance_store.slot_was_used(tx, number, slot_id)


async def note_no_shows(db: Db) -> int:
    """Notes who did not come, in slots that ended long enough ago at venues whose gates were in use; how many tickets.

    A gate that was in use and has not been heard of since is waited for, a day at most.
    """
    now, noted = clock.now(), 0
    for slot_id in await db.read(attendance_store.slots_over, now, passes.USUAL.grace_minutes, WAITS):
        noted += await db.run_one(attendance_store.note_no_shows, slot_id, now)
    return noted
