"""The drill of the mass lock, in its short form."""

from __future__ import annotations

from holdfast.drills import mass_lock


def test_a_verifier_that_says_no_to_everybody_locks_nobody_out() -> None:
    figures = mass_lock.run(size=250)
    assert figures["passed"] == 1, figures
    assert figures["plain_restrictions"] == 0
    assert 0 < figures["worst_restrictions"] <= figures["cap"]
    assert figures["undo_voided"] == figures["worst_restrictions"]
    assert figures["back_in"] == 250
