"""The start page: attractions with the places of the next seven days. And the plain answer to "is it working?"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory, notices
from holdfast.kit import clock
from holdfast.kit.problems import Unavailable
from holdfast.web import sessions, words
from holdfast.web.formats import HOME_ZONE
from holdfast.web.render import page, query, speaker

DAYS = 7
DAYS_TO_CHOOSE = 30
PEOPLE_MAX = 10


class Asked(msgspec.Struct, frozen=True):
    """The search as the visitor put it; a date or number that makes no sense is as if it were not there."""

    text: str = ""
    city: str = ""
    date: date | None = None
    people: int = 1
    kind: str = ""
    """Empty: sights."""

    @property
    def is_narrow(self) -> bool:
        return bool(self.text or self.city or self.date)


class ShownDay(msgspec.Struct, frozen=True):
    """A day in a strip or calendar. `look` names its appearance, `level` (0 to 4) how much is left of the best day."""

    date: date
    look: str
    level: int
    places_left: int
    outside: bool = False


class Shown(msgspec.Struct, frozen=True):
    """A venue in the list."""

    venue: catalogue.VenueCard
    days: list[ShownDay]
    from_minor: int | None
    currency: str
    says: str


LOOKS = {
    "open": "open",
    "closed": "shut",
    "sold-out": "full",
    "not-yet": "later",
    "past": "over",
    "unconfirmed": "paused",
}
FEW_PART = 20
"""A day is shown as "only a few" below one part in twenty of the best day shown with it."""
FEW_PLACES = 100
"""From so many places on, a list does not say how many are left."""


async def home(request: Request) -> Response:
    """``GET /``: search and list."""
    await sessions.visitor(request)
    today = clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    wanted = read_search(request, today)
    if wanted.kind == "card":
        return sessions.see("/cards")
    async with sessions.database(request).reading() as tx:
        cities = await catalogue.cities(tx)
        cards = await catalogue.search(tx, text=wanted.text, city=wanted.city, kind=wanted.kind)
        outlook = await inventory.availability.outlook(tx, [card.id for card in cards], today, DAYS)
        room = await inventory.availability.room(tx, wanted.date, wanted.people) if wanted.date else {}
        urgent = await notices.positions.urgent(tx)
    if wanted.date:
        cards = [card for card in cards if room.get(card.id)]
    _ = speaker(request)
    return page(
        request,
        "traveller/home.html",
        urgent=urgent,
        asked=wanted,
        tabs=[(kind, name, _tab(wanted, kind)) for kind, name in words.TABS.items()],
        cities=[(city.name.get("zh") or city.name.get("en", ""), city.name) for city in cities],
        next_days=[today + timedelta(days=n) for n in range(DAYS_TO_CHOOSE)],
        venues=[
            Shown(
                card,
                show_days(outlook.get(card.id, []), wanted.people),
                card.lowest.amount_minor if card.lowest else None,
                card.lowest.currency if card.lowest else "CNY",
                _("At most {count} left per slot", count=room[card.id])
                if room.get(card.id, FEW_PLACES) < FEW_PLACES
                else "",
            )
            for card in cards
        ],
    )


def _tab(wanted: Asked, kind: str) -> str:
    """The same search among sights, hotels or restaurants."""
    people = str(wanted.people) if wanted.people > 1 else ""
    return "/" + query(text=wanted.text, city=wanted.city, date=str(wanted.date or ""), people=people, kind=kind)


def read_search(request: Request, today: date) -> Asked:
    """The search in the address."""
    day = read_date(sessions.asked(request, "date"))
    kind = sessions.asked(request, "kind", 20)
    people = sessions.asked(request, "people")
    return Asked(
        text=sessions.asked(request, "text", 80),
        city=sessions.asked(request, "city", 80),
        date=day if day and today <= day < today + timedelta(days=366) else None,
        people=min(max(int(people), 1), PEOPLE_MAX) if people.isascii() and people.isdigit() else 1,
        kind=kind if kind in words.TABS else "",
    )


def read_date(text: str) -> date | None:
    """``2026-11-28`` as a date between 2000 and 2100; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def show_days(days: Iterable[inventory.Day], people: int = 1) -> list[ShownDay]:
    """Days with their looks; the fullest bar is the best of these days."""
    known = list(days)
    best = max((day.places_left for day in known if day.state == "open"), default=0)
    shown = []
    for day in known:
        look, level = LOOKS.get(day.state, "none"), 0
        if look == "open" and day.places_left < people:
            look = "full"
        elif look == "open":
            level = max(1, -(-4 * day.places_left // max(best, 1)))
            look = "few" if day.places_left * FEW_PART < best else "open"
        shown.append(ShownDay(day.date, look, level, day.places_left))
    return shown


async def status(request: Request) -> Response:
    """``GET /status``: whether pages and records answer. The status page proper is its own process."""
    try:
        await sessions.visitor(request)
        async with sessions.database(request).reading() as tx:
            await catalogue.cities(tx)
    except Unavailable:
        return page(request, "traveller/status.html", status=503, is_well=False)
    return page(request, "traveller/status.html", is_well=True)


routes = [Route("/", home), Route("/status", status)]
