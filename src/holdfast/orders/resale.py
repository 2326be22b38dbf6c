"""Resale: what partners book for their customers. A booking is an order of the partner's account, settled on its account.

Reserved it is held with a time of its own, free ones too; confirmed it costs the partner the net price. The uuid that a
partner gives makes asking twice harmless: the same again is the same booking. A hold whose time is over is never confirmed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import msgspec
from psycopg import errors

from holdfast import partners, passes
from holdfast.kit import clock, crypto, faults, ids, jobs
from holdfast.kit.db import Db, ReadTx, Tx, lock

from . import (
    cards,
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
from .model import DocumentAlreadyBooked, OrderRow, State, may_become
from .resale_model import (
    ITEMS_MAX,
    Booking,
    BookingOver,
    BookingUnknown,
    BookingUuidTaken,
    ContactGiven,
    CurrencyUnknown,
    HeldTooLong,
    HoldOver,
    HoldsUsedUp,
    ItemWish,
    NamesMissing,
    NoItems,
    NotHeld,
    Offered,
    Resale,
    Seller,
    SlotOffer,
    Status,
    TooManyFound,
    TooManyItems,
    VisitWish,
    Wanted,
)
from .resale_packages import Package
from .resale_seats import Writing
from .resale_store import NewOrder, Sought

P = ParamSpec("P")
T = TypeVar("T")
FOUND_MAX = 1000
STEP = timedelta(minutes=1)
"""By how much an extension makes a hold longer at least."""
RESERVED = faults.declare("orders.resale.reserved", "a reseller's booking is held, not yet committed")
CONFIRMED = faults.declare(
    "orders.resale.confirmed", "a reseller's booking is confirmed and charged, not yet committed"
)


async def run(db: Db, command: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a command; a document that somebody else booked in the same moment is the same problem as one booked before."""
    try:
        return await db.run(command, *args, **kwargs)
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name != "document_once_a_day":
            raise
        raise DocumentAlreadyBooked from taken


async def reserve(tx: Tx, seller: Seller, wanted: Wanted) -> Booking:
    """Holds places. The same uuid and content again: the booking that is there; other content: BookingUuidTaken.

    ProductNotOffered, OptionUnknown, AvailabilityUnknown, UnitUnknown, NoItems, TooManyItems, CurrencyUnknown, HoldsUsedUp,
    PlacesUsedUp, VisitorInvalid; of the slot as in placing; of the visits of a package as `resale_packages.plan` says.
    """
    content = _content(wanted)
    if wanted.uuid is not None:
        await lock(tx, f"resale:{seller.partner_id}:{wanted.uuid}")
        known = await resale_store.of_uuid(tx, seller.partner_id, wanted.uuid)
        if known is not None:
            if bytes(known.content) != content:
                raise BookingUuidTaken(uuid=str(wanted.uuid))
            return await _view(tx, seller.partner_id, known.order_id)
        if await resale_visits_store.of_uuid(tx, seller.partner_id, wanted.uuid) is not None:
            raise BookingUuidTaken(uuid=str(wanted.uuid))
    offered = await resale_offers.product(
        tx, seller.terms, wanted.product_id, wanted.option_id, packages=seller.packages
    )
    slot = await resale_offers.one_named(tx, seller.partner_id, offered, wanted.availability_id)
    require_items(offered, wanted.items)
    currency = wanted.currency or offered.currencies[0]
    if currency not in offered.currencies:
        raise CurrencyUnknown(currency=currency)
    package = Package(seller, offered, [wish.unit for wish in wanted.items])
    visits = await resale_packages.plan(tx, package, wanted.visits)
    await lock(tx, f"resale.holds:{seller.partner_id}")
    now = clock.now()
    if await resale_store.holds(tx, seller.partner_id, now) >= seller.terms.holds_max and not seller.is_test:
        raise HoldsUsedUp(allowed=seller.terms.holds_max)
    resale = await _begin(tx, seller, wanted, offered, currency, content, now)
    if visits.choices:
        await resale_packages.lock_slots(tx, visits, [slot.slot.id])
    await _write(tx, seller, resale, offered, slot, wanted.items)
    if visits.choices:
        [row] = await resale_store.rows(tx, [resale.order_id])
        await resale_packages.hold(tx, msgspec.structs.replace(package, row=row, resale=resale), visits)
    if seller.is_test:
        await store.add_event(tx, resale.order_id, "cancelled", now, str(seller.actor), {"test": True})
    faults.point(RESERVED)
    return await _view(tx, seller.partner_id, resale.order_id)


def require_items(offered: Offered, wishes: list[ItemWish]) -> None:
    resale_offers.require_units(offered, [wish.unit for wish in wishes])
    if not wishes:
        raise NoItems
    most = min(offered.product.max_per_order, ITEMS_MAX)
    if len(wishes) > most:
        raise TooManyItems(asked=len(wishes), allowed=most)


