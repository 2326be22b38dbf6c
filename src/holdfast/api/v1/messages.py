"""Checking a text that claims to come from us, and what we stand by."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from holdfast import notices, support
from holdfast.api.endpoint import Call, Endpoint, Limit
from holdfast.kit.problems import InvalidInput

from .texts import Text, text


class TextToCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole text as it was received, or its code alone; what it came from, if known. Nothing of it is kept."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=notices.checking.TEXT_MAX)]
    sender: Annotated[str, msgspec.Meta(max_length=notices.checking.SENDER_MAX)] = ""


class ReasonAnswer(msgspec.Struct, frozen=True):
    """Why, for programs and for people."""

    code: str
    text: Text


class PartAnswer(msgspec.Struct, frozen=True):
    """A piece of what we sent; hidden when it is a personal value and somebody else asks."""

    text: str
    hidden: bool


class SentAnswer(msgspec.Struct, frozen=True):
    """The message of ours that has the code. `parts` are empty when its text is no longer kept."""

    code: str
    channel: str
    recipient_ends: str
    at: datetime
    whole: bool
    parts: list[PartAnswer]


class DifferenceAnswer(msgspec.Struct, frozen=True):
    """A piece of both texts (same), of theirs, of ours, or a value that theirs has in a place of our template."""

    kind: str
    text: str


class LinkAnswer(msgspec.Struct, frozen=True):
    """A link of the text: the site it would lead to, whether that is ours, and what is wrong with it. It was not opened."""

    text: str
    host: str
    ours: bool
    findings: list[str]


class CheckAnswer(msgspec.Struct, frozen=True):
    """What can be said. No verdict means safe: `not-ours` is unknown, `sent` proves one text and nothing else."""

    verdict: notices.Verdict
    reasons: list[ReasonAnswer]
    message: SentAnswer | None
    difference: list[DifferenceAnswer]
    links: list[LinkAnswer]
    positions: list[Text]


class PositionAnswer(msgspec.Struct, frozen=True):
    """Something we stand by, from when until when."""

    id: UUID
    says: Text
    urgent: bool
    valid_from: datetime
    valid_until: datetime | None


async def check(call: Call) -> CheckAnswer:
    """Compares a text with what we sent."""
    body: TextToCheck = call.body
    known = await call.visitor()
    found = await support.checking.check(
        call.db, call.source, body.text, sender=body.sender, account_id=known.account_id if known else None
    )
    sent = found.message
    return CheckAnswer(
        verdict=found.verdict,
        reasons=[ReasonAnswer(one.code, text(one.text)) for one in found.reasons],
        message=SentAnswer(
            notices.stamps.show(sent.code), sent.channel, sent.ends_in, sent.at, sent.whole, [PartAnswer(one.text, one.hidden) for one in sent.parts]
        ) if sent else None,
        difference=[DifferenceAnswer(one.kind, one.text) for one in found.difference],
        links=[LinkAnswer(one.text, one.host, one.is_ours, one.findings) for one in found.links],
        positions=[text(one.says) for one in found.positions],
    )  # fmt: skip


async def positions(call: Call) -> list[PositionAnswer]:
    """What we stand by now."""
    found = await call.db.read(notices.positions.standing)
    return [PositionAnswer(one.id, text(one.says), one.is_urgent, one.valid_from, one.valid_until) for one in found]


CHECK_LIMITS = (
    Limit("message-checks", support.checking.CHECKS, support.checking.CHECKS_WINDOW_S),
    Limit("message-codes", support.checking.MISSES, support.checking.MISSES_WINDOW_S),
)
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path="/api/v1/messages/check", name="message-check", summary="Is this text really from us? Nothing of it is kept",
        who="anyone", body=TextToCheck, answer=CheckAnswer, limits=CHECK_LIMITS, problems=(support.ChecksTooOften, InvalidInput),
        handler=check, example={"text": "Holdfast: the discount will be deducted from your account.", "sender": "106900001234"},
    ),
    Endpoint(
        method="GET", path="/api/v1/messages/positions", name="message-positions", summary="What we stand by, whatever a text says",
        who="anyone", answer=list[PositionAnswer], cache="public, max-age=60", handler=positions,
    ),
)  # fmt: skip
