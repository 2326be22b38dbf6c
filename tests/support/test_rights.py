"""Cases in a copy of somebody's data and in an erasure; words of closed cases go after their time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import support
from holdfast.accounts import rights
from holdfast.accounts.rights_model import Erased
from holdfast.kit import clock, crypto, retention
from holdfast.support import State
from holdfast.support.rights import HeldCase
from tests import staff, world

from .test_cases import GUEST, again, opened, said

pytestmark = pytest.mark.anyio


@pytest.fixture
async def written(db):
    """A person with a case of their account and one they opened as a guest, and somebody else with one."""
    mei, jun = await world.traveller(db), await world.traveller(db)
    lin = await staff.colleague(db, "support")
    own = await opened(db, mei.phone, actor=mei.actor, account_id=mei.account_id, page={"page": "/orders"})
    await db.run(support.desk.answer, lin.actor, own, "We look.", key="k")
    await db.run(support.cases.rate, GUEST, own, 4, "quick")
    return mei, own, await opened(db, mei.phone), await opened(db, jun.phone, account_id=jun.account_id)


async def erase(db, mei) -> int:
    erased = Erased([mei.account_id], [crypto.blind_index("phone", mei.phone)], clock.now())
    return (await db.run(rights.ERASERS["cases"], erased, 100)).done


async def test_a_copy_holds_the_cases_with_their_words(db, written):
    mei, own, as_guest, _other = written
    found = (await db.read(rights.collect, [mei.account_id]))["cases"]
    assert all(isinstance(one, HeldCase) for one in found)
    assert [one.number for one in found] == [own.number, as_guest.number]
    assert [(one.author, one.body) for one in found[0].messages] == [
        ("traveller", "My order is gone."),
        ("staff", "We look."),
    ]
    assert (found[0].phone, found[0].score, found[0].why) == (mei.phone, 4, "quick")


async def test_an_erasure_takes_the_words_and_leaves_that_there_was_a_case(db, written):
    mei, own, as_guest, other = written
    [foreseen] = [one for one in await db.read(rights.foresee, [mei.account_id], clock.now()) if one.kind == "cases"]
    assert foreseen.count == 2
    assert await erase(db, mei) == 2
    assert await erase(db, mei) == 0
    for case in (own, as_guest):
        erased = await again(db, case)
        assert (erased.state, erased.phone_masked) == (State.CLOSED, "")
        assert {body for _author, body in await said(db, case)} == {""}
        story = await db.read(support.cases.story, erased)
        assert not any(one.content for one in story.evidence)
    assert await said(db, other) == [("traveller", "My order is gone.")]
    assert (await again(db, own)).answered_at is not None
    await db.run(support.cases.write, GUEST, own, "Still here?", key="x")
    lin = await staff.colleague(db, "support")
    await db.run(support.desk.answer, lin.actor, own, "Yes.", key="y")
    told = [one for one in await world.messages(db, mei.phone) if one.template == "case-answered"]
    assert len(told) == 1, "the answer before the erasure: after it there is nobody to tell"


async def test_words_of_closed_cases_go_after_three_years(db, written):
    _mei, own, as_guest, _other = written
    await db.run(support.cases.close, GUEST, own)
    rule = retention.RULES["words of closed cases"]
    clock.move(timedelta(days=1094))
    assert await db.run(rule.forget, rule.before, 100) == 0
    clock.move(timedelta(days=2))
    assert await db.run(rule.forget, rule.before, 100) == 1
    assert {body for _author, body in await said(db, own)} == {""}
    assert ("traveller", "My order is gone.") in await said(db, as_guest)
