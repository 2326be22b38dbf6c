"""Two languages: English is written in the code, Chinese beside it in ``zh.po`` files, one per domain.

The catalogues are read once with Babel; a test holds that no sentence lacks its translation.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Any, Literal

from babel.messages.pofile import read_po

Locale = Literal["zh", "en"]
LOCALES: tuple[Locale, ...] = ("zh", "en")


@cache
def catalogue() -> dict[str, str]:
    """English sentence → Chinese sentence, from every ``zh.po`` in the package."""
    found: dict[str, str] = {}

    def walk(folder: Traversable) -> None:
        for entry in folder.iterdir():
            if entry.is_dir():
                walk(entry)
            elif entry.name == "zh.po":
                for message in read_po(BytesIO(entry.read_bytes()), locale="zh"):
                    if message.id and message.string:
                        found[str(message.id)] = str(message.string)

    walk(files("holdfast"))
    return found


def translate(text: str, locale: str, **values: Any) -> str:
    """The sentence in that language, with ``{name}`` places filled in. A missing translation gives the English."""
    if locale == "zh":
        text = catalogue().get(text, text)
    return text.format(**values) if values else text


def both(text: str, **values: Any) -> dict[str, str]:
    """The sentence in both languages: ``{"zh": …, "en": …}``."""
    return {locale: translate(text, locale, **values) for locale in LOCALES}


def pick(texts: dict[str, str], locale: str) -> str:
    """From a bilingual text the asked language, or what there is."""
    return texts.get(locale) or texts.get("en") or next(iter(texts.values()), "")


def negotiate(accept_language: str) -> Locale:
    """The first of our languages in an Accept-Language header (RFC 9110 §12.5.4); Chinese when none is named."""
    ranked: list[tuple[float, Locale]] = []
    for part in accept_language.split(",")[:20]:
        match = re.fullmatch(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,35})?\s*(?:;\s*q=([01](?:\.\d{1,3})?))?\s*", part)
        if match and match[1].lower() in LOCALES:
            ranked.append((float(match[2] or 1), "zh" if match[1].lower() == "zh" else "en"))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else "zh"
