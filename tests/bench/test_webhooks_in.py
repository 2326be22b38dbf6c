"""The callback bench itself: genuine callbacks of every provider, each stored once. How fast is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_every_callback_that_is_answered_is_stored_once():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "bench", "webhooks_in", "--json", "--seconds", "0.1"),
            *("--expected", "100", "--rounds", "1", "--connections", "4"),
        ],
        stdout=subprocess.PIPE,
        timeout=180,
        check=False,
    )
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert report["name"] == "webhooks_in"
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["answered"] == figures["stored"] == figures["news"] == 3 * (20 + 40)
    assert (figures["refused"], figures["broken"]) == (0, 0)
    assert figures["invariants"] > 5
    assert all(figures[f"{name}_per_s"] > 0 for name in ("wechatpay", "alipay", "stripe"))
    assert report["passed"] is True
    assert done.returncode == 0
