"""Problems as the API shows them: ``application/problem+json`` (RFC 9457), in the language of Accept-Language.

Also the problems that only an HTTP surface knows: bodies, content types, methods and addresses that do not fit.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.kit import i18n, log, settings
from holdfast.kit.problems import REGISTRY, Invalid, NotFound, Problem, Unavailable

MEDIA_TYPE = "application/problem+json"
Headers = list[tuple[bytes, bytes]]
Rendered = tuple[int, Headers, bytes]


class BodyNotJson(Invalid):
    """The request body is not JSON."""

    status = 400
    safe = "Nothing was changed by this request."
    next_step = "Send one JSON object (RFC 8259) in UTF-8."


class BodyMismatch(Invalid):
    """The request body does not have the expected shape."""

    safe = "Nothing was changed by this request."
    next_step = "Correct the field named in errors; /api/v1/openapi.json describes every body."


class BodyTooLarge(Invalid):
    """The request body is too large."""

    status = 413
    safe = "Nothing was changed by this request."
    next_step = "Send less at once."


class ContentTypeUnknown(Invalid):
    """The request body has a content type that is not understood here."""

    status = 415
    safe = "Nothing was changed by this request."
    next_step = "Send JSON with the header Content-Type: application/json."


class QueryMismatch(Invalid):
    """The query parameters do not fit."""

    next_step = "Correct the parameter named in errors; /api/v1/openapi.json describes every parameter."


class IdempotencyKeyMissing(Invalid):
    """This request needs an Idempotency-Key header."""

    status = 400
    safe = "Nothing was booked by this request."
    next_step = "Make a new random key for each thing you want done, and send the same key when you repeat a request."


class IdempotencyKeyMalformed(Invalid):
    """The Idempotency-Key header cannot be read."""

    status = 400
    safe = "Nothing was booked by this request."
    next_step = (
        'Send 1 to 255 printable ASCII characters, in double quotes, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".'
    )


class EndpointUnknown(NotFound):
    """There is nothing at this address."""

    next_step = "Compare the address with /api/v1/openapi.json, which lists all of them."


class MethodNotAllowed(Invalid):
    """This address does not answer to this method."""

    status = 405
    next_step = "Use one of the methods in the Allow header."


class InternalFault(Unavailable):
    """Something went wrong on our side."""

    status = 500
    safe = "What was done before stands. A booking sent again under the same Idempotency-Key counts once."
    next_step = "Try again in a moment; if it stays, tell us the request_id."


@lru_cache(maxsize=1024)
def language(accept_language: bytes) -> i18n.Locale:
    """The language of an Accept-Language header."""
    return i18n.negotiate(accept_language.decode("latin-1"))


@cache
def type_url(code: str) -> str:
    """The address that names this kind of problem, and shows it to people."""
    return f"{settings.current().base_url}/problems/{code}"


def described(kind: type[Problem], locale: str) -> dict[str, Any]:
    """What is true of every problem of this class: type, title, status, detail, code."""
    sentences = [i18n.translate(sentence, locale) for sentence in (kind.safe, kind.next_step) if sentence]
    return {
        "type": type_url(kind.code),
        "title": i18n.translate(kind.title, locale),
        "status": kind.status,
        "detail": ("" if locale == "zh" else " ").join(sentences),
        "code": kind.code,
    }


@lru_cache(maxsize=1024)
def _described(code: str, locale: str) -> dict[str, Any]:
    return described(REGISTRY[code], locale)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def render(problem: Problem, accept_language: bytes, path: str) -> Rendered:
    """Status, headers and body of the answer that says what went wrong."""
    locale = language(accept_language)
    about = _described(problem.code, locale)
    body = _encode({**problem.fields, **about, "instance": quote(path[:500])})
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-language", locale.encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
    ]
    retry_after_s = problem.fields.get("retry_after_s")
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, int(retry_after_s))))
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="holdfast"'))
    if problem.status == 405:
        headers.append((b"allow", ", ".join(problem.fields.get("allow", [])).encode()))
    return problem.status, headers, body


def render_fault(scope: Any, accept_language: bytes) -> Rendered:
    """The answer to what nobody foresaw; the log holds the rest under the same request id."""
    fault = InternalFault(request_id=scope.get("request_id") or "", retry_after_s=2)
    return render(fault, accept_language, scope["path"])


def log_fault(scope: Any, error: BaseException) -> None:
    """Writes the unforeseen down; never what the request contained."""
    log.get().error(
        "unexpected", path=scope["path"], method=scope["method"], request_id=scope.get("request_id"), exc_info=error
    )


async def problem_response(request: Request, error: Exception) -> Response:
    """An exception handler for Problem, for whoever mounts the API."""
    assert isinstance(error, Problem)
    return _response(render(error, _accepted(request), request.url.path))


async def unexpected_response(request: Request, error: Exception) -> Response:
    """An exception handler for everything else; its caller logs."""
    return _response(render_fault(request.scope, _accepted(request)))


async def missing_response(request: Request, error: Exception) -> Response:
    """An exception handler for the framework's own 404 and 405."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return await problem_response(request, MethodNotAllowed(allow=allowed.split(", ")))
    return await problem_response(request, EndpointUnknown())


def _accepted(request: Request) -> bytes:
    return request.headers.get("accept-language", "").encode("latin-1", "replace")


def _response(rendered: Rendered) -> Response:
    status, headers, body = rendered
    response = Response(body, status)
    response.raw_headers = headers
    return response
