"""The bench of campaigns itself: it runs, and every booking gets exactly what the campaigns say. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_every_booking_gets_what_the_campaigns_say_and_nothing_else():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "campaigns", "--json", "--seconds", "1", "--rounds", "1"],
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,  # 1 when a goal of speed is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "campaigns"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["measurements"] == figures["measurements_checked_good"] == 3
    assert figures["acknowledged"] == figures["written"] > 0
    assert (figures["wrongly_granted"], figures["broken"], figures["missing"]) == (0, 0, 0)
    assert figures["grants"] > 0
