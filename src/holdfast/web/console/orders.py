"""Orders at the console: found by number, people masked; one field at a time in clear, with a reason that its owner will read."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import orders
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict, NotFound, TooMany
from holdfast.orders.reveal import Field, Revealed
from holdfast.web import problem_pages, sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import page, read_reason

ROLES = (Role.SUPPORT, Role.DESK)
BASE = "/console/orders"


async def search(request: Request) -> Response:
    """``GET /console/orders?number=``: leads to the order; what is wrong with the number stands beside it."""
    await access.require(request, *ROLES)
    form = Form({"number": sessions.asked(request, "number", 40)}, labels={"number": speaker(request)("Order number")})
    if form.value("number"):
        try:
            found = await sessions.database(request).read(orders.reveal.desk_view, form.value("number"))
        except orders.OrderUnknown:
            form.add("number", "There is no order with this number. Compare it character by character.")
        else:
            return sessions.see(f"{BASE}/{found.number}")
    return page(request, "orders.html", status=422 if form.wrong else 200, here=BASE, form=form)


async def one(request: Request) -> Response:
    """``GET /console/orders/{number}``: one order, people masked."""
    await access.require(request, *ROLES)
    return await _page(request, _form(request, {}))


async def reveal(request: Request) -> Response:
    """``POST /console/orders/{number}/reveal``: one field in clear, once, on this answer alone."""
    seen = await access.require(request, *ROLES)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    field, _, traveller = form.value("what").partition(":")
    wanted = None
    with suppress(ValueError):
        wanted = Field(field), int(traveller or 0)
    if wanted is None:
        form.add("what", "Choose what you need to see.")
    if form.wrong or wanted is None:
        return await _page(request, form)
    order = await sessions.database(request).read(orders.reveal.desk_view, request.path_params["number"])
    try:
        shown = await orders.reveal.reveal(
            sessions.database(request),
            seen.actor,
            order.number,
            *wanted,
            reason,
            [str(role) for role in seen.staff.roles],
        )
    except (TooMany, Conflict, NotFound) as problem:
        wait = problem_pages.wait_words(request, problem.fields.get("retry_after_s"))
        form.add("what", problem.title, code=problem.code)
        answer = await _page(request, form, status=problem.status, next_step=problem.next_step, wait=wait)
        if wait:
            answer.headers["Retry-After"] = str(problem.fields["retry_after_s"])
        return answer
    return await _page(request, _form(request, {"what": form.value("what")}), shown=shown)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"what": _("What you need to see"), "reason": _("Reason")})


async def _page(
    request: Request, form: Form, *, shown: Revealed | None = None, status: int = 0, next_step: str = "", wait: str = ""
) -> Response:
    async with sessions.database(request).reading() as tx:
        order = await orders.reveal.desk_view(tx, request.path_params["number"])
        payment = await orders.payment_of(tx, order)
    return page(
        request, "orders_one.html", status=status or (422 if form.wrong else 200), here=f"{BASE}/{order.number}", order=order,
        payment=payment, form=form, shown=shown, next_step=next_step, wait=wait, base=f"{BASE}/{order.number}",
    )  # fmt: skip


routes = [
    Route(BASE, search, methods=["GET"]),
    Route(f"{BASE}/{{number}}", one, methods=["GET"]),
    Route(f"{BASE}/{{number}}/reveal", reveal, methods=["POST"]),
]
