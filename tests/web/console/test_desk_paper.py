"""Paper at the console: desks, sheets, imports with their dry run, one-press decisions, allotments, and booking for somebody."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import msgspec
import pytest

from holdfast import inventory, orders
from holdfast.kit import clock, i18n, ids
from holdfast.kit.db import Db
from holdfast.orders import slips, slips_model
from holdfast.orders.imports_model import CONFLICTS, Named
from tests import invariants, staff, world
from tests.orders import desks
from tests.web.conftest import hidden, text_of
from tests.web.test_looks import is_well_made

from .ground import come_as

pytestmark = pytest.mark.anyio
PAPER, ALLOTMENTS, BOOKING = "/console/desk/paper", "/console/desk/allotments", "/console/desk/booking"
OFFLINE = "/console/desk/offline"
_codes = iter(f"{first}{second}" for first in "ABCDE" for second in "ABCDEFGH")


def upload(content: bytes, code: str, act: str = "try") -> dict:
    return {"files": {"file": ("east.csv", content, "text/csv")}, "data": {"desk": code, "act": act}}


async def test_a_desk_is_made_and_given_slips_to_print(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "operations", "desk")
    code = next(_codes)
    wrong = await reader.post(PAPER + "/desks", data={"code": "O", "name": "", "venue": "nowhere"})
    assert (wrong.status_code, "Two letters or digits" in text_of(wrong)) == (422, True)
    unknown = await reader.post(PAPER + "/desks", data={"code": code, "name": "East gate", "venue": "nowhere"})
    assert (unknown.status_code, 'value="nowhere"' in unknown.text) == (422, True)
    made = await reader.post(PAPER + "/desks", data={"code": code.lower(), "name": "East gate"})
    assert made.headers["location"] == f"{PAPER}?done=made"
    too_many = await reader.post(f"{PAPER}/{code}/pads", data={"count": "5000"})
    assert (too_many.status_code, "1 to 500 slips at a time." in text_of(too_many)) == (422, True)
    given = await reader.post(f"{PAPER}/{code}/pads", data={"count": "10", "note": "drawer 2"})
    sheets = await reader.get(given.headers["location"])
    assert sheets.text.count('class="slip-sheet"') == 2
    number = slips.number(code, 10)
    assert slips.show(number) in sheets.text
    assert slips.seal(number) in sheets.text
    is_well_made(sheets.text)
    is_well_made((await reader.get(PAPER)).text)


async def test_a_file_is_tried_imported_and_its_conflict_decided_with_one_press(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, code = await world.open_slot(db, places=1, price_minor=0), next(_codes)
    await desks.desk(db, slot, 1, code)
    numbers = await desks.printed(db, 2, code)
    content = desks.file_of([desks.written(number, slot) for number in numbers])
    await come_as(reader, db, "desk", "operations")
    tried = await reader.post(PAPER + "/imports", **upload(content, code))
    assert "Dry run: east.csv" in text_of(tried)
    assert "Would be booked 1" in text_of(tried)
    assert "The places of this time are sold." in text_of(tried)
    is_well_made(tried.text)
    carried = {name: (None, value) for name, value in (hidden(tried) | {"act": "import"}).items()}
    done = await reader.post(PAPER + "/imports", files=carried)
    assert done.status_code == 303, text_of(done)
    page = await reader.get(done.headers["location"])
    assert "Booked 1 There already 0 To be decided 1" in text_of(page)
    is_well_made(page.text)
    board = await reader.get(PAPER)
    slip_id = re.search(rf'action="{PAPER}/slips/([0-9a-f-]+)/decision"', board.text)[1]
    one = await reader.get(f"{PAPER}/slips/{slip_id}")
    assert "1 places over the limit." in text_of(one)
    is_well_made(one.text)
    pressed = await reader.post(f"{PAPER}/slips/{slip_id}/decision", data={"act": "honour:overbook"})
    assert pressed.headers["location"] == f"{PAPER}?done=decided"
    assert (await db.read(slips.require, slip_id)).state == "booked"
    twice = await reader.post(f"{PAPER}/slips/{slip_id}/decision", data={"act": "honour:overbook"})
    assert (twice.status_code, "This slip is decided already." in text_of(twice)) == (422, True)
    again = await reader.post(PAPER + "/imports", **upload(content, code, "import"))
    assert "Booked 0 There already 2" in text_of(await reader.get(again.headers["location"]))
    await invariants.require(db)


async def test_every_conflict_is_shown_in_the_dry_run_in_the_import_and_alone(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, code = await world.open_slot(db, places=9, price_minor=6000), next(_codes)
    full = await world.open_slot(db, places=0, price_minor=6000, beside=slot)
    other = await world.open_slot(db, places=9, beside=slot)
    closed = await world.open_slot(db, beside=slot)
    await world.set_slot(db, closed, state="closed")
    await desks.desk(db, slot, 9, code)
    numbers = await desks.printed(db, 14, code)
    same = world.visitor()
    twice = [Named(same.name, "", same.document)]
    where = {"slot": slot.code, "ticket": slot.price_id}
    changes = [
        {"slip": "?"}, {"seal": "AAAAAA"}, {"date": "tomorrow"}, {"venue": "nowhere"}, {"slot": "03:07"}, {"ticket": "camel"},
        {"persons": [Named("王小明", "", "110105196001010013")]}, {"persons": [Named("王小明", "", "1.10105E+17")]}, {"people": "3"},
        {"persons": twice}, {"persons": twice}, {"slot": full.code}, {"slot": closed.code}, {"payment": "cash", "amount": "1"},
    ]  # fmt: skip
    lines = [desks.written(number, slot, **(where | one)) for number, one in zip(numbers, changes, strict=True)]
    await db.run(slips.spoil, staff.TEST, slips.number(code, 14), "torn")
    lines.append(desks.written(numbers[9], slot, **where))
    await come_as(reader, db, "desk", "operations")
    content = desks.file_of(lines)
    tried = await reader.post(PAPER + "/imports", **upload(content, code))
    assert tried.status_code == 200
    done = await reader.post(PAPER + "/imports", **upload(content, code, "import"))
    assert (await reader.get(done.headers["location"])).status_code == 200
    waiting = await db.read(orders.imports.waiting, code)
    assert {slip.problem for slip in waiting} == set(CONFLICTS) - {"amount-differs"}
    for slip in waiting:
        for language in ("zh", "en"):
            page = await reader.get(f"{PAPER}/slips/{slip.id}", headers={"Accept-Language": language})
            assert page.status_code == 200
            assert i18n.translate(CONFLICTS[slip.problem].title, language) in text_of(page)
    assert (await reader.get(PAPER)).status_code == 200
    assert other.slot_id != full.slot_id


async def test_a_desk_without_a_supervisor_is_told_who_decides(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, code = await world.open_slot(db, places=0, price_minor=0), next(_codes)
    await desks.desk(db, code=code)
    [number] = await desks.printed(db, 1, code)
    await desks.run(db, [desks.written(number, slot)], code)
    await come_as(reader, db, "desk")
    [slip] = await db.read(orders.imports.waiting, code)
    assert "A supervisor may: Book over the limit" in text_of(await reader.get(f"{PAPER}/slips/{slip.id}"))
    refused = await reader.post(f"{PAPER}/slips/{slip.id}/decision", data={"act": "honour:overbook"})
    assert (refused.status_code, "Only a supervisor may decide this." in text_of(refused)) == (422, True)
    bare = await reader.post(f"{PAPER}/slips/{slip.id}/decision", data={"act": "decline"})
    assert (bare.status_code, "Say why" in text_of(bare)) == (422, True)


async def test_what_a_device_wrote_is_shown_as_people_would_write_it(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, code = await world.open_slot(db, places=3, price_minor=0), next(_codes)
    await desks.desk(db, slot, 3, code)
    [number] = await desks.printed(db, 1, code)
    line = desks.written(number, slot, slot=str(slot.slot_id), seal="")
    await desks.run(db, [line], code)
    await come_as(reader, db, "desk")
    [slip] = await db.read(orders.imports.waiting, code)
    page = await reader.get(f"{PAPER}/slips/{slip.id}")
    begins = slot.starts_at.astimezone(world.ZONE).strftime("%H:%M")
    assert f'value="{begins}"' in page.text
    assert str(slot.slot_id) not in page.text


async def test_a_slip_is_corrected_from_the_paper_and_nothing_typed_is_lost(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, code = await world.open_slot(db, places=3, price_minor=0), next(_codes)
    await desks.desk(db, slot, 3, code)
    [number] = await desks.printed(db, 1, code)
    line = desks.written(number, slot, date="the 3rd")
    await desks.run(db, [line], code)
    await come_as(reader, db, "desk")
    [slip] = await db.read(orders.imports.waiting, code)
    path = f"{PAPER}/slips/{slip.id}"
    page = await reader.get(path)
    assert 'value="the 3rd"' in page.text
    [person] = line.persons
    typed = {
        "slip": line.slip, "seal": line.seal, "venue": line.venue, "date": "tomorrow", "slot": line.slot, "people": "1", "reason": "asked",
        "persons[0].name": person.name, "persons[0].document_type": person.document_type, "persons[0].document": person.document,
    }  # fmt: skip
    wrong = await reader.post(f"{path}/correction", data=typed)
    assert (wrong.status_code, 'value="tomorrow"' in wrong.text, person.document in wrong.text) == (422, True, True)
    day = slot.starts_at.astimezone(world.ZONE).date()
    assert (await reader.post(f"{path}/correction", data=typed | {"date": str(day)})).status_code == 303
    assert (await db.read(slips.require, slip.id)).state == "booked"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nonsense\n1,2,3\n", b"\xff\xff\x00"])
async def test_a_file_that_is_none_says_what_to_do(db: Db, reader: httpx2.AsyncClient, content: bytes) -> None:
    code = next(_codes)
    await desks.desk(db, code=code)
    await come_as(reader, db, "desk")
    answer = await reader.post(PAPER + "/imports", **upload(content, code))
    assert answer.status_code == 422
    assert "One entry needs a correction" in text_of(answer)
    template = await reader.get(PAPER + "/template.csv")
    assert template.content.startswith(b"\xef\xbb\xbfSlip,Seal,Venue")


async def test_allotments_by_rule_and_by_hand(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, code = await world.open_slot(db, places=40), next(_codes)
    await desks.desk(db, code=code)
    await come_as(reader, db, "operations")
    wrong = await reader.post(
        ALLOTMENTS + "/rules",
        data={"desk": code, "venue": slot.venue_id, "percent": "much", "return_minutes": "60", "reason": "outages"},
    )
    assert (wrong.status_code, 'value="much"' in wrong.text) == (422, True)
    rule = {"desk": code, "venue": slot.venue_id, "percent": "5", "return_minutes": "60", "reason": "outages"}
    assert (await reader.post(ALLOTMENTS + "/rules", data=rule)).status_code == 303
    assert await db.read(inventory.allotments.left, code, [slot.slot_id]) == {slot.slot_id: 2}
    day = slot.starts_at.astimezone(world.ZONE).date()
    shown = await reader.get(ALLOTMENTS, params={"desk": code, "venue": slot.venue_id, "date": str(day)})
    assert "by rule" in text_of(shown)
    is_well_made(shown.text)
    by_hand = {
        "slot": str(slot.slot_id),
        "desk": code,
        "venue": slot.venue_id,
        "date": str(day),
        "places": "41",
        "reason": "holiday",
    }
    refused = await reader.post(ALLOTMENTS + "/places", data=by_hand)
    assert (refused.status_code, "There are not so many free places" in text_of(refused)) == (422, True)
    moved = await reader.post(ALLOTMENTS + "/places", data=by_hand | {"places": "12", "returns_at": f"{day}T07:00"})
    assert moved.status_code == 303, text_of(moved)
    assert await db.read(inventory.allotments.left, code, [slot.slot_id]) == {slot.slot_id: 12}
    [made] = [one for one in await db.read(inventory.allotments.rules) if one.desk == code]
    assert (await reader.post(f"{ALLOTMENTS}/rules/{made.id}/ending", data={"reason": "over"})).status_code == 303


async def test_somebody_without_a_phone_is_booked_from_the_desks_places_and_gets_a_slip(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, code = await world.open_slot(db, places=1, price_minor=6000), next(_codes)
    await desks.desk(db, slot, 1, code)
    await come_as(reader, db, "desk")
    day = slot.starts_at.astimezone(world.ZONE).date()
    where = {"venue": slot.venue_id, "date": str(day), "desk": code}
    times = await reader.get(BOOKING, params=where)
    assert "1 places (1 of the desk)" in text_of(times)
    is_well_made(times.text)
    tickets = await reader.get(BOOKING, params=where | {"slot": str(slot.slot_id)})
    assert "Go on to the people" in text_of(tickets)
    form = await reader.get(BOOKING, params=where | {"slot": str(slot.slot_id), f"price.{slot.price_id}": "1"})
    is_well_made(form.text)
    person = world.visitor()
    typed = {
        **hidden(form), "region": "CN", "phone": "", "locale": "zh", "payment": "link", "lines[0].travellers[0].name": person.name,
        "lines[0].travellers[0].document_type": person.document_type, "lines[0].travellers[0].document": person.document[:-1],
    }  # fmt: skip
    wrong = await reader.post(BOOKING, data=typed)
    assert (wrong.status_code, "The number has 18 characters; you typed 17." in text_of(wrong)) == (422, True)
    typed["lines[0].travellers[0].document"] = person.document
    no_phone = await reader.post(BOOKING, data=typed)
    assert "A link to pay needs a phone" in text_of(no_phone)
    assert person.document in no_phone.text
    cash = typed | hidden(no_phone) | {"payment": "cash"}
    assert "Confirm that the whole sum is in your hand." in text_of(await reader.post(BOOKING, data=cash))
    done = await reader.post(BOOKING, data=cash | {"taken": "1"})
    assert done.status_code == 303, text_of(done)
    again = await reader.post(BOOKING, data=cash | {"taken": "1"})
    assert again.headers["location"] == done.headers["location"]
    slip = await reader.get(done.headers["location"])
    number = re.search(r"/booking/(\w+)", done.headers["location"])[1]
    assert ids.show_code(number) in text_of(slip)
    assert orders.pins.show(number) in text_of(slip)
    assert slip.text.count("<figure>") == 1
    is_well_made(slip.text)
    found = await orders.pins.by_pin(db, number, orders.pins.show(number), "test")
    assert (found.state, found.row.channel) == (orders.State.CONFIRMED, "desk")
    await world.until_quiet(db)
    await invariants.require(db)


async def test_a_link_to_pay_goes_to_the_phone_and_the_places_wait_until_the_visit(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, mei = await world.open_slot(db, price_minor=6000), await world.traveller(db)
    await come_as(reader, db, "support")
    day = slot.starts_at.astimezone(world.ZONE).date()
    asked = {"venue": slot.venue_id, "date": str(day), "slot": str(slot.slot_id), f"price.{slot.price_id}": "1"}
    person = world.visitor()
    typed = {
        **hidden(await reader.get(BOOKING, params=asked)), "region": "CN", "phone": mei.phone.removeprefix("+86"), "locale": "en",
        "payment": "link", "lines[0].travellers[0].name": person.name, "lines[0].travellers[0].document_type": person.document_type,
        "lines[0].travellers[0].document": person.document,
    }  # fmt: skip
    done = await reader.post(BOOKING, data=typed)
    number = re.search(r"/booking/(\w+)", done.headers["location"])[1]
    order = await world.order_of(db, mei, number)
    assert (order.state, order.row.expires_at) == (orders.State.AWAITING_PAYMENT, slot.starts_at)
    newest = (await world.messages(db, mei.phone))[0]
    assert newest.template == "order-to-pay"
    assert f"/orders/{number}?token=" in newest.body
    plain = await world.place(db, world.request(mei, world.basket(await world.open_slot(db, price_minor=0))))
    with pytest.raises(orders.OrderUnknown):
        await db.read(orders.assisted.slip, plain.number)


async def test_what_a_device_took_is_handed_in_with_its_token_also_when_nobody_is_signed_in(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, code = await world.open_slot(db, places=4, price_minor=0), next(_codes)
    await desks.desk(db, slot, 4, code)
    day = slot.starts_at.astimezone(world.ZONE).date()
    wish = {"desk": code, "day": str(day)}
    assert (await reader.post(OFFLINE + "/packs", json=wish)).status_code == 401
    await come_as(reader, db, "desk")
    assert 'crossorigin="use-credentials"' in (await reader.get(OFFLINE)).text
    pack = (await reader.post(OFFLINE + "/packs", json=wish)).json()
    assert len(pack["numbers"]) == 100
    assert [(one["id"], one["left"], one["real_name"]) for one in pack["slots"]] == [(str(slot.slot_id), 4, True)]
    kept = (
        await reader.post(OFFLINE + "/packs", json=wish | {"pad": pack["pad"]["id"], "token": pack["pad"]["token"]})
    ).json()
    assert (kept["pad"], kept["numbers"]) == (pack["pad"], [])
    reader.cookies.clear()
    first = pack["numbers"][0]
    line = desks.written(first["number"], slot, seal=first["seal"], slot=str(slot.slot_id), ticket=slot.price_id)
    body = {"pad": pack["pad"]["id"], "token": pack["pad"]["token"], "lines": [{"written": msgspec.to_builtins(line)}]}
    [item] = (await reader.post(OFFLINE + "/lines", json=body)).json()["items"]
    assert item["result"] == "new"
    [item] = (await reader.post(OFFLINE + "/lines", json=body)).json()["items"]
    assert (item["result"], len(item["order"])) == ("same", 10)
    assert (await reader.post(OFFLINE + "/lines", json=body | {"token": "wrong"})).status_code == 401
    assert (await reader.post(OFFLINE + "/lines", content=b"{")).status_code == 401
    await db.run(slips.revoke, staff.TEST, pack["pad"]["id"], "stolen")
    refused = await reader.post(OFFLINE + "/lines", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "pad-revoked")


async def test_practice_takes_time_and_books_nothing(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, code = await world.open_slot(db, places=4, price_minor=0), next(_codes)
    await desks.desk(db, slot, 4, code)
    await come_as(reader, db, "operations")
    assert (await reader.post(f"{PAPER}/{code}/state", data={"act": "drill"})).status_code == 303
    assert "Say why" in text_of(await reader.post(f"{PAPER}/{code}/state", data={"act": "paper"}))
    assert (
        await reader.post(f"{PAPER}/{code}/state", data={"act": "paper", "reason": "network is down"})
    ).status_code == 303
    wish = {"desk": code, "day": str(slot.starts_at.astimezone(world.ZONE).date())}
    pack = (await reader.post(OFFLINE + "/packs", json=wish)).json()
    assert pack["is_drill"]
    first, taken_at = pack["numbers"][0], clock.now() + timedelta(seconds=130)
    clock.move(timedelta(minutes=5))
    line = desks.written(first["number"], slot, taken_at=taken_at.isoformat())
    body = {"pad": pack["pad"]["id"], "token": pack["pad"]["token"], "lines": [{"written": msgspec.to_builtins(line)}]}
    [item] = (await reader.post(OFFLINE + "/lines", json=body)).json()["items"]
    assert (item["result"], item["order"]) == ("practised", "")
    assert (await reader.post(f"{PAPER}/{code}/state", data={"act": "no-drill"})).status_code == 303
    [drill] = [one for one in await db.read(orders.assisted.drills) if one.desk == code]
    assert (drill.lines, drill.faulty) == (1, 0)
    assert 129 <= drill.first_taken_s <= 140
    assert "2:1" in text_of(await reader.get(PAPER))
    assert slips_model.read(first["number"]) == first["number"]
