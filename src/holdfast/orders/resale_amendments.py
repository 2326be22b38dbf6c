"""Amendments: a reseller's booking gets other tickets, another time or another product, or is given up.

What is confirmed changes by the rules that everybody has: a change within its time and for its fee, what leaves gives back
what the product's rule says. Everything or nothing: the new places are certain before the old ones are free.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast import passes
from holdfast.kit import clock, faults
from holdfast.kit.db import Tx

from . import (
    after_sale_store,
    attendance,
    cancellation,
    change_quotes,
    policies,
    resale_account,
    resale_offers,
    resale_packages,
    resale_people,
    resale_seats,
    resale_store,
    resale_views,
    resale_visits_store,
    store,
)
from . import resale_package_changes as package_changes
from .after_sale_model import NotChangeable
from .model import NotCancellable, OrderRow, State
from .policies import Why
from .resale import hold_longer, locked, require_items, require_open, seat_package
from .resale_model import (
    Amendment,
    Booking,
    ItemWish,
    NamesMissing,
    Offered,
    Resale,
    Seller,
    SlotOffer,
    Status,
    VisitWish,
)
from .resale_package_model import Visit
from .resale_packages import Package
from .resale_seats import Plan, Seats, Writing

AMENDED = faults.declare("orders.resale.amended", "a reseller's booking has other places, not yet committed")
CANCELLED = faults.declare("orders.resale.cancelled", "a reseller's booking is given up, not yet committed")


async def amend(tx: Tx, seller: Seller, uuid: UUID, wish: Amendment) -> Booking:
    """Changes a booking that is held or confirmed. The problems of `resale.reserve`; of what is confirmed also NotChangeable,
    NotCancellable and NamesMissing.
    """
    visit = await resale_visits_store.of_uuid(tx, seller.partner_id, uuid)
    if visit is not None:
        return await _amend_visit(tx, seller, visit, wish)
    row, resale, before = await locked(tx, seller, uuid)
    require_open(before)
    offered, slot = await _target(tx, seller, before, wish)
    wishes = wish.items
    if wishes is None:
        wishes = [ItemWish(one.item.unit, one.item.uuid) for one in before.items if one.line is not None]
    require_items(offered, wishes)
    package_changes.require_same(before, offered, slot, wishes)
    if wish.minutes is not None and before.status is Status.ON_HOLD:
        resale = await hold_longer(tx, seller, before, resale, wish.minutes)
    resale = _with(resale, wish, offered)
    if before.offered.is_package or wish.visits:
        await resale_store.update(tx, resale)
        before = msgspec.structs.replace(before, resale=resale)
        await _amend_package(tx, seller, before, slot, wishes, wish.visits)
        faults.point(AMENDED)
        return (await resale_views.load(tx, seller.partner_id, [row.id]))[0]
    seats = await resale_seats.of_order(tx, row.id)
    made = resale_seats.plan(seats, slot.slot.id, wishes)
    kept = 0
    if before.status is Status.CONFIRMED and (made.enter or made.drop):
        await attendance.require_not_admitted(tx, row.number, None)
        kept = _kept(seats, made, before, offered, slot, clock.now())
    await resale_store.update(tx, resale)
    await resale_seats.write(tx, Writing(row, resale, seller.terms, offered, slot), seats, made)
    if before.status is Status.CONFIRMED and not resale.is_test:
        await _settle(tx, Writing(row, resale, seller.terms, offered, slot), seller, seats, kept)
    faults.point(AMENDED)
    return (await resale_views.load(tx, seller.partner_id, [row.id]))[0]


async def _amend_package(
    tx: Tx, seller: Seller, before: Booking, slot: SlotOffer, wishes: list[ItemWish], visits: list[VisitWish]
) -> None:
    """Other people and another day while it is held; visits as long as it lives."""
    if before.status is not Status.CONFIRMED or before.resale.is_test:
        await seat_package(tx, seller, before, slot, wishes, visits)
        return
    units = [one.item.unit for one in before.items if one.line is not None]
    held = await passes.cards.of_order(tx, before.row.id)
    package = Package(seller, before.offered, units, before.row, before.resale, held)
    made = await resale_packages.plan(tx, package, visits)
    await passes.cards.lock_of_order(tx, before.row.id)
    await resale_packages.lock_slots(tx, made, [before.slot.slot.id])
    seats = await resale_seats.of_order(tx, before.row.id)
    known = resale_seats.plan(seats, slot.slot.id, wishes)
    await resale_seats.write(tx, Writing(before.row, before.resale, seller.terms, before.offered, slot), seats, known)
    await package_changes.choose(tx, package, made)


async def _amend_visit(tx: Tx, seller: Seller, visit: Visit, wish: Amendment) -> Booking:
    """A visit of a package gets another time, as if the package had been asked for it."""
    parent = await resale_store.of_order(tx, visit.parent_id)
    assert parent is not None
    chosen = VisitWish(
        uuid=visit.uuid, availability_id=wish.availability_id or "", reference=wish.reference, product_id=wish.product_id,
        option_id=wish.option_id, units=None if wish.items is None else [one.unit for one in wish.items],
    )  # fmt: skip
    package = await amend(tx, seller, parent.uuid, Amendment(visits=[chosen]))
    return next(one for one in package.visits if one.resale.uuid == visit.uuid)


async def _target(tx: Tx, seller: Seller, before: Booking, wish: Amendment) -> tuple[Offered, SlotOffer]:
    """The product and slot that the booking is to be for."""
    offered, slot = before.offered, before.slot
    if wish.product_id is not None or wish.option_id is not None:
        product_id = wish.product_id or offered.id
        offered = await resale_offers.product(tx, seller.terms, product_id, wish.option_id, packages=seller.packages)
    if wish.availability_id is not None or offered.id != before.offered.id:
        slot = await resale_offers.one_named(tx, seller.partner_id, offered, wish.availability_id or "")
    return offered, slot


def _with(resale: Resale, wish: Amendment, offered: Offered) -> Resale:
    resale = msgspec.structs.replace(resale, product_id=offered.id, updated_at=clock.now())
    if wish.reference is not None:
        resale = msgspec.structs.replace(resale, reseller_reference=wish.reference)
    if wish.notes is not None:
        resale = msgspec.structs.replace(resale, notes=resale_people.seal_notes(wish.notes))
    if wish.contact is not None:
        resale = msgspec.structs.replace(resale, contact=resale_people.seal(resale_people.BOOKER, wish.contact))
    return resale


def _kept(seats: Seats, made: Plan, before: Booking, offered: Offered, slot: SlotOffer, now: datetime) -> int:
    """What is kept of what the change gives up: the fee of a change, and what the rule keeps of tickets that leave.

    NotChangeable, NotCancellable when the rule does not allow it any more.
    """
    kept = 0
    for item in made.dropped():
        line = seats.lines[item.line_seq]
        part, why = policies.kept(line.terms, line.price_minor, now, closed=line.is_closed)
        if why is Why.OVER:
            raise NotCancellable(reason="too-late")
        kept += part
    moved = [seats.lines[old.line_seq] for old, _wish in made.enter if old is not None and old.line_seq in seats.lines]
    moved = [line for line in moved if line.slot_id != slot.slot.id]
    if moved and offered.id == before.offered.id:
        kept += change_quotes.allow(moved, now, has_benefit=False).fee_minor
    elif moved and any(
        policies.kept(one.terms, 1, now, closed=one.is_closed)[1] not in (Why.FREE, Why.CLOSED) for one in moved
    ):
        raise NotChangeable(reason="too-late")
    return kept


async def _settle(tx: Tx, given: Writing, seller: Seller, before: Seats, kept: int) -> None:
    """The partner's account follows, and everybody has a name where names are asked for."""
    row, resale = given.row, given.resale
    after = await resale_seats.of_order(tx, row.id)
    nameless = [n for n, item in enumerate(after.items) if not after.lines[item.line_seq].travellers]
    if nameless and given.offered.product.real_name:
        raise NamesMissing(unit_items=nameless)
    old = sum(line.price_minor for line in before.lines.values())
    new = sum(line.price_minor for line in after.lines.values())
    await resale_account.require_credit(tx, seller.terms, seller.partner_id, new - old + kept, row.currency)
    details = {"tickets": len(after.items), "kept_minor": kept}
    await store.add_event(tx, row.id, "amended", clock.now(), str(seller.actor), details)
    await resale_account.settle(
        tx, resale, "change", kept_minor=kept, retail_minor=after.retail_minor - before.retail_minor,
        tickets=len(after.items) - len(before.items),
    )  # fmt: skip


