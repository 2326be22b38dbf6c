"""Catalogue files at the console: prices, hours, slots and products are sent, looked at, approved by a second person, undone."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import changes, orders
from holdfast.accounts import Role
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.inventory import policies
from holdfast.kit.problems import Conflict
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, capacity_words, uploads
from .capacity import HERE, READERS
from .pages import add_problem, page, read_reason

FILE_BYTES_MAX = 4 * 1024 * 1024
MISTAKES_SHOWN = 100


async def files(request: Request) -> Response:
    """``GET /console/capacity/catalogue``: the form, and what was sent before."""
    await access.require(request, *READERS)
    return await _page(request, _form(request, {}))


async def _page(request: Request, form: Form, mistakes: list[dict[str, object]] | None = None) -> Response:
    async with sessions.database(request).reading() as tx:
        waiting = await changes.queue(tx, orders.displacement_catalogue.KIND)
        decided = await changes.recent(tx, orders.displacement_catalogue.KIND, 20)
    return page(
        request, "capacity_catalogue.html", status=422 if form.wrong or mistakes else 200, here=f"{HERE}/catalogue", form=form,
        waiting=waiting, decided=decided, mistakes=(mistakes or [])[:MISTAKES_SHOWN], wrong_count=len(mistakes or []),
        w=capacity_words,
    )  # fmt: skip


async def propose(request: Request) -> Response:
    """``POST /console/capacity/catalogue``: a file is tried and proposed; every mistake in it is listed at once."""
    seen = await access.require(request, Role.OPERATIONS)
    values, name, content = await uploads.sent(request, FILE_BYTES_MAX, "catalogue.json")
    form = _form(request, values)
    reason = read_reason(form)
    if not content:
        form.add("file", "Choose a JSON or CSV file of at most 4 MB.")
    if form.wrong:
        return await _page(request, form)
    try:
        made = await orders.displacement_catalogue.propose(
            sessions.database(request), seen.actor, content, name, reason, retire_missing=form.value("retire") == "1"
        )
    except CatalogueFileUnreadable as problem:
        return await _page(request, form, problem.errors)
    except (policies.PlanEmpty, Conflict) as problem:
        add_problem(form, problem, "file")
        return await _page(request, form)
    return sessions.see(f"{HERE}/proposals/{made.id}")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"file": _("File"), "reason": _("Reason")})


routes = [
    Route(f"{HERE}/catalogue", files, methods=["GET"]),
    Route(f"{HERE}/catalogue", propose, methods=["POST"]),
]
