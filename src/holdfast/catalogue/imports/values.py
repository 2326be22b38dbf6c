"""Reading one value of a catalogue file, typed by a person in Excel or written by a program. Pure.

Every function takes what stood in the file and returns what the database keeps (times as ``08:30:00``, money in minor
units, shares in basis points), or raises `Mistake`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from holdfast.accounts.documents import DocumentType
from holdfast.catalogue.model import STATUSES
from holdfast.kit.money import EXPONENTS, parse_major

from .mistakes import Mistake

Reader = Callable[[Any], Any]

_YES = {"yes", "true", "1", "y", "是", "开", "开放"}
_NO = {"no", "false", "0", "n", "否", "关", "闭馆", "不开放"}
_WEEKDAYS = {name: n for n, names in enumerate(("mon 周一 一", "tue 周二 二", "wed 周三 三", "thu 周四 四",
             "fri 周五 五", "sat 周六 六", "sun 周日 日 周天"), 1) for name in [str(n), *names.split()]}  # fmt: skip
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_DAYS_OF_YEAR = ("%Y-%m-%d", "%Y/%m-%d", "%Y-%m/%d", "%Y-%m月%d日", "%Y-%d-%b", "%Y-%b-%d")


def text(most: int, *, lines: bool = False) -> Reader:
    """Text of at most so many characters, trimmed, without control characters."""

    def read(raw: Any) -> str:
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            raw = str(raw)
        if not isinstance(raw, str):
            raise Mistake("NOT_TEXT")
        found = unicodedata.normalize("NFC", raw.strip())
        if len(found) > most:
            raise Mistake("TEXT_TOO_LONG", got=len(found), most=most)
        for position, character in enumerate(found, 1):
            if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} and not (lines and character == "\n"):
                raise Mistake("TEXT_CONTROL", name=f"U+{ord(character):04X}", position=position)
        return found

    return read


def texts(most: int) -> Reader:
    """A bilingual text; a language that is empty is left out."""
    one = text(most, lines=True)

    def read(raw: Any) -> dict[str, str]:
        if not isinstance(raw, dict) or set(raw) - {"zh", "en"}:
            raise Mistake("TEXTS_SHAPE")
        found = {}
        for language in ("zh", "en"):
            try:
                found[language] = one(raw.get(language) or "")
            except Mistake as mistake:
                raise Mistake(mistake.code, field=language, **mistake.values) from mistake
        return {language: value for language, value in found.items() if value}

    return read


def identifier(most: int, least: int = 2) -> Reader:
    """An id: small letters, digits and dashes."""

    def read(raw: Any) -> str:
        found = text(200)(raw)
        if not re.fullmatch(rf"[a-z0-9][a-z0-9-]{{{least - 1},{most - 1}}}", found):
            raise Mistake("ID_FORMAT", most=most)
        return str(found)

    return read


def whole(least: int, most: int) -> Reader:
    """A whole number within limits. Excel's ``5.0`` is one."""

    def read(raw: Any) -> int:
        found = _decimal(raw, "NOT_WHOLE")
        if found != found.to_integral_value():
            raise Mistake("NOT_WHOLE")
        return int(_between(found, least, most))

    return read


def number(least: float, most: float) -> Reader:
    """A number within limits."""

    def read(raw: Any) -> float:
        return float(_between(_decimal(raw, "NOT_NUMBER"), least, most))

    return read


def basis_points(raw: Any) -> int:
    """A percentage as basis points: ``"16.67"`` and ``"16.67%"`` are 1667."""
    found = _decimal(raw.strip().rstrip("%％") if isinstance(raw, str) else raw, "NOT_PERCENT") * 100
    if found != found.to_integral_value():
        raise Mistake("NOT_PERCENT")
    return int(_between(found / 100, 0, 100) * 100)


def amount(raw: Any) -> Decimal:
    """An amount in major units, not negative; `minor` makes it minor units once the currency is known."""
    return _between(_decimal(raw, "NOT_MONEY"), 0, 1_000_000)


def minor(found: Decimal, currency: str) -> int:
    """The amount in the currency's minor units."""
    try:
        return parse_major(str(found), currency).amount_minor
    except ValueError as error:
        raise Mistake("NOT_MONEY") from error


