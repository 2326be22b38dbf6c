"""Feedback: "this does not work", said from any page, with what the page knew attached by itself.

Its words are sealed and never changed; staff answer it or note it, and how much of it they did is published. Whoever sent it
reads the answer under the link they were shown; who was signed in gets a message as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import accounts, admission, notices
from holdfast.accounts.rights import eraser, exported, foreseen
from holdfast.accounts.rights_model import Erased, Foreseen, Progress
from holdfast.kit import audit, clock, crypto, ids, retention, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput

from . import feedback_store as store
from .feedback_model import (
    DAYS,
    WORDS_MAX,
    Feedback,
    FeedbackFigures,
    FeedbackState,
    FeedbackTooOften,
    FeedbackUnknown,
    Group,
    Said,
)
from .feedback_store import Row

NUMBER_CHARACTERS = 6
USES, WINDOW_S = 12, 3600
"""So much from one address in an hour."""
SHOWN_MAX = 100
ZONE = "Asia/Shanghai"
_WORDS, _ANSWER = "support.feedback.words", "support.feedback.answer"
LATE_MOST = timedelta(days=30)
"""What was kept on a device for longer is taken to have happened now: its clock is wrong."""


async def send(db: Db, source: str, said: Said) -> str:
    """Takes feedback from an address; its number. The same key and words again: the same number.

    InvalidInput when there are no words, or too many; FeedbackTooOften.
    """
    words = read_words(said.words)
    key = f"{said.key[:80]}-{crypto.digest(words).hex()[:16]}"
    if before := await db.read(store.number_of_key, key):
        return before
    left = await db.run(admission.spend, "feedback", source, uses=USES, per_s=WINDOW_S)
    if not left.allowed:
        raise FeedbackTooOften(retry_after_s=left.resets_in_s)
    return await db.run(_send, said, words, key)


async def _send(tx: Tx, said: Said, words: str, key: str) -> str:
    now = clock.now()
    happened = said.happened_at if said.happened_at and now - LATE_MOST < said.happened_at <= now else now
    while True:
        number = ids.new_code(NUMBER_CHARACTERS)
        if await store.insert(
            tx, feedback_id=ids.uuid7(), number=number, key=key, words=crypto.seal(_WORDS, words), page=said.page[:200],
            address=said.address[:300], problem=said.problem[:200], request=said.request[:40], order_id=said.order_id,
            account_id=said.account_id, locale=said.locale, browser=said.browser[:100], is_offline=said.is_offline,
            happened_at=happened, received_at=now,
        ):  # fmt: skip
            return number
        if before := await store.number_of_key(tx, key):
            return before


def read_words(typed: str, field: str = "words") -> str:
    """What somebody wrote, without blanks around it. InvalidInput when there is nothing, or more than 2,000 characters."""
    words = typed.replace("\r\n", "\n").strip()
    if not words:
        raise InvalidInput(errors=[_wrong(field, "WORDS_MISSING", "Write what does not work; a few words are enough.")])
    if len(words) > WORDS_MAX:
        raise InvalidInput(errors=[_wrong(field, "WORDS_TOO_LONG", "Write at most 2,000 characters.")])
    return words


def _wrong(field: str, code: str, sentence: str) -> dict[str, object]:
    return {"field": field, "code": code, "message": both(sentence), "severity": "error", "suggestion": None}


def show_number(number: str) -> str:
    """For eyes and ears: ``7K3-QF90``."""
    return ids.show_code(number)


def link_token(number: str) -> str:
    """The token of the signed link under which its sender reads the answer."""
    return crypto.link_token("feedback", number)


def link(number: str) -> str:
    return f"{settings.current().base_url}/feedback/{number}?token={link_token(number)}"


async def require(tx: ReadTx, number: str, token: str) -> Feedback:
    """Feedback by its signed link. FeedbackUnknown."""
    code = ids.read_code(number, NUMBER_CHARACTERS)
    fits = code is not None and crypto.link_token_fits("feedback", code, token)
    row = await store.by_number(tx, code) if code and fits else None
    if row is None:
        raise FeedbackUnknown
    return _opened(row)


async def groups(tx: ReadTx) -> list[Group]:
    """What was said in the last thirty days, by kind of page and problem."""
    today = clock.now().astimezone(ZoneInfo(ZONE)).date()
    return await store.groups(tx, today - timedelta(days=DAYS - 1), today, ZONE, SHOWN_MAX)


async def in_group(tx: ReadTx, page: str, problem: str) -> list[Feedback]:
    """Everything about one problem on one kind of page, open ones first."""
    return [_opened(row) for row in await store.in_group(tx, page, problem, SHOWN_MAX)]


async def figures(tx: ReadTx) -> FeedbackFigures:
    """How much came in the last thirty days, and how much of it was answered."""
    since = clock.now() - timedelta(days=DAYS)
    return await store.figures(tx, since, since.date())


async def answer(tx: Tx, actor: Actor, feedback_id: UUID, words: str) -> None:
    """Answers feedback; its sender reads it under their link, and gets a message if they were signed in. A later answer counts.

    FeedbackUnknown; InvalidInput as `read_words` says.
    """
    said, row = read_words(words, "answer"), await _locked(tx, feedback_id)
    await store.end(tx, row.id, FeedbackState.ANSWERED, crypto.seal(_ANSWER, said), actor.name, clock.now())
    await audit.record(tx, actor, "feedback.answer", f"feedback:{row.number}")
    phone = await accounts.phone_of(tx, row.account_id) if row.account_id else None
    if phone:
        await notices.send(
            tx, phone, accounts.mask_phone(phone), "feedback-answered", row.locale, number=show_number(row.number), link=link(row.number)
        )  # fmt: skip


async def note(tx: Tx, actor: Actor, feedback_id: UUID) -> None:
    """Notes that it was read and needs no answer. What was answered stays answered."""
    row = await _locked(tx, feedback_id)
    if row.state is FeedbackState.OPEN:
        await store.end(tx, row.id, FeedbackState.NOTED, b"", actor.name, clock.now())
        await audit.record(tx, actor, "feedback.note", f"feedback:{row.number}")


async def _locked(tx: Tx, feedback_id: UUID) -> Row:
    row = await store.locked(tx, feedback_id)
    if row is None:
        raise FeedbackUnknown
    return row


def _opened(row: Row) -> Feedback:
    fields = {name: getattr(row, name) for name in Row.__struct_fields__}
    fields["words"] = crypto.unseal(_WORDS, row.words) if row.words else ""
    fields["answer"] = crypto.unseal(_ANSWER, row.answer) if row.answer else ""
    return Feedback(**fields)


class HeldFeedback(msgspec.Struct, frozen=True):
    """Feedback that was sent while signed in, and its answer."""

    number: str
    words: str
    address: str
    problem: str
    browser: str
    received_at: datetime
    answer: str


@exported("feedback", HeldFeedback)
async def held(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldFeedback]:
    """With its words."""
    found = [_opened(row) for row in await store.of_accounts(tx, accounts)]
    return [
        HeldFeedback(one.number, one.words, one.address, one.problem, one.browser, one.received_at, one.answer)
        for one in found
    ]


@foreseen("feedback")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """Words go; that something did not work on a kind of page stays."""
    found = await store.of_accounts(tx, accounts)
    return [Foreseen("feedback", len(found), "What you wrote about pages that did not work goes.")]


@eraser("feedback")
async def erase(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Words, answers, and who it was."""
    return Progress(await store.erase(tx, erased.accounts, clock.now(), limit))


@retention.rule("words of feedback", "feedback_kept_days")
async def forget_feedback(tx: Tx, before: datetime, limit: int) -> int:
    """So long they help to mend a page."""
    return await store.forget(tx, before, limit)
