"""The one place that decides whether a card may be used for something on a day, with a reason for every no.

Pure. Several visits are decided together, in their order: what the first takes, the next does not have. Pages, the API and
the booking itself ask here; only the booking is binding, because it asks with the card locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from holdfast.catalogue.calendars import in_season
from holdfast.catalogue.model import Text
from holdfast.kit.i18n import both

from .card_model import ZONE, Card, CardState, Entitlement

REASONS: dict[str, str] = {
    "not-activated": "The card is not activated yet. Activate it on its page first.",
    "suspended": "The card is suspended: {why}",
    "exhausted": "Everything that the card holds has been used.",
    "expired": "The card's time is over.",
    "refunded": "The card was given back.",
    "not-in-card": "The card does not hold this.",
    "blackout": "From {from_day} to {to_day} the card does not serve here.",
    "before-start": "The card begins on {day}.",
    "after-end": "The card ends on {day}.",
    "after-moment": "The card ends on {day} at {time}.",
    "begin-by": "The first visit has to be on {day} at the latest.",
    "too-far-apart": "All visits with the card lie within {days} days, the day of the first included. Yours would go from {first} to {last}.",
    "too-far-apart-hours": "All visits with the card begin within {hours} hours of the first one.",
    "past": "That time has passed.",
    "used-up": "This has been booked or used as often as the card allows: {most}.",
    "choices-used-up": "The card allows {most} visits of these places together, and they are all booked or used.",
    "once-a-day": "The card allows this {most} times a day, and there is a visit that day already.",
    "cooldown": "Between two visits here lie {days} days; you have one on {day}.",
    "one-of": "The card holds either this or {other}, and that has been chosen.",
    "nobody": "Choose who comes.",
    "holder": "The card is personal: its holder has to come along.",
    "not-yours": "The card is not for all of these people.",
}
"""Why a card cannot be used → English sentence. Every one is given in both languages."""


class Wanted(msgspec.Struct, frozen=True):
    """A visit to be made with a card: `people` are numbers of the card's party, None all of them."""

    product_id: str
    visit_date: date
    starts_at: datetime
    people: Sequence[int] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why one of the visits that were asked for is not possible; `visit` counts from 0."""

    visit: int
    code: str
    says: Text


class _Taken(msgspec.Struct, frozen=True):
    """A visit that is booked, was made, or comes before the one that is looked at."""

    item: str
    visit_date: date
    starts_at: datetime


def refusals(card: Card, visits: Sequence[Wanted], now: datetime) -> list[Refusal]:
    """Every reason why these visits are not possible, each with its visit. None: they are."""
    found: list[Refusal] = []
    taken = [_Taken(use.item, use.visit_date, use.starts_at) for use in card.live]
    for at, visit in enumerate(visits):
        reasons = _standing(card)
        covered = card.covering(visit.product_id)
        if not reasons:
            reasons = [_why("not-in-card")] if covered is None else _of_visit(card, covered, visit, taken, now)
        found += [Refusal(at, code, says) for code, says in reasons]
        if covered is not None:
            taken.append(_Taken(covered.item, visit.visit_date, visit.starts_at))
    return found


def possible(card: Card, product_id: str, day: date, now: datetime) -> list[tuple[str, Text]]:
    """Why a product cannot be visited with the card on a day, time and party aside; empty when it can."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)
    visit = Wanted(product_id, day, max(noon, now) if day == now.astimezone(ZONE).date() else noon)
    return [(one.code, one.says) for one in refusals(card, [visit], now)]


def _why(code: str, **values: object) -> tuple[str, Text]:
    return code, both(REASONS[code], **values)


def _standing(card: Card) -> list[tuple[str, Text]]:
    """The card itself."""
    row = card.row
    if row.state is CardState.ISSUED:
        return [_why("not-activated")]
    if row.state is CardState.SUSPENDED:
        return [_why("suspended", why=row.suspended_why)]
    if row.state is not CardState.ACTIVE:
        return [_why(row.state)]
    return []


