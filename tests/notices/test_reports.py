"""Reported texts: near duplicates lie on one heap, the third report raises it, texts go after their time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import notices
from holdfast.kit import clock, retention
from holdfast.kit.actor import Actor
from holdfast.notices import Verdict

from .texts import ALTERATIONS, SCAM, SCAM_EN

pytestmark = pytest.mark.anyio
LIN = Actor("staff", name="Lin Wen")
OTHER = "尊敬的用户，您的包裹因地址不详被退回，请点击链接补填：http://ems-cn.top/a"


async def report(db, text, source="192.0.2.1"):
    return await db.run(
        notices.reports.add, text, sender="106900001234", source=source, verdict=Verdict.NOT_OURS, locale="zh"
    )


async def test_near_duplicates_lie_on_one_heap_and_others_do_not(db):
    first = await report(db, SCAM)
    for name in (
        "homoglyphs",
        "zero width everywhere",
        "traditional",
        "blanks between",
        "other amount",
        "a look-alike host",
        "signed by another",
    ):
        assert await report(db, ALTERATIONS[name](SCAM), f"source {name}") == first, name
    assert {await report(db, OTHER), await report(db, SCAM_EN), first} == {
        one.id for one in await db.read(notices.reports.clusters)
    }
    heap = await db.read(notices.reports.require, first)
    assert (heap.reports, heap.sources, heap.sample) == (8, 8, SCAM)
    assert [one.text for one in await db.read(notices.reports.within, first)][-1] == SCAM


async def test_the_third_report_raises_a_heap_and_a_person_says_what_became_of_it(db):
    heap = await report(db, SCAM)
    await report(db, SCAM)
    assert await db.read(notices.reports.count_raised) == 0
    await report(db, SCAM)
    assert await db.read(notices.reports.count_raised) == 1
    await db.run(notices.reports.handle, LIN, heap, "noted", "the campaign is over")
    assert await db.read(notices.reports.count_raised) == 0
    with pytest.raises(notices.ReportHandled):
        await db.run(notices.reports.handle, LIN, heap, "answered", "again")
    found = await db.read(notices.reports.require, heap)
    assert (found.state, found.handled_by, found.sources) == ("noted", "Lin Wen", 1)


async def test_a_heap_that_rested_gets_nothing_more(db):
    first = await report(db, SCAM)
    clock.move(timedelta(days=61))
    assert await report(db, SCAM) != first


async def test_reported_texts_go_after_their_time_and_their_number_stays(db):
    heap = await report(db, SCAM)
    clock.move(timedelta(days=179))
    assert (await retention.apply(db))["reported texts"] == 0
    clock.move(timedelta(days=2))
    assert (await retention.apply(db))["reported texts"] == 2
    found = await db.read(notices.reports.require, heap)
    [left] = await db.read(notices.reports.within, heap)
    assert (found.sample, found.reports, left.text, left.sender) == ("", 1, "", "")
    assert (await retention.apply(db))["reported texts"] == 0


async def test_the_first_text_of_a_heap_goes_in_its_time_although_more_come(db):
    heap = await report(db, SCAM)
    for _ in range(4):
        clock.move(timedelta(days=44))
        assert await report(db, SCAM) == heap
    clock.move(timedelta(days=5))
    await retention.apply(db)
    assert (await db.read(notices.reports.require, heap)).sample == ""
    texts = [one.text for one in await db.read(notices.reports.within, heap)]
    assert texts == [SCAM] * 4 + [""]
    assert await report(db, SCAM) != heap
