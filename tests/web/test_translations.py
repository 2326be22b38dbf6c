"""Every sentence a page can show exists in Chinese, with the same places to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import holdfast.web
from holdfast import catalogue
from holdfast.kit import i18n, problems
from holdfast.web import words
from holdfast.web.traveller import venues

FOLDER = Path(holdfast.web.__file__).parent
SAID = re.compile(r"""(?:\b_\(|\bform\.add\(\s*"[a-z]+",)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
PLACES = re.compile(r"\{[a-z_]+\}")


def sentences_in(path: Path) -> Iterator[str]:
    for match in SAID.finditer(path.read_text()):
        yield match[1] if match[1] is not None else match[2]


def texts(value: Any) -> Iterator[str]:
    """All texts in nested tables of words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, words.Stage):
        yield from (value.headline, *value.says)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts(inner)


def all_sentences() -> set[str]:
    found = {text for path in FOLDER.rglob("*") if path.suffix in (".html", ".py") for text in sentences_in(path)}
    for table in (words.DOCUMENTS, words.STATES, words.STATE_HEADLINES, words.STATE_LEADS, words.STAGE_HEADLINES,
                  words.STAGE_LEADS, words.STAGE_STATES, words.OF_ONE_PERSON, words.EVENTS, words.REFUNDS, words.PROVIDERS,
                  words.SERVICES, words.PAID_WITH, words.BACK_TO, words.METHODS, words.RESTING, words.OFFERED, words.PROMISE_REFUSED,
                  words.RETURNS, words.CHANGE_STAGES, words.PROMISED_LEAD, words.STEPS, words.DAYS, words.DAYS_SHORT, words.STATUSES, words.STAGES, words.MISSING, words.UNEXPECTED,
                  catalogue.KINDS, venues.SALE_WORDS):  # fmt: skip
        found.update(texts(table))
    found.update(name for _region, _code, name in words.REGIONS)
    for problem in problems.REGISTRY.values():
        if problem.__module__.startswith("holdfast.web"):
            found.update((problem.title, problem.safe, problem.next_step))
    return found - {"", "…"}


def test_many_sentences_are_found() -> None:
    assert len(all_sentences()) > 200


def test_every_sentence_has_its_chinese() -> None:
    missing = sorted(text for text in all_sentences() if text not in i18n.catalogue())
    assert not missing


def test_translations_keep_the_places_to_fill_in() -> None:
    known = i18n.catalogue()
    wrong = [
        text
        for text in all_sentences()
        if text in known and sorted(PLACES.findall(text)) != sorted(PLACES.findall(known[text]))
    ]
    assert not wrong


def test_no_sentence_says_that_the_system_is_busy() -> None:
    spoken = " ".join([*all_sentences(), *(i18n.catalogue().get(text, "") for text in all_sentences())]).lower()
    assert "system busy" not in spoken
    assert "系统繁忙" not in spoken
