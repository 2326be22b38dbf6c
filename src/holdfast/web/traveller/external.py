"""Going to an identity provider and coming back: to sign in, to add it to the account, to confirm."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import external
from holdfast.accounts.external_model import Identity
from holdfast.kit import settings
from holdfast.web import sessions
from holdfast.web.render import language

COOKIE = "hf_external"
PATH = "/session/external"


async def set_off(request: Request) -> Response:
    """``GET /session/external/{provider}``: on to the provider, with ``next`` to come back to."""
    following = sessions.local_path(sessions.asked(request, "next", 500))
    return await _away(request, "sign-in", following)


async def add(request: Request) -> Response:
    """``GET /account/security/external/{provider}``: to add an identity to the account. Needs a fresh proof."""
    known = await sessions.visitor_now(request)
    accounts.require_fresh(known)
    return await _away(request, "add", "/account/security", known)


async def confirm(request: Request) -> Response:
    """``GET /account/confirm/external/{provider}``: a fresh proof there counts here."""
    known = await sessions.visitor_now(request)
    return await _away(request, "confirm", sessions.local_path(sessions.asked(request, "next", 500), "/account"), known)


async def _away(
    request: Request, purpose: external.Purpose, following: str, known: accounts.Session | None = None
) -> Response:
    provider_id = str(request.path_params["provider"])
    url, cookie = await external.set_off(
        provider_id, purpose, redirect_uri=f"{settings.current().base_url}{PATH}/{provider_id}/return", following=following,
        account_id=known.account_id if known else None,
    )  # fmt: skip
    answer = sessions.see(url)
    answer.set_cookie(
        COOKIE, cookie, max_age=external.TTL_S, path=PATH, httponly=True, samesite="lax", secure=sessions.is_secure()
    )
    return answer


async def come_back(request: Request) -> Response:
    """``GET /session/external/{provider}/return``: who it is, and on to where they wanted to go."""
    provider_id, db = str(request.path_params["provider"]), sessions.database(request)
    returned = {
        name: sessions.asked(request, name, 2000)
        for name in ("code", "state", "iss", "error")
        if name in request.query_params
    }
    try:
        errand, who = await external.come_back(provider_id, request.cookies.get(COOKIE, ""), returned)
    except (accounts.ExternalRefused, accounts.ExternalUnavailable) as problem:
        await external.note_refusal(db, sessions.place(request), str(problem.fields.get("reason") or problem.code))
        raise
    answer = await _done(request, errand, who)
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax", secure=sessions.is_secure())
    return answer


async def _done(request: Request, errand: external.Errand, who: Identity) -> Response:
    db = sessions.database(request)
    if errand.purpose == "sign-in":
        signed_in = await external.sign_in_external(
            db, who, kept=False, place=sessions.place(request), locale=language(request)
        )
        return sessions.begin(sessions.see(errand.following), signed_in, kept=False)
    known = await sessions.visitor_now(request)
    if errand.purpose == "add":
        await external.add_external(db, known, errand, who)
    else:
        await external.confirm_external(db, known, errand, who)
        request.app.state.doorkeeper.forget(request.cookies.get(sessions.COOKIE, ""))
    return sessions.see(errand.following)


routes = [
    Route(PATH + "/{provider}", set_off, methods=["GET"]),
    Route(PATH + "/{provider}/return", come_back, methods=["GET"]),
    Route("/account/security/external/{provider}", add, methods=["GET"]),
    Route("/account/confirm/external/{provider}", confirm, methods=["GET"]),
]
