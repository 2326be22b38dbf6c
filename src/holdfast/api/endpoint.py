"""Endpoints: each is one declaration; from it come its route, its documentation and its authorisation test.

    Endpoint("GET", "/api/v1/cities", name="cities", summary="…", who="anyone", answer=list[CityAnswer], handler=cities)

`who` is anyone, a traveller (the token of a session), a gate (the token of its device), a partner (a token of one of its
programs), or the roles of staff one of which is
needed (an API token).
`Resource` serves all methods of one path as a plain ASGI application. The order endpoint is the hot path of the whole
program: decoders are built once, nothing is wrapped, and one answer is two messages.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from holdfast import accounts, partners, passes
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db
from holdfast.kit.i18n import Locale
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import DatabaseUnavailable, Problem, TooMany

from . import problems
from .body import Bodies, Queries, SenderGone, read

Who = Literal["anyone", "traveller", "gate", "partner"] | tuple[str, ...]
NO_STORE = "no-store"
_KEY_MAX = 255
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"').fullmatch


@dataclass(frozen=True, slots=True)
class Limit:
    """So many uses in a window of time: a quota policy (draft-ietf-httpapi-ratelimit-headers)."""

    name: str
    quota: int
    window_s: int

    def __str__(self) -> str:
        return f'"{self.name}";q={self.quota};w={self.window_s}'


class Raw(msgspec.Struct, frozen=True):
    """An answer that is not JSON to be encoded."""

    content: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()


class Answered(msgspec.Struct, frozen=True):
    """An answer with headers of its own."""

    value: Any
    headers: Sequence[tuple[bytes, bytes]]


class Call:
    """One request to an endpoint: who asks, and what was decoded.

    `session` is set where `who` is a traveller, `gate` where it is a gate, `partner` where it is a partner, `staff` where it is roles of staff; `token` in all.
    """

    __slots__ = ("body", "gate", "key", "partner", "query", "scope", "session", "staff", "state", "token")

    scope: Scope
    state: Any
    session: accounts.Session
    staff: accounts.Staff
    gate: passes.Known
    partner: partners.Partner
    token: str
    key: str
    body: Any
    query: Any

    def path(self, name: str) -> str:
        """A part of the address, such as ``number``."""
        value: str = self.scope["path_params"][name]
        return value

    @property
    def db(self) -> Db:
        db: Db = self.state.db
        return db

    @property
    def actor(self) -> Actor:
        try:
            return Actor("traveller", self.session.account_id)
        except AttributeError:
            return self.staff.actor

    async def visitor(self) -> accounts.Session | None:
        """Who is signed in where anyone may ask; None for a guest."""
        token = _token(dict(self.scope["headers"]).get(b"authorization", b""))
        session: accounts.Session | None = await self.state.doorkeeper(token) if token else None
        return session

    @property
    def source(self) -> str:
        """Where the request comes from, for limits: the client's address."""
        client = self.scope.get("client")
        return str(client[0]) if client else "unknown"

    @property
    def locale(self) -> Locale:
        return problems.language(dict(self.scope["headers"]).get(b"accept-language", b""))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """All that is declared about one method of one path. `problems` are those of its verb; see also `problems_of`."""

    method: str
    path: str
    name: str
    summary: str
    who: Who
    handler: Callable[[Call], Awaitable[Any]]
    answer: Any = None
    """The type of the answer; None for an empty one."""
    status: int = 200
    body: type[Any] | None = None
    body_optional: bool = False
    """A request without any body then stands for one in which everything is left out."""
    query: type[Any] | None = None
    problems: tuple[type[Problem], ...] = ()
    needs_key: bool = False
    cache: str = NO_STORE
    media_type: str = "application/json"
    limits: tuple[Limit, ...] = ()
    example: Any = None
    """A body that could be sent."""

    def __post_init__(self) -> None:
        if not isinstance(self.who, str) and not (self.who and set(self.who) <= set(accounts.Role)):
            raise ValueError(f"{self.method} {self.path}: {self.who} are not roles of staff")

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of staff one of which is needed; empty when it is not for staff."""
        return () if isinstance(self.who, str) else self.who

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"{(\w+)}", self.path)


def problems_of(endpoint: Endpoint) -> list[type[Problem]]:
    """Every problem the endpoint may answer: its verb's and those of its declaration."""
    found = list(endpoint.problems)
    if endpoint.who == "traveller":
        found.append(accounts.SignInNeeded)
    if endpoint.who == "gate":
        found.append(passes.GateSignInNeeded)
    if endpoint.who == "partner":
        found.append(partners.PartnerSignInNeeded)
    if endpoint.roles:
        found += [accounts.StaffSignInNeeded, accounts.RoleMissing]
    if endpoint.needs_key:
        found += [problems.IdempotencyKeyMissing, problems.IdempotencyKeyMalformed, KeyReused]
    if endpoint.body:
        found += [problems.BodyNotJson, problems.BodyTooLarge, problems.ContentTypeUnknown, problems.BodyMismatch]
    if endpoint.query:
        found.append(problems.QueryMismatch)
    if endpoint.parameters:
        found.append(problems.EndpointUnknown)
    found += [DatabaseUnavailable, problems.InternalFault]
    return list(dict.fromkeys(found))