async def _begin(
    tx: Tx, seller: Seller, wanted: Wanted, offered: Offered, currency: str, content: bytes, now: datetime
) -> Resale:
    """The order and what stands beside it, without any ticket yet."""
    minutes = min(wanted.minutes or seller.terms.hold_minutes, seller.terms.hold_minutes_max)
    until, partner_id = now + timedelta(minutes=minutes), seller.partner_id
    channel = f"octo-test:{partner_id}" if seller.is_test else f"octo:{partner_id}"
    made = NewOrder(
        id=ids.uuid7(), number=ids.new_code(), account_id=await partners.account_of(tx, partner_id),
        state=State.CANCELLED if seller.is_test else State.HELD, currency=currency,
        phone_index=crypto.blind_index("phone", f"partner:{partner_id}"), locale=seller.locale, channel=channel, placed_at=now,
        expires_at=None if seller.is_test else until,
    )  # fmt: skip
    await resale_store.insert_order(tx, made)
    await store.add_event(tx, made.id, "placed", now, str(seller.actor), {"channel": channel})
    resale = Resale(
        order_id=made.id, partner_id=partner_id, uuid=wanted.uuid or ids.uuid7(), content=content, is_test=seller.is_test,
        test_state="held" if seller.is_test else None, product_id=offered.id, commission_bp=seller.terms.commission_bp,
        reseller_reference=wanted.reference, notes=resale_people.seal_notes(wanted.notes),
        contact=resale_people.seal(resale_people.BOOKER, wanted.contact or ContactGiven()), held_until=until,
        confirmed_at=None, cancelled_at=None, cancel_reason=None, refund=None, updated_at=now,
    )  # fmt: skip
    await resale_store.insert(tx, resale)
    return resale


async def _write(
    tx: Tx, seller: Seller, resale: Resale, offered: Offered, slot: SlotOffer, wishes: list[ItemWish]
) -> None:
    [row] = await resale_store.rows(tx, [resale.order_id])
    now = await resale_seats.of_order(tx, resale.order_id)
    made = resale_seats.plan(now, slot.slot.id, wishes)
    await resale_seats.write(tx, Writing(row, resale, seller.terms, offered, slot), now, made)


async def confirm(
    tx: Tx, seller: Seller, uuid: UUID, contact: ContactGiven, *, reference: str | None = None,
    items: list[ItemWish] | None = None, visits: Sequence[VisitWish] = (),
) -> Booking:  # fmt: skip
    """Confirms a hold and charges its partner. Again: the booking unchanged. `items` replace the whole set.

    BookingUnknown, HoldOver, BookingOver, NamesMissing, CreditUsedUp, SaleOver, SlotClosed, and as `reserve` says of items
    and visits.
    """
    row, resale, before = await locked(tx, seller, uuid)
    if before.status in (Status.CONFIRMED, Status.REDEEMED):
        return before
    require_open(before)
    if items is not None:
        require_items(before.offered, items)
    if before.offered.is_package or visits:
        await seat_package(tx, seller, before, before.slot, items, visits)
    elif items is not None:
        await _write(tx, seller, resale, before.offered, before.slot, items)
    now = clock.now()
    if not before.offered.is_package:  # its day is the one on which it was sold, and that was when it was held
        resale_offers.require_on_sale(before.slot, now)
    await _require_names(tx, resale, before.offered)
    state = "confirmed" if resale.is_test else None
    resale = msgspec.structs.replace(
        resale, contact=resale_people.seal(resale_people.BOOKER, contact), confirmed_at=now, updated_at=now, test_state=state,
        reseller_reference=reference or resale.reseller_reference,
    )  # fmt: skip
    await resale_store.update(tx, resale)
    if not resale.is_test:
        await _confirm(tx, seller, row, resale, now)
        if before.offered.is_package:
            await cards.issue(tx, row)
            made = await passes.cards.of_order(tx, row.id)
            await resale_packages.confirm(tx, Package(seller, before.offered, [], row, resale, made))
    faults.point(CONFIRMED)
    return await _view(tx, seller.partner_id, row.id)


async def seat_package(
    tx: Tx, seller: Seller, before: Booking, slot: SlotOffer, items: list[ItemWish] | None, visits: Sequence[VisitWish]
) -> None:
    """A package that is held is for these people (None: as before), and these visits are chosen with it besides."""
    seated = [ItemWish(one.item.unit, one.item.uuid) for one in before.items if one.line is not None]
    wishes = seated if items is None else items
    units = [wish.unit for wish in wishes]
    package = Package(seller, before.offered, units, before.row, before.resale)
    made = await resale_packages.plan(tx, package, visits)
    await resale_packages.lock_slots(tx, made, [before.slot.slot.id, slot.slot.id])
    await _write(tx, seller, before.resale, before.offered, slot, wishes)
    resized = sorted(units) != sorted(wish.unit for wish in seated)
    await resale_packages.hold(tx, package, made, resized=resized)


