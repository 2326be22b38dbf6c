"""What becomes of a stopped campaign's discounts: decided by two people, carried out and told; single accounts apart."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import changes, orders
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict, Denied, Invalid, Problem
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, campaigns_decision_words
from .pages import add_problem, page, read_reason

HERE = "/console/campaigns/incidents/{id}/decision"
READERS = (Role.FINANCE, Role.MARKETING, Role.OPERATIONS)
HOME = ZoneInfo("Asia/Shanghai")
KINDS = (orders.honour.KIND, orders.abuse.KIND)


async def show(request: Request) -> Response:
    """``GET /console/campaigns/incidents/{id}/decision``: what was granted, where it is booked, what was decided or waits to be."""
    await access.require(request, *READERS)
    return await _page(request, _form(request, {}))


async def _page(request: Request, form: Form, wrong: str = "") -> Response:
    session = await access.known(request)
    trip_id = sessions.id_in(request)
    async with sessions.database(request).reading() as tx:
        found = await orders.honour.incident(tx, trip_id)
        decided = await orders.honour.decision(tx, trip_id)
        standing = await orders.honour.standing(tx, trip_id)
        gainers = await orders.honour.gainers(tx, trip_id)
        proposals = await orders.honour.of_incident(tx, trip_id)
    return page(
        request, "campaigns_decision.html", status=422 if form.wrong else 200, here=_here(trip_id), one=found, decided=decided,
        standing=standing, gainers=gainers, form=form, wrong=wrong, w=campaigns_decision_words, url=_here(trip_id),
        proposals=proposals, waiting=any(p.is_open and p.kind == orders.honour.KIND for p in proposals),
        me=str(session.staff.actor) if session else "", is_finance=session is not None and session.staff.may(Role.FINANCE),
    )  # fmt: skip


async def propose(request: Request) -> Response:
    """``POST /console/campaigns/incidents/{id}/decision``: honoured, or no mistake; a colleague of finance decides."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    trip_id = sessions.id_in(request)
    reason, since = read_reason(form), _since(form)
    verdict = form.value("verdict")
    if verdict not in ("honour", "right"):
        form.add("verdict", "Choose what becomes of these discounts.")
    if form.wrong:
        return await _page(request, form, "decision")
    try:
        await orders.honour.propose(
            sessions.database(request), seen.actor, trip_id, verdict="right" if verdict == "right" else "honour", since=since,
            false_label=bool(form.value("false_label")), reason=reason,
        )  # fmt: skip
    except (Conflict, Invalid) as problem:
        return await _refused(request, form, "decision", problem)
    return sessions.see(_here(trip_id))


def _since(form: Form) -> datetime | None:
    """When the mistake began, as typed on the clocks of the house; None: with the first grant."""
    typed = form.value("since").strip()
    if not typed:
        return None
    with suppress(ValueError):
        moment = datetime.fromisoformat(typed)
        return moment if moment.tzinfo else moment.replace(tzinfo=HOME)
    form.add("since", "Write the time as 2026-12-31 14:40, or leave it empty.")
    return None


async def accuse(request: Request) -> Response:
    """``POST /console/campaigns/incidents/{id}/decision/accounts``: one account, with evidence; a colleague of finance decides."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    trip_id, reason = sessions.id_in(request), read_reason(form)
    account_id = sessions.read_id(form.value("account").strip())
    if account_id is None:
        form.add("account", "Choose an account from the list of those that got something.")
    if form.wrong or account_id is None:
        return await _page(request, form, "accounts")
    try:
        await orders.abuse.propose(
            sessions.database(request), seen.actor, trip_id, account_id, form.value("evidence"), reason
        )
    except orders.honour.EvidenceNeeded as problem:
        form.add("evidence", problem.next_step, code=problem.code)
        return await _page(request, form, "accounts")
    except (Conflict, Invalid) as problem:
        add_problem(form, problem, "account")
        return await _page(request, form, "accounts")
    return sessions.see(_here(trip_id))


async def approve(request: Request) -> Response:
    """``POST /console/campaigns/incidents/{id}/decision/{proposal}/approval``: the second person, of finance."""
    seen = await access.require(request, Role.FINANCE)
    form = _form(request, await sessions.typed(request))
    db, proposal_id = sessions.database(request), await _proposal(request)
    try:
        await orders.honour.approve(db, seen.actor, proposal_id, form.value("shown"), form.value("note")[:500])
    except (Conflict, Denied, Invalid) as problem:
        return await _refused(request, form, f"approval-{proposal_id}", problem)
    return sessions.see(_here(sessions.id_in(request)))


async def end(request: Request) -> Response:
    """``POST /console/campaigns/incidents/{id}/decision/{proposal}/{verb}``: ``rejection`` or ``withdrawal``, with a reason."""
    seen = await access.require(request, *READERS)
    does = {"rejection": changes.reject, "withdrawal": changes.withdraw}.get(request.path_params["verb"])
    if does is None:
        raise HTTPException(404)
    form = _form(request, await sessions.typed(request))
    reason, proposal_id = read_reason(form), await _proposal(request)
    at = f"{request.path_params['verb']}-{proposal_id}"
    if form.wrong:
        return await _page(request, form, at)
    try:
        await sessions.database(request).run(does, seen.actor, proposal_id, reason)
    except (Conflict, Denied) as problem:
        return await _refused(request, form, at, problem)
    return sessions.see(_here(sessions.id_in(request)))


async def _proposal(request: Request) -> UUID:
    """The id of a proposal about this incident. ProposalUnknown for any other."""
    found = await sessions.database(request).read(changes.require, sessions.id_in(request, "proposal"))
    if found.kind not in KINDS or found.payload["trip"] != str(sessions.id_in(request)):
        raise changes.ProposalUnknown
    return found.id


async def _refused(request: Request, form: Form, wrong: str, problem: Problem) -> Response:
    add_problem(form, problem, "reason")
    return await _page(request, form, wrong)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "reason": _("Reason"), "verdict": _("Decision"), "since": _("The mistake began"), "account": _("Account"),
        "evidence": _("Evidence"),
    }  # fmt: skip
    return Form(values, labels=labels)


def _here(trip_id: UUID) -> str:
    return HERE.format(id=trip_id)


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE, propose, methods=["POST"]),
    Route(f"{HERE}/accounts", accuse, methods=["POST"]),
    Route(f"{HERE}/{{proposal}}/approval", approve, methods=["POST"]),
    Route(f"{HERE}/{{proposal}}/{{verb}}", end, methods=["POST"]),
]
