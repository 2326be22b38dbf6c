"""Payments in doubt: how much is open at each provider, how fast it is asked about, and about what first."""

from __future__ import annotations

from datetime import timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.accounts import Role
from holdfast.orders import staff_lookup
from holdfast.payments import dictionary, watching
from holdfast.web import charts, sessions
from holdfast.web.render import language, speaker

from . import access, live, wording
from .pages import page

BASE = "/console/resolver"


async def show(request: Request) -> Response:
    """``GET /console/resolver``: looks again by itself."""
    await access.require(request, Role.ENGINEER, Role.FINANCE)
    now = live.of(request)
    async with sessions.database(request).reading() as tx:
        queues = await watching.queues(tx)
        numbers = await staff_lookup.numbers(tx, [due.intent_id for queue in queues for due in queue.due])
    answer = page(
        request, "resolver.html", queues=queues, numbers=numbers, wording=wording, live=now, meaning=dictionary.meaning,
        charts={queue.backlog.provider: _chart(request, queue) for queue in queues},
        etas={queue.backlog.provider: eta(request, queue.backlog.eta_s) for queue in queues},
    )  # fmt: skip
    return live.again(answer, now)


def _chart(request: Request, queue: watching.Queue) -> Markup:
    """Doubts and questions of the last hour."""
    _ = speaker(request)
    moments = [queue.since + timedelta(minutes=at) for at in range(len(queue.asked))]
    name = _(wording.PROVIDERS.get(queue.backlog.provider, queue.backlog.provider))
    series = [
        charts.Series(_("in doubt"), list(zip(moments, map(float, queue.doubts), strict=True))),
        charts.Series(_("questions a minute"), list(zip(moments, map(float, queue.asked), strict=True))),
    ]
    return charts.lines(series, title=_("{provider} in the last hour", provider=name), locale=language(request))


def eta(request: Request, seconds: float | None) -> str:
    """How long it takes to ask about every doubt once, in words."""
    _ = speaker(request)
    if seconds is None:
        return _("not before it answers again")
    if seconds == 0:
        return _("nothing to ask about")
    if seconds < 1:
        return _("at once")
    if seconds < 90:
        return _("in about {count} s", count=round(seconds))
    if seconds < 5400:
        return _("in about {count} min", count=round(seconds / 60))
    return _("in about {count} h", count=round(seconds / 3600))


routes = [Route(BASE, show, methods=["GET"])]
