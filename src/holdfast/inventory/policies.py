"""Policies as staff make them: who ordered what, for which days, on what ground. Every change is a new row.

A plan holds what is done together: new policies, policies that are lifted, days that are marked as of a type. Carrying it
out brings the slots in step in the same transaction; undoing it is a plan of its own, and nothing is ever deleted.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.catalogue.model import Text
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import Conflict, Invalid, InvalidInput, NotFound

from . import capacity, policies_store, slots
from .model import Policy, PolicyKind
from .policies_store import DayType, Ground

KINDS: dict[str, str] = {
    "absolute": "Places a day",
    "percent": "Percent of the usual places",
    "closed": "Closed",
    "paused": "Sale stopped",
    "inside": "People inside at once",
    "entry_paused": "Entry stopped for a while",
    "lifted": "Lifted",
}
"""Kind of policy → its English name, translated by the surface."""
PLACES_MAX, MINUTES_MAX, DAYS_MAX = 1_000_000, 24 * 60, 366
WHOLE_BP = 10_000


class PolicyUnknown(NotFound):
    """There is no such rule on capacity."""

    next_step = "Look at the rules of the venue: it may have been superseded."


class PolicyOver(Conflict):
    """This rule was lifted or superseded already."""

    safe = "Nothing was changed."
    next_step = "Look at the rules of the venue as they are now."


class DayTypeTaken(Conflict):
    """There already is a kind of day of that name."""

    safe = "Nothing was changed."
    next_step = "Use the one there is, or choose another name."


class PlanEmpty(Invalid):
    """There is nothing to be changed."""

    safe = "Nothing was changed."
    next_step = "Say what is to change."


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy as somebody orders it. `value`: places, basis points or people; `minutes`: of a pause of entry."""

    venue_id: str
    kind: PolicyKind
    from_date: date
    to_date: date | None = None
    value: int = 0
    product_id: str | None = None
    code: str | None = None
    weekdays: list[int] = []
    day_type: str | None = None
    minutes: int = 0
    reason: Text = {}
    authority: str = ""
    document_no: str = ""
    supersedes: UUID | None = None


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Days of a venue that are of a type, or are not any more."""

    venue_id: str
    day_type: str
    days: list[date]
    is_on: bool = True


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is done together, or not at all."""

    policies: list[Wish] = []
    lifts: list[UUID] = []
    marks: list[Mark] = []


class Done(msgspec.Struct, frozen=True):
    """What carrying out a plan wrote: what undoing it needs."""

    policy_ids: list[UUID]
    venue_ids: list[str]
    marks: list[Mark] = []


async def check(tx: ReadTx, plan: Plan) -> None:
    """InvalidInput with everything that is wrong; ``field`` is a path such as ``policies[0].to_date``."""
    found: list[dict[str, Any]] = []
    types = {one.code for one in await policies_store.day_types(tx)}
    known = {one.id for one in await policies_store.venues(tx)}
    for at, wish in enumerate(plan.policies):
        grounds = await policies_store.grounds(tx, wish.venue_id) if wish.venue_id in known else []
        found += [_at(f"policies[{at}]", *one) for one in _wrong(wish, known, grounds, types)]
    for at, mark in enumerate(plan.marks):
        found += [_at(f"marks[{at}]", *one) for one in _wrong_mark(mark, known, types)]
    if found:
        raise InvalidInput(errors=found)
    if not (plan.policies or plan.lifts or plan.marks):
        raise PlanEmpty


def _at(place: str, field: str, code: str, text: str) -> dict[str, Any]:
    return {
        "field": f"{place}.{field}", "code": code, "message": both(text), "severity": "error", "suggestion": None,
    }  # fmt: skip


