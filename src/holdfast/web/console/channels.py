"""Channels: how each way to pay does, what happened to it, and the switches and rollouts that people set."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.accounts import Role
from holdfast.kit.problems import Problem
from holdfast.payments import dictionary, rollouts, switches, watching
from holdfast.payments.channels import METHODS, VERSIONS
from holdfast.payments.model import ChannelUnknown
from holdfast.payments.watching import Board, ChannelEvent, Hour, Lane
from holdfast.web import charts, formats, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, columns, live, wording
from .pages import add_problem, page, read_reason

BASE = "/console/channels"
READERS = (Role.ENGINEER, Role.OPERATIONS, Role.FINANCE)
ACTORS = (Role.ENGINEER, Role.OPERATIONS)
HOURS = (1, 2, 4, 8, 24, 72, 168)
"""For so long a channel may be switched off; `switches.LONGEST` is the last of them."""
BANDS = {"down": "bad", "degraded": "warn", "returning": "warn"}


async def show(request: Request) -> Response:
    """``GET /console/channels``: every channel at a glance; looks again by itself."""
    seen = await access.require(request, *READERS)
    now = live.of(request)
    async with sessions.database(request).reading() as tx:
        board = await watching.board(tx)
        events = await watching.events(tx)
    answer = page(
        request, "channels.html", board=board, events=events, live=now, wording=wording, base=BASE,
        pictures={_name(lane): _picture(request, lane) for lane in board.lanes},
        sparks={_name(lane): _spark(request, lane) for lane in board.lanes}, may_act=seen.staff.may(*ACTORS),
    )  # fmt: skip
    return live.again(answer, now)


async def provider(request: Request) -> Response:
    """``GET /console/channels/{provider}``: one provider with its hour, errors, charges and changes, and what can be set."""
    seen = await access.require(request, *READERS)
    return await _one(request, seen, _form(request, {"hours": "2"}))


async def _one(request: Request, seen: access.Seen, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    name = _provider(request)
    async with sessions.database(request).reading() as tx:
        board = await watching.board(tx)
        events = [one for one in await watching.events(tx) if one.provider == name]
        errors = await watching.errors(tx, name)
        rollout = next((one for one in board.rollouts if one.provider == name), None)
        shadowed = await watching.differing(tx, rollout, rollouts.SHADOWS) if rollout else (0, 0)
    lanes = [one for one in board.lanes if one.provider == name]
    return page(
        request, "channel.html", status=422 if form.wrong else 200, here=f"{BASE}/{name}", name=name, lanes=lanes, events=events,
        errors=errors, rollout=rollout, shadowed=shadowed, form=form, wrong=wrong, wording=wording, base=f"{BASE}/{name}",
        off=[one for one in board.switches if one.provider == name], chart=_chart(request, board, name, lanes, events),
        slowness=_slowness(request, lanes), funnels=_funnels(request, lanes), meaning=dictionary.meaning,
        versions=VERSIONS[name], may_act=seen.staff.may(*ACTORS), **_options(request, name),
    )  # fmt: skip


def _options(request: Request, name: str) -> dict[str, list[tuple[str, str]]]:
    """What the forms let people choose."""
    _ = speaker(request)
    return {
        "ways": [(method, _(wording.METHODS[method])) for method in METHODS[name]],
        "durations": [
            (str(one), _("{count} h", count=one) if one < 48 else _("{count} days", count=one // 24)) for one in HOURS
        ],
        "version_options": [(version, version) for version in reversed(VERSIONS[name])],
        "mode_options": [(mode, _(text)) for mode, text in wording.MODES.items()],
    }


def _name(lane: Lane) -> tuple[str, str, str]:
    return lane.provider, lane.method, lane.version


def _picture(request: Request, lane: Lane) -> Markup | str:
    """Calls by the minute, with what failed upon them; nothing for a channel that was not called."""
    _, hour = speaker(request), lane.hour
    if not any(hour.calls):
        return ""
    told = _("{calls} calls, {failed} failed", calls=sum(hour.calls), failed=sum(hour.failed))
    return columns.stacked(hour.calls, hour.failed, title=_("Calls a minute in the last hour"), told=told)


def _spark(request: Request, lane: Lane) -> Markup | str:
    """How long calls took, minute by minute."""
    if lane.hour.worst_ms is None:
        return ""
    title = speaker(request)("95 of 100 calls took at most, in ms")
    return charts.spark(
        [None if one is None else float(one) for one in lane.hour.p95_ms], title=title, locale=language(request)
    )


def _chart(request: Request, board: Board, name: str, lanes: list[Lane], events: list[ChannelEvent]) -> Markup:
    """All calls of a provider in the last hour, and when it was not well."""
    _ = speaker(request)
    hours = [lane.hour for lane in lanes]
    if not hours:
        return charts.lines([], title=_("Calls a minute in the last hour"), locale=language(request))
    since = hours[0].since
    series = [
        charts.Series(_("calls a minute"), _summed(since, [hour.calls for hour in hours])),
        charts.Series(_("of these failed"), _summed(since, [hour.failed for hour in hours])),
    ]
    return charts.lines(
        series, title=_("Calls a minute in the last hour"), locale=language(request), bands=_bands(request, since, board.at, events)
    )  # fmt: skip


def _summed(since: datetime, lists: list[list[int]]) -> list[tuple[charts.X, float | None]]:
    return [(since + timedelta(minutes=at), float(sum(counts))) for at, counts in enumerate(zip(*lists, strict=True))]


def _bands(request: Request, since: datetime, until: datetime, events: list[ChannelEvent]) -> list[charts.Band]:
    """When placing charges did not go well, by any way to pay: each state from its change to the next of that channel."""
    _ = speaker(request)
    spans: list[tuple[datetime, datetime, str]] = []
    ends: dict[tuple[str, str], datetime] = {}
    for event in events:  # newest first
        if event.operation != "create":
            continue
        key = (event.method, event.adapter_version)
        end = ends.get(key, until)
        ends[key] = event.at
        if event.after_state in BANDS and end > since:
            spans.append((max(event.at, since), end, event.after_state))
    names = {state: _(wording.CHANNELS[state][1]) for state in BANDS} | {"returning": ""}
    return [charts.Band(begin, end, names[state], BANDS[state]) for begin, end, state in joined(spans)]


def joined(spans: list[tuple[datetime, datetime, str]]) -> list[tuple[datetime, datetime, str]]:
    """Spans of one state that touch become one."""
    found: list[tuple[datetime, datetime, str]] = []
    for begin, end, state in sorted(spans, key=lambda span: (span[2], span[0])):
        if found and found[-1][2] == state and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]), state)
        else:
            found.append((begin, end, state))
    return found


def _slowness(request: Request, lanes: list[Lane]) -> Markup:
    """How long calls took, one curve for each way to pay."""
    _ = speaker(request)
    series = [
        charts.Series(f"{_(wording.METHODS.get(lane.method, lane.method))} {lane.version}", _points(lane.hour))
        for lane in lanes if lane.hour.worst_ms is not None
    ]  # fmt: skip
    return charts.lines(series, title=_("95 of 100 calls took at most"), unit="ms", locale=language(request))


def _points(hour: Hour) -> list[tuple[charts.X, float | None]]:
    return [
        (hour.since + timedelta(minutes=at), None if one is None else float(one)) for at, one in enumerate(hour.p95_ms)
    ]


def _funnels(request: Request, lanes: list[Lane]) -> Markup:
    """Of the charges begun in the last hours: shown and paid."""
    _, locale = speaker(request), language(request)
    rows, most = [], 0
    for lane in lanes:
        if lane.funnel is None:
            continue
        name = f"{_(wording.METHODS.get(lane.method, lane.method))} {lane.version}"
        begun = lane.funnel.begun
        most = max(most, begun)
        for text, count in ((_("begun"), begun), (_("shown"), lane.funnel.shown), (_("paid"), lane.funnel.paid)):
            share = formats.number(locale, round(100 * count / begun)) if begun else "0"
            rows.append(charts.Bar(f"{name}{_(': ')}{text}", count, f"{share}%"))
    return charts.bars(rows, title=_("Charges of the last three hours"), locale=locale, most=most)


async def switch_off(request: Request) -> Response:
    """``POST /console/channels/{provider}/switches``: offers it to nobody for a while."""
    seen, form, reason = await _with_reason(request)
    name, hours = _provider(request), form.value("hours")
    method = form.value("method") or None
    if hours not in {str(one) for one in HOURS}:
        form.add("hours", "Choose for how long.")
    if form.wrong:
        return await _one(request, seen, form, "switches")
    try:
        await sessions.database(request).run(
            switches.turn_off, seen.actor, name, method, reason, timedelta(hours=int(hours))
        )
    except ChannelUnknown as problem:
        add_problem(form, problem, "method")
        return await _one(request, seen, form, "switches")
    return sessions.see(f"{BASE}/{name}")


async def lift(request: Request) -> Response:
    """``POST /console/channels/{provider}/switches/{number}/lifting``: offers it again."""
    seen = await access.require(request, *ACTORS)
    name, number = _provider(request), request.path_params["number"]
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise HTTPException(404)
    await sessions.database(request).run(switches.turn_on, seen.actor, int(number))
    return sessions.see(f"{BASE}/{name}")


async def roll_out(request: Request) -> Response:
    """``POST /console/channels/{provider}/rollouts``: how a new version serves; also clears a trip."""
    seen, form, reason = await _with_reason(request)
    name, typed = _provider(request), form.value("percent").strip()
    percent = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 3 else 0 if not typed else -1
    if form.wrong:
        return await _one(request, seen, form, "rollouts")
    try:
        await sessions.database(request).run(
            rollouts.change, seen.actor, name, form.value("version"), form.value("mode"), percent, reason
        )
    except Problem as problem:
        form.add("percent", "Choose a mode; a canary needs a share from 1 to 100.", code=problem.code)
        return await _one(request, seen, form, "rollouts")
    return sessions.see(f"{BASE}/{name}")


async def _with_reason(request: Request) -> tuple[access.Seen, Form, str]:
    seen = await access.require(request, *ACTORS)
    form = _form(request, await sessions.typed(request))
    return seen, form, read_reason(form)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"method": _("Way to pay"), "hours": _("For how long"), "percent": _("Share"), "reason": _("Reason")}
    return Form(values, labels=labels)


def _provider(request: Request) -> str:
    """The online provider in the path."""
    name: str = request.path_params["provider"]
    if name not in METHODS:
        raise HTTPException(404)
    return name


routes = [
    Route(BASE, show, methods=["GET"]),
    Route(BASE + "/{provider}", provider, methods=["GET"]),
    Route(BASE + "/{provider}/switches", switch_off, methods=["POST"]),
    Route(BASE + "/{provider}/switches/{number}/lifting", lift, methods=["POST"]),
    Route(BASE + "/{provider}/rollouts", roll_out, methods=["POST"]),
]
