"""Gates at the console: devices, rules of entry, conflicts, undoing, the list on paper; and the scanner's own files."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import orders, passes
from holdfast.kit import clock, i18n, jobs
from holdfast.kit.db import Db
from holdfast.web.console import access, gates, sections
from holdfast.web.gate import words
from tests import gates as ground
from tests import staff, world

from .conftest import text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
HERE = "/console/gates"


def come_as(reader: httpx2.AsyncClient, person: staff.Colleague) -> None:
    reader.cookies.set(access.COOKIE, person.token)


@pytest.fixture
async def slot(db: Db) -> world.SlotWorld:
    return await ground.open_now(db)


@pytest.fixture
async def boss(db: Db, reader: httpx2.AsyncClient, slot: world.SlotWorld) -> staff.Colleague:
    person = await staff.colleague(db, "operations", name="He Jun")  # after the clock was moved
    come_as(reader, person)
    return person


@pytest.fixture
async def doubled(db: Db, slot: world.SlotWorld) -> tuple[world.SlotWorld, passes.Dispute]:
    """A ticket that a gate without a network let in after another one had."""
    north, south = await ground.gate(db, slot.venue_id), await ground.gate(db, slot.venue_id, "South gate")
    _, [ticket] = await ground.visit(db, (slot, 1))
    await ground.admit(db, south, ground.by_code(1, ticket))
    await ground.admit(db, north, ground.by_code(1, ticket, offline_at=clock.now(), shift=north.shift))
    await jobs.drain(db)
    [found] = [one for one in await db.read(passes.admissions.disputes) if one.late.venue_id == slot.venue_id]
    return slot, found


async def test_a_device_is_made_and_its_link_is_shown_once(
    db: Db, reader: httpx2.AsyncClient, boss: staff.Colleague, slot: world.SlotWorld
) -> None:
    answer = await reader.post(HERE, data={"at": slot.venue_id, "name": "West gate"})
    assert answer.status_code == 200
    code = re.search(r"/gate#enrol=(\w{20})", answer.text)
    assert code
    assert (await db.run(passes.devices.enrol, code[1], "Chrome")).venue_id == slot.venue_id
    shown = await reader.get(HERE)
    assert "West gate" in text_of(shown)
    assert code[1] not in shown.text
    is_well_made(shown.text)


async def test_what_is_wrong_with_a_device_is_said_and_stays_typed(
    reader: httpx2.AsyncClient, boss: staff.Colleague
) -> None:
    answer = await reader.post(HERE, data={"at": "nowhere at all", "name": "W"})
    assert answer.status_code == 422
    assert "Choose a venue from the list." in text_of(answer)
    assert "in 2 to 60 characters" in text_of(answer)
    assert 'value="nowhere at all"' in answer.text


async def test_a_device_is_switched_off_with_a_reason(
    db: Db, reader: httpx2.AsyncClient, boss: staff.Colleague, slot: world.SlotWorld
) -> None:
    gate = await ground.gate(db, slot.venue_id, "Lost gate")
    assert (await reader.post(f"{HERE}/{gate.id}/revoking", data={"reason": ""})).status_code == 422
    assert (await reader.post(f"{HERE}/{gate.id}/revoking", data={"reason": "lost on the metro"})).status_code == 303
    with pytest.raises(passes.GateSignInNeeded):
        await db.read(passes.devices.of_token, gate.token)
    again = await reader.post(f"{HERE}/{gate.id}/revoking", data={"reason": "lost on the metro"})
    assert again.status_code == 422
    assert "switched off already" in text_of(again)


async def test_rules_of_entry_are_set_and_what_is_wrong_is_said(
    db: Db, reader: httpx2.AsyncClient, boss: staff.Colleague, slot: world.SlotWorld
) -> None:
    await ground.gate(db, slot.venue_id)
    typed = {"venue": slot.venue_id, "early_minutes": "10", "late_minutes": "x", "stay_minutes": "2", "grace_minutes": "60", "reason": "narrow entrance"}  # fmt: skip
    answer = await reader.post(f"{HERE}/rules", data=typed)
    assert answer.status_code == 422
    assert "Write minutes as a whole number." in text_of(answer)
    answer = await reader.post(f"{HERE}/rules", data=typed | {"late_minutes": "5"})
    assert "Minutes from 5 to 1440." in text_of(answer)
    answer = await reader.post(
        f"{HERE}/rules", data=typed | {"late_minutes": "5", "stay_minutes": "90", "exits_counted": "1"}
    )
    assert answer.status_code == 303
    assert await db.read(passes.redemption.rules_of, slot.venue_id) == passes.Rules(10, 5, True, 90, 60)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_conflict_shows_both_sides_and_is_decided(
    db: Db, reader: httpx2.AsyncClient, doubled: tuple[world.SlotWorld, passes.Dispute], language: str
) -> None:
    _, found = doubled
    come_as(reader, await staff.colleague(db, "desk"))
    reader.headers["Accept-Language"] = language
    board = await reader.get(HERE)
    is_well_made(board.text)
    for text in (
        "North gate",
        "South gate",
        i18n.translate("used twice", language),
        i18n.translate(gates.ADVICE["used"], language),
    ):
        assert text in text_of(board)
    page = f"{HERE}/admissions/{found.late.key}"
    is_well_made((await reader.get(page)).text)
    wrong = await reader.post(f"{page}/ruling", data={"ruling": "punish", "reason": "no"})
    assert (wrong.status_code, i18n.translate("Choose what is to be done.", language) in text_of(wrong)) == (422, True)
    done = await reader.post(f"{page}/ruling", data={"ruling": "let-be", "reason": "same family"})
    assert done.status_code == 303
    assert "same family" in text_of(await reader.get(page))
    again = await reader.post(f"{page}/ruling", data={"ruling": "watch", "reason": "second thought"})
    assert again.status_code == 422


async def test_an_admission_is_undone_at_the_desk_and_the_order_says_so(
    db: Db, reader: httpx2.AsyncClient, doubled: tuple[world.SlotWorld, passes.Dispute]
) -> None:
    _, found = doubled
    assert found.rival is not None
    assert found.rival.order_number is not None
    come_as(reader, await staff.colleague(db, "desk"))
    page = f"{HERE}/admissions/{found.rival.key}"
    assert (await reader.post(f"{page}/undoing", data={"reason": "x"})).status_code == 422
    assert (await reader.post(f"{page}/undoing", data={"reason": "scanned the wrong phone"})).status_code == 303
    await jobs.drain(db)
    assert (await db.read(orders.reveal.desk_view, found.rival.order_number)).state is orders.State.CONFIRMED
    assert "scanned the wrong phone" in text_of(await reader.get(page))


async def test_who_reads_may_not_decide(
    db: Db, reader: httpx2.AsyncClient, doubled: tuple[world.SlotWorld, passes.Dispute]
) -> None:
    come_as(reader, await staff.colleague(db, "engineer"))
    page = f"{HERE}/admissions/{doubled[1].late.key}"
    assert "Keep the decision" not in text_of(await reader.get(page))
    assert (await reader.post(f"{page}/ruling", data={"ruling": "let-be", "reason": "why not"})).status_code == 403


async def test_the_list_on_paper(
    db: Db, reader: httpx2.AsyncClient, boss: staff.Colleague, slot: world.SlotWorld
) -> None:
    await ground.visit(db, (slot, 2))
    day = slot.starts_at.astimezone(world.ZONE).date()
    answer = await reader.get(f"{HERE}/list", params={"venue": slot.venue_id, "day": str(day)})
    is_well_made(answer.text)
    assert text_of(answer).count("王**") == 2
    empty = await reader.get(f"{HERE}/list", params={"venue": slot.venue_id, "day": str(day + timedelta(days=400))})
    assert "Nobody is expected here that day." in text_of(empty)
    assert (await reader.get(f"{HERE}/list", params={"venue": "nowhere"})).status_code == 404
    assert (await reader.get(f"{HERE}/list", params={"venue": slot.venue_id, "day": "soon"})).status_code == 200


async def test_the_scanner_s_files_are_small_and_installable(reader: httpx2.AsyncClient) -> None:
    page = await reader.get("/gate")
    assert page.status_code == 200
    assert "camera=(self)" in page.headers["permissions-policy"]
    worker = await reader.get("/gate/sw.js")
    assert worker.headers["service-worker-allowed"] == "/gate"
    files = json.loads(re.search(r"const FILES = (\[.*\]);", worker.text)[1])  # type: ignore[index]
    sizes = [len((await reader.get(name)).content) for name in files]
    assert sum(sizes) < 150_000
    linked = re.findall(r'(?:href|src)="(/static/[^"]+|/gate/[^"]+)"', page.text)
    assert set(linked) <= set(files)
    manifest = (await reader.get("/gate/manifest.webmanifest")).json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/gate", "/gate", "standalone")


def test_the_scanner_speaks_both_languages() -> None:
    said = words.both()
    assert said["zh"].keys() == said["en"].keys()
    untranslated = [
        text
        for text in [*words.WORDS.values(), *gates.ADVICE.values(), *gates.RULINGS.values(), *(word for _, word in gates.VERDICTS.values())]
        if text and text not in i18n.catalogue()
    ]  # fmt: skip
    assert not untranslated
    assert {f"say:{verdict}" for verdict in passes.Verdict} <= words.WORDS.keys()
    assert any(section.path == HERE for section in sections.SECTIONS)
