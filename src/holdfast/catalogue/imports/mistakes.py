"""What can be wrong with a catalogue file: a code, a sentence that says what to do, and the place in the file."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.kit.i18n import both

MESSAGES: dict[str, str] = {
    "FILE_MISSING": "There is no such file or folder. Check the path.",
    "FILE_EMPTY": "The folder has none of the files {names}. Put at least one of them there.",
    "FILE_TOO_LARGE": "The file is larger than {most} MB. Split it.",
    "FILE_ENCODING": "The file is neither UTF-8 nor GBK text. Save it as “CSV UTF-8”.",
    "FILE_TYPE": "Only .json files, .csv files and folders of .csv files can be imported.",
    "FILE_UNKNOWN": "A .csv file must have one of the names {names}.",
    "JSON_BROKEN": "This is not valid JSON: {detail}. Correct it at that place.",
    "JSON_SHAPE": "Expected {expected} here.",
    "COLUMN_UNKNOWN": "Nobody knows “{name}” here. Remove it or correct its spelling; known are: {known}.",
    "COLUMN_TWICE": "The column “{name}” occurs twice. Remove one.",
    "COLUMN_MISSING": "The column “{name}” is missing. Add it.",
    "ROW_TOO_LONG": "This row has more cells than there are columns. Look for a comma that belongs to a text.",
    "ROWS_TOO_MANY": "There are more than {most} rows. Split the file.",
    "MISSING": "This is needed. Fill it in.",
    "NOT_TEXT": "Expected text.",
    "TEXT_TOO_LONG": "{got} characters are too many: {most} at most.",
    "TEXT_CONTROL": "There is an invisible control character ({name}) at position {position}. Type the text anew.",
    "TEXTS_SHAPE": "Give the text by language, as “zh” and “en”.",
    "ID_FORMAT": "Use small letters, digits and dashes only, at most {most}, beginning with a letter or digit.",
    "NOT_WHOLE": "Expected a whole number, without unit or decimals.",
    "NOT_NUMBER": "Expected a number.",
    "TOO_SMALL": "{got} is too small: {least} at least.",
    "TOO_LARGE": "{got} is too large: {most} at most. Check for a slipped digit.",
    "NOT_YES_NO": "Expected yes or no.",
    "NOT_DATE": "Expected a date like 2027-04-05.",
    "NOT_TIME": "Expected a time of day like 08:30.",
    "NOT_DAY_OF_YEAR": "Expected a day of the year like 04-01 (month, then day).",
    "NOT_WEEKDAYS": "Expected weekdays from 1 (Monday) to 7 (Sunday), like “1 2”.",
    "NOT_MONEY": "Expected an amount like 60 or 60.50, without a currency sign.",
    "NOT_PERCENT": "Expected a percentage like 40 or 16.67, with at most two decimals.",
    "NOT_CHOICE": "“{got}” is not known here. Choose one of: {known}.",
    "NOT_ZONE": "“{got}” is not a time zone. Use a name like Asia/Shanghai.",
    "NOT_URL": "Expected a web address that begins with http:// or https://.",
    "NOT_LIST": "Expected a list.",
    "DUPLICATE": "This is entered twice; the first time at {other}. Remove one.",
    "NO_VENUES": "There is no venue “{got}”. Correct the name or add it.",
    "NO_PRODUCTS": "There is no product “{got}”. Correct the name or add it.",
    "NO_SOURCES": "There is no source “{got}”. Correct the name or add it.",
    "NO_POLICIES": "This venue has no rule “{got}”. Correct the name or add it.",
    "SEASONS_OVERLAP": "The seasons “{one}” and “{other}” both claim {day}. Let one end before the other begins.",
    "PRICES_OVERLAP": "The prices “{one}” and “{other}” are both for {ticket} on {day}. Change a season or a ticket name.",
    "SLOT_OUTSIDE": "The time {starts}–{ends} lies outside the opening hours of every season. Change one of them.",
    "SLOT_EMPTY": "The time ends when it begins. Enter a later end.",
    "SHARES": "The shares of “{product}” add up to {sum} %. Lower them to 100 % at most.",
    "LAST_ENTRY": "The last entry {last} does not lie within the opening hours {opens}–{closes}.",
    "HOURS_HALF": "Enter both, opening and closing time, or neither.",
    "DATES_ORDER": "The last day {last} lies before the first day {first}. Swap them.",
    "PRODUCT_ELSEWHERE": "The product “{product}” belongs to “{venue}”, not here.",
    "MOVED": "“{name}” belongs to “{owner}” and cannot move: orders name it. Use a new id.",
    "PERCENT_OVER": "A percentage is 100 at most. A higher figure is an absolute number of places that supersedes the other.",
    "SUPERSEDES_ITSELF": "A rule cannot supersede itself.",
}


class Mistake(Exception):
    """A value that does not fit; becomes an error with its place."""

    def __init__(self, code: str, *, field: str = "", **values: Any) -> None:
        super().__init__(code)
        self.code, self.field, self.values = code, field, values

    def inside(self, name: str) -> Mistake:
        """The same, seen from what encloses it: ``facts`` and ``[2].label`` make ``facts[2].label``."""
        between = "." if self.field and not self.field.startswith("[") else ""
        return Mistake(self.code, field=f"{name}{between}{self.field}", **self.values)


class Place(msgspec.Struct, frozen=True):
    """Where something stands: the file and the row (1 is the header) or JSON path; empty for what is stored already."""

    file: str = ""
    at: str = ""

    def __str__(self) -> str:
        return f"{self.file} {self.at}".strip()


def error(place: Place, field: str, code: str, **values: Any) -> dict[str, Any]:
    """One entry of a problem's ``errors``."""
    message = both(MESSAGES[code], **values)
    return {"file": place.file, "at": place.at, "field": field, "code": code, "message": message}
