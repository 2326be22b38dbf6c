"""Availability: slots one by one, or a day at a time for long ranges. What is sold out or closed is listed too."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from holdfast.inventory.availability import sale_state
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.orders import resale_includes, resale_offers
from holdfast.orders.resale_model import Offered, ProductNotOffered, SlotOffer
from holdfast.orders.resale_offers import starts

from . import bodies, content, pricing
from .bodies import AvailabilityBody, CalendarBody, Unit, malformed
from .surface import Call

DAYS_MAX = 732
ONE_OF = (
    "Name a day (localDate), a range of days (localDateStart and localDateEnd) or availabilityIds: one of the three."
)
BOTH_ENDS = "Name both ends of the range of days."
ORDER = "The range of days ends before it begins."
TOO_LONG = "A range has at most 732 days."


def utc(moment: datetime) -> str:
    """``2026-12-01T01:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def check(call: Call) -> Any:
    """An object for each slot."""
    given = bodies.read(AvailabilityBody, call.body)
    _require_one(given)
    async with call.db.reading() as tx:
        offered = await _offered(tx, call, given)
        if given.availability_ids is not None:
            found = await resale_offers.named(tx, call.seller.partner_id, offered, given.availability_ids)
        else:
            first, last = _range(given.local_date or given.local_date_start, given.local_date or given.local_date_end)
            found = await resale_offers.between(tx, call.seller.partner_id, offered, first, last)
    return [availability(offered, one, call, given.units or []) for one in found]


def _require_one(given: AvailabilityBody) -> None:
    ranged = given.local_date_start is not None or given.local_date_end is not None
    if sum((given.local_date is not None, ranged, given.availability_ids is not None)) != 1:
        raise malformed("", ONE_OF)


async def _product(tx: ReadTx, call: Call, given: CalendarBody) -> Offered:
    """What may be sold, or is included in a package that may be: its times are needed to choose one."""
    terms, packages = call.seller.terms, call.has_packages
    try:
        return await resale_offers.product(tx, terms, given.product_id, given.option_id, packages=packages)
    except ProductNotOffered:
        found = await resale_includes.included(tx, terms, given.product_id) if packages else None
        if found is None:
            raise
        return found


async def _offered(tx: ReadTx, call: Call, given: CalendarBody) -> Offered:
    offered = await _product(tx, call, given)
    for n, one in enumerate(given.units or []):
        if one.id not in offered.units:
            raise malformed(f"units[{n}].id", "This option has no such unit.")
    if given.currency and given.currency not in offered.currencies:
        raise malformed("currency", "This product is not sold in this currency.")
    return offered


def _range(first: str | None, last: str | None) -> tuple[date, date]:
    if first is None or last is None:
        raise malformed("localDateStart" if first is None else "localDateEnd", BOTH_ENDS)
    begins, ends = bodies.date_of(first, "localDateStart"), bodies.date_of(last, "localDateEnd")
    if ends < begins:
        raise malformed("localDateEnd", ORDER)
    if (ends - begins).days > DAYS_MAX:
        raise malformed("localDateEnd", TOO_LONG)
    return begins, ends


def availability(offered: Offered, one: SlotOffer, call: Call, units: list[Unit]) -> dict[str, Any]:
    """One slot as it is for this partner now; `units`: how many of each are wanted."""
    slot = one.slot
    left = resale_offers.vacancies(call.seller.terms, one)
    fits = _fits(offered, slot.visit_date, left, units)
    begins = starts(offered, one)
    ends = begins + timedelta(days=1) if offered.whole_day else slot.ends_at.astimezone(begins.tzinfo)
    if offered.whole_day:
        ends = datetime.combine(slot.visit_date + timedelta(days=1), time(), begins.tzinfo)
    found: dict[str, Any] = {
        "id": resale_offers.id_of(offered, one),
        "localDateTimeStart": begins.isoformat(timespec="seconds"),
        "localDateTimeEnd": ends.isoformat(timespec="seconds"),
        "utcCutoffAt": utc(slot.sale_closes_at),
        "allDay": offered.whole_day,
        "available": fits,
        "status": _status(one, left, fits=fits),
        "vacancies": left,
        "capacity": slot.capacity,
        "maxUnits": offered.product.max_per_order,
        "openingHours": _hours(offered, one),
    }
    if call.has_pricing:
        found |= _priced(offered, slot.visit_date, call, units, "unitPricing")
    if call.has_content:
        found |= content.of_availability(offered, one, call.locale)
    return found


