"""Slips: numbered and signed in advance, on paper or for a device, so that none can be invented and none lost unseen.

A number is the desk's code, five digits and a check character; the seal beside it is an HMAC of the number. What is out is
known from the pads, what came back from the slips: the difference is in somebody's drawer.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from holdfast import inventory
from holdfast.kit import audit, clock, crypto, ids, retention
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.i18n import both

from . import slips_store
from .slips_model import (
    PAD_MAX,
    SERIAL_MAX,
    Pad,
    PadInvalid,
    PadUnknown,
    Slip,
    SlipDecided,
    SlipsExhausted,
    SlipUnknown,
    number,
    read,
    scanned,
    seal,
    serial_of,
    show,
)

__all__ = [
    "Figures",
    "Pad",
    "Slip",
    "figures",
    "forget",
    "number",
    "numbers",
    "pad",
    "pads",
    "print_pad",
    "read",
    "require",
    "revoke",
    "scanned",
    "seal",
    "show",
    "spoil",
]
Figures = slips_store.Figures
DEVICE_PAD = 100
LISTED = 100


async def print_pad(tx: Tx, actor: Actor, desk_code: str, count: int, note: str = "") -> Pad:
    """The next numbers of a desk, to be printed. PadInvalid, DeskUnknown, SlipsExhausted."""
    if not 1 <= count <= PAD_MAX:
        message = both("1 to {most} slips at a time.", most=PAD_MAX)
        raise PadInvalid(errors=[{"field": "count", "code": "PAD_COUNT", "message": message, "severity": "error"}])
    return await _give_out(tx, actor, desk_code, count, "paper", None, " ".join(note.split())[:200])


async def device_pad(tx: Tx, actor: Actor, desk_code: str, day: date, count: int = DEVICE_PAD) -> Pad:
    """The next numbers of a desk for the offline page of a device, to be used on a day."""
    return await _give_out(tx, actor, desk_code, count, "device", day, "")


async def _give_out(tx: Tx, actor: Actor, desk_code: str, count: int, kind: str, day: date | None, note: str) -> Pad:
    desk = await inventory.allotments.require(tx, desk_code)
    await lock(tx, f"orders.slips:{desk.code}")
    first = await slips_store.last_serial(tx, desk.code) + 1
    if first + count - 1 > SERIAL_MAX:
        raise SlipsExhausted
    made = Pad(
        ids.uuid7(), desk.code, first, first + count - 1, kind, day, desk.is_drill, note, str(actor), clock.now(), None
    )
    await slips_store.insert_pad(tx, made)
    await audit.record(
        tx, actor, "desk.pad", desk.code, first=number(desk.code, first), last=number(desk.code, made.last), kind=kind
    )
    return made


def numbers(made: Pad) -> list[str]:
    """The numbers of a pad."""
    return [number(made.desk, serial) for serial in range(made.first, made.last + 1)]


async def pads(tx: ReadTx, desk_code: str = "") -> list[Pad]:
    """What is out and how much of it came back, the newest first."""
    return await slips_store.pads(tx, desk_code, LISTED)


async def pad(tx: ReadTx, pad_id: UUID) -> Pad:
    """PadUnknown."""
    found = await slips_store.pad(tx, pad_id)
    if found is None:
        raise PadUnknown
    return found


async def revoke(tx: Tx, actor: Actor, pad_id: UUID, reason: str) -> None:
    """A pad or device was lost: what comes of it is not booked by itself any more, a supervisor decides."""
    made = await pad(tx, pad_id)
    if await slips_store.revoke_pad(tx, pad_id, clock.now()):
        await audit.record(tx, actor, "desk.pad_revoke", f"{made.desk} {made.first}-{made.last}", reason=reason)


async def require(tx: ReadTx, slip_id: UUID) -> Slip:
    """SlipUnknown."""
    found = await slips_store.slip(tx, slip_id)
    if found is None:
        raise SlipUnknown
    return found


async def spoil(tx: Tx, actor: Actor, typed: str, reason: str) -> Slip:
    """A slip was torn, misprinted or lost blank: should it come back all the same, a supervisor decides.

    SlipUnknown when it is none of ours, SlipDecided when it came back already.
    """
    code = read(typed)
    made = await _pad_of(tx, code) if code else None
    if code is None or made is None:
        raise SlipUnknown
    await lock(tx, f"orders.slips:{made.desk}")
    if await slips_store.numbered(tx, made.desk, [code]):
        raise SlipDecided
    slip_id, now = ids.uuid7(), clock.now()
    row = {
        "id": slip_id, "desk": made.desk, "number": code, "pad_id": made.id, "state": "void", "problem": "", "details": {},
        "warnings": [], "allowed": [], "content": None, "content_hash": crypto.digest(""), "visit_date": None,
        "is_drill": made.is_drill, "order_id": None, "taken_at": None, "arrived_at": now, "decision": "void", "reason": reason,
        "decided_by": str(actor), "decided_at": now,
    }  # fmt: skip
    await slips_store.write(tx, [row])
    await audit.record(tx, actor, "desk.slip_void", show(code), reason=reason)
    return await require(tx, slip_id)


async def _pad_of(tx: ReadTx, code: str) -> Pad | None:
    serial = serial_of(code)
    return next((one for one in await slips_store.pads_of(tx, code[:2]) if one.first <= serial <= one.last), None)


async def figures(tx: ReadTx, desk_code: str) -> Figures:
    """The slips of a desk in numbers."""
    return await slips_store.figures(tx, desk_code)


@retention.rule("what was written on slips", "documents_kept_days")
async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """What was written on slips goes some days after the visit, as documents in orders do; how many."""
    return await slips_store.forget_contents(tx, before.date(), limit)