def _wrong(wish: Wish, known: set[str], grounds: list[Ground], types: set[str]) -> list[tuple[str, str, str]]:
    """Field, code and sentence of each mistake."""
    found = []
    if wish.venue_id not in known:
        found.append(("venue_id", "VENUE_UNKNOWN", "There is no such venue."))
    elif wish.product_id and wish.product_id not in {one.product_id for one in grounds}:
        found.append(("product_id", "PRODUCT_UNKNOWN", "The venue has no such ticket."))
    elif wish.code and (wish.product_id, wish.code) not in {(one.product_id, one.code) for one in grounds}:
        found.append(("code", "SLOT_UNKNOWN", "The ticket has no such time."))
    if wish.to_date and wish.to_date < wish.from_date:
        found.append(("to_date", "DATES_REVERSED", "The last day lies before the first."))
    if wish.day_type and wish.day_type not in types:
        found.append(("day_type", "DAY_TYPE_UNKNOWN", "There is no such kind of day."))
    if wish.kind in ("absolute", "inside") and not 0 <= wish.value <= PLACES_MAX:
        found.append(("value", "PLACES_RANGE", "Enter a whole number from 0 to 1,000,000."))
    if wish.kind == "percent" and not 0 <= wish.value <= WHOLE_BP:
        found.append(("value", "PERCENT_RANGE", "Enter a percentage from 0 to 100."))
    if wish.kind == "entry_paused" and not 1 <= wish.minutes <= MINUTES_MAX:
        found.append(("minutes", "MINUTES_RANGE", "Enter minutes from 1 to 1,440."))
    if wish.kind in ("inside", "entry_paused") and (wish.product_id or wish.code):
        found.append(("product_id", "WHOLE_VENUE", "This holds for the whole venue: choose no ticket."))
    if wish.kind == "lifted":
        found.append(("kind", "NOT_MADE", "A rule is lifted, not made as lifted."))
    if not any(text.strip() for text in wish.reason.values()):
        found.append(("reason", "REASON_NEEDED", "Say on what ground: travellers read it where sale is stopped."))
    return found


def _wrong_mark(mark: Mark, known: set[str], types: set[str]) -> list[tuple[str, str, str]]:
    found = []
    if mark.venue_id not in known:
        found.append(("venue_id", "VENUE_UNKNOWN", "There is no such venue."))
    if mark.day_type not in types:
        found.append(("day_type", "DAY_TYPE_UNKNOWN", "There is no such kind of day."))
    if not 1 <= len(mark.days) <= DAYS_MAX:
        found.append(("days", "DAYS_COUNT", "Choose 1 to 366 days."))
    return found


async def carry_out(tx: Tx, actor: Actor, plan: Plan, reason: str) -> Done:
    """Writes the plan and brings the slots in step. InvalidInput, PolicyUnknown, PolicyOver."""
    await check(tx, plan)
    now = clock.now()
    made = [_policy(wish, str(actor), now) for wish in plan.policies]
    for policy_id in plan.lifts:
        made.append(await _lift(tx, policy_id, str(actor), now, reason))
    if made:
        await policies_store.insert(tx, made)
    for mark in plan.marks:
        await _mark(tx, actor, mark, reason)
    venue_ids = sorted({policy.venue_id for policy in made} | {mark.venue_id for mark in plan.marks})
    for policy in made:
        await audit.record(
            tx, actor, f"capacity.{policy.kind}", f"venue:{policy.venue_id}", reason=reason, policy=str(policy.id),
            value=policy.value, first=str(policy.from_date), last=str(policy.to_date or ""), authority=policy.authority,
            document=policy.document_no, supersedes=str(policy.supersedes or ""),
        )  # fmt: skip
    for venue_id in venue_ids:
        await slots.generate(tx, actor, venue_id=venue_id)
    return Done([policy.id for policy in made], venue_ids, plan.marks)


def undoing(done: Done) -> Plan:
    """The plan that takes another one back."""
    marks = [msgspec.structs.replace(mark, is_on=not mark.is_on) for mark in done.marks]
    return Plan(lifts=done.policy_ids, marks=marks)


def _policy(wish: Wish, by: str, now: datetime) -> Policy:
    until = now + timedelta(minutes=wish.minutes) if wish.kind == "entry_paused" else None
    return Policy(
        id=ids.uuid7(), venue_id=wish.venue_id, product_id=wish.product_id, from_date=wish.from_date, to_date=wish.to_date,
        kind=wish.kind, value=wish.value, weekdays=wish.weekdays, reason=wish.reason, authority=wish.authority.strip(),
        supersedes=wish.supersedes, issued_at=now, code=wish.code, day_type=wish.day_type,
        document_no=wish.document_no.strip(), made_by=by, until_at=until,
    )  # fmt: skip