async def _require_names(tx: ReadTx, resale: Resale, offered: Offered) -> None:
    if not offered.product.real_name or resale.is_test:
        return
    seats = await resale_seats.of_order(tx, resale.order_id)
    nameless = [n for n, item in enumerate(seats.items) if not seats.lines[item.line_seq].travellers]
    if nameless:
        raise NamesMissing(unit_items=nameless)


async def _confirm(tx: Tx, seller: Seller, row: OrderRow, resale: Resale, now: datetime) -> None:
    """Confirmed on account: no payment is wanted, the partner owes the net price."""
    assert may_become(row.state, State.CONFIRMED)
    seats = await resale_seats.of_order(tx, row.id)
    amount = sum(line.price_minor for line in seats.lines.values())
    await lock(tx, f"resale.credit:{seller.partner_id}")
    await resale_account.require_credit(tx, seller.terms, seller.partner_id, amount, row.currency)
    await store.set_state(tx, row.id, State.CONFIRMED, expires_at=None, confirmed_at=now)
    details = {"on_account": True, "partner": seller.partner_id}
    await store.add_event(tx, row.id, "confirmed", now, str(seller.actor), details)
    await jobs.emit(tx, "order.confirmed", {"order_id": str(row.id)})
    await resale_account.settle(
        tx, resale, "sale", retail_minor=seats.retail_minor, tickets=len(seats.items)
    )  # fmt: skip


async def extend(tx: Tx, seller: Seller, uuid: UUID, minutes: int | None) -> Booking:
    """Makes a hold longer: so many minutes from now, later than before in any case. NotHeld, HoldOver, HeldTooLong."""
    _row, resale, before = await locked(tx, seller, uuid)
    if before.status is Status.CONFIRMED:
        raise NotHeld
    require_open(before)
    await hold_longer(tx, seller, before, resale, minutes or seller.terms.hold_minutes)
    return await _view(tx, seller.partner_id, resale.order_id)


async def hold_longer(tx: Tx, seller: Seller, before: Booking, resale: Resale, minutes: int) -> Resale:
    """A hold with its new time, never longer than the terms allow since it was placed. HeldTooLong."""
    now = clock.now()
    last = before.row.placed_at + timedelta(minutes=seller.terms.hold_minutes_max)
    until = min(max(now + timedelta(minutes=minutes), resale.held_until + STEP), last)
    if until <= resale.held_until:
        raise HeldTooLong(until=resale.held_until.isoformat())
    resale = msgspec.structs.replace(resale, held_until=until, updated_at=now)
    await resale_store.update(tx, resale)
    if not resale.is_test:
        await resale_store.set_expiry(tx, resale.order_id, until)
        await resale_visits_store.hold_longer(tx, resale.order_id, until)
    return resale


async def get(tx: ReadTx, partner_id: str, uuid: UUID) -> Booking:
    """A partner's booking by its uuid, or one visit of a package. BookingUnknown when it has none, as if those of others did not exist."""
    resale = await resale_store.of_uuid(tx, partner_id, uuid)
    if resale is not None:
        return await _view(tx, partner_id, resale.order_id)
    visit = await resale_visits_store.of_uuid(tx, partner_id, uuid)
    if visit is None:
        raise BookingUnknown(uuid=str(uuid))
    package = await _view(tx, partner_id, visit.parent_id)
    return next(one for one in package.visits if one.resale.uuid == uuid)


async def find(tx: ReadTx, partner_id: str, sought: Sought) -> list[Booking]:
    """A partner's bookings that fit. TooManyFound past a thousand."""
    found = await resale_store.find(tx, partner_id, sought, FOUND_MAX + 1)
    if len(found) > FOUND_MAX:
        raise TooManyFound(most=FOUND_MAX)
    return await resale_views.load(tx, partner_id, found)


async def locked(tx: Tx, seller: Seller, uuid: UUID) -> tuple[OrderRow, Resale, Booking]:
    """A booking whose order is locked until the transaction ends. BookingUnknown."""
    seen = await resale_store.of_uuid(tx, seller.partner_id, uuid)
    row = await store.locked(tx, seen.order_id) if seen else None
    if seen is None or row is None:
        raise BookingUnknown(uuid=str(uuid))
    before = await _view(tx, seller.partner_id, row.id)
    return row, before.resale, before


def require_open(booking: Booking) -> None:
    """The booking is held still, or confirmed and not used. HoldOver, BookingOver."""
    if booking.status is Status.EXPIRED:
        raise HoldOver(uuid=str(booking.resale.uuid))
    if booking.status not in (Status.ON_HOLD, Status.CONFIRMED):
        raise BookingOver(status=str(booking.status))


async def _view(tx: ReadTx, partner_id: str, order_id: UUID) -> Booking:
    return (await resale_views.load(tx, partner_id, [order_id]))[0]


def _content(wanted: Wanted) -> bytes:
    """What makes two reservations the same. Keyed, because it holds documents."""
    key = crypto.derived("index", "resale-content")
    said = msgspec.to_builtins(wanted)
    if not wanted.visits:
        del said["visits"]
    return hashlib.blake2b(msgspec.json.encode(said), key=key, digest_size=32).digest()
