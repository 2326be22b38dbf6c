"""Types and problems of official positions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, NotFound

from . import folding

LINK = "@link"
"""A word that any text with a link has."""
SAYS_MIN, SAYS_MAX = 8, 300
WORD_MAX, WORDS_MAX, GROUPS_MAX = 40, 200, 5


class Position(msgspec.Struct, frozen=True):
    """Something we stand by, in both languages, from when until when (None: until it is ended)."""

    id: UUID
    says: dict[str, str]
    keywords: list[list[str]]
    is_urgent: bool
    valid_from: datetime
    valid_until: datetime | None
    proposed_by: str
    approved_by: str
    made_at: datetime
    ending_why: str | None

    def speaks_to(self, folded: str, *, has_link: bool) -> bool:
        """Whether a text, folded to its skeleton, has a word of each group."""
        return bool(self.keywords) and all(
            any((has_link if word == LINK else folding.skeleton(word) in folded) for word in group)
            for group in self.keywords
        )


class PositionUnknown(NotFound):
    """There is no such position."""


class PositionOver(Conflict):
    """This position has ended already, or its end is settled."""

    safe = "Nothing was changed."
    next_step = "Look at the list: it says until when. Propose a new position if one is needed."


class PositionEndsBeforeNow(Conflict):
    """A position cannot end in the past."""

    safe = "Nothing was changed."
    next_step = "Propose it again with a later end: what we stood by until now, we stood by."
