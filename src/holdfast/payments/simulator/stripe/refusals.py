"""What Stripe says when it does not do what it is asked: ``{"error": {…}}`` with a status."""

from __future__ import annotations

from typing import Any

import msgspec


class Refusal(Exception):
    """An answer that is not 2xx. `error` is the inside of ``{"error": …}``."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.status = status
        self.error = error

    @property
    def body(self) -> bytes:
        return encoded({"error": self.error})


def encoded(content: object) -> bytes:
    """JSON as Stripe writes it, on many lines: whoever parses and rewrites it breaks the signature."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def invalid(message: str, *, param: str = "", code: str = "", status: int = 400, **more: object) -> Refusal:
    """``invalid_request_error``."""
    error: dict[str, Any] = {"message": message, "type": "invalid_request_error", **more}
    if code:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
    if param:
        error["param"] = param
    return Refusal(status, error)


def missing(kind: str, number: str, param: str) -> Refusal:
    """404 ``resource_missing``."""
    return invalid(f"No such {kind}: '{number}'", param=param, code="resource_missing", status=404)


def declined(code: str, decline_code: str, message: str, **more: object) -> Refusal:
    """402 ``card_error``."""
    error: dict[str, Any] = {"code": code, "message": message, "type": "card_error", **more}
    if decline_code:
        error["decline_code"] = decline_code
    error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    return Refusal(402, error)


def failure() -> Refusal:
    """500 ``api_error``: a failure of Stripe's own."""
    message = "Sorry! There was an error while talking to one of our backends. Support has been notified."
    return Refusal(500, {"message": message, "type": "api_error"})


def hurried() -> Refusal:
    """429."""
    return invalid("Request rate limit exceeded.", code="rate_limit", status=429)
