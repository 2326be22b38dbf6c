"""Fault points: inert unless armed, struck at their turn, and unknown names refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from holdfast.kit import faults


def test_an_armed_point_strikes_at_its_turn_and_only_then():
    faults.declare("test.here", "in a test")
    faults.declare("test.there", "in a test")
    faults.arm("test.here=error@2, test.there=sleep:0")
    faults.point("test.here")
    faults.point("test.there")
    with pytest.raises(faults.FaultInjected):
        faults.point("test.here")
    faults.point("test.here")
    with pytest.raises(KeyError):
        faults.point("test.nowhere")
    faults.arm("test.here=dance")
    with pytest.raises(ValueError, match="dance"):
        faults.point("test.here")
    faults.arm("")
    faults.point("test.here")
    del faults.POINTS["test.here"], faults.POINTS["test.there"]


def started(script: str) -> subprocess.Popen[bytes]:
    """A process that meets the point three times."""
    program = (
        "from holdfast.kit import faults; faults.declare('a.point', ''); [faults.point('a.point') for _ in range(3)]"
    )
    return subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "HOLDFAST_FAULTS": script})


def test_a_point_armed_from_outside_kills_its_process_as_a_power_cut_does():
    assert started("a.point=kill@3").wait(20) == -signal.SIGKILL
    assert started("a.point=kill@4").wait(20) == 0


def test_a_held_process_leaves_its_number_and_stands_still(tmp_path):
    mark = tmp_path / "mark"
    process = started(f"a.point=hold:{mark}@2")
    try:
        deadline = time.monotonic() + 20
        while not (mark.exists() and mark.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert mark.read_text() == str(process.pid)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_fault_may_last() -> None:
    name = faults.declare("test.lasting", "in a test")
    faults.arm(f"{name}=error@2+")
    faults.point(name)
    for _ in range(3):
        with pytest.raises(faults.FaultInjected):
            faults.point(name)
