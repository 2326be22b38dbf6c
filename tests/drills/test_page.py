"""The page of a report: complete in itself, in two languages, whatever a drill found."""

from __future__ import annotations

import re

import pytest

from holdfast.cli import drill_page
from holdfast.drills import disturbance, payment_outage_report
from holdfast.drills.report import Chart, Curve, Goal, Moment, Options, Report, Span, Table, begun
from holdfast.kit import i18n


def report(*, value: float = 0) -> Report:
    made = begun("payment-outage", payment_outage_report.TITLE, payment_outage_report.LEAD, Options(size=9, seed=5))
    made.figures = {figure: 12.5 for _, figure, _ in payment_outage_report.TILES}
    made.tiles = list(payment_outage_report.TILES)
    made.goals = [Goal("orders_lost", "No order is lost that somebody was told they have", value)]
    made.moments = [Moment(1.5, "{way}: {state} ({reason})", {"way": "<b>", "state": "down", "reason": "share"})]
    made.charts = [Chart("What people saw", "%", [Curve("paid", [(0.0, 1.0), (1.0, 50.0)])])]
    made.spans = [Span(0, 1, "every call fails")]
    made.tables = [
        Table("What struck", ["Fault", "Times"], [["reset", 3]]),
        Table("Looks by second and stage", ["Second"], [[1]], folded=True),
    ]
    return made


def test_the_page_needs_nothing_from_elsewhere():
    page = drill_page.page(report())
    assert "<script" not in page
    assert not re.search(r"(?:src|href)\s*=|@import", page)
    assert all(address.lstrip("\"'").startswith("data:") for address in re.findall(r"url\((.{6})", page))
    assert page.count("<main") == 2
    assert page.count("<svg") >= 2


def test_it_says_everything_in_both_languages_and_escapes_what_it_was_told():
    page = drill_page.page(report())
    assert "所有支付方式同时失效" in page
    assert "All ways to pay fail at once" in page
    assert "&lt;b&gt;：不可用（失败比例）" in page
    assert "<b>" not in page
    assert "holdfast drill payment-outage --seed 5 --size 9" in page


def test_a_goal_that_is_not_met_is_the_verdict_and_the_exit():
    missed = report(value=1)
    assert not missed.passed
    assert missed.for_machines()["goals"][0]["met"] is False
    page = drill_page.page(missed)
    assert "有目标未达到" in page
    assert "全部目标达到" not in page
    assert not Report("x", "t", "l", 1).passed, "a drill without goals proves nothing"


@pytest.mark.parametrize("least", [True, False])
def test_a_goal_is_a_least_or_a_most(least):
    at, beyond, short = (Goal("n", "s", value, 5, least=least) for value in (5, 6, 4))
    assert at.met
    assert beyond.met is least
    assert short.met is not least


def test_every_word_of_the_outage_report_exists_in_chinese():
    told = payment_outage_report
    words = {
        told.TITLE, told.LEAD, *told.GROUPS, *told.STAGES.values(), *told.KINDS.values(), *told.PROVIDERS.values(),
        *(name for name, *_ in told.TILES), *disturbance.WORDS.values(),
    }  # fmt: skip
    page = drill_page.files("holdfast.cli").joinpath("drill_page.html").read_text(encoding="utf-8")
    words |= set(re.findall(r'say\("((?:[^"\\]|\\.)+)"', page))
    missing = sorted(word for word in words if word not in i18n.catalogue())
    assert not missing
