"""Restrictions and the breakers that guard them: what rests for whom, how signing in fares, voiding many with a preview."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import Method, Role, Selection
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.web import charts, sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import language, query, speaker

from . import access
from .pages import page, read_reason

PATH = "/console/restrictions"
CURVE = timedelta(hours=1)
METHODS = {
    Method.CODE: "One-time code",
    Method.PASSWORD: "Password",
    Method.PASSKEY: "Passkey",
    Method.EXTERNAL: "Another site",
}
REASONS = {
    accounts.breaker.FAILS: "it fails for everybody",
    accounts.breaker.FLOOD: "restrictions were being written faster than the cap",
    accounts.breaker.RECOVERED: "people get in again",
    accounts.breaker.BY_HAND: "closed by hand",
}


async def restrictions(request: Request) -> Response:
    """``GET /console/restrictions``: newest first, narrowed by release and time; every choice is an address."""
    await access.require(request, Role.ENGINEER, Role.SUPPORT)
    form = _form(request, {name: sessions.asked(request, name, 100) for name in ("release", "since", "until")})
    return await _page(request, form)


async def void(request: Request) -> Response:
    """``POST /console/restrictions/voiding``: all that the preview showed, with a reason."""
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    chosen, reason, most = _chosen(form), read_reason(form), form.value("most")
    if form.wrong or not (most.isascii() and most.isdigit() and len(most) <= 9):
        return await _page(request, form)
    try:
        voided = await sessions.database(request).run(
            accounts.restrictions.void, seen.actor, chosen, reason=reason, most=int(most)
        )
    except (accounts.SelectionMissing, accounts.SelectionChanged) as problem:
        form.add("release", problem.title, code=problem.code)
        return await _page(request, form)
    return sessions.see(PATH, voided=str(voided))


async def close_breaker(request: Request) -> Response:
    """``POST /console/restrictions/breakers/{method}/closing``: somebody knows better."""
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    try:
        method = Method(str(request.path_params["method"]))
    except ValueError as error:
        raise HTTPException(404) from error
    reason = read_reason(form)
    if form.wrong:
        return await _page(request, form, closing=method)
    await sessions.database(request).run(accounts.breaker.close, seen.actor, method, reason=reason)
    return sessions.see(PATH)


async def _page(request: Request, form: Form, *, closing: str = "") -> Response:
    chosen = _chosen(form)
    async with sessions.database(request).reading() as tx:
        preview = await accounts.restrictions.preview(tx, chosen)
        rows = await accounts.restrictions.listed(tx, chosen)
        breakers = {one.method: one for one in await accounts.breaker.states(tx)}
        curves = await _curves(tx)
    session = await access.known(request)
    voided = sessions.asked(request, "voided", 9)
    return page(
        request, "restrictions.html", status=422 if form.wrong else 200, here=PATH + _query(form), form=form, preview=preview,
        rows=rows, narrow=chosen.is_narrow, breakers=breakers, methods=METHODS, reasons=REASONS, closing=closing,
        chart=_chart(request, curves, breakers), may_act=bool(session and session.staff.may(Role.ENGINEER)),
        voided=int(voided) if voided.isascii() and voided.isdigit() else None,
    )  # fmt: skip


async def _curves(tx: ReadTx) -> dict[Method, list[tuple[datetime, float]]]:
    """The share of tries that succeeded in each minute of the last hour, for each way that was used."""
    found = {method: await accounts.attempts.curve(tx, method, clock.now() - CURVE) for method in Method}
    return {
        method: [(at, 100 * successes / tries) for at, tries, successes in minutes]
        for method, minutes in found.items()
        if minutes
    }


def _chart(
    request: Request, curves: dict[Method, list[tuple[datetime, float]]], breakers: dict[str, accounts.Breaker]
) -> Markup:
    _ = speaker(request)
    begin = clock.now() - CURVE
    bands = [
        charts.Band(max(one.changed_at, begin), clock.now(), _(METHODS[Method(one.method)]), "bad")
        for one in breakers.values()
        if one.is_open
    ]
    series = [charts.Series(_(METHODS[method]), points) for method, points in curves.items()]
    return charts.lines(
        series, title=_("Tries that succeed, by minute"), locale=language(request), unit="%", bands=bands
    )


def _chosen(form: Form) -> Selection:
    """What was asked for; a time that cannot be read stands beside its field."""
    return Selection(form.value("release").strip() or None, _moment(form, "since"), _moment(form, "until"))


def _moment(form: Form, field: str) -> datetime | None:
    typed = form.value(field).strip()
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(HOME_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        form.add(field, "Write a moment as 2026-11-23T09:30.")
        return None


def _query(form: Form) -> str:
    return query(**{name: form.value(name) for name in ("release", "since", "until")})


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"release": _("Release"), "since": _("From"), "until": _("To"), "reason": _("Reason")}
    return Form(values, labels=labels)


routes = [
    Route(PATH, restrictions, methods=["GET"]),
    Route(PATH + "/voiding", void, methods=["POST"]),
    Route(PATH + "/breakers/{method}/closing", close_breaker, methods=["POST"]),
]
