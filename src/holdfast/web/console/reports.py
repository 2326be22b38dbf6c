"""Texts that people report, at the console: heaps of near duplicates, and what became of each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import notices
from holdfast.accounts import Role
from holdfast.web import message_words, sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import add_problem, page, read_reason

HERE = "/console/reports"
READERS = (Role.SUPPORT, Role.OPERATIONS, Role.MARKETING)


async def reports(request: Request) -> Response:
    """``GET /console/reports``: heaps, those that wait for a person first."""
    await access.require(request, *READERS)
    found = await sessions.database(request).read(notices.reports.clusters)
    return page(request, "reports.html", here=HERE, heaps=found, states=message_words.STATES)


async def one(request: Request) -> Response:
    """``GET /console/reports/{id}``: a heap, what a check says of its text today, and its reports."""
    await access.require(request, *READERS)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        heap = await notices.reports.require(tx, sessions.id_in(request))
        within = await notices.reports.within(tx, heap.id)
        checked = await notices.checking.check(tx, heap.sample) if heap.sample else None
    session = await access.known(request)
    may_propose = session is not None and session.staff.may(Role.OPERATIONS, Role.MARKETING)
    return page(
        request, "reports_one.html", status=422 if form.wrong else 200, here=f"{HERE}/{heap.id}", heap=heap, within=within,
        checked=checked, form=form, states=message_words.STATES, verdicts=message_words.VERDICTS, may_propose=may_propose,
    )  # fmt: skip


async def handle(request: Request) -> Response:
    """``POST /console/reports/{id}/handling``: a position answers it, or it needs nothing; with a reason."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    heap_id, state, reason = sessions.id_in(request), form.value("state"), read_reason(form)
    if state not in ("answered", "noted"):
        form.add("state", "Choose what became of it.")
    if form.wrong:
        return await _one(request, form)
    try:
        await sessions.database(request).run(notices.reports.handle, seen.actor, heap_id, state, reason)
    except notices.ReportHandled as problem:
        add_problem(form, problem, "reason")
        return await _one(request, form)
    return sessions.see(f"{HERE}/{heap_id}")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"state": _("What became of it"), "reason": _("Reason")})


routes = [
    Route(HERE, reports, methods=["GET"]),
    Route(f"{HERE}/{{id}}", one, methods=["GET"]),
    Route(f"{HERE}/{{id}}/handling", handle, methods=["POST"]),
]
