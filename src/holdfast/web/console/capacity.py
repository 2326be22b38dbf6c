"""Capacity: what applies at each venue and day and why, and changes of it: tried first, then done by one or by two."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import changes, orders
from holdfast.accounts import Role
from holdfast.inventory import policies, policies_store
from holdfast.inventory.policies import Mark, Plan, Wish
from holdfast.kit import clock
from holdfast.kit.problems import Conflict, InvalidInput, NotFound, Problem
from holdfast.orders import displacement, displacement_capacity, displacement_entry, displacement_model
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, capacity_words
from .pages import add_problem, page, read_reason

HERE = "/console/capacity"
READERS = (Role.OPERATIONS, Role.ENGINEER)
DAYS_SHOWN = 14
MADE = ("percent", "absolute", "closed", "paused", "inside", "entry_paused")
KINDS = (displacement_capacity.KIND, displacement.KIND, orders.displacement_catalogue.KIND)


async def overview(request: Request) -> Response:
    """``GET /console/capacity?date=``: every venue on a day, what waits for approval, cuts, a rule for several venues."""
    await access.require(request, *READERS)
    return await _overview(request, _form(request, {}))


async def _overview(request: Request, form: Form) -> Response:
    day = _date(sessions.asked(request, "date")) or _today()
    async with sessions.database(request).reading() as tx:
        venues = await policies.venues(tx)
        totals = {one.venue_id: one for one in await policies.day_totals(tx, day)}
        waiting = [one for kind in KINDS for one in await changes.queue(tx, kind)]
        decided = [one for kind in KINDS for one in await changes.recent(tx, kind, 10)]
        cuts = await orders.displacement_report.recent(tx, 10)
        types = await policies.day_types(tx)
    return page(
        request, "capacity.html", status=422 if form.wrong else 200, here=HERE, form=form, day=day, venues=venues,
        totals=totals, waiting=waiting, decided=sorted(decided, key=lambda one: one.proposed_at, reverse=True)[:10],
        cuts=cuts, types=types, made=MADE, w=capacity_words, grounds=[], rules=[], several=True,
    )  # fmt: skip


async def venue(request: Request) -> Response:
    """``GET /console/capacity/venues/{venue}?date=``: its days slot by slot, the rules and who made them, and the forms."""
    await access.require(request, *READERS)
    return await _venue(request, _form(request, {}))


async def _venue(request: Request, form: Form) -> Response:
    first = _date(sessions.asked(request, "date")) or _today()
    async with sessions.database(request).reading() as tx:
        found = next((one for one in await policies.venues(tx) if one.id == request.path_params["venue"]), None)
        if found is None:
            raise HTTPException(404)
        every = await policies.of_venue(tx, found.id)
        slots = await policies_store.slots_between(tx, [found.id], first, first + timedelta(days=DAYS_SHOWN - 1))
        grounds = await policies.grounds(tx, found.id)
        types = await policies.day_types(tx)
        marked = await policies.marked(tx, found.id, _today())
        entry = await displacement_entry.entry(tx, found.id, found.time_zone)
    rules = policies.standing(every, _today())
    names = {(one.product_id, one.code): one for one in grounds}
    days = [(day, list(rows)) for day, rows in groupby(slots, key=lambda one: one.visit_date)]
    return page(
        request, "capacity_venue.html", status=422 if form.wrong else 200, here=f"{HERE}/venues/{found.id}", form=form,
        venue=found, days=days, names=names, rules=rules, history=[one for one in every if one not in rules][:40],
        grounds=grounds, types=types, type_names={one.code: one.name for one in types}, marked=marked, entry=entry,
        first=first, later=first + timedelta(days=DAYS_SHOWN), made=MADE, w=capacity_words, several=False,
    )  # fmt: skip


async def effect(request: Request) -> Response:
    """``POST /console/capacity/effect``: what a rule, its lifting, or days of a type would do; nothing is changed."""
    seen = await access.require(request, Role.OPERATIONS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    plan = _plan(form)
    if plan is not None and not form.wrong:
        try:
            shown = await displacement_capacity.try_out(sessions.database(request), seen.actor, plan, reason)
        except (InvalidInput, Conflict, NotFound, policies.PlanEmpty) as problem:
            _add(form, problem)
        else:
            return await _effect(request, form, plan, reason, shown)
    return await _again(request, form)


async def _effect(
    request: Request,
    form: Form,
    plan: Plan,
    reason: str,
    shown: displacement_capacity.Shown,
    problem: Problem | None = None,
) -> Response:
    async with sessions.database(request).reading() as tx:
        names = {one.id: one.name for one in await policies.venues(tx)}
        venue_ids = await displacement_capacity.venues_of(tx, plan)
    return page(
        request, "capacity_effect.html", status=problem.status if problem else 200, here=HERE, form=form, shown=shown,
        summary=displacement_capacity.summary(shown.effect), names=names, plan=msgspec.json.encode(plan).decode(),
        reason=reason, problem=problem, w=capacity_words, made=plan,
        back=f"{HERE}/venues/{venue_ids[0]}" if len(venue_ids) == 1 else HERE,
    )  # fmt: skip


async def change(request: Request) -> Response:
    """``POST /console/capacity/changes``: what was shown is done (``act=apply``), proposed, or begun as a cut."""
    seen = await access.require(request, Role.OPERATIONS)
    form = _form(request, await sessions.typed(request))
    reason, db = read_reason(form), sessions.database(request)
    try:
        plan = msgspec.json.decode(form.value("plan"), type=Plan)
    except msgspec.MsgspecError:
        return sessions.see(HERE)
    if form.wrong:
        return await _again(request, form)
    try:
        if form.value("act") == "cut":
            hours = min(max(_number(form.value("hours")) or 0, 0), displacement_model.ASK_HOURS_MAX)
            cut = await db.run(displacement.stop, seen.actor, displacement_model.CutWish(plan, hours), reason)
            await displacement.propose(db, seen.actor, cut.id, reason)
            return sessions.see(f"{HERE}/cuts/{cut.id}")
        if form.value("act") == "propose":
            made = await displacement_capacity.propose(db, seen.actor, plan, reason)
            return sessions.see(f"{HERE}/proposals/{made.id}")
        await displacement_capacity.carry_out(db, seen.actor, plan, reason, form.value("shown"))
    except (Conflict, NotFound, InvalidInput) as problem:
        try:
            shown = await displacement_capacity.try_out(db, seen.actor, plan, reason)
        except (InvalidInput, Conflict, NotFound, policies.PlanEmpty) as worse:
            _add(form, worse)
            return await _again(request, form)
        return await _effect(request, form, plan, reason, shown, problem)
    return sessions.see(form.value("back") if form.value("back").startswith(HERE) else HERE)


async def add_day_type(request: Request) -> Response:
    """``POST /console/capacity/day-types``: a new kind of day."""
    seen = await access.require(request, Role.OPERATIONS)
    form = _form(request, await sessions.typed(request))
    made = policies_store.DayType(
        form.value("code").strip(), {"zh": form.value("name_zh").strip(), "en": form.value("name_en").strip()}
    )
    try:
        await sessions.database(request).run(policies.add_day_type, seen.actor, made)
    except (InvalidInput, policies.DayTypeTaken) as problem:
        _add(form, problem)
        return await _overview(request, form)
    return sessions.see(HERE)


async def _again(request: Request, form: Form) -> Response:
    """The page the form came from, with what was typed."""
    known = form.value("venue")
    if known:
        request.path_params["venue"] = known
        return await _venue(request, form)
    return await _overview(request, form)


def _plan(form: Form) -> Plan | None:
    """What the form asks for; None, with what is wrong in the form, when it cannot be read."""
    if form.value("lift"):
        try:
            return Plan(lifts=[UUID(form.value("lift"))])
        except ValueError:
            return None
    venues = [form.value("venue")] if form.value("venue") else []
    venues += [name.removeprefix("venue.") for name in form.values if name.startswith("venue.")]
    before = len(form.errors)
    first, last = _day_of(form, "first") or _today(), _day_of(form, "last")
    if not venues:
        form.add("venues", "Choose at least one venue.")
    if form.value("act") == "mark":
        days = [
            first + timedelta(days=n) for n in range(min(((last or first) - first).days + 1, policies.DAYS_MAX + 1))
        ]
        return Plan(marks=[Mark(one, form.value("day_type"), days, is_on=form.value("is") != "off") for one in venues])
    made = _rule(form, venues, first, last)
    return None if len(form.errors) > before else made


def _rule(form: Form, venues: list[str], first: date, last: date | None) -> Plan:
    kind, value = form.value("kind"), _number(form.value("value"))
    if kind not in MADE:
        form.add("kind", "Choose what is to hold.")
    if value is None and kind not in ("closed", "paused"):
        form.add("value", "Enter a whole number.")
    product, _bar, code = form.value("about").partition("|")
    try:
        supersedes = UUID(form.value("supersedes")) if form.value("supersedes") else None
    except ValueError:
        supersedes = None
    ground = {"zh": form.value("ground_zh").strip(), "en": form.value("ground_en").strip()}
    other = ground["en"] or ground["zh"]
    return Plan(
        policies=[
            Wish(
                venue_id=one, kind=kind if kind in MADE else "closed",  # type: ignore[arg-type]
                from_date=first, to_date=last, value=0 if kind == "entry_paused" else (value or 0) * (100 if kind == "percent" else 1),
                minutes=(value or 0) if kind == "entry_paused" else 0, product_id=product or None, code=code or None,
                weekdays=[n for n in range(1, 8) if form.value(f"weekday.{n}")], day_type=form.value("day_type") or None,
                reason={tongue: text or other for tongue, text in ground.items()}, authority=form.value("authority")[:200],
                document_no=form.value("document_no")[:100],
                supersedes=supersedes,
            )
            for one in venues
        ]
    )  # fmt: skip


def _add(form: Form, problem: Problem) -> None:
    """What a plan was refused for, beside the fields of the form."""
    fields = {"from_date": "first", "to_date": "last", "reason": "ground_zh", "minutes": "value", "product_id": "about",
              "code": "about", "days": "last", "venue_id": "venues", "name": "name_zh"}  # fmt: skip
    if not problem.errors:
        add_problem(form, problem, "kind")
        return
    for error in problem.errors:
        where, _dot, name = str(error["field"]).rpartition(".")
        shown = name if where == "day_type" and name != "name" else fields.get(name, name)
        form.add_found([error | {"field": shown}])


def _day_of(form: Form, name: str) -> date | None:
    typed = form.value(name).strip()
    found = _date(typed)
    if typed and found is None:
        form.add(name, "Write a date as 2026-11-23.")
    return found


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    digits = text.strip().replace(",", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else None


def _today() -> date:
    return clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels: dict[str, Any] = {
        "venues": _("Venues"), "kind": _("What holds"), "value": _("Number"), "first": _("First day"), "last": _("Last day"),
        "about": _("Ticket and time"), "day_type": _("Kind of day"), "ground_zh": _("Ground, in Chinese"),
        "ground_en": _("Ground, in English"), "authority": _("Ordered by"), "document_no": _("Document number"),
        "supersedes": _("Instead of"), "code": _("Short name"), "name_zh": _("Name, in Chinese"), "name_en": _("Name, in English"),
        "reason": _("Reason"), "file": _("File"),
    }  # fmt: skip
    return Form(values, labels=labels)


routes = [
    Route(HERE, overview, methods=["GET"]),
    Route(f"{HERE}/effect", effect, methods=["POST"]),
    Route(f"{HERE}/changes", change, methods=["POST"]),
    Route(f"{HERE}/day-types", add_day_type, methods=["POST"]),
    Route(f"{HERE}/venues/{{venue}}", venue, methods=["GET"]),
]
