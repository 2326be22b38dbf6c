"""The page behind a set-up link: scan the secret, choose a password, prove it with a first code."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import add_problem, page


async def show(request: Request) -> Response:
    """``GET /console/setup/{code}``."""
    return await _page(request, _form(request, {}))


async def finish(request: Request) -> Response:
    """``POST /console/setup/{code}``: sets both and begins a session."""
    form = _form(request, await sessions.typed(request))
    password, again = form.value("password"), form.value("again")
    code = contacts.plain_digits(form.value("code"))
    form.values = {}
    if password != again:
        form.add("again", "The two passwords differ. Type both again.")
        return await _page(request, form)
    try:
        signed_in = await accounts.staff_set_up(
            sessions.database(request), _code(request), password, code, device=sessions.device(request),
            source=sessions.source(request),
        )  # fmt: skip
    except accounts.PasswordUnfit as problem:
        return await _page(request, form, problem)
    except accounts.SetupCodeWrong as problem:
        return await _page(request, form, problem, "code")
    return access.begin(sessions.see("/console"), signed_in.token)


def _code(request: Request) -> str:
    code: str = request.path_params["code"]
    return code


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"password": _("New password"), "again": _("The same again"), "code": _("Code")}
    return Form(values, labels=labels)


async def _page(request: Request, form: Form, problem: Problem | None = None, field: str = "") -> Response:
    setup = await sessions.database(request).read(accounts.staff_setup_of, _code(request))
    if problem:
        add_problem(form, problem, field)
    return page(request, "setup.html", status=422 if form.wrong else 200, form=form, setup=setup)


routes = [
    Route("/console/setup/{code}", show, methods=["GET"]),
    Route("/console/setup/{code}", finish, methods=["POST"]),
]
