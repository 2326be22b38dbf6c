"""Bodies and queries: bytes from outside become typed values, or a problem that names the field."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from . import findings
from .problems import BodyMismatch, BodyNotJson, BodyTooLarge, ContentTypeUnknown, QueryMismatch

T = TypeVar("T")

BODY_BYTES_MAX = 256 * 1024


class SenderGone(Exception):
    """The client hung up before its request was complete; nobody waits for an answer."""


async def read(receive: Receive, length: bytes, most: int = BODY_BYTES_MAX) -> bytes:
    """The whole body, not more than `most` bytes; `length` is the Content-Length header, if there was one."""
    if length and (not length.isdigit() or int(length) > most):
        raise BodyTooLarge(bytes_max=most)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise SenderGone
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SenderGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise BodyTooLarge(bytes_max=most)
        body = b"".join(parts)
    if len(body) > most:
        raise BodyTooLarge(bytes_max=most)
    return body


class Bodies(Generic[T]):
    """Reads JSON bodies of one type. Built once: the decoder compiles the type's shape."""

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode

    def value(self, raw: bytes, content_type: bytes) -> T:
        """The body as a value. ContentTypeUnknown, BodyNotJson, BodyMismatch."""
        if content_type != b"application/json":
            _check_content_type(content_type)
        try:
            value = self._decode(raw)
        except msgspec.ValidationError as error:
            raise BodyMismatch(errors=[findings.of_shape(error)]) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BodyNotJson(errors=[findings.of_json(raw, error)]) from error
        if b"\\u0000" in raw:
            found = findings.nul(msgspec.json.decode(raw))
            if found:
                raise BodyMismatch(errors=[found])
        return value


def _check_content_type(given: bytes) -> None:
    kind, _, parameters = given.lower().partition(b";")
    charset = parameters.replace(b'"', b"").replace(b" ", b"")
    if kind.strip() != b"application/json" or charset not in (b"", b"charset=utf-8", b"charset=utf8"):
        raise ContentTypeUnknown(given=given[:100].decode("latin-1"))


class Queries(Generic[T]):
    """Reads query strings of one type. A blank parameter is an empty text, which a number or date cannot be."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    def value(self, query_string: bytes) -> T:
        """The parameters as a value. QueryMismatch names the one that does not fit."""
        try:
            pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        except ValueError as error:
            raise QueryMismatch(errors=[findings.finding("", "TOO_MANY", limit=50)]) from error
        given: dict[str, Any] = {}
        for name, value in pairs:
            if name in given:
                raise QueryMismatch(errors=[findings.finding(name[:100], "REPEATED")])
            given[name] = value
        found = findings.nul(given)
        if found:
            raise QueryMismatch(errors=[found])
        try:
            return msgspec.convert(given, self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise QueryMismatch(errors=[findings.of_shape(error)]) from error
