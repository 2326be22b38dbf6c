"""Who is at the console: the staff session in a cookie of its own, and what their roles open.

The cookie is SameSite=Strict and sent to ``/console`` alone: no link or form on another site can use it, and the
travellers' pages never see it.
"""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from holdfast import accounts
from holdfast.kit.actor import Actor
from holdfast.web import sessions

COOKIE = "hf_staff"
PATH = "/console"


class Seen(NamedTuple):
    """Somebody at the console, and whom the audit trail will name."""

    staff: accounts.Staff
    actor: Actor


async def known(request: Request) -> accounts.StaffSession | None:
    """Who is signed in here, asked once per request; using the console keeps the session alive."""
    if not hasattr(request.state, "staff_session"):
        token = request.cookies.get(COOKIE, "")
        found = await accounts.staff_of_token(sessions.database(request), token) if token else None
        request.state.staff_session = found
    session: accounts.StaffSession | None = request.state.staff_session
    return session


async def require(request: Request, *roles: str) -> Seen:
    """Somebody who has one of these roles, or any member of staff when none is named.

    StaffSignInNeeded leads to the sign-in page and back; RoleMissing is written into the audit trail.
    """
    assert set(roles) <= set(accounts.Role), roles
    session = await known(request)
    if session is None:
        raise accounts.StaffSignInNeeded
    if not session.staff.may(*roles):
        await accounts.note_refusal(sessions.database(request), session.staff, request.url.path, roles)
        raise accounts.RoleMissing(roles=list(roles))
    return Seen(session.staff, session.staff.actor)


def begin(answer: Response, token: str) -> Response:
    """Puts the session's cookie on an answer; it goes when the browser is closed."""
    answer.set_cookie(COOKIE, token, path=PATH, httponly=True, samesite="strict", secure=sessions.is_secure())
    return answer


def end(answer: Response) -> Response:
    """Takes the cookie back, and what the browser kept of pages."""
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict", secure=sessions.is_secure())
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def local_path(typed: str) -> str:
    """Where to go after signing in: a page of the console, never another site."""
    path = sessions.local_path(typed, PATH)
    return path if path == PATH or path.startswith((PATH + "/", PATH + "?")) else PATH
