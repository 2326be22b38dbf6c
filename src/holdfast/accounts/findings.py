"""Findings: what a check of someone's input says, in both languages, with no more of the input than a slip needs.

Also how typed text is read before it is judged, since the places that messages name are places in what was read.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

import msgspec

from holdfast.kit.i18n import LOCALES, translate

INPUT_LENGTH_MAX = 200

MESSAGES: dict[str, str] = {
    "TOO_LONG": "This entry is too long: {most} characters at most.",
    "ID_TYPE_UNKNOWN": "Choose one of the listed document types.",
    "ID_EMPTY": "Enter the document number.",
    "ID_LENGTH": "The number has 18 characters; you typed {got}. Compare it with the card.",
    "ID_OLD_15": "This is the old 15-digit number. Use the 18-digit number on your card.",
    "ID_CHAR": 'Character {pos} ("{char}") is not a digit. Use 0 for the letter O, 1 for I.',
    "ID_X_ONLY_LAST": "X can only be the last character.",
    "ID_DATE_IMPOSSIBLE": "Characters 7–14 (birth date {got}) are not a real date.",
    "ID_DATE_FUTURE": "The birth date lies in the future. Check characters 7–14.",
    "ID_CHECKSUM": "The last character does not fit. Usually one digit is wrong or two neighbours are swapped.",
    "ID_OTHER_TYPE": "This looks like the number of another document: {suggest}. Change the document type?",
    "ID_REGION": "The first two digits ({got}) are not a province code.",
    "HKMOTW_FORMAT": "18 digits starting with 810000, 820000 or 830000.",
    "HKMO_FORMAT": "H or M plus 8 digits (HA/MA plus 7 for non-Chinese residents). Not your HKID.",
    "TW_FORMAT": "8 digits. Not your Taiwan ID number.",
    "FPR_FORMAT": "New card: 18 digits starting with 9. Old card: 3 letters + 12 digits.",
    "PASSPORT_FORMAT": "5–9 letters or digits, at the top right of the photo page.",
    "NAME_EMPTY": "Enter the name as it is on the document.",
    "NAME_LENGTH": "A name has 2 to 60 characters; you typed {got}.",
    "NAME_CHARACTERS": 'Character {pos} ("{char}") does not belong in a name. Letters, spaces, hyphens, apostrophes and dots do.',
    "NAME_MISMATCH_RISK": "Spell the name as on the passport page, middle names included.",
    "PHONE_EMPTY": "Enter the phone number.",
    "PHONE_CHAR": 'Character {pos} ("{char}") is not a digit. Use 0 for the letter O, 1 for I.',
    "PHONE_LENGTH": "Mainland mobile numbers have 11 digits; you typed {got}.",
    "PHONE_PREFIX": "Not a mobile number. Use a mobile, an e-mail, or the desk.",
    "PHONE_FOREIGN": "Choose the country or region of this number first.",
    "PHONE_INVALID": "This number does not fit the chosen country or region. Check both.",
    "EMAIL_EMPTY": "Enter the e-mail address.",
    "EMAIL_FORM": "This is no e-mail address a message can reach: name@example.org.",
    "CHECK_UNAVAILABLE": "Could not check automatically. Your entry is saved; continue, staff will check.",
}
"""Code → English sentence. Codes are part of the API; the Chinese is in ``zh.po``."""

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """One thing to correct (error) or to know (warning). Holds no more of what was typed than a slip needs."""

    field: str
    code: str
    message: dict[str, str]
    severity: Severity = "error"
    suggestion: str | None = None
    """What to put instead: a DocumentType for ID_OTHER_TYPE, the digit for a look-alike letter in ID_CHAR."""


LOOKALIKES = {"O": "0", "I": "1", "L": "1"}
"""Letters typed for digits."""
_TWINS = str.maketrans("АВЕКМНОРСТХавекмнорстх×✕✖", "ABEKMHOPCTXABEKMHOPCTXXXX")
"""Cyrillic letters and crosses that look Latin."""
DOCUMENT_SEPARATORS = frozenset(" -‐‒–—―−ー")
PHONE_SEPARATORS = DOCUMENT_SEPARATORS | frozenset("()./")
_BLANKS = frozenset("\u034f\u115f\u1160\u2800" + "".join(map(chr, range(0xFE00, 0xFE10))))
"""Characters that show nothing although Unicode counts them as letters, marks or symbols."""


def visible(text: str) -> str:
    """NFKC (so full-width digits are digits) without controls, bidi marks, zero-width and blank characters."""
    shown = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFKC", text)
        if character.isspace() or (unicodedata.category(character) not in {"Cc", "Cf"} and character not in _BLANKS)
    )
    return unicodedata.normalize("NFC", shown)  # what stood between a letter and its accent is gone


def plain(raw: str, separators: frozenset[str]) -> str:
    """A number as it was meant: visible, in Latin letters and ASCII digits, without separators."""
    text = visible(raw).translate(_TWINS)
    return "".join(str(unicodedata.decimal(character, character)) for character in text if character not in separators)


def wrong_characters(code: str, text: str, fine: str, field: str, start: int = 0) -> list[Finding]:
    """A finding, naming its place, for each character from `start` that is not fine; at most 18."""
    wrong = [index for index in range(start, len(text)) if text[index] not in fine]
    return [
        finding(field, code, suggestion=LOOKALIKES.get(text[index].upper()), pos=index + 1, char=_shown(text[index]))
        for index in wrong[:18]
    ]


def _shown(character: str) -> str:
    """The character, or its code point where showing it could do harm."""
    return character if unicodedata.category(character)[0] in "LNPS" else f"U+{ord(character):04X}"


def finding(
    field: str, code: str, severity: Severity = "error", suggestion: str | None = None, **values: Any
) -> Finding:
    """The finding with its message in both languages; ``suggest`` is itself an English sentence to translate."""
    message: dict[str, str] = {}
    for locale in LOCALES:
        here = {"suggest": translate(values["suggest"], locale)} if "suggest" in values else values
        message[locale] = translate(MESSAGES[code], locale, **here)
    return Finding(field, code, message, severity, suggestion)
