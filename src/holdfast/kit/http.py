"""The one outgoing HTTP client: limits on time, size and connections; no redirects; never inside a transaction.

    async with http.client() as client:
        answer = await http.send(client, "GET", "https://example.com/health")

What arrives is bytes and a status, whatever they mean; what does not arrive is `NoAnswer`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import httpx2
import msgspec

from . import txstate

Client = httpx2.AsyncClient

TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 3.0
RESPONSE_BYTES_MAX = 2 * 1024 * 1024
FILE_BYTES_MAX = 128 * 1024 * 1024
"""Of a file that is asked for as one, such as a provider's bill of a day."""

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (httpx2.ConnectTimeout, "connect-timeout"),
    (httpx2.PoolTimeout, "pool-timeout"),
    (httpx2.TimeoutException, "timeout"),
    (httpx2.ConnectError, "connect-failed"),
    (httpx2.NetworkError, "connection-lost"),
    (httpx2.ProtocolError, "connection-lost"),
    (httpx2.DecodingError, "undecodable"),
)


class Answer(msgspec.Struct, frozen=True):
    """What came back. Header names are lower case; `body` is the exact bytes after content decoding."""

    status: int
    headers: dict[str, str]
    body: bytes
    elapsed_ms: int


class NoAnswer(Exception):
    """No usable answer. `sent` is false only when the request surely never left; `reason` is a short kebab word."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason, sent)
        self.reason = reason
        self.sent = sent


def client(*, connections_max: int = 100, transport: httpx2.AsyncBaseTransport | None = None) -> Client:
    """A new client, to be closed by its owner and kept by one event loop. Proxies in the environment are ignored."""
    return Client(
        timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(
            max_connections=connections_max,
            max_keepalive_connections=connections_max,
            keepalive_expiry=4.0,  # shorter than common servers keep theirs, so that no request meets a closing door
        ),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        headers={"User-Agent": "holdfast", "Accept-Encoding": "identity"},
    )


async def send(
    client: Client,
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
    bytes_max: int = RESPONSE_BYTES_MAX,
) -> Answer:
    """One request, sent as these exact bytes; `timeout_s` bounds the whole exchange. NoAnswer when nothing usable came."""
    txstate.assert_none_open()
    started = time.monotonic()
    timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
    try:
        async with (
            asyncio.timeout(timeout_s),
            client.stream(method, url, content=body, headers=dict(headers or {}), timeout=timeout) as response,
        ):
            content = await _bounded(response, bytes_max)
    except TimeoutError as error:
        raise NoAnswer("timeout", sent=True) from error
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        reason = next((word for kind, word in _REASONS if isinstance(error, kind)), "not-possible")
        raise NoAnswer(reason, sent=not isinstance(error, (*_NEVER_SENT, httpx2.InvalidURL))) from error
    elapsed_ms = round((time.monotonic() - started) * 1000)
    names = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, names, content, elapsed_ms)


async def _bounded(response: httpx2.Response, bytes_max: int) -> bytes:
    """The body, unless it is larger than we care to hold."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > bytes_max:
            raise NoAnswer("too-large", sent=True)
    return bytes(content)
