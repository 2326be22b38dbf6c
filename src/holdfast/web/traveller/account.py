"""The account: where the visitor is signed in, signing out here, on one device and everywhere."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit import crypto
from holdfast.web import sessions
from holdfast.web.render import page


async def account(request: Request) -> Response:
    """``GET /account``: where the visitor is signed in."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    return page(request, "traveller/account.html", devices=await devices(request, known))


async def devices(request: Request, known: accounts.Session) -> list[tuple[accounts.Device, bool]]:
    """The live sessions of the visitor, each with whether it is this one."""
    found = await sessions.database(request).read(accounts.devices, known.account_id)
    this = crypto.digest(request.cookies.get(sessions.COOKIE, ""))
    return [(device, bytes(device.token_hash) == this) for device in found]


async def sign_out(request: Request) -> Response:
    """``POST /session/end``."""
    token = request.cookies.get(sessions.COOKIE, "")
    if token:
        await sessions.database(request).run(accounts.sign_out, token)
        request.app.state.doorkeeper.forget(token)
    return sessions.end(sessions.see("/"))


async def sign_out_device(request: Request) -> Response:
    """``POST /account/sessions/{id}/end``: one device of the visitor, by its name in the list."""
    known = await sessions.visitor_now(request)
    await sessions.database(request).run(accounts.sign_out_device, known.account_id, str(request.path_params["id"]))
    request.app.state.doorkeeper.forget_all()
    return sessions.see("/account/security#devices")


async def sign_out_everywhere(request: Request) -> Response:
    """``POST /account/sessions/end``: every device of the person."""
    known = await sessions.visitor(request)
    if known is not None:
        await sessions.database(request).run(accounts.sign_out_everywhere, known.account_id)
        request.app.state.doorkeeper.forget_all()
    return sessions.end(sessions.see("/"))


routes = [
    Route("/session/end", sign_out, methods=["POST"]),
    Route("/account", account, methods=["GET"]),
    Route("/account/sessions/end", sign_out_everywhere, methods=["POST"]),
    Route("/account/sessions/{id}/end", sign_out_device, methods=["POST"]),
]
