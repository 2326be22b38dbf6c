"""People settle what stays open: with a note, once, in the audit trail, and in double entry where money is booked."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.kit import checks, ids
from holdfast.kit.actor import Actor
from holdfast.payments import reconciliation
from holdfast.payments import reconciliation_decisions as decisions
from holdfast.payments.reconciliation_model import ItemOpen, ItemResolved, ItemUnknown, NotBookable, WriteOffTooLarge
from tests import world

from . import days

pytestmark = pytest.mark.anyio
CLERK = Actor("staff", ids.uuid7(), "clerk@example.org")


@pytest.fixture
async def stranger(db, sim, day):
    """A payment in the bill that is not ours: 60.00, of which the provider kept 0.36."""
    sim.script({"fault": "bill_extra_row"})
    await days.paid(db, sim)
    days.to_bill(sim, day)
    [item] = await days.compared(db, day)
    sim.script()
    return item


@pytest.fixture
async def a_fen_more(db, sim, day):
    """A payment that the bill has with one fen more than we do."""
    sim.script({"fault": "bill_wrong_amount"})
    await days.paid(db, sim)
    days.to_bill(sim, day)
    [item] = await days.compared(db, day)
    sim.script()
    return item


async def trail(db, action: str) -> list[dict[str, object]]:
    rows = await world.value(
        db, "select jsonb_agg(jsonb_build_object('actor', actor, 'details', details)) from kit.audit where action = %(a)s", a=action
    )  # fmt: skip
    return rows or []


async def test_what_is_explained_is_accepted_with_a_note_and_books_nothing(db, stranger):
    before = await days.balance(db, "1010")
    item = await db.run(decisions.accept, CLERK, stranger.id, "a test payment of the provider, withdrawn")
    assert (item.state, item.resolution, item.by, item.note) == (
        "resolved", "manual", str(CLERK), "a test payment of the provider, withdrawn",
    )  # fmt: skip
    assert await days.balance(db, "1010") == before
    [entry] = await trail(db, "reconciliation.accept")
    assert entry["actor"] == str(CLERK)
    assert entry["details"]["reason"] == item.note
    with pytest.raises(ItemResolved):
        await db.run(decisions.suspend, CLERK, stranger.id, "again")


async def test_a_strangers_money_waits_in_suspense_and_its_fee_is_a_fee(db, stranger):
    before, fees = await days.balance(db, "1010"), await days.balance(db, "5020")
    item = await db.run(decisions.suspend, CLERK, stranger.id, "whose is it? asked the provider")
    assert (item.resolution, item.journal_id is not None) == ("forced", True)
    assert await days.balance(db, "1010") == before + 5964
    assert await days.balance(db, "5020") == fees + 36
    assert await days.balance(db, "1090") == -6000
    await reconciliation.run_all(db)
    assert await db.read(reconciliation.queue) == []
    evidence = await db.read(reconciliation.evidence, item.id)
    assert [journal.kind for journal in evidence.journals] == ["reconciliation.suspense"]


async def test_a_decision_can_be_taken_back_and_taken_anew(db, stranger):
    before = await days.balance(db, "1010")
    await db.run(decisions.suspend, CLERK, stranger.id, "unknown")
    item = await db.run(decisions.reopen, CLERK, stranger.id, "it was the other row")
    assert item.is_open
    assert await days.balance(db, "1010") == before
    assert await days.balance(db, "1090") == 0
    with pytest.raises(ItemOpen):
        await db.run(decisions.reopen, CLERK, stranger.id, "again")
    await db.run(decisions.suspend, CLERK, stranger.id, "after all")
    assert await days.balance(db, "1090") == -6000


async def test_a_small_difference_is_written_off_and_a_large_one_is_not(db, a_fen_more, sim, day):
    item = await db.run(decisions.write_off, CLERK, a_fen_more.id, "one fen")
    assert item.resolution == "forced"
    assert await days.balance(db, "5050") == -1  # a gain
    following = days.begin(sim)
    sim.script({"fault": "bill_missing_row"})
    await days.paid(db, sim)
    days.to_bill(sim, following)
    [large] = await days.compared(db, following)
    with pytest.raises(WriteOffTooLarge) as refused:
        await db.run(decisions.write_off, CLERK, large.id, "gone")
    assert refused.value.fields["limit_minor"] == decisions.write_off_max_minor()
    assert (await db.read(reconciliation.require, large.id)).is_open
    sim.script()


async def test_of_two_people_who_settle_at_once_one_does(db, stranger):
    outcomes = await asyncio.gather(
        *(db.run(decisions.suspend, CLERK, stranger.id, f"number {n}") for n in range(4)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Item", *["ItemResolved"] * 3]
    assert await days.balance(db, "1090") == -6000


async def test_what_is_not_a_sum_cannot_be_booked_and_what_is_not_there_is_unknown(db, sim, day):
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "no_statement"})
    await reconciliation.run_all(db)
    days.to_bill(sim, day + (days.timedelta(days=1)))
    await reconciliation.run_all(db)
    [item] = await db.read(reconciliation.queue)
    with pytest.raises(NotBookable):
        await db.run(decisions.suspend, CLERK, item.id, "no bill")
    with pytest.raises(ItemUnknown):
        await db.run(decisions.accept, CLERK, ids.uuid7(), "nothing")
    sim.script()


async def test_a_difference_that_nobody_attends_to_for_days_is_an_offence_until_there_is_a_note(db, sim, stranger):
    sim.advance(3 * 86_400 + 60)
    sentence = "Every difference that has stood open for three days has a note that says what is done about it"
    assert [one.offenders != [] for one in await checks.run_all(db) if one.sentence == sentence] == [True]
    item = await db.run(decisions.comment, CLERK, stranger.id, "the provider answers until Friday")
    assert (item.is_open, item.note) == (True, "the provider answers until Friday")
    assert [one.offenders for one in await checks.run_all(db) if one.sentence == sentence] == [[]]


async def test_asking_again_notes_what_the_provider_says_now(db, sim, day):
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_missing_row"}, {"fault": "html_502", "match": "query"})
    [item] = await days.compared(db, day)
    assert item.answer.startswith("unknown")
    sim.script()
    assert (await reconciliation.inquire(db, item.id)).answer.startswith("succeeded 60.00 CNY")
