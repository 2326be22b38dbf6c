"""Joined accounts as support sees them: proposals after a document check, a second person's approval, and the way back."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict, Denied, NotFound, Problem
from holdfast.web import sessions, tallies
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import add_problem, page, read_reason

HERE = "/console/merges"
SHOWN = 30
STATES = {
    "proposed": ("warn", "waits for a colleague"),
    "approved": ("info", "approved"),
    "applied": ("ok", "joined"),
    "reverted": ("", "taken back"),
    "rejected": ("bad", "refused"),
    "withdrawn": ("", "withdrawn"),
    "expired": ("", "expired"),
}
"""A proposal's state → the badge's tone and an English word."""


async def merges(request: Request) -> Response:
    """``GET /console/merges``: what waits, what was decided, the latest links, and the form of a proposal."""
    await access.require(request, Role.SUPPORT)
    return await _list(request, _form(request, {}))


async def _list(request: Request, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        waiting = await changes.queue(tx, accounts.MERGE_KIND)
        decided = await changes.recent(tx, accounts.MERGE_KIND, SHOWN)
        links = await accounts.recent_links(tx, SHOWN)
    return page(
        request, "merges.html", status=422 if form.wrong else 200, here=HERE, form=form, waiting=_briefly(waiting),
        decided=_briefly(decided), links=links, states=STATES,
    )  # fmt: skip


def _briefly(found: list[changes.Proposal]) -> list[tuple[changes.Proposal, str, str]]:
    """Each with the phones of both sides."""

    def phones(one: changes.Proposal, side: str) -> str:
        return ", ".join(known["masked"] for known in one.preview[side])

    return [(one, phones(one, "left"), phones(one, "right")) for one in found]


async def propose(request: Request) -> Response:
    """``POST /console/merges``: two phones, the document that was seen, and why; a colleague decides."""
    seen = await access.require(request, Role.SUPPORT)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    document = " ".join(form.value("document").split())
    if len(document) < 4:
        form.add("document", "Say which document you have seen, and of whom.")
    db = sessions.database(request)
    first, second = await _account(request, form, "first"), await _account(request, form, "second")
    if form.wrong or first is None or second is None:
        return await _list(request, form)
    try:
        made = await accounts.propose_merge(db, seen.actor, first, second, document=document, reason=reason)
    except (Conflict, NotFound) as problem:
        add_problem(form, problem, "second")
        return await _list(request, form)
    return sessions.see(f"{HERE}/{made.id}")


async def _account(request: Request, form: Form, field: str) -> UUID | None:
    """The account of a typed phone, or None with what is wrong beside the field."""
    phone, findings = accounts.check_phone(form.value(field), field)
    form.add_found(findings)
    if phone is None:
        return None
    try:
        return await sessions.database(request).read(accounts.account_of_phone, phone)
    except accounts.NoSuchAccount as problem:
        add_problem(form, problem, field)
        return None


async def proposal(request: Request) -> Response:
    """``GET /console/merges/{id}``: what it would join, and what can be done with it."""
    await access.require(request, Role.SUPPORT)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form, wrong: str = "") -> Response:
    _ = speaker(request)
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await changes.require(tx, sessions.id_in(request))
        if found.kind != accounts.MERGE_KIND:
            raise changes.ProposalUnknown
        steps = await accounts.trail(tx, subject=f"proposal:{found.id}", limit=20)
    shown = tallies.as_preview(found.preview)
    return page(
        request, "merges_one.html", status=422 if form.wrong else 200, here=f"{HERE}/{found.id}", one=found, form=form,
        wrong=wrong, steps=steps, states=STATES, mine=session is not None and found.proposed_by == str(session.staff.actor),
        sides=tallies.sides(request, shown.left, shown.right, shown.rows, (_("First account"), _("Second account"))),
        limits=tallies.limits(request, shown.exceeded), together=tallies.together(request, shown),
    )  # fmt: skip


async def approve(request: Request) -> Response:
    """``POST /console/merges/{id}/approval``: a second person; joined at once, as shown."""
    seen = await access.require(request, Role.SUPPORT)
    form = _form(request, await sessions.typed(request))
    db, proposal_id = sessions.database(request), sessions.id_in(request)
    try:
        found = await db.read(changes.require, proposal_id)
        if found.state is changes.State.PROPOSED:
            await changes.approve(db, seen.actor, proposal_id, form.value("shown"), form.value("note"))
        await changes.apply(db, seen.actor, proposal_id)
    except (Conflict, Denied) as problem:
        return await _refused(request, form, "approval", problem)
    return sessions.see(f"{HERE}/{proposal_id}")


async def reject(request: Request) -> Response:
    """``POST /console/merges/{id}/rejection``: a second person says no, with a reason."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "rejection")
    try:
        await sessions.database(request).run(changes.reject, seen.actor, sessions.id_in(request), reason)
    except (Conflict, Denied) as problem:
        return await _refused(request, form, "rejection", problem)
    return sessions.see(f"{HERE}/{sessions.id_in(request)}")


