"""The content capability: titles, texts, places and labels, in the language that was asked for."""

from __future__ import annotations

from typing import Any

from holdfast.catalogue.calendars import span
from holdfast.kit import clock
from holdfast.kit.i18n import pick
from holdfast.orders.resale_model import Offered, SlotOffer

LABELS: dict[str, list[str]] = {
    "museum": ["museums", "history"],
    "heritage": ["history"],
    "park": ["outdoors"],
    "garden": ["outdoors"],
    "nature": ["outdoors"],
    "wildlife": ["animals", "family-friendly"],
    "theme-park": ["theme-parks", "family-friendly"],
    "show": ["nightlife"],
    "restaurant": ["food"],
    "card": ["city-cards"],
}
"""Kind of venue → category labels of the standard."""
PLACES = (
    "googlePlaceId", "applePlaceId", "tripadvisorLocationId", "yelpPlaceId", "facebookPlaceId", "foursquarePlaceId",
    "baiduPlaceId", "amapPlaceId",
)  # fmt: skip


def of_product(offered: Offered, locale: str) -> dict[str, Any]:
    """What a product has besides; its option has the same."""
    lengths = [
        int((ends - starts).total_seconds() // 60)
        for starts, ends in (span(clock.now().date(), one.starts, one.ends) for one in offered.product.timeslots)
    ]
    return {
        "title": title(offered, locale),
        "shortDescription": pick(offered.summary, locale) or None,
        "description": pick(offered.summary, locale) or None,
        "features": _features(offered, locale),
        "faqs": [],
        "media": [],
        "locations": _locations(offered, locale),
        "categoryLabels": LABELS.get(offered.kind, []),
        "durationMinutesFrom": min(lengths, default=0),
        "durationMinutesTo": max(lengths) if lengths else None,
        "commentary": [],
    }


def title(offered: Offered, locale: str) -> str:
    return f"{pick(offered.venue_name, locale)}: {pick(offered.product.name, locale)}"


def _features(offered: Offered, locale: str) -> list[dict[str, Any]]:
    rule = offered.product.cancel_rule.get("text")
    if not isinstance(rule, dict):
        return []
    return [{"shortDescription": pick(rule, locale), "type": "CANCELLATION_TERM"}]


def _locations(offered: Offered, locale: str) -> list[dict[str, Any]]:
    if offered.latitude is None or offered.longitude is None:
        return []
    address = {
        "streetAddress": None, "addressLocality": pick(offered.city, locale) or None, "addressRegion": offered.province or None,
        "postalCode": None, "addressCountry": "CN", "postOfficeBoxNumber": None,
    }  # fmt: skip
    place = {
        "latitude": offered.latitude, "longitude": offered.longitude, "postalAddress": address,
        "identifiers": dict.fromkeys(PLACES), "sameAs": [],
    }  # fmt: skip
    return [
        {
            "title": pick(offered.venue_name, locale), "shortDescription": None, "types": ["ADMISSION_INCLUDED", "REDEMPTION"],
            "minutesTo": None, "minutesAt": None, "place": place,
        }
    ]  # fmt: skip


def of_unit(offered: Offered, unit: str, locale: str) -> dict[str, Any]:
    name = pick(offered.prices_of(unit)[0].name, locale)
    return {"title": name, "shortDescription": name, "features": []}


def of_availability(offered: Offered, one: SlotOffer, locale: str) -> dict[str, Any]:
    slot = next((slot for slot in offered.product.timeslots if slot.code == one.slot.code), None)
    name = pick(slot.name, locale) if slot and slot.name else ""
    return {"title": name or None, "shortDescription": name or title(offered, locale)}
