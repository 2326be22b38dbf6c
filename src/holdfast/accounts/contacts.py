"""Names and phones of travellers: forgiving to read, strict about what cannot be meant."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from .findings import INPUT_LENGTH_MAX, PHONE_SEPARATORS, Finding, finding, plain, visible, wrong_characters

_PLAIN_NAME = re.compile(r"[\u4e00-\u9fff]{2,60}").fullmatch
_CHINESE = re.compile(r"[\u3007\u3400-\u9fff\U00020000-\U0003ffff]").search
_SPACE_WITHIN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_NAME_MARKS = frozenset(" .-'·〇")
_NAME_TWINS = str.maketrans("•‧・∙⋅‐‒–’‘`", "·····---'''")


def check_name(raw: str, field: str = "name", document_type: str = "") -> tuple[str | None, list[Finding]]:
    """The name as it will stand on the ticket: NFKC, one space between words, nothing invisible; 2 to 60 characters.

    Any script is welcome, with the middle dot of minority names, hyphens, apostrophes, dots and diacritics.
    """
    if len(raw) > INPUT_LENGTH_MAX:
        return None, [finding(field, "TOO_LONG", most=INPUT_LENGTH_MAX)]
    name = raw
    if not _PLAIN_NAME(raw):
        name = _SPACE_WITHIN_CHINESE.sub("", " ".join(visible(raw.replace("´", "'")).translate(_NAME_TWINS).split()))
        findings = _name_findings(name, field)
        if findings:
            return None, findings
    if document_type == "passport" and (" " not in name or _CHINESE(name)):
        return name, [finding(field, "NAME_MISMATCH_RISK", "warning")]
    return name, []


def _name_findings(name: str, field: str) -> list[Finding]:
    if not name:
        return [finding(field, "NAME_EMPTY")]
    findings = []
    if not 2 <= len(name) <= 60:
        findings.append(finding(field, "NAME_LENGTH", got=len(name)))
    fine = [character for character in name if _belongs_in_name(character)]
    if not any(character.isalpha() or _CHINESE(character) for character in fine):
        fine = []
    return findings + wrong_characters("NAME_CHARACTERS", name, "".join(fine), field)


def _belongs_in_name(character: str) -> bool:
    """Letters and their marks; planes 2 and 3 are Chinese even where our Unicode tables are older than the name."""
    return (
        character.isalpha()
        or character in _NAME_MARKS
        or unicodedata.category(character) in {"Mn", "Mc"}
        or "\U00020000" <= character <= "\U0003ffff"
    )


_MAINLAND = re.compile(r"(?:\+?86|0086)?0?(1[3-9][0-9]{9})").fullmatch
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_SOLD_NEARBY = re.compile(r"(?:852)?[4-9][0-9]{7}|(?:853)?6[0-9]{7}|(?:886)?0?9[0-9]{8}").fullmatch
"""Mobiles of Hong Kong, Macao and Taiwan, typed without a plus."""


def check_phone(raw: str, field: str = "phone", region: str = "CN") -> tuple[str | None, list[Finding]]:
    """The number in E.164 form, read as dialled in `region` (ISO 3166-1) unless it begins with a plus.

    A mainland mobile is 1[3-9] and nine digits, whatever operator has it; a one-time code proves the rest.
    """
    match = _MAINLAND(raw)
    if match and (region == "CN" or raw[0] == "+"):
        return "+86" + match[1], []
    if len(raw) > INPUT_LENGTH_MAX:
        return None, [finding(field, "TOO_LONG", most=INPUT_LENGTH_MAX)]
    typed = plain(raw, PHONE_SEPARATORS)
    if not typed.lstrip("+"):
        return None, [finding(field, "PHONE_EMPTY")]
    plus = typed.startswith("+")
    findings = wrong_characters("PHONE_CHAR", typed, "0123456789", field, start=int(plus))
    if findings:
        return None, findings
    region = region.upper()
    if region == "CN":
        if typed.startswith("00"):
            typed, plus = "+" + typed[2:], True
        if not plus or typed.startswith("+86"):
            return _check_mainland(typed.removeprefix("+86"), field, nearby=not plus)
    return _check_abroad(typed, field, region)


def _check_mainland(digits: str, field: str, *, nearby: bool = False) -> tuple[str | None, list[Finding]]:
    if match := _MAINLAND(digits):
        return "+86" + match[1], []
    foreign = [finding(field, "PHONE_FOREIGN")] if nearby and _SOLD_NEARBY(digits) else []
    if len(digits) == 11 or (10 <= len(digits) <= 12 and digits.startswith(("0", "400", "800"))):
        return None, foreign or [finding(field, "PHONE_PREFIX")]
    return None, [finding(field, "PHONE_LENGTH", got=len(digits)), *foreign]


def _check_abroad(typed: str, field: str, region: str) -> tuple[str | None, list[Finding]]:
    """By the library's tables, which lag behind new ranges: what they do not know is a warning."""
    try:
        number = phonenumbers.parse(typed, region)
        if number.country_code == 86:
            return _check_mainland(phonenumbers.national_significant_number(number), field)
        if not phonenumbers.is_possible_number(number):
            return None, [finding(field, "PHONE_INVALID")]
        phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if not phonenumbers.is_valid_number(number):
            return phone, [finding(field, "CHECK_UNAVAILABLE", "warning")]
        if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE:
            return phone, [finding(field, "PHONE_PREFIX", "warning")]
        return phone, []
    except phonenumbers.NumberParseException as error:
        unknown = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        return None, [finding(field, "PHONE_FOREIGN" if unknown and typed[0] != "+" else "PHONE_INVALID")]
    except Exception:  # a library's crash is no reason to refuse a traveller
        if _E164(typed):
            return typed, [finding(field, "CHECK_UNAVAILABLE", "warning")]
        return None, [finding(field, "PHONE_FOREIGN")]


def mask_phone(phone: str) -> str:
    """``138****8000`` for the mainland, ``+852****4567`` for elsewhere."""
    if phone.startswith("+86") and len(phone) == 14:
        phone = phone[3:]
    if len(phone) < 10:
        return "****" + phone[len(phone) - len(phone) // 4 :]
    return phone[: 4 if phone[0] == "+" else 3] + "****" + phone[-4:]


def mask_name(name: str) -> str:
    """``张*``, ``J*** S***``: the first letter of each word."""
    if _CHINESE(name):
        return name[0] + "*" * min(len(name) - 1, 2)
    return " ".join(word[0] + "***" for word in name.split())
