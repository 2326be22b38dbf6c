"""A day of payments at a provider, and the morning after on which its bill is there."""

from __future__ import annotations

import pytest

from tests.payments.conftest import SimulatorProcess
from tests.payments.flows.conftest import addresses, db  # noqa: F401 - the same ground: simulator, callbacks, books

from . import days


@pytest.fixture
def day(sim: SimulatorProcess):
    """A day in Beijing that began an hour ago, by both clocks."""
    return days.begin(sim)
