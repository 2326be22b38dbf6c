"""Problem pages: what happened, what is safe, what to do next, and the number under which we find it again."""

from __future__ import annotations

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit import clock
from holdfast.kit.problems import REGISTRY, Problem

from . import sessions, words
from .render import page, speaker

ACTIONS: dict[type[Problem], tuple[str, str]] = {
    accounts.SignInNeeded: ("/session", "Sign in"),
    accounts.FreshProofNeeded: ("/account/confirm", "Confirm that it is you"),
    accounts.IdentifierTaken: ("/account/merging", "Join the two accounts"),
}
"""Where a problem leads on: an address and what the button says."""


async def problem_page(request: Request, error: Exception) -> Response:
    """A domain's problem as a page; whoever must sign in first is led there and back."""
    assert isinstance(error, Problem)
    retry_after_s = error.fields.get("retry_after_s")
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"code": error.code, "title": error.title}, error.status, headers)
    if isinstance(error, accounts.SignInNeeded) and request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        return sessions.see("/session", next=request.url.path + query)
    if isinstance(error, accounts.FreshProofNeeded) and request.method in ("GET", "HEAD"):
        return sessions.see(
            "/account/confirm", next=request.url.path + (f"?{request.url.query}" if request.url.query else "")
        )
    action = next((where for kind, where in ACTIONS.items() if isinstance(error, kind)), None)
    return _page(
        request, error.status, error.title, safe=error.safe, next_step=error.next_step or "Go back and try another way.",
        headers=headers, retry_after_s=retry_after_s, errors=error.errors, action=action, code=error.code,
    )  # fmt: skip


async def about(request: Request) -> Response:
    """``GET /problems/{code}``: what a problem's type means; the address that problem+json names (RFC 9457 §3.1.1)."""
    kind = REGISTRY.get(request.path_params["code"])
    if kind is None:
        raise HTTPException(404)
    return page(
        request, "problems/problem.html", title=kind.title, safe=kind.safe, errors=[], wait="", kind_status=kind.status,
        next_step=kind.next_step or "Go back and try another way.", action=None,
    )  # fmt: skip


async def missing_page(request: Request, error: Exception) -> Response:
    """No such page (404), or not with this method (405)."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    title, safe, next_step = words.MISSING
    return _page(request, status, title, safe=safe, next_step=next_step)


async def unexpected_page(request: Request, error: Exception) -> Response:
    """A mistake of ours (500)."""
    title, safe, next_step = words.UNEXPECTED
    return _page(request, 500, title, safe=safe, next_step=next_step)


def _page(
    request: Request, status: int, title: str, *, safe: str, next_step: str, headers: dict[str, str] | None = None,
    retry_after_s: int | None = None, errors: list[dict[str, object]] | None = None, action: tuple[str, str] | None = None,
    code: str = "",
) -> Response:  # fmt: skip
    """Also where nothing else works: asks no database, and every address can be opened again with GET."""
    here = None if request.method in ("GET", "HEAD") else "/"
    return page(
        request, "problems/problem.html", status=status, headers=headers, here=here, title=title, safe=safe,
        next_step=next_step, errors=errors or [], action=action, wait=wait_words(request, retry_after_s), kind_status=None, problem_code=code or str(status),
    )  # fmt: skip


def wait_words(request: Request, retry_after_s: int | None) -> str:
    """When trying again makes sense, in words; empty when nobody knows."""
    if not retry_after_s:
        return ""
    _ = speaker(request)
    if retry_after_s < 90:
        return _("It makes sense to try again in {count} seconds.", count=retry_after_s)
    at = (clock.now() + timedelta(seconds=retry_after_s)) + timedelta(hours=8)
    return _("It makes sense to try again after {time} (Beijing time).", time=at.strftime("%H:%M"))


routes = [Route("/problems/{code}", about)]
