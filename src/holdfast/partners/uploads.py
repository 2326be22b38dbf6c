"""News as a table: what a supplier sends as a CSV file, one row for each piece of news.

Columns: kind, product_id, from, to, code, places, left, price_id, amount (in yuan), note. UTF-8, UTF-16 or GBK; commas,
semicolons or tabs. A file counts as a whole or not at all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from holdfast.catalogue.imports import files
from holdfast.catalogue.imports.mistakes import Mistake
from holdfast.kit.i18n import both
from holdfast.kit.money import parse_major
from holdfast.kit.problems import InvalidInput

from .feeds_model import News

COLUMNS = ("kind", "product_id", "from", "to", "code", "places", "left", "price_id", "amount", "note")
KINDS = ("heartbeat", "open", "stop", "places", "price")
ROWS_MAX = 1_000
NO_FILE = "Choose a CSV file with a line of column names, encoded as UTF-8 or GBK."
ROW_MAX = "A file has at most 1,000 rows."
EXAMPLE = """kind,product_id,from,to,code,places,left,price_id,amount,note
stop,hotel-01-std,2026-12-30,2027-01-02,,,,,,private party
places,hotel-01-fam,2026-12-24,2026-12-31,,4,,,,
places,rest-01-set,2026-12-24,,dinner,,12,,,
price,,,,,,,hotel-01-std-room,520,winter
heartbeat,,,,,,,,,
"""


class RowsWrong(InvalidInput):
    """The file cannot be taken as it is."""

    safe = "Nothing was changed."
    next_step = "Correct the rows that are listed and send the file again."


def read(content: bytes) -> list[News]:
    """The news in a file. RowsWrong with every mistake; the fields are paths such as ``news[0].from``."""
    rows = _rows(content)
    news: list[News] = []
    errors: list[dict[str, Any]] = []
    for at, row in enumerate(rows):
        fields, wrong = _fields(row)
        errors += [_error(f"news[{at}].{field}", code, text) for field, code, text in wrong]
        if not wrong:
            try:
                news.append(msgspec.convert(fields, News, strict=False))
            except msgspec.ValidationError as error:
                field = (re.search(r"`\$\.(\w+)", str(error)) or ["", "kind"])[1]
                errors.append(_error(f"news[{at}].{field}", "SHAPE", _SHAPES.get(field, "This cannot be read.")))
    if errors:
        raise RowsWrong(errors=errors)
    return news


_SHAPES = {
    "from": "Write a day as 2026-11-23.",
    "to": "Write a day as 2026-11-23.",
    "places": "Enter a whole number.",
    "left": "Enter a whole number.",
}


def _rows(content: bytes) -> list[Mapping[str, str]]:
    try:
        text = files.decode(content)
    except Mistake as mistake:
        raise RowsWrong(errors=[_error("file", "FILE", NO_FILE)]) from mistake
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        found = list(csv.DictReader(io.StringIO(text.replace("\0", "")), delimiter=delimiter))
    except csv.Error as broken:
        raise RowsWrong(errors=[_error("file", "FILE", NO_FILE)]) from broken
    rows: list[Mapping[str, str]] = [
        {
            (name or "").strip().lower(): value.strip()
            for name, value in row.items()
            if isinstance(value, str) and name is not None
        }
        for row in found
    ]
    rows = [row for row in rows if any(row.values())]
    if not rows or "kind" not in rows[0]:
        raise RowsWrong(errors=[_error("file", "FILE", NO_FILE)])
    if len(rows) > ROWS_MAX:
        raise RowsWrong(errors=[_error("file", "ROWS", ROW_MAX)])
    return rows


def _fields(row: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """The row as fields of news, and what is wrong with it as a row."""
    fields: dict[str, Any] = {name: value for name, value in row.items() if value and name in COLUMNS}
    if fields.get("kind") not in KINDS:
        return {}, [("kind", "KIND", "The kind is heartbeat, open, stop, places or price.")]
    amount = fields.pop("amount", None)
    if amount is not None:
        try:
            fields["amount_minor"] = parse_major(amount.replace(",", "")).amount_minor
        except ValueError:
            return {}, [("amount", "AMOUNT", "Enter an amount such as 120 or 120.50.")]
    return fields, []


def _error(field: str, code: str, text: str) -> dict[str, Any]:
    return {"field": field, "code": code, "message": both(text), "severity": "error", "suggestion": None}
