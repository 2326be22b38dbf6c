"""Security of the account: what identifies it and what opens it, adding and removing; devices and recent sign-ins."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import identifiers
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, speaker

from .account import devices

PATH = "/account/security"
METHODS = {"code": "One-time code", "password": "Password", "passkey": "Passkey", "external": "Another site"}
"""How somebody signed in; English, translated."""
REASONS = {
    "code-wrong": "wrong code",
    "code-expired": "code no longer valid",
    "password-wrong": "wrong password",
    "passkey-refused": "passkey refused",
}


async def security(request: Request) -> Response:
    """``GET /account/security``."""
    return await _page(request, await sessions.visitor_now(request), _form(request, {}))


async def send_code(request: Request) -> Response:
    """``POST /account/security/codes``: a code to a phone or an address that shall be added."""
    known = await _fresh(request)
    form = _form(request, await sessions.typed(request))
    channel = _channel(form)
    contact = contacts.read(form, channel)
    if contact is None:
        return await _page(request, known, form, adding=channel, status=422)
    try:
        sent = await identifiers.request_identifier_code(
            sessions.database(request), known, channel, contact, language(request), sessions.place(request)
        )
    except accounts.TooManyCodes as problem:
        contacts.add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")))
        return await _page(request, known, form, adding=channel, code_sent=True, status=422)
    form.values["code"] = ""
    return await _page(request, known, form, adding=channel, code_sent=True, notice=contacts.sent_words(request, sent))


async def add_identifier(request: Request) -> Response:
    """``POST /account/security/identifiers``: the code that proves it."""
    known = await _fresh(request)
    form = _form(request, await sessions.typed(request))
    channel = _channel(form)
    contact = contacts.read(form, channel)
    if not form.value("code").strip():
        form.add("code", "Enter the code from the message.")
    if contact is None or form.wrong:
        return await _page(request, known, form, adding=channel, code_sent=True, status=422)
    try:
        await identifiers.add_identifier(
            sessions.database(request), known, channel, contact, contacts.typed_code(form), sessions.place(request)
        )
    except (accounts.CodeWrong, accounts.CodeExpired) as problem:
        contacts.add_code_problem(request, form, problem)
        return await _page(request, known, form, adding=channel, code_sent=True, status=422)
    except accounts.IdentifierYours as problem:
        contacts.add_problem(form, problem, "", channel)
        return await _page(request, known, form, adding=channel, status=problem.status)
    return _done(request)


async def remove_identifier(request: Request) -> Response:
    """``POST /account/security/identifiers/{id}/removal``."""
    known = await _fresh(request)
    await sessions.database(request).run(identifiers.remove_identifier, known, sessions.id_in(request))
    return _done(request)


async def add_passkey(request: Request) -> Response:
    """``POST /account/security/passkeys``: what the browser made."""
    known = await _fresh(request)
    form = _form(request, await sessions.typed(request))
    name = form.value("name").strip() or sessions.device(request)
    try:
        await sessions.database(request).run(accounts.add_passkey, known, form.value("answer"), name)
    except (accounts.PasskeyRefused, accounts.PasskeyKnown) as problem:
        return await _page(request, known, form, problem=problem, status=problem.status)
    return _done(request)


async def remove_passkey(request: Request) -> Response:
    """``POST /account/security/passkeys/{id}/removal``."""
    known = await _fresh(request)
    await sessions.database(request).run(accounts.remove_passkey, known, sessions.id_in(request))
    return _done(request)


async def set_password(request: Request) -> Response:
    """``POST /account/security/password``: a first or a new one."""
    known = await _fresh(request)
    form = _form(request, await sessions.typed(request))
    password, form.values["password"] = form.value("password"), ""
    try:
        await identifiers.set_password(sessions.database(request), known, password)
    except accounts.PasswordWeak as problem:
        form.add_found(problem.errors)
        return await _page(request, known, form, status=problem.status)
    return _done(request)


async def remove_password(request: Request) -> Response:
    """``POST /account/security/password/removal``."""
    known = await _fresh(request)
    await sessions.database(request).run(identifiers.remove_password, known)
    return _done(request)


async def _fresh(request: Request) -> accounts.Session:
    """Who is signed in and has proven it a moment ago. SignInNeeded, FreshProofNeeded."""
    known = await sessions.visitor_now(request)
    accounts.require_fresh(known)
    return known


def _done(request: Request) -> Response:
    """Back to the list, which shows what was done."""
    request.app.state.doorkeeper.forget(request.cookies.get(sessions.COOKIE, ""))
    return sessions.see(PATH)


def _channel(form: Form) -> contacts.Channel:
    return "email" if form.value("way") == "email" else "phone"


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "phone": _("Mobile phone"), "email": _("E-mail address"), "code": _("Six-digit code"), "password": _("Password"),
    }  # fmt: skip
    return Form(values, labels=labels)


async def _page(
    request: Request, known: accounts.Session, form: Form, *, adding: str = "", code_sent: bool = False, notice: str = "",
    problem: Problem | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """`adding` names the kind whose form is being filled in."""
    async with sessions.database(request).reading() as tx:
        credentials = await identifiers.credentials(tx, known.account_id)
        recent = await accounts.attempts.recent(tx, known.account_id)
        options = await accounts.passkey_creation_options(tx, known)
    return page(
        request, "traveller/security.html", status=status, here=PATH, form=form, credentials=credentials, recent=recent,
        devices=await devices(request, known), fresh=accounts.is_fresh(known), passkey_options=options, adding=adding,
        code_sent=code_sent, notice=notice, problem=problem, providers=accounts.providers(), methods=METHODS, reasons=REASONS,
        device=sessions.device(request),
    )  # fmt: skip


routes = [
    Route(PATH, security, methods=["GET"]),
    Route(PATH + "/codes", send_code, methods=["POST"]),
    Route(PATH + "/identifiers", add_identifier, methods=["POST"]),
    Route(PATH + "/identifiers/{id}/removal", remove_identifier, methods=["POST"]),
    Route(PATH + "/passkeys", add_passkey, methods=["POST"]),
    Route(PATH + "/passkeys/{id}/removal", remove_passkey, methods=["POST"]),
    Route(PATH + "/password", set_password, methods=["POST"]),
    Route(PATH + "/password/removal", remove_password, methods=["POST"]),
]
