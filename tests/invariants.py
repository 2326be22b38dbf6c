"""Every invariant of the program, asked after a test: whatever happened, what people were given must still be there."""

from __future__ import annotations

import importlib
from pathlib import Path

import holdfast
from holdfast.kit import checks
from holdfast.kit.db import Db

for found in sorted(Path(holdfast.__file__).parent.glob("*/checks.py")):
    if found.parent.name != "kit":
        importlib.import_module(f"holdfast.{found.parent.name}.checks")


async def require(db: Db) -> None:
    """AssertionError with the sentences that do not hold, and who breaks them."""
    broken = {result.sentence: result.offenders[:5] for result in await checks.run_all(db) if not result.holds}
    assert not broken, broken
