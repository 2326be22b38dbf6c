"""Who is visiting: the session cookie, what was typed, and which order a visitor may see."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdfast import accounts, orders
from holdfast.kit import clock, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db
from holdfast.kit.problems import Invalid

COOKIE = "hf_session"
DEVICE_COOKIE = "hf_device"
"""A random number by which a device is known where it stayed signed in; it opens nothing."""
DEVICE_COOKIE_S = 400 * 24 * 3600
FORM_BYTES_MAX = 256 * 1024
FORM_FIELDS_MAX = 800


class FormTooLarge(Invalid):
    """This form is larger than any of ours."""

    safe = "Nothing was changed."
    next_step = "Go back and send it again with less in it."


class Seen(NamedTuple):
    """An order a visitor may see, as whom, and the signed link's token if that is what opened it."""

    order: orders.Order
    actor: Actor
    token: str


def database(request: Request) -> Db:
    """The pool of this process."""
    db = request.app.state.db
    assert isinstance(db, Db)
    return db


async def visitor(request: Request) -> accounts.Session | None:
    """Who is signed in on this device, remembered for the rest of the request; None for a guest."""
    if not hasattr(request.state, "visitor"):
        token = request.cookies.get(COOKIE, "")
        known = await request.app.state.doorkeeper(token) if token else None
        request.state.visitor = known
    found: accounts.Session | None = request.state.visitor
    return found


async def visitor_now(request: Request) -> accounts.Session:
    """Who is signed in by what the records say this moment, for acts that ask for a fresh proof. SignInNeeded for a guest."""
    token = request.cookies.get(COOKIE, "")
    async with database(request).reading() as tx:
        known = await accounts.session(tx, token) if token else None
    if known is None:
        raise accounts.SignInNeeded
    request.state.visitor = known
    return known


async def order_of(request: Request) -> Seen:
    """The order in the path: by its owner's session, or by the token of a signed link. SignInNeeded for a guest."""
    number: str = request.path_params["number"]
    token = asked(request, "token")
    known = await visitor(request)
    async with database(request).reading() as tx:
        if token:
            order = await orders.by_link(tx, number, token)
            return Seen(order, Actor("traveller", account_id=order.row.account_id, name="link"), token)
        if known is None:
            raise accounts.SignInNeeded
        order = await orders.require(tx, known.account_id, number)
    return Seen(order, as_traveller(known.account_id), "")


def as_traveller(account_id: UUID) -> Actor:
    return Actor("traveller", account_id=account_id)


def asked(request: Request, name: str, most: int = 200) -> str:
    """A value of the query, without what no database holds; empty when it is not there."""
    return request.query_params.get(name, "").replace("\0", "").strip()[:most]


def id_in(request: Request, name: str = "id") -> UUID:
    """The id in the path; what can be none leads to the page of what is missing."""
    return id_of(request.path_params[name])


def id_of(text: str) -> UUID:
    """An id as it came in a path or a hidden field; what can be none leads to the page of what is missing."""
    found = read_id(text)
    if found is None:
        raise HTTPException(404)
    return found


def read_id(text: str) -> UUID | None:
    """An id as it was typed or chosen; None for what can be none."""
    with suppress(ValueError):
        return UUID(text)
    return None


async def typed(request: Request) -> dict[str, str]:
    """The fields of a sent form (application/x-www-form-urlencoded). FormTooLarge past a quarter of a megabyte."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise FormTooLarge
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise FormTooLarge from error
    return {name: value.replace("\0", "") for name, value in pairs}


def begin(answer: Response, signed_in: accounts.SignedIn, *, kept: bool, device_token: str = "") -> Response:
    """Puts the session's cookie on an answer: for this device if asked, else until the browser is closed.

    A device that stays signed in gets its number, too, for as long as browsers keep cookies.
    """
    seconds = int((signed_in.expires_at - clock.now()).total_seconds())
    if kept and device_token:
        answer.set_cookie(
            DEVICE_COOKIE,
            device_token,
            max_age=DEVICE_COOKIE_S,
            path="/",
            httponly=True,
            samesite="lax",
            secure=is_secure(),
        )
    answer.set_cookie(
        COOKIE, signed_in.token, max_age=seconds if kept else None, path="/", httponly=True, samesite="lax",
        secure=is_secure(),
    )  # fmt: skip
    return answer


def end(answer: Response) -> Response:
    """Takes the cookie back, and what the browser kept of private pages."""
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=is_secure())
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def is_secure() -> bool:
    return settings.current().base_url.startswith("https:")


def see(location: str, **values: object) -> RedirectResponse:
    """An answer that sends the browser on with GET (303)."""
    kept = {name: str(value) for name, value in values.items() if value}
    return RedirectResponse(f"{location}?{urlencode(kept)}" if kept else location, 303)


def local_path(text: str, otherwise: str = "/orders") -> str:
    """Where to go after signing in: a path of this site only, never another site (open redirect)."""
    return text if re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}", text) else otherwise


def place(request: Request) -> accounts.Place:
    """Where the visitor signs in from."""
    return accounts.Place(device(request), source(request), device_token(request))


def device_token(request: Request) -> str:
    """The number of this device, new if it has none: the same for the rest of the request."""
    if not hasattr(request.state, "device_token"):
        given = request.cookies.get(DEVICE_COOKIE, "")
        request.state.device_token = given if re.fullmatch(r"[\w-]{43}", given) else secrets.token_urlsafe(32)
    token: str = request.state.device_token
    return token


def source(request: Request) -> str:
    """The address of the asker, for limits."""
    return request.client.host if request.client else "unknown"


_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
            ("Mac OS", "Mac"), ("Linux", "Linux"))  # fmt: skip


def device(request: Request) -> str:
    """``Chrome · Android``: enough for its owner to recognise it, too little to follow anybody."""
    agent = request.headers.get("user-agent", "")
    named = [next((name for sign, name in table if sign in agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, named)) or "?"
