"""A gate without a network: it decides alone, uploads by itself, and the ticket that two gates let in is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from playwright.sync_api import Page, expect

from .browsing import Visit
from .staff import PASSWORD, Colleague, at_console, hire
from .stage import FREE, PAID, Person, Slot, Stage, until
from .test_reach import AUDIT, TOO_WIDE

SCANNER = """text => {
  for (const key of [...text, "Enter"]) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}"""
"""Types as fast as a scanner, however busy this machine is: the page takes a pause for the end of what is typed."""
OFFLINE = r"^failed: .*ERR_INTERNET_DISCONNECTED"


def open_now(stage: Stage, venue: str, hours: float = -1) -> Slot:
    """A slot of a venue that nobody has booked, of three hours from so many hours on."""
    with psycopg.connect(stage.here.database_url) as connection:
        taken = {str(row[0]) for row in connection.execute("select slot_id from orders.lines").fetchall()}
    slot = next(one for one in reversed(list(stage.slots(venue))) if one.id not in taken)
    move(stage, slot, hours)
    return slot


def move(stage: Stage, slot: Slot, hours: float) -> None:
    begin = datetime.now(UTC) + timedelta(hours=hours)
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute(
            "update inventory.slots set starts_at = %s, ends_at = %s, sale_closes_at = %s where id = %s",
            [begin, begin + timedelta(hours=3), begin + timedelta(hours=2), slot.id],
        )


class Ticket(NamedTuple):
    number: str
    code: str
    person: Person


def ticket(stage: Stage, slot: Slot, *, late: bool = False) -> Ticket:
    """A confirmed order for one and its code; `late`: whose slot ended an hour ago."""
    person = stage.person()
    number = stage.order(person, slot)
    if slot.price_minor:
        stage.pay(person, number)
    if late:
        move(stage, slot, -4)
    [found] = stage.ask("GET", f"/api/v1/orders/{number}/tickets", who=person)["items"]
    return Ticket(number, found["code"], person)


def scan(page: Page, text: str) -> str:
    """A handheld scanner types it; what the gate says."""
    page.locator("body").click(position={"x": 1, "y": 1})
    page.evaluate(
        "() => { const box = document.getElementById('verdict'); delete box.dataset.verdict; document.activeElement?.blur(); }"
    )
    page.evaluate(SCANNER, text)
    said = page.locator("#verdict[data-verdict]")
    expect(said).to_be_visible()
    return str(said.get_attribute("data-verdict"))


def stand(me: Visit, link: str, who: Colleague) -> None:
    """Opens the link of a gate and goes on duty there."""
    page = me.page
    page.goto(link)
    page.get_by_label(me.says("Login")).fill(who.login)
    page.get_by_label(me.says("Password")).fill(PASSWORD)
    page.get_by_label(me.says("Code"), exact=True).fill(who.code())
    page.get_by_role("button", name=me.says("Go on duty")).click()
    expect(page.locator("#screen-gate")).to_be_visible()
    expect(page.locator("#state")).to_have_attribute("data-online", "true")


def synced(page: Page) -> None:
    """The device has loaded the list anew."""
    with page.expect_response(lambda answer: "/api/v1/gate/list" in answer.url and answer.ok):
        page.evaluate("() => dispatchEvent(new Event('online'))")


@pytest.fixture
def boss(stage: Stage, visit: Callable[..., Visit]) -> Visit:
    """Somebody of operations at the console."""
    me = visit("desk", "en")
    page = at_console(me, stage, "/console/gates", "operations", "desk", "engineer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Gates")
    return me


def made(boss: Visit, venue: str, name: str) -> str:
    """The link of a new device."""
    page = boss.page
    page.goto("/console/gates")
    page.get_by_label("Venue").fill(venue)
    page.get_by_label("Name of the gate").fill(name)
    page.get_by_role("button", name="Make its link").click()
    return str(page.locator("[data-link]").inner_text())


@pytest.fixture
def slot(stage: Stage) -> Slot:
    return open_now(stage, FREE)


def test_a_gate_that_was_offline_uploads_and_its_one_double_use_is_found(
    stage: Stage, visit: Callable[..., Visit], boss: Visit, slot: Slot
) -> None:
    people = [ticket(stage, slot) for _ in range(4)]
    north, south = visit("phone", "zh"), visit("desk", "en")
    stand(north, made(boss, slot.venue, "North gate"), hire(stage, "Zhao Min", "desk"))
    stand(south, made(boss, slot.venue, "South gate"), hire(stage, "Qian Li", "desk"))
    assert scan(north.page, people[0].code) == "valid"
    north.page.wait_for_function("navigator.serviceWorker.controller !== null")

    north.witness.excuse(OFFLINE, "the network is away")
    north.context.set_offline(True)
    north.page.reload()  # the page and the list are kept on the device
    expect(north.page.locator("#screen-gate")).to_be_visible()
    expect(north.page.locator("#state")).to_have_attribute("data-online", "false")
    assert scan(south.page, people[2].code) == "valid"
    assert [scan(north.page, one.code) for one in people[1:]] == ["valid"] * 3
    expect(north.page.locator("#lines")).to_contain_text(north.says("Decided without a network."))
    assert scan(north.page, people[0].code) == "used"
    assert scan(north.page, people[1].number) == "used"
    expect(north.page.locator("#state")).to_contain_text(north.says("{count} to upload", count=3))

    north.context.set_offline(False)
    expect(north.page.locator("#state")).to_have_attribute("data-online", "true", timeout=30_000)
    expect(north.page.locator("#pending")).to_have_attribute("data-count", "0", timeout=30_000)
    assert scan(south.page, people[3].code) == "used"
    for one in people:
        until(lambda one=one: stage.ask("GET", f"/api/v1/orders/{one.number}", who=one.person)["state"] == "used")

    page = boss.page
    page.goto("/console/gates")
    [dispute] = page.locator("article.dispute").all()
    expect(dispute).to_contain_text("used twice")
    expect(dispute).to_contain_text("North gate")
    expect(dispute).to_contain_text("Zhao Min")
    expect(dispute).to_contain_text("South gate")
    expect(dispute).to_contain_text("without a network")
    number = people[2].number
    expect(dispute).to_contain_text(f"{number[:5]}-{number[5:]}")
    dispute.get_by_role("link", name="Decide").click()
    page.get_by_label("Decision").select_option("let-be")
    page.locator("#f-reason-ruling").fill("father and son, same phone")
    page.get_by_role("button", name="Keep the decision").click()
    expect(page.get_by_role("status")).to_contain_text("Decided")
    expect(page.locator("section[aria-labelledby=conflicts]")).to_have_count(0)
    expect(page.locator("section[aria-labelledby=decided]")).to_contain_text("father and son, same phone")


def test_every_answer_of_the_gate_is_the_same_with_and_without_a_network(
    stage: Stage, visit: Callable[..., Visit], boss: Visit, slot: Slot
) -> None:
    early, elsewhere = open_now(stage, FREE, 3), open_now(stage, PAID)
    used, early_one, cancelled = ticket(stage, slot), ticket(stage, early), ticket(stage, early)
    late_one = ticket(stage, open_now(stage, FREE, 3), late=True)
    theirs = ticket(stage, elsewhere)
    stage.ask("POST", f"/api/v1/orders/{cancelled.number}/cancellation", {"quoted_minor": 0}, who=cancelled.person)
    forged = used.code[:-8] + ("AAAAAAAA" if used.code[-8:] != "AAAAAAAA" else "BBBBBBBB")
    asked: list[tuple[str, str]] = [
        (used.code, "used"), (used.number, "used"), (early_one.code, "too-early"), (late_one.code, "too-late"),
        (theirs.code, "wrong-venue"), (cancelled.code, "revoked"), (cancelled.number, "revoked"), (forged, "unknown"), ("0000000000", "unknown"),
    ]  # fmt: skip
    gate = visit("phone", "en")
    stand(gate, made(boss, slot.venue, "West gate"), hire(stage, "Sun Fang", "desk"))
    assert scan(gate.page, used.code) == "valid"
    assert [(text, scan(gate.page, text)) for text, _ in asked] == asked
    synced(gate.page)
    gate.witness.excuse(OFFLINE, "the network is away")
    gate.context.set_offline(True)
    assert [(text, scan(gate.page, text)) for text, _ in asked] == asked
    assert scan(gate.page, early_one.code) == "too-early"
    gate.page.get_by_role("button", name="Let in all the same").click()
    expect(gate.page.locator("#verdict")).to_have_attribute("data-verdict", "valid")
    gate.context.set_offline(False)
    expect(gate.page.locator("#pending")).to_have_attribute("data-count", "0", timeout=30_000)


def test_a_device_that_is_switched_off_is_a_gate_no_more(
    stage: Stage, visit: Callable[..., Visit], boss: Visit
) -> None:
    gate = visit("phone", "en")
    stand(gate, made(boss, FREE, "East gate"), hire(stage, "Li Na", "desk"))
    gate.witness.excuse(r"^401", "the device was switched off")
    page = boss.page
    page.goto("/console/gates")
    row = page.locator("tr", has_text="East gate")
    row.get_by_text("Switch off").click()
    row.get_by_label("Reason").fill("lost on the metro")
    row.get_by_role("button", name="Switch it off").click()
    expect(page.locator("tr", has_text="East gate")).to_contain_text("lost on the metro")
    gate.page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(gate.page.locator("#screen-enrol")).to_be_visible()


@pytest.mark.parametrize(("device", "language", "colours"), [("phone", "zh", "dark"), ("desk", "en", "light")])
def test_the_pages_of_the_gate_fit_and_can_be_read_and_touched(
    stage: Stage, visit: Callable[..., Visit], boss: Visit, slot: Slot, device: str, language: str, colours: str
) -> None:
    one, other = ticket(stage, slot), ticket(stage, slot)
    gate = visit(device, language, color_scheme=colours)
    found: list[str] = []

    def look(where: str, page: Page) -> None:
        found.extend(f"{where}: {one} reaches out" for one in page.evaluate(TOO_WIDE))
        asked: dict[str, Any] = {
            "fingers": True,
            "languageTag": "zh-CN" if language == "zh" and page == gate.page else "en",
        }
        found.extend(f"{where}: {line}" for line in page.evaluate(AUDIT, asked))

    gate.page.goto("/gate")
    expect(gate.page.locator("#screen-enrol")).to_be_visible()
    look("enrol", gate.page)
    stand(gate, made(boss, slot.venue, f"Gate {device}"), hire(stage, f"Wu {device}", "desk"))
    look("ready", gate.page)
    for text, said in ((one.code, "valid"), (one.code, "used"), (other.code, "valid"), ("0000000000", "unknown")):
        assert scan(gate.page, text) == said
        look(said, gate.page)
    boss.page.goto("/console/gates")
    boss.page.set_viewport_size({"width": 390 if device == "phone" else 1280, "height": 900})
    look("console", boss.page)
    boss.page.goto(f"/console/gates/list?venue={slot.venue}&day={slot.day}")
    look("list", boss.page)
    expect(boss.page.locator("main")).to_contain_text(f"{one.number[:5]}-{one.number[5:]}")
    assert not found, "\n".join(found)
