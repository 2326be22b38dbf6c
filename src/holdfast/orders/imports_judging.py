"""Judging: what is to be done with a line of an import, decided from what is known. The dry run and the import judge alike.

A `Ground` is what is known; judging a line that can be booked uses its places and documents up, so that the next line finds
them gone, also when nothing is written.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Price
from holdfast.inventory.allotments_model import Desk
from holdfast.kit.actor import Actor
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput

from . import assisted_requests, imports_matching, imports_reading, slips_model
from .imports_model import Row, Verdict, Written
from .imports_reading import Read
from .imports_store import SlotFacts
from .slips_model import Pad, Slip

ALTERNATIVES_MAX = 3
CHANNEL = "paper"
NOBODY = UUID(int=0)


class Ground(msgspec.Struct):
    """What is known of a desk's slips, and what is left. `free` and `left` go down as lines are accepted."""

    desk: Desk
    actor: Actor
    today: date
    pads: list[Pad]
    venues: dict[str, str]
    slots: dict[tuple[str, date], list[SlotFacts]]
    free: dict[UUID, int]
    left: dict[UUID, int]
    booked: dict[tuple[str, date, str], str]
    known: dict[str, Slip]
    seen: dict[str, bytes] = {}


def judge(ground: Ground, row: Row, allowed: frozenset[str] = frozenset(), target: Slip | None = None) -> Verdict:
    """The verdict on one line; nothing but `ground` changes. `allowed` is what people let pass for it.

    With a `target` the line is what people now say of a slip that waits, whatever was written on it before.
    """
    written = row.written
    read = imports_reading.read(written)
    found = Verdict("", "new", content_hash=imports_reading.digest(written), warnings=list(read.warnings))
    found.taken_at, found.visit_date = read.taken_at, read.day
    if target is None:
        _identify(ground, found, written, allowed)
    else:
        _go_on(ground, found, written, allowed, target)
    if not _stopped(found):
        _match(ground, found, written, read, allowed)
    if row.is_drill and found.result in ("new", "conflict"):
        found.result = "practised"
    return found


def _stopped(found: Verdict) -> bool:
    return found.result == "same" or bool(found.problem)


def _conflict(found: Verdict, problem: str, **details: Any) -> None:
    found.result, found.problem, found.details = "conflict", problem, found.details | details


def _identify(ground: Ground, found: Verdict, written: Written, allowed: frozenset[str]) -> None:
    """Which slip it is, and whether it came before: same, or a conflict of its number."""
    content, code = found.content_hash, slips_model.read(written.slip)
    if code is None or code[:2] != ground.desk.code:
        found.key = f"?{content.hex()[:16]}"
        if not _came_before(ground, found) and "unnumbered" not in allowed:
            _conflict(found, "slip-unreadable", typed=written.slip[:40], why="other-desk" if code else "number")
        return
    found.key, found.pad_id = code, _pad_of(ground, code)
    before = ground.known.get(code)
    first = before.content_hash if before else ground.seen.get(code)
    if before is not None and before.state == "void":
        found.key = f"{code}/{content.hex()[:4]}"
        if not _came_before(ground, found) and "void" not in allowed:
            _conflict(found, "slip-void", reason=before.reason)
    elif first not in (None, content):
        found.key = f"{code}/{content.hex()[:4]}"
        if not _came_before(ground, found) and "again" not in allowed:
            _conflict(found, "slip-differs", order=before.order_number if before else None)
    elif not _came_before(ground, found):
        if before is None and first is not None:
            found.result = "same"  # twice in one file
            return
        ground.seen[code] = content
    if not _stopped(found) and "unsealed" not in allowed and (why := _seal_is_wrong(ground, found, written, code)):
        _conflict(found, "slip-unknown", why=why)


def _go_on(ground: Ground, found: Verdict, written: Written, allowed: frozenset[str], target: Slip) -> None:
    """A slip that waits, with what people allow for it or have corrected."""
    found.key, found.known, found.pad_id = target.number, target, target.pad_id
    code = slips_model.read(target.number)
    if target.number.startswith("?"):
        if "unnumbered" not in allowed:
            _conflict(found, "slip-unreadable", typed=written.slip[:40], why="number")
    elif code is None:
        if not allowed & {"again", "void"}:
            _conflict(found, target.problem, **target.details)
    elif "unsealed" not in allowed and (why := _seal_is_wrong(ground, found, written, code)):
        _conflict(found, "slip-unknown", why=why)


def _came_before(ground: Ground, found: Verdict) -> bool:
    """The same slip with the same words: what was decided stands; what still waits is judged anew."""
    found.known = ground.known.get(found.key)
    if found.known is None:
        return False
    if found.known.state == "open":
        found.kept = found.known.decision == "correct"
        if found.kept:
            _conflict(found, found.known.problem, **found.known.details)
        return found.kept
    found.result, found.order_number = "same", found.known.order_number or ""
    return True


def _pad_of(ground: Ground, code: str) -> UUID | None:
    serial = slips_model.serial_of(code)
    return next((one.id for one in ground.pads if one.first <= serial <= one.last), None)


def _seal_is_wrong(ground: Ground, found: Verdict, written: Written, code: str) -> str:
    """Empty, or why the slip cannot be taken for ours."""
    pad = next((one for one in ground.pads if one.id == found.pad_id), None)
    typed = slips_model.read_seal(written.seal, written.slip)
    if pad is None:
        return "not-given-out"
    if pad.revoked_at:
        return "called-back"
    return "" if slips_model.seal_fits(code, typed) else "seal-wrong" if typed else "seal-missing"


