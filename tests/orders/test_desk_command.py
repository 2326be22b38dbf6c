"""``holdfast desk …``: a desk, its places, a dry run and the import of a file, from the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from holdfast import cli, inventory
from holdfast.kit import settings
from holdfast.kit.db import Db
from tests import world

from . import desks


@pytest.fixture
def holdfast(database_url, monkeypatch, capsysbinary):
    """``holdfast("desk", "list")``: exit code and what was printed."""
    here = msgspec.structs.replace(settings.current(), database_url=database_url)
    monkeypatch.setattr(settings, "current", lambda: here)

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(list(arguments))
        said = capsysbinary.readouterr()
        return code, (said.out + said.err).decode("utf-8-sig")

    return run


def with_database(url: str, work):
    async def run():
        db = await Db(url, size=2).open()
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(run())


def test_a_file_is_tried_and_imported_and_again_changes_nothing(holdfast, database_url: str, tmp_path: Path) -> None:
    async def ground(db: Db):
        return await world.open_slot(db, places=20, price_minor=0)

    slot = with_database(database_url, ground)
    code, said = holdfast("desk", "add", "GG", "East gate", "--venue", slot.venue_id)
    assert (code, said.startswith("GG East gate")) == (0, True)
    assert holdfast("desk", "set-aside", "GG", slot.venue_id, "10", "--reason", "outages")[1] == "1 slots follow it\n"
    assert with_database(database_url, lambda db: db.read(inventory.allotments.left, "GG", [slot.slot_id])) == {
        slot.slot_id: 2
    }
    numbers = with_database(database_url, lambda db: desks.printed(db, 2))
    lines = [desks.written(numbers[0], slot), desks.written(numbers[1], slot, date="soon")]
    file = tmp_path / "east.csv"
    file.write_bytes(desks.file_of(lines).decode("utf-8-sig").encode("gb18030"))
    code, said = holdfast("desk", "import", str(file), "--desk", "GG", "--dry-run")
    assert code == 1
    assert "1 would be booked, 0 there already, 1 to be decided, 0 practice of 2 lines" in said
    assert "date: Write the date of the visit as 2026-12-31." in said
    assert "slips given out 2, came back 0" in holdfast("desk", "list")[1]
    assert "1 booked, 0 there already, 1 to be decided" in holdfast("desk", "import", str(file), "--desk", "gg")[1]
    assert "0 booked, 1 there already, 1 to be decided" in holdfast("desk", "import", str(file), "--desk", "gg")[1]
    assert "slips given out 2, came back 2, to be decided 1" in holdfast("desk", "list")[1]
    assert holdfast("desk", "template", "--language", "en")[1].startswith("Slip,Seal,Venue,Date")


def test_what_cannot_be_done_is_said_in_words(holdfast, tmp_path: Path) -> None:
    assert "There is no such file." in holdfast("desk", "import", str(tmp_path / "none.csv"), "--desk", "GG")[1]
    book = tmp_path / "book.xlsx"
    book.write_bytes(b"PK\x03\x04")
    code, said = holdfast("desk", "import", str(book), "--desk", "GG")
    assert (code, "This is an Excel workbook." in said) == (3, True)
    assert "Two letters or digits" in holdfast("desk", "add", "O1", "East gate")[1]
