"""Priorities: who is helped first, and until when people should have answered. Pure decisions, each with its reasons.

=====================================  ======
fact                                   points
=====================================  ======
the visit has begun or begins in 2 h   50
the visit begins within 24 h           40
the visit begins within 3 days         10
charged, and there is no order for it  40
nobody knows yet whether money came    30
20 people or more                      20
5 people or more                       10
people should have answered by now     30
half of that time is over              10
=====================================  ======
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec


class Money(StrEnum):
    """How the money of a case stands."""

    SETTLED = "settled"
    IN_DOUBT = "in_doubt"
    WITHOUT_ORDER = "without_order"


class Reason(StrEnum):
    """Why a case has its priority."""

    VISIT_NOW = "visit_now"
    VISIT_TODAY = "visit_today"
    VISIT_SOON = "visit_soon"
    CHARGED_WITHOUT_ORDER = "charged_without_order"
    MONEY_IN_DOUBT = "money_in_doubt"
    MANY_PEOPLE = "many_people"
    SEVERAL_PEOPLE = "several_people"
    OVERDUE = "overdue"
    WAITING_LONG = "waiting_long"


POINTS: dict[Reason, int] = {
    Reason.VISIT_NOW: 50,
    Reason.VISIT_TODAY: 40,
    Reason.VISIT_SOON: 10,
    Reason.CHARGED_WITHOUT_ORDER: 40,
    Reason.MONEY_IN_DOUBT: 30,
    Reason.MANY_PEOPLE: 20,
    Reason.SEVERAL_PEOPLE: 10,
    Reason.OVERDUE: 30,
    Reason.WAITING_LONG: 10,
}
REASONS: dict[Reason, str] = {
    Reason.VISIT_NOW: "the visit begins within two hours or has begun",
    Reason.VISIT_TODAY: "the visit begins within 24 hours",
    Reason.VISIT_SOON: "the visit begins within three days",
    Reason.CHARGED_WITHOUT_ORDER: "charged, and there is no order for it",
    Reason.MONEY_IN_DOUBT: "nobody knows yet whether money came",
    Reason.MANY_PEOPLE: "20 people or more",
    Reason.SEVERAL_PEOPLE: "5 people or more",
    Reason.OVERDUE: "the answer is overdue",
    Reason.WAITING_LONG: "has been waiting for long",
}
URGENT, HIGH = 60, 30
"""From so many points on."""
ANSWER_WITHIN: tuple[tuple[int, timedelta], ...] = (
    (URGENT, timedelta(minutes=15)),
    (HIGH, timedelta(hours=1)),
    (0, timedelta(hours=8)),
)
VISIT_LASTS = timedelta(hours=12)
"""A visit that began longer ago is over: it makes nothing urgent."""


class Facts(msgspec.Struct, frozen=True):
    """What a priority is made of."""

    trip_at: datetime | None = None
    money: Money = Money.SETTLED
    people: int = 1


class Priority(msgspec.Struct, frozen=True):
    """Points, and what they are for, the weightiest first."""

    points: int
    reasons: list[Reason]

    @property
    def level(self) -> str:
        """urgent, high or normal."""
        return "urgent" if self.points >= URGENT else "high" if self.points >= HIGH else "normal"


def of(
    facts: Facts, now: datetime, *, waiting_since: datetime | None = None, due_at: datetime | None = None
) -> Priority:
    """The priority of a case at a moment; that it waits counts while people owe an answer."""
    reasons = [reason for reason in (_visit(facts, now), _money(facts), _people(facts)) if reason]
    if waiting_since is not None and due_at is not None:
        if now >= due_at:
            reasons.append(Reason.OVERDUE)
        elif now - waiting_since >= (due_at - waiting_since) / 2:
            reasons.append(Reason.WAITING_LONG)
    reasons.sort(key=lambda reason: -POINTS[reason])
    return Priority(sum(POINTS[reason] for reason in reasons), reasons)


def _visit(facts: Facts, now: datetime) -> Reason | None:
    if facts.trip_at is None or facts.trip_at < now - VISIT_LASTS:
        return None
    ahead = facts.trip_at - now
    for reason, within in ((Reason.VISIT_NOW, 2), (Reason.VISIT_TODAY, 24), (Reason.VISIT_SOON, 72)):
        if ahead <= timedelta(hours=within):
            return reason
    return None


def _money(facts: Facts) -> Reason | None:
    return {
        Money.WITHOUT_ORDER: Reason.CHARGED_WITHOUT_ORDER,
        Money.IN_DOUBT: Reason.MONEY_IN_DOUBT,
        Money.SETTLED: None,
    }[facts.money]


def _people(facts: Facts) -> Reason | None:
    if facts.people >= 20:
        return Reason.MANY_PEOPLE
    return Reason.SEVERAL_PEOPLE if facts.people >= 5 else None


def due_at(facts: Facts, now: datetime) -> datetime:
    """When people should have answered what is written now."""
    points = of(facts, now).points
    return now + next(within for least, within in ANSWER_WITHIN if points >= least)
