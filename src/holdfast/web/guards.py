"""Around every page: security headers, refusal of forms sent from other sites, and the language switch.

Session cookies are SameSite=Lax; besides, an unsafe request that a browser marks as coming from another site
(Fetch Metadata, or an Origin other than our Host) is refused.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.kit.i18n import LOCALES
from holdfast.kit.problems import Denied

from . import problem_pages, sessions
from .render import LANGUAGE_COOKIE, SECURITY_HEADERS

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NOT_PAGES = ("/api/", "/octo/", "/webhooks/")
"""Doors for programs: they carry tokens or signatures, never our cookie's authority."""
A_YEAR_S = 365 * 24 * 3600


class SentFromElsewhere(Denied):
    """This form was sent from another site."""

    safe = "Nothing was changed."
    next_step = "Open the page here and send the form again."


class Guards:
    """The middleware of the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(NOT_PAGES):
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if sessions.is_secure():
                    headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR_S}")
            await send(message)

        request = Request(scope, receive)
        if scope["method"] not in SAFE_METHODS and comes_from_elsewhere(request.headers):
            answer = await problem_pages.problem_page(request, SentFromElsewhere())
            await answer(scope, receive, send_guarded)
        elif scope["method"] == "GET" and (switched := _switched(request)):
            await switched(scope, receive, send_guarded)
        else:
            await self.app(scope, receive, send_guarded)


def comes_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site made this request. Programs without these headers pass."""
    if headers.get("sec-fetch-site") == "cross-site":
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _switched(request: Request) -> RedirectResponse | None:
    """For ``?lang=zh``: remembers the language and leads to the same page without it."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    wanted = dict(pairs).get("lang")
    if wanted not in LOCALES:
        return None
    rest = urlencode([(name, value) for name, value in pairs if name != "lang"])
    path = "/" + request.url.path.lstrip("/\\")
    answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
    answer.set_cookie(
        LANGUAGE_COOKIE, wanted, max_age=A_YEAR_S, path="/", samesite="lax", secure=sessions.is_secure(), httponly=True
    )
    return answer
