"""Passkeys of one's own staff account: adding one with the authenticator's code, removing one."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import page

PATH = "/console/account/passkeys"


async def ask(request: Request) -> Response:
    """``GET /console/account/passkeys``."""
    await access.require(request)
    return await _page(request, _form(request, {}))


async def add(request: Request) -> Response:
    """``POST /console/account/passkeys``: what the browser made, and the code the authenticator shows."""
    seen = await access.require(request)
    form = _form(request, await sessions.typed(request))
    code, form.values["code"] = contacts.typed_code(form), ""
    try:
        await accounts.add_staff_passkey(
            sessions.database(request),
            seen.staff,
            form.value("answer"),
            form.value("name") or sessions.device(request),
            code,
        )
    except (
        accounts.SetupCodeWrong,
        accounts.PasskeyRefused,
        accounts.PasskeyKnown,
        accounts.StaffSignInPaused,
    ) as problem:
        contacts.add_problem(form, problem)
        return await _page(request, form)
    return sessions.see("/console/account")


async def remove(request: Request) -> Response:
    """``POST /console/account/passkeys/{id}/removal``."""
    seen = await access.require(request)
    with suppress(ValueError):
        await sessions.database(request).run(
            accounts.remove_staff_passkey, seen.staff, UUID(str(request.path_params["id"]))
        )
        return sessions.see("/console/account")
    raise HTTPException(404)


def _form(request: Request, values: dict[str, str]) -> Form:
    return Form(values, labels={"code": speaker(request)("Code")})


async def _page(request: Request, form: Form) -> Response:
    seen = await access.require(request)
    async with sessions.database(request).reading() as tx:
        options = await accounts.staff_passkey_creation_options(tx, seen.staff)
    return page(
        request, "passkeys.html", status=422 if form.wrong else 200, here=PATH, form=form, passkey_options=options,
        device=sessions.device(request),
    )  # fmt: skip


routes = [
    Route(PATH, ask, methods=["GET"]),
    Route(PATH, add, methods=["POST"]),
    Route(PATH + "/{id}/removal", remove, methods=["POST"]),
]
