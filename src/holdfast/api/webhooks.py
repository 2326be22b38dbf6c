"""Webhooks: where payment providers call back. Proven callbacks are stored and answered; a worker acts on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from holdfast import payments
from holdfast.kit import log
from holdfast.kit.problems import Problem

from . import problems
from .body import SenderGone, read

BODY_BYTES_MAX = 64 * 1024


class Inbox:
    """Where programs of others post: what `received` answers, a problem as a problem, and a fault that is logged."""

    def __init__(self, received: Callable[[Request, Receive], Awaitable[Response]]) -> None:
        self._received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            if request.method != "POST":
                raise problems.MethodNotAllowed(allow=["POST"])
            response = await self._received(request, receive)
        except Problem as problem:
            response = await problems.problem_response(request, problem)
        except SenderGone:
            return
        except Exception as error:
            problems.log_fault(scope, error)
            response = await problems.unexpected_response(request, error)
        await response(scope, receive, send)


async def _received(request: Request, receive: Receive) -> Response:
    """The provider's own word of thanks when it is stored, also for the second time; 401 when it is not proven."""
    provider = request.path_params["provider"]
    raw = await read(receive, request.headers.get("content-length", "").encode(), BODY_BYTES_MAX)
    try:
        thanks = await payments.receive(request.app.state.db, provider, request.headers, raw)
    except payments.Forged as forged:
        if not isinstance(forged, payments.Probe):
            log.get().warning("webhook.forged", provider=provider, reason=forged.reason)
        return JSONResponse({"code": "FAIL", "message": forged.reason}, 401)
    except KeyError as missing:
        if missing.args != (provider,):
            raise
        raise problems.EndpointUnknown from missing
    return Response(thanks.body, thanks.status, media_type=thanks.media_type if thanks.body else None)


route = Route("/webhooks/{provider}", Inbox(_received), name="api.webhooks")
