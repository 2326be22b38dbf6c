"""Facts: all that a condition may ask about, each with its type, unit, source, and whether it may be missing or is personal.

A basket is read once, as it stands at one moment; `of_line` and `of_basket` make the flat facts that conditions look at. What
is not known is None, and None is never equal to, less than or different from anything: a condition over it is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

HOME = "Asia/Shanghai"
Type = Literal["text", "minor", "number", "count", "weekday", "date", "time", "flag"]
Level = Literal["line", "basket"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Facts = Mapping[str, Any]
"""Name of a field → its value, None when it is not known."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tickets of one price in one slot. `unit_minor` is the list price of one ticket; `city` is its Chinese name.

    `seq` is the line's number in the order, from 1; `starts_at` the moment the visit may begin, `time_zone` the venue's.
    """

    seq: Annotated[int, msgspec.Meta(ge=1)]
    product_id: str | None = None
    venue_id: str | None = None
    city: str | None = None
    kind: str | None = None
    ticket: str | None = None
    price_id: str | None = None
    visit_date: date | None = None
    starts_at: Moment | None = None
    time_zone: str = HOME
    quantity: Annotated[int, msgspec.Meta(ge=1)] = 1
    unit_minor: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def list_minor(self) -> int:
        return self.quantity * self.unit_minor


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code as it was typed and read (`codes.read`), the campaign it belongs to, and whether it can still be used."""

    code: str
    campaign_id: str
    usable: bool = True


class Basket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a booking at the moment it is priced. None: not known.

    `earlier`: orders that the person has confirmed before; `redemptions`: campaign → how often the person has used it, over
    the cluster of accounts, a campaign that is not named: never; `account_since`: when the eldest account was made.
    """

    lines: list[Line]
    now: Moment
    channel: str | None = None
    currency: str = "CNY"
    locale: str | None = None
    earlier: int | None = None
    redemptions: dict[str, int] | None = None
    account_since: Moment | None = None
    code: Code | None = None

    @property
    def list_minor(self) -> int:
        """The price without any campaign."""
        return sum(line.quantity * line.unit_minor for line in self.lines)


class Field(msgspec.Struct, frozen=True):
    """A fact that conditions may name. `words` is what it is called (English, translated by `words`); `source` says where it
    comes from. `personal`: of the person, so its value is not written into traces."""

    name: str
    level: Level
    type: Type
    words: str
    source: str
    unit: str = ""
    nullable: bool = True
    personal: bool = False


def _registry(*fields: Field) -> Mapping[str, Field]:
    return MappingProxyType({field.name: field for field in fields})


LINE_FIELDS = _registry(
    Field("product_id", "line", "text", "product", "inventory.slots"),
    Field("venue_id", "line", "text", "venue", "inventory.slots"),
    Field("city", "line", "text", "city", "catalogue.venues, the Chinese name"),
    Field("kind", "line", "text", "kind of venue", "catalogue.venues"),
    Field("ticket", "line", "text", "ticket", "catalogue.prices"),
    Field("price_id", "line", "text", "price", "catalogue.prices"),
    Field("unit_minor", "line", "minor", "price of one ticket", "catalogue.prices", "minor units", nullable=False),
    Field("line_tickets", "line", "number", "tickets of the line", "the basket", "tickets", nullable=False),
    Field("visit_date", "line", "date", "day of the visit", "inventory.slots"),
    Field("visit_weekday", "line", "weekday", "weekday of the visit", "inventory.slots", "1 = Monday … 7 = Sunday"),
    Field("visit_time", "line", "time", "time of the visit", "inventory.slots, in the venue's zone"),
    Field("days_ahead", "line", "number", "days until the visit", "inventory.slots and the clock", "days"),
)
"""Facts of one line: a scope chooses lines by them."""

BASKET_FIELDS = _registry(
    Field("amount_minor", "basket", "minor", "price of the whole order", "catalogue.prices", "minor units", nullable=False),
    Field("tickets", "basket", "number", "tickets of the order", "the basket", "tickets", nullable=False),
    Field("scope_minor", "basket", "minor", "price of the tickets it is for", "the lines of the scope", "minor units",
          nullable=False),
    Field("scope_tickets", "basket", "number", "tickets it is for", "the lines of the scope", "tickets", nullable=False),
    Field("venues", "basket", "number", "number of venues it is for", "the lines of the scope", "venues"),
    Field("channel", "basket", "text", "channel", "the surface that took the order"),
    Field("currency", "basket", "text", "currency", "catalogue.prices", nullable=False),
    Field("locale", "basket", "text", "language", "the surface that took the order"),
    Field("today", "basket", "date", "day of booking", "the clock", nullable=False),
    Field("weekday", "basket", "weekday", "weekday of booking", "the clock", "1 = Monday … 7 = Sunday", nullable=False),
    Field("local_time", "basket", "time", "time of booking", "the clock", nullable=False),
    Field("first_order", "basket", "flag", "first order of the person", "orders.orders", personal=True),
    Field("earlier_orders", "basket", "count", "earlier orders of the person", "orders.orders", "orders", personal=True),
    Field("redemptions", "basket", "count", "uses of the campaign by the person", "campaigns.reservations", "uses",
          personal=True),
    Field("account_age_days", "basket", "number", "age of the account", "accounts.accounts", "days", personal=True),
    Field("has_code", "basket", "flag", "a code of the campaign was typed", "campaigns.codes", nullable=False),
)  # fmt: skip
"""Facts of the whole basket. `scope_…` and `venues` are of the lines that the campaign's scope has chosen."""

