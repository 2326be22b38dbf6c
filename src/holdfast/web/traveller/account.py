"""Signing in with a code, signing out here and everywhere, and where one is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit import crypto
from holdfast.web import contacts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import page, query, speaker


async def ask_phone(request: Request) -> Response:
    """``GET /session``: step one, the phone. Whoever is signed in already is led on."""
    following = sessions.local_path(sessions.asked(request, "next", 500))
    if await sessions.visitor(request) is not None:
        return sessions.see(following)
    return _session_page(request, _form(request, {"next": following}))


async def send_code(request: Request) -> Response:
    """``POST /session/code``: sends a code; the same page then asks for it."""
    form = _form(request, await sessions.typed(request))
    notice = await contacts.send_code(request, form)
    form.values["code"] = ""
    too_soon = "code" in form.wrong
    return _session_page(
        request, form, notice=notice, code_sent=bool(notice) or too_soon, status=422 if form.wrong else 200
    )


async def sign_in(request: Request) -> Response:
    """``POST /session``: step two, the code."""
    form = _form(request, await sessions.typed(request))
    phone = contacts.read_phone(form)
    if not form.value("code").strip():
        form.add("code", "Enter the code from the message.")
    signed_in = await contacts.prove(request, form, phone) if phone and not form.wrong else None
    if signed_in is None:
        return _session_page(request, form, code_sent=True, status=422)
    return sessions.begin(sessions.see(form.value("next")), signed_in, kept=bool(form.value("kept")))


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    values["next"] = sessions.local_path(values.get("next", ""))
    return Form(values, labels={"phone": _("Mobile phone"), "code": _("Six-digit code")})


def _session_page(
    request: Request, form: Form, *, notice: str = "", code_sent: bool = False, status: int = 200
) -> Response:
    following = form.value("next")
    here = "/session" + query(next=following)
    return page(
        request,
        "traveller/session.html",
        status=status,
        here=here,
        form=form,
        next=following,
        notice=notice,
        code_sent=code_sent,
    )


async def account(request: Request) -> Response:
    """``GET /account``: where the visitor is signed in."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    found = await sessions.database(request).read(accounts.devices, known.account_id)
    this = crypto.digest(request.cookies.get(sessions.COOKIE, ""))
    return page(
        request, "traveller/account.html", devices=[(device, bytes(device.token_hash) == this) for device in found]
    )


async def sign_out(request: Request) -> Response:
    """``POST /session/end``."""
    token = request.cookies.get(sessions.COOKIE, "")
    if token:
        await sessions.database(request).run(accounts.sign_out, token)
        request.app.state.doorkeeper.forget(token)
    return sessions.end(sessions.see("/"))


async def sign_out_everywhere(request: Request) -> Response:
    """``POST /account/sessions/end``: every device of the person."""
    known = await sessions.visitor(request)
    if known is not None:
        await sessions.database(request).run(accounts.sign_out_everywhere, known.account_id)
        request.app.state.doorkeeper.forget_all()
    return sessions.end(sessions.see("/"))


routes = [
    Route("/session", ask_phone, methods=["GET"]),
    Route("/session", sign_in, methods=["POST"]),
    Route("/session/code", send_code, methods=["POST"]),
    Route("/session/end", sign_out, methods=["POST"]),
    Route("/account", account, methods=["GET"]),
    Route("/account/sessions/end", sign_out_everywhere, methods=["POST"]),
]
