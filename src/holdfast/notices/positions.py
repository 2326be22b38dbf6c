"""The register of official positions: what we stand by, so that a text that says otherwise can be told with a reason.

A position is published and ended by two people (a higher domain brings it through `changes`); until its end it stands, and a text
that speaks of what it is about is met with its words. Positions never change and are never deleted.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput

from . import folding
from . import positions_store as store
from .positions_model import (
    GROUPS_MAX,
    LINK,
    SAYS_MAX,
    SAYS_MIN,
    WORD_MAX,
    WORDS_MAX,
    Position,
    PositionEndsBeforeNow,
    PositionOver,
    PositionUnknown,
)


async def standing(tx: ReadTx) -> list[Position]:
    """What we stand by now, urgent ones first."""
    return await store.standing(tx, clock.now())


async def urgent(tx: ReadTx) -> list[Position]:
    """What everybody should know now."""
    return [one for one in await store.standing(tx, clock.now()) if one.is_urgent]


async def every(tx: ReadTx) -> list[Position]:
    """All there ever were, the newest first."""
    return await store.every(tx)


async def require(tx: ReadTx, position_id: UUID) -> Position:
    """PositionUnknown."""
    found = await store.find(tx, position_id)
    if found is None:
        raise PositionUnknown
    return found


def read(says: dict[str, str], keywords: str) -> list[list[str]]:
    """The groups of words of a position as typed: a line for each group, words parted by commas. InvalidInput, all at once."""
    errors = []
    for locale in ("zh", "en"):
        if not SAYS_MIN <= len(says.get(locale, "").strip()) <= SAYS_MAX:
            errors.append(
                _wrong(
                    f"says_{locale}",
                    "SAYS_LENGTH",
                    "Write what we stand by, in 8 to 300 characters, in both languages.",
                )
            )
    lines = keywords.replace("，", ",").replace("、", ",").splitlines()
    groups = [[word.strip().lower() for word in line.split(",") if word.strip()] for line in lines]
    groups = [list(dict.fromkeys(group)) for group in groups if group]
    words = [word for group in groups for word in group]
    if not groups or len(groups) > GROUPS_MAX or len(words) > WORDS_MAX:
        errors.append(
            _wrong(
                "keywords",
                "KEYWORDS_COUNT",
                "Write the words of each group on a line of its own, 1 to 5 lines, at most 200 words.",
            )
        )
    elif any(word != LINK and (len(folding.skeleton(word)) < 2 or len(word) > WORD_MAX) for word in words):
        errors.append(
            _wrong(
                "keywords",
                "KEYWORD_LENGTH",
                "A word has 2 to 40 letters or characters: a shorter one fits nearly every text.",
            )
        )
    if errors:
        raise InvalidInput(errors=errors)
    return groups


def _wrong(field: str, code: str, sentence: str) -> dict[str, object]:
    return {"field": field, "code": code, "message": both(sentence), "severity": "error", "suggestion": None}


async def publish(
    tx: Tx, *, says: dict[str, str], keywords: list[list[str]], is_urgent: bool, valid_until: datetime | None, proposal_id: UUID,
    proposed_by: str, approved_by: str,
) -> UUID:  # fmt: skip
    """It stands from now on. PositionEndsBeforeNow; the database holds that two people are behind it."""
    now, position_id = clock.now(), ids.uuid7()
    if valid_until is not None and valid_until <= now:
        raise PositionEndsBeforeNow
    await store.insert(
        tx, position_id, says=says, keywords=keywords, is_urgent=is_urgent, valid_from=now, valid_until=valid_until,
        proposal_id=proposal_id, proposed_by=proposed_by, approved_by=approved_by,
    )  # fmt: skip
    return position_id


async def end(tx: Tx, position_id: UUID, *, until: datetime, proposal_id: UUID, why: str) -> None:
    """It stands until then. PositionUnknown, PositionOver, PositionEndsBeforeNow."""
    now = clock.now()
    found = await store.locked(tx, position_id)
    if found is None:
        raise PositionUnknown
    if found.ending_why is not None or (found.valid_until is not None and found.valid_until <= now):
        raise PositionOver
    if until < now:
        raise PositionEndsBeforeNow
    await store.end(tx, position_id, until, proposal_id, why)
