"""Places that can be visited: finding them, what they sell, and when places are left."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

import msgspec

from holdfast import catalogue, inventory
from holdfast.api import findings
from holdfast.api.endpoint import Call
from holdfast.api.problems import QueryMismatch
from holdfast.catalogue.model import Status
from holdfast.inventory.model import DayState, SaleState
from holdfast.kit.money import Money

from .texts import Text, maybe, text

MONTH_PATTERN = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
_DAY = msgspec.Meta(extra_json_schema={"pattern": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"})


class CityAnswer(msgspec.Struct, frozen=True):
    """A city in which something can be visited."""

    name: Text
    venues: int


class VenueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for. With `date`, only venues where `people` find places together in one slot."""

    text: Annotated[str, msgspec.Meta(max_length=200, description="words in name, city, kind or summary")] = ""
    city: Annotated[str, msgspec.Meta(max_length=60, description="a city's name in either language")] = ""
    kind: Annotated[str, msgspec.Meta(max_length=40, description="such as museum or park")] = ""
    date: Annotated[date, _DAY, msgspec.Meta(description="only where places are left on this day")] | None = None
    people: Annotated[int, msgspec.Meta(ge=1, le=50, description="places needed together on that day")] = 1


class VenueBrief(msgspec.Struct, frozen=True):
    """A venue in a list. `places_left`: the most in one slot on the date asked for; null when none was."""

    id: str
    name: Text
    city: Text
    province: str
    kind: str
    summary: Text
    latitude: float | None
    longitude: float | None
    lowest: Money | None
    places_left: int | None


class VenueList(msgspec.Struct, frozen=True):
    """The venues found, best first."""

    items: list[VenueBrief]


class OpeningAnswer(msgspec.Struct, frozen=True):
    """Hours of a season: inclusive days of the year (MM-DD), clock times of the venue, ISO weekdays closed."""

    season: str
    from_day: str
    to_day: str
    opens: time
    closes: time
    last_entry: time
    closed_weekdays: list[int]


class SpecialDayAnswer(msgspec.Struct, frozen=True):
    """A date that differs from its season."""

    day: date
    is_open: bool
    opens: time | None
    closes: time | None
    last_entry: time | None
    reason: Text | None


class PriceAnswer(msgspec.Struct, frozen=True):
    """What one ticket costs, in its season (MM-DD, inclusive)."""

    id: str
    ticket: str
    name: Text
    price: Money
    from_day: str
    to_day: str
    uses_place: bool


class ProductAnswer(msgspec.Struct, frozen=True):
    """What is sold at a venue, and under which rules."""

    id: str
    name: Text
    real_name: bool
    documents: list[str]
    max_per_order: int
    once_per_document_day: bool
    release_days: int
    release_time: time
    same_day_sale: bool
    cancellation: Text | None
    prices: list[PriceAnswer]


class FactAnswer(msgspec.Struct, frozen=True):
    """A published figure or rule, how well it is supported, and by which source."""

    fact: str
    label: Text
    value: bool | int | float | str | dict[str, str]
    status: Status
    source: str
    as_of: str
    note: Text | None


class SourceAnswer(msgspec.Struct, frozen=True):
    """A published text that figures rest on."""

    id: str
    what: str
    url: str
    quality: str
    as_of: str


class VenueAnswer(msgspec.Struct, frozen=True):
    """Everything about a venue. A retired one is no longer sold; orders and old links still lead to it."""

    id: str
    name: Text
    city: Text
    province: str
    kind: str
    summary: Text
    latitude: float | None
    longitude: float | None
    time_zone: str
    retired: bool
    updated_at: datetime
    openings: list[OpeningAnswer]
    special_days: list[SpecialDayAnswer]
    products: list[ProductAnswer]
    facts: list[FactAnswer]
    sources: list[SourceAnswer]


class MonthQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which month."""

    month: Annotated[str, msgspec.Meta(pattern=MONTH_PATTERN, description="YYYY-MM")]


class DateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which day."""

    date: Annotated[date, _DAY, msgspec.Meta(description="the venue's own date")]


class DayAnswer(msgspec.Struct, frozen=True):
    """A day of the calendar. `opens_at`: when its sale begins, for ``not-yet``; `reason`: why it is closed."""

    date: date
    state: DayState
    places_left: int
    lowest: Money | None
    opens_at: datetime | None
    reason: Text | None


class CalendarAnswer(msgspec.Struct, frozen=True):
    """A month of a venue."""

    venue_id: str
    month: str
    days: list[DayAnswer]


class SlotAnswer(msgspec.Struct, frozen=True):
    """A time of entry with the prices of that day. Moments carry the venue's offset."""

    id: UUID
    product_id: str
    product_name: Text
    code: str
    name: Text | None
    date: date
    starts_at: datetime
    ends_at: datetime
    places_left: int
    capacity: int
    sale: SaleState
    sale_opens_at: datetime
    sale_closes_at: datetime
    reason: Text | None
    prices: list[PriceAnswer]


