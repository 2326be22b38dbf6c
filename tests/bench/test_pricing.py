"""``holdfast bench pricing``: figures for every size of basket, and each price checked by another reckoning."""

from __future__ import annotations

import json
import subprocess
import sys

from bench import pricing


def test_the_bench_reports_every_size_and_finds_no_wrong_price():
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "bench", "pricing", "--json", "--seconds", "0.02"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["name"] == "pricing"
    assert report["figures"]["wrong"] == 0, done.stderr
    assert {f"us_{lines}" for lines in pricing.LINES} | {f"explained_us_{lines}" for lines in pricing.LINES} <= report[
        "figures"
    ].keys()
    assert [report["figures"][f"grants_{lines}"] for lines in pricing.LINES] == [5, 5, 5]
    within = all(report["figures"][f"us_{lines}"] <= pricing.WANTED_US for lines in pricing.LINES)
    assert report["passed"] is within
    assert done.returncode == (0 if within else 1)


def test_a_wrong_price_fails_the_bench(monkeypatch, capsys):
    monkeypatch.setattr(pricing, "_expected", lambda basket, versions: 1)
    assert pricing.main(["--seconds", "0.01", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["figures"]["wrong"] == 3
