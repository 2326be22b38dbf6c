"""Identity documents: what can be judged from the characters alone. Names and phones are in ``contacts``.

Format, date and check character are errors; a county is never judged, since an identity number keeps the county code
of the day it was issued. Another document's number in this field is an error that suggests the other type: we never
switch silently. Every check returns all it found, in both languages, and raises for no string.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from operator import mul
from typing import Any

import msgspec

from .contacts import check_name, check_phone, mask_name, mask_phone
from .findings import (
    DOCUMENT_SEPARATORS,
    INPUT_LENGTH_MAX,
    LOOKALIKES,
    MESSAGES,
    Finding,
    Severity,
    finding,
    plain,
    wrong_characters,
)

__all__ = [
    "LABELS",
    "MESSAGES",
    "Document",
    "DocumentType",
    "Finding",
    "Traveller",
    "check_character",
    "check_document",
    "check_name",
    "check_phone",
    "check_traveller",
    "mask_document",
    "mask_name",
    "mask_phone",
]


class DocumentType(StrEnum):
    """The documents accepted at a gate; the values are part of the API."""

    cn_resident_id = "cn_resident_id"
    hkmotw_residence_permit = "hkmotw_residence_permit"
    foreign_pr_id = "foreign_pr_id"
    hkmo_travel_permit = "hkmo_travel_permit"
    tw_travel_permit = "tw_travel_permit"
    passport = "passport"


LABELS: dict[DocumentType, str] = {
    DocumentType.cn_resident_id: "Chinese resident identity card",
    DocumentType.hkmotw_residence_permit: "Residence permit for Hong Kong, Macao and Taiwan residents",
    DocumentType.foreign_pr_id: "Foreign permanent resident identity card",
    DocumentType.hkmo_travel_permit: "Mainland travel permit for Hong Kong and Macao residents",
    DocumentType.tw_travel_permit: "Mainland travel permit for Taiwan residents",
    DocumentType.passport: "Passport",
}

AGE_YEARS_MAX = 130


class Document(msgspec.Struct, frozen=True):
    """A document whose number passed. Its ``repr`` is masked, so that a log cannot hold the number."""

    type: DocumentType
    number: str
    person_key: str
    """What stays when the document is renewed; the blind index is made of ``f"{type}|{person_key}"``."""
    birth_date: date | None
    last4: str
    """The end of the person key: four characters, never more than half of it."""
    masked: str

    def __repr__(self) -> str:
        return f"Document({self.type.value} {self.masked})"


class Traveller(msgspec.Struct, frozen=True):
    """A person who will stand at the gate: a name and a document that passed. ``repr`` is masked."""

    name: str
    document: Document

    def __repr__(self) -> str:
        return f"Traveller({mask_name(self.name)} {self.document!r})"


def check_traveller(
    name: str, document_type: str, document: str, today: date, prefix: str = "travellers[0]"
) -> tuple[Traveller | None, list[Finding]]:
    """Name and document together; fields are ``{prefix}.name``, ``.document`` and ``.document_type``."""
    good_name, findings = check_name(name, f"{prefix}.name", document_type)
    good_document, more = check_document(document_type, document, today, f"{prefix}.document")
    findings += more
    if good_name is None or good_document is None:
        return None, findings
    return Traveller(good_name, good_document), findings


def check_document(
    type: str,  # noqa: A002 - the word of the API
    raw: str,
    today: date,
    field: str = "document",
) -> tuple[Document | None, list[Finding]]:
    """The document, and all that was found; no document when any finding is an error.

    Resident identity cards, residence permits and new permanent resident cards by GB 11643 (check character ISO 7064
    MOD 11-2), passports by ICAO 9303, travel permits by form. An unknown type is found on ``{field}_type``. Birth dates
    come from 18-character numbers only.
    """
    findings: list[Finding] = []
    rule = _RULES.get(type)
    if rule is None:
        findings.append(finding(f"{field}_type", "ID_TYPE_UNKNOWN"))
    typed = raw if raw.isascii() and raw.isalnum() else ""
    if len(raw) > INPUT_LENGTH_MAX:
        findings.append(finding(field, "TOO_LONG", most=INPUT_LENGTH_MAX))
    elif not typed and not (typed := plain(raw, DOCUMENT_SEPARATORS)):
        findings.append(finding(field, "ID_EMPTY"))
    if rule is None or findings:
        return None, findings
    number = typed.upper() if typed.isascii() else typed.translate(_UPPER)
    reading = _Reading(number, typed, today, field, findings, number)
    rule[1](reading)
    if findings and any(one.severity == "error" for one in findings):
        return None, findings
    key = reading.person_key
    last = key[-min(4, len(key) // 2) :]
    return Document(rule[0], reading.number, key, reading.birth_date, last, mask_document(key)), findings


def check_character(number: str) -> str:
    """The 18th character belonging to 17 ASCII digits: ISO 7064 MOD 11-2, as GB 11643 prescribes."""
    return "10X98765432"[(sum(map(mul, number.encode(), _WEIGHTS)) - _WEIGHT_OF_ZEROS) % 11]


_WEIGHTS = tuple(2 ** (17 - index) % 11 for index in range(17))
_WEIGHT_OF_ZEROS = ord("0") * sum(_WEIGHTS)
_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]").fullmatch
_DIGITS = frozenset("0123456789")
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71").match
"""GB/T 2260, first two digits. 81, 82 and 83 stand on residence permits only."""
_UPPER = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
_RESIDENCE_PREFIXES = frozenset({"810000", "820000", "830000"})
_HKMO = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?|[HM]A[0-9]{7}").fullmatch
_TW = re.compile(r"[0-9]{8}(?:[0-9]{2}(?:\([A-Z]\)|[A-Z])?)?").fullmatch
_TW_ONE_TRIP = re.compile(r"(?![A-Z][A-D1289][0-9]{8}$)(?=(?:[A-Z]*[0-9]){6})[A-Z0-9]{10,12}").fullmatch
"""Weakly documented: ten to twelve characters, but not a Taiwan identity or resident number."""
_FOREIGN_OLD = re.compile(r"[A-Z]{3}[0-9]{12}").fullmatch
_PASSPORT = re.compile(r"[A-Z0-9]{5,9}").fullmatch
_PASSPORT_LIKELY = re.compile(r"[A-Z]{1,2}[0-9]{6,8}").fullmatch
_LOOKALIKE_DIGITS = str.maketrans(LOOKALIKES)


class _Reading(msgspec.Struct):
    """A number being read: what was typed, what was found, what it says of the person."""

    number: str
    typed: str
    today: date
    field: str
    findings: list[Finding]
    person_key: str
    birth_date: date | None = None

    def found(self, code: str, severity: Severity = "error", **values: Any) -> None:
        self.findings.append(finding(self.field, code, severity, **values))

    def found_other_type(self, other: DocumentType) -> None:
        self.findings.append(finding(self.field, "ID_OTHER_TYPE", suggestion=other.value, suggest=LABELS[other]))


def _read_resident(reading: _Reading) -> None:
    """GB 11643: province, birth date, sequence, check character. The county is not judged."""
    number = reading.number
    if not _PROVINCE(number) or not _EIGHTEEN(number):
        if len(number) == 15 and _DIGITS.issuperset(number):
            return reading.found("ID_OLD_15")
        other = _resembled(number)
        if other and other is not DocumentType.cn_resident_id:
            reading.found_other_type(other)
            if not 17 <= len(number) <= 19:
                return reading.found("ID_LENGTH", got=len(number))
        elif len(number) == 18 and not _PROVINCE(number) and _DIGITS.issuperset(number[:2]):
            reading.found("ID_REGION", got=number[:2])
    return _read_eighteen(reading)


def _read_residence(reading: _Reading) -> None:
    """Residence permit of Hong Kong, Macao and Taiwan residents: GB 11643 with three prefixes of its own."""
    if reading.number[:6] not in _RESIDENCE_PREFIXES:
        other = _resembled(reading.number)
        if other and other is not DocumentType.hkmotw_residence_permit:
            reading.found_other_type(other)
        else:
            reading.found("HKMOTW_FORMAT")
        if not 15 <= len(reading.number) <= 19:
            return
    _read_eighteen(reading)


def _read_foreign(reading: _Reading) -> None:
    """Foreign permanent resident card: since 2023-12 a 9 and the layout of GB 11643; before, 3 letters + 12 digits."""
    if reading.number[0] == "9":
        _read_eighteen(reading)
    elif not _FOREIGN_OLD(reading.number):
        _misfit(reading, "FPR_FORMAT", _FOREIGN_OLD, letters=3)


def _read_hkmo(reading: _Reading) -> None:
    """Travel permit of Hong Kong and Macao residents: nine characters for life, on 1999 cards two more per renewal."""
    if not _HKMO(reading.number):
        _misfit(reading, "HKMO_FORMAT", _HKMO, letters=1)
    reading.person_key = reading.number[:9]


def _read_tw(reading: _Reading) -> None:
    """Travel permit of Taiwan residents: eight digits for life; one-trip papers are left to the staff."""
    if _TW(reading.number):
        reading.person_key = reading.number[:8]
    elif _TW_ONE_TRIP(reading.number) and not _HKMO(reading.number):
        reading.found("CHECK_UNAVAILABLE", "warning")
    else:
        _misfit(reading, "TW_FORMAT", _TW)


def _read_passport(reading: _Reading) -> None:
    """ICAO 9303: at most nine letters and digits, padded with ``<``; the printed number has no check digit."""
    reading.number = reading.person_key = reading.number.rstrip("<")
    if not _PASSPORT(reading.number):
        _misfit(reading, "PASSPORT_FORMAT", _PASSPORT)
    elif reading.number.isalpha():
        reading.found("CHECK_UNAVAILABLE", "warning")


_RULES: dict[str, tuple[DocumentType, Callable[[_Reading], None]]] = {
    "cn_resident_id": (DocumentType.cn_resident_id, _read_resident),
    "hkmotw_residence_permit": (DocumentType.hkmotw_residence_permit, _read_residence),
    "foreign_pr_id": (DocumentType.foreign_pr_id, _read_foreign),
    "hkmo_travel_permit": (DocumentType.hkmo_travel_permit, _read_hkmo),
    "tw_travel_permit": (DocumentType.tw_travel_permit, _read_tw),
    "passport": (DocumentType.passport, _read_passport),
}


def _read_eighteen(reading: _Reading) -> None:
    """Length, digits, birth date and check character of the 18-character numbers (GB 11643)."""
    number = reading.number
    if _EIGHTEEN(number):
        _read_birth_date(reading)
        if check_character(number) != number[17]:
            reading.found("ID_CHECKSUM")
        return
    if len(number) != 18:
        reading.found("ID_LENGTH", got=len(number))
    if "X" in number[:-1]:
        reading.found("ID_X_ONLY_LAST")
    reading.findings += wrong_characters("ID_CHAR", reading.typed, "0123456789Xx", reading.field)
    if len(number) == 18 and _DIGITS.issuperset(number[6:14]):
        _read_birth_date(reading)


def _read_birth_date(reading: _Reading) -> None:
    """Characters 7–14 as a day that exists, is not in the future and not more than 130 years ago."""
    digits = reading.number[6:14]
    try:
        reading.birth_date = birth_date = date.fromisoformat(digits)
    except ValueError:
        return reading.found("ID_DATE_IMPOSSIBLE", got=digits)
    if birth_date > reading.today:
        reading.found("ID_DATE_FUTURE")
    elif birth_date.year < reading.today.year - AGE_YEARS_MAX:
        reading.found("ID_DATE_IMPOSSIBLE", got=digits)
    return None


def _misfit(reading: _Reading, code: str, fits: Callable[[str], object], letters: int = 0) -> None:
    """The number has not the form of its type: say the form, then what may have happened."""
    number = reading.number
    reading.found(code)
    if fits(number[:letters] + number[letters:].translate(_LOOKALIKE_DIGITS)):
        fine = "".join(character for character in reading.typed if character.upper() not in LOOKALIKES)
        reading.findings += wrong_characters("ID_CHAR", reading.typed, fine, reading.field, letters)
    elif other := _resembled(number):
        reading.found_other_type(other)


def _resembled(number: str) -> DocumentType | None:
    """The document type whose number this most looks like."""
    if 17 <= len(number) <= 19:
        if number[:2] in {"81", "82", "83"}:
            return DocumentType.hkmotw_residence_permit
        if number[0] == "9":
            return DocumentType.foreign_pr_id
        return DocumentType.cn_resident_id if _PROVINCE(number) else None
    if _HKMO(number):
        return DocumentType.hkmo_travel_permit
    if len(number) == 8 and _TW(number):
        return DocumentType.tw_travel_permit
    if _FOREIGN_OLD(number):
        return DocumentType.foreign_pr_id
    return DocumentType.passport if _PASSPORT_LIKELY(number) else None


def mask_document(number: str) -> str:
    """``110***********002X``, ``E****5678``, ``****5678``: a tail of at most half, for eyes that need no more."""
    head = 3 if len(number) == 18 else int(len(number) >= 9)
    tail = min(4, len(number) // 2)
    return number[:head] + "*" * (len(number) - head - tail) + number[len(number) - tail :]
