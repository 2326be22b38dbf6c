""" "This does not work", said from any page: a few words, and what the page knows goes with them.

The form stands in the foot of every page and works without JavaScript. With it, what is written without a connection is
kept on the device and sent later, under the same key, so that it counts once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from holdfast import orders, support
from holdfast.kit.problems import Invalid, Problem
from holdfast.support.feedback_model import Said
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, query, request_id, speaker

HIDDEN = ("about_key", "about_page", "about_request", "about_problem")
ELSEWHERE = "elsewhere"
"""The kind of page of an address that is none of ours."""


class From(NamedTuple):
    """The page that feedback came from: its kind, its address without the query, and the order it shows, if the sender may see it."""

    kind: str
    address: str
    order: orders.Order | None


async def show_form(request: Request) -> Response:
    """``GET /feedback?page=…``: the form on a page of its own."""
    await sessions.visitor(request)
    given = {f"about_{name}": sessions.asked(request, name, 500) for name in ("page", "request", "problem")}
    return _form_page(request, Form(given | {"about_key": request_id(request)}))


async def send(request: Request) -> Response:
    """``POST /feedback``: thanks and the number; or what is wrong, with everything still there."""
    known = await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    account_id = known.account_id if known else None
    came_from = await _came_from(request, form.value("about_page"))
    said = Said(
        words=form.value("words"), key=form.value("about_key") or request_id(request), page=came_from.kind, address=came_from.address,
        problem=form.value("about_problem"), request=form.value("about_request"), order_id=came_from.order.row.id if came_from.order else None,
        account_id=account_id, locale=language(request), browser=sessions.device(request), is_offline=form.value("offline") == "1",
        happened_at=_moment(form.value("happened")),
    )  # fmt: skip
    try:
        number = await support.feedback.send(sessions.database(request), sessions.source(request), said)
    except Problem as problem:
        return _refused(request, form, problem)
    url = f"/feedback/{number}" + query(token=support.feedback.link_token(number))
    if _wants_json(request):
        return JSONResponse({"number": support.feedback.show_number(number), "url": url}, 201)
    return sessions.see(url)


def _refused(request: Request, form: Form, problem: Problem) -> Response:
    wait_s = problem.fields.get("retry_after_s")
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    if _wants_json(request):
        return JSONResponse({"code": problem.code, "title": problem.title}, problem.status, headers)
    if isinstance(problem, Invalid):
        form.add_found(problem.errors)
        return _form_page(request, form, status=422)
    answer = _form_page(request, form, status=problem.status, problem=problem, wait=wait_words(request, wait_s))
    answer.headers.update(headers)
    return answer


async def show(request: Request) -> Response:
    """``GET /feedback/{number}?token=…``: thanks, what became of it, and how much of all feedback is answered."""
    await sessions.visitor(request)
    token = sessions.asked(request, "token")
    async with sessions.database(request).reading() as tx:
        found = await support.feedback.require(tx, request.path_params["number"], token)
        figures = await support.feedback.figures(tx)
    return page(
        request, "traveller/feedback_sent.html", found=found, figures=figures, shown=support.feedback.show_number(found.number),
    )  # fmt: skip


async def _came_from(request: Request, typed: str) -> From:
    """What the page's own address tells. Its query, which may hold the token of a link, is looked at and not kept."""
    parts = urlsplit(sessions.local_path(typed, "/"))
    scope = {"type": "http", "method": "GET", "path": parts.path}
    for route in request.app.routes:
        match, found = route.matches(scope)
        if match is Match.FULL and isinstance(route, Route) and not route.path.endswith(":path}"):
            number = str(found["path_params"].get("number", "")) if parts.path.startswith("/orders/") else ""
            token = parse_qs(parts.query).get("token", [""])[0]
            return From(route.path, parts.path, await _order(request, number, token) if number else None)
    return From(ELSEWHERE, parts.path, None)


async def _order(request: Request, number: str, token: str) -> orders.Order | None:
    """The order of a page, if who writes may see it: by their session, or by the token of the link that they used."""
    known, db = await sessions.visitor(request), sessions.database(request)
    try:
        if token:
            return await db.read(orders.by_link, number, token)
        if known is not None:
            return await db.read(orders.require, known.account_id, number)
    except Problem:
        return None
    return None


def _moment(typed: str) -> datetime | None:
    """When it happened, as the device kept it."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"words": _("What does not work?")})


def _form_page(
    request: Request, form: Form, *, status: int = 200, problem: Problem | None = None, wait: str = ""
) -> Response:
    return page(
        request, "traveller/feedback.html", status=status, here="/feedback" + query(page=form.value("about_page")), form=form,
        hidden=HIDDEN, problem=problem, wait=wait,
    )  # fmt: skip


routes = [
    Route("/feedback", show_form, methods=["GET"]),
    Route("/feedback", send, methods=["POST"]),
    Route("/feedback/{number}", show, methods=["GET"]),
]
