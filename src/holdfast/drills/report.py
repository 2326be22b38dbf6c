"""Reports: what a drill found, as figures and goals for machines, as series and moments for people."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from holdfast.kit import clock


class Options(msgspec.Struct, frozen=True):
    """How a drill is run. What is left out is decided by the drill."""

    size: int | None = None
    seconds: float | None = None
    seed: int = 1
    keep: bool = False
    """The installation stays when all is over: its home is named in the report."""
    quiet: bool = False


class Goal(msgspec.Struct, frozen=True):
    """A sentence that must hold, with its number. `least`: `value` is to be at least `wanted`; otherwise at most."""

    name: str
    sentence: str
    value: float
    wanted: float = 0
    least: bool = False
    is_fact: bool = False
    """1 is yes, 0 is no."""

    @property
    def met(self) -> bool:
        return self.value >= self.wanted if self.least else self.value <= self.wanted


class Moment(msgspec.Struct, frozen=True):
    """Something that happened, so many seconds after the disturbance began. `what` has ``{places}`` for `values`."""

    at_s: float
    what: str
    values: dict[str, Any] = {}
    mark: bool = False
    """Worth a line in the charts."""


class Curve(msgspec.Struct, frozen=True):
    """A curve of a chart: seconds since the disturbance began, and values."""

    name: str
    points: list[tuple[float, float]]


class Chart(msgspec.Struct, frozen=True):
    """Curves that are read together."""

    title: str
    unit: str
    curves: list[Curve]
    says: str = ""
    """With ``{places}`` for `values`."""
    values: dict[str, Any] = {}


class Span(msgspec.Struct, frozen=True):
    """A stretch of time that all charts shade."""

    start_s: float
    end_s: float
    text: str


class Table(msgspec.Struct, frozen=True):
    """Rows with a head; cells are words (translated where they are known) or numbers."""

    title: str
    head: list[str]
    rows: list[list[str | float]]
    folded: bool = False
    """Long: shown when asked for."""


class Report(msgspec.Struct):
    """What a drill found. It has passed when every goal is met."""

    name: str
    title: str
    lead: str
    seed: int
    arguments: str = ""
    """What was asked for on the command line besides the seed."""
    figures: dict[str, float] = {}
    tiles: list[tuple[str, str, str]] = []
    """The figures to begin with: words, the figure's name, its unit."""
    goals: list[Goal] = []
    moments: list[Moment] = []
    charts: list[Chart] = []
    spans: list[Span] = []
    tables: list[Table] = []
    findings: list[str] = []
    """What does not hold, each with its evidence: for whoever mends it."""
    versions: dict[str, str] = {}
    began_at: datetime | None = None
    elapsed_s: float = 0
    home: str = ""
    """Where the installation is, if it was kept."""

    @property
    def passed(self) -> bool:
        return bool(self.goals) and all(goal.met for goal in self.goals)

    def for_machines(self) -> dict[str, Any]:
        """``{"name", "passed", "figures", "goals", …}``: figures are flat numbers."""
        return {
            "name": self.name,
            "passed": self.passed,
            "seed": self.seed,
            "figures": self.figures,
            "goals": [msgspec.to_builtins(goal) | {"met": goal.met} for goal in self.goals],
            "findings": self.findings,
            "versions": self.versions,
            "began_at": self.began_at.isoformat() if self.began_at else None,
            "elapsed_s": self.elapsed_s,
            "home": self.home,
        }


def begun(name: str, title: str, lead: str, options: Options) -> Report:
    """A report that is about to be filled."""
    asked = {"size": options.size, "seconds": options.seconds}
    arguments = "".join(f" --{what} {value:g}" for what, value in asked.items() if value is not None)
    return Report(
        name=name, title=title, lead=lead, seed=options.seed, arguments=arguments, versions=versions(),
        began_at=clock.now(),
    )  # fmt: skip


def versions() -> dict[str, str]:
    """What was drilled, and on what."""
    return {
        "holdfast": version("holdfast"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(_processors()),
    }


def _processors() -> int:
    try:
        found = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")]
    except OSError:
        return 1
    return max(1, len(found))
