"""The code in every message (核验码), under which anybody can compare it with what we sent: random, looked up, never derived.

It proves one text and opens nothing. It is never called 验证码, and its line says so where the message brings a code to sign in with.
"""

from __future__ import annotations

import re

from holdfast.kit import ids, settings
from holdfast.kit.i18n import translate

CHARACTERS = 10
"""Random ones, 49 bits, and a check character: with ten million codes a guess hits once in eighty million."""
PLAIN = "Sender check {check}: compare this text at {page}"
BESIDE_A_CODE = "Sender check {check}, which only proves this text and signs nobody in: {page}"
_CODE = re.compile(r"(?<![0-9A-Za-z])([0-9A-Za-z]{5})\s?-\s?([0-9A-Za-z]{5})\s?-\s?([0-9A-Za-z])(?![0-9A-Za-z])")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－﹣", "-"))
MOST = 3
"""Codes of one text that are looked up."""


def new() -> str:
    """A code that no message has yet, as far as chance goes."""
    return ids.new_code(CHARACTERS)


def show(code: str) -> str:
    """For eyes and ears: ``ABCDE-FGHJK-3``."""
    return f"{code[:5]}-{code[5:10]}-{code[10:]}"


def page() -> str:
    """Where a text is compared."""
    return f"{settings.current().base_url}/messages"


def line(code: str, locale: str, *, beside_a_code: bool) -> str:
    """The last line of a message."""
    return translate(BESIDE_A_CODE if beside_a_code else PLAIN, locale, check=show(code), page=page())


def alone(text: str) -> str | None:
    """The code, when nothing else was typed; None when it is something else."""
    return ids.read_code(text.translate(_DASHES).strip(), CHARACTERS)


def within(text: str) -> list[str]:
    """The codes in a text, each once, in their order."""
    found = (ids.read_code("".join(groups), CHARACTERS) for groups in _CODE.findall(text.translate(_DASHES)))
    return list(dict.fromkeys(code for code in found if code))[:MOST]


def has_false(text: str) -> bool:
    """Whether something in a text is written like a code, and can be none: its check character does not fit."""
    return len(within(text)) < len(_CODE.findall(text.translate(_DASHES))[:MOST])


def without(text: str) -> str:
    """The text without what looks like one of our codes."""
    return _CODE.sub("", text.translate(_DASHES))
