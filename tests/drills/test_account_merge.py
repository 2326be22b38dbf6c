"""The drill of joining accounts: moving rows leaves orders behind, and ours leaves none."""

from __future__ import annotations

import pytest

from holdfast.drills.report import Options
from holdfast.drills.scenarios import account_merge
from tests import invariants  # noqa: F401 - every domain's invariants are asked

pytestmark = pytest.mark.slow


def test_moving_rows_leaves_orders_behind_and_joining_does_not() -> None:
    report = account_merge.main(Options(seconds=2.5))
    assert report.passed, report.for_machines()
    found = report.figures
    assert found["moving_booked_twice"] > 0
    assert found["moving_undo_wrong"] > found["moving_left_behind"]
    assert found["ours_acknowledged"] > 100
    shown = next(table for table in report.tables if table.folded)
    assert len(shown.rows) == min(found["moving_left_behind"], account_merge.SHOWN)
