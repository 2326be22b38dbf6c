"""Texts in both languages, as answers carry them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdfast.kit.i18n import pick


class Text(msgspec.Struct, frozen=True):
    """A text in Chinese and English; where one is missing, the other stands in."""

    zh: str
    en: str


def text(given: Mapping[str, str]) -> Text:
    """The text with both languages filled."""
    texts = dict(given)
    return Text(pick(texts, "zh"), pick(texts, "en"))


def maybe(given: Mapping[str, str]) -> Text | None:
    """The same, or None where nothing is said."""
    return text(given) if given else None
