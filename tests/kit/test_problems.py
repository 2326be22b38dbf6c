"""Problems: facts of six kinds, each with a code of its own."""

from __future__ import annotations

import pytest

from holdfast.kit import problems
from holdfast.orders.model import SlotFull


def test_a_fact_has_a_code_a_title_and_a_status() -> None:
    problem = SlotFull(places_left=2)
    assert (problem.code, problem.status, problem.fields) == ("slot-full", 409, {"places_left": 2})
    assert problem.title.endswith(".")


def test_the_kinds_themselves_cannot_be_raised() -> None:
    for kind in (problems.Problem, *problems.KINDS.values()):
        with pytest.raises(TypeError):
            kind()


def test_a_remembered_problem_is_rebuilt() -> None:
    assert isinstance(problems.from_code("slot-full", {"places_left": 1}), SlotFull)
    with pytest.raises(KeyError):
        problems.from_code("no-such-problem", {})


def test_a_fact_without_a_sentence_is_refused() -> None:
    with pytest.raises(TypeError):
        type("Nameless", (problems.Conflict,), {"__doc__": None})
