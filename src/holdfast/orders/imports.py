"""Imports: what was taken on paper while the network was away comes in, once, with nothing lost and nothing oversold.

A line is known by the desk and the number of its slip, so that a file may come twice, half, or with others in between. What
stands in the way of a line is a conflict with its ways out; the paper is a promise, so people decide, and it stays listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from holdfast.kit import audit, clock, crypto, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import imports_booking, imports_files, imports_store, slips_store
from .imports_judging import judge
from .imports_model import ImportUnknown, Outcome, Report, Row
from .imports_store import ImportRow
from .slips_model import Slip

AT_ONCE = 50
"""Lines of one transaction: so long at most the slots of a file are locked."""
LISTED = 50
OPEN_LISTED = 300
template = imports_files.template
read = imports_files.read


async def dry_run(db: Db, actor: Actor, desk_code: str, name: str, rows: Sequence[Row]) -> Report:
    """What an import would do, line by line, as things stand now; nothing is written and nothing is locked."""
    async with db.reading() as tx:
        ground = await imports_booking.load(tx, actor, desk_code, rows)
    outcomes = []
    for at, row in enumerate(rows):
        verdict = judge(ground, row, imports_booking.allowed_before(ground, row))
        outcomes.append(
            Outcome(
                row.row,
                verdict.key,
                verdict.result,
                verdict.problem,
                verdict.details,
                verdict.warnings,
                verdict.order_number,
            )
        )
        if at % AT_ONCE == 0:
            await asyncio.sleep(0)
    return Report(ground.desk.code, name, outcomes)


async def run(
    db: Db, actor: Actor, desk_code: str, name: str, rows: Sequence[Row], *, source: str = "file", content: bytes = b""
) -> Report:
    """Imports lines, some at a time; a run that was cut short is simply run again. DeskUnknown."""
    import_id, now = ids.uuid7(), clock.now()
    await db.run(_begin, actor, import_id, desk_code, name, rows, source, content, now)
    outcomes: list[Outcome] = []
    for begin in range(0, len(rows), AT_ONCE):
        part = rows[begin : begin + AT_ONCE]
        outcomes += await db.run(imports_booking.book, actor, desk_code, part, import_id=import_id)
    report = Report(desk_code, name, outcomes, import_id, now)
    await db.run(_end, actor, report)
    return report


async def _begin(
    tx: Tx, actor: Actor, import_id: UUID, desk_code: str, name: str, rows: Sequence[Row], source: str, content: bytes, at: datetime
) -> None:  # fmt: skip
    await imports_store.insert_import(
        tx, id=import_id, desk=desk_code, source=source, name=name[:200], sha256=crypto.digest(content), rows=len(rows),
        made_by=str(actor), made_at=at,
    )  # fmt: skip


async def _end(tx: Tx, actor: Actor, report: Report) -> None:
    assert report.import_id is not None
    await imports_store.end_import(tx, report.import_id, clock.now())
    counts = {result: report.count(result) for result in ("new", "same", "conflict", "practised")}
    await audit.record(
        tx, actor, "desk.import", report.desk, name=report.name[:200], rows=len(report.outcomes), **counts
    )


async def listed(tx: ReadTx, desk_code: str = "") -> list[ImportRow]:
    """The newest imports."""
    return await imports_store.imports(tx, desk_code, LISTED)


async def one(tx: ReadTx, import_id: UUID) -> tuple[ImportRow, list[tuple[int, str, str, Slip]]]:
    """An import and its lines: row, what came of it then, and the slip as it is now. ImportUnknown."""
    found = await imports_store.one_import(tx, import_id)
    if found is None:
        raise ImportUnknown
    return found, await slips_store.of_import(tx, import_id, imports_files.ROWS_MAX)


async def waiting(tx: ReadTx, desk_code: str = "") -> list[Slip]:
    """The slips that people must decide about, the next visit first."""
    return await slips_store.open_slips(tx, desk_code, OPEN_LISTED)
