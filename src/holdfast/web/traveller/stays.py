"""Nights in a hotel: arrival and departure are chosen, every night between is a line of one order, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from starlette.requests import Request

from holdfast import catalogue, inventory, partners
from holdfast.kit import i18n
from holdfast.kit.db import ReadTx
from holdfast.orders.placing import LINES_MAX
from holdfast.web import formats, sessions
from holdfast.web.render import language, speaker

from .home import read_date

NIGHTS_MAX = LINES_MAX
ROOMS_MAX = 20
SALE_WORDS = {
    "sold-out": "full",
    "over": "can no longer be booked for this day",
    "paused": "sale is stopped for now",
    "closed": "closed",
    "unconfirmed": "not confirmed by the supplier, not sold now",
    "not-yet": "not yet on sale",
}
"""Sale state of a night → why it cannot be booked."""


class Dates(msgspec.Struct, frozen=True):
    """From when to when, and how many rooms. `wrong`: an English sentence about what was asked; empty when it is fine."""

    arrive: date
    depart: date
    rooms: int
    wrong: str = ""

    @property
    def nights(self) -> list[date]:
        return [self.arrive + timedelta(days=n) for n in range(min((self.depart - self.arrive).days, NIGHTS_MAX))]


class Night(msgspec.Struct, frozen=True):
    """One night of a room type. `says`: why it cannot be booked; empty when it can."""

    date: date
    slot_id: UUID
    starts_at: datetime
    ends_at: datetime
    left: int
    price: catalogue.Price | None
    says: str


class Room(msgspec.Struct, frozen=True):
    """A room type over the nights asked about. `says`: why it cannot be booked for all of them."""

    name: dict[str, str]
    nights: list[Night]
    left: int
    total_minor: int
    currency: str
    most: int
    says: str
    confirmed: partners.freshness.Confirmed | None

    @property
    def can_book(self) -> bool:
        return not self.says


def asked(request: Request, first_open: date, today: date) -> Dates:
    """What the address asks for; a night from the first day with rooms where it asks nothing."""
    arrive = read_date(sessions.asked(request, "arrive")) or read_date(sessions.asked(request, "date")) or first_open
    depart = read_date(sessions.asked(request, "depart")) or arrive + timedelta(days=1)
    text = sessions.asked(request, "rooms", 4)
    rooms = min(max(int(text), 1), ROOMS_MAX) if text.isascii() and text.isdigit() else 1
    wrong = ""
    if arrive < today:
        wrong = "The day of arrival is over. Choose another one."
    elif depart <= arrive:
        wrong = "The day of departure lies after the day of arrival."
    elif (depart - arrive).days > NIGHTS_MAX:
        wrong = "One order has at most 10 nights. Book the others with a second order."
    return Dates(arrive, depart if depart > arrive else arrive + timedelta(days=1), rooms, wrong)


async def rooms(tx: ReadTx, request: Request, venue: catalogue.Venue, dates: Dates, now: datetime) -> list[Room]:
    """Every room type of a hotel over these nights."""
    by_night = {day: await inventory.availability.day(tx, venue.id, day, now) for day in dates.nights}
    confirmed = await partners.freshness.of_products(tx, [product.id for product in venue.products], now)
    return [
        _room(request, venue, product, nights, dates, confirmed.get(product.id))
        for product in venue.products
        if (nights := _nights(request, product.id, by_night, dates.rooms)) or not by_night
    ]


def _nights(
    request: Request, product_id: str, by_night: Mapping[date, Sequence[inventory.SlotView]], count: int
) -> list[Night]:
    found = []
    for day, slots in by_night.items():
        slot = next((one for one in slots if one.product_id == product_id), None)
        if slot is not None:
            price = slot.prices[0] if slot.prices else None
            found.append(
                Night(day, slot.id, slot.starts_at, slot.ends_at, slot.places_left, price, _says(request, slot, count))
            )
    return found


def _says(request: Request, slot: inventory.SlotView, count: int) -> str:
    _ = speaker(request)
    if slot.sale == "open":
        if slot.places_left >= count:
            return ""
        return _("{count} rooms left", count=slot.places_left) if slot.places_left else _("full")
    reason = i18n.pick(slot.reason, language(request)) if slot.reason and slot.sale in ("paused", "closed") else ""
    return reason or _(SALE_WORDS.get(slot.sale, "closed"))


def _room(
    request: Request, venue: catalogue.Venue, product: catalogue.Product, nights: list[Night], dates: Dates,
    confirmed: partners.freshness.Confirmed | None,
) -> Room:  # fmt: skip
    _ = speaker(request)
    says = ""
    if len(nights) < len(dates.nights) or any(night.price is None for night in nights):
        says = _("not offered on all of these nights")
    for night in nights:
        if night.says and not says:
            says = _("{day}: {reason}", day=formats.day(language(request), night.date), reason=night.says)
    prices = [night.price for night in nights if night.price]
    return Room(
        product.name, nights, min((night.left for night in nights), default=0), sum(price.amount_minor for price in prices),
        prices[0].currency if prices else "CNY", min(product.max_per_order, ROOMS_MAX), says, confirmed,
    )  # fmt: skip


def of_night(
    slots: Sequence[inventory.SlotView], product_id: str, ticket: str
) -> tuple[inventory.SlotView, catalogue.Price] | None:
    """The slot of a product that night and its price of the same kind of ticket; None when there is none."""
    slot = next((one for one in slots if one.product_id == product_id), None)
    price = next((one for one in slot.prices if one.ticket == ticket), None) if slot else None
    return (slot, price) if slot and price else None


def read_depart(typed: Mapping[str, str], arrive: date) -> date | None:
    """The day of departure of a stay; None where a single slot was chosen."""
    depart = read_date(typed.get("depart", ""))
    return depart if depart and arrive < depart <= arrive + timedelta(days=NIGHTS_MAX) else None
