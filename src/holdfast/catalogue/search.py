"""Finding venues by what people type: Chinese substrings, English words, city and kind."""

from __future__ import annotations

import unicodedata
from typing import Any

from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import translate

from . import store
from .model import KINDS, City, VenueCard

WORDS_MAX = 8


async def search(tx: ReadTx, *, text: str = "", city: str = "", kind: str = "") -> list[VenueCard]:
    """Venues on offer that hold every typed word in name, city, province, kind or summary; hits in the name come first.

    `city` is a city's name in either language, `kind` a key of `KINDS`; empty means every sight: all but those of `ESTABLISHMENTS`.
    """
    return await store.search(tx, words(text), fold(city), kind.strip())


async def cities(tx: ReadTx) -> list[City]:
    """The cities with something on offer, most venues first."""
    return await store.cities(tx)


async def kinds(tx: ReadTx) -> dict[str, str]:
    """The kinds of venue on offer → English label, most venues first."""
    return {kind: KINDS.get(kind, kind) for kind in await store.kinds(tx)}


def fold(text: str) -> str:
    """One spelling for what people may type: full width, case and apostrophes make no difference."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return " ".join(folded.replace("'", "").replace("’", "").split())


def words(text: str) -> list[str]:
    """What was typed, as the words to look for."""
    return fold(text[:200]).split()[:WORDS_MAX]


def search_text(venue: dict[str, Any]) -> str:
    """All that a venue may be found by, in the spelling of `fold`; kept with the venue by the import."""
    kind = KINDS.get(venue["kind"], venue["kind"])
    parts = [venue["id"], venue["province"], kind, translate(kind, "zh")]
    for texts in (venue["name"], venue["city"], venue["summary"]):
        parts += texts.values()
    return fold(" ".join(parts))
