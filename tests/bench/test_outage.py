"""The outage bench itself: all detectors see the same calls, and ours is the product's. How soon they see it is its business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench import outage

pytestmark = pytest.mark.slow


def test_every_share_is_measured_for_every_detector():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "outage", "--json", "--seconds", "0.1", "--most", "30"],
        stdout=subprocess.PIPE,
        timeout=180,
        check=False,  # 1 when the goal is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "outage"
    assert all(isinstance(value, int | float) for value in figures.values())
    for percent in (100, 60, 40, 20):
        assert figures[f"ours_{percent}_rounds"] >= 1
        assert all(f"{name}_{percent}_hidden" in figures for name in ("ours", *outage.RIVALS))
    assert figures["five_100_hidden"] <= 5
    assert figures["score_100_hidden"] > 50
    assert figures["score_20_hidden"] == -1
    assert figures["silent_ours_hidden"] > 0
    assert figures["false_alarms_calls"] >= 200
    assert (figures["broken"], figures["invariants"] > 5) == (0, True)


def test_the_same_seed_gives_the_same_calls():
    first, second = (outage.outcomes(0.4, 3) for _ in range(2))
    assert [next(first) for _ in range(400)] == [next(second) for _ in range(400)]
