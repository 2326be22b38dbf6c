"""A visitor's data: what they agreed to, a copy of everything, having it erased, and who looked at it; and the terms.

What could cost somebody their data, or give them to somebody else, asks who they are once more (`accounts.require_fresh`).
"""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders
from holdfast.accounts import Purpose, Scope, consents, erasure, exports
from holdfast.kit.problems import Problem
from holdfast.web import sessions
from holdfast.web.console.sections import ROLE_NAMES
from holdfast.web.render import page

PATH = "/account/privacy"
FIELDS = {"name": "Name", "document": "Document number", "phone": "Mobile phone"}
"""What colleagues may have shown in clear; English, translated."""
EXPORT_STATES = {"asked": ("warn", "being made"), "ready": ("ok", "ready"), "ended": ("", "removed")}
"""State of a copy → the badge's tone and an English word."""


async def privacy(request: Request) -> Response:
    """``GET /account/privacy``."""
    return await _page(request, await sessions.visitor_now(request))


async def _page(request: Request, known: accounts.Session, problem: Problem | None = None) -> Response:
    async with sessions.database(request).reading() as tx:
        given = await consents.log(tx, known.account_id)
        copies = await exports.listed(tx, known.account_id)
        under_way = await erasure.current(tx, known.account_id)
        looks = await orders.rights.looks(tx, known.account_id)
        standing = {purpose: await consents.stands(tx, known.account_id, purpose) for purpose in Purpose}
    headers = {"Retry-After": str(wait_s)} if problem and (wait_s := problem.fields.get("retry_after_s")) else {}
    return page(
        request, "traveller/privacy.html", status=problem.status if problem else 200, headers=headers, here=PATH,
        given=given, texts=consents.TEXTS, standing=standing, copies=copies, states=EXPORT_STATES, erasure=under_way, looks=looks,
        fields=FIELDS, role_names=ROLE_NAMES, fresh=accounts.is_fresh(known), problem=problem,
    )  # fmt: skip


async def consent(request: Request) -> Response:
    """``POST /account/privacy/consents``: messages about offers, yes or no."""
    known = await sessions.visitor_now(request)
    typed = await sessions.typed(request)
    with suppress(ValueError):
        purpose = Purpose(typed.get("purpose", ""))
        try:
            if typed.get("agreed"):
                await sessions.database(request).run(consents.give, known.account_id, purpose, "privacy")
            else:
                await sessions.database(request).run(consents.withdraw, known.account_id, purpose)
        except Problem as problem:
            return await _page(request, known, problem)
    return sessions.see(f"{PATH}#consents")


async def ask_copy(request: Request) -> Response:
    """``POST /account/privacy/exports``: a copy of everything, which a job makes."""
    known = await sessions.visitor_now(request)
    accounts.require_fresh(known)
    try:
        await exports.ask(sessions.database(request), sessions.as_traveller(known.account_id))
    except accounts.ExportTooOften as problem:
        return await _page(request, known, problem)
    return sessions.see(f"{PATH}#copies")


async def fetch_copy(request: Request) -> Response:
    """``GET /account/privacy/exports/{id}``: the zip file."""
    known = await sessions.visitor_now(request)
    accounts.require_fresh(known)
    export_id = sessions.id_in(request)
    content = await sessions.database(request).run(exports.fetch, sessions.as_traveller(known.account_id), export_id)
    headers = {"Content-Disposition": 'attachment; filename="holdfast-my-data.zip"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


async def preview(request: Request) -> Response:
    """``GET /account/privacy/erasure?scope=person``: what would go, what would stay and why, what stands in the way."""
    known = await sessions.visitor_now(request)
    return await _erasure_page(request, known, _scope(sessions.asked(request, "scope")))


def _scope(typed: str) -> Scope:
    return Scope.PERSON if typed == Scope.PERSON else Scope.ACCOUNT


async def _erasure_page(
    request: Request, known: accounts.Session, scope: Scope, problem: Problem | None = None, *, unticked: bool = False
) -> Response:
    async with sessions.database(request).reading() as tx:
        if await erasure.current(tx, known.account_id):
            return sessions.see(f"{PATH}#erasure")
        mine = await accounts.members(tx, known.account_id)
        seen = await erasure.preview(tx, known.account_id, scope)
    return page(
        request, "traveller/erasure.html", status=problem.status if problem else 422 if unticked else 200,
        here=f"{PATH}/erasure?scope={scope}", seen=seen, several=len(mine) > 1, fresh=accounts.is_fresh(known), unticked=unticked,
        window_days=accounts.erasure.window_days(),
    )  # fmt: skip


async def erase(request: Request) -> Response:
    """``POST /account/privacy/erasure``: asks for it; the days to change one's mind begin."""
    known = await sessions.visitor_now(request)
    accounts.require_fresh(known)
    typed = await sessions.typed(request)
    scope = _scope(typed.get("scope", ""))
    if not typed.get("understood"):
        return await _erasure_page(request, known, scope, unticked=True)
    try:
        await sessions.database(request).run(erasure.ask, sessions.as_traveller(known.account_id), scope)
    except (accounts.ErasureBlocked, accounts.ErasureUnderWay) as problem:
        return await _erasure_page(request, known, scope, problem)
    return sessions.see(f"{PATH}#erasure")


async def keep(request: Request) -> Response:
    """``POST /account/privacy/erasure/end``: takes it back."""
    known = await sessions.visitor_now(request)
    try:
        await sessions.database(request).run(erasure.withdraw, sessions.as_traveller(known.account_id))
    except accounts.ErasureOver as problem:
        return await _page(request, known, problem)
    return sessions.see(f"{PATH}#erasure")


async def terms(request: Request) -> Response:
    """``GET /terms``: what is agreed to with the first order."""
    await sessions.visitor(request)
    return page(request, "traveller/terms.html", text=consents.TEXTS[Purpose.TERMS])


routes = [
    Route("/terms", terms, methods=["GET"]),
    Route("/account/privacy", privacy, methods=["GET"]),
    Route("/account/privacy/consents", consent, methods=["POST"]),
    Route("/account/privacy/exports", ask_copy, methods=["POST"]),
    Route("/account/privacy/exports/{id}", fetch_copy, methods=["GET"]),
    Route("/account/privacy/erasure", preview, methods=["GET"]),
    Route("/account/privacy/erasure", erase, methods=["POST"]),
    Route("/account/privacy/erasure/end", keep, methods=["POST"]),
]
