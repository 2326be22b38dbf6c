"""Imports of what was taken on paper: once, with nothing lost, nothing oversold, and every conflict with its ways out."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from holdfast import inventory, orders
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from holdfast.orders import imports, imports_decisions, imports_files, slips, slips_store
from holdfast.orders.imports_model import (
    CONFLICTS,
    CorrectionInvalid,
    DecisionNeedsSupervisor,
    DecisionNotPossible,
    Named,
)
from holdfast.orders.slips_model import SlipDecided, SlipUnknown
from tests import staff, world

from . import desks
from .desks import dry_run, printed, run, said, written

pytestmark = pytest.mark.anyio


async def test_a_slip_becomes_an_order_of_the_persons_own_and_comes_from_the_allotment(db: Db) -> None:
    slot = await world.open_slot(db, places=10, price_minor=0)
    await desks.desk(db, slot, 4)
    mei = await world.traveller(db)
    [number] = await printed(db, 1)
    line = written(number, slot, 2, phone=mei.phone)
    assert said(await dry_run(db, [line])) == ["new"]
    assert await desks.order_count(db) == 0
    [outcome] = (await run(db, [line])).outcomes
    assert (outcome.result, outcome.key) == ("new", number)
    order = await world.order_of(db, mei, outcome.order_number)
    assert (order.state, order.row.channel, len(order.travellers)) == (orders.State.CONFIRMED, "paper", 2)
    assert await db.read(inventory.allotments.left, "GG", [slot.slot_id]) == {slot.slot_id: 2}
    assert await world.value(db, "select set_aside from inventory.slots") == 2
    again = (await run(db, [line])).outcomes[0]
    assert (again.result, again.order_number) == ("same", outcome.order_number)
    assert await desks.order_count(db) == 1


async def test_cash_confirms_and_what_is_paid_later_keeps_its_places_until_the_visit(db: Db) -> None:
    slot = await world.open_slot(db, places=10, price_minor=6000)
    await desks.desk(db, slot, 10)
    numbers = await printed(db, 2)
    lines = [written(numbers[0], slot, payment="现金", amount="60"), written(numbers[1], slot, payment="待付")]
    paid, later = (await run(db, lines)).outcomes
    await world.until_quiet(db)
    states = dict(await db.read(_states))
    assert states == {paid.order_number: "confirmed", later.order_number: "awaiting_payment"}
    expires = await world.value(db, "select expires_at from orders.orders where number = %(n)s", n=later.order_number)
    assert expires == slot.starts_at


async def _states(tx):
    return await tx.tuples("select number, state from orders.orders")


async def test_somebody_without_a_phone_gets_an_order_found_by_number_and_pin(db: Db) -> None:
    slot = await world.open_slot(db, price_minor=0)
    await desks.desk(db, slot, 2)
    [number] = await printed(db, 1)
    [outcome] = (await run(db, [written(number, slot, phone="")])).outcomes
    await world.until_quiet(db)
    found = await orders.pins.by_pin(db, outcome.order_number, orders.pins.show(outcome.order_number), "test")
    assert (found.row.phone_masked, len(found.travellers)) == ("", 1)


async def test_two_slips_of_one_phone_belong_to_one_account_that_nobody_signs_in_to_yet(db: Db) -> None:
    slot = await world.open_slot(db, price_minor=0)
    await desks.desk(db, slot, 2)
    numbers, phone = await printed(db, 2), world.phone_number()
    await run(db, [written(number, slot, phone=phone) for number in numbers])
    accounts = await db.read(_accounts)
    assert len(accounts) == 2
    assert len(set(accounts)) == 1
    assert await world.value(db, "select count(*) from accounts.identifiers") == 0


async def _accounts(tx):
    return await tx.values("select account_id from orders.orders")


# Every conflict, alone: its words, its ways out, and what becomes of it


async def one_conflict(db: Db, line: object, code: str = "GG"):
    """The slip that one line left waiting."""
    dry, wet = await dry_run(db, [line]), await run(db, [line])
    assert said(dry) == said(wet)
    assert [one.result for one in wet.outcomes] == ["conflict"]
    [slip] = await db.read(imports.waiting, code)
    assert slip.problem == wet.outcomes[0].problem
    return slip


async def decide(db: Db, slip, act: str, *, boss: bool = True):
    return await db.run(imports_decisions.decide, staff.TEST, slip.id, act, "looked at it", is_supervisor=boss)


async def ground(db: Db, places: int = 5, **more):
    slot = await world.open_slot(db, places=places, price_minor=0, **more)
    await desks.desk(db, slot, places)
    return slot, *await printed(db, 3)


async def test_a_number_that_cannot_be_read_waits_and_goes_on_under_its_number(db: Db) -> None:
    slot, number, *_ = await ground(db)
    line = written(number, slot, slip="GG-0000I-?")
    slip = await one_conflict(db, line)
    assert slip.problem == "slip-unreadable"
    outcome = await db.run(
        imports_decisions.correct, staff.TEST, slip.id, msgspec.structs.replace(line, slip=number), "read it again"
    )
    assert (outcome.result, outcome.key) == ("new", number)
    assert said(await run(db, [line])) == ["same"]
    assert said(await run(db, [msgspec.structs.replace(line, slip=number)])) == ["same"]
    assert await desks.order_count(db) == 1
    with pytest.raises(SlipDecided):
        await decide(db, slip, "decline")


@pytest.mark.parametrize(("seal", "why"), [("", "seal-missing"), ("AAAAAA", "seal-wrong")], ids=["missing", "wrong"])
async def test_a_slip_without_our_seal_is_honoured_by_a_supervisor_only(db: Db, seal: str, why: str) -> None:
    slot, number, *_ = await ground(db)
    slip = await one_conflict(db, written(number, slot, seal=seal))
    assert (slip.problem, slip.details["why"]) == ("slip-unknown", why)
    with pytest.raises(DecisionNeedsSupervisor):
        await decide(db, slip, "honour:unsealed", boss=False)
    assert (await decide(db, slip, "honour:unsealed")).result == "new"


async def test_a_number_that_was_never_printed_and_one_that_was_called_back_wait(db: Db) -> None:
    slot, number, *_ = await ground(db)
    invented = slips.number("GG", 4711)
    assert said(await run(db, [written(invented, slot)])) == ["slip-unknown"]
    [pad] = await db.read(slips.pads, "GG")
    await db.run(slips.revoke, staff.TEST, pad.id, "drawer was broken open")
    [outcome] = (await run(db, [written(number, slot)])).outcomes
    assert (outcome.problem, outcome.details["why"]) == ("slip-unknown", "called-back")


async def test_a_scanned_code_brings_its_seal_along(db: Db) -> None:
    slot, number, *_ = await ground(db)
    assert said(await run(db, [written(number, slot, slip=slips.scanned(number), seal="")])) == ["new"]


async def test_a_spoiled_slip_that_comes_back_waits(db: Db) -> None:
    slot, number, *_ = await ground(db)
    await db.run(slips.spoil, staff.TEST, number, "coffee")
    slip = await one_conflict(db, written(number, slot))
    assert (slip.problem, slip.details["reason"]) == ("slip-void", "coffee")
    assert (await decide(db, slip, "honour:void")).result == "new"
    with pytest.raises(SlipUnknown):
        await db.run(slips.spoil, staff.TEST, "nonsense", "why not")


async def test_the_same_slip_with_other_words_waits_and_may_be_a_second_party(db: Db) -> None:
    slot, number, *_ = await ground(db)
    first, second = written(number, slot), written(number, slot)
    await run(db, [first])
    slip = await one_conflict(db, second)
    assert slip.problem == "slip-differs"
    assert (await decide(db, slip, "honour:again")).result == "new"
    assert said(await run(db, [first, second])) == ["same", "same"]
    assert await desks.order_count(db) == 2


async def test_the_first_of_two_may_count(db: Db) -> None:
    slot, number, *_ = await ground(db)
    await run(db, [written(number, slot)])
    slip = await one_conflict(db, written(number, slot))
    await decide(db, slip, "keep")
    kept = await db.read(slips.require, slip.id)
    assert (kept.state, kept.decision, kept.reason) == ("declined", "keep", "looked at it")


async def test_fields_that_cannot_be_read_are_all_named_at_once(db: Db) -> None:
    slot, number, *_ = await ground(db)
    line = written(number, slot, date="31.12.", people="two", payment="cheque", amount="a lot")
    slip = await one_conflict(db, line)
    assert [error["field"] for error in slip.details["errors"]] == ["date", "people", "payment", "amount"]
    better = msgspec.structs.replace(line, people="1", payment="", amount="")
    with pytest.raises(CorrectionInvalid) as refused:
        await db.run(imports_decisions.correct, staff.TEST, slip.id, better, "asked the desk")
    assert [error["field"] for error in refused.value.errors] == ["date"]
    good = msgspec.structs.replace(better, date=written(number, slot).date)
    assert (await db.run(imports_decisions.correct, staff.TEST, slip.id, good, "asked the desk")).result == "new"
    assert said(await run(db, [line])) == ["same"]


async def test_a_number_that_excel_has_rounded_is_found_by_its_own_message(db: Db) -> None:
    slot, number, *_ = await ground(db)
    rounded = Named("王小明", "", "1.10105E+17")
    slip = await one_conflict(db, written(number, slot, persons=[rounded]))
    [error] = slip.details["errors"]
    assert (slip.problem, error["code"], error["field"]) == ("fields", "EXCEL_NUMBER", "persons[0].document")
    assert "1.10105E+17" in error["message"]["zh"]
    zeros = Named("王小明", "", "110105196001010000")
    [outcome] = (await run(db, [written(slips.number("GG", 2), slot, persons=[zeros])])).outcomes
    assert [one["code"] for one in outcome.details["errors"]] == ["EXCEL_ZEROS"]


async def test_an_unknown_time_says_which_there_are(db: Db) -> None:
    slot, number, other, _third = await ground(db)
    slip = await one_conflict(db, written(number, slot, slot="03:07"))
    assert (slip.problem, slip.details["what"]) == ("unknown-item", "slot")
    assert [option["code"] for option in slip.details["options"]] == [slot.code]
    for changes, what in (({"venue": "nowhere"}, "venue"), ({"ticket": "camel"}, "ticket")):
        [outcome] = (await dry_run(db, [written(other, slot, **changes)])).outcomes
        assert outcome.details["what"] == what


async def test_a_wrong_document_does_not_cost_the_place(db: Db) -> None:
    slot, number, *_ = await ground(db)
    good, bad = world.visitor(), world.visitor()
    persons = [Named(good.name, "", good.document), Named(bad.name, "", bad.document[:-1] + "?")]
    slip = await one_conflict(db, written(number, slot, people="2", persons=persons))
    assert slip.problem == "document"
    outcome = await decide(db, slip, "honour:no-document", boss=False)
    found = await orders.pins.by_pin(db, outcome.order_number, orders.pins.show(outcome.order_number), "test")
    assert [ticket.admits for ticket in orders.tickets(found)] == [1, 1]
    assert [line.quantity for line in found.lines] == [1, 1]


async def test_people_who_are_not_named_come_as_a_party(db: Db) -> None:
    slot, number, *_ = await ground(db)
    one = world.visitor()
    slip = await one_conflict(db, written(number, slot, people="3", persons=[Named(one.name, "", one.document)]))
    assert (slip.problem, slip.details["named"]) == ("travellers-missing", 1)
    outcome = await decide(db, slip, "honour:incomplete", boss=False)
    found = await orders.pins.by_pin(db, outcome.order_number, orders.pins.show(outcome.order_number), "test")
    assert [ticket.admits for ticket in orders.tickets(found)] == [1, 2]


async def test_somebody_who_is_booked_that_day_already_keeps_that_booking(db: Db) -> None:
    slot, number, *_ = await ground(db)
    await desks.set_aside(db, slot, 1)
    mei, person = await world.traveller(db), world.visitor()
    placed = await world.place(db, world.request(mei, orders.Basket([world.line(slot, visitors=[person])], mei.phone)))
    slip = await one_conflict(db, written(number, slot, persons=[Named(person.name, "", person.document)]))
    assert (slip.problem, slip.details["order"]) == ("person-day", placed.number)
    outcome = await decide(db, slip, "existing", boss=False)
    assert outcome.order_number == placed.number
    assert (await db.read(slips.require, slip.id)).state == "existing"
    assert await desks.order_count(db) == 1


async def test_a_full_slot_is_overbooked_by_a_supervisor_and_its_sale_stops(db: Db) -> None:
    slot = await world.open_slot(db, places=2, price_minor=0)
    await desks.desk(db, slot, 1)
    mei = await world.traveller(db)
    await world.place(db, world.request(mei, world.basket(slot)))
    numbers = await printed(db, 3)
    report = await run(db, [written(number, slot) for number in numbers])
    assert said(report) == ["new", "slot-full", "slot-full"]
    first, second = await db.read(imports.waiting, "GG")
    with pytest.raises(DecisionNeedsSupervisor):
        await decide(db, first, "honour:overbook", boss=False)
    assert (await decide(db, first, "honour:overbook")).result == "new"
    row = await db.read(_slot_row, slot)
    assert row == (3, 2, 1, 0, "paused")
    again = await run(
        db, [written(numbers[0], slot)]
    )  # the slip of the allotment with other words, now the slot is full
    assert said(again) == ["slip-differs"]
    assert (await decide(db, second, "honour:overbook")).result == "new"
    assert await db.read(_slot_row, slot) == (4, 2, 2, 0, "paused")
    with pytest.raises(Problem, match="slot-closed"):
        await world.place(db, world.request(mei, world.basket(slot)))


async def _slot_row(tx, slot):
    [row] = await tx.tuples(
        "select taken, capacity, overcommitted, set_aside, state from inventory.slots where id = %(id)s",
        id=slot.slot_id,
    )
    return row


async def test_a_party_may_be_moved_to_another_time_with_room(db: Db) -> None:
    slot = await world.open_slot(db, places=1, price_minor=0)
    other = await world.open_slot(db, places=5, price_minor=0, beside=slot)
    await desks.desk(db)
    numbers = await printed(db, 2)
    lines = [written(number, slot, slot=slot.code, ticket=slot.price_id) for number in numbers]
    assert said(await run(db, lines)) == ["new", "slot-full"]
    [slip] = await db.read(imports.waiting, "GG")
    [act] = [act for act in imports_decisions.ways_out(slip) if act.startswith("move:")]
    assert act == f"move:{other.slot_id}"
    assert await decide(db, slip, act, boss=False)


async def test_a_closed_time_is_kept_by_a_supervisor(db: Db) -> None:
    slot, number, *_ = await ground(db)
    await world.set_slot(db, slot, state="closed")
    slip = await one_conflict(db, written(number, slot))
    assert slip.problem == "slot-closed"
    assert (await decide(db, slip, "honour:closed")).result == "new"


async def test_a_visit_that_is_over_is_booked_all_the_same(db: Db) -> None:
    slot = await world.open_slot(db, price_minor=0, closes_in=world.timedelta(hours=-1))
    await desks.desk(db, slot, 2)
    [number] = await printed(db, 1)
    assert said(await run(db, [written(number, slot)])) == ["new"]


async def test_money_that_is_not_what_it_costs_is_settled_at_the_desk(db: Db) -> None:
    slot = await world.open_slot(db, price_minor=6000)
    await desks.desk(db, slot, 2)
    [number] = await printed(db, 1)
    slip = await one_conflict(db, written(number, slot, payment="cash", amount="50"))
    assert (slip.problem, slip.details["taken"], slip.details["costs"]) == ("amount-differs", "¥50.00", "¥60.00")
    outcome = await decide(db, slip, "honour:unpaid", boss=False)
    assert dict(await db.read(_states)) == {outcome.order_number: "awaiting_payment"}


async def test_what_is_decided_against_stays_listed_with_who_and_why(db: Db) -> None:
    slot, number, *_ = await ground(db)
    line = written(number, slot, slot="03:07")
    slip = await one_conflict(db, line)
    with pytest.raises(DecisionNotPossible):
        await decide(db, slip, "honour:overbook")
    await decide(db, slip, "decline")
    kept = await db.read(slips.require, slip.id)
    assert (kept.state, kept.decided_by, kept.reason) == ("declined", str(staff.TEST), "looked at it")
    assert said(await run(db, [line])) == ["same"]


async def test_every_conflict_has_words_and_ways_out_in_both_languages() -> None:
    from holdfast.kit import i18n
    from holdfast.orders.imports_model import ACTS, RESULTS, STATES

    texts = [text for way in CONFLICTS.values() for text in (way.title, way.advice)]
    texts += [*ACTS.values(), *RESULTS.values(), *STATES.values()]
    assert [text for text in texts if text not in i18n.catalogue()] == []
    assert {act for way in CONFLICTS.values() for act in way.acts} <= set(ACTS)


async def test_practice_is_judged_and_books_nothing(db: Db) -> None:
    slot, number, second, _third = await ground(db)
    lines = [written(number, slot), written(second, slot, slot="03:07")]
    rows = [msgspec.structs.replace(row, is_drill=True) for row in desks.rows_of(lines)]
    report = await imports.run(db, staff.TEST, "GG", "practice", rows, source="device")
    assert [(one.result, one.problem) for one in report.outcomes] == [("practised", ""), ("practised", "unknown-item")]
    assert await desks.order_count(db) == 0
    assert await db.read(imports.waiting, "GG") == []
    assert await db.read(inventory.allotments.left, "GG", [slot.slot_id]) == {slot.slot_id: 5}


# A thousand at once, twice, and against the public


def thousand(numbers: list[str], slot: world.SlotWorld, full: world.SlotWorld, taken: orders.TravellerInput) -> list:
    """1,000 slips with 50 conflicts of all kinds, each kind five times but for two that come three and two times."""
    lines = [written(number, slot, slot=slot.code, ticket=slot.price_id) for number in numbers]

    def spoil(kind: int, **changes: object) -> None:
        for n in range(5):
            at = 20 * (5 * kind + n)
            lines[at] = msgspec.structs.replace(lines[at], **changes)

    spoil(0, slip="smudged")
    spoil(1, seal="AAAAAA")
    spoil(2, date="tomorrow")
    spoil(3, venue="nowhere")
    spoil(4, persons=[Named("王小明", "", "110105196001010013")])
    spoil(5, people="2")
    spoil(6, persons=[Named(taken.name, "", taken.document)])
    spoil(7, slot=full.code, ticket=full.price_id)
    spoil(8, persons=[Named("王小明", "", "1.10105E+17")])
    for n in range(5):
        at = 900 + 20 * n
        lines[at] = msgspec.structs.replace(lines[at], slip=lines[at - 1].slip, seal=lines[at - 1].seal)
    return lines


async def test_a_thousand_slips_twice_with_fifty_conflicts_give_the_same_result_and_lose_nothing(db: Db) -> None:
    slot = await world.open_slot(db, places=1200, price_minor=0)
    full = await world.open_slot(db, places=0, price_minor=0, beside=slot)
    await desks.desk(db, slot, 500)
    mei, taken = await world.traveller(db), world.visitor()
    await world.place(db, world.request(mei, orders.Basket([world.line(slot, visitors=[taken])], mei.phone)))
    numbers = [*await printed(db, 500), *await printed(db, 500)]
    lines = thousand(numbers, slot, full, taken)
    expected = {
        "new": 950, "slip-unreadable": 5, "slip-unknown": 5, "fields": 10, "unknown-item": 5, "document": 5,
        "travellers-missing": 5, "person-day": 5, "slot-full": 5, "slip-differs": 5,
    }  # fmt: skip
    assert Counter(said(await dry_run(db, lines))) == expected
    first = await run(db, lines)
    assert Counter(said(first)) == expected
    held = await db.read(_everything)
    second = await run(db, lines)
    assert Counter(said(second)) == {"same" if code == "new" else code: count for code, count in expected.items()}
    assert [one.key for one in second.outcomes] == [one.key for one in first.outcomes]
    assert [one.order_number for one in second.outcomes] == [one.order_number for one in first.outcomes]
    assert await db.read(_everything) == held
    assert len(await db.read(imports.waiting, "GG")) == 50
    for outcome in first.outcomes:
        if outcome.result == "conflict":
            assert outcome.problem in CONFLICTS
            slip = await db.read(slips.require, outcome.slip_id)
            assert imports_decisions.ways_out(slip), outcome
    _import, listed = await db.read(imports.one, first.import_id)
    assert len(listed) == 1000


async def _everything(tx):
    """Orders, places and slips, as far as an import may change them."""
    return (
        await tx.tuples("select number, state, amount_minor from orders.orders order by number"),
        await tx.tuples("select id, taken, set_aside, overcommitted from inventory.slots order by id"),
        await tx.tuples("select number, state, problem, order_id from orders.slips order by number"),
    )


@pytest.mark.slow
async def test_an_import_that_races_with_online_sale_never_oversells(db: Db, database_url: str) -> None:
    slot = await world.open_slot(db, places=120, price_minor=0)
    await desks.desk(db, slot, 40)
    lines = [written(number, slot) for number in await printed(db, 100)]
    people = [await world.traveller(db) for _ in range(10)]
    async with world.another_process(database_url) as other:
        door = orders.group_commit(other, lanes=2, limit=8)
        online = [door(world.request(people[n % 10], world.basket(slot))) for n in range(100)]
        twice = [run(db, lines), run(db, lines)]
        results = await asyncio.gather(*online, *twice, return_exceptions=True)
    first, second = results[-2:]
    sold = sum(isinstance(one, orders.Placed) for one in results[:-2])
    booked = {one.order_number for report in (first, second) for one in report.outcomes if one.result == "new"}
    assert sold + len(booked) == 120
    assert len(booked) >= 40
    waiting = await db.read(slips_store.open_slips, "GG", 300)
    assert {slip.problem for slip in waiting} <= {"slot-full"}
    assert len(waiting) + len(booked) == 100
    assert await world.places_left(db, slot) == 0
    assert await world.value(db, "select overcommitted from inventory.slots") == 0


# Files


@pytest.mark.parametrize(
    ("encoding", "language", "delimiter"),
    [("utf-8", "en", ","), ("utf-8-sig", "zh", ","), ("gb18030", "zh", ";"), ("utf-16", "zh", "\t")],
)
def test_files_come_in_every_encoding_and_either_language(encoding: str, language: str, delimiter: str) -> None:
    line = [""] * len(imports_files.headers(language))
    line[0], line[2], line[6], line[7], line[9] = "GG-00001-X", "故宫博物院", "2", "欧阳娜娜", "'110105196001010013"
    text = "\r\n".join(delimiter.join(cells) for cells in (imports_files.headers(language), line, [""] * 3))
    [row] = imports.read(text.encode(encoding))
    assert (row.row, row.written.slip, row.written.venue, row.written.people) == (2, "GG-00001-X", "故宫博物院", "2")
    assert row.written.persons == [Named("欧阳娜娜", "", "110105196001010013")]


def test_what_is_written_is_read_again() -> None:
    persons = [Named(f"Person {n}", "passport", f"E1234567{n}") for n in range(5)]
    line = imports_files.Written(slip="GG-00001-X", seal="ABCDEF", people="5", note="a, b\nand “c”", persons=persons)
    for language in ("zh", "en"):
        [row] = imports.read(imports_files.write(language, [line]))
        assert row.written == line
    assert imports.read(imports.template("zh")) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04workbook", "FILE_XLSX"),
        (b"", "FILE_EMPTY"),
        (b"a,b\n1,2\n", "FILE_COLUMNS"),
        (b"\x00\x81\xff\xfe\x00", "FILE_ENCODING"),
    ],
)
def test_a_file_that_is_none_says_why(content: bytes, code: str) -> None:
    with pytest.raises(imports_files.ImportFileUnreadable) as refused:
        imports.read(content)
    assert refused.value.errors[0]["code"] == code