FIELDS: Mapping[Level, Mapping[str, Field]] = MappingProxyType({"line": LINE_FIELDS, "basket": BASKET_FIELDS})


def local(moment: datetime, zone: str) -> datetime:
    """The moment as clocks of a zone show it. ValueError or KeyError for a zone nobody knows: see `is_zone`."""
    return moment.astimezone(ZoneInfo(zone))


def now_in(zone: str, now: datetime, clocks: dict[str, datetime]) -> datetime:
    """The moment in a zone, from those that are known or added to them."""
    found = clocks.get(zone)
    if found is None:
        found = clocks[zone] = local(now, zone)
    return found


@lru_cache(maxsize=1000)
def is_zone(zone: str) -> bool:
    """Whether it is the name of a time zone."""
    try:
        ZoneInfo(zone)
    except (ValueError, LookupError, OSError):
        return False
    return True


def of_line(line: Line, now: datetime, clocks: dict[str, datetime] | None = None) -> dict[str, Any]:
    """The facts of one line at a moment. `clocks`: what that moment is in some zones already; others are added."""
    here = now_in(line.time_zone, now, {} if clocks is None else clocks)
    starts = None if line.starts_at is None else line.starts_at.astimezone(here.tzinfo)
    day = line.visit_date
    ahead = None if day is None else day.toordinal() - here.toordinal()
    return {
        "product_id": line.product_id, "venue_id": line.venue_id, "city": line.city, "kind": line.kind, "ticket": line.ticket,
        "price_id": line.price_id, "unit_minor": line.unit_minor, "line_tickets": line.quantity, "visit_date": day,
        "visit_weekday": None if day is None else day.isoweekday(), "visit_time": None if starts is None else starts.time(),
        "days_ahead": ahead,
    }  # fmt: skip


def of_basket(basket: Basket, zone: str = HOME) -> dict[str, Any]:
    """The facts of a basket that are the same for every campaign; clock times as a zone shows them."""
    here = local(basket.now, zone)
    since = basket.account_since
    return {
        "amount_minor": basket.list_minor, "tickets": sum(line.quantity for line in basket.lines), "channel": basket.channel,
        "currency": basket.currency, "locale": basket.locale, "today": here.date(), "weekday": here.isoweekday(),
        "local_time": here.time(), "first_order": None if basket.earlier is None else basket.earlier == 0,
        "earlier_orders": basket.earlier,
        "account_age_days": None if since is None else (basket.now - since) // timedelta(days=1),
    }  # fmt: skip


def of_scope(general: Facts, chosen: Sequence[Line]) -> dict[str, Any]:
    """`general`, and what the lines that a scope has chosen come to together."""
    minor = tickets = 0
    venues = set()
    for line in chosen:
        tickets += line.quantity
        minor += line.quantity * line.unit_minor
        venues.add(line.venue_id)
    count = None if None in venues else len(venues)
    return {**general, "scope_minor": minor, "scope_tickets": tickets, "venues": count}


def for_campaign(scoped: Facts, basket: Basket, campaign_id: str) -> dict[str, Any]:
    """The facts of a basket as one campaign sees them: those of its scope, and what the person has done with it."""
    used, code = basket.redemptions, basket.code
    return {
        **scoped,
        "redemptions": None if used is None else used.get(campaign_id, 0),
        "has_code": code is not None and code.campaign_id == campaign_id and code.usable,
    }
