"""A desk without a network: it takes bookings down alone, loses none, and hands them in by itself when the network is back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from holdfast.accounts import documents
from holdfast.kit import ids
from holdfast.orders import imports, imports_files
from holdfast.orders.imports_model import CONFLICTS
from tests import world

from .browsing import Visit
from .staff import at_console
from .stage import FREE, PAID, Stage, national
from .test_gate import OFFLINE
from .test_reach import AUDIT, TOO_WIDE

HERE = "/console/desk/offline"
TODAY = date(2026, 11, 27)
THEIR_FINDINGS = """([documents, phones, names]) => [
  documents.map(([kind, number]) => DeskChecks.checkDocument(kind, number, "2026-11-27").map((one) => one.code)),
  phones.map((typed) => Boolean(DeskChecks.checkPhone(typed).length)),
  names.map((typed) => DeskChecks.checkName(typed).map((one) => one.code)),
]"""


def desk(stage: Stage, code: str, venue: str, places: int) -> tuple[str, str]:
    """A desk with so many places of one slot, written as its page does; the slot's id and its day."""
    slot = next(stage.slots(venue))
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute(
            "insert into inventory.desks (code, name, made_by, made_at) values (%s, 'East gate', 'test', now())", [code]
        )
        connection.execute(
            """insert into inventory.allotments (id, slot_id, desk, places, returns_at, made_by, made_at)
               select gen_random_uuid(), id, %s, %s, starts_at, 'test', now() from inventory.slots where id = %s""",
            [code, places, slot.id],
        )
        connection.execute("update inventory.slots set set_aside = set_aside + %s where id = %s", [places, slot.id])
    return slot.id, slot.day


def load(page: Page, code: str, day: str) -> None:
    page.locator("#desk").select_option(code)
    page.locator("#day").fill(day)
    page.locator("#load button").click()
    expect(page.locator("#notice.ok")).to_be_visible()


def fill(page: Page, slot: str, *, phone: str = "", number: str = "") -> str:
    """A booking for one, typed; the document."""
    document = number or world.identity_number()
    page.locator("#slot").select_option(slot)
    page.locator("#p0-name").fill("王小明")
    page.locator("#p0-document").fill(document)
    page.locator("#phone").fill(phone)
    return document


def take(page: Page, slot: str, **more: str) -> str:
    """One booking is taken down; its number."""
    fill(page, slot, **more)
    page.locator("#booking .btn.wide").click()
    expect(page.locator("#taken")).to_be_visible()
    shown = page.locator("#taken-number").inner_text()
    page.locator("#next").click()
    return shown


