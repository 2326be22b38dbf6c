"""Planning: how full each venue is, how bookings come in, who does not come, what the next days bring, what to change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.i18n import pick
from holdfast.orders import planning, planning_model
from holdfast.orders.planning import Outlook
from holdfast.web import charts, formats, sessions
from holdfast.web.render import language, speaker
from holdfast.web.traveller.home import read_date

from . import access
from .pages import HEADERS, page

BASE = "/console/planning"
READERS = (Role.OPERATIONS, Role.MARKETING)
DAYS_MAX = 180
NAME_MAX = 34
CHANNELS = {
    "web": "website", "api": "programs", "card": "cards", "desk": "desk", "paper": "paper slips", "phone": "phone",
    "waitlist": "waiting list", "octo": "resellers", "change": "changes",
}  # fmt: skip
"""Channel of an order → what the charts call it."""
SHEETS = ("slots", "pickup", "forecast")


async def show(request: Request) -> Response:
    """``GET /console/planning``: every venue, the fullest to come first."""
    await access.require(request, *READERS)
    _ = speaker(request)
    async with sessions.database(request).reading() as tx:
        venues = await planning.venues(tx, _today(formats.HOME_ZONE))
    rows = [
        charts.Bar(
            _brief(pick(one.name, language(request))), _percent(one.next_sold, one.next_capacity) or 0.0,
            _("{count} waiting", count=one.waiting) if one.waiting else "", _tone(one.next_sold, one.next_capacity),
        )
        for one in venues[:12] if one.next_capacity
    ]  # fmt: skip
    picture = charts.bars(
        rows, title=_("Sold of the next {count} days", count=planning.LOOK_AHEAD_DAYS), locale=language(request), unit="%",
        most=100,
    )  # fmt: skip
    return page(request, "planning.html", venues=venues, picture=picture, base=BASE, percent=_percent,
                ahead=planning.LOOK_AHEAD_DAYS, back=planning.LOOK_BACK_DAYS)  # fmt: skip


async def venue(request: Request) -> Response:
    """``GET /console/planning/venues/{venue_id}?from=…&to=…``: one venue in charts, with what follows from them."""
    await access.require(request, *READERS)
    found, shown = await _load(request)
    return page(
        request, "planning_venue.html", venue=found, shown=shown, base=f"{BASE}/venues/{found.id}", pictures=_pictures(request, shown),
        suggestions=[_suggest(request, one) for one in shown.suggestions], percent=_percent, sheets=SHEETS,
        sold=sum(shown.sold.values()), capacity=sum(shown.capacities.values()),
        asked=f"from={shown.first}&to={shown.last}", rates=_rates(shown),
    )  # fmt: skip


async def sheet(request: Request) -> Response:
    """``GET /console/planning/venues/{venue_id}/{sheet}.csv``: the figures of a chart, for a spreadsheet."""
    await access.require(request, *READERS)
    name = request.path_params["sheet"]
    if name not in SHEETS:
        raise HTTPException(404)
    found, shown = await _load(request)
    head, rows = {"slots": _slot_rows, "pickup": _pickup_rows, "forecast": _forecast_rows}[name](shown)
    file = f"{found.id}-{name}-{shown.first}-{shown.last}.csv"
    return Response(
        _csv([head, *rows]), media_type="text/csv; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{file}"', "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


async def _load(request: Request) -> tuple[catalogue.Venue, Outlook]:
    """The venue in the path and its figures between the dates asked for: the last four weeks and the next two, if none are."""
    async with sessions.database(request).reading() as tx:
        found = await catalogue.venues.get(tx, request.path_params["venue_id"][:64])
        today = _today(found.time_zone)
        first = read_date(sessions.asked(request, "from")) or today - timedelta(days=planning.LOOK_BACK_DAYS)
        last = read_date(sessions.asked(request, "to")) or today + timedelta(days=planning.LOOK_AHEAD_DAYS - 1)
        first, last = min(first, last), max(first, last)
        last = min(last, first + timedelta(days=DAYS_MAX - 1))
        return found, await planning.outlook(tx, found.id, today, first, last)


def _today(zone: str) -> date:
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _percent(part: float, whole: float) -> float | None:
    """Percent with a digit after the point; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def _brief(name: str) -> str:
    """A name as long as there is place for above a bar on a phone."""
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1].rstrip()}…"