class _Served:
    """An endpoint with everything built that can be built before the first request."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._handler = endpoint.handler
        self._guarded = endpoint.who == "traveller"
        self._roles = endpoint.roles
        self._needs_key = endpoint.needs_key
        self._bodies: Bodies[Any] | None = Bodies(endpoint.body) if endpoint.body else None
        self._queries: Queries[Any] | None = Queries(endpoint.query) if endpoint.query else None
        self._status = endpoint.status
        self._encode = msgspec.json.Encoder().encode
        self._headers: problems.Headers = [(b"cache-control", endpoint.cache.encode())]
        if endpoint.status != HTTPStatus.NO_CONTENT:
            self._headers.append((b"content-type", endpoint.media_type.encode()))
        if endpoint.limits:
            policy = ", ".join(map(str, endpoint.limits))
            self._headers.append((b"ratelimit-policy", policy.encode()))

    async def answer(self, scope: Scope, receive: Receive) -> problems.Rendered:
        """Authorises, decodes, asks the handler and encodes. Problems pass through."""
        given = dict(scope["headers"])
        call = Call()
        call.scope = scope
        call.state = scope["app"].state
        if "\0" in scope["path"]:
            raise problems.EndpointUnknown
        if self._guarded:
            token = _token(given.get(b"authorization", b""))
            session = await call.state.doorkeeper(token) if token else None
            if session is None:
                raise accounts.SignInNeeded
            call.session, call.token = session, token
        elif self.endpoint.who == "gate":
            call.token = _token(given.get(b"authorization", b""))
            call.gate = await call.state.db.read(passes.devices.of_token, call.token)
        elif self.endpoint.who == "partner":
            call.token = _token(given.get(b"authorization", b""))
            known = await partners.of_token(call.state.db, call.token)
            if known is None:
                raise partners.PartnerSignInNeeded
            call.partner = known
        elif self._roles:
            call.token = _token(given.get(b"authorization", b""))
            call.staff = await self._colleague(call)
        if self._needs_key:
            call.key = _key(given.get(b"idempotency-key"))
        if self._queries is not None:
            call.query = self._queries.value(scope["query_string"])
        if self._bodies is not None:
            raw = await read(receive, given.get(b"content-length", b""))
            if raw or not self.endpoint.body_optional:
                call.body = self._bodies.value(raw, given.get(b"content-type", b""))
            else:
                call.body = self._bodies.value(b"{}", b"application/json")
        return self._rendered(await self._handler(call))

    async def _colleague(self, call: Call) -> accounts.Staff:
        """Who answers for the program that asks."""
        staff = await accounts.staff_of_api_token(call.db, call.token)
        if staff is None:
            raise accounts.StaffSignInNeeded
        if not staff.may(*self._roles):
            await accounts.note_refusal(call.db, staff, self.endpoint.path, self._roles)
            raise accounts.RoleMissing(roles=self._roles)
        return staff

    def _rendered(self, answer: Any) -> problems.Rendered:
        headers = self._headers
        if type(answer) is Answered:
            headers = [*headers, *answer.headers]
            answer = answer.value
        elif type(answer) is Raw:
            return self._status, [*headers, *answer.headers, _length(answer.content)], answer.content
        if self._status == HTTPStatus.NO_CONTENT:
            return self._status, headers, b""
        body = self._encode(answer)
        return self._status, [*headers, _length(body)], body

    def refused(self, problem: Problem) -> problems.Headers:
        """The rate limit fields of a refusal: the smallest window that explains the waiting time is the one used up."""
        limits = self.endpoint.limits
        if not limits or not isinstance(problem, TooMany):
            return []
        wait_s = int(problem.fields.get("retry_after_s", 1))
        by_window = sorted(limits, key=lambda limit: limit.window_s)
        broken = next((limit for limit in by_window if limit.window_s >= wait_s), by_window[-1])
        return [
            (b"ratelimit-policy", ", ".join(map(str, limits)).encode()),
            (b"ratelimit", f'"{broken.name}";r=0;t={wait_s}'.encode()),
        ]


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


def _token(authorization: bytes) -> str:
    """The bearer token (RFC 6750), empty when there is none."""
    scheme, _, token = authorization.partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def _key(given: bytes | None) -> str:
    """The key itself: a structured-field string in double quotes, or bare as some clients send it."""
    if given is None or not given.strip():
        raise problems.IdempotencyKeyMissing
    key = given.strip().decode("latin-1")
    if key[0] == '"':
        match = _QUOTED(key)
        key = match[1].replace('\\"', '"').replace("\\\\", "\\") if match else ""
    if not (0 < len(key) <= _KEY_MAX and key.isascii() and key.isprintable()):
        raise problems.IdempotencyKeyMalformed
    return key


class Resource:
    """All methods of one path, as an ASGI application: the outermost frame of the API."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._served = {endpoint.method: _Served(endpoint) for endpoint in endpoints}
        if "GET" in self._served:
            self._served["HEAD"] = self._served["GET"]
        self._allowed = sorted(self._served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served.get(scope["method"])
        try:
            if served is None:
                raise problems.MethodNotAllowed(allow=self._allowed)
            status, headers, body = await served.answer(scope, receive)
        except Problem as problem:
            status, headers, body = problems.render(problem, _accepted(scope), scope["path"])
            if served is not None:
                headers += served.refused(problem)
        except SenderGone:
            return
        except Exception as error:
            problems.log_fault(scope, error)
            status, headers, body = problems.render_fault(scope, _accepted(scope))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _accepted(scope: Scope) -> bytes:
    found: bytes = dict(scope["headers"]).get(b"accept-language", b"")
    return found


class Nowhere:
    """Serves every address below the API that nobody declared."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers, body = problems.render(problems.EndpointUnknown(), _accepted(scope), scope["path"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def routes_of(endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
    """A route for each path, in the order in which paths first appear."""
    by_path: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, []).append(endpoint)
    return [Route(path, Resource(found), name=f"api.{found[0].name}") for path, found in by_path.items()]