async def withdraw(request: Request) -> Response:
    """``POST /console/merges/{id}/withdrawal``: taken back before it was done."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "withdrawal")
    try:
        await sessions.database(request).run(changes.withdraw, seen.actor, sessions.id_in(request), reason)
    except Conflict as problem:
        return await _refused(request, form, "withdrawal", problem)
    return sessions.see(f"{HERE}/{sessions.id_in(request)}")


async def revert(request: Request) -> Response:
    """``POST /console/merges/{id}/reverting``: parted again; one person suffices."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "reverting")
    try:
        await sessions.database(request).run(changes.revert, seen.actor, sessions.id_in(request), reason)
    except Conflict as problem:
        return await _refused(request, form, "reverting", problem)
    return sessions.see(f"{HERE}/{sessions.id_in(request)}")


async def _refused(request: Request, form: Form, wrong: str, problem: Problem) -> Response:
    add_problem(form, problem, "reason")
    return await _one(request, form, wrong)


async def link(request: Request) -> Response:
    """``GET /console/merges/links/{id}``: what ending a link gives to whom."""
    await access.require(request, Role.SUPPORT)
    return await _link(request, _form(request, {}))


async def _link(request: Request, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        found = await accounts.parting(tx, sessions.id_in(request))
    titles = (found.link.a_masked, found.link.b_masked)
    left = {f"traveller:{one.id}" for one in found.left}
    return page(
        request, "merges_link.html", status=422 if form.wrong else 200, here=f"{HERE}/links/{found.link.id}", found=found,
        form=form, sides=tallies.sides(request, found.left, found.right, found.rows, titles),
        crossed=tallies.crossings(request, found.crossed, lambda one: titles[0] if one.by in left else titles[1]),
    )  # fmt: skip


async def end_link(request: Request) -> Response:
    """``POST /console/merges/links/{id}/ending``: parted, with a reason, as shown."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _link(request, form)
    try:
        await sessions.database(request).run(
            accounts.undo, seen.actor, sessions.id_in(request), reason, shown=form.value("shown")
        )
    except changes.PreviewStale as problem:
        add_problem(form, problem, "reason")
        return await _link(request, form)
    return sessions.see(HERE)


async def _with_reason(request: Request) -> tuple[access.Seen, Form, str]:
    seen = await access.require(request, Role.SUPPORT)
    form = _form(request, await sessions.typed(request))
    return seen, form, read_reason(form)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "first": _("First phone"), "second": _("Second phone"), "document": _("Document seen"), "reason": _("Reason"),
    }  # fmt: skip
    return Form(values, labels=labels)


routes = [
    Route(HERE, merges, methods=["GET"]),
    Route(HERE, propose, methods=["POST"]),
    Route(f"{HERE}/links/{{id}}", link, methods=["GET"]),
    Route(f"{HERE}/links/{{id}}/ending", end_link, methods=["POST"]),
    Route(f"{HERE}/{{id}}", proposal, methods=["GET"]),
    Route(f"{HERE}/{{id}}/approval", approve, methods=["POST"]),
    Route(f"{HERE}/{{id}}/rejection", reject, methods=["POST"]),
    Route(f"{HERE}/{{id}}/withdrawal", withdraw, methods=["POST"]),
    Route(f"{HERE}/{{id}}/reverting", revert, methods=["POST"]),
]
