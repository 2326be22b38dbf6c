"""The drill of a payment outage, in short and with a fixed seed: real processes, and every goal is met."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
MUST_BE_ZERO = (
    "orders_lost", "charged_without", "charged_twice", "given_too_much", "refunds_differ", "unknown_charges",
    "ledger_differences", "unapplied_minor", "invariants_broken", "reconciliation_breaks", "parked", "busy_words",
    "answers_500", "unanswered", "commands_failed", "error_lines",
)  # fmt: skip


def test_an_outage_of_all_ways_to_pay_loses_nothing_and_charges_nobody_twice(tmp_path):
    page = tmp_path / "report.html"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "drill", "payment-outage", "--size", "150", "--seconds", "8"),
            *("--seed", "1", "--json", "--report", str(page)),
        ],
        stdout=subprocess.PIPE,
        timeout=400,
        check=False,
    )
    report = json.loads(done.stdout)
    figures = report["figures"]
    assert {name: figures[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0), report["findings"]
    assert [goal["sentence"] for goal in report["goals"] if not goal["met"]] == [], report["findings"]
    assert done.returncode == 0
    assert report["name"] == "payment-outage"
    assert report["passed"] is True
    assert all(isinstance(value, int | float) for value in figures.values())
    assert figures["people"] == figures["orders_placed"] == 150
    assert figures["charges_paid"] > 100
    assert figures["calls_in_outage"] > figures["calls_in_outage_well"] == 0
    assert figures["paid_unheard"] > 10
    assert figures["refunds"] >= figures["orders_paid_more_than_once"] >= 1
    text = page.read_text(encoding="utf-8")
    assert "全部目标达到" in text
    assert "Every goal is met" in text
