"""The start page of the console: what is open to whoever is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import access
from .pages import page


async def start(request: Request) -> Response:
    """``GET /console``."""
    await access.require(request)
    return page(request, "start.html")


routes = [Route("/console", start, methods=["GET"])]
