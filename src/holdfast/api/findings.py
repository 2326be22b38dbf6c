"""Findings: what is wrong with a body or query, by field path, in both languages, and what to do about it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from holdfast import accounts
from holdfast.kit import i18n
from holdfast.kit.problems import InvalidInput

Found = dict[str, Any]
FIELD_MAX = 100
"""Characters of a name that somebody made up and we repeat."""

MESSAGES = {
    "FIELD_MISSING": "This field is required.",
    "FIELD_UNKNOWN": "There is no such field; remove it or check its spelling.",
    "TYPE": "Give {expected} here; what came is {got}.",
    "CHOICE": "Use one of the values that the API description lists.",
    "UUID": "This is not an identifier of ours; copy it exactly from an earlier answer.",
    "DATE": "Write the date as YYYY-MM-DD, between 2000 and 2099.",
    "MONTH": "Write the month as YYYY-MM, between 2000 and 2099.",
    "TOO_LONG": "Use at most {limit} characters.",
    "TOO_SHORT": "Use at least {limit} characters.",
    "TOO_MANY": "Send at most {limit} entries.",
    "TOO_FEW": "Send at least {limit} entries.",
    "TOO_LARGE": "The number may be {limit} at most.",
    "TOO_SMALL": "The number must be {limit} or more.",
    "NUL": "Remove the invisible character U+0000.",
    "REPEATED": "Send this parameter only once.",
    "CURSOR": "Take the cursor from the last answer's next link, unchanged.",
    "SHAPE": "This value does not fit here.",
    "JSON_ENDS_EARLY": "The JSON text ends too early.",
    "JSON_MALFORMED": "The JSON text is malformed at byte {at}.",
    "JSON_SURROGATE": "An escape from \\ud800 to \\udfff stands alone; such characters need both halves.",
    "NOT_UTF8": "The text is not UTF-8.",
}
"""Code → English sentence. Codes are part of the API; the Chinese is in ``zh.po``."""

TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
"""JSON types as msgspec names them → as people do."""

_RULES: list[tuple[str, re.Pattern[str]]] = [
    ("FIELD_MISSING", re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)),
    ("FIELD_UNKNOWN", re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)),
    ("TYPE", re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")),
    ("CHOICE", re.compile(r"Invalid enum value .*", re.DOTALL)),
    ("UUID", re.compile(r"Invalid UUID")),
    ("DATE", re.compile(r"Invalid RFC3339 encoded date|DATE")),
    ("TOO_LONG", re.compile(r"Expected `str` of length <= (?P<limit>\d+)")),
    ("TOO_SHORT", re.compile(r"Expected `str` of length >= (?P<limit>\d+)")),
    ("TOO_MANY", re.compile(r"Expected `array` of length <= (?P<limit>\d+)")),
    ("TOO_FEW", re.compile(r"Expected `array` of length >= (?P<limit>\d+)")),
    ("TOO_LARGE", re.compile(r"Expected `int` <= (?P<limit>-?\d+)")),
    ("TOO_SMALL", re.compile(r"Expected `int` >= (?P<limit>-?\d+)")),
    ("MONTH", re.compile(r"Expected `str` matching regex .*", re.DOTALL)),
]
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|[c-fC-F][0-9a-fA-F]{2})"
)


def finding(field: str, code: str, **values: Any) -> Found:
    """One thing to correct, in the form that accounts and orders use; `expected` and `got` are JSON types."""
    message = {}
    for locale in i18n.LOCALES:
        here = {name: _type(value, locale) if name in ("expected", "got") else value for name, value in values.items()}
        message[locale] = i18n.translate(MESSAGES[code], locale, **here)
    return {"field": field, "code": code, "message": message, "severity": "error", "suggestion": None}


def _type(name: str, locale: str) -> str:
    joint = {"zh": "或", "en": " or "}[locale]
    return joint.join(i18n.translate(TYPES.get(part, part), locale) for part in name.split(" | "))


def of_shape(error: msgspec.ValidationError) -> Found:
    """What msgspec found wrong with the shape of a body or query."""
    what, at, path = str(error).rpartition(" - at `")
    if not at or not path.startswith("$"):
        what, path = str(error), ""
    field = path.removesuffix("`").removeprefix("$").removeprefix(".")[:FIELD_MAX]
    for code, rule in _RULES:
        match = rule.fullmatch(what)
        if match:
            values = match.groupdict()
            name = values.pop("name", None)
            if name is not None:
                field = f"{field}.{name[:FIELD_MAX]}" if field else name[:FIELD_MAX]
            return finding(field, code, **values)
    return finding(field, "SHAPE")


def of_json(raw: bytes, error: Exception) -> Found:
    """Why a body is not JSON."""
    if _LONE_SURROGATE.search(raw):
        return finding("", "JSON_SURROGATE")
    if isinstance(error, UnicodeDecodeError):
        return finding("", "NOT_UTF8")
    match = re.search(r"\(byte (\d+)\)", str(error))
    return finding("", "JSON_MALFORMED", at=match[1]) if match else finding("", "JSON_ENDS_EARLY")


def nul(value: Any, field: str = "") -> Found | None:
    """The first text below `value` (builtins) that holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return finding(field, "NUL") if "\0" in value else None
    if isinstance(value, dict):
        inner = ((f"{field}.{name}" if field else name, part) for name, part in value.items())
    elif isinstance(value, list):
        inner = ((f"{field}[{at}]", part) for at, part in enumerate(value))
    else:
        return None
    return next((found for name, part in inner if (found := nul(part, name))), None)


def phone(raw: str, field: str = "phone") -> str:
    """A phone as typed, in E.164 form; InvalidInput with every finding."""
    number, found = accounts.check_phone(raw, field=field)
    errors = [msgspec.to_builtins(one) for one in found if one.severity == "error"]
    if number is None or errors:
        raise InvalidInput(errors=errors)
    return number