def _of_visit(
    card: Card, covered: Entitlement, visit: Wanted, taken: Sequence[_Taken], now: datetime
) -> list[tuple[str, Text]]:
    reasons = [*_of_party(card, visit), *_of_blackout(card, covered, visit), *_of_time(card, visit, taken)]
    if visit.visit_date < now.astimezone(ZONE).date():
        reasons.append(_why("past"))
    return reasons + _of_number(card, covered, visit, taken)


def _of_party(card: Card, visit: Wanted) -> list[tuple[str, Text]]:
    if visit.people is None:
        return []
    if not visit.people:
        return [_why("nobody")]
    if not set(visit.people) <= {person.seq for person in card.people} or len(set(visit.people)) != len(visit.people):
        return [_why("not-yours")]
    personal = card.rules.person_bound and card.rules.party.must_enter_together
    return [_why("holder")] if personal and 1 not in visit.people else []


def _of_blackout(card: Card, covered: Entitlement, visit: Wanted) -> list[tuple[str, Text]]:
    return [
        _why("blackout", from_day=rule.from_day, to_day=rule.to_day)
        for rule in card.rules.blackout
        if (not rule.items or covered.item in rule.items) and in_season(visit.visit_date, rule.from_day, rule.to_day)
    ]


def _of_time(card: Card, visit: Wanted, taken: Sequence[_Taken]) -> list[tuple[str, Text]]:
    """The days of the card; where the first visit begins them and there was none yet, those of all visits together."""
    row, validity = card.row, card.rules.validity
    reasons = []
    if row.valid_from and visit.visit_date < row.valid_from:
        reasons.append(_why("before-start", day=row.valid_from))
    if row.valid_until and visit.starts_at >= row.valid_until:
        until = row.valid_until.astimezone(ZONE)
        reasons.append(_why("after-moment", day=until.date(), time=f"{until:%H:%M}"))
    elif row.valid_to and visit.visit_date > row.valid_to:
        reasons.append(_why("after-end", day=row.valid_to))
    if row.valid_from or not validity.by_first_use:
        return reasons
    days = [one.visit_date for one in taken] + [visit.visit_date]
    moments = [one.starts_at for one in taken] + [visit.starts_at]
    if row.activate_by and min(days) > row.activate_by:
        reasons.append(_why("begin-by", day=row.activate_by))
    if validity.kind == "days_since_first_use" and max(days) - min(days) >= timedelta(days=validity.days):
        reasons.append(_why("too-far-apart", days=validity.days, first=min(days), last=max(days)))
    if validity.kind == "hours_since_first_use" and max(moments) - min(moments) >= timedelta(hours=validity.hours):
        reasons.append(_why("too-far-apart-hours", hours=validity.hours))
    return reasons


def _of_number(card: Card, covered: Entitlement, visit: Wanted, taken: Sequence[_Taken]) -> list[tuple[str, Text]]:
    """How often: of the item, of what it shares a number with, that day, and since the last time."""
    item, reasons = card.rules.item(covered.item), []
    same = [one for one in taken if one.item == item.ref]
    if covered.uses_max is not None and len(same) >= covered.uses_max:
        reasons.append(_why("used-up", most=covered.uses_max))
    for code in item.counters:
        most = card.counter(code).uses_max
        sharing = [one for one in taken if code in card.rules.item(one.item).counters]
        if len(sharing) >= most:
            reasons.append(_why("choices-used-up", most=most))
    if item.per_day is not None and sum(one.visit_date == visit.visit_date for one in same) >= item.per_day:
        reasons.append(_why("once-a-day", most=item.per_day))
    cooldown = timedelta(days=card.rules.cooldown_days)
    near = next((one for one in same if cooldown and abs(one.visit_date - visit.visit_date) < cooldown), None)
    if near is not None:
        reasons.append(_why("cooldown", days=card.rules.cooldown_days, day=near.visit_date))
    chosen = {one.item for one in taken if item.one_of and card.rules.item(one.item).one_of == item.one_of}
    for other in sorted(chosen - {item.ref}):
        name = next(one.venue_name for one in card.entitlements if one.item == other)
        code, says = _why("one-of", other="{other}")
        reasons.append((code, {locale: text.format(other=name.get(locale, other)) for locale, text in says.items()}))
    return reasons