async def cancel(tx: Tx, seller: Seller, uuid: UUID, *, reason: str | None, force: bool) -> Booking:
    """Gives a booking up; of a confirmed one the product's rule says what comes back. Again: the booking unchanged.

    `force` gives it up after its time too, and nothing comes back. HoldOver, BookingOver, NotCancellable.
    """
    visit = await resale_visits_store.of_uuid(tx, seller.partner_id, uuid)
    if visit is not None:
        return await _cancel_visit(tx, seller, visit)
    row, resale, before = await locked(tx, seller, uuid)
    if before.status is Status.CANCELLED:
        return before
    require_open(before)
    now = clock.now()
    refund, kept = "FULL", 0
    if before.offered.is_package:
        refund, kept = await _return_package(tx, seller, row, before, force=force)
    elif before.status is Status.CONFIRMED:
        refund, kept = await _given_back(tx, row, before, force=force)
    state = "cancelled" if resale.is_test else None
    resale = msgspec.structs.replace(
        resale, cancelled_at=now, cancel_reason=reason, refund=refund, test_state=state, updated_at=now
    )
    await resale_store.update(tx, resale)
    if not resale.is_test:
        await cancellation.end_order(tx, seller.actor, row, {"kept_minor": kept} if kept else {})
        if row.state is State.CONFIRMED:
            retail = sum(one.item.retail_minor for one in before.items)
            await resale_account.settle(
                tx, resale, "cancellation", kept_minor=kept, retail_minor=-retail, tickets=-len(before.items), over=True
            )
    faults.point(CANCELLED)
    return (await resale_views.load(tx, seller.partner_id, [row.id]))[0]


