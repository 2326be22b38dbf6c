"""Reading a slip: dates, numbers and words as people write them, and what Excel made of them. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from holdfast.accounts import documents
from holdfast.accounts.documents import LABELS, DocumentType
from holdfast.kit import crypto
from holdfast.kit.i18n import both, translate

from .imports_model import Named, Written

EXCEL = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+").fullmatch
EXCEL_SAYS = "Excel has turned this number into {typed}: its last digits are lost. Format the column as text, and take the number from the paper."
ZEROS_SAY = "It ends with zeros and does not fit: Excel may have lost its last digits. Take the number from the paper."
PEOPLE_MAX = 50
_DATES = (
    re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?").fullmatch,
    re.compile(r"(\d{4})(\d{2})(\d{2})").fullmatch,
)
_PAID = {"cash", "paid", "现金", "已付", "已收", "现金已付"}
_UNPAID = {"", "later", "unpaid", "待付", "未付", "到付"}
_FREE = {"free", "免费", "免票"}


class Read(msgspec.Struct):
    """What the plain fields of a slip say. `errors` name what cannot be read, all at once."""

    day: date | None = None
    people: int = 0
    payment: str = "later"
    amount_minor: int | None = None
    taken_at: datetime | None = None
    persons: list[Named] = []
    errors: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []


def error(field: str, code: str, message: str, **values: object) -> dict[str, Any]:
    """One finding, as surfaces show it."""
    return {"field": field, "code": code, "message": both(message, **values), "severity": "error", "suggestion": None}


def read(written: Written) -> Read:
    """The fields that need no catalogue. Names, documents and the phone are judged with the order."""
    found = Read(persons=[_person(one) for one in written.persons if not one.is_empty], errors=[], warnings=[])
    found.day = read_day(written.date)
    if found.day is None:
        found.errors.append(error("date", "DATE_FORM", "Write the date of the visit as 2026-12-31."))
    found.people = _people(written.people)
    if not found.people:
        found.errors.append(error("people", "PEOPLE_FORM", "Write how many people as a number from 1 to 50."))
    elif len(found.persons) > found.people:
        found.errors.append(error("people", "PEOPLE_FEWER", "More people are named than this number."))
    _read_payment(written, found)
    _find_excel(written, found)
    if written.taken_at:
        found.taken_at = read_moment(written.taken_at)
        if found.taken_at is None:
            found.warnings.append(
                error("taken_at", "TIME_FORM", "The time it was taken cannot be read.") | {"severity": "warning"}
            )
    return found


def read_day(text: str) -> date | None:
    """A date as people write it, the year first; a time behind it is left out."""
    plain = re.sub(r"[ T]\d{1,2}:\d{2}.*$", "", text.strip())
    for fits in _DATES:
        if match := fits(plain):
            try:
                return date(*(int(part) for part in match.groups()))
            except ValueError:
                return None
    return None


def read_moment(text: str) -> datetime | None:
    """A moment in ISO 8601 or as ``2026-12-31 09:05``, on Chinese clocks unless it names its zone."""
    plain = text.strip().replace("/", "-").replace("Z", "+00:00")
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})(.*)", plain)
    if match:
        year, month, day, hour, minute, rest = match.groups()
        plain = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}{rest}"
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        return None
    return found if found.tzinfo else datetime.fromisoformat(f"{found.isoformat()}+08:00")


def _people(text: str) -> int:
    digits = re.sub(r"\s*(人|people|persons?)$", "", text.strip().lower())
    digits = digits.removesuffix(".0")
    count = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 3 else 0
    return count if count <= PEOPLE_MAX else 0


def _read_payment(written: Written, found: Read) -> None:
    word = written.payment.strip().lower()
    if word in _PAID:
        found.payment = "cash"
    elif word in _FREE:
        found.payment = "free"
    elif word not in _UNPAID:
        found.errors.append(error("payment", "PAYMENT_WORD", "Write cash or later (现金, 待付)."))
    if written.amount:
        plain = re.sub(r"[¥￥元,\s]|CNY|RMB", "", written.amount, flags=re.IGNORECASE)
        try:
            minor = Decimal(plain) * 100
            found.amount_minor = int(minor) if minor == int(minor) and 0 <= minor < 10**10 else None
        except (InvalidOperation, OverflowError, ValueError):
            found.amount_minor = None
        if found.amount_minor is None:
            found.errors.append(error("amount", "AMOUNT_FORM", "Write the sum as 120 or 120.50."))


def _find_excel(written: Written, found: Read) -> None:
    """Numbers that a spreadsheet has rounded: said in their own words, because nobody would guess."""
    typed = [("slip", written.slip), ("phone", written.phone)]
    typed += [(f"persons[{at}].document", one.document) for at, one in enumerate(written.persons)]
    for field, text in typed:
        if EXCEL(text.replace(" ", "")):
            found.errors.append(error(field, "EXCEL_NUMBER", EXCEL_SAYS, typed=text))
        elif (
            field.endswith("document")
            and re.fullmatch(r"[0-9]{15}000", text)
            and documents.check_character(text[:17]) != "0"
        ):
            found.errors.append(error(field, "EXCEL_ZEROS", ZEROS_SAY))


def _person(written: Named) -> Named:
    """A person with the type of the document as its code; where none is written, as the number looks."""
    return Named(written.name, document_type(written.document_type, written.document), written.document)


def document_type(word: str, number: str) -> str:
    """The code of a document type written as code or label in either language; unknown words stay and are found wrong."""
    plain = " ".join(word.split()).lower()
    if not plain:
        return _looks_like(number)
    return _DOCUMENT_WORDS.get(plain, word)


def _looks_like(number: str) -> str:
    plain = re.sub(r"[\s-]", "", number).upper()
    if re.fullmatch(r"[HM][0-9]{8}([0-9]{2})?|[HM]A[0-9]{7}", plain):
        return DocumentType.hkmo_travel_permit.value
    if re.fullmatch(r"8[123]0000[0-9]{11}[0-9X]", plain):
        return DocumentType.hkmotw_residence_permit.value
    if re.fullmatch(r"9[0-9]{16}[0-9X]", plain):
        return DocumentType.foreign_pr_id.value
    if re.fullmatch(r"[0-9]{8}", plain):
        return DocumentType.tw_travel_permit.value
    if re.fullmatch(r"[A-Z]{1,2}[0-9]{6,8}", plain):
        return DocumentType.passport.value
    return DocumentType.cn_resident_id.value


_DOCUMENT_WORDS = {
    "身份证": "cn_resident_id",
    "居民身份证": "cn_resident_id",
    "id": "cn_resident_id",
    "护照": "passport",
    "回乡证": "hkmo_travel_permit",
    "港澳通行证": "hkmo_travel_permit",
    "台胞证": "tw_travel_permit",
    "永居证": "foreign_pr_id",
    **{kind.value: kind.value for kind in DocumentType},
    **{text.lower(): kind.value for kind, label in LABELS.items() for text in (label, translate(label, "zh"))},
}


def digest(written: Written) -> bytes:
    """What makes two slips the same: every word on them, spaces and case aside; when it was taken does not count."""
    plain = msgspec.structs.replace(written, taken_at="", slip="", seal="", persons=[])
    words = [" ".join(str(value).split()).lower() for value in msgspec.structs.astuple(plain)]
    for one in written.persons:
        words += ["".join(part.split()).lower() for part in msgspec.structs.astuple(one)]
    return crypto.blind_index("desk-slip", "\0".join(words))