def test_what_a_desk_takes_without_a_network_is_booked_when_it_is_back(
    stage: Stage, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    slot, day = desk(stage, "AA", FREE, 4)
    me = visit("phone", "zh")
    page = at_console(me, stage, HERE, "desk", "operations")
    load(page, "AA", day)

    me.witness.excuse(OFFLINE, "the network is away")
    me.context.set_offline(True)
    me.context.clear_cookies()  # the session is over as well
    page.reload()  # the page, its numbers and places are kept on the device
    expect(page.locator("#state")).to_have_attribute("data-online", "false")
    person, twice, typed = stage.person(), world.identity_number(), world.identity_number()
    page.locator("#slot").select_option(slot)
    page.locator("#people").fill("2")
    page.locator("#p0-name").fill("王小明")
    page.locator("#p0-document").fill(twice)
    page.locator("#p1-name").fill("Anna Maria Okafor")
    page.locator("#p1-document").fill(typed[:-1] + ("0" if typed[-1] != "0" else "1"))
    page.locator("#phone").fill("12345")
    page.locator("#booking .btn.wide").click()
    expect(page.locator("[data-error='persons[1].document']")).to_have_text(
        me.says("The last character does not fit. Usually one digit is wrong or two neighbours are swapped.")
    )
    expect(page.locator("[data-error='persons[0].document']")).to_be_hidden()
    expect(page.locator("[data-error=phone]")).to_contain_text("5")
    page.reload()  # what is not taken down yet stays, too
    expect(page.locator("#p1-name")).to_have_value("Anna Maria Okafor")
    page.locator("#people").fill("")
    expect(page.locator("#p1-name")).to_be_hidden()
    page.locator("#people").fill("2")
    page.locator("#p1-document").fill(typed)
    page.locator("#phone").fill(national(person.phone))
    page.locator("#booking .btn.wide").click()
    expect(page.locator("#taken")).to_be_visible()
    taken = [page.locator("#taken-number").inner_text()]
    page.locator("#next").click()
    expect(page.locator("#phone")).to_have_value("")
    taken += [take(page, slot), take(page, slot, number=twice)]
    assert len(set(taken)) == 3
    fill(page, slot)
    expect(page.locator("#over-box")).to_be_visible()  # the desk has sold its places
    page.locator("#over").check()
    page.locator("#booking .btn.wide").click()
    expect(page.locator("#taken")).to_be_visible()
    expect(page.locator("#state")).to_have_attribute("data-waiting", "4")
    page.reload()
    expect(page.locator("#list li")).to_have_count(4)
    with page.expect_download() as saved:
        page.locator("#export").click()
    saved.value.save_as(tmp_path / "slips.csv")
    rows = imports.read((tmp_path / "slips.csv").read_bytes())
    assert [row.written.slip for row in rows][:3] == taken
    assert imports_files.headers("zh") == (tmp_path / "slips.csv").read_text("utf-8-sig").splitlines()[0].split(",")

    me.context.set_offline(False)
    expect(page.locator("#state")).to_have_attribute("data-waiting", "0", timeout=40_000)
    results = [one.get_attribute("data-result") for one in page.locator("#list li").all()]  # the newest first
    assert results[1] == "conflict"
    assert {results[0], *results[2:]} <= {
        "new",
        "same",
    }  # same: an answer got lost as the network came; the slot had room
    conflict = page.locator("#list li[data-result=conflict]")
    expect(conflict).to_contain_text(me.says(CONFLICTS["person-day"].title))
    [order] = stage.orders(person)
    assert order["state"] == "confirmed"
    expect(page.locator("#list li").last).to_contain_text(ids.show_code(order["number"]))
    with psycopg.connect(stage.here.database_url) as connection:
        found = connection.execute("select used, places from inventory.allotments where desk = 'AA'").fetchone()
    assert found == (
        4,
        4,
    )  # the two, the one, and of the fourth what was left; the second time of one person takes nothing
    decided_with_one_press(stage, visit, taken[2], order["number"])


def decided_with_one_press(stage: Stage, visit: Callable[..., Visit], slip: str, order: str) -> None:
    """A supervisor sees the slip that waits, with its proposal first, and presses that."""
    me = visit("desk", "en")
    page = at_console(me, stage, "/console/desk/paper", "desk", "operations")
    page.get_by_role("link", name=slip).click()
    expect(page.locator("main")).to_contain_text(CONFLICTS["person-day"].title)
    expect(page.locator("main")).to_contain_text(ids.show_code(order))
    page.locator("form button[name=act]").first.click()
    expect(page.locator(".note.ok")).to_have_text("Decided and kept.")
    expect(page.get_by_role("link", name=slip)).to_have_count(0)


def test_somebody_without_a_phone_is_booked_at_the_desk_and_finds_it_by_number_and_pin(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    me = visit("desk", "en")
    page = at_console(me, stage, "/console/desk/booking", "desk")
    slot = next(stage.slots(PAID))
    page.get_by_label("Place to visit").select_option(PAID)
    page.get_by_label("Day of the visit").fill(slot.day)
    page.get_by_role("button", name="Show times").click()
    page.locator(f"input[name=slot][value='{slot.id}']").check()
    page.get_by_role("button", name="Go on to the tickets").click()
    page.get_by_role("button", name="Go on to the people").click()
    page.get_by_label("Name as on the document").fill("Anna Maria Okafor")
    page.get_by_label("Document number").fill(world.identity_number())
    page.get_by_label(re.compile("in cash in my hand")).check()
    page.get_by_role("button", name="Book it").click()
    expect(page.locator(".handout-codes dd")).to_have_count(2)
    number, pin = [one.inner_text() for one in page.locator(".handout-codes dd").all()]
    expect(page.locator(".handout .qr")).to_have_count(1)

    guest = visit("phone", "en")
    guest.page.goto("/orders/lookup")
    guest.page.get_by_label("Order number").first.fill(number)
    guest.page.get_by_label(re.compile("PIN")).first.fill(pin)
    guest.page.locator("form:has([name=pin]) button").first.click()
    expect(guest.page.locator("main")).to_contain_text(number)


@pytest.mark.parametrize(("device", "language"), [("phone", "zh"), ("desk", "en")])
def test_the_pages_of_desks_fit_and_can_be_read_and_touched(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str
) -> None:
    code = {"phone": "BA", "desk": "BB"}[device]
    slot, day = desk(stage, code, FREE, 1)
    me = visit(device, language)
    page, found = at_console(me, stage, HERE, "desk", "operations"), []

    def look(where: str) -> None:
        found.extend(f"{where}: {one} reaches out" for one in page.evaluate(TOO_WIDE))
        asked: dict[str, Any] = {"fingers": True, "languageTag": "zh-CN" if language == "zh" else "en"}
        found.extend(f"{where}: {line}" for line in page.evaluate(AUDIT, asked))

    look("empty")
    load(page, code, day)
    look("loaded")
    page.locator("#booking .btn.wide").click()
    look("wrong")
    take(page, slot)
    expect(page.locator("#state")).to_have_attribute("data-waiting", "0", timeout=40_000)
    look("list")
    page.goto("/console/desk/paper")
    look("paper")
    page.goto(f"/console/desk/allotments?desk={code}&venue={FREE}&date={day}")
    look("allotments")
    page.goto(f"/console/desk/booking?venue={FREE}&date={day}&desk={code}")
    look("booking")
    assert not found, "\n".join(found)


def test_the_page_judges_documents_and_phones_as_the_server_does(stage: Stage, visit: Callable[..., Visit]) -> None:
    good = world.identity_number()
    numbers = [
        good, good.lower(), " ".join(good), good[:-1] + ("1" if good[-1] != "1" else "2"), good[:17], good + "1", good[:6] + "991332" + good[12:],
        good[:6] + "20991231" + good[14:], "O" + good[1:], good[:5] + "X" + good[6:], "99" + good[2:], "00" + good[2:], "110105600101001",
        "810000199408230021", "830000199201300022", "911124198108030024", "ABC123456789012", "H12345678", "H1234567800", "HA1234567", "h1234567o",
        "12345678", "1234567801(A)", "A123456789", "E12345678", "AB1234567", "123", "", "１１０１０５", "E1234-5678", "L898902C3<<",
    ]  # fmt: skip
    phones = [
        "13800138000", "+86 138 0013 8000", "0086-13800138000", "1380013800", "138001380000", "010-65551234", "1380013800O", "+85261234567", "61234567",
    ]  # fmt: skip
    me = visit("desk", "en")
    page = at_console(me, stage, HERE, "desk")
    names = ["王小明", "王", "Anna Maria Okafor", "O'Neill", "x2", "😀😀", "  ", "买买提·吐尔逊"]
    documents_typed = [(kind.value, typed) for kind in documents.DocumentType for typed in numbers]
    found = page.evaluate(THEIR_FINDINGS, [documents_typed, phones, names])
    wrong = []
    for (kind, typed), theirs in zip(documents_typed, found[0], strict=True):
        _document, findings = documents.check_document(documents.DocumentType(kind), typed, TODAY)
        ours = [one.code for one in findings if one.severity == "error"]
        if ours != theirs:
            wrong.append((kind, typed, ours, theirs))
    for typed, theirs in zip(phones, found[1], strict=True):
        if any(one.severity == "error" for one in documents.check_phone(typed)[1]) != theirs:
            wrong.append(("phone", typed, not theirs, theirs))
    for typed, theirs in zip(names, found[2], strict=True):
        ours = [one.code for one in documents.check_name(typed)[1] if one.severity == "error"]
        if ours != theirs:
            wrong.append(("name", typed, ours, theirs))
    assert not wrong, wrong
