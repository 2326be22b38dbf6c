"""Desks for tests: with places set aside, slips in a drawer, and files as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from holdfast import inventory
from holdfast.kit.db import Db
from holdfast.orders import imports, imports_files, slips
from holdfast.orders.imports_model import Named, Report, Row, Written
from tests import staff, world

CODE = "GG"


async def desk(db: Db, slot: world.SlotWorld | None = None, places: int = 0, code: str = CODE) -> str:
    """A desk; with `places` of a slot set aside for it."""
    made = await db.run(inventory.allotments.make_desk, staff.TEST, code, "East gate", None)
    if slot and places:
        await set_aside(db, slot, places, code)
    return made.code


async def set_aside(db: Db, slot: world.SlotWorld, places: int, code: str = CODE) -> None:
    await db.run(inventory.allotments.set_places, staff.TEST, code, slot.slot_id, places, "outage")


async def printed(db: Db, count: int, code: str = CODE) -> list[str]:
    """The numbers of a new pad."""
    return slips.numbers(await db.run(slips.print_pad, staff.TEST, code, count))


def written(number: str, slot: world.SlotWorld, named: int = 1, /, **changes: object) -> Written:
    """A slip as a careful person writes it; every visitor is new."""
    day = slot.starts_at.astimezone(world.ZONE)
    visitors = [world.visitor() for _ in range(named)]
    plain = Written(
        slip=slips.show(number), seal=slips.seal(number), venue=slot.venue_id, date=day.date().isoformat(),
        slot=day.strftime("%H:%M"), people=str(named), phone=world.phone_number().removeprefix("+86"),
        persons=[Named(one.name, one.document_type, one.document) for one in visitors], taken_at="2026-11-27 09:05",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def file_of(lines: Sequence[Written], language: str = "zh") -> bytes:
    return imports_files.write(language, lines)


def rows_of(lines: Sequence[Written]) -> list[Row]:
    return imports.read(file_of(lines))


async def run(db: Db, lines: Sequence[Written], code: str = CODE) -> Report:
    return await imports.run(db, staff.TEST, code, "east.csv", rows_of(lines))


async def dry_run(db: Db, lines: Sequence[Written], code: str = CODE) -> Report:
    return await imports.dry_run(db, staff.TEST, code, "east.csv", rows_of(lines))


def said(report: Report) -> list[str]:
    """Result or problem of each line."""
    return [one.problem or one.result for one in report.outcomes]


async def order_count(db: Db) -> int:
    return int(await world.value(db, "select count(*) from orders.orders"))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
