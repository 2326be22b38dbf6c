"""The booking bench itself: it runs, and what it counts is what is written. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
STRATEGIES = ("singly_hot_64", "one_process_hot_64", "limit_hot_1")


def test_every_booking_it_counts_is_written_once():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "bench", "booking", "--json", "--seconds", "1", "--orders", "0"),
            *(f"--only={name}" for name in STRATEGIES),
        ],
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,  # 1 when a goal of speed is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "booking"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["measurements"] == figures["measurements_checked_good"] == len(STRATEGIES)
    assert figures["invariants"] > 5
    assert figures["acknowledged"] == figures["written"] > 0
    wrong = ("missing", "unknown", "twice", "incomplete", "refused", "lost", "broken")
    assert {name: figures[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert all(figures[f"{name}_per_s"] > 0 for name in STRATEGIES)


def test_without_a_name_the_benches_are_listed():
    listed = subprocess.check_output([sys.executable, "-m", "holdfast", "bench"], text=True)
    assert "booking" in listed


def test_an_unknown_bench_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "nothing"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 2
    assert "no bench 'nothing'" in done.stderr
