"""The gate bench itself: it runs, and every admission is there once. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_whatever_a_gate_admits_is_written_once_and_the_invariants_hold():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "gate", "--json", "--size", "2000", "--seconds", "0.1"],
        stdout=subprocess.PIPE,
        timeout=180,
        check=False,  # 1 when the goal of speed is missed
    )
    assert done.returncode in (0, 1)
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "gate"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["written"] == figures["admitted"] > 0
    assert figures["broken"] == 0
    assert figures["list_orders"] > 1000
