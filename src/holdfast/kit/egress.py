"""Outgoing HTTP to addresses that other people chose: a guard against reaching into our own network (SSRF, CWE-918).

    async with egress.client(strict=True) as client:
        answer = await http.send(client, "POST", url, body=body)

A name is resolved once per connection, every address it has is judged, and the connection goes to the judged address:
a name that means something else a moment later gains nothing. TLS still proves the name. Of an answer only the first
kilobytes are read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from . import http

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

ANSWER_BYTES_MAX = 4096
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_resolvers = ThreadPoolExecutor(64, "resolver")
"""Threads of their own: a name server that keeps silent holds up nobody else's work."""


class Refused(httpcore2.ConnectError):
    """We do not connect there. `reason`: not-a-url, plain-http, credentials, unresolvable or private-address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def flaw(url: str, *, strict: bool) -> str | None:
    """Why the text cannot be an address we send to; None when nothing about its form speaks against it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not-a-url"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isascii():
        return "not-a-url"
    if any(character.isspace() or not character.isprintable() for character in url) or parts.fragment:
        return "not-a-url"
    if parts.username is not None or parts.password is not None:
        return "credentials"
    return "plain-http" if strict and parts.scheme != "https" else None


def is_public(text: str, *, strict: bool) -> bool:
    """Whether an IP address lies in the open internet; when not strict, this host itself is fine too.

    Addresses that carry an IPv4 address inside (RFC 4291 §2.5.5.2, RFC 3056, RFC 6052) are judged by that one.
    """
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return False
        address = inner or address
    if address.is_loopback:
        return not strict
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the order to try them (RFC 6724). Refused when there are none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(_resolvers, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise Refused("unresolvable") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def judged(host: str, port: int, *, strict: bool, resolve: Resolve = resolve) -> list[str]:
    """The addresses of a name, all of them public; Refused when one is not."""
    found = await resolve(host, port)
    if not found:
        raise Refused("unresolvable")
    if not all(is_public(address, strict=strict) for address in found):
        raise Refused("private-address")
    return found


async def examine(url: str, *, strict: bool, timeout_s: float = 5) -> None:
    """Refused when we would not connect to this URL as it stands now."""
    wrong = flaw(url, strict=strict)
    if wrong:
        raise Refused(wrong)
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(timeout_s):
            await judged(parts.hostname or "", parts.port or 443, strict=strict)
    except TimeoutError as late:
        raise Refused("unresolvable") from late


def refusal(missing: http.NoAnswer) -> str | None:
    """The reason of the guard, if it was the guard that kept a request from being sent."""
    cause: BaseException | None = missing
    while cause is not None:
        if isinstance(cause, Refused):
            return cause.reason
        cause = cause.__cause__
    return None


class _Guard(httpcore2.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, resolve: Resolve, *, strict: bool) -> None:
        self._resolve, self._strict = resolve, strict
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP client's protocol
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await judged(host, port, strict=self._strict, resolve=self._resolve)
        except TimeoutError as late:
            raise httpcore2.ConnectTimeout("resolving") from late
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        raise Refused("not-a-url")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Head(httpx2.AsyncByteStream):
    """The beginning of an answer; what follows is not read."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = ANSWER_BYTES_MAX
        async for chunk in self._stream:
            yield chunk[:room]
            room -= len(chunk)
            if room <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    """The HTTP client's transport, with the guard where it opens connections."""

    def __init__(
        self, resolve: Resolve, *, strict: bool, connections_max: int, ssl_context: ssl.SSLContext | None
    ) -> None:
        trusted = ssl_context or ssl.create_default_context()
        super().__init__(verify=trusted, trust_env=False)
        self._strict = strict
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=connections_max,
            max_keepalive_connections=connections_max,
            keepalive_expiry=4.0,
            network_backend=_Guard(resolve, strict=strict),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        wrong = flaw(str(request.url), strict=self._strict)
        if wrong:
            raise httpx2.ConnectError(wrong) from Refused(wrong)
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Head(response.stream),
            extensions=response.extensions,
        )


def client(
    *,
    strict: bool,
    connections_max: int = 100,
    resolve: Resolve = resolve,
    ssl_context: ssl.SSLContext | None = None,
) -> http.Client:
    """A guarded client. Strict: https and public addresses alone; else also plain http, and this host itself."""
    transport = _Transport(resolve, strict=strict, connections_max=connections_max, ssl_context=ssl_context)
    return http.client(connections_max=connections_max, transport=transport)