async def _return_package(tx: Tx, seller: Seller, row: OrderRow, before: Booking, *, force: bool) -> tuple[str, int]:
    if before.status is Status.CONFIRMED and not before.resale.is_test:
        return await package_changes.returned(tx, seller, row, before, force=force)
    await package_changes.end_visits(tx, seller, before)
    return "FULL", 0


async def _cancel_visit(tx: Tx, seller: Seller, visit: Visit) -> Booking:
    """One visit of a package is given back alone."""
    parent = await resale_store.of_order(tx, visit.parent_id)
    assert parent is not None
    _row, _resale, before = await locked(tx, seller, parent.uuid)
    if before.status in (Status.ON_HOLD, Status.CONFIRMED):
        await package_changes.cancel_visit(tx, seller, visit, before)
    package = (await resale_views.load(tx, seller.partner_id, [visit.parent_id]))[0]
    return next(one for one in package.visits if one.resale.uuid == visit.uuid)


async def _given_back(tx: Tx, row: OrderRow, before: Booking, *, force: bool) -> tuple[str, int]:
    """FULL, PARTIAL or NONE, and how much is kept of the net price."""
    await attendance.require_not_admitted(tx, row.number, None)
    items, now = await after_sale_store.items(tx, row.id), clock.now()
    found = policies.decide(items, None, now, row.amount_minor, row.currency)
    if any(share.why is Why.OVER for share in found.shares):
        if not force or all(item.ends_at <= now for item in items):
            raise NotCancellable(reason="too-late")
        return "NONE", found.kept_minor
    if not found.kept_minor:
        return "FULL", 0
    return "PARTIAL" if found.refund_minor else "NONE", found.kept_minor
