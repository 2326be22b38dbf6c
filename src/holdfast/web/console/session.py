"""Signing in and out at the console, and where one is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.web import contacts, problem_pages, sessions
from holdfast.web.forms import Form
from holdfast.web.render import query, speaker

from . import access
from .pages import page


async def ask(request: Request) -> Response:
    """``GET /console/session``: login, password and code. Whoever is signed in already is led on."""
    following = access.local_path(sessions.asked(request, "next", 500))
    if await access.known(request) is not None:
        return sessions.see(following)
    return _page(request, _form(request, {"next": following}))


async def sign_in(request: Request) -> Response:
    """``POST /console/session``."""
    form = _form(request, await sessions.typed(request))
    login, password = form.value("login"), form.value("password")
    code = contacts.plain_digits(form.value("code"))
    form.values |= {"password": "", "code": ""}
    if not (login.strip() and password and code.strip()):
        form.add("login", "Fill in all three fields.")
        return _page(request, form)
    try:
        signed_in = await accounts.staff_sign_in(
            sessions.database(request), login, password, code, device=sessions.device(request),
            source=sessions.source(request),
        )  # fmt: skip
    except (accounts.StaffSignInWrong, accounts.StaffSignInPaused) as problem:
        return _page(request, form, problem)
    return access.begin(sessions.see(form.value("next")), signed_in.token)


async def sign_in_with_passkey(request: Request) -> Response:
    """``POST /console/session/passkey``: what the browser's passkey answered."""
    form = _form(request, await sessions.typed(request))
    try:
        signed_in = await accounts.staff_sign_in_with_passkey(
            sessions.database(request),
            form.value("answer"),
            device=sessions.device(request),
            source=sessions.source(request),
        )
    except (accounts.StaffSignInWrong, accounts.StaffSignInPaused) as problem:
        return _page(request, form, problem)
    return access.begin(sessions.see(form.value("next")), signed_in.token)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    values["next"] = access.local_path(values.get("next", ""))
    return Form(values, labels={"login": _("Login"), "password": _("Password"), "code": _("Code")})


def _page(
    request: Request, form: Form, problem: accounts.StaffSignInWrong | accounts.StaffSignInPaused | None = None
) -> Response:
    status = problem.status if problem else 422 if form.wrong else 200
    wait_s = problem.fields.get("retry_after_s") if problem else None
    answer = page(
        request, "session.html", status=status, here="/console/session" + query(next=form.value("next")), form=form,
        problem=problem, wait=problem_pages.wait_words(request, wait_s), passkey_options=accounts.staff_passkey_sign_in_options(),
    )  # fmt: skip
    if wait_s:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


async def account(request: Request) -> Response:
    """``GET /console/account``: who I am, where I am signed in, which programs act for me."""
    seen = await access.require(request)
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        devices = await accounts.staff_devices(tx, seen.staff.id)
        tokens = await accounts.api_tokens(tx, seen.staff.id)
        passkeys = await accounts.staff_passkeys(tx, seen.staff.id)
    this = session.token_hash if session else b""
    listed = [(device, bytes(device.token_hash) == this) for device in devices]
    return page(request, "account.html", devices=listed, tokens=tokens, passkeys=passkeys)


async def sign_out(request: Request) -> Response:
    """``POST /console/session/end``: this session."""
    session = await access.known(request)
    if session is not None:
        token = request.cookies.get(access.COOKIE, "")
        await sessions.database(request).run(accounts.staff_sign_out, session.staff.actor, token)
    return access.end(sessions.see("/console/session"))


async def sign_out_everywhere(request: Request) -> Response:
    """``POST /console/account/sessions/end``: every session of mine."""
    seen = await access.require(request)
    await sessions.database(request).run(accounts.staff_sign_out_everywhere, seen.staff)
    return access.end(sessions.see("/console/session"))


routes = [
    Route("/console/session", ask, methods=["GET"]),
    Route("/console/session", sign_in, methods=["POST"]),
    Route("/console/session/passkey", sign_in_with_passkey, methods=["POST"]),
    Route("/console/session/end", sign_out, methods=["POST"]),
    Route("/console/account", account, methods=["GET"]),
    Route("/console/account/sessions/end", sign_out_everywhere, methods=["POST"]),
]
