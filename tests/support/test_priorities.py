"""Priorities: who is helped first and why, as one table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.kit import i18n
from holdfast.support import priorities
from holdfast.support.priorities import Facts, Money, Reason

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def within(**ahead: float) -> datetime:
    return NOW + timedelta(**ahead)


@pytest.mark.parametrize(
    ("facts", "points", "level", "reasons"),
    [
        (Facts(), 0, "normal", []),
        (Facts(trip_at=within(hours=1)), 50, "high", [Reason.VISIT_NOW]),
        (Facts(trip_at=within(hours=-3)), 50, "high", [Reason.VISIT_NOW]),
        (Facts(trip_at=within(hours=-13)), 0, "normal", []),
        (Facts(trip_at=within(hours=24)), 40, "high", [Reason.VISIT_TODAY]),
        (Facts(trip_at=within(hours=25)), 10, "normal", [Reason.VISIT_SOON]),
        (Facts(trip_at=within(hours=73)), 0, "normal", []),
        (Facts(money=Money.IN_DOUBT), 30, "high", [Reason.MONEY_IN_DOUBT]),
        (Facts(money=Money.WITHOUT_ORDER), 40, "high", [Reason.CHARGED_WITHOUT_ORDER]),
        (Facts(people=4), 0, "normal", []),
        (Facts(people=5), 10, "normal", [Reason.SEVERAL_PEOPLE]),
        (Facts(people=20), 20, "normal", [Reason.MANY_PEOPLE]),
        (
            Facts(within(hours=1), Money.WITHOUT_ORDER, 30), 110, "urgent",
            [Reason.VISIT_NOW, Reason.CHARGED_WITHOUT_ORDER, Reason.MANY_PEOPLE],
        ),
        (Facts(within(hours=20), Money.IN_DOUBT), 70, "urgent", [Reason.VISIT_TODAY, Reason.MONEY_IN_DOUBT]),
    ],
)  # fmt: skip
def test_the_table(facts: Facts, points: int, level: str, reasons: list[Reason]) -> None:
    found = priorities.of(facts, NOW)
    assert (found.points, found.level, found.reasons) == (points, level, reasons)


@pytest.mark.parametrize(
    ("waited", "reasons"),
    [
        (timedelta(hours=3, minutes=59), []), (timedelta(hours=4), [Reason.WAITING_LONG]),
        (timedelta(hours=7, minutes=59), [Reason.WAITING_LONG]), (timedelta(hours=8), [Reason.OVERDUE]),
    ],
)  # fmt: skip
def test_who_waits_moves_up(waited: timedelta, reasons: list[Reason]) -> None:
    since = NOW - waited
    due = priorities.due_at(Facts(), since)
    assert due - since == timedelta(hours=8)
    assert priorities.of(Facts(), NOW, waiting_since=since, due_at=due).reasons == reasons


@pytest.mark.parametrize(
    ("facts", "minutes"),
    [(Facts(), 480), (Facts(money=Money.IN_DOUBT), 60), (Facts(within(hours=1), Money.WITHOUT_ORDER), 15)],
)
def test_the_more_urgent_the_sooner_an_answer_is_due(facts: Facts, minutes: int) -> None:
    assert priorities.due_at(facts, NOW) - NOW == timedelta(minutes=minutes)


def test_every_reason_has_points_and_words_in_both_languages() -> None:
    assert set(priorities.POINTS) == set(priorities.REASONS) == set(Reason)
    assert not [text for text in priorities.REASONS.values() if text not in i18n.catalogue()]
