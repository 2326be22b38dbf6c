"""Signing in: with a code to a phone or an e-mail address, a password, a passkey; what was used on this device comes first."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import Method
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import page, query, speaker

Way = Literal["phone", "email", "password"]
WAYS: dict[str, Way] = {"phone": "phone", "email": "email", "password": "password"}
FIRST: dict[Method, Way] = {Method.CODE: "phone", Method.PASSWORD: "password"}
"""The form that opens for somebody who last signed in here so."""
TROUBLES = {
    Method.CODE: "Codes do not work well right now. Try another way below; nothing is lost.",
    Method.PASSWORD: "Passwords do not work well right now. Sign in with a code instead; nothing is locked.",
    Method.PASSKEY: "Passkeys do not work well right now. Sign in with a code instead; nothing is lost.",
    Method.EXTERNAL: "Signing in through other sites does not work well right now. Use a code instead; nothing is lost.",
}


async def ask(request: Request) -> Response:
    """``GET /session``: the form. Whoever is signed in already is led on."""
    following = sessions.local_path(sessions.asked(request, "next", 500))
    if await sessions.visitor(request) is not None:
        return sessions.see(following)
    return await _page(request, _form(request, {"next": following, "way": sessions.asked(request, "with", 20)}))


async def send_code(request: Request) -> Response:
    """``POST /session/code``: sends a code; the same page then asks for it."""
    form = _form(request, await sessions.typed(request))
    notice = await contacts.send_code(request, form, _channel(form))
    form.values["code"] = ""
    too_soon = "code" in form.wrong
    return await _page(
        request, form, notice=notice, code_sent=bool(notice) or too_soon, status=422 if form.wrong else 200
    )


async def sign_in(request: Request) -> Response:
    """``POST /session``: the code."""
    form = _form(request, await sessions.typed(request))
    contact = contacts.read(form, _channel(form))
    if not form.value("code").strip():
        form.add("code", "Enter the code from the message.")
    signed_in = await contacts.prove(request, form, contact, _channel(form)) if contact and not form.wrong else None
    if signed_in is None:
        return await _page(request, form, code_sent=True, status=422)
    return _begun(request, form, signed_in)


async def sign_in_with_password(request: Request) -> Response:
    """``POST /session/password``: a phone or an address, and the password that goes with it."""
    form = _form(request, await sessions.typed(request) | {"way": "password"})
    password, form.values["password"] = form.value("password"), ""
    channel, contact = _named(form)
    if not password:
        form.add("password", "Enter your password.")
    if contact is None or form.wrong:
        return await _page(request, form, status=422)
    try:
        signed_in = await accounts.sign_in_with_password(
            sessions.database(request), channel, contact, password, kept=bool(form.value("kept")),
            place=sessions.place(request),
        )  # fmt: skip
    except (accounts.PasswordWrong, accounts.SignInPaused, accounts.MethodRestricted) as problem:
        contacts.add_problem(form, problem, _wait(request, problem), "password")
        return await _page(request, form, status=problem.status)
    return _begun(request, form, signed_in)


def _named(form: Form) -> tuple[contacts.Channel, str | None]:
    """What was typed as a name: an e-mail address when there is an @ in it, else a phone number."""
    typed = form.value("name").strip()
    if "@" in typed or "＠" in typed:
        contact, findings = accounts.check_email(typed, "name")
        form.add_found(findings)
        return "email", contact
    contact, findings = accounts.check_phone(typed, "name")
    form.add_found(findings)
    return "phone", contact


def _wait(request: Request, problem: Problem) -> str:
    return wait_words(request, problem.fields.get("retry_after_s"))


async def sign_in_with_passkey(request: Request) -> Response:
    """``POST /session/passkey``: what the browser's passkey answered."""
    form = _form(request, await sessions.typed(request))
    try:
        signed_in = await accounts.sign_in_with_passkey(
            sessions.database(request),
            form.value("answer"),
            kept=bool(form.value("kept")),
            place=sessions.place(request),
        )
    except (accounts.PasskeyRefused, accounts.SignInPaused) as problem:
        return await _page(request, form, problem=problem, status=problem.status)
    return _begun(request, form, signed_in)


def _begun(request: Request, form: Form, signed_in: accounts.SignedIn) -> Response:
    return sessions.begin(
        sessions.see(form.value("next")), signed_in, kept=bool(form.value("kept")),
        device_token=sessions.device_token(request),
    )  # fmt: skip


def _channel(form: Form) -> contacts.Channel:
    return "email" if form.value("way") == "email" else "phone"


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    values["next"] = sessions.local_path(values.get("next", ""))
    values["way"] = WAYS.get(values.get("way", ""), "")
    labels = {
        "phone": _("Mobile phone"), "email": _("E-mail address"), "name": _("Phone or e-mail address"),
        "password": _("Password"), "code": _("Six-digit code"),
    }  # fmt: skip
    return Form(values, labels=labels)


async def _page(
    request: Request, form: Form, *, notice: str = "", code_sent: bool = False, status: int = 200,
    problem: Problem | None = None,
) -> Response:  # fmt: skip
    used, troubled = await _situation(request)
    first = next((FIRST[one] for one in used if one in FIRST), "phone")
    way = form.value("way") or first
    form.values["way"] = way
    following = form.value("next")
    answer = page(
        request, "traveller/session.html", status=status, here="/session" + query(next=following), form=form, next=following,
        notice=notice, code_sent=code_sent, way=way, used=[one.value for one in used],
        troubles=[TROUBLES[one] for one in troubled], problem=problem, providers=accounts.providers(),
        passkey_options=accounts.passkey_sign_in_options(), wait=_wait(request, problem) if problem else "",
    )  # fmt: skip
    if problem and problem.fields.get("retry_after_s"):
        answer.headers["Retry-After"] = str(problem.fields["retry_after_s"])
    return answer


async def _situation(request: Request) -> tuple[list[Method], list[Method]]:
    """The ways used on this device, and those that fail for everybody; nothing of both when the records are away."""
    token = request.cookies.get(sessions.DEVICE_COOKIE, "")
    try:
        async with sessions.database(request).reading() as tx:
            return await accounts.attempts.ways_used(tx, token[:200]), await accounts.breaker.troubled(tx)
    except Problem:
        return [], []


routes = [
    Route("/session", ask, methods=["GET"]),
    Route("/session", sign_in, methods=["POST"]),
    Route("/session/code", send_code, methods=["POST"]),
    Route("/session/password", sign_in_with_password, methods=["POST"]),
    Route("/session/passkey", sign_in_with_passkey, methods=["POST"]),
]
