"""The drill of joining accounts: moving rows leaves orders behind, and ours leaves none."""

from __future__ import annotations

import pytest

from holdfast.drills import account_merge
from tests import invariants  # noqa: F401 - every domain's invariants are asked

pytestmark = pytest.mark.slow


def test_moving_rows_leaves_orders_behind_and_joining_does_not() -> None:
    moving, ours = account_merge.examine(seconds=2.5, seed=1)
    found = account_merge.figures(moving, ours)
    assert found["passed"] == 1, found
    assert found["moving_left_behind"] > 0
    assert {one.why for one in moving.left_behind} <= {"in-flight", "old-session"}
    assert found["moving_booked_twice"] > 0
    assert found["moving_undo_wrong"] > found["moving_left_behind"]
    for wrong in ("left_behind", "booked_twice", "seen_twice", "undo_wrong", "broken"):
        assert found[f"ours_{wrong}"] == 0, found
    assert found["ours_acknowledged"] > 100