def _tone(sold: int, capacity: int) -> str:
    load = sold / capacity if capacity else 0
    return "bad" if load >= 0.97 else "warn" if load >= 0.85 else ""


def _noon(day: date) -> datetime:
    """A moment of the day for an axis of days."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(formats.HOME_ZONE))


def _pictures(request: Request, shown: Outlook) -> dict[str, Markup]:
    """Every chart of a venue by name."""
    return {
        "days": _days(request, shown),
        "slots": _slots(request, shown),
        "channels": _channels(request, shown),
        "pickup": _pickup(request, shown),
        "forecast": _forecast(request, shown),
        "errors": _errors(request, shown),
    }


def _days(request: Request, shown: Outlook) -> Markup:
    _ = speaker(request)
    days = [shown.first + timedelta(days=n) for n in range((shown.last - shown.first).days + 1)]
    sold, places = shown.sold, shown.capacities
    series = [
        charts.Series(_("sold"), [(_noon(day), float(sold[day]) if day in sold else None) for day in days]),
        charts.Series(_("places"), [(_noon(day), float(places[day]) if places.get(day) else None) for day in days]),
    ]
    marks = [charts.Mark(_noon(shown.today), _("today"))] if shown.first <= shown.today <= shown.last else []
    return charts.lines(series, title=_("Sold and places by day"), locale=language(request), marks=marks)


def _slots(request: Request, shown: Outlook) -> Markup:
    """Load by time of entry, over all days that are over."""
    _ = speaker(request)
    sums: dict[tuple[str, str], list[int]] = {}
    names: dict[tuple[str, str], str] = {}
    several = len({slot.product_id for slot in shown.slots}) > 1
    for slot in shown.slots:
        if slot.date >= shown.today or not slot.capacity:
            continue
        part = sums.setdefault((slot.product_id, slot.starts), [0, 0, 0, 0])
        part[0] += slot.sold
        part[1] += slot.capacity
        part[2] += (slot.load or 0) >= planning_model.FULL
        part[3] += 1
        name = pick(slot.product_name, language(request))
        names[slot.product_id, slot.starts] = f"{slot.starts} · {name}" if several else slot.starts
    rows = [
        charts.Bar(names[key], _percent(part[0], part[1]) or 0.0,
                   _("full on {count} of {days} days", count=part[2], days=part[3]) if part[2] else "", _tone(part[0], part[1]))
        for key, part in sorted(sums.items(), key=lambda one: (one[0][0], one[0][1]))
    ]  # fmt: skip
    return charts.bars(rows, title=_("Sold by time of entry"), locale=language(request), unit="%", most=100)


def _channels(request: Request, shown: Outlook) -> Markup:
    _ = speaker(request)
    rows = [
        charts.Bar(_(CHANNELS[one.channel]) if one.channel in CHANNELS else one.channel, float(one.booked),
                   _("{percent}% given back", percent=_percent(one.given_back, one.booked)) if one.given_back else "")
        for one in shown.channels if one.booked
    ]  # fmt: skip
    return charts.bars(rows, title=_("Places booked by channel"), locale=language(request))


def _pickup(request: Request, shown: Outlook) -> Markup:
    """How much of a day's places is booked so many days before it: working days and weekends apart."""
    _ = speaker(request)
    over = [day for day in shown.curves if day < shown.today]
    series = []
    for name, weekend in ((_("Monday to Friday"), False), (_("weekends"), True)):
        shares = planning_model.typical(shown.curves, [day for day in over if (day.weekday() >= 5) is weekend])
        points = [(float(-lead), share) for lead, share in enumerate(shares)]
        series.append(charts.Series(name, points[::-1]))
    return charts.lines(
        series,
        title=_("Booked by days before the visit"),
        locale=language(request),
        unit="%",
        x_unit=_("days"),
        limit=100,
    )


def _forecast(request: Request, shown: Outlook) -> Markup:
    _ = speaker(request)
    made = shown.forecasts
    series = [
        charts.Series(_("expected"), [(_noon(one.date), float(one.expected)) for one in made]),
        charts.Series(_("booked so far"), [(_noon(one.date), float(one.booked)) for one in made]),
        charts.Series(_("places"), [(_noon(one.date), float(one.capacity)) for one in made]),
    ]
    return charts.lines(series if made else [], title=_("The coming days"), locale=language(request))


