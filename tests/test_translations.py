"""Every sentence a person may read exists in Chinese."""

from __future__ import annotations

import importlib
import pkgutil

import holdfast
from holdfast.kit import i18n, problems
from holdfast.notices import outbox


def _load_everything() -> None:
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_every_problem_speaks_chinese() -> None:
    _load_everything()
    texts = {
        text
        for problem in problems.REGISTRY.values()
        if problem.__module__.startswith("holdfast.")
        for text in (problem.title, problem.safe, problem.next_step)
        if text
    }
    missing = sorted(text for text in texts if text not in i18n.catalogue())
    assert not missing, missing


def test_every_message_speaks_chinese() -> None:
    missing = [text for text in outbox.TEMPLATES.values() if text not in i18n.catalogue()]
    assert not missing, missing


def test_translations_keep_the_places_for_values() -> None:
    import re

    for english, chinese in i18n.catalogue().items():
        places = set(re.findall(r"{(\w+)}", english))
        assert set(re.findall(r"{(\w+)}", chinese)) <= places, english
