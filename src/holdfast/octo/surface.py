"""The door: who asks, with which capabilities, in which language; every answer has the headers that OCTO wants.

A path answers with and without a slash at its end. Nothing is redirected, because a client would lose its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from holdfast import partners
from holdfast.kit import i18n, log
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from holdfast.orders.resale_model import Seller

from . import errors
from .errors import AddressUnknown, ApiKeyMissing, ApiKeyRefused, NotSelling, RequestMalformed, TooFast

ROOT = "/octo"
PRICING, CONTENT, REDEMPTION, PACKAGES = "octo/pricing", "octo/content", "octo/redemption", "octo/packages"
KNOWN = (PRICING, CONTENT, REDEMPTION, PACKAGES)
BODY_BYTES_MAX = 512 * 1024
PACE_TRIES = 3
"""So often who is too fast is kept waiting, before being refused."""
_encode = msgspec.json.Encoder().encode


class SenderGone(Exception):
    """The client hung up before its request was complete."""


@dataclass(slots=True)
class Call:
    """One request: who sells, what was sent, and what the answer may have in it."""

    scope: Scope
    db: Db
    seller: Seller
    capabilities: frozenset[str]
    locale: i18n.Locale
    body: bytes = b""

    def path(self, name: str) -> str:
        value: str = self.scope["path_params"].get(name, "")
        return value

    @property
    def has_pricing(self) -> bool:
        return PRICING in self.capabilities

    @property
    def has_content(self) -> bool:
        return CONTENT in self.capabilities

    @property
    def has_packages(self) -> bool:
        return PACKAGES in self.capabilities


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of one path. `open_door`: anybody may ask."""

    method: str
    path: str
    summary: str
    handler: Handler
    open_door: bool = False


def capabilities_of(header: bytes) -> frozenset[str]:
    """The known ones of a list; with or without the prefix. What we do not know is left out, as the answer's header says."""
    asked = {part.strip().lower() for part in header.decode("latin-1").split(",")}
    return frozenset(one for one in KNOWN if one in asked or one.removeprefix("octo/") in asked)


def language_of(header: bytes) -> i18n.Locale:
    """English unless Chinese is asked for: programs read this."""
    return i18n.negotiate(f"{header.decode('latin-1')[:500]}, en;q=0.001")


class Resource:
    """All methods of one path, as an ASGI application."""

    def __init__(self, operations: list[Operation]) -> None:
        self._operations = {one.method: one for one in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"])
        locale = language_of(given.get(b"accept-language", b""))
        applied = capabilities_of(given.get(b"octo-capabilities", b""))
        headers = _headers(applied, locale, given.get(b"octo-env", b""))
        empty: errors.Headers = []
        try:
            status, more, body = 200, empty, _encode(await self._answer(scope, receive, given, applied, locale))
        except Problem as problem:
            status, more, body = errors.render(problem, locale)
        except SenderGone:
            return
        except Exception as error:
            log.get().error(
                "unexpected",
                path=scope["path"],
                method=scope["method"],
                request_id=scope.get("request_id"),
                exc_info=error,
            )
            status, more, body = 400, empty, errors.fault(locale)
        headers += [*more, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(
        self, scope: Scope, receive: Receive, given: dict[bytes, bytes], applied: frozenset[str], locale: i18n.Locale
    ) -> Any:
        operation = self._operations.get(scope["method"])
        db: Db = scope["app"].state.db
        is_test = given.get(b"octo-env", b"").strip().lower() == b"test"
        if operation is None or "\0" in scope["path"]:
            raise AddressUnknown
        if operation.open_door:
            seller = Seller("", partners.Terms(), locale, is_test)
        else:
            seller = await _seller(db, given.get(b"authorization", b""), locale, is_test=is_test)
            seller = msgspec.structs.replace(seller, packages=PACKAGES in applied)
        body = b"" if scope["method"] in ("GET", "HEAD") else await _read(receive)
        return await operation.handler(Call(scope, db, seller, applied, locale, body))


def _headers(applied: frozenset[str], locale: str, env: bytes) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"octo-capabilities", ", ".join(one for one in KNOWN if one in applied).encode()),
        (b"content-language", locale.encode()),
        (b"available-languages", b"en, zh"),
    ]
    if env.strip().lower() in (b"test", b"live"):
        headers.append((b"octo-env", env.strip().lower()))
    return headers


async def _seller(db: Db, authorization: bytes, locale: str, *, is_test: bool) -> Seller:
    """The partner whose program asks, with its terms, at the pace they allow."""
    scheme, _, token = authorization.partition(b" ")
    secret = token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
    if not secret:
        raise ApiKeyMissing
    partner = await partners.of_token(db, secret)
    if partner is None:
        raise ApiKeyRefused
    terms = await db.read(partners.limits.terms_of, partner.id)
    if not terms.selling:
        raise NotSelling
    await _keep_pace(db, partner.id, terms.requests_per_s)
    return Seller(partner.id, terms, locale, is_test)


async def _keep_pace(db: Db, partner_id: str, requests_per_s: int) -> None:
    """Who is a little too fast waits; who does not stop is told."""
    for _ in range(PACE_TRIES):
        left = await partners.limits.spend(db, partner_id, requests_per_s)
        if left.allowed:
            return
        await asyncio.sleep(left.resets_in_s)
    raise TooFast(retry_after_s=1)


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise RequestMalformed(errors=[{"field": "", "message": i18n.both("The body is too large.")}])
        more = message.get("more_body", False)
    return b"".join(parts)


def routes_of(operations: tuple[Operation, ...]) -> list[BaseRoute]:
    """Two routes for each path, and one for whatever else there is below the root."""
    by_path: dict[str, list[Operation]] = {}
    for one in operations:
        by_path.setdefault(one.path, []).append(one)
    found: list[BaseRoute] = []
    for path, ones in by_path.items():
        served = Resource(ones)
        found += [Route(f"{ROOT}{path}{slash}", served, name=f"octo.{ones[0].handler.__name__}") for slash in ("", "/")]
    nowhere = Resource([])
    return [
        *found,
        Route(ROOT, nowhere, name="octo.nowhere"),
        Route(f"{ROOT}/{{rest:path}}", nowhere, name="octo.nowhere"),
    ]
