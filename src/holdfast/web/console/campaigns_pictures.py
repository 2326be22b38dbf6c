"""Pictures of a backtest, as the planning pages draw them."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from holdfast.campaigns.simulation_model import Result
from holdfast.web import charts
from holdfast.web.formats import HOME_ZONE
from holdfast.web.render import language, speaker

NOON = time(12, tzinfo=ZoneInfo(HOME_ZONE))


def of(request: Request, result: Result) -> dict[str, Markup]:
    """Money by day, by hour of the day, and how often a person would have got it."""
    _, locale = speaker(request), language(request)
    days = [charts.Series("", [(_noon(day.date), day.minor / 100) for day in result.days])]
    hours = [charts.Series("", [(float(hour), minor / 100) for hour, minor in enumerate(result.hourly_minor)])]
    people = [
        charts.Bar(_("once") if times == 1 else _("{count} times", count=times), float(count))
        for times, count in _folded(result.per_person)
    ]
    return {
        "days": charts.lines(days, title=_("Money by day"), locale=locale, unit="¥"),
        "hours": charts.lines(hours, title=_("Money by hour of the day, on average"), locale=locale, unit="¥", x_unit=_("o'clock")),
        "people": charts.bars(people, title=_("How often a person would have got it"), locale=locale),
    }  # fmt: skip


def _noon(day: date) -> datetime:
    return datetime.combine(day, NOON)


def _folded(found: list[tuple[int, int]], most: int = 6) -> list[tuple[int, int]]:
    """The first few one by one; the last row stands for all from there on."""
    if len(found) <= most:
        return found
    return [*found[: most - 1], (found[most - 1][0], sum(count for _times, count in found[most - 1 :]))]
