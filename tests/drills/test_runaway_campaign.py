"""The drill of the runaway campaign, in its short form."""

from __future__ import annotations

import random

from holdfast.drills.report import Options
from holdfast.drills.scenarios import runaway_campaign
from holdfast.kit import i18n
from tests import invariants  # noqa: F401 - every domain's invariants are asked


def test_a_wrong_template_stops_by_itself_within_a_few_payments_at_every_rate(monkeypatch) -> None:
    monkeypatch.setattr(runaway_campaign, "DAYS", 2)
    report = runaway_campaign.main(Options(size=4))
    found = report.figures
    assert (found["not_stopped"], found["broken"], found["false_stops"], found["trials"]) == (0, 0, 0, 24)
    for rate in runaway_campaign.RATES:
        assert 5 <= found[f"alone_{rate}_payments"] <= 12
        assert found[f"envelope_{rate}_leak"] <= runaway_campaign.GOAL_ENVELOPE
        assert found[f"alone_{rate}_leak"] < found[f"watcher_5s_{rate}_leak"] < found[f"nothing_{rate}_leak"]
    assert found["watcher_1s_1000_leak"] > 50 * found["alone_1000_leak"], (
        "beside the bookings, volume decides; inside, it does not"
    )


def test_a_normal_day_stops_nothing_and_an_accident_would() -> None:
    quiet = runaway_campaign.quiet_days(random.Random(3), days=2)
    assert (quiet.stops, quiet.highest < 20) == (0, True)
    assert quiet.matched > 0.015 * quiet.orders


def test_every_word_of_its_report_exists_in_chinese() -> None:
    told = runaway_campaign
    words = {told.TITLE, told.LEAD, *(title for title, _ in told.TILES), *told.WORDS}
    missing = sorted(word for word in words if word not in i18n.catalogue())
    assert not missing
