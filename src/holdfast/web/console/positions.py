"""Official positions at the console: proposed by one person, published and ended by a second one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes, notices, support
from holdfast.kit.problems import Conflict, Denied, InvalidInput, Problem
from holdfast.web import message_words, sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import add_problem, page, read_reason

HERE = "/console/positions"
ROLES = support.positions.ROLES
SHOWN = 30


async def positions(request: Request) -> Response:
    """``GET /console/positions``: what stands, what waits, what has ended; and the form, filled from a heap of reports if asked."""
    await access.require(request, *ROLES)
    given = {}
    with suppress(ValueError, notices.ReportUnknown):
        about = UUID(sessions.asked(request, "about"))
        heap = await sessions.database(request).read(notices.reports.require, about)
        given = {"about": str(about), "sample": heap.sample, "urgent": "1"}
    return await _list(request, _form(request, given))


async def _list(request: Request, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        kinds = (support.positions.KIND, support.positions.ENDING)
        waiting = [one for kind in kinds for one in await changes.queue(tx, kind)]
        decided = [one for kind in kinds for one in await changes.recent(tx, kind, SHOWN)]
        every = await notices.positions.every(tx)
    decided.sort(key=lambda one: one.id, reverse=True)
    return page(
        request, "positions.html", status=422 if form.wrong else 200, here=HERE, form=form, waiting=waiting, decided=decided[:SHOWN],
        positions=every, states=message_words.PROPOSALS,
    )  # fmt: skip


async def propose(request: Request) -> Response:
    """``POST /console/positions``: both languages, words that call for it, until when; a colleague publishes it."""
    seen = await access.require(request, *ROLES)
    form = _form(request, await sessions.typed(request))
    reason, until = read_reason(form), _moment(form, "until")
    says = {"zh": form.value("says_zh"), "en": form.value("says_en")}
    try:
        notices.positions.read(says, form.value("keywords"))
    except InvalidInput as problem:
        form.add_found(problem.errors)
    if form.wrong:
        return await _list(request, form)
    try:
        made = await support.positions.propose(
            sessions.database(request), seen.actor, says=says, keywords=form.value("keywords"), is_urgent=form.value("urgent") == "1",
            valid_until=until, reason=reason,
        )  # fmt: skip
    except Conflict as problem:
        add_problem(form, problem, "until")
        return await _list(request, form)
    return sessions.see(f"{HERE}/proposals/{made.id}")


async def one(request: Request) -> Response:
    """``GET /console/positions/{id}``: a position, and the form that proposes its end."""
    await access.require(request, *ROLES)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form) -> Response:
    found = await sessions.database(request).read(notices.positions.require, _id(request, notices.PositionUnknown))
    return page(
        request,
        "positions_one.html",
        status=422 if form.wrong else 200,
        here=f"{HERE}/{found.id}",
        one=found,
        form=form,
    )


async def propose_end(request: Request) -> Response:
    """``POST /console/positions/{id}/ending``: a dated end; a colleague agrees to it."""
    seen = await access.require(request, *ROLES)
    position_id = _id(request, notices.PositionUnknown)
    form = _form(request, await sessions.typed(request))
    reason, until = read_reason(form), _moment(form, "until")
    if until is None and not form.is_wrong("until"):
        form.add("until", "Say until when it stands.")
    if form.wrong or until is None:
        return await _one(request, form)
    try:
        made = await support.positions.propose_end(sessions.database(request), seen.actor, position_id, until, reason)
    except Conflict as problem:
        add_problem(form, problem, "until")
        return await _one(request, form)
    return sessions.see(f"{HERE}/proposals/{made.id}")


async def proposal(request: Request) -> Response:
    """``GET /console/positions/proposals/{id}``: what it would say, and what can be done with it."""
    await access.require(request, *ROLES)
    return await _proposal(request, _form(request, {}))


async def _proposal(request: Request, form: Form, wrong: str = "") -> Response:
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await changes.require(tx, _id(request, changes.ProposalUnknown))
        if found.kind not in (support.positions.KIND, support.positions.ENDING):
            raise changes.ProposalUnknown
        steps = await accounts.trail(tx, subject=f"proposal:{found.id}", limit=20)
    until = found.preview.get("until") or found.preview.get("valid_until")
    return page(
        request, "positions_proposal.html", status=422 if form.wrong else 200, here=f"{HERE}/proposals/{found.id}", one=found,
        form=form, wrong=wrong, steps=steps, states=message_words.PROPOSALS, until=datetime.fromisoformat(until) if until else None,
        ending=found.kind == support.positions.ENDING, mine=session is not None and found.proposed_by == str(session.staff.actor),
    )  # fmt: skip


async def approve(request: Request) -> Response:
    """``POST /console/positions/proposals/{id}/approval``: a second person; it stands, or ends, as shown."""
    seen = await access.require(request, *ROLES)
    form = _form(request, await sessions.typed(request))
    db, proposal_id = sessions.database(request), await _ours(request)
    try:
        found = await db.read(changes.require, proposal_id)
        if found.state is changes.State.PROPOSED:
            await changes.approve(db, seen.actor, proposal_id, form.value("shown"), form.value("note"))
        await changes.apply(db, seen.actor, proposal_id)
    except (Conflict, Denied) as problem:
        add_problem(form, problem, "reason")
        return await _proposal(request, form, "approval")
    return sessions.see(f"{HERE}/proposals/{proposal_id}")


async def reject(request: Request) -> Response:
    """``POST /console/positions/proposals/{id}/rejection``: a second person says no."""
    return await _say_no(request, "rejection")


async def withdraw(request: Request) -> Response:
    """``POST /console/positions/proposals/{id}/withdrawal``: taken back before anybody agreed."""
    return await _say_no(request, "withdrawal")


async def _say_no(request: Request, what: str) -> Response:
    seen = await access.require(request, *ROLES)
    proposal_id = await _ours(request)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if form.wrong:
        return await _proposal(request, form, what)
    act = changes.reject if what == "rejection" else changes.withdraw
    try:
        await sessions.database(request).run(act, seen.actor, proposal_id, reason)
    except (Conflict, Denied) as problem:
        add_problem(form, problem, "reason")
        return await _proposal(request, form, what)
    return sessions.see(f"{HERE}/proposals/{proposal_id}")


async def _ours(request: Request) -> UUID:
    """The proposal in the path, if it is about a position: others have pages and roles of their own. ProposalUnknown."""
    found = await sessions.database(request).read(changes.require, _id(request, changes.ProposalUnknown))
    if found.kind not in (support.positions.KIND, support.positions.ENDING):
        raise changes.ProposalUnknown
    return found.id


def _moment(form: Form, field: str) -> datetime | None:
    """A typed day and time of the house, such as ``2026-12-01T18:00``; None when nothing was typed."""
    typed = form.value(field).strip()
    if not typed:
        return None
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        form.add(field, "Write a day and a time as 2026-11-23 18:00.")
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(HOME_ZONE))


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "says_zh": _("What we stand by, in Chinese"), "says_en": _("What we stand by, in English"), "keywords": _("Words that call for it"),
        "until": _("Until"), "reason": _("Reason"),
    }  # fmt: skip
    return Form(values, labels=labels)


def _id(request: Request, missing: type[Problem]) -> UUID:
    if request.method in ("GET", "HEAD"):
        return sessions.id_in(request)
    found = sessions.read_id(request.path_params["id"])
    if found is None:
        raise missing
    return found


routes = [
    Route(HERE, positions, methods=["GET"]),
    Route(HERE, propose, methods=["POST"]),
    Route(f"{HERE}/proposals/{{id}}", proposal, methods=["GET"]),
    Route(f"{HERE}/proposals/{{id}}/approval", approve, methods=["POST"]),
    Route(f"{HERE}/proposals/{{id}}/rejection", reject, methods=["POST"]),
    Route(f"{HERE}/proposals/{{id}}/withdrawal", withdraw, methods=["POST"]),
    Route(f"{HERE}/{{id}}", one, methods=["GET"]),
    Route(f"{HERE}/{{id}}/ending", propose_end, methods=["POST"]),
]
