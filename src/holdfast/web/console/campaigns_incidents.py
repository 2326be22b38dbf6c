"""Stops of campaigns: each with its course, its evidence and the line that was crossed; beginning anew is proposed here."""

from __future__ import annotations

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.campaigns import incidents, restart
from holdfast.campaigns.incidents import Evidence
from holdfast.campaigns.model import Content
from holdfast.kit.problems import Conflict, Denied, Invalid
from holdfast.orders import backtest as backtests
from holdfast.web import charts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_decision_words, campaigns_live_words, campaigns_words
from .campaigns import HERE, MAKERS, READERS
from .campaigns_decision import READERS as DECIDERS
from .pages import add_problem, page, read_reason

INCIDENTS = f"{HERE}/incidents"


async def overview(request: Request) -> Response:
    """``GET /console/campaigns/incidents``: the newest stops."""
    await access.require(request, *READERS)
    found = await sessions.database(request).read(incidents.newest)
    return page(
        request, "campaigns_incidents.html", here=INCIDENTS, found=found, reasons=campaigns_decision_words.REASONS, w=campaigns_words
    )  # fmt: skip


async def show(request: Request) -> Response:
    """``GET /console/campaigns/incidents/{id}``: what happened, as the rows have it."""
    await access.require(request, *READERS)
    return await _page(request, _form(request, {}))


async def _page(request: Request, form: Form) -> Response:
    seen = await access.require(request, *READERS)
    trip_id = sessions.id_in(request)
    async with sessions.database(request).reading() as tx:
        found = await incidents.evidence(tx, trip_id)
        by = await accounts.name_of(tx, found.stop.by)
        proposals = await restart.of_stop(tx, trip_id)
    return page(
        request, "campaigns_incident.html", status=409 if form.wrong else 200, here=f"{INCIDENTS}/{trip_id}", one=found.stop, found=found,
        by=by, proposals=proposals, form=form, chart=_chart(request, found), reasons=campaigns_decision_words.REASONS, w=campaigns_words,
        lw=campaigns_live_words, may_make=seen.staff.may(*MAKERS), may_decide=seen.staff.may(*DECIDERS),
        is_mine=found.stop.by == str(seen.actor), waits=any(one.is_open for one in proposals),
    )  # fmt: skip


def _chart(request: Request, found: Evidence) -> Markup | None:
    """The last orders and the one that stopped it, with the line that it crossed. None without any."""
    _, stop, last = speaker(request), found.stop, list(reversed(found.last))
    if not last and stop.by != "guard":
        return None
    limit: float | None
    told = stop.evidence
    match stop.reason:
        case "envelope":
            title, limit, unit = _("Discounts of the last orders, and the envelope"), stop.max_minor / 100, "¥"
            values = [one.amount_minor / 100 for one in last] + [float(told.get("amount_minor") or 0) / 100]
        case "size":
            title, limit, unit = _(campaigns_live_words.WATCHES["size"]), stop.size_limit, ""
            values = [one.size_sum or 0 for one in last] + [float(told.get("size_sum") or 0)]
        case "pace" if stop.pace_depth is not None:
            title, limit, unit = _(campaigns_live_words.WATCHES["pace"]), stop.pace_depth / 100, "¥"
            depth = stop.pace_depth
            values = [(depth - (depth if one.tokens is None else one.tokens)) / 100 for one in last]
            values.append((depth - float(told.get("tokens") or 0)) / 100)
        case _ if stop.share_limit is not None:
            title, limit, unit = _(campaigns_live_words.WATCHES["share"]), stop.share_limit, ""
            values = [one.share_sum or 0 for one in last] + [float(told.get("share_sum") or 0)]
        case _:
            return None
    points: list[tuple[charts.X, float | None]] = [(float(n), value) for n, value in enumerate(values, 1)]
    return charts.lines(
        [charts.Series("", points)], title=title, locale=language(request), unit=unit, x_unit=_("orders"), limit=limit
    )


async def propose(request: Request) -> Response:
    """``POST /console/campaigns/incidents/{id}/restart``: tried on the orders of the last days once more, and others are asked."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if form.wrong:
        return await _page(request, form)
    db, trip_id = sessions.database(request), sessions.id_in(request)
    try:
        stop = await db.read(incidents.require, trip_id)
        await backtests.run(db, seen.actor, stop.campaign_id, msgspec.convert(stop.content, Content))
        made = await restart.propose(db, seen.actor, trip_id, reason)
    except (Conflict, Denied, Invalid) as problem:
        add_problem(form, problem, "reason")
        return await _page(request, form)
    return sessions.see(f"{HERE}/proposals/{made.id}")


def _form(request: Request, values: dict[str, str]) -> Form:
    return Form(values, labels={"reason": speaker(request)("Reason")})


routes = [
    Route(INCIDENTS, overview, methods=["GET"]),
    Route(f"{INCIDENTS}/{{id}}", show, methods=["GET"]),
    Route(f"{INCIDENTS}/{{id}}/restart", propose, methods=["POST"]),
]
