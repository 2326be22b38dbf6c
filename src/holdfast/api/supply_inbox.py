"""Signed news of suppliers: ``POST /webhooks/supply/{partner}`` with the three headers of Standard Webhooks 1.0.0.

The body is ``{"type": "supply.news", "timestamp": "…", "data": {"news": […]}}``; `news` is as in the API. The ``webhook-id`` is
the message's key: the same again is the same message.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive

from holdfast import partners

from .body import Bodies, read
from .v1 import supply
from .webhooks import Inbox

KEY_MAX = 255


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is new."""

    news: Annotated[list[partners.News], msgspec.Meta(min_length=1, max_length=partners.feeds.NEWS_MAX)]


class SignedNews(msgspec.Struct, frozen=True):
    """An event as Standard Webhooks has it."""

    type: Literal["supply.news"]
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    data: Data


_bodies: Bodies[SignedNews] = Bodies(SignedNews)


async def _received(request: Request, receive: Receive) -> Response:
    """200 when the news is kept and in force, also for the second time; 403 when the signature does not fit."""
    raw = await read(receive, request.headers.get("content-length", "").encode())
    db = request.app.state.db
    partner = await partners.links.signed_by(db, request.path_params["partner"], request.headers, raw)
    given = _bodies.value(raw, request.headers.get("content-type", "").encode())
    key = request.headers.get("webhook-id", "")[:KEY_MAX]
    receipt = await partners.feeds.receive(
        db, supply.actor_of(partner), partner.id, "webhook", key, given.data.news, said_at=given.timestamp
    )
    answer = supply.taken(receipt)
    return Response(msgspec.json.encode(answer), 200, media_type="application/json")


route = Route("/webhooks/supply/{partner}", Inbox(_received), name="api.supply-inbox")