def _errors(request: Request, shown: Outlook) -> Markup:
    _ = speaker(request)
    rows = [
        charts.Bar(_("a day ahead") if one.lead == 1 else _("{count} days ahead", count=one.lead), one.percent,
                   _("{percent}% by weekday alone", percent=one.naive), "ok" if one.naive and one.percent <= one.naive else "warn")
        for one in shown.errors if one.percent is not None
    ]  # fmt: skip
    return charts.bars(rows, title=_("How wrong it was"), locale=language(request), unit="%")


def _rates(shown: Outlook) -> dict[str, float | None]:
    """Parts of what was booked that were given back, not paid, or did not come."""
    missing = shown.gate.missing
    return {
        "given_back": _percent(shown.cancelled, shown.booked),
        "expired": _percent(shown.expired, shown.booked + shown.expired),
        "missing": None if missing is None else round(100 * missing, 1),
    }


def _suggest(request: Request, one: planning_model.Suggestion) -> tuple[str, str, str]:
    """Tone, what is suggested, and the evidence, in words."""
    _ = speaker(request)
    load = round(100 * one.load)
    if one.kind == "missing":
        return (
            "warn",
            _("Many who booked did not come: remind them the day before, and make cancelling easy."),
            _("{percent}% of those who were expected were not seen at the gates.", percent=load),
        )
    when = _("at weekends") if one.weekend else _("Monday to Friday")
    evidence = {
        "full": _("{time}, {when}: full on {hits} of {days} days, {percent}% sold.", time=one.starts, when=when, hits=one.hits, days=one.days, percent=load),
        "shift": _("{time}, {when}: full on {hits} of {days} days; {other} is mostly empty.", time=one.starts, when=when, hits=one.hits, days=one.days, other=one.other),
        "empty": _("{time}, {when}: less than a third sold on {hits} of {days} days, {percent}% in all.", time=one.starts, when=when, hits=one.hits, days=one.days, percent=load),
    }[one.kind]  # fmt: skip
    if one.waited:
        evidence += _(" People waited in vain for {count} places.", count=one.waited)
    said = {
        "full": ("bad", _("Full again and again: raise its share if the limits allow, or open a time beside it.")),
        "shift": ("bad", _("Shift places from the empty time to the full one.")),
        "empty": ("", _("Regularly empty: lower its share, or draw people there with a price.")),
    }[one.kind]
    return said[0], said[1], evidence


def _slot_rows(shown: Outlook) -> tuple[list[str], list[list[object]]]:
    head = [
        "date",
        "weekday",
        "product",
        "slot",
        "starts",
        "state",
        "capacity",
        "sold",
        "load_percent",
        "set_aside",
        "waited",
    ]
    rows = [
        [one.date, one.date.isoweekday(), one.product_id, one.code, one.starts, one.state, one.capacity, one.sold,
         _percent(one.sold, one.capacity), one.set_aside, one.waited]
        for one in shown.slots
    ]  # fmt: skip
    return head, [list(row) for row in rows]


def _pickup_rows(shown: Outlook) -> tuple[list[str], list[list[object]]]:
    head = ["date", *(f"{lead}_days_before" for lead in range(planning_model.LEADS))]
    days = sorted(day for day in shown.curves if shown.first <= day <= shown.last)
    return head, [
        [
            day,
            *(None if (day - shown.today).days > lead else standing for lead, standing in enumerate(shown.curves[day])),
        ]
        for day in days
    ]


def _forecast_rows(shown: Outlook) -> tuple[list[str], list[list[object]]]:
    head = ["date", "days_ahead", "booked", "expected", "usual_on_this_weekday", "pace", "capacity"]
    return head, [
        [one.date, one.lead, one.booked, one.expected, one.usual, one.pace and round(one.pace, 3), one.capacity]
        for one in shown.forecasts
    ]


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    """For spreadsheets: UTF-8 with its mark, and no cell that one of them would take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" else cell for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


routes = [
    Route(BASE, show, methods=["GET"]),
    Route(f"{BASE}/venues/{{venue_id}}", venue, methods=["GET"]),
    Route(f"{BASE}/venues/{{venue_id}}/{{sheet}}.csv", sheet, methods=["GET"]),
]