def _fits(offered: Offered, day: date, left: int, units: list[Unit]) -> bool:
    need = sum(one.quantity * resale_offers.places_of(offered, day, one.id) for one in units)
    count = sum(one.quantity for one in units)
    return left > 0 and need <= left and count <= offered.product.max_per_order


def _status(one: SlotOffer, left: int, *, fits: bool) -> str:
    state = sale_state(one.slot, clock.now())
    if state not in ("open", "sold-out"):
        return "CLOSED"
    if not left or not fits:
        return "SOLD_OUT"
    return "LIMITED" if left * 2 < one.slot.capacity else "AVAILABLE"


def _hours(offered: Offered, one: SlotOffer) -> list[dict[str, str]]:
    """Of what is open all day, from when to when on that day."""
    if not offered.whole_day:
        return []
    zone = starts(offered, one).tzinfo
    opens, closes = one.slot.starts_at.astimezone(zone), one.slot.ends_at.astimezone(zone)
    return [{"from": opens.strftime("%H:%M"), "to": closes.strftime("%H:%M")}]


def _priced(offered: Offered, day: date, call: Call, units: list[Unit], name: str) -> dict[str, Any]:
    """Prices of a day by unit, and what the wanted units cost together."""
    terms = call.seller.terms
    prices = [(unit, price) for unit in offered.units if (price := offered.price_on(unit, day)) is not None]
    found: dict[str, Any] = {name: [{"unitId": unit, **pricing.of_price(price, terms)} for unit, price in prices]}
    by_unit = dict(prices)
    wanted = [one for one in units if one.id in by_unit and one.quantity]
    if wanted:
        parts = [pricing.of_price(by_unit[one.id], terms, one.quantity) for one in wanted]
        total = "pricing" if name == "unitPricing" else "pricingFrom"
        found[total] = pricing.total(parts, parts[0]["currency"])
    return found


async def calendar(call: Call) -> Any:
    """An object for each day of a range."""
    given = bodies.read(CalendarBody, call.body)
    async with call.db.reading() as tx:
        offered = await _offered(tx, call, given)
        first, last = _range(given.local_date_start, given.local_date_end)
        found = await resale_offers.between(tx, call.seller.partner_id, offered, first, last)
    by_day: defaultdict[date, list[SlotOffer]] = defaultdict(list)
    for one in found:
        by_day[one.slot.visit_date].append(one)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [_day(offered, day, by_day[day], call, given.units or []) for day in days]


def _day(offered: Offered, day: date, slots: list[SlotOffer], call: Call, units: list[Unit]) -> dict[str, Any]:
    left = [resale_offers.vacancies(call.seller.terms, one) for one in slots]
    fits = any(_fits(offered, day, one, units) for one in left)
    states = {_status(one, places, fits=True) for one, places in zip(slots, left, strict=True)}
    vacancies, capacity = sum(left), sum(one.slot.capacity for one in slots)
    if fits:
        status = "LIMITED" if vacancies * 2 < capacity else "AVAILABLE"
    else:
        status = "SOLD_OUT" if states - {"CLOSED"} else "CLOSED"
    found: dict[str, Any] = {
        "localDate": day.isoformat(),
        "available": fits,
        "status": status,
        "vacancies": vacancies,
        "capacity": capacity,
        "openingHours": [hours for one in slots for hours in _hours(offered, one)] or _usual(offered),
    }
    if call.has_pricing:
        found |= _priced(offered, day, call, units, "unitPricingFrom")
    return found


def _usual(offered: Offered) -> list[dict[str, str]]:
    """The hours that a day would have; the status says that it is closed."""
    if not offered.whole_day:
        return []
    return [
        {"from": one.starts.strftime("%H:%M"), "to": one.ends.strftime("%H:%M")} for one in offered.product.timeslots
    ]