async def _lift(tx: Tx, policy_id: UUID, by: str, now: datetime, reason: str) -> Policy:
    """The row that lifts another: it covers all the days that one covers."""
    old = await require(tx, policy_id)
    if _is_lifted(old, await policies_store.of_venue(tx, old.venue_id)):
        raise PolicyOver
    return Policy(
        id=ids.uuid7(), venue_id=old.venue_id, product_id=old.product_id, from_date=old.from_date, to_date=old.to_date,
        kind="lifted", weekdays=old.weekdays, reason={"zh": reason, "en": reason}, supersedes=old.id, issued_at=now,
        code=old.code, day_type=old.day_type, made_by=by,
    )  # fmt: skip


def _is_lifted(policy: Policy, every: list[Policy]) -> bool:
    """Whether a row that was not lifted itself lifts this one."""
    return any(one.supersedes == policy.id and one.kind == "lifted" and not _is_lifted(one, every) for one in every)


async def _mark(tx: Tx, actor: Actor, mark: Mark, reason: str) -> None:
    days = sorted(set(mark.days))
    await policies_store.insert_marks(
        tx, [ids.uuid7() for _ in days], mark.venue_id, mark.day_type, days, is_on=mark.is_on, reason=reason,
        by=str(actor), at=clock.now(),
    )  # fmt: skip
    await audit.record(
        tx, actor, "capacity.day_type", f"venue:{mark.venue_id}", reason=reason, day_type=mark.day_type, on=mark.is_on,
        days=[str(day) for day in days],
    )  # fmt: skip


async def require(tx: ReadTx, policy_id: UUID) -> Policy:
    """A policy. PolicyUnknown."""
    found = await policies_store.find(tx, policy_id)
    if found is None:
        raise PolicyUnknown
    return found


async def of_venue(tx: ReadTx, venue_id: str) -> list[Policy]:
    """Every policy a venue ever had, the newest first."""
    return await policies_store.of_venue(tx, venue_id)


def standing(policies: list[Policy], since: date) -> list[Policy]:
    """Of these, those that count on some day from `since` on: neither lifted, superseded for good, nor over."""
    return [
        policy
        for policy in policies
        if policy.kind != "lifted"
        and not _is_lifted(policy, policies)
        and (policy.to_date is None or policy.to_date >= since)
    ]


async def add_day_type(tx: Tx, actor: Actor, made: DayType) -> None:
    """A new kind of day. DayTypeTaken; InvalidInput when its code or a name is missing."""
    code_fits = made.code.isascii() and made.code.replace("_", "").isalnum() and made.code[:1].isalpha()
    if not (code_fits and made.code == made.code.lower() and 2 <= len(made.code) <= 40):
        text = "Use small letters, digits and _, beginning with a letter."
        raise InvalidInput(errors=[_at("day_type", "code", "CODE_SHAPE", text)])
    if not all(made.name.get(locale, "").strip() for locale in ("zh", "en")):
        raise InvalidInput(errors=[_at("day_type", "name", "NAME_NEEDED", "Give it a name in Chinese and in English.")])
    if not await policies_store.insert_day_type(tx, made, str(actor), clock.now()):
        raise DayTypeTaken
    await audit.record(tx, actor, "capacity.day_type_made", f"day-type:{made.code}", name=made.name)


async def inside_limit(tx: ReadTx, venue_id: str, time_zone: str) -> int | None:
    """How many people may be inside a venue at once today; None where nobody has said."""
    today = clock.now().astimezone(ZoneInfo(time_zone)).date()
    found = capacity.applying(await policies_store.of_venue(tx, venue_id), today)
    return min((policy.value for policy in found if policy.kind == "inside"), default=None)


async def entry_pause(tx: ReadTx, venue_id: str) -> Policy | None:
    """The pause of entry that holds at a venue now."""
    return await policies_store.entry_pause(tx, venue_id, clock.now())


day_types = policies_store.day_types
marked = policies_store.marked
grounds = policies_store.grounds
venues = policies_store.venues
day_totals = policies_store.day_totals
