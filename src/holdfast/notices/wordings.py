"""Wordings: every version of every template, what of a text made from one is nobody else's business, and how near a text is to one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import msgspec
from rapidfuzz import fuzz

from holdfast.kit import crypto
from holdfast.kit.i18n import LOCALES, translate

from . import folding, links, stamps

SAME, NEAR = 95.0, 55.0
"""Likeness to a wording in percent, from which a text is taken to be made from it, and to imitate it. Measured in tests/notices/test_checking.py."""
SHOWN_PLAIN = frozenset({"count", "days"})
"""Values that are no secret."""
HIDDEN = "•••"
_PLACE = re.compile(r"{(\w+)}")
_BLANKS = re.compile(r"\s{3,}")
_MADE_UP = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]*[0-9][0-9A-Za-z]*")


class Wording(msgspec.Struct, frozen=True):
    """A template in one language, as it was at some time: ``Your order {number} is confirmed.``"""

    template: str
    locale: str
    text: str

    @property
    def digest(self) -> bytes:
        return crypto.digest(f"{self.template}\0{self.locale}\0{self.text}")


class Piece(msgspec.Struct, frozen=True):
    """A piece of a message: words of its template, or the value of a place, as it is and as strangers see it."""

    text: str
    shown: str
    name: str = ""

    @property
    def is_hidden(self) -> bool:
        return self.text != self.shown


def current(templates: dict[str, str]) -> list[Wording]:
    """The wordings in use."""
    return [Wording(name, locale, translate(text, locale)) for name, text in templates.items() for locale in LOCALES]


@cache
def _cut(wording: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a wording between its places, and their names; places that stand side by side are one, called text."""
    parts = re.sub(r"(?:{\w+}){2,}", "{text}", wording)
    return tuple(_PLACE.split(parts)[::2]), tuple(_PLACE.findall(parts))


def values(wording: str, text: str) -> list[str] | None:
    """What stands in the places of a wording, each as short as can be; None when the text is not made from it. Takes linear time."""
    words, names = _cut(wording)
    if not names:
        return [] if text == wording else None
    if not text.startswith(words[0]):
        return None
    found, at, end = [], len(words[0]), len(text) - len(words[-1])
    for word in words[1:-1]:
        until = text.find(word, at + 1, end)
        if until < 0:
            return None
        found.append(text[at:until])
        at = until + len(word)
    return [*found, text[at:end]] if end > at and text.endswith(words[-1]) else None


def pieces(wording: str, text: str) -> list[Piece]:
    """A text of ours cut into words and values. One that does not fit its wording is a single value, all hidden."""
    found, (words, names) = values(wording, text), _cut(wording)
    if found is None:
        return [Piece(text, HIDDEN, "text")]
    cut = [Piece(words[0], words[0])]
    for name, value, after in zip(names, found, words[1:], strict=True):
        cut += [Piece(value, _shown(name, value), name), Piece(after, after)]
    return [piece for piece in cut if piece.text]


def _shown(name: str, value: str) -> str:
    if name in SHOWN_PLAIN:
        return value
    if name == "link":  # whose site it is may be seen, not what opens there
        return "/".join([*value.split("/")[:3], HIDDEN])
    return HIDDEN


@cache
def shape(text: str) -> str:
    """What is compared: folded words without links, codes and numbers. Of a wording its places go as well."""
    return folding.skeleton(_MADE_UP.sub(" ", folding.visible(links.without(stamps.without(_PLACE.sub(" ", text))))))


def nearest(known: Sequence[Wording], text: str) -> tuple[Wording | None, float]:
    """The wording that a text is most like, and how like, 0 to 100: by its pattern or by the ratio of common characters."""
    bare = without_stamp(folding.unsigned(text))
    for wording in known:
        if values(wording.text, bare) is not None:
            return wording, 100.0
    asked = shape.__wrapped__(bare)
    best, most = None, 0.0
    for wording in known:
        score = fuzz.ratio(asked, shape(wording.text), score_cutoff=most)
        if score > most:
            best, most = wording, score
    return best, most


@cache
def _stamp_lines() -> tuple[re.Pattern[str], ...]:
    found = []
    for template in (stamps.PLAIN, stamps.BESIDE_A_CODE):
        for locale in LOCALES:
            parts = _PLACE.split(translate(template, locale))
            made = "".join(
                r"\s*".join(map(re.escape, part.split())) if n % 2 == 0 else r"\s*\S+?\s*"
                for n, part in enumerate(parts)
            )
            found.append(re.compile(r"\s*" + made + r"\S*\s*$"))
    return tuple(found)


def without_stamp(text: str) -> str:
    """A text without the line of its code at the end."""
    text = _BLANKS.sub(" ", text)
    for pattern in _stamp_lines():
        text = pattern.sub("", text)
    return text.strip()
