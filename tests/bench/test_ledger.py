"""The ledger bench itself: it runs, and what it counts is what is written. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_every_journal_it_counts_is_written_and_adds_up():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "ledger", "--json", "--seconds", "0.5", "--rounds", "1"],
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,  # 1 when the goal of speed is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "ledger"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["rounds"] == figures["rounds_checked_good"] == 2
    assert figures["acknowledged"] == figures["written"] > 0
    assert (figures["differences"], figures["broken"], figures["deadlocks"]) == (0, 0, 0)
    assert figures["invariants"] > 5
