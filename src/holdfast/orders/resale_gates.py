"""Redemption through the interface for resellers: a partner that runs a gate lets in by codes or by a booking's number.

Its program is a device in the list of gates, one for each venue that its terms name; staff can revoke it there. The rules are
the gate's own: once for each ticket, at its venue, in its time. What a gate without a network has let in comes later, with
the moment it happened.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast import passes
from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.problems import Conflict, Denied, NotFound

from . import attendance, resale_gates_store, resale_views
from .attendance_model import Scan
from .resale_model import Booking, ContactGiven, ItemView, Seller
from .tickets import TicketInvalid, public_keys, verify

SAID = "Redeemed through the interface for resellers, and taken back there."


class RedemptionNotAllowed(Denied):
    """This key does not run a gate."""

    next_step = "Redemption is for those who run the gates; ask us to have your venues added to your terms."


class CodeUnknown(NotFound):
    """No booking at your venues has this code or number."""


class RedemptionRefused(Conflict):
    """This ticket does not admit."""


class SeveralMeant(Conflict):
    """Several visits go by this number here."""

    next_step = "Look the number up and redeem the code of the visit that is meant."


class Target(msgspec.Struct, frozen=True):
    """What a code names: a booking, and which of its tickets (all where it is the booking's number)."""

    booking: Booking
    items: list[ItemView]
    venue_id: str

    @property
    def redeemable(self) -> bool:
        return any(one.code and not one.redeemed_at for one in self.items)


def require_gate(seller: Seller) -> None:
    if not seller.terms.redeem_venues:
        raise RedemptionNotAllowed


async def find(tx: ReadTx, seller: Seller, code: str) -> list[Target]:
    """What a scanned code, a booking's number or the number of one of its tickets (``7K3QF-90XMA/2``) stands for."""
    require_gate(seller)
    text, _, nth = code.strip().partition("/")
    number, seq = ids.read_code(text) or "", int(nth) if nth.isascii() and nth.isdigit() and len(nth) < 9 else 0
    if text.startswith("HF1."):
        try:
            number = verify(code.strip(), public_keys()).number
        except TicketInvalid:
            return []
    found = await resale_gates_store.orders_at(tx, number, seller.terms.redeem_venues) if number else []
    bookings = [await _booking(tx, partner_id, order_id) for order_id, partner_id, _venue in found]
    targets = [
        Target(_discreet(booking, seller), _meant(booking, code.strip(), seq), venue_id)
        for booking, (_order, _partner, venue_id) in zip(bookings, found, strict=True)
    ]
    return [target for target in targets if target.items]


async def _booking(tx: ReadTx, partner_id: str, order_id: UUID) -> Booking:
    """A reseller's booking, or a visit of a package as one."""
    parent_id = await resale_gates_store.parent_of(tx, order_id)
    [booking] = await resale_views.load(tx, partner_id, [parent_id or order_id])
    return next(one for one in booking.visits if one.row.id == order_id) if parent_id else booking


def _discreet(booking: Booking, seller: Seller) -> Booking:
    """Who booked is told to the reseller alone."""
    if booking.resale.partner_id == seller.partner_id:
        return booking
    items = [msgspec.structs.replace(one, contact=ContactGiven()) for one in booking.items]
    return msgspec.structs.replace(booking, contact=ContactGiven(), notes=None, items=items)


def _meant(booking: Booking, code: str, seq: int) -> list[ItemView]:
    there = [one for one in booking.items if one.line is not None]
    if code.startswith("HF1."):
        return [one for one in there if one.code == code]
    return [one for one in there if one.item.seq == seq] if seq else there


async def require(tx: ReadTx, seller: Seller, code: str) -> Target:
    """CodeUnknown when it is none, or of another venue."""
    found = await find(tx, seller, code)
    if not found:
        raise CodeUnknown
    if len(found) > 1:
        raise SeveralMeant
    return found[0]


async def redeem(tx: Tx, seller: Seller, code: str, at: datetime | None) -> Target:
    """Lets in on a code. Again through the same gate: as it was. RedemptionRefused says why not; CodeUnknown.

    `at`: it has happened already, at a gate without a network.
    """
    target = await require(tx, seller, code)
    device_id = await _device(tx, seller, target.venue_id)
    mine = await resale_gates_store.let_in(tx, device_id, target.booking.row.number)
    wanted = Counter(one.code for one in target.items if one.line is not None and _place(one) not in mine)
    if not any(one.code for one in target.items):
        raise RedemptionRefused(verdict=str(target.booking.status))
    counter = await resale_gates_store.last_counter(tx, device_id)
    scans = [
        Scan(counter=counter + n, code=code, people=people, at=at, offline=at is not None)
        for n, (code, people) in enumerate(wanted.items(), 1)
    ]
    if scans:
        answers = await attendance.admit(tx, device_id, scans)
        refused = next((one for one in answers if one.verdict is not passes.Verdict.VALID and not one.recorded), None)
        if refused is not None:
            raise RedemptionRefused(verdict=str(refused.verdict))
    return await require(tx, seller, code)


def _place(one: ItemView) -> tuple[int, int]:
    """A ticket's line, and its person there (0: nobody is named, all on the line come together)."""
    return (one.line.seq if one.line else 0, one.traveller.seq if one.traveller else 0)


async def undo(tx: Tx, seller: Seller, code: str, notes: str) -> Target:
    """What was let in through this gate on a code was a mistake. RedemptionRefused when nobody was."""
    target = await require(tx, seller, code)
    device_id = await _device(tx, seller, target.venue_id)
    mine = await resale_gates_store.let_in(tx, device_id, target.booking.row.number)
    counters = sorted({mine[_place(one)] for one in target.items if one.line is not None and _place(one) in mine})
    if not counters:
        raise RedemptionRefused(verdict="not-redeemed")
    for counter in counters:
        await passes.admissions.undo(tx, seller.actor, device_id, counter, notes or SAID)
    return await require(tx, seller, code)


async def _device(tx: Tx, seller: Seller, venue_id: str) -> UUID:
    """The partner's gate at a venue, made when it is first used. GateRevoked when staff have revoked it."""
    await lock(tx, f"resale.gate:{seller.partner_id}:{venue_id}")
    known = await resale_gates_store.device(tx, seller.partner_id, venue_id)
    if known is None:
        made = await passes.devices.make(tx, seller.actor, venue_id, f"OCTO {seller.partner_id}")
        await resale_gates_store.insert(tx, seller.partner_id, venue_id, made.device_id)
        return made.device_id
    device_id, revoked_at = known
    if revoked_at is not None and revoked_at <= clock.now():
        raise passes.GateRevoked
    return device_id
