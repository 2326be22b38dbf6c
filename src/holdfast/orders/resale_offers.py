"""What a reseller may sell: products, and availabilities under names that stay.

An availability's id is the local moment at which its slot begins (``2026-12-01T09:00:00+08:00``); of a product that is open
all day, the day's midnight. Where two slots of a product begin at one moment, the later by code has its code added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from holdfast import partners
from holdfast.inventory.availability import sale_state
from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import resale_includes
from . import resale_offers_store as store
from .model import SaleOver, SlotClosed
from .resale_model import OPTION, AvailabilityUnknown, Offered, OptionUnknown, ProductNotOffered, SlotOffer, UnitUnknown


async def products(tx: ReadTx, terms: partners.Terms, *, packages: bool = False) -> list[Offered]:
    """All that a partner on these terms may sell; cards only where it knows what packages are."""
    return await resale_includes.filled(tx, await store.offered(tx, terms.product_ids, cards=packages))


async def product(
    tx: ReadTx, terms: partners.Terms, product_id: str, option_id: str | None = None, *, packages: bool = False
) -> Offered:
    """One product, and its option where one is named. ProductNotOffered, OptionUnknown."""
    allowed = partners.limits.sees(terms, [product_id])
    found = await resale_includes.filled(tx, await store.offered(tx, allowed, cards=packages)) if allowed else []
    if not found:
        raise ProductNotOffered(product_id=product_id)
    if option_id is not None and option_id != OPTION:
        raise OptionUnknown(option_id=option_id)
    return found[0]


async def between(tx: ReadTx, partner_id: str, offered: Offered, first: date, last: date) -> list[SlotOffer]:
    """Its slots between two dates, sold out and closed ones too."""
    return await store.slots(tx, partner_id, offered.id, first, last)


async def named(tx: ReadTx, partner_id: str, offered: Offered, ids: Sequence[str]) -> list[SlotOffer]:
    """The slots of these ids; ids that name none are left out."""
    zone, found = ZoneInfo(offered.time_zone), []
    read = [moment for one in ids if (moment := _moment(one)) is not None]
    if offered.whole_day:
        days = [moment.astimezone(zone).date() for moment in read]
        if days:
            found = await store.slots(tx, partner_id, offered.id, min(days), max(days))
    elif read:
        found = await store.slots_at(tx, partner_id, offered.id, read)
    wanted = set(ids)
    return [one for one in found if id_of(offered, one) in wanted]


async def one_named(tx: ReadTx, partner_id: str, offered: Offered, availability_id: str) -> SlotOffer:
    """The slot of an id. AvailabilityUnknown."""
    found = await named(tx, partner_id, offered, [availability_id])
    if not found:
        raise AvailabilityUnknown(availability_id=availability_id)
    return found[0]


def _moment(availability_id: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(availability_id.partition("#")[0])
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 2000 <= moment.year < 2100 else None


def id_of(offered: Offered, one: SlotOffer) -> str:
    begins = starts(offered, one).isoformat(timespec="seconds")
    return f"{begins}#{one.slot.code}" if one.twin else begins


def starts(offered: Offered, one: SlotOffer) -> datetime:
    """When it begins on the venue's clocks: its day's midnight where it is open all day."""
    zone = ZoneInfo(offered.time_zone)
    if offered.whole_day:
        return datetime.combine(one.slot.visit_date, time(), zone)
    return one.slot.starts_at.astimezone(zone)


def require_units(offered: Offered, units: Sequence[str]) -> None:
    """UnitUnknown names the first that the product does not have."""
    for unit in units:
        if unit not in offered.units:
            raise UnitUnknown(unit_id=unit)


def require_on_sale(one: SlotOffer, now: datetime) -> None:
    """The last moment to confirm has not passed, and the house is not closed by now. SaleOver, SlotClosed."""
    if now >= one.slot.sale_closes_at:
        raise SaleOver(slot_id=str(one.slot.id))
    if one.slot.state == "closed":
        raise SlotClosed(slot_id=str(one.slot.id), reason=one.slot.reason)


def vacancies(terms: partners.Terms, one: SlotOffer) -> int:
    """How many more places the partner can book there now."""
    if sale_state(one.slot, clock.now()) != "open":
        return 0
    left = one.slot.places_left
    if terms.places_per_slot is not None:
        left = min(left, max(0, terms.places_per_slot - one.mine))
    return left


def places_of(offered: Offered, day: date, unit: str) -> int:
    """How many places one ticket of a kind takes on a day."""
    price = offered.price_on(unit, day)
    return 1 if price is None or price.uses_place else 0
