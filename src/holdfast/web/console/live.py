"""Live pages look again by themselves for a while, with nothing but the browser; then they stop, so that a session that nobody
uses can end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from holdfast.kit import clock
from holdfast.web import sessions

EVERY_S = 20
"""Seconds between two looks."""
LASTS = timedelta(minutes=20)
"""Less than an unused session lasts."""


class Live(NamedTuple):
    """Until when a page looks again; None when it does not."""

    path: str
    until: datetime | None

    @property
    def still(self) -> str:
        """The address of the page that stays as it is."""
        return f"{self.path}?until=0"


def of(request: Request) -> Live:
    """Whether this page looks again: from its first opening for a while, unless it was told to stay."""
    asked, now = sessions.asked(request, "until", 12), clock.now()
    if not (asked.isascii() and asked.isdigit()):
        return Live(request.url.path, now + LASTS)
    until = min(datetime.fromtimestamp(min(int(asked), 2**36), UTC), now + LASTS)
    return Live(request.url.path, until if until > now else None)


def again(answer: Response, live: Live) -> Response:
    """Tells the browser to open the page anew (the Refresh header that all browsers follow: HTML standard, pragma directives)."""
    if live.until is not None:
        answer.headers["Refresh"] = f"{EVERY_S}; url={live.path}?until={int(live.until.timestamp())}"
    return answer
