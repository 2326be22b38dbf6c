"""Feedback: taken once, limited, grouped over time, answered, forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from holdfast.accounts import rights
from holdfast.accounts.rights_model import Erased
from holdfast.kit import clock, retention
from holdfast.kit.db import Db
from holdfast.kit.problems import InvalidInput
from holdfast.support import feedback
from holdfast.support.feedback_model import FeedbackState, FeedbackTooOften, FeedbackUnknown, Said
from tests import staff, world

pytestmark = pytest.mark.anyio


def said(words: str = "The button does nothing.", **more: Any) -> Said:
    known = {
        "key": uuid4().hex,
        "page": "/venues/{id}",
        "address": "/venues/palace",
        "locale": "en",
        "browser": "Chrome · Android",
    }
    return Said(words=words, **(known | more))


async def send(db: Db, source: str = "192.0.2.1", **more: Any) -> str:
    return await feedback.send(db, source, said(**more))


async def look(db: Db, number: str) -> feedback.Feedback:
    return await db.read(feedback.require, number, feedback.link_token(number))


async def test_words_are_sealed_and_read_under_their_link(db: Db) -> None:
    number = await send(db)
    found = await look(db, number)
    assert (found.words, found.state, found.browser) == (
        "The button does nothing.",
        FeedbackState.OPEN,
        "Chrome · Android",
    )
    assert b"button" not in bytes(await world.value(db, "select words from support.feedback"))
    with pytest.raises(FeedbackUnknown):
        await db.read(feedback.require, number, "wrong")


async def test_the_same_words_under_the_same_key_count_once(db: Db) -> None:
    first = await send(db, key="page-1")
    assert await send(db, key="page-1") == first
    assert await send(db, key="page-1", words="And another thing.") != first
    assert await world.value(db, "select count(*) from support.feedback") == 2


async def test_empty_and_endless_words_are_said_to_be_so(db: Db) -> None:
    for words, code in ((" \n", "WORDS_MISSING"), ("x" * 2001, "WORDS_TOO_LONG")):
        with pytest.raises(InvalidInput) as wrong:
            await send(db, words=words)
        assert wrong.value.errors[0]["code"] == code


async def test_one_address_sends_a_dozen_an_hour(db: Db) -> None:
    for _ in range(12):
        await send(db)
    with pytest.raises(FeedbackTooOften):
        await send(db)
    await send(db, source="192.0.2.2")


async def test_it_is_counted_by_page_and_problem_over_time(db: Db) -> None:
    clock.move(timedelta(days=-10))
    await send(db, problem="slot-full")
    clock.move(timedelta(days=10))
    number = await send(db, problem="slot-full")
    await send(db, page="/checkout", problem="")
    async with db.reading() as tx:
        groups = await feedback.groups(tx)
    by_place = {(one.page, one.problem): one for one in groups}
    full = by_place["/venues/{id}", "slot-full"]
    assert (full.count, full.last_week, full.open, sum(full.by_day), full.by_day[-1], len(full.by_day)) == (
        2,
        1,
        2,
        2,
        1,
        30,
    )
    async with db.reading() as tx:
        assert next(one.number for one in await feedback.in_group(tx, "/venues/{id}", "slot-full")) == number


async def test_an_answer_reaches_whoever_was_signed_in_and_counts(db: Db) -> None:
    mei, lin = await world.traveller(db), await staff.colleague(db, "support")
    number, other = await send(db, account_id=mei.account_id), await send(db)
    found = await look(db, number)
    clock.move(timedelta(hours=1))
    await db.run(feedback.answer, lin.actor, found.id, "Mended, thank you.")
    await db.run(feedback.note, lin.actor, (await look(db, other)).id)
    await db.run(feedback.note, lin.actor, found.id)
    after = await look(db, number)
    assert (after.state, after.answer) == (FeedbackState.ANSWERED, "Mended, thank you.")
    [message, *_] = await world.messages(db, mei.phone)
    assert f"/feedback/{number}?token=" in message.body
    figures = await db.read(feedback.figures)
    assert (figures.count, figures.answered, figures.noted, figures.percent) == (2, 1, 1, 100)
    assert figures.median_s == pytest.approx(3600, abs=30)


async def test_what_waited_on_a_device_keeps_its_time_unless_its_clock_is_wrong(db: Db) -> None:
    earlier = clock.now() - timedelta(hours=3)
    kept = await look(db, await send(db, is_offline=True, happened_at=earlier))
    assert (kept.happened_at, kept.is_offline) == (earlier, True)
    wrong = await look(db, await send(db, happened_at=clock.now() + timedelta(days=400)))
    assert wrong.happened_at <= clock.now()


async def test_it_is_in_a_copy_of_ones_data_goes_with_an_erasure_and_with_time(db: Db) -> None:
    mei = await world.traveller(db)
    number = await send(db, account_id=mei.account_id)
    old = await send(db)
    async with db.reading() as tx:
        [held] = (await rights.collect(tx, [mei.account_id]))["feedback"]
    assert held.words == "The button does nothing."  # type: ignore[attr-defined]
    await db.run(rights.ERASERS["feedback"], Erased([mei.account_id], [], clock.now()), 10)
    erased = await look(db, number)
    assert (erased.words, erased.account_id, erased.address) == ("", None, "/venues/{id}")
    assert (await look(db, old)).words
    clock.move(timedelta(days=366))
    treated = await retention.apply(db)
    assert treated["words of feedback"] == 1
    assert (await look(db, old)).words == ""
