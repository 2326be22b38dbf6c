"""Codes in files: CSV in and out, in UTF-8 or GBK, with a dry run and an error for each row that cannot be taken.

report = await codes_files.bring(db, actor, "spring-2027", content, batch="from-the-bank", dry_run=True)
content = await codes_files.write(tx, "spring-2027", "letters", encoding="gb18030")
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from holdfast.catalogue.imports import files as catalogue_files
from holdfast.catalogue.imports.mistakes import Mistake
from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import both, translate
from holdfast.kit.problems import Invalid, InvalidInput, NotFound

from . import codes, codes_store

SIZE_MAX_MB, ROWS_MAX, ERRORS_SHOWN = 20, 500_000, 200
Encoding = Literal["utf-8-sig", "gb18030"]
HEADS = {"code": ("code", "码", "优惠码", "券码"), "uses": ("uses_max", "uses", "可用次数", "次数")}
"""Column → the names it may have in a file, the surest first: files that we wrote have both `uses_max` and `uses`."""
STATES = {"left": "can be used", "used": "used up", "ended": "ended"}


class CodesFileUnreadable(InvalidInput):
    """This file of codes cannot be read."""

    safe = "No code was taken from it."
    next_step = "Use a CSV file in UTF-8 or GBK whose first row names the columns code and, if you like, uses."


class CodesFileWrong(Invalid):
    """Some rows of this file cannot be taken."""

    safe = "No code was taken from it."
    next_step = "Correct the rows that are named, and import the file again."


class BatchUnknown(NotFound):
    """This campaign has no such batch of codes."""

    next_step = "Look at the page of its codes: it lists every batch."


class RowError(msgspec.Struct, frozen=True):
    """What is wrong with a row, counted from 1 with the head as the first."""

    row: int
    got: str
    code: str
    message: dict[str, str]


class Report(msgspec.Struct, frozen=True):
    """What an import does, or would do: `new` codes; `known` ones of the same batch; errors by row, `wrong` of them in all."""

    batch: str
    rows: int
    new: int
    known: int
    wrong: int
    errors: list[RowError]
    dry_run: bool


ERRORS = {
    "CODE_SHAPE": "A code has 4 to 32 letters and digits.",
    "USES_NUMBER": "Write a whole number from 1 to 1,000, or leave it empty for 1.",
    "CODE_TWICE": "This code stands in row {row} as well.",
    "CODE_TAKEN": "This code exists already, in the batch “{batch}” of “{campaign}”.",
}


def _unreadable(text: str, **values: Any) -> dict[str, Any]:
    return {"field": "file", "code": "FILE_UNREADABLE", "message": both(text, **values), "severity": "error"}


class Row(msgspec.Struct, frozen=True):
    """A row that can be a code."""

    at: int
    code: str
    uses: int


def read(content: bytes) -> tuple[list[Row], list[RowError], int]:
    """Rows that can be codes, what is wrong with the others, and how many rows there are. CodesFileUnreadable."""
    if len(content) > SIZE_MAX_MB * 1_000_000:
        raise CodesFileUnreadable(
            errors=[_unreadable("The file is larger than {most} MB; split it.", most=SIZE_MAX_MB)]
        )
    try:
        text = catalogue_files.decode(content)
    except Mistake:
        raise CodesFileUnreadable(errors=[_unreadable("The text is neither UTF-8 nor GBK.")]) from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        listed = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as broken:
        raise CodesFileUnreadable(errors=[_unreadable("It is not CSV: {detail}", detail=str(broken))]) from broken
    columns = _columns(listed[0] if listed else [])
    if len(listed) - 1 > ROWS_MAX:
        raise CodesFileUnreadable(errors=[_unreadable("The file has more than {most} rows; split it.", most=ROWS_MAX)])
    return _rows(listed[1:], columns)


def _columns(head: Sequence[str]) -> dict[str, int]:
    named = [name.strip().lower() for name in head]
    found = {key: named.index(name) for key, names in HEADS.items() for name in reversed(names) if name in named}
    if "code" not in found:
        raise CodesFileUnreadable(errors=[_unreadable("The first row names no column code.")])
    return found


def _rows(listed: Sequence[Sequence[str]], columns: dict[str, int]) -> tuple[list[Row], list[RowError], int]:
    rows: list[Row] = []
    errors: list[RowError] = []
    first: dict[str, int] = {}
    count = 0
    for at, cells in enumerate(listed, 2):
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        values = {key: cells[n].strip() if n < len(cells) else "" for key, n in columns.items()}
        code, uses = codes.read(values["code"]), _uses(values.get("uses", ""))
        if code is None:
            errors.append(_wrong(at, values["code"], "CODE_SHAPE"))
        elif uses is None:
            errors.append(_wrong(at, values["uses"], "USES_NUMBER"))
        elif code in first:
            errors.append(_wrong(at, values["code"], "CODE_TWICE", row=first[code]))
        else:
            first[code] = at
            rows.append(Row(at, code, uses))
    return rows, errors, count


def _uses(typed: str) -> int | None:
    if not typed:
        return 1
    return (
        int(typed)
        if typed.isascii() and typed.isdigit() and len(typed) <= 9 and 1 <= int(typed) <= codes.USES_MAX
        else None
    )


def _wrong(at: int, got: str, code: str, **values: Any) -> RowError:
    return RowError(at, got[:64], code, both(ERRORS[code], **values))


async def bring(db: Db, actor: Actor, campaign_id: str, content: bytes, *, batch: str, dry_run: bool) -> Report:
    """Takes the codes of a file into a batch, all or none; again changes nothing. `dry_run` only says what it would do.

    CodesFileUnreadable; InvalidInput for the batch; CampaignUnknown; CodesFileWrong with `report` if a row cannot be taken.
    """
    if errors := codes.check_batch(batch):
        raise InvalidInput(errors=errors)
    rows, wrong, count = await asyncio.to_thread(read, content)
    if dry_run:
        return await db.read(_compare, campaign_id, batch, rows, wrong, count)
    return await db.run(_bring, actor, campaign_id, batch, rows, wrong, count)


async def _compare(
    tx: ReadTx, campaign_id: str, batch: str, rows: Sequence[Row], wrong: Sequence[RowError], count: int
) -> Report:
    await codes.require_campaign(tx, campaign_id)
    known: dict[str, codes_store.CodeRow] = {}
    for at in range(0, len(rows), codes.ROWS):
        found = await codes_store.find(tx, [row.code for row in rows[at : at + codes.ROWS]])
        known |= {one.code: one for one in found}
    here = {code for code, one in known.items() if (one.campaign_id, one.batch) == (campaign_id, batch)}
    taken = [
        _wrong(row.at, row.code, "CODE_TAKEN", batch=known[row.code].batch, campaign=known[row.code].campaign_id)
        for row in rows
        if row.code in known and row.code not in here
    ]
    errors = sorted([*wrong, *taken], key=lambda one: one.row)
    return Report(batch, count, len(rows) - len(known), len(here), len(errors), errors[:ERRORS_SHOWN], dry_run=True)


async def _bring(
    tx: Tx, actor: Actor, campaign_id: str, batch: str, rows: Sequence[Row], wrong: Sequence[RowError], count: int
) -> Report:
    report = await _compare(tx, campaign_id, batch, rows, wrong, count)
    if report.wrong:
        raise CodesFileWrong(report=msgspec.to_builtins(report))
    made, now = 0, clock.now()
    for at in range(0, len(rows), codes.ROWS):
        some = rows[at : at + codes.ROWS]
        uses = [row.uses for row in some]
        made += await codes_store.insert(tx, campaign_id, batch, [row.code for row in some], uses, now)
    if made != report.new:
        raise codes.CodeTaken
    await audit.record(tx, actor, "campaign.codes-imported", f"campaign:{campaign_id}", batch=batch, made=made)
    return msgspec.structs.replace(report, dry_run=False)


async def write(
    tx: ReadTx, campaign_id: str, batch: str | None, *, locale: str, encoding: Encoding = "utf-8-sig"
) -> bytes:
    """The codes of a batch (None: of all) as CSV, as Excel opens it; `late` as in `codes_store.CodeRow`. CampaignUnknown."""
    await codes.require_campaign(tx, campaign_id)
    made = io.StringIO(newline="")
    out = csv.writer(made, lineterminator="\r\n")
    out.writerow(["code", "uses_max", "uses", "state", "batch", "made_at", "late"])
    async for row in codes_store.of_batch(tx, campaign_id, batch):
        state = translate(STATES[row.state], locale)
        made_at = f"{row.made_at:%Y-%m-%d %H:%M:%SZ}"
        out.writerow([row.code, row.uses_max, row.uses, state, row.batch, made_at, row.late])
    return made.getvalue().encode(encoding)


async def take_out(db: Db, actor: Actor, campaign_id: str, batch: str, *, locale: str) -> bytes:
    """The codes of a batch as `write` gives them, for somebody who takes them along: the audit trail says who. BatchUnknown."""
    async with db.reading() as tx:
        content = await write(tx, campaign_id, batch, locale=locale)
        found = await codes.counts(tx, campaign_id, batch)
    if not found.codes:
        raise BatchUnknown
    subject = f"campaign:{campaign_id}"
    await db.run(lambda tx: audit.record(tx, actor, "campaign.codes-exported", subject, batch=batch, codes=found.codes))
    return content
