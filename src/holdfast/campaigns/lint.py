"""Lint: what can be said of a version before anybody is asked and before anybody gets anything.

    report = lint(version, Around(kinds=..., running=..., per_minute_minor=...))
    report.refusals      # while there are any, it cannot be proposed: `require` raises LintRefused
    report.grade         # G1, G2 or G3: who must agree (`report.demand`)

Each rule comes from a failure that was published or found in other engines. Pure: what it must know is in `Around`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal

import msgspec

from holdfast import changes
from holdfast.accounts import Role
from holdfast.kit.i18n import LOCALES, both, translate
from holdfast.kit.money import Money
from holdfast.kit.problems import Conflict

from . import conditions, lint_cases, lint_money, lint_reach
from .conditions import Finding
from .facts import is_zone
from .lint_words import RULES
from .model import Envelope, Gift, SingleCode, Version
from .worst import Found, Worst, worst

Grade = Literal["G1", "G2", "G3"]
GRADES: tuple[Grade, ...] = ("G1", "G2", "G3")
RAISES: Mapping[str, Grade] = {
    "AUTOMATIC": "G2",
    "OVERLAP_COMBINES": "G2",
    "SCOPE_EVERYTHING": "G3",
    "KIND_LIKE_CASH": "G3",
    "UNCAPPED": "G3",
    "PUBLIC_MONEY": "G3",
}
"""Code → the grade it asks for at least; `LARGE` by its sum."""
DEMANDS: Mapping[Grade, changes.Demand] = {
    "G1": changes.Demand(1),
    "G2": changes.Demand(2, (Role.FINANCE.value,)),
    "G3": changes.Demand(3, (Role.FINANCE.value,)),
}
"""G1: one other person. G2: one more, of finance. G3: two others and one more of finance, in working hours only."""
LARGE_MINOR, VERY_LARGE_MINOR = 10_000_00, 200_000_00
PER_MINUTE_MINOR = 10_000_00
"""The most that a campaign may be expected to spend in a minute."""
RUNS_MOST = timedelta(days=366)
TELLS = ("WORST_CASE", "OVERLAP_FLOOR", "OVERLAP_EXCLUDES")


class Around(msgspec.Struct, frozen=True):
    """What lint must know of the world. Money in minor units.

    `kinds`: product, price or venue (id) → kind of its venue, as far as conditions name them. `running`: versions that are
    offered or paused, without this campaign's own. `per_minute_minor`: what it can spend in a minute before its pace stops it,
    when a forecast is there.
    """

    kinds: Mapping[str, str] = {}
    running: Sequence[Version] = ()
    per_minute_minor: int | None = None


class Report(msgspec.Struct, frozen=True):
    """What lint found. `worst`: the most that can go out, in minor units."""

    findings: list[Finding]
    grade: Grade
    worst: Worst

    @property
    def refusals(self) -> list[Finding]:
        """What stands in the way of a proposal."""
        return [one for one in self.findings if one.severity == "refuses"]

    @property
    def demand(self) -> changes.Demand:
        """Who must agree."""
        return DEMANDS[self.grade]

    @property
    def in_working_hours(self) -> bool:
        """It may be agreed to in working hours only."""
        return self.grade == "G3"


class LintRefused(Conflict):
    """Something in this campaign would do harm or nothing at all."""

    safe = "Nothing was proposed; the draft is kept as it is."
    next_step = "Correct what is listed, and propose it again."


def lint(version: Version, around: Around) -> Report:
    """Every finding on a version in its envelope, refusals first, and its grade of risk."""
    bound = worst(version, around.per_minute_minor)
    made = [_said(one) for one in _rules(version, around, bound)]
    made += _conditions(version)
    ranks = {"refuses": 0, "raises": 1, "tells": 2}
    findings = sorted(made, key=lambda one: (ranks[one.severity], one.field, one.code))
    return Report(findings, _grade(version, findings), bound)


def require(report: Report) -> Report:
    """The report of what may be proposed. LintRefused with `errors`, each with field, code, message and next step."""
    if report.refusals:
        raise LintRefused(errors=[msgspec.to_builtins(one) for one in report.refusals])
    return report


def _rules(version: Version, around: Around, bound: Worst) -> Iterator[Found]:
    content, envelope = version.content, version.envelope
    yield from lint_reach.texts(content, envelope)
    yield from lint_reach.scope(content, envelope, around.kinds)
    yield from lint_reach.channels(content, envelope)
    yield from lint_money.effect(content, envelope)
    yield from lint_money.budgets(version, around.running, bound)
    yield from _schedule(version)
    yield from _grading(version)
    yield from lint_reach.overlaps(version, around.running)
    yield from lint_cases.cases(version)
    if bound.minute_minor > PER_MINUTE_MINOR and around.per_minute_minor is not None:
        values = {"got": Money(bound.minute_minor), "allowed": Money(PER_MINUTE_MINOR)}
        yield Found("limits.per_day_minor", "WORST_PER_MINUTE", values)
    yield Found("limits", "WORST_CASE", bound.said)


def _conditions(version: Version) -> Iterator[Finding]:
    content = version.content
    if content.scope is not None:
        yield from conditions.check(content.scope, "line", "scope")
    if content.when is not None:
        yield from conditions.check(content.when, "basket", "when")


def _schedule(version: Version) -> Iterator[Found]:
    schedule, envelope = version.content.schedule, version.envelope
    if schedule.until_at <= schedule.from_at:
        yield Found("schedule.until_at", "SCHEDULE_EMPTY")
    elif schedule.until_at - schedule.from_at > RUNS_MOST:
        yield Found("schedule.until_at", "SCHEDULE_LONG")
    if schedule.until_at > envelope.valid_until:
        yield Found("schedule.until_at", "SCHEDULE_BEYOND_ENVELOPE", {"allowed": f"{envelope.valid_until:%Y-%m-%d}"})
    if schedule.weekdays is not None and not schedule.weekdays:
        yield Found("schedule.weekdays", "WEEKDAYS_EMPTY")
    if schedule.hours is not None and schedule.hours.since == schedule.hours.until:
        yield Found("schedule.hours.until", "HOURS_EMPTY")
    if not is_zone(schedule.time_zone):
        yield Found("schedule.time_zone", "ZONE_UNKNOWN", {"got": schedule.time_zone[:40]})


def _grading(version: Version) -> Iterator[Found]:
    """What is no mistake, but for which more people must agree."""
    content, envelope = version.content, version.envelope
    if content.is_automatic:
        yield Found("codes", "AUTOMATIC")
    elif isinstance(content.codes, SingleCode):
        yield from lint_reach.single_code(content.codes.code)
    if content.limits.budget_minor > LARGE_MINOR and not isinstance(content.effect, Gift):
        most = VERY_LARGE_MINOR if content.limits.budget_minor > VERY_LARGE_MINOR else LARGE_MINOR
        values = {"got": _money(content.limits.budget_minor, envelope), "allowed": _money(most, envelope)}
        yield Found("limits.budget_minor", "LARGE", values)
    if envelope.payer == "government":
        if not envelope.agreement:
            yield Found("envelope_id", "AGREEMENT_MISSING")
        yield Found("envelope_id", "PUBLIC_MONEY", {"label": envelope.label, "agreement": envelope.agreement or "–"})


def _money(minor: int, envelope: Envelope) -> Money:
    return Money(minor, envelope.currency)


def _grade(version: Version, findings: Sequence[Finding]) -> Grade:
    grades = [RAISES[one.code] for one in findings if one.code in RAISES]
    if any(one.code == "LARGE" for one in findings):
        grades.append("G3" if version.content.limits.budget_minor > VERY_LARGE_MINOR else "G2")
    return max(grades, default="G1")


def _said(found: Found) -> Finding:
    sentence, step = RULES[found.code]
    return Finding(
        found.field, found.code, _text(sentence, found), _text(step, found),
        "raises" if found.code in (*RAISES, "LARGE") else "tells" if found.code in TELLS else "refuses",
    )  # fmt: skip


def _text(sentence: str, found: Found) -> dict[str, str]:
    """Values may be bilingual texts, lists of our English words, which are translated, or what somebody typed, which never is."""
    texts = both(sentence)
    return {locale: texts[locale].format(**_values(found, locale)) for locale in LOCALES}


def _values(found: Found, locale: str) -> dict[str, str]:
    made = {}
    for name, value in found.values.items():
        if isinstance(value, dict):
            made[name] = value.get(locale, "")
        elif isinstance(value, list):
            made[name] = translate(", ", locale).join(translate(one, locale) for one in value)
        else:
            made[name] = str(value)
    return made
