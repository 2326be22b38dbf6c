"""The ground of a run of the machine, and where the run's size and seed come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from holdfast.kit import settings
from tests.payments.conftest import free_port

from .ground import Ground

PATIENCE_S = "0.5"
"""So long a provider is waited for, by the host's clock."""


@pytest.fixture
def ground(server: str, template: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The program and its providers in this process."""
    ports = free_port(), free_port()
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", f"http://127.0.0.1:{ports[0]}")
    monkeypatch.setenv("HOLDFAST_BASE_URL", f"http://127.0.0.1:{ports[1]}")
    monkeypatch.setenv("HOLDFAST_PROVIDER_PATIENCE_S", PATIENCE_S)
    settings.current.cache_clear()
    made = Ground(server, template, tmp_path, ports)
    with structlog.testing.capture_logs():
        yield made
    made.stop()
    monkeypatch.undo()
    settings.current.cache_clear()
