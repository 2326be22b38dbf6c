"""What a check of a text answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from .links import Link
from .positions_model import Position


class Verdict(StrEnum):
    """What can be said. There is no word for safe: what we do not know, we did not send, and that is all we know."""

    SENT = "sent"
    """Word for word what we sent under this code."""
    CODE_COPIED = "code-copied"
    """The code is real and belongs to another text."""
    CODE_KNOWN = "code-known"
    """Only a code was asked about, or its text is no longer kept: whoever asks compares."""
    IMITATION = "imitation"
    """Like one of our texts or sites, and not found among what we sent."""
    NOT_OURS = "not-ours"
    """Unknown."""


class Reason(msgspec.Struct, frozen=True):
    """Why, for programs and for people: ``{"zh": …, "en": …}``."""

    code: str
    text: dict[str, str]


class Part(msgspec.Struct, frozen=True):
    """A piece of what we sent; hidden when it is a personal value and somebody else asks."""

    text: str
    hidden: bool


class Sent(msgspec.Struct, frozen=True):
    """The message of ours that has the code. `recipient` is masked; `parts` are empty when its text is no longer kept."""

    code: str
    channel: str
    recipient: str
    locale: str
    subject: str
    at: datetime
    parts: list[Part]
    whole: bool

    @property
    def ends_in(self) -> str:
        """The last four characters of the recipient's phone; of an address, what the mask leaves."""
        return self.recipient[-4:] if self.channel == "sms" else self.recipient


class Difference(msgspec.Struct, frozen=True):
    """A piece of both texts (`same`), of `theirs` alone, of `ours` alone, or a `value` that theirs has in a place of our template."""

    kind: str
    text: str


class Checked(msgspec.Struct, frozen=True):
    """The answer. `difference` is to what we sent under the code, or to the text of ours that it is like."""

    verdict: Verdict
    reasons: list[Reason]
    message: Sent | None = None
    difference: list[Difference] = []
    links: list[Link] = []
    positions: list[Position] = []
    likeness: int = 0
