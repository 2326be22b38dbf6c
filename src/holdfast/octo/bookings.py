"""Bookings: reserve, confirm, extend, update, cancel, and what is booked."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from holdfast.kit import ids
from holdfast.orders import resale, resale_amendments
from holdfast.orders.resale_model import (
    OPTION,
    Amendment,
    Booking,
    BookingUnknown,
    ContactGiven,
    ItemView,
    Status,
    VisitWish,
    Wanted,
)
from holdfast.orders.resale_store import Sought

from . import bodies, pricing
from .availability import availability, utc
from .bodies import CancelBody, ConfirmBody, ExtendBody, PackageBooking, ReserveBody, UpdateBody, malformed
from .products import option, product, redemption_method, unit
from .surface import Call

CONTACT_NEEDED = "Say who books; an empty contact will do."
CRITERION = "Name resellerReference, supplierReference, localDate, or localDateStart and localDateEnd."


async def reserve(call: Call) -> Any:
    """Holds places."""
    given = bodies.read(ReserveBody, call.body)
    wanted = Wanted(
        product_id=given.product_id or "", option_id=given.option_id or "", availability_id=given.availability_id or "",
        items=bodies.items_of(given.unit_items) or [], uuid=bodies.uuid_of(given.uuid, "uuid"),
        minutes=given.expiration_minutes, notes=given.notes, reference=given.reseller_reference,
        contact=given.contact.given("contact") if given.contact else None, currency=given.currency,
        is_test=call.seller.is_test, visits=_visits(call, given.package_bookings),
    )  # fmt: skip
    return shown(await resale.run(call.db, resale.reserve, call.seller, wanted), call)


async def confirm(call: Call) -> Any:
    """Makes a hold a booking."""
    uuid, given = _uuid(call), bodies.read(ConfirmBody, call.body)
    if given.contact is None:
        raise malformed("contact", CONTACT_NEEDED)
    found = await resale.run(
        call.db, resale.confirm, call.seller, uuid, given.contact.given("contact"), reference=given.reseller_reference,
        items=bodies.items_of(given.unit_items), visits=_visits(call, given.package_bookings),
    )  # fmt: skip
    return shown(found, call)


async def extend(call: Call) -> Any:
    """Makes a hold longer."""
    uuid, given = _uuid(call), bodies.read(ExtendBody, call.body, empty=True)
    return shown(await resale.run(call.db, resale.extend, call.seller, uuid, given.expiration_minutes), call)


async def update(call: Call) -> Any:
    """Other tickets, another time, another product."""
    uuid, given = _uuid(call), bodies.read(UpdateBody, call.body, empty=True)
    wish = Amendment(
        product_id=given.product_id, option_id=given.option_id, availability_id=given.availability_id,
        items=bodies.items_of(given.unit_items), minutes=given.expiration_minutes, notes=given.notes,
        reference=given.reseller_reference, contact=given.contact.given("contact") if given.contact else None,
        visits=_visits(call, given.package_bookings),
    )  # fmt: skip
    return shown(await resale.run(call.db, resale_amendments.amend, call.seller, uuid, wish), call)


async def cancel(call: Call) -> Any:
    """Gives a booking up."""
    uuid, given = _uuid(call), bodies.read(CancelBody, call.body, empty=True)
    found = await resale.run(
        call.db, resale_amendments.cancel, call.seller, uuid, reason=given.reason, force=bool(given.force)
    )
    return shown(found, call)


def _visits(call: Call, given: list[PackageBooking] | None) -> list[VisitWish]:
    """Who does not know packages says nothing of them."""
    return bodies.visits_of(given) if call.has_packages else []


async def one(call: Call) -> Any:
    """One booking."""
    uuid = _uuid(call)
    async with call.db.reading() as tx:
        return shown(await resale.get(tx, call.seller.partner_id, uuid), call)


async def found(call: Call) -> Any:
    """The bookings that fit."""
    sought = _sought(call)
    async with call.db.reading() as tx:
        return [shown(one, call) for one in await resale.find(tx, call.seller.partner_id, sought)]


def _sought(call: Call) -> Sought:
    try:
        asked = dict(
            parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=False, max_num_fields=50)
        )
    except ValueError as error:
        raise malformed("", CRITERION) from error
    if any("\0" in value for value in asked.values()):
        raise malformed("", bodies.NUL)
    first, last = (
        asked.get("localDate") or asked.get("localDateStart"),
        asked.get("localDate") or asked.get("localDateEnd"),
    )
    reference, ours = asked.get("resellerReference"), asked.get("supplierReference")
    if not (reference or ours or (first and last)):
        raise malformed("", CRITERION)
    if asked.get("optionId", OPTION) != OPTION:
        first, last, reference = None, None, None
        ours = "no such option"
    return Sought(
        reseller_reference=reference, number=(ids.read_code(ours) or "") if ours else None,
        first=bodies.date_of(first, "localDateStart") if first and last else None,
        last=bodies.date_of(last, "localDateEnd") if first and last else None, product_id=asked.get("productId"),
    )  # fmt: skip


def _uuid(call: Call) -> UUID:
    text = call.path("uuid")
    if not bodies.is_uuid(text):
        raise BookingUnknown(uuid=text)
    return UUID(text)


def shown(booking: Booking, call: Call) -> dict[str, Any]:
    """A booking, whole: what is not there is null, never left out."""
    row, its = booking.row, booking.resale
    slot = availability(booking.offered, booking.slot, call, [])
    its_option = option(booking.offered, call, booked=True)
    held = booking.status is Status.ON_HOLD
    items = [_item(one, booking, call) for one in booking.items]
    answer: dict[str, Any] = {
        "id": str(its.uuid),
        "uuid": str(its.uuid),
        "testMode": its.is_test,
        "resellerReference": its.reseller_reference,
        "supplierReference": ids.show_code(row.number),
        "status": str(booking.status),
        "utcCreatedAt": utc(row.placed_at),
        "utcUpdatedAt": utc(booking.updated_at),
        "utcExpiresAt": utc(its.held_until) if held or booking.status is Status.EXPIRED else None,
        "utcRedeemedAt": utc(booking.redeemed_at) if booking.redeemed_at else None,
        "utcConfirmedAt": utc(its.confirmed_at) if its.confirmed_at else None,
        "productId": booking.offered.id,
        "product": product(booking.offered, call, booked=True),
        "optionId": OPTION,
        "option": its_option,
        "cancellable": booking.cancellable,
        "cancellation": _cancellation(booking),
        "freesale": False,
        "availabilityId": slot["id"],
        "availability": slot,
        "contact": _contact(booking.contact),
        "notes": booking.notes,
        "deliveryMethods": ["TICKET"],
        "voucher": None,
        "unitItems": items,
    }
    if call.has_pricing:
        answer["pricing"] = pricing.total([one["pricing"] for one in items], row.currency)
    if call.has_packages:
        if booking.include_id:
            answer["packageIncludeId"] = booking.include_id
        else:
            answer["packageBookings"] = [shown(one, call) for one in booking.visits]
    return answer


def _item(one: ItemView, booking: Booking, call: Call) -> dict[str, Any]:
    item, used = one.item, utc(one.redeemed_at) if one.redeemed_at else None
    status = booking.status if one.line is not None or booking.status is Status.CANCELLED else Status.CANCELLED
    if one.redeemed_at and booking.status is Status.CONFIRMED:
        status = Status.REDEEMED
    options = [{"deliveryFormat": "QRCODE", "deliveryValue": one.code}] if one.code else []
    found: dict[str, Any] = {
        "uuid": str(item.uuid),
        "resellerReference": item.reseller_reference,
        "supplierReference": f"{ids.show_code(booking.row.number)}/{item.seq}",
        "unitId": item.unit,
        "unit": unit(booking.sold_as or booking.offered, item.unit, call, booked=True),
        "status": str(status),
        "utcRedeemedAt": used,
        "contact": _contact(one.contact),
        "ticket": {
            "redemptionMethod": redemption_method(booking.offered), "utcRedeemedAt": used, "deliveryOptions": options,
        },
    }  # fmt: skip
    if call.has_pricing:
        found["pricing"] = pricing.of_item(one, booking)
    return found


def _contact(given: ContactGiven) -> dict[str, Any]:
    return {
        "fullName": given.name or None,
        "firstName": given.first_name,
        "lastName": given.last_name,
        "emailAddress": given.email,
        "phoneNumber": given.phone,
        "locales": given.locales,
        "postalCode": given.postal_code,
        "country": given.country,
        "notes": given.notes,
    }


def _cancellation(booking: Booking) -> dict[str, Any] | None:
    """How it ended; of a hold that ran out, that nothing is owed."""
    its = booking.resale
    if booking.status is Status.EXPIRED:
        return {"refund": "FULL", "reason": None, "utcCancelledAt": utc(its.held_until)}
    if booking.status is not Status.CANCELLED:
        return None
    ended = its.cancelled_at or booking.updated_at
    return {"refund": its.refund or "FULL", "reason": its.cancel_reason, "utcCancelledAt": utc(ended)}
