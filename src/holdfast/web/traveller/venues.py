"""A venue's page: where its figures come from, its calendar, the slots of a day and the tickets to choose."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory, partners
from holdfast.kit import clock, i18n
from holdfast.kit.db import ReadTx
from holdfast.web import formats, sessions
from holdfast.web.render import language, page, speaker

from . import alternatives, kinds, stays
from .home import PEOPLE_MAX, ShownDay, read_date, show_days

MONTHS_AHEAD = 3
LOOK_AHEAD_DAYS = 30
SALE_WORDS = {
    "sold-out": "full",
    "over": "sale is over",
    "paused": "sale is stopped for now",
    "closed": "closed",
    "unconfirmed": "not confirmed by the supplier, not sold now",
}


class ShownSlot(msgspec.Struct, frozen=True):
    """A slot to choose, or the words why it cannot be chosen."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    places_left: int
    percent_left: int
    few: bool
    can_choose: bool
    says: str
    can_wait: bool = False
    """It is full for so many people, and joining its waiting list makes sense."""


class Offer(msgspec.Struct, frozen=True):
    """A product on a day: its slots and prices."""

    name: dict[str, str]
    slots: list[ShownSlot]
    preferred: UUID | None
    prices: list[catalogue.Price]
    max_per_order: int
    real_name: bool
    product_id: str = ""
    waits: list[ShownSlot] = []
    says: str = ""
    """Why none of the slots can be chosen, when it is the same for all of them."""

    @property
    def can_book(self) -> bool:
        return self.preferred is not None and bool(self.prices)


class ShownFact(msgspec.Struct, frozen=True):
    """A figure and where it comes from."""

    name: str
    value: str
    status: str
    note: dict[str, str]
    source_what: str
    source_url: str
    as_of: str


async def venue(request: Request) -> Response:
    """``GET /venues/{id}``: one venue, one month, one day."""
    await sessions.visitor(request)
    now = clock.now()
    venue_id: str = request.path_params["id"][:64]
    async with sessions.database(request).reading() as tx:
        found = await catalogue.venues.get(tx, venue_id)
        if found.kind == "card":
            return sessions.see(f"/cards/{found.id}")
        today = now.astimezone(ZoneInfo(found.time_zone)).date()
        chosen = read_date(sessions.asked(request, "date")) or read_date(sessions.asked(request, "arrive"))
        chosen = chosen or await _first_open_day(tx, venue_id, today)
        first = month_asked(request, chosen, today)
        days = await inventory.availability.month(tx, venue_id, first, today)
        slots = await inventory.availability.day(tx, venue_id, chosen, now)
        people = sessions.asked(request, "people")
        people_asked = int(people) if people.isascii() and people.isdigit() and int(people) <= PEOPLE_MAX else 0
        lists = await alternatives.of_day(tx, slots, max(1, people_asked))
        confirmed = await partners.freshness.of_products(tx, [product.id for product in found.products], now)
        dates = stays.asked(request, chosen, today)
        rooms = await stays.rooms(tx, request, found, dates, now) if found.kind == kinds.HOTEL else []
    return page(
        request,
        "traveller/venue.html",
        venue=found,
        venue_url=f"/venues/{found.id}",
        city_value=found.city.get("zh") or found.city.get("en", ""),
        today=today,
        chosen=chosen,
        first=first,
        weeks=weeks(show_days(days), today),
        earlier=month_before(first) if first > today.replace(day=1) else "",
        later=month_after(first) if may_look_on(first, today) else "",
        people_asked=people_asked or "",
        asked_people=max(1, people_asked),
        offers=offers(request, found, slots, max(1, people_asked)),
        confirmed_by=confirmed,
        say=kinds.words(found.kind),
        is_hotel=found.kind == kinds.HOTEL,
        dates=dates,
        rooms=rooms,
        others=lists.others,
        people_count=max(1, people_asked),
        lengths=lists.lengths,
        facts=_facts(request, found),
        rules=[
            (product.name, rule)
            for product in found.products
            if (rule := say_cancel_rule(request, product.cancel_rule))
        ],
        none_chosen=bool(sessions.asked(request, "none")),
    )


async def _first_open_day(tx: ReadTx, venue_id: str, today: date) -> date:
    """The first day with places, else today."""
    outlook = await inventory.availability.outlook(tx, [venue_id], today, LOOK_AHEAD_DAYS)
    return next((day.date for day in outlook.get(venue_id, []) if day.state == "open"), today)


def month_asked(request: Request, chosen: date, today: date) -> date:
    """The first day of the month to show: as asked, else the chosen day's; none before this one or far ahead."""
    first = read_date(sessions.asked(request, "month") + "-01") or chosen.replace(day=1)
    return min(max(first, today.replace(day=1)), _months_on(today, MONTHS_AHEAD))


def _months_on(day: date, count: int) -> date:
    for _step in range(count):
        day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return day.replace(day=1)


def may_look_on(first: date, today: date) -> bool:
    """Whether a month after this one is shown."""
    return first < _months_on(today, MONTHS_AHEAD)