class SlotList(msgspec.Struct, frozen=True):
    """The slots of a venue on one date, by product and clock."""

    items: list[SlotAnswer]


async def cities(call: Call) -> list[CityAnswer]:
    """The cities with something on offer, most venues first."""
    return [CityAnswer(text(city.name), city.venues) for city in await call.db.read(catalogue.cities)]


async def search(call: Call) -> VenueList:
    """Venues by text, city and kind; with a date, only those with room for the party."""
    query: VenueQuery = call.query
    async with call.db.reading() as tx:
        found = await catalogue.search(tx, text=query.text, city=query.city, kind=query.kind)
        if query.date is None:
            return VenueList([_brief(card, None) for card in found])
        room = await inventory.availability.room(tx, _sensible(query.date), query.people)
    return VenueList([_brief(card, room[card.id]) for card in found if card.id in room])


async def venue(call: Call) -> VenueAnswer:
    """One venue with hours, products, prices, facts and their sources."""
    found = await call.db.read(catalogue.venues.get, call.path("venue_id"))
    return VenueAnswer(
        id=found.id,
        name=text(found.name),
        city=text(found.city),
        province=found.province,
        kind=found.kind,
        summary=text(found.summary),
        latitude=found.latitude,
        longitude=found.longitude,
        time_zone=found.time_zone,
        retired=found.retired_at is not None,
        updated_at=found.updated_at,
        openings=[msgspec.convert(opening, OpeningAnswer, from_attributes=True) for opening in found.openings],
        special_days=[
            SpecialDayAnswer(day.day, day.is_open, day.opens, day.closes, day.last_entry, maybe(day.reason))
            for day in found.special_days
        ],
        products=[_product(product) for product in found.products],
        facts=[
            FactAnswer(fact.fact, text(fact.label), fact.value, fact.status, fact.source, fact.as_of, maybe(fact.note))
            for fact in found.facts
        ],
        sources=[msgspec.convert(source, SourceAnswer, from_attributes=True) for source in found.sources.values()],
    )


async def calendar(call: Call) -> CalendarAnswer:
    """The days of a month: open, sold out, not yet on sale, closed, past."""
    query: MonthQuery = call.query
    venue_id = call.path("venue_id")
    first = date.fromisoformat(f"{query.month}-01")
    days = await call.db.read(inventory.availability.month, venue_id, first)
    return CalendarAnswer(
        venue_id,
        query.month,
        [DayAnswer(day.date, day.state, day.places_left, day.lowest, day.opens_at, maybe(day.reason)) for day in days],
    )


async def slots(call: Call) -> SlotList:
    """The slots of one date, each with what is left and what it costs."""
    query: DateQuery = call.query
    async with call.db.reading() as tx:
        found = await inventory.availability.day(tx, call.path("venue_id"), _sensible(query.date))
        if not found:
            await catalogue.venues.get(tx, call.path("venue_id"))
    return SlotList([_slot(slot) for slot in found])


def _sensible(day: date) -> date:
    """Calendars of every kind end somewhere; ours reach from 2000 to 2099."""
    if not 2000 <= day.year <= 2099:
        raise QueryMismatch(errors=[findings.finding("date", "DATE")])
    return day


def _brief(card: catalogue.VenueCard, places_left: int | None) -> VenueBrief:
    return VenueBrief(
        id=card.id,
        name=text(card.name),
        city=text(card.city),
        province=card.province,
        kind=card.kind,
        summary=text(card.summary),
        latitude=card.latitude,
        longitude=card.longitude,
        lowest=card.lowest,
        places_left=places_left,
    )


def _product(product: catalogue.Product) -> ProductAnswer:
    return ProductAnswer(
        id=product.id,
        name=text(product.name),
        real_name=product.real_name,
        documents=product.documents,
        max_per_order=product.max_per_order,
        once_per_document_day=product.once_per_document_day,
        release_days=product.release_days,
        release_time=product.release_time,
        same_day_sale=product.same_day_sale,
        cancellation=maybe(product.cancel_rule.get("text", {})),
        prices=[_price(price) for price in product.prices],
    )


def _price(price: catalogue.Price) -> PriceAnswer:
    return PriceAnswer(
        price.id, price.ticket, text(price.name), price.money, price.from_day, price.to_day, price.uses_place
    )


def _slot(slot: inventory.SlotView) -> SlotAnswer:
    return SlotAnswer(
        id=slot.id,
        product_id=slot.product_id,
        product_name=text(slot.product_name),
        code=slot.code,
        name=maybe(slot.name),
        date=slot.date,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        places_left=slot.places_left,
        capacity=slot.capacity,
        sale=slot.sale,
        sale_opens_at=slot.sale_opens_at,
        sale_closes_at=slot.sale_closes_at,
        reason=maybe(slot.reason),
        prices=[_price(price) for price in slot.prices],
    )