def _match(ground: Ground, found: Verdict, written: Written, read: Read, allowed: frozenset[str]) -> None:
    """The visit and the people; then whether it can be had."""
    if read.errors:
        _conflict(found, "fields", errors=read.errors)
        return
    item = _find_item(ground, found, written, read)
    if item is None:
        return
    slot, price = item
    found.slot_id, found.total_minor, found.currency = slot.id, price.amount_minor * read.people, price.currency
    found.places, found.is_paid = read.people if price.uses_place else 0, read.payment == "cash"
    found.details |= imports_matching.about(slot, price, written, read)
    named, errors = imports_matching.judge_people(slot, read, ground.today)
    if errors and "no-document" not in allowed:
        only = all(one["field"].endswith(("document", "document_type")) for one in errors)
        _conflict(found, "document" if only else "fields", errors=errors)
    elif slot.real_name and len(named) < read.people and not allowed & {"incomplete", "no-document"}:
        _conflict(found, "travellers-missing", named=len(named))
    else:
        found.warnings += imports_matching.warnings_of(read, ground.today)
        found.lines = imports_matching.lines_of(slot, price, read.people, named)
        _prepare(ground, found, written)
    if not _stopped(found):
        _decide(ground, found, slot, read, allowed)


def _find_item(ground: Ground, found: Verdict, written: Written, read: Read) -> tuple[SlotFacts, Price] | None:
    """The slot and the ticket that were meant; else a conflict that says what there is."""
    assert read.day is not None
    word = " ".join(written.venue.split()).lower()
    venue_id = ground.venues.get(word) if word else ground.desk.venue_id
    if venue_id is None:
        _conflict(found, "unknown-item", what="venue", typed=written.venue[:80])
        return None
    slots = ground.slots.get((venue_id, read.day), [])
    fitting = imports_matching.matching_slots(slots, written.slot)
    if len(fitting) != 1:
        options = [imports_matching.slot_words(one) for one in fitting or slots][: imports_matching.OPTIONS_MAX]
        _conflict(found, "unknown-item", what="slot", typed=written.slot[:80], options=options)
        return None
    price = imports_matching.matching_price(fitting[0], written.ticket)
    if price is None:
        options = [{"code": one.ticket, "product": one.name} for one in fitting[0].prices]
        _conflict(found, "unknown-item", what="ticket", typed=written.ticket[:80], options=options)
        return None
    return fitting[0], price


def _prepare(ground: Ground, found: Verdict, written: Written) -> None:
    """The request as an order needs it; a phone that cannot be read stops it."""
    try:
        found.request = assisted_requests.prepare(
            account_id=NOBODY, key=f"slip:{ground.desk.code}:{found.key}", lines=found.lines, phone=written.phone.strip(), locale="zh",
            channel=CHANNEL, actor=ground.actor, today=ground.today,
        )  # fmt: skip
    except InvalidInput as problem:
        _conflict(found, "fields", errors=problem.errors)


def _decide(ground: Ground, found: Verdict, slot: SlotFacts, read: Read, allowed: frozenset[str]) -> None:
    """Whether it can be had: documents, the slot's state, the money, places; if so, they are used up."""
    assert found.request is not None
    indexes = (
        [(slot.venue_id, slot.visit_date, one.document_index) for one in found.request.travellers] if slot.once else []
    )
    taken = next((ground.booked[one] for one in indexes if one in ground.booked), None)
    own, free = max(0, ground.left.get(slot.id, 0)), ground.free.get(slot.id, 0)
    over = max(0, found.places - min(own, found.places) - free) if found.places else 0
    if taken is not None:
        _conflict(found, "person-day", order=taken)
    elif slot.state != "open" and not allowed & {"closed", "overbook"}:
        _conflict(found, "slot-closed", options=_alternatives(ground, slot, found.places))
    elif read.payment == "free" and found.total_minor and "unpaid" not in allowed:
        _conflict(found, "amount-differs", taken="0", costs=str(Money(found.total_minor, found.currency)))
    elif found.is_paid and read.amount_minor not in (None, found.total_minor) and "unpaid" not in allowed:
        amount = Money(read.amount_minor or 0, found.currency)
        _conflict(found, "amount-differs", taken=str(amount), costs=str(Money(found.total_minor, found.currency)))
    elif over and "overbook" not in allowed:
        _conflict(found, "slot-full", over=over, options=_alternatives(ground, slot, found.places))
    else:
        found.is_paid = found.is_paid and read.amount_minor in (None, found.total_minor)
        found.draw, found.lend = min(own, found.places), over
        ground.left[slot.id] = own - found.draw
        ground.free[slot.id] = free - (found.places - found.draw) + over
        ground.booked |= dict.fromkeys(indexes, found.key)


def _alternatives(ground: Ground, slot: SlotFacts, places: int) -> list[dict[str, Any]]:
    """Other times of the same product that day with room for the whole party."""
    others = [
        one for one in ground.slots.get((slot.venue_id, slot.visit_date), [])
        if one.product_id == slot.product_id and one.id != slot.id and one.state == "open"
        and max(0, ground.free.get(one.id, 0)) + ground.left.get(one.id, 0) >= places
    ]  # fmt: skip
    return [imports_matching.slot_words(one) for one in others[:ALTERNATIVES_MAX]]
