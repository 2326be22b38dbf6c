"""Pages of the console: their frame, their problems, and the field for a reason.

Handlers raise problems; `within` shows them in the console's frame and leads whoever must sign in to the sign-in page.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.web import problem_pages, render, sessions, words
from holdfast.web.forms import Form

from . import access, sections

REASON_LENGTH_MIN, REASON_LENGTH_MAX = 4, 500
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
Handler = Callable[[Request], Awaitable[Response]]


def page(request: Request, template: str, *, status: int = 200, here: str | None = None, **context: Any) -> Response:
    """A template of ``templates/console`` in the console's frame; nothing of it is kept by browsers or caches."""
    session: accounts.StaffSession | None = getattr(request.state, "staff_session", None)
    staff = session.staff if session else None
    menu = sections.open_to(staff, request.app.routes) if staff else []
    section = sections.section_of(request.url.path)
    return render.page(
        request, f"console/{template}", status=status, headers=HEADERS, here=here, staff=staff, session=session, menu=menu,
        section=section.path if section else "", role_names=sections.ROLE_NAMES, **context,
    )  # fmt: skip


def within(route: Route) -> Route:
    """The same route with its problems shown in the console's frame."""
    handler: Handler = route.endpoint

    @functools.wraps(handler)
    async def shown(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            return await problem_page(request, problem)
        except HTTPException as problem:
            return await missing_page(request, problem)

    return Route(route.path, shown, methods=list(route.methods or ()), name=route.name)


async def problem_page(request: Request, problem: Problem) -> Response:
    """What happened, what is safe, what to do next; the sign-in page for whoever is not signed in and wanted to read."""
    if isinstance(problem, accounts.StaffSignInNeeded) and request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        return sessions.see("/console/session", next=request.url.path + query)
    wait_s = problem.fields.get("retry_after_s")
    answer = page(
        request, "problem.html", status=problem.status, here=_here(request), title=problem.title, safe=problem.safe,
        next_step=problem.next_step or "Go back and try another way.", errors=problem.errors,
        needed=problem.fields.get("roles", []), wait=problem_pages.wait_words(request, wait_s),
    )  # fmt: skip
    if wait_s:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


async def missing_page(request: Request, error: Exception) -> Response:
    """No such page, for members of staff; others are not told what there is."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if await access.known(request) is None:
        return await problem_page(request, accounts.StaffSignInNeeded())
    title, _safe, _next_step = words.MISSING
    return page(
        request, "problem.html", status=status, here=_here(request), title=title, safe="", errors=[], needed=[], wait="",
        next_step="Check the address for a typing mistake, or begin at the start page.",
    )  # fmt: skip


async def nowhere(request: Request) -> Response:
    """Every address below the console that no section serves."""
    raise HTTPException(404)


def _here(request: Request) -> str | None:
    """Where the language switch leads: an address that can be opened with GET."""
    return None if request.method in ("GET", "HEAD") else access.PATH


def read_reason(form: Form, field: str = "reason") -> str:
    """Why somebody does a dangerous thing, as the audit trail keeps it; what is wrong stands in the form."""
    reason = " ".join(form.value(field).split())
    if not REASON_LENGTH_MIN <= len(reason) <= REASON_LENGTH_MAX:
        form.add("reason", "Say why, in 4 to 500 characters: it is kept in the audit trail.")
    return reason


def add_problem(form: Form, problem: Problem, field: str = "") -> None:
    """A problem of the input beside its fields: an InvalidInput by its own, another one at `field`."""
    if isinstance(problem, InvalidInput) or (problem.errors and not field):
        form.add_found(problem.errors)
        return
    form.add(field, problem.title, code=problem.code)
