"""The availability bench itself: it runs, its bookings are written once, and its calendars add up. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_calendars_add_up_and_every_booking_it_counts_is_written_once():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "availability", "--json", "--seconds", "0.3", "--size", "2000"],
        stdout=subprocess.PIPE,
        timeout=180,
        check=False,  # 1 when a goal of speed is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "availability"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["rest_wrong_days"] == 0
    assert figures["checked"] == 1
    assert figures["acknowledged"] == figures["written"] > 0
    assert {name: figures[name] for name in ("missing", "twice", "refused", "lost", "broken")} == dict.fromkeys(
        ("missing", "twice", "refused", "lost", "broken"), 0
    )
    for name in ("rest", "load"):
        assert all(figures[f"{name}_{kind}_per_s"] > 0 for kind in ("trip", "month", "hot", "city", "page"))
