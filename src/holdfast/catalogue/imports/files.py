"""Catalogue files as they arrive: one JSON document, one CSV file or a folder of them, written by programs or by Excel.

CSV may be UTF-8 with or without a byte order mark, UTF-16 with one, or GBK; parted by commas, semicolons or tabs.
This module finds out what stands where; what it means is decided in `fields`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .fields import CANCEL_COLUMNS, NESTED, PROVENANCE_COLUMNS, TABLES, Field, Table
from .mistakes import Mistake, Place, error

FORMAT = "holdfast-catalogue/1"
SIZE_MAX_MB = 20
ROWS_MAX = 100_000
NAMES = ", ".join(f"{name}.csv" for name in TABLES)


class Record(msgspec.Struct, frozen=True):
    """What stood in one row or object: field name → as it was written. A field that is not there is not there."""

    table: str
    place: Place
    given: dict[str, Any]


class Loaded(msgspec.Struct):
    """All records of a file or folder, and what was wrong with its form."""

    records: list[Record] = []
    errors: list[dict[str, Any]] = []
    tables: set[str] = set()


def load(path: Path) -> Loaded:
    """Everything that can be read, and all that cannot."""
    loaded = Loaded()
    if path.is_dir():
        found = [path / f"{name}.csv" for name in TABLES if (path / f"{name}.csv").is_file()]
        if not found:
            loaded.errors.append(error(Place(path.name), "", "FILE_EMPTY", names=NAMES))
        strangers = {p.name for p in path.glob("*.csv")} - {p.name for p in found}
        loaded.errors += [error(Place(name), "", "FILE_UNKNOWN", names=NAMES) for name in sorted(strangers)]
    else:
        found = [path]
    for file in found:
        try:
            _load_file(file, loaded)
        except Mistake as mistake:
            loaded.errors.append(error(Place(file.name), mistake.field, mistake.code, **mistake.values))
    return loaded


def parse(content: bytes, name: str) -> Loaded:
    """The same for a file that came by upload: its content and its name."""
    loaded = Loaded()
    try:
        _parse(content, name, loaded)
    except Mistake as mistake:
        loaded.errors.append(error(Place(name), mistake.field, mistake.code, **mistake.values))
    return loaded


def decode(content: bytes) -> str:
    """Text of a file from anywhere between Excel and Linux."""
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Mistake("FILE_ENCODING")


def _load_file(file: Path, loaded: Loaded) -> None:
    try:
        if file.stat().st_size > SIZE_MAX_MB * 1_000_000:
            raise Mistake("FILE_TOO_LARGE", most=SIZE_MAX_MB)
        content = file.read_bytes()
    except OSError as missing:
        raise Mistake("FILE_MISSING") from missing
    _parse(content, file.name, loaded)


def _parse(content: bytes, name: str, loaded: Loaded) -> None:
    if len(content) > SIZE_MAX_MB * 1_000_000:
        raise Mistake("FILE_TOO_LARGE", most=SIZE_MAX_MB)
    stem, _, ending = name.lower().rpartition(".")
    if ending == "json":
        _read_json(decode(content), name, loaded)
    elif ending == "csv":
        if stem not in TABLES:
            raise Mistake("FILE_UNKNOWN", names=NAMES)
        _read_csv(decode(content), name, TABLES[stem], loaded)
    else:
        raise Mistake("FILE_TYPE")


def _read_json(text: str, name: str, loaded: Loaded) -> None:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as broken:
        detail = f"{broken.msg} (line {broken.lineno}, column {broken.colno})"
        raise Mistake("JSON_BROKEN", detail=detail) from broken
    except (ValueError, RecursionError) as broken:
        raise Mistake("JSON_BROKEN", detail=str(broken)[:120]) from broken
    if not isinstance(document, dict):
        raise Mistake("JSON_SHAPE", expected='{"format", "sources", "venues"}')
    if document.pop("format", FORMAT) != FORMAT:
        raise Mistake("NOT_CHOICE", field="format", got="format", known=FORMAT)
    for key in sorted(set(document) - set(NESTED[""])):
        loaded.errors.append(error(Place(name, key), key, "COLUMN_UNKNOWN", name=key, known=", ".join(NESTED[""])))
    for table in NESTED[""]:
        if table in document:
            _walk(document[table], TABLES[table], Place(name, table), {}, loaded)


def _walk(listed: Any, table: Table, place: Place, inherited: dict[str, Any], loaded: Loaded) -> None:
    """One list of objects of a table, and the lists inside them."""
    loaded.tables.add(table.name)
    if not isinstance(listed, list):
        loaded.errors.append(error(place, table.name, "NOT_LIST"))
        return
    for position, given in enumerate(listed):
        here = Place(place.file, f"{place.at}[{position}]")
        if not isinstance(given, dict):
            loaded.errors.append(error(here, "", "JSON_SHAPE", expected="{…}"))
            continue
        own = {key: value for key, value in given.items() if key not in NESTED.get(table.name, ())} | inherited
        known = [field.name for field in table.fields]
        for key in sorted(str(key) for key in set(own) - set(known)):
            loaded.errors.append(error(here, key, "COLUMN_UNKNOWN", name=key, known=", ".join(known)))
        loaded.records.append(Record(table.name, here, {key: own[key] for key in known if key in own}))
        for nested in NESTED.get(table.name, ()):
            if nested in given:
                below = TABLES[nested]
                deeper = Place(here.file, f"{here.at}.{nested}")
                _walk(given[nested], below, deeper, {below.parent_field: given.get("id")}, loaded)


def _read_csv(text: str, name: str, table: Table, loaded: Loaded) -> None:
    rows = list(_rows(text))
    if len(rows) > ROWS_MAX:
        raise Mistake("ROWS_TOO_MANY", most=ROWS_MAX)
    loaded.tables.add(table.name)
    header = [cell.strip().lower().replace(" ", "_") for cell in rows[0][1]] if rows else []
    while header and not header[-1]:
        header.pop()
    known = [column for field in table.fields for column in field.columns]
    top = Place(name, "row 1")
    for column in sorted({column for column in header if header.count(column) > 1}):
        loaded.errors.append(error(top, column, "COLUMN_TWICE", name=column))
    for column in (column for column in header if column not in known):
        loaded.errors.append(error(top, column, "COLUMN_UNKNOWN", name=column, known=", ".join(known)))
    for field in table.fields:
        if field.required and not set(field.columns) & set(header):
            loaded.errors.append(error(top, field.name, "COLUMN_MISSING", name=" / ".join(field.columns)))
    for number, cells in rows[1:]:
        place = Place(name, f"row {number}")
        if any(cell.strip() for cell in cells[len(header) :]):
            loaded.errors.append(error(place, "", "ROW_TOO_LONG"))
        if any(cell.strip() for cell in cells):
            filled = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
            given = {field.name: _cells(field, filled) for field in table.fields if set(field.columns) & set(header)}
            loaded.records.append(Record(table.name, place, given))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number Excel shows for a file without line breaks in cells."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1)
    except csv.Error as broken:
        raise Mistake("JSON_BROKEN", detail=str(broken)) from broken


def _cells(field: Field, filled: dict[str, str]) -> Any:
    """The cells of one field in the shape JSON would have; None when all are empty."""
    cells = {column: filled.get(column, "").strip() for column in field.columns}
    if field.shape == "one":
        return cells[field.name]
    if field.shape == "texts":
        found: dict[str, Any] = {column.rsplit("_", 1)[1]: value for column, value in cells.items() if value}
    elif field.shape == "provenance":
        status, source, as_of, zh, en = (cells[column] for column in PROVENANCE_COLUMNS)
        note = {language: value for language, value in (("zh", zh), ("en", en)) if value}
        found = {"status": status, "source": source, "as_of": as_of, "note": note}
    else:
        text = {language: cells[f"cancel_text_{language}"] for language in ("zh", "en")}
        rest = {column.removeprefix("cancel_"): cells[column] for column in CANCEL_COLUMNS[2:]}
        found = {"text": {language: value for language, value in text.items() if value}, **rest}
    found = {key: value for key, value in found.items() if value not in ("", {})}
    return found or None
