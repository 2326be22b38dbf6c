"""Files of slips: CSV as Excel, WPS or the offline page write it, in Chinese or English, and the template to begin with.

UTF-8 with or without a byte order mark, UTF-16 with one, or GBK (GB 18030); parted by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from holdfast.catalogue.imports import files as catalogue_files
from holdfast.catalogue.imports.mistakes import Mistake
from holdfast.kit.i18n import both

from .imports_model import PEOPLE_NAMED_MAX, ImportFileUnreadable, Named, Row, Written

SIZE_MAX = 5_000_000
ROWS_MAX = 20_000
COLUMNS: dict[str, tuple[str, str]] = {
    "slip": ("单号", "Slip"),
    "seal": ("校验码", "Seal"),
    "venue": ("景点", "Venue"),
    "date": ("日期", "Date"),
    "slot": ("时段", "Time"),
    "ticket": ("票种", "Ticket"),
    "people": ("人数", "People"),
    "name": ("姓名", "Name"),
    "document_type": ("证件类型", "Document type"),
    "document": ("证件号码", "Document number"),
    "phone": ("手机", "Phone"),
    "payment": ("付款", "Payment"),
    "amount": ("金额", "Amount"),
    "taken_at": ("填单时间", "Taken at"),
    "note": ("备注", "Note"),
}
"""Column → its header in Chinese and in English; persons 2 to 5 have a number behind their three."""
PERSON = ("name", "document_type", "document")
NEEDED = ("slip", "people")
_SQUEEZED = re.compile(r"[\s_\-()（）:：*]+")


def headers(language: str) -> list[str]:
    """The first line of a file in a language."""
    at = 0 if language == "zh" else 1
    more = [f"{COLUMNS[name][at]}{n}" for n in range(2, PEOPLE_NAMED_MAX + 1) for name in PERSON]
    return [names[at] for names in COLUMNS.values()] + more


def template(language: str) -> bytes:
    """A CSV file that Excel opens in the right encoding, with its headers and no line."""
    return write(language, [])


def write(language: str, rows: Sequence[Written]) -> bytes:
    """Slips as a file that `read` understands."""
    made = io.StringIO()
    sheet = csv.writer(made)
    sheet.writerow(headers(language))
    for one in rows:
        first = one.persons[0] if one.persons else Named()
        plain = {name: getattr(one, name) for name in COLUMNS if name not in PERSON}
        plain |= {name: getattr(first, name) for name in PERSON}
        more = [getattr(person, name) for person in one.persons[1:PEOPLE_NAMED_MAX] for name in PERSON]
        sheet.writerow([plain[name] for name in COLUMNS] + more)
    return b"\xef\xbb\xbf" + made.getvalue().encode()


def read(content: bytes) -> list[Row]:
    """The lines of a file; those without a word are left out. ImportFileUnreadable says what is wrong with the whole."""
    if content[:2] == b"PK" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise _unreadable("FILE_XLSX", "This is an Excel workbook. Save it as CSV (UTF-8) and send that.")
    if len(content) > SIZE_MAX:
        raise _unreadable("FILE_SIZE", "The file is larger than {most} MB.", most=SIZE_MAX // 1_000_000)
    try:
        text = catalogue_files.decode(content)
    except Mistake as reason:
        raise _unreadable("FILE_ENCODING", "The file is not text in UTF-8, UTF-16 or GBK.") from reason
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise _unreadable("FILE_EMPTY", "The file is empty.")
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(lines[0])))
    except csv.Error as reason:
        raise _unreadable("FILE_CSV", "The file is no CSV: {reason}.", reason=str(reason)) from reason
    at = next((n for n, cells in enumerate(table) if any(cell.strip() for cell in cells)), 0)
    named = _columns(table[at])
    missing = [name for name in NEEDED if (name, 0) not in named]
    if missing:
        wanted = ", ".join(f"{COLUMNS[name][0]} / {COLUMNS[name][1]}" for name in missing)
        raise _unreadable("FILE_COLUMNS", "The first line must name the columns. Missing: {wanted}.", wanted=wanted)
    rows = list(_rows(table, at, named))
    if len(rows) > ROWS_MAX:
        raise _unreadable("FILE_ROWS", "More than {most} lines: part the file.", most=ROWS_MAX)
    return rows


def _rows(table: list[list[str]], at: int, named: dict[tuple[str, int], int]) -> Iterator[Row]:
    for number, cells in enumerate(table[at + 1 :], at + 2):
        given = {key: _plain(cells[column]) for key, column in named.items() if column < len(cells)}
        if any(given.values()):
            yield Row(number, _written(given))


def _written(given: dict[tuple[str, int], str]) -> Written:
    persons = [Named(*(given.get((name, n), "") for name in PERSON)) for n in range(PEOPLE_NAMED_MAX)]
    while persons and persons[-1].is_empty:
        persons.pop()
    plain = {name: given.get((name, 0), "") for name in COLUMNS if name not in PERSON}
    return Written(**plain, persons=persons)


def _plain(cell: str) -> str:
    """A cell as it was meant: without the marks by which Excel is told that a number is text."""
    text = cell.strip().strip("\ufeff\u200b")
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").replace("\0", "").strip()[:400]


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _columns(cells: Sequence[str]) -> dict[tuple[str, int], int]:
    """(column, person) → where it stands; headers are known in both languages, whatever their case and spaces."""
    known = {}
    for name, titles in COLUMNS.items():
        for title in (*titles, name):
            known[_squeeze(title)] = (name, 0)
            if name in PERSON:
                known |= {f"{_squeeze(title)}{n}": (name, n - 1) for n in range(1, PEOPLE_NAMED_MAX + 1)}
    found: dict[tuple[str, int], int] = {}
    for column, cell in enumerate(cells):
        key = known.get(_squeeze(cell))
        if key is not None:
            found.setdefault(key, column)
    return found


def _squeeze(title: str) -> str:
    return _SQUEEZED.sub("", title.strip("\ufeff")).lower()


def _unreadable(code: str, message: str, **values: object) -> ImportFileUnreadable:
    return ImportFileUnreadable(
        errors=[{"field": "file", "code": code, "message": both(message, **values), "severity": "error"}]
    )
