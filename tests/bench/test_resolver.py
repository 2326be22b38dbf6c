"""The resolver bench itself: it asks, and what the provider took is what we say was paid. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_every_question_is_counted_and_the_books_agree():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "bench", "resolver", "--json", "--seconds", "1.5"),
            *("--size", "40", "--rounds", "1"),
        ],
        stdout=subprocess.PIPE,
        timeout=180,
        check=False,  # 1 when the pace is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "resolver"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["rounds"] == 2
    assert figures["questions"] > 0
    assert figures["planned_per_s"] > 0
    assert figures["unplanned_per_s"] > 0
    assert figures["paid_there"] == figures["paid_here"] == 56
    assert (figures["differing"], figures["broken"]) == (0, 0)
    assert figures["invariants"] > 5
