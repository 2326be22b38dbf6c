"""The start page of the console: what is open to whoever is signed in, and what of it waits for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import changes, notices, support
from holdfast.accounts import Staff
from holdfast.kit.db import ReadTx
from holdfast.payments import reconciliation, resolver, reviews, unapplied, watching
from holdfast.web import sessions
from holdfast.web.render import speaker

from . import access, sections
from .pages import page

Count = Callable[[ReadTx], Awaitable[int]]


async def start(request: Request) -> Response:
    """``GET /console``."""
    seen = await access.require(request)
    async with sessions.database(request).reading() as tx:
        news = await _news(tx, request, seen.staff)
    return page(request, "start.html", news=news)


async def _news(tx: ReadTx, request: Request, staff: Staff) -> dict[str, str]:
    """Sections by path → how much waits there; what waits for nobody is left out."""
    _, found = speaker(request), {}
    for section in sections.SECTIONS:
        if section.path not in COUNTS or not staff.may(*section.roles):
            continue
        sentence, count = COUNTS[section.path]
        if waiting := await count(tx):
            found[section.path] = _(sentence, count=waiting)
    return found


async def _for_finance(tx: ReadTx) -> int:
    return (await unapplied.stuck(tx)).count + len(await reviews.waiting(tx))


async def _at_desk(tx: ReadTx) -> int:
    return len(await unapplied.at_desk(tx))


async def _in_doubt(tx: ReadTx) -> int:
    return sum(one.in_doubt for one in await resolver.progress(tx))


async def _differences(tx: ReadTx) -> int:
    return sum((await reconciliation.open_counts(tx)).values())


async def _positions(tx: ReadTx) -> int:
    return sum([len(await changes.queue(tx, kind)) for kind in (support.positions.KIND, support.positions.ENDING)])


COUNTS: dict[str, tuple[str, Count]] = {
    "/console/desk": ("To be handed over: {count}", _at_desk),
    "/console/channels": ("Not well: {count}", watching.not_well),
    "/console/unapplied": ("Waiting for you: {count}", _for_finance),
    "/console/reconciliation": ("Open differences: {count}", _differences),
    "/console/resolver": ("In doubt: {count}", _in_doubt),
    "/console/reports": ("Raised: {count}", notices.reports.count_raised),
    "/console/positions": ("Waiting for you: {count}", _positions),
}
"""Path of a section → the sentence, and how much waits there."""
routes = [Route("/console", start, methods=["GET"])]
