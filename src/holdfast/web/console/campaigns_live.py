"""What runs, looked at: money against the forecast, how near a stop is, what stands against the next stage, and the button."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.campaigns import incidents, running, stages
from holdfast.campaigns.running import Board, Watched
from holdfast.kit.problems import Conflict
from holdfast.web import charts, formats, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_live_words, campaigns_words, live
from .campaigns import HERE, MAKERS, READERS
from .pages import add_problem, page

NEAR, VERY_NEAR = 0.5, 0.8
"""Of the way to a stop: looked at with care, looked at at once."""


async def show(request: Request) -> Response:
    """``GET /console/campaigns/{campaign}/live``: how it does; looks again by itself."""
    return await _page(request, Form({}))


async def _page(request: Request, form: Form) -> Response:
    seen = await access.require(request, *READERS)
    campaign_id: str = request.path_params["campaign"]
    now = live.of(request)
    async with sessions.database(request).reading() as tx:
        board = await running.board(tx, campaign_id)
        judged = await stages.latest(tx, board.row.version_id)
        history = await stages.history(tx, board.row.version_id)
        stopped = await incidents.last_of(tx, board.row.version_id)
    here = f"{HERE}/{campaign_id}/live"
    answer = page(
        request, "campaigns_live.html", status=409 if form.wrong else 200, here=here, one=board.row, board=board, judged=judged,
        history=history, stopped=stopped, form=form, live=now._replace(path=here), w=campaigns_words, lw=campaigns_live_words,
        chart=_course(request, board), watches=[_meter(request, one, is_watch=True) for one in board.watches],
        bounds=[_meter(request, one, is_watch=False) for one in board.bounds], may_make=seen.staff.may(*MAKERS),
    )  # fmt: skip
    return answer if form.wrong else live.again(answer, now._replace(path=here))


def _course(request: Request, board: Board) -> Markup:
    """Spending with the forecast and the line at which the pace stops it."""
    _ = speaker(request)
    series = [charts.Series(_("Spent"), [(one.at, one.spent_minor / 100) for one in board.points])]
    if board.row.pace_minor is not None:
        series.append(charts.Series(_("Forecast"), [(one.at, (one.forecast_minor or 0) / 100) for one in board.points]))
    if board.points[0].stop_minor is not None:
        series.append(
            charts.Series(_("It stops here"), [(one.at, (one.stop_minor or 0) / 100) for one in board.points])
        )
    return charts.lines(series, title=_("Money given, against the forecast"), locale=language(request), unit="¥")


def _meter(request: Request, one: Watched, *, is_watch: bool) -> tuple[str, Markup, str]:
    """A watch or a bound: its words, its picture, its figure."""
    _, locale = speaker(request), language(request)
    is_money = one.name in ("stage", "day", "budget")
    title = _((campaigns_live_words.WATCHES if is_watch else campaigns_live_words.BOUNDS)[one.name])
    tone = "bad" if one.part >= VERY_NEAR else "warn" if one.part >= NEAR else "ok"
    times = 100 if is_money else 1
    if is_watch:
        figure = _("{percent}% of the way to a stop", percent=round(100 * one.part))
        return title, charts.meter(100 * one.part, 100, title=title, locale=locale, unit="%", tone=tone), figure
    unit = "¥" if is_money else ""
    picture = charts.meter(one.value / times, one.most / times, title=title, locale=locale, unit=unit, tone=tone)
    used, most = (_figure(locale, int(value), is_money=is_money) for value in (one.value, one.most))
    return title, picture, _("{used} of {most}", used=used, most=most)


def _figure(locale: str, value: int, *, is_money: bool) -> str:
    """Nothing is ¥0 here, and not free."""
    if not is_money:
        return formats.number(locale, value)
    return formats.money(locale, value) if value else "¥0"


async def step(request: Request) -> Response:
    """``POST /console/campaigns/{campaign}/stages``: goes on to the next stage, on the same conditions as the timetable."""
    seen = await access.require(request, *MAKERS)
    form = Form(await sessions.typed(request), labels={"stage": speaker(request)("Stage")})
    campaign_id: str = request.path_params["campaign"]
    try:
        await sessions.database(request).run(stages.step, seen.actor, campaign_id)
    except Conflict as problem:
        add_problem(form, problem, "stage")
        return await _page(request, form)
    return sessions.see(f"{HERE}/{campaign_id}/live")


routes = [
    Route(f"{HERE}/{{campaign}}/live", show, methods=["GET"]),
    Route(f"{HERE}/{{campaign}}/stages", step, methods=["POST"]),
]
