"""Money that nobody asked for, and what of refunds and callbacks waits for people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.accounts import Role
from holdfast.kit.problems import Conflict
from holdfast.orders import staff_lookup
from holdfast.payments import dictionary, reviews, unapplied
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, wording
from .pages import add_problem, page, read_reason

BASE = "/console/unapplied"


async def show(request: Request) -> Response:
    """``GET /console/unapplied``: everything of money that people must know of or act on."""
    await access.require(request, Role.FINANCE)
    return await _list(request, _form(request, {}))


async def _list(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    async with sessions.database(request).reading() as tx:
        waiting = await unapplied.waiting(tx)
        stuck = await unapplied.stuck(tx)
        parked = await reviews.waiting(tx)
        known = [one.origin.intent_id for one in waiting if one.origin]
        known += [one.intent_id for one in (*stuck.abnormal, *stuck.refused, *stuck.desk)]
        numbers = await staff_lookup.numbers(tx, known)
    return page(
        request, "unapplied.html", status=422 if form.wrong else 200, here=BASE, waiting=waiting, stuck=stuck, parked=parked,
        numbers=numbers, form=form, wrong=wrong, wording=wording, meaning=dictionary.meaning, base=BASE,
        overdue=sum(one.overdue for one in waiting), minutes=int(unapplied.AGE_MAX.total_seconds() // 60),
    )  # fmt: skip


async def hand_over(request: Request) -> Response:
    """``POST /console/unapplied/refunds/{id}/handing``: given by hand or bank transfer, signed for with a note."""
    seen = await access.require(request, Role.FINANCE)
    form, refund_id = _form(request, await sessions.typed(request)), sessions.id_in(request)
    note = read_reason(form)
    if form.wrong:
        return await _list(request, form, f"handing-{refund_id}")
    try:
        await sessions.database(request).run(unapplied.by_hand, seen.actor, refund_id, note)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _list(request, form, f"handing-{refund_id}")
    return sessions.see(BASE)


async def review(request: Request) -> Response:
    """``POST /console/unapplied/callbacks/{id}/review``: somebody looked at a parked callback."""
    seen = await access.require(request, Role.FINANCE)
    form, inbox_id = _form(request, await sessions.typed(request)), sessions.id_in(request)
    reason = read_reason(form)
    if form.wrong:
        return await _list(request, form, f"review-{inbox_id}")
    try:
        await sessions.database(request).run(reviews.done, seen.actor, inbox_id, reason)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _list(request, form, f"review-{inbox_id}")
    return sessions.see(BASE)


def _form(request: Request, values: dict[str, str]) -> Form:
    return Form(values, labels={"reason": speaker(request)("Reason")})


routes = [
    Route(BASE, show, methods=["GET"]),
    Route(BASE + "/refunds/{id}/handing", hand_over, methods=["POST"]),
    Route(BASE + "/callbacks/{id}/review", review, methods=["POST"]),
]
