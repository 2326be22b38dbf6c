"""Cuts and proposals of capacity at the console: approved by a second person, watched, stopped, reported."""

from __future__ import annotations

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.inventory import policies
from holdfast.kit.problems import Conflict, Denied, Invalid, Problem
from holdfast.orders import displacement, displacement_report
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, capacity_words
from .capacity import HERE, KINDS, READERS
from .pages import add_problem, page, read_reason

PARTIES_SHOWN = 100


async def proposal(request: Request) -> Response:
    """``GET /console/capacity/proposals/{id}``: what it does, who asked for it, and what can be done with it."""
    await access.require(request, *READERS)
    return await _proposal(request, _form(request, {}))


async def _proposal(request: Request, form: Form, wrong: str = "") -> Response:
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await changes.require(tx, sessions.id_in(request))
        if found.kind not in KINDS:
            raise changes.ProposalUnknown
        steps = await accounts.trail(tx, subject=f"proposal:{found.id}", limit=20)
        names = {one.id: one.name for one in await policies.venues(tx)}
        cut = await displacement.require(tx, UUID(found.payload["cut"])) if found.kind == displacement.KIND else None
    return page(
        request, "capacity_proposal.html", status=422 if form.wrong else 200, here=f"{HERE}/proposals/{found.id}", one=found,
        form=form, wrong=wrong, steps=steps, w=capacity_words, names=names, cut=cut,
        mine=session is not None and found.proposed_by == str(session.staff.actor),
        may_act=session is not None and session.staff.may(Role.OPERATIONS),
    )  # fmt: skip


async def approve(request: Request) -> Response:
    """``POST /console/capacity/proposals/{id}/approval``: a second person; done at once, as shown."""
    seen = await access.require(request, Role.OPERATIONS)
    form = _form(request, await sessions.typed(request))
    db, proposal_id = sessions.database(request), sessions.id_in(request)
    try:
        found = await db.read(changes.require, proposal_id)
        if found.kind not in KINDS:
            raise changes.ProposalUnknown
        if found.state is changes.State.PROPOSED:
            await changes.approve(db, seen.actor, proposal_id, form.value("shown"), form.value("note"))
        await changes.apply(db, seen.actor, proposal_id)
    except (Conflict, Denied, Invalid) as problem:
        return await _refused(request, form, "approval", problem)
    if found.kind == displacement.KIND:
        return sessions.see(f"{HERE}/cuts/{found.payload['cut']}")
    return sessions.see(f"{HERE}/proposals/{proposal_id}")


async def decide(request: Request) -> Response:
    """``POST /console/capacity/proposals/{id}/{verb}``: ``rejection``, ``withdrawal`` or ``reverting``, with a reason."""
    seen = await access.require(request, Role.OPERATIONS)
    verb = request.path_params["verb"]
    does = {"rejection": changes.reject, "withdrawal": changes.withdraw, "reverting": changes.revert}.get(verb)
    if does is None:
        raise HTTPException(404)
    form = _form(request, await sessions.typed(request))
    reason, db = read_reason(form), sessions.database(request)
    if (await db.read(changes.require, sessions.id_in(request))).kind not in KINDS:
        raise changes.ProposalUnknown
    if form.wrong:
        return await _proposal(request, form, verb)
    try:
        await db.run(does, seen.actor, sessions.id_in(request), reason)
    except (Conflict, Denied) as problem:
        return await _refused(request, form, verb, problem)
    return sessions.see(f"{HERE}/proposals/{sessions.id_in(request)}")


async def _refused(request: Request, form: Form, wrong: str, problem: Problem) -> Response:
    add_problem(form, problem, "reason")
    return await _proposal(request, form, wrong)


async def cut(request: Request) -> Response:
    """``GET /console/capacity/cuts/{id}?after=``: how far it is, its order party by party, and what can be done."""
    await access.require(request, *READERS)
    return await _cut(request, _form(request, {}))


async def _cut(request: Request, form: Form, wrong: str = "") -> Response:
    typed = sessions.asked(request, "after", 9)
    after = int(typed) if typed.isascii() and typed.isdigit() else 0
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await displacement.require(tx, sessions.id_in(request))
        report = await displacement_report.report(tx, found)
        parties = await displacement_report.page_of_parties(tx, found.id, after, PARTIES_SHOWN)
        made = await changes.require(tx, found.proposal_id) if found.proposal_id else None
        names = {one.id: one.name for one in await policies.venues(tx)}
    total = sum(orders_ for orders_, _places in report.outcomes.values())
    return page(
        request, "capacity_cut.html", status=422 if form.wrong else 200, here=f"{HERE}/cuts/{found.id}", cut=found,
        report=report, parties=parties, proposal=made, form=form, wrong=wrong, w=capacity_words, names=names, total=total,
        more=parties[-1].position if len(parties) == PARTIES_SHOWN else 0,
        may_act=session is not None and session.staff.may(Role.OPERATIONS),
    )  # fmt: skip


async def act(request: Request) -> Response:
    """``POST /console/capacity/cuts/{id}/{verb}``: ``holding``, ``going-on``, ``giving-up`` or ``proposal``."""
    seen = await access.require(request, Role.OPERATIONS)
    verb, db = request.path_params["verb"], sessions.database(request)
    form = _form(request, await sessions.typed(request))
    cut_id = sessions.id_in(request)
    if verb not in ("holding", "going-on", "giving-up", "proposal"):
        raise HTTPException(404)
    reason = read_reason(form)
    if form.wrong:
        return await _cut(request, form, verb)
    try:
        if verb == "proposal":
            await displacement.propose(db, seen.actor, cut_id, reason)
        elif verb == "giving-up":
            await db.run(displacement.give_up, seen.actor, cut_id, reason)
        else:
            await db.run(displacement.hold, seen.actor, cut_id, reason, is_held=verb == "holding")
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _cut(request, form, verb)
    return sessions.see(f"{HERE}/cuts/{cut_id}")


async def report(request: Request) -> Response:
    """``GET /console/capacity/cuts/{id}/report``: the notice and report to the authority, to be printed or saved."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        found = await displacement_report.report(tx, await displacement.require(tx, sessions.id_in(request)))
        names = {one.id: one.name for one in await policies.venues(tx)}
    return page(request, "capacity_report.html", report=found, cut=found.cut, w=capacity_words, names=names)


async def report_csv(request: Request) -> Response:
    """``GET /console/capacity/cuts/{id}/report.csv``: the same, slot by slot, for a spreadsheet."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        found = await displacement_report.report(tx, await displacement.require(tx, sessions.id_in(request)))
    text = displacement_report.as_csv(found, language(request))
    name = f"cut-{found.cut.made_at:%Y-%m-%d}.csv"
    return Response(
        text, media_type="text/csv", headers={
            "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
        },
    )  # fmt: skip


def _form(request: Request, values: dict[str, str]) -> Form:
    return Form(values, labels={"reason": speaker(request)("Reason")})


routes = [
    Route(f"{HERE}/proposals/{{id}}", proposal, methods=["GET"]),
    Route(f"{HERE}/proposals/{{id}}/approval", approve, methods=["POST"]),
    Route(f"{HERE}/proposals/{{id}}/{{verb}}", decide, methods=["POST"]),
    Route(f"{HERE}/cuts/{{id}}", cut, methods=["GET"]),
    Route(f"{HERE}/cuts/{{id}}/report", report, methods=["GET"]),
    Route(f"{HERE}/cuts/{{id}}/report.csv", report_csv, methods=["GET"]),
    Route(f"{HERE}/cuts/{{id}}/{{verb}}", act, methods=["POST"]),
]
