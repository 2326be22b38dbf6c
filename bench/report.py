"""Medians, goals and their words: what a booking bench tells people and machines."""

from __future__ import annotations

from statistics import median

import msgspec

from .audit import Audit
from .load import Load
from .processor import PROCESSORS

NOISE = 0.10


class Figure(msgspec.Struct, frozen=True):
    """One checked measurement of one configuration."""

    load: Load
    audit: Audit

    @property
    def per_s(self) -> float:
        return self.load.counted / self.load.elapsed_s if self.load.elapsed_s else 0.0

    @property
    def others_share(self) -> float:
        return self.load.others_cpu_s / self.load.elapsed_s / PROCESSORS if self.load.elapsed_s else 0.0


class Median(msgspec.Struct, frozen=True):
    """The middle of several rounds of one configuration; processor times are per booking."""

    per_s: float
    p50_ms: float
    p99_ms: float
    app_us: float
    postgres_us: float
    generator_us: float
    generator_share: float
    """Of one processor; near 1 the generator would be the bottleneck."""
    others_share: float
    """Of the whole machine, used by what does not belong to the bench."""
    rounds: int


class Goal(msgspec.Struct, frozen=True):
    """A sentence with its numbers."""

    name: str
    sentence: str
    value: float
    wanted: float
    disturbed: bool = False
    """Other work took its part of the machine while one of the sides was measured."""

    @property
    def met(self) -> bool:
        return self.value >= self.wanted


NOTHING = Median(0, 0, 0, 0, 0, 0, 0, 0, 0)


def middle(figures: list[Figure]) -> Median:
    """Only measurements whose check passed count; and of these the undisturbed ones, if there are any."""
    good = [figure for figure in figures if figure.audit.passed and figure.load.counted]
    good = [figure for figure in good if figure.others_share <= NOISE] or good
    if not good:
        return NOTHING

    def of(value: str) -> float:
        return median(getattr(figure.load, value) / figure.load.counted * 1e6 for figure in good)

    return Median(
        per_s=median(figure.per_s for figure in good),
        p50_ms=median(figure.load.p50_ms for figure in good),
        p99_ms=median(figure.load.p99_ms for figure in good),
        app_us=of("app_cpu_s"),
        postgres_us=of("postgres_cpu_s"),
        generator_us=of("cpu_s"),
        generator_share=median(figure.load.cpu_s / figure.load.elapsed_s for figure in good),
        others_share=median(figure.others_share for figure in good),
        rounds=len(good),
    )


def goals(medians: dict[str, Median]) -> list[Goal]:
    """The goals for which this run has both sides."""
    found: list[Goal] = []

    def best(*names: str) -> Median:
        return max((medians[name] for name in names if name in medians), key=lambda one: one.per_s, default=NOTHING)

    def add(name: str, sentence: str, over: Median, under: Median, wanted: float) -> None:
        if over.per_s and under.per_s:
            disturbed = max(over.others_share, under.others_share) > NOISE
            found.append(Goal(name, sentence, over.per_s / under.per_s, wanted, disturbed))

    singly = best("singly_hot_64", "singly_hot_256")
    one = best("one_process_hot_64", "one_process_hot_256")
    two = best("two_processes_hot_64", "two_processes_hot_256")
    limit = best("limit_hot_1", "limit_hot_2", "limit_hot_4")
    add("one_to_singly", "hot slot: one process against a transaction per booking", one, singly, 8)
    add("one_to_limit", "hot slot: one process against bare SQL", one, limit, 0.25)
    add("two_to_limit", "hot slot: two processes against bare SQL", two, limit, 0.35)
    add("lone_to_singly", "one connection: group commit against a transaction per booking",
        best("one_process_hot_1"), best("singly_hot_1"), 0.85)  # fmt: skip
    for strategy, words in (("one_process", "one process"), ("two_processes", "two processes")):
        for kind in ("hot", "spread"):
            add(f"crowd_{strategy}_{kind}", f"{kind}, {words}: 256 connections against 64",
                best(f"{strategy}_{kind}_256"), best(f"{strategy}_{kind}_64"), 1 - NOISE)  # fmt: skip
    add("full_to_empty", "hot slot: with a full order book against an empty one",
        best("full_hot_64"), best("empty_hot_64"), 0.8)  # fmt: skip
    return found


def flat(medians: dict[str, Median], reached: list[Goal], figures: dict[str, list[Figure]]) -> dict[str, float]:
    """All numbers under flat names."""
    audits = [figure.audit for many in figures.values() for figure in many]
    numbers: dict[str, float] = {
        "measurements": len(audits),
        "measurements_checked_good": sum(audit.passed for audit in audits),
        "invariants": min((audit.invariants for audit in audits), default=0),
        **{
            name: sum(getattr(audit, name) for audit in audits)
            for name in (
                "acknowledged",
                "written",
                "missing",
                "unknown",
                "twice",
                "incomplete",
                "refused",
                "lost",
                "broken",
            )
        },
    }
    for name, found in medians.items():
        numbers[f"{name}_per_s"] = round(found.per_s, 1)
        for part in ("p50_ms", "p99_ms"):
            if not name.startswith("limit"):
                numbers[f"{name}_{part}"] = round(getattr(found, part), 2)
        for part in ("app_us", "postgres_us", "generator_us"):
            numbers[f"{name}_{part}"] = round(getattr(found, part), 1)
        numbers[f"{name}_generator_share"] = round(found.generator_share, 3)
        numbers[f"{name}_others_share"] = round(found.others_share, 3)
    for goal in reached:
        numbers[f"ratio_{goal.name}"] = round(goal.value, 3)
    numbers["goals"], numbers["goals_met"] = len(reached), sum(goal.met for goal in reached)
    numbers["goals_disturbed"] = sum(goal.disturbed for goal in reached)
    return numbers


def table(medians: dict[str, Median], titles: dict[str, str]) -> str:
    """For people: one configuration per line."""
    head = f"{'':46} {'bookings/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'app µs':>7} {'PG µs':>6} {'load µs':>7} {'others':>6} {'rounds':>6}"
    lines = [head, "-" * len(head)]
    for name, found in medians.items():
        waits = f"{found.p50_ms:8.1f} {found.p99_ms:8.1f}" if found.p99_ms else f"{'–':>8} {'–':>8}"
        app = f"{found.app_us:7.0f}" if found.app_us else f"{'–':>7}"
        lines.append(
            f"{titles[name]:46} {found.per_s:10,.0f} {waits} {app} {found.postgres_us:6.0f} {found.generator_us:7.0f} "
            f"{found.others_share:6.0%} {found.rounds:6}"
        )
    lines.append(
        "µs: processor time per booking of the app, PostgreSQL and the load generator, which share this machine's"
    )
    lines.append(
        f"{PROCESSORS} processors; others: their part that other work took meanwhile. Above 10 % the rates say little."
    )
    return "\n".join(lines)


def verdicts(reached: list[Goal]) -> str:
    """Each goal with its ratio; a disturbed one is no verdict on the program."""
    return "\n".join(
        f"{'met' if goal.met else 'NOT MET':8} {goal.value:6.2f} (goal {goal.wanted:g})  {goal.sentence}"
        f"{'  [disturbed by other work: measure again]' if goal.disturbed else ''}"
        for goal in reached
    )
