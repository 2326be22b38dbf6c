"""Cases: opened once, answered, added to, closed and rated; nothing written in them is changed or lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest

from holdfast import accounts, orders, support
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import InvalidInput
from holdfast.support import Kind, State
from holdfast.support.cases import CASES_BY_PHONE
from holdfast.support.priorities import Money, Reason
from tests import staff, world

pytestmark = pytest.mark.anyio
GUEST = Actor("traveller", name="guest")


def new(phone: str, words: str = "My order is gone.", **more) -> support.NewCase:
    given = {"kind": Kind.MISSING_ORDER, "locale": "en", "channel": "web", "key": ids.uuid7().hex} | more
    return support.NewCase(words=words, phone=phone, **given)


async def opened(db, phone=None, actor=GUEST, **more) -> support.Case:
    found = await support.cases.open_case(db, actor, new(phone or world.phone_number(), **more))
    return await db.read(support.desk.require, found.number)


async def again(db, case) -> support.Case:
    return await db.read(support.desk.require, case.number)


async def said(db, case) -> list[tuple[str, str]]:
    story = await db.read(support.cases.story, case)
    return [(message.author, message.body) for message in story.messages]


async def test_a_case_has_a_number_to_read_aloud_and_its_phone_gets_the_link(db):
    phone = world.phone_number()
    case = await opened(db, phone)
    shown = support.cases.show_number(case.number)
    assert len(case.number) == 7
    assert shown[3] == "-"
    for typed in (shown, shown.lower(), f" {case.number} "):
        assert (await db.read(support.desk.require, typed)).id == case.id
    [message] = [one for one in await world.messages(db, phone) if one.template == "case-opened"]
    assert shown in message.body
    assert support.cases.link(case.number) in message.body
    assert (case.state, case.answered_at) == (State.OPEN, None)
    assert case.sla_due_at > case.opened_at


async def test_the_same_request_opens_one_case_also_at_once(db):
    one = new(world.phone_number())
    first, *others = await asyncio.gather(*(support.cases.open_case(db, GUEST, one) for _ in range(6)))
    assert {case.number for case in others} == {first.number}
    assert await world.value(db, "select count(*) from support.cases") == 1
    with pytest.raises(KeyReused):
        await support.cases.open_case(db, GUEST, new(one.phone, "Something else.", key=one.key))
    other = await support.cases.open_case(db, GUEST, new(world.phone_number(), key=one.key))
    assert other.number != first.number


@pytest.mark.parametrize(
    ("words", "people", "field"), [("  \n", 1, "words"), ("x" * 4001, 1, "words"), ("x", 0, "people")]
)
async def test_what_is_wrong_is_said_beside_its_field(db, words, people, field):
    with pytest.raises(InvalidInput) as raised:
        await opened(db, words=words, people=people)
    assert [error["field"] for error in raised.value.errors] == [field]


async def test_a_phone_opens_six_cases_an_hour(db):
    phone = world.phone_number()
    for _ in range(CASES_BY_PHONE):
        await opened(db, phone)
    with pytest.raises(support.TooManyCases):
        await opened(db, phone)
    lin = await staff.colleague(db, "support")
    await opened(db, phone, actor=lin.actor, channel="phone")
    clock.move(timedelta(hours=1, seconds=1))
    await opened(db, phone)


async def test_a_case_belongs_to_its_link_and_to_the_accounts_of_its_person(db):
    mei, other, stranger = await world.traveller(db), await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, other)
    by_account = await opened(db, mei.phone, actor=mei.actor, account_id=mei.account_id)
    as_guest = await opened(db, other.phone)
    for case in (by_account, as_guest):
        token = support.cases.link_token(case.number)
        assert (await db.read(support.cases.require, case.number, token=token)).id == case.id
        for person in (mei, other):
            assert (await db.read(support.cases.require, case.number, account_id=person.account_id)).id == case.id
        for wrong in ({"account_id": stranger.account_id}, {"token": token[:-1]}, {"token": "x"}, {}):
            with pytest.raises(support.CaseUnknown):
                await db.read(support.cases.require, case.number, **wrong)
    assert {case.id for case in await db.read(support.cases.mine, mei.account_id)} == {by_account.id, as_guest.id}
    assert await db.read(support.cases.mine, stranger.account_id) == []


async def test_an_answer_is_told_and_the_traveller_has_the_next_word(db):
    phone, lin = world.phone_number(), await staff.colleague(db, "support", name="Lin Wen")
    case = await opened(db, phone)
    clock.move(timedelta(minutes=7))
    await db.run(support.desk.answer, lin.actor, case, "Found it.", key="a")
    await db.run(support.desk.answer, lin.actor, case, "Found it.", key="a")
    answered = await again(db, case)
    assert (answered.state, answered.assigned_name, answered.sla_due_at) == (State.ANSWERED, "Lin Wen", None)
    assert timedelta(minutes=7) <= answered.answered_at - answered.opened_at < timedelta(minutes=8)
    assert len([one for one in await world.messages(db, phone) if one.template == "case-answered"]) == 1
    await db.run(support.cases.write, GUEST, case, "And the tickets?", key="b")
    await db.run(support.cases.write, GUEST, case, "And the tickets?", key="b")
    waiting = await again(db, case)
    assert (waiting.state, waiting.answered_at) == (State.OPEN, answered.answered_at)
    assert waiting.waiting_since > answered.answered_at
    assert waiting.sla_due_at > waiting.waiting_since
    await db.run(support.cases.write, GUEST, case, "Hello?", key="c")
    assert (await again(db, case)).waiting_since == waiting.waiting_since, "asking again does not move one to the end"
    await db.run(support.desk.answer, lin.actor, case, "Which day?", key="d", asks_back=True)
    assert (await again(db, case)).state is State.WAITING_FOR_TRAVELLER
    assert await said(db, case) == [
        ("traveller", "My order is gone."), ("staff", "Found it."), ("traveller", "And the tickets?"),
        ("traveller", "Hello?"), ("staff", "Which day?"),
    ]  # fmt: skip


async def test_a_closed_case_is_opened_again_by_its_traveller_only(db):
    lin = await staff.colleague(db, "desk")
    case = await opened(db)
    await db.run(support.cases.close, GUEST, case)
    await db.run(support.cases.close, GUEST, case)
    assert (await again(db, case)).state is State.CLOSED
    with pytest.raises(support.CaseClosed):
        await db.run(support.desk.answer, lin.actor, case, "Too late?", key="x")
    await db.run(support.cases.write, GUEST, case, "It is not settled.", key="y")
    assert (await again(db, case)).state is State.OPEN
    await db.run(support.desk.close, lin.actor, case)
    assert [author for author, _body in await said(db, case)] == ["traveller", "system", "traveller", "system"]


async def test_what_was_written_and_attached_is_never_changed(db, database_url):
    case = await opened(db, page={"page": "/orders/missing"})
    for statement in (
        "update support.messages set body = 'x'", "update support.messages set at = now(), body = ''",
        "delete from support.messages", "update support.evidence set content = '{\"a\": 1}'", "delete from support.evidence",
    ):  # fmt: skip
        with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement)
    stored = await world.value(db, "select body from support.messages")
    assert b"order is gone" not in bytes(stored)
    with psycopg.connect(database_url) as connection:
        connection.execute("update support.messages set body = ''")
        connection.execute("update support.evidence set content = '{}'")
    assert await said(db, case) == [("traveller", "")], "erased as the law asks, and still readable as a story"


async def test_the_order_and_the_page_are_attached_and_decide_the_priority(db):
    person, order = await world.held_order(db, await world.open_slot(db, starts_in=timedelta(hours=5)), people=5)
    page = {"page": f"/orders/{order.number}", "request": "abc"}
    case = await opened(db, person.phone, actor=person.actor, order=order, page=page, kind=Kind.TICKETS)
    assert (case.order_number, case.people, case.money) == (order.number, 5, Money.SETTLED)
    assert case.reasons == [Reason.VISIT_TODAY, Reason.SEVERAL_PEOPLE]
    story = await db.read(support.cases.story, case)
    assert [one.kind for one in story.evidence] == ["page", "order"]
    assert story.evidence[0].content == page
    attached = story.evidence[1].content
    assert (attached["number"], attached["state"]) == (order.number, "held")
    assert "王" not in str(attached), "no names"
    other = await opened(db, kind=Kind.OTHER)
    assert [one.id for one in await db.read(support.desk.queue)] == [case.id, other.id]


async def test_a_claimed_charge_is_in_doubt_until_somebody_knows(db):
    case = await opened(db, kind=Kind.CHARGED, words="WeChat took 60 yuan.")
    assert (case.money, case.reasons) == (Money.IN_DOUBT, [Reason.MONEY_IN_DOUBT])


async def test_time_moves_cases_up_and_binding_an_order_tells_what_it_is_about(db):
    lin = await staff.colleague(db, "support")
    first = await opened(db)
    clock.move(timedelta(hours=5))
    second = await opened(db)
    assert await support.desk.weigh_all(db) == 2
    queue = await db.read(support.desk.queue)
    assert [one.id for one in queue] == [first.id, second.id]
    assert queue[0].reasons == [Reason.WAITING_LONG]
    _person, order = await world.held_order(db, await world.open_slot(db, starts_in=timedelta(hours=7)))
    with pytest.raises(orders.OrderUnknown):
        await db.run(support.desk.bind, lin.actor, second, "nonsense")
    await db.run(support.desk.bind, lin.actor, second, ids.show_code(order.number))
    bound = await again(db, second)
    assert (bound.order_number, bound.reasons) == (order.number, [Reason.VISIT_TODAY])
    assert [one.id for one in await db.read(support.desk.queue)] == [second.id, first.id]
    assert (await db.read(support.desk.find, order.number))[0].id == second.id


async def test_cases_are_taken_and_given_to_colleagues_and_every_act_is_in_the_trail(db):
    lin, jun = await staff.colleague(db, "support"), await staff.colleague(db, "desk")
    case = await opened(db)
    await db.run(support.desk.assign, lin.actor, case, jun.id)
    assert [one.id for one in await db.read(support.desk.queue, State.OPEN, jun.id)] == [case.id]
    assert await db.read(support.desk.queue, State.OPEN, lin.id) == []
    await db.run(support.desk.answer, lin.actor, case, "Yes.", key="k")
    assert (await again(db, case)).assigned_to == jun.id, "who has it keeps it"
    await db.run(support.desk.assign, lin.actor, case, None)
    with pytest.raises(accounts.StaffUnknown):
        await db.run(support.desk.assign, lin.actor, case, ids.uuid7())
    await db.run(support.desk.close, lin.actor, case)
    await db.run(support.cases.rate, GUEST, case, 4, "")
    trail = await db.read(accounts.trail, subject=f"case:{case.number}")
    assert [entry.action for entry in reversed(trail)] == [
        "case.open", "case.assign", "case.answer", "case.assign", "case.close", "case.rate",
    ]  # fmt: skip


async def test_a_colleague_on_the_telephone_opens_a_case_for_somebody(db):
    lin, phone = await staff.colleague(db, "desk"), world.phone_number()
    case = await opened(db, phone, actor=lin.actor, channel="phone", words="Caller has no ticket.", locale="zh")
    story = await db.read(support.cases.story, case)
    assert [one.kind for one in story.evidence] == ["call"]
    assert story.evidence[0].content["by"] == lin.login
    assert [one.template for one in await world.messages(db, phone)] == ["case-opened"]
    assert [one.id for one in await db.read(support.desk.find, phone)] == [case.id]


async def test_the_last_rating_counts(db):
    case = await opened(db)
    for score, words in ((2, "slow"), (5, "")):
        await db.run(support.cases.rate, GUEST, case, score, words)
    rating = (await db.read(support.cases.story, case)).rating
    assert (rating.score, rating.words) == (5, "")
    for score in (0, 6):
        with pytest.raises(InvalidInput):
            await db.run(support.cases.rate, GUEST, case, score, "")


# The published figures


async def test_figures_count_who_still_waits_and_say_when_they_are_thin(db):
    lin = await staff.colleague(db, "support")
    empty = await db.read(support.figures.look)
    assert (empty.cases, empty.is_enough, empty.median_s) == (0, False, None)
    cases = [await opened(db) for _ in range(10)]
    for minutes, case in enumerate(cases[:4], 1):
        clock.move(timedelta(minutes=1))
        await db.run(support.desk.answer, lin.actor, case, f"After {minutes}.", key="k")
    clock.move(timedelta(minutes=56))
    await db.run(support.cases.close, GUEST, cases[9])
    await opened(db, actor=lin.actor, channel="phone")
    figures = await db.read(support.figures.look)
    assert (figures.cases, figures.waiting, figures.is_enough, figures.is_thin) == (9, 5, True, True)
    assert figures.median_s == pytest.approx(3600, abs=30), "half still wait: silence is no short answer"
    clock.move(timedelta(days=8))
    assert (await db.read(support.figures.look)).cases == 0