def month_before(first: date) -> str:
    """``2026-11`` of the month before."""
    return (first - timedelta(days=1)).strftime("%Y-%m")


def month_after(first: date) -> str:
    """``2027-01`` of the month after."""
    return _months_on(first, 1).strftime("%Y-%m")


def weeks(days: list[ShownDay], today: date) -> list[list[ShownDay]]:
    """The month in weeks from Monday to Sunday, without weeks that are wholly past."""
    first, last = days[0].date, days[-1].date
    known = {day.date: day for day in days}
    start = first - timedelta(days=first.weekday())
    weeks = []
    while start <= last:
        dates = [start + timedelta(days=n) for n in range(7)]
        if dates[-1] >= today:
            weeks.append([known.get(day) or ShownDay(day, "none", 0, 0, outside=True) for day in dates])
        start += timedelta(days=7)
    return weeks


def offers(request: Request, found: catalogue.Venue, slots: list[inventory.SlotView], people: int = 1) -> list[Offer]:
    """The slots of a day by product, with the words for those that cannot be chosen, and those that so many may wait for."""
    by_product: dict[str, list[inventory.SlotView]] = {}
    for slot in slots:
        by_product.setdefault(slot.product_id, []).append(slot)
    made = []
    for product_id, sold in by_product.items():
        product = found.product(product_id)
        shown = [_show_slot(request, slot, found.time_zone, people) for slot in sold]
        made.append(
            Offer(
                name=sold[0].product_name,
                slots=shown,
                preferred=next((slot.id for slot in shown if slot.can_choose), None),
                waits=[slot for slot in shown if slot.can_wait],
                prices=sold[0].prices,
                max_per_order=min(product.max_per_order, 50) if product else 5,
                real_name=product.real_name if product else True,
                product_id=product_id,
                says=shown[0].says if len(shown) > 1 and len({slot.says for slot in shown}) == 1 else "",
            )
        )
    return made


def _show_slot(request: Request, slot: inventory.SlotView, zone: str, people: int) -> ShownSlot:
    can_choose = slot.sale == "open" and slot.places_left > 0
    percent = 100 * slot.places_left // max(slot.capacity, 1)
    _ = speaker(request)
    if slot.sale == "not-yet":
        says = _("on sale from {time}", time=formats.moment(language(request), slot.sale_opens_at, zone))
    else:
        reason = i18n.pick(slot.reason, language(request)) if slot.reason and slot.sale in ("paused", "closed") else ""
        says = reason or _(SALE_WORDS.get(slot.sale, "closed"))
    few = slot.places_left <= 20 or percent < 5
    return ShownSlot(
        slot.id, slot.starts_at, slot.ends_at, slot.places_left, percent, few, can_choose, "" if can_choose else says,
        alternatives.may_wait(slot, people),
    )  # fmt: skip


def _facts(request: Request, found: catalogue.Venue) -> list[ShownFact]:
    """Published figures, then prices and hours, each with its provenance."""
    locale = language(request)
    _ = speaker(request)
    made = [
        _fact(
            found,
            i18n.pick(fact.label, locale),
            _value(request, fact.value),
            fact.status,
            fact.source,
            fact.as_of,
            fact.note,
        )
        for fact in found.facts
    ]
    for product in found.products:
        for price in product.prices:
            origin = price.provenance
            ticket, season = i18n.pick(price.name, locale), formats.season(locale, price.from_day, price.to_day)
            if len(found.products) > 1:
                ticket = f"{i18n.pick(product.name, locale)} · {ticket}"
            name = _(
                "Price: {ticket}", ticket=_("{ticket}, {season}", ticket=ticket, season=season) if season else ticket
            )
            value = formats.money(locale, price.amount_minor, price.currency)
            if origin.status:
                made.append(_fact(found, name, value, origin.status, origin.source, origin.as_of, origin.note))
    for opening in found.openings:
        origin = opening.provenance
        season = formats.season(locale, opening.from_day, opening.to_day)
        name = _("Opening hours, {season}", season=season) if season else _("Opening hours")
        value = f"{opening.opens:%H:%M}–{opening.closes:%H:%M}"
        if origin.status:
            made.append(_fact(found, name, value, origin.status, origin.source, origin.as_of, origin.note))
    return made


def _fact(
    found: catalogue.Venue, name: str, value: str, status: str, source_id: str, as_of: str, note: dict[str, str]
) -> ShownFact:
    source = found.sources.get(source_id)
    url = source.url if source and urlsplit(source.url).scheme in ("http", "https") else ""
    return ShownFact(
        name, value, status, note, source.what if source else "", url, as_of or (source.as_of if source else "")
    )


def _value(request: Request, value: Any) -> str:
    _ = speaker(request)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formats.number(language(request), value)
    return i18n.pick(value, language(request)) if isinstance(value, dict) else str(value)


def say_cancel_rule(request: Request, rule: dict[str, Any]) -> str:
    """A product's rule for cancelling, in words; empty when none is known."""
    texts = rule.get("text")
    if isinstance(texts, dict):
        return i18n.pick({str(key): str(value) for key, value in texts.items()}, language(request))
    return ""


routes = [Route("/venues/{id}", venue)]