def yes_no(raw: Any) -> bool:
    """Yes or no, also in Chinese, as 1/0 and as JSON's true/false."""
    word = str(raw).strip().lower()
    if word not in _YES | _NO:
        raise Mistake("NOT_YES_NO")
    return word in _YES


def day(raw: Any) -> str:
    """A date between 2000 and 2100, as ISO text."""
    for form in _DATES:
        found = _parsed(str(raw).strip(), form)
        if found and 2000 <= found.year <= 2100:
            return found.date().isoformat()
    raise Mistake("NOT_DATE")


def moment(raw: Any) -> str:
    """A date as the first moment of that day in UTC, as the database writes it."""
    return f"{day(str(raw)[:10])}T00:00:00+00:00"


def day_of_year(raw: Any) -> str:
    """``MM-DD``; also what Excel makes of it: ``4月1日``, ``1-Apr``, ``2027/4/1``."""
    typed = str(raw).strip()
    for form in _DAYS_OF_YEAR:
        found = _parsed(f"2000-{typed}", form)
        if found:
            return found.strftime("%m-%d")
    try:
        return day(typed)[5:]
    except Mistake as mistake:
        raise Mistake("NOT_DAY_OF_YEAR") from mistake


def clock_time(raw: Any) -> str:
    """A time of day as ``08:30:00``; 24:00 is midnight at the day's end, written 00:00."""
    match = re.fullmatch(r"(\d{1,2})[:：](\d{2})(?:[:：]00)?", str(raw).strip())
    if not match or int(match[1]) > 24 or int(match[2]) > 59 or (int(match[1]) == 24 and int(match[2])):
        raise Mistake("NOT_TIME")
    return time(int(match[1]) % 24, int(match[2])).isoformat()


def weekdays(raw: Any) -> list[int]:
    """ISO weekdays, sorted: ``[1, 2]``, ``"1 2"``, ``"mon;tue"``, ``"周一、周二"``."""
    names = raw if isinstance(raw, list) else re.split(r"[\s;,、，；]+", str(raw).strip())
    found = [_WEEKDAYS.get(str(name).lower()) for name in names if name != ""]
    if None in found:
        raise Mistake("NOT_WEEKDAYS")
    return sorted({n for n in found if n is not None})


def choice(known: Sequence[str]) -> Reader:
    """One of the known words."""

    def read(raw: Any) -> str:
        if raw not in known:
            raise Mistake("NOT_CHOICE", got=str(raw)[:60], known=", ".join(known))
        return str(raw)

    return read


def choices(known: Sequence[str]) -> Reader:
    """Several of the known words, as a list or parted by spaces or punctuation."""
    one = choice(known)

    def read(raw: Any) -> list[str]:
        words = raw if isinstance(raw, list) else re.split(r"[\s;,、，；]+", str(raw).strip())
        return list(dict.fromkeys(one(word) for word in words if word != ""))

    return read


documents = choices([str(kind) for kind in DocumentType])
currency = choice(sorted(EXPONENTS))
status = choice(STATUSES)


def zone(raw: Any) -> str:
    """A time zone of the IANA database."""
    try:
        return ZoneInfo(str(raw)).key
    except (ValueError, OSError, KeyError) as error:
        raise Mistake("NOT_ZONE", got=str(raw)[:60]) from error


def url(raw: Any) -> str:
    """A web address."""
    found: str = text(500)(raw)
    try:
        parts = urlsplit(found)
    except ValueError as error:
        raise Mistake("NOT_URL") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Mistake("NOT_URL")
    return found


def _decimal(raw: Any, code: str) -> Decimal:
    try:
        if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
            raise Mistake(code)
        found = Decimal(str(raw).strip().replace(",", "")[:40])
    except InvalidOperation as error:
        raise Mistake(code) from error
    if not found.is_finite() or (found and abs(found.adjusted()) > 20):
        raise Mistake(code)
    return found


def _between(found: Decimal, least: float, most: float) -> Decimal:
    if found < Decimal(str(least)):
        raise Mistake("TOO_SMALL", got=f"{found:f}"[:40], least=least)
    if found > Decimal(str(most)):
        raise Mistake("TOO_LARGE", got=f"{found:f}"[:40], most=most)
    return found


def _parsed(typed: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(typed, form)  # noqa: DTZ007 - a calendar day, no moment
    except ValueError:
        return None
