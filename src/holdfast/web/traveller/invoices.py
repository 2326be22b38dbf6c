"""Invoices of an order: asking for one, the list, and each as a file to keep or print."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import orders
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import page, speaker

from . import after_sale
from .orders import urls


async def show(request: Request) -> Response:
    """``GET /orders/{number}/invoice``."""
    return await _page(request, await after_sale.owned(request), Form({"kind": "person"}))


async def ask(request: Request) -> Response:
    """``POST /orders/{number}/invoice``: over all that is not invoiced yet."""
    seen = await after_sale.owned(request)
    _ = speaker(request)
    labels = {"title": _("Name on the invoice"), "code": _("Unified social credit code"), "email": _("E-mail")}
    form = Form(await sessions.typed(request), labels=labels)
    try:
        buyer = orders.invoices.check_buyer(
            form.value("kind"), form.value("title")[:400], form.value("code")[:64], form.value("email")[:320]
        )
        await sessions.database(request).run(orders.invoices.request, seen.actor, seen.order, buyer)
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return await _page(request, seen, form, status=422)
    except Problem as problem:
        return await _page(request, seen, form, problem, status=problem.status)
    return sessions.see(request.url.path)


async def _page(
    request: Request, seen: sessions.Seen, form: Form, problem: Problem | None = None, status: int = 200
) -> Response:
    async with sessions.database(request).reading() as tx:
        made = await orders.invoices.of_order(tx, seen.order)
        left = await orders.invoices.open_minor(tx, seen.order)
    return page(
        request,
        "traveller/invoice.html",
        status=status,
        here=f"/orders/{seen.order.number}/invoice",
        order=seen.order,
        urls=urls(seen.order.number, seen.token),
        form=form,
        problem=problem,
        invoices=made,
        left_minor=left,
    )


async def file(request: Request) -> Response:
    """``GET /orders/{number}/invoice/{seq}.html``: the document itself, as it was sent by e-mail."""
    seen = await after_sale.owned(request)
    async with sessions.database(request).reading() as tx:
        made = {one.seq: one for one in await orders.invoices.of_order(tx, seen.order)}
    one = made.get(request.path_params["seq"])
    if one is None or one.number is None:
        raise HTTPException(404)
    blue = next((other for other in made.values() if other.id == one.reverses), None)
    return Response(
        orders.invoices.document(one, seen.order, blue),
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="invoice-{one.number}.html"',
            "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


routes = [
    Route("/orders/{number}/invoice", show, methods=["GET"]),
    Route("/orders/{number}/invoice", ask, methods=["POST"]),
    Route("/orders/{number}/invoice/{seq:int}.html", file, methods=["GET"]),
]
