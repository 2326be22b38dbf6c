"""The JSON API: one table of endpoints, from which routes, the OpenAPI document and the authorisation test come.

A surface: no rules and no SQL. Problems become ``application/problem+json``; nothing a client sends becomes a 500.
"""

from starlette.routing import BaseRoute, Route

from . import supply_inbox, webhooks
from .endpoint import Endpoint, Nowhere, routes_of
from .problems import missing_response, problem_response, unexpected_response
from .v1 import ENDPOINTS

routes: list[BaseRoute] = [
    *routes_of(ENDPOINTS),
    webhooks.route,
    supply_inbox.route,
    Route("/api/{rest:path}", Nowhere(), name="api.nowhere"),
]


def endpoints() -> tuple[Endpoint, ...]:
    """Every endpoint, as declared."""
    return ENDPOINTS


__all__ = ["Endpoint", "endpoints", "missing_response", "problem_response", "routes", "unexpected_response"]
