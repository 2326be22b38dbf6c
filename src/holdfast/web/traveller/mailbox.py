"""The development mailbox: messages that would go to phones. It does not exist in production."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import notices
from holdfast.kit import settings
from holdfast.web import sessions
from holdfast.web.render import page

MESSAGES = 50


class Part(NamedTuple):
    """A piece of a message: plain text, a code to copy, or a link to follow."""

    text: str
    what: Literal["text", "code", "link"]


async def mailbox(request: Request) -> Response:
    """``GET /mailbox``: the latest messages, newest first."""
    if settings.current().is_production:
        raise HTTPException(404)
    await sessions.visitor(request)
    found = await sessions.database(request).read(notices.recent, MESSAGES)
    return page(request, "traveller/mailbox.html", messages=[(message, parts(message.body)) for message in found])


def parts(body: str) -> list[Part]:
    """A message cut into text, six-digit codes and links to this site."""
    base = settings.current().base_url
    made = []
    for piece in re.split(r"(\b\d{6}\b|https?://[^\s，。]+)", body):
        if re.fullmatch(r"\d{6}", piece):
            made.append(Part(piece, "code"))
        elif piece.startswith(base + "/"):
            made.append(Part(piece, "link"))
        elif piece:
            made.append(Part(piece, "text"))
    return made


routes = [Route("/mailbox", mailbox)]
