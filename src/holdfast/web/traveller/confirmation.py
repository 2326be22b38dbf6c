"""Confirming that it is still the person who signed in, before what could cost them their account; then back to where they were."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import identifiers
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, query, speaker

PATH = "/account/confirm"
CODE_REFUSALS = (accounts.CodeWrong, accounts.CodeExpired)
PASSWORD_REFUSALS = (accounts.PasswordWrong, accounts.SignInPaused, accounts.MethodRestricted)


async def ask(request: Request) -> Response:
    """``GET /account/confirm``: by what the account has; whoever has just proven it is led on."""
    known = await sessions.visitor_now(request)
    form = _form(request, {"next": sessions.asked(request, "next", 500)})
    if accounts.is_fresh(known):
        return sessions.see(form.value("next"))
    return await _page(request, known, form)


async def send_code(request: Request) -> Response:
    """``POST /account/confirm/code``: a code to a phone or an address of the account."""
    known = await sessions.visitor_now(request)
    form = _form(request, await sessions.typed(request))
    form.values["code"] = ""
    try:
        sent = await accounts.send_confirmation_code(
            sessions.database(request), known, _identifier(form), language(request), sessions.place(request)
        )
    except accounts.TooManyCodes as problem:
        contacts.add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")))
        return await _page(request, known, form, code_sent=True, status=422)
    return await _page(request, known, form, code_sent=True, notice=contacts.sent_words(request, sent))


async def confirm(request: Request) -> Response:
    """``POST /account/confirm``: the code, or the password."""
    known = await sessions.visitor_now(request)
    form = _form(request, await sessions.typed(request))
    password, form.values["password"] = form.value("password"), ""
    by_code = bool(form.value("identifier"))
    if not (form.value("code").strip() if by_code else password):
        form.add(*(("code", "Enter the code from the message.") if by_code else ("password", "Enter your password.")))
        return await _page(request, known, form, code_sent=by_code, status=422)
    db, place = sessions.database(request), sessions.place(request)
    try:
        if by_code:
            await accounts.confirm_with_code(db, known, _identifier(form), contacts.typed_code(form), place)
        else:
            await accounts.confirm_with_password(db, known, password, place)
    except CODE_REFUSALS as problem:
        contacts.add_code_problem(request, form, problem)
        return await _page(request, known, form, code_sent=True, status=422)
    except PASSWORD_REFUSALS as problem:
        contacts.add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")), "password")
        return await _page(request, known, form, status=problem.status)
    return _confirmed(request, form)


async def confirm_with_passkey(request: Request) -> Response:
    """``POST /account/confirm/passkey``: what the browser's passkey answered."""
    known = await sessions.visitor_now(request)
    form = _form(request, await sessions.typed(request))
    try:
        await accounts.confirm_with_passkey(sessions.database(request), known, form.value("answer"))
    except accounts.PasskeyRefused as problem:
        return await _page(request, known, form, problem=problem, status=problem.status)
    return _confirmed(request, form)


def _confirmed(request: Request, form: Form) -> Response:
    request.app.state.doorkeeper.forget(request.cookies.get(sessions.COOKIE, ""))
    return sessions.see(form.value("next"))


def _identifier(form: Form) -> UUID:
    """Which phone or address was chosen. CredentialUnknown."""
    with suppress(ValueError):
        return UUID(form.value("identifier"))
    raise accounts.CredentialUnknown


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    values["next"] = sessions.local_path(values.get("next", ""), "/account/security")
    return Form(values, labels={"code": _("Six-digit code"), "password": _("Password")})


async def _page(
    request: Request, known: accounts.Session, form: Form, *, code_sent: bool = False, notice: str = "",
    problem: Problem | None = None, status: int = 200,
) -> Response:  # fmt: skip
    async with sessions.database(request).reading() as tx:
        credentials = await identifiers.credentials(tx, known.account_id)
        options = await accounts.passkey_confirmation_options(tx, known)
    reachable = [one for one in credentials.identifiers if one.kind != "external"]
    elsewhere = {one.masked.partition(":")[0] for one in credentials.identifiers if one.kind == "external"}
    following = form.value("next")
    return page(
        request, "traveller/confirmation.html", status=status, here=PATH + query(next=following), form=form, next=following,
        reachable=reachable, has_password=credentials.password_set_at is not None, passkey_options=options,
        providers=[one for one in accounts.providers() if one.id in elsewhere and one.id_token], code_sent=code_sent,
        notice=notice, problem=problem,
    )  # fmt: skip


routes = [
    Route(PATH, ask, methods=["GET"]),
    Route(PATH, confirm, methods=["POST"]),
    Route(PATH + "/code", send_code, methods=["POST"]),
    Route(PATH + "/passkey", confirm_with_passkey, methods=["POST"]),
]
