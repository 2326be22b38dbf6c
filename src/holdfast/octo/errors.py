"""Errors as OCTO has them: a code, a sentence in the asker's language, and the id that was wrong. 400, whatever it is.

The exceptions are those that are nobody's fault and pass: 503 while the database is away and 429 past a partner's pace, so
that a client tries again, which is harmless here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.kit import i18n
from holdfast.kit.problems import Denied, Invalid, InvalidInput, NotFound, Problem, TooMany, Unavailable
from holdfast.orders import resale_gates
from holdfast.orders import resale_model as resale
from holdfast.orders import resale_package_model as packages
from holdfast.passes import GateRevoked

Headers = list[tuple[bytes, bytes]]


class ApiKeyMissing(Denied):
    """This request needs an API key."""

    next_step = "Send the header Authorization: Bearer, followed by the key that we gave you."


class ApiKeyRefused(Denied):
    """This API key is not valid, or not any more."""

    next_step = "Check the key, or ask us for a new one."


class NotSelling(Denied):
    """This partner does not sell through us at the moment."""

    next_step = "Ask us what is missing."


class RequestMalformed(Invalid):
    """This request cannot be understood."""

    next_step = "Correct what is named and send it again."


class AddressUnknown(NotFound):
    """There is nothing at this address, or not for this method."""


class TooFast(TooMany):
    """These are more requests in a second than your terms allow."""

    next_step = "Wait a moment and try again."


CODES: dict[type[Problem], tuple[str, str]] = {
    resale.ProductNotOffered: ("INVALID_PRODUCT_ID", "product_id"),
    resale.OptionUnknown: ("INVALID_OPTION_ID", "option_id"),
    resale.UnitUnknown: ("INVALID_UNIT_ID", "unit_id"),
    resale.AvailabilityUnknown: ("INVALID_AVAILABILITY_ID", "availability_id"),
    resale.BookingUnknown: ("INVALID_BOOKING_UUID", "uuid"),
    resale.BookingUuidTaken: ("INVALID_BOOKING_UUID", "uuid"),
    resale.HoldOver: ("INVALID_BOOKING_UUID", "uuid"),
    resale.ItemTwice: ("BAD_REQUEST", ""),
    resale.TooManyFound: ("BAD_REQUEST", ""),
    packages.IncludeUnknown: ("BAD_REQUEST", ""),
    packages.NoPackage: ("BAD_REQUEST", ""),
    InvalidInput: ("BAD_REQUEST", ""),
    RequestMalformed: ("BAD_REQUEST", ""),
    AddressUnknown: ("BAD_REQUEST", ""),
    ApiKeyMissing: ("UNAUTHORIZED", ""),
    ApiKeyRefused: ("FORBIDDEN", ""),
    NotSelling: ("FORBIDDEN", ""),
    resale_gates.RedemptionNotAllowed: ("FORBIDDEN", ""),
    GateRevoked: ("FORBIDDEN", ""),
    resale_gates.CodeUnknown: ("UNPROCESSABLE_ENTITY", ""),
}
"""Problem → its code, and the field of it that is echoed. What is not here is well-formed and impossible."""
ECHOED = {
    "product_id": "productId",
    "option_id": "optionId",
    "unit_id": "unitId",
    "availability_id": "availabilityId",
    "uuid": "uuid",
}
_encode = msgspec.json.Encoder().encode


def render(problem: Problem, locale: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body."""
    headers: Headers = []
    status = 400
    if isinstance(problem, Unavailable | TooMany):
        status = 503 if isinstance(problem, Unavailable) else 429
        headers.append((b"retry-after", b"%d" % max(1, int(problem.fields.get("retry_after_s") or 1))))
    return status, headers, _encode(body(problem, locale))


def body(problem: Problem, locale: str) -> dict[str, Any]:
    """A problem as the standard has errors."""
    code, field = CODES.get(type(problem), ("UNPROCESSABLE_ENTITY", ""))
    if isinstance(problem, Unavailable | TooMany):
        code, field = ("INTERNAL_SERVER_ERROR" if isinstance(problem, Unavailable) else "TOO_MANY_REQUESTS"), ""
    found: dict[str, Any] = {"error": code, "errorMessage": sentence(problem, locale)}
    if field:
        found[ECHOED[field]] = str(problem.fields.get(field, ""))
    return found


def sentence(problem: Problem, locale: str) -> str:
    """What is wrong, where, and what to do."""
    said = [i18n.translate(problem.title, locale)]
    for error in problem.errors:
        message = error.get("message")
        text = i18n.pick(message, locale) if isinstance(message, dict) else str(message or "")
        said.append(f"{error.get('field') or ''}: {text}".removeprefix(": "))
    if "places_left" in problem.fields:
        said.append(i18n.translate("Places left: {places}.", locale, places=problem.fields["places_left"]))
    if "verdict" in problem.fields:
        said.append(f"({problem.fields['verdict']})")
    if problem.next_step:
        said.append(i18n.translate(problem.next_step, locale))
    return ("" if locale == "zh" else " ").join(said)


def fault(locale: str) -> bytes:
    """The body of what nobody foresaw."""
    text = i18n.translate("Something went wrong on our side.", locale)
    return _encode({"error": "INTERNAL_SERVER_ERROR", "errorMessage": text})
