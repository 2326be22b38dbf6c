"""Supplier and products: each product of ours has one option, whose units are its kinds of ticket."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from email.utils import parseaddr
from typing import Any

from holdfast.kit import settings
from holdfast.kit.i18n import pick
from holdfast.orders import resale_offers
from holdfast.orders.resale_model import ITEMS_MAX, OPTION, Offered

from . import content, packages, pricing
from .surface import ROOT, Call

UNIT_TYPES = {
    "adult": "ADULT", "youth": "YOUTH", "child": "CHILD", "infant": "INFANT", "family": "FAMILY", "senior": "SENIOR",
    "student": "STUDENT", "military": "MILITARY", "companion-child": "CHILD",
}  # fmt: skip
LOCALES = {"en": "en", "zh": "zh-CN"}
NAMED = ["firstName", "lastName", "notes"]
"""What each visitor's contact holds where names are asked for; notes say the document."""
AGES = (0, 120)
_SOME_DAY = date(2026, 6, 15)


async def supplier(call: Call) -> Any:
    """Who we are."""
    given = settings.current()
    found: dict[str, Any] = {
        "id": "holdfast",
        "name": given.seller_title,
        "endpoint": f"{given.base_url}{ROOT}",
        "contact": {
            "website": given.base_url, "email": parseaddr(given.mail_from)[1] or None, "telephone": None,
            "address": None,
        },
    }  # fmt: skip
    if call.has_content:
        found |= {"shortDescription": None, "media": []}
    return found


async def every(call: Call) -> Any:
    """All that the partner may sell."""
    found = await call.db.read(resale_offers.products, call.seller.terms, packages=call.has_packages)
    return [product(one, call) for one in found]


async def one(call: Call) -> Any:
    """One of them."""
    found = await call.db.read(resale_offers.product, call.seller.terms, call.path("id"), packages=call.has_packages)
    return product(found, call)


def product(offered: Offered, call: Call, *, booked: bool = False) -> dict[str, Any]:
    """A product; `booked`: as it stands in a booking, with prices instead of the lowest prices."""
    found: dict[str, Any] = {
        "id": offered.id,
        "internalName": content.title(offered, call.locale),
        "reference": offered.id,
        "locale": LOCALES[call.locale],
        "timeZone": offered.time_zone,
        "allowFreesale": False,
        "instantConfirmation": True,
        "instantDelivery": True,
        "availabilityRequired": True,
        "availabilityType": "OPENING_HOURS" if offered.whole_day else "START_TIME",
        "deliveryFormats": ["QRCODE"],
        "deliveryMethods": ["TICKET"],
        "redemptionMethod": redemption_method(offered),
        "options": [option(offered, call, booked=booked)],
    }
    if call.has_pricing:
        found |= {
            "defaultCurrency": offered.currencies[0], "availableCurrencies": offered.currencies, "pricingPer": pricing.PER_UNIT,
        }  # fmt: skip
    if call.has_content:
        found |= content.of_product(offered, call.locale)
    if call.has_packages:
        found["isPackage"] = offered.is_package
    return found


def redemption_method(offered: Offered) -> str:
    """Who is on the list by name may show the document; else the code is needed."""
    return "MANIFEST" if offered.product.real_name else "DIGITAL"


def option(offered: Offered, call: Call, *, booked: bool = False) -> dict[str, Any]:
    hours = cutoff_hours(offered)
    found: dict[str, Any] = {
        "id": OPTION,
        "default": True,
        "internalName": pick(offered.product.name, call.locale),
        "reference": None,
        "availabilityLocalStartTimes": start_times(offered),
        "cancellationCutoff": f"{hours} hour" if hours == 1 else f"{hours} hours",
        "cancellationCutoffAmount": hours,
        "cancellationCutoffUnit": "hour",
        "requiredContactFields": [],
        "restrictions": {"minUnits": 1, "maxUnits": min(offered.product.max_per_order, ITEMS_MAX)},
        "units": [unit(offered, one, call, booked=booked) for one in offered.units],
    }
    if call.has_content:
        found |= content.of_product(offered, call.locale)
    if call.has_packages and offered.is_package:
        found["packageIncludes"] = packages.groups(offered, call, product)
    return found


def start_times(offered: Offered) -> list[str]:
    """All that availabilities can have; of what is open all day its midnight, the one that they have."""
    if offered.whole_day:
        return ["00:00"]
    return sorted({one.starts.strftime("%H:%M") for one in offered.product.timeslots})


def cutoff_hours(offered: Offered) -> int:
    """So many hours before the start, at least, a booking is given back whole; by the latest of its timeslots.

    The rule itself may name a time of the day; this is what is always enough.
    """
    rule = offered.product.cancel_rule
    if "minutes_before_start" in rule:
        return max(0, math.ceil(int(rule["minutes_before_start"]) / 60))
    if "days_before" not in rule and "time" not in rule:
        return 0
    day = _SOME_DAY - timedelta(days=int(rule.get("days_before", 0)))
    ends = (
        datetime.combine(day, time.fromisoformat(rule["time"]))
        if "time" in rule
        else datetime.combine(day + timedelta(days=1), time())
    )
    starts = [
        datetime.combine(_SOME_DAY, time() if offered.whole_day else one.starts) for one in offered.product.timeslots
    ]
    return max([0, *(math.ceil((start - ends).total_seconds() / 3600) for start in starts)])


def unit(offered: Offered, ticket: str, call: Call, *, booked: bool = False) -> dict[str, Any]:
    price = offered.prices_of(ticket)[0]
    found: dict[str, Any] = {
        "id": ticket,
        "internalName": pick(price.name, call.locale),
        "reference": None,
        "type": UNIT_TYPES.get(ticket) or UNIT_TYPES.get(ticket.partition("-")[0], "OTHER"),
        "restrictions": {
            "minAge": AGES[0], "maxAge": AGES[1], "idRequired": offered.product.real_name, "minQuantity": None,
            "maxQuantity": min(offered.product.max_per_order, ITEMS_MAX), "paxCount": 1 if price.uses_place else 0,
            "accompaniedBy": packages.accompanied_by(offered, ticket),
        },
        "requiredContactFields": NAMED if offered.product.real_name else [],
    }  # fmt: skip
    if call.has_pricing:
        found["pricing" if booked else "pricingFrom"] = pricing.lowest(offered, ticket, call.seller.terms)
    if call.has_content:
        found |= content.of_unit(offered, ticket, call.locale)
    return found
