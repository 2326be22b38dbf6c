"""The drill of silent partners, in its short form."""

from __future__ import annotations

from holdfast.drills.report import Options
from holdfast.drills.scenarios import partner_silent
from holdfast.kit import i18n


def test_silent_partners_stop_selling_by_themselves_and_recovery_reopens_them() -> None:
    report = partner_silent.main(Options(size=4))
    assert report.passed, report.for_machines()
    assert report.figures["silent_partners"] == 4
    assert report.figures["bookings"] > 500
    latest = [row[-1] for row in report.tables[0].rows]
    holds = [row[-2] for row in report.tables[0].rows]
    assert all(0 < last <= hold for last, hold in zip(latest, holds, strict=True)), report.tables


def test_every_word_of_its_report_exists_in_chinese() -> None:
    told = partner_silent
    words = {told.TITLE, told.LEAD, *(title for title, _ in told.TILES), *told.MUST_BE_ZERO.values(), *told.WORDS}
    missing = sorted(word for word in words if word not in i18n.catalogue())
    assert not missing
