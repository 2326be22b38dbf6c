"""The drill of the mass lock, in its short form."""

from __future__ import annotations

from holdfast.drills.report import Options
from holdfast.drills.scenarios import mass_lock


def test_a_verifier_that_says_no_to_everybody_locks_nobody_out() -> None:
    report = mass_lock.main(Options(size=250))
    assert report.passed, report.for_machines()
    assert report.figures["undo_voided"] == report.figures["worst_restrictions"] > 0
