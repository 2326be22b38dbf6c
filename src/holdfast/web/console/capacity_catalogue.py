"""Catalogue files at the console: prices, hours, slots and products are sent, looked at, approved by a second person, undone."""

from __future__ import annotations

from starlette.datastructures import UploadFile
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

from . import access, capacity_words
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
    values, name, content = await _sent(request)
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


async def _sent(request: Request) -> tuple[dict[str, str], str, bytes]:
    """The fields of the form, the file's name and content; no content when there is none, or far too much."""
    typed = request.headers.get("content-length", "")
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if not is_form or not typed.isdigit() or int(typed) > FILE_BYTES_MAX + 64 * 1024:
        return {}, "", b""
    async with request.form(max_files=1, max_fields=20) as sent:
        values = {key: value for key, value in sent.items() if isinstance(value, str)}
        file = sent.get("file")
        if not isinstance(file, UploadFile):
            return values, "", b""
        return values, file.filename or "catalogue.json", await file.read()


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"file": _("File"), "reason": _("Reason")})


routes = [
    Route(f"{HERE}/catalogue", files, methods=["GET"]),
    Route(f"{HERE}/catalogue", propose, methods=["POST"]),
]
