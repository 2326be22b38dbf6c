"""Types and problems of feedback: what people say from a page that does not work for them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast.kit.problems import NotFound, TooMany

WORDS_MAX = 2000
DAYS = 30
"""Days that counts and figures look back."""


class FeedbackState(StrEnum):
    """Open until somebody answered, or noted that nothing is to be answered."""

    OPEN = "open"
    ANSWERED = "answered"
    NOTED = "noted"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote and what their page knew. `page` is the kind of page, `address` the page itself without its query."""

    words: str
    key: str
    page: str
    address: str
    locale: str
    browser: str
    problem: str = ""
    request: str = ""
    order_id: UUID | None = None
    account_id: UUID | None = None
    is_offline: bool = False
    happened_at: datetime | None = None


class Feedback(msgspec.Struct, frozen=True):
    """One piece of feedback, readable. `words` are empty when they were erased."""

    id: UUID
    number: str
    words: str
    page: str
    address: str
    problem: str
    request: str
    order_number: str | None
    account_id: UUID | None
    locale: str
    browser: str
    is_offline: bool
    happened_at: datetime
    received_at: datetime
    state: FeedbackState
    answer: str
    ended_by: str
    ended_at: datetime | None


class Group(msgspec.Struct, frozen=True):
    """All that was said about one problem on one kind of page in the last days; `by_day` counts them, the oldest day first."""

    page: str
    problem: str
    count: int
    last_week: int
    open: int
    newest: datetime
    by_day: list[int]


class FeedbackFigures(msgspec.Struct, frozen=True):
    """Of the last thirty days: how much came, how much of it was answered or noted, and how long that took at the middle."""

    count: int
    answered: int
    noted: int
    median_s: float | None
    since: date

    @property
    def percent(self) -> int | None:
        """Of all that came, how much somebody dealt with."""
        return round(100 * (self.answered + self.noted) / self.count) if self.count else None


class FeedbackUnknown(NotFound):
    """We find no such feedback."""

    next_step = "Use the link that was shown when you sent it."


class FeedbackTooOften(TooMany):
    """Much feedback came from here in a short time."""

    safe = "What you wrote before has arrived; what you typed now is still there."
    next_step = "Send it after the time shown, or ask people under Help."
