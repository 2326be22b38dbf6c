"""Gates: devices and who is on duty, who went in today, conflicts with both sides, rules of entry, and the list on paper."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, orders, passes
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Conflict, InvalidInput
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import query, speaker

from . import access
from .pages import add_problem, page, read_reason

HERE = "/console/gates"
READERS = (Role.DESK, Role.OPERATIONS, Role.ENGINEER)
MANAGERS = (Role.OPERATIONS, Role.ENGINEER)
DECIDERS = (Role.DESK, Role.OPERATIONS)
SHOWN = 40
VERDICTS = {
    "valid": ("ok", "let in"),
    "used": ("bad", "used twice"),
    "too-early": ("warn", "too early"),
    "too-late": ("warn", "too late"),
    "wrong-venue": ("bad", "ticket of another venue"),
    "revoked": ("bad", "no longer valid"),
    "unpaid": ("bad", "not paid"),
    "unknown": ("bad", "unknown"),
}
"""A verdict → the badge's tone and English words."""
ADVICE = {
    "used": "Two people may have come with one ticket, or one person twice. Look at the order, and ask the gate if it is still today. The visitor is not charged.",
    "too-early": "The ticket counts as used. If many come too early, look at the device's clock, or at the rules of entry.",
    "too-late": "The ticket counts as used. If many come too late, look at the device's clock, or at the rules of entry.",
    "wrong-venue": "The ticket is for another venue and still admits there.",
    "revoked": "It was cancelled or changed while the gate had no network. The money went back or the visit moved; let it be.",
    "unpaid": "The order is not paid. Its page says what it owes.",
    "unknown": "Nothing of ours. Ask the gate.",
}
"""A verdict → what to do."""
RULINGS = {
    "let-be": "Let it be",
    "watch": "Watch this order",
    "desk": "Handed to the desk",
}


async def gates(request: Request) -> Response:
    """``GET /console/gates``: everything, for one venue with ``?venue=``."""
    await access.require(request, *READERS)
    return await _board(request, _form(request, {"venue": sessions.asked(request, "venue", 64)}))


async def _board(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    known = await access.known(request)
    async with sessions.database(request).reading() as tx:
        devices = await passes.devices.every(tx)
        venues = {one.venue_id: one.venue_name for one in devices}
        shown = form.value("venue") if form.value("venue") in venues else ""
        latest = await passes.admissions.latest(tx, venue_id=shown, limit=SHOWN)
        open_disputes, decided = (
            await passes.admissions.disputes(tx),
            await passes.admissions.disputes(tx, decided=True, limit=10),
        )
        figures = [
            (venue_id, name, await passes.inside(tx, venue_id), await passes.redemption.rules_of(tx, venue_id))
            for venue_id, name in venues.items()
        ]
        choices = [(card.id, card.name) for card in await catalogue.search(tx)]
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    return page(
        request, "gates.html", status=422 if form.wrong else 200, here=HERE + query(venue=shown), form=form, wrong=wrong,
        devices=devices, figures=figures, latest=latest, disputes=open_disputes, decided=decided, choices=choices, venue=shown,
        today=today, verdicts=VERDICTS, advice=ADVICE, rulings=RULINGS, done=sessions.asked(request, "done", 12),
        manages=known is not None and known.staff.may(*MANAGERS), decides=known is not None and known.staff.may(*DECIDERS),
    )  # fmt: skip


async def make(request: Request) -> Response:
    """``POST /console/gates``: a new device; the link that makes a phone it is shown once."""
    seen = await access.require(request, *MANAGERS)
    form = _form(request, await sessions.typed(request))
    db, name = sessions.database(request), " ".join(form.value("name").split())
    if not 2 <= len(name) <= 60:
        form.add("name", "Call it as people at the gate do, in 2 to 60 characters.")
    venue_id = form.value("at").strip()
    try:
        await db.read(catalogue.venues.get, venue_id)
    except catalogue.VenueUnknown:
        form.add("at", "Choose a venue from the list.")
    if form.wrong:
        return await _board(request, form, "device")
    made = await db.run(passes.devices.make, seen.actor, venue_id, name)
    return page(request, "gates_link.html", here=HERE, link=made)


async def revoke(request: Request) -> Response:
    """``POST /console/gates/{id}/revoking``: the device is a gate no more, from this moment."""
    seen = await access.require(request, *MANAGERS)
    form = _form(request, await sessions.typed(request))
    reason, device_id = read_reason(form), sessions.id_in(request)
    if form.wrong:
        return await _board(request, form, f"device-{device_id}")
    try:
        await sessions.database(request).run(passes.devices.revoke, seen.actor, device_id, reason)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _board(request, form, f"device-{device_id}")
    return sessions.see(HERE, done="revoked")


async def set_rules(request: Request) -> Response:
    """``POST /console/gates/rules``: when a venue's gates let in, and how they count."""
    seen = await access.require(request, *MANAGERS)
    form = _form(request, await sessions.typed(request))
    db, venue_id, reason = sessions.database(request), form.value("venue"), read_reason(form)
    await db.read(catalogue.venues.get, venue_id)
    minutes: dict[str, int] = {}
    for name in passes.redemption.LIMITS:
        typed = form.value(name).strip()
        if typed.isascii() and typed.isdigit() and len(typed) <= 4:
            minutes[name] = int(typed)
        else:
            form.add(name, "Write minutes as a whole number.")
    if not form.wrong:
        rules = passes.Rules(exits_counted=bool(form.value("exits_counted")), **minutes)
        try:
            await db.run(passes.redemption.set_rules, seen.actor, venue_id, rules, reason)
            return sessions.see(HERE, done="rules")
        except InvalidInput as problem:
            add_problem(form, problem)
    return await _board(request, form, f"rules-{venue_id}")


async def admission(request: Request) -> Response:
    """``GET /console/gates/admissions/{key}``: one passage; its undoing, and the decision about one against the rules."""
    await access.require(request, *READERS)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form, wrong: str = "") -> Response:
    device_id, counter = _key(request)
    known = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await passes.admissions.require(tx, device_id, counter)
        others = await _others(tx, found)
    return page(
        request, "gates_one.html", status=422 if form.wrong else 200, here=f"{HERE}/admissions/{found.key}", one=found, others=others,
        form=form, wrong=wrong, verdicts=VERDICTS, advice=ADVICE, rulings=RULINGS,
        decides=known is not None and known.staff.may(*DECIDERS),
    )  # fmt: skip


async def _others(tx: ReadTx, found: passes.Passage) -> list[passes.Passage]:
    """What else happened with the same ticket."""
    if not found.order_number:
        return []
    same = await passes.admissions.latest(tx, order_number=found.order_number, limit=50)
    return [one for one in same if one.key != found.key]


async def undo(request: Request) -> Response:
    """``POST /console/gates/admissions/{key}/undoing``: it was a mistake; the ticket admits again."""
    seen, form, reason = await _decision(request)
    device_id, counter = _key(request)
    if form.wrong:
        return await _one(request, form, "undoing")
    try:
        await sessions.database(request).run(passes.admissions.undo, seen.actor, device_id, counter, reason)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _one(request, form, "undoing")
    return sessions.see(f"{HERE}/admissions/{device_id}.{counter}")


async def rule(request: Request) -> Response:
    """``POST /console/gates/admissions/{key}/ruling``: what staff decide about a passage against the rules."""
    seen, form, reason = await _decision(request)
    device_id, counter = _key(request)
    if form.value("ruling") not in RULINGS:
        form.add("ruling", "Choose what is to be done.")
    if form.wrong:
        return await _one(request, form, "ruling")
    try:
        ruling = passes.Ruling(form.value("ruling"))
        await sessions.database(request).run(passes.admissions.rule, seen.actor, device_id, counter, ruling, reason)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _one(request, form, "ruling")
    return sessions.see(HERE, done="ruled")


async def _decision(request: Request) -> tuple[access.Seen, Form, str]:
    seen = await access.require(request, *DECIDERS)
    form = _form(request, await sessions.typed(request))
    return seen, form, read_reason(form)


async def paper(request: Request) -> Response:
    """``GET /console/gates/list?venue=&day=``: the tickets of a day by slot, masked, to be printed."""
    await access.require(request, *READERS)
    try:
        day = date.fromisoformat(sessions.asked(request, "day", 10))
    except ValueError:
        day = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    async with sessions.database(request).reading() as tx:
        venue = await catalogue.venues.get(tx, sessions.asked(request, "venue", 64))
        found = await orders.attendance.printed(tx, venue.id, day)
    slots: list[tuple[Any, list[Any]]] = [
        (slot, list(lines)) for slot, lines in groupby(found, lambda one: (one.starts_at, one.ends_at))
    ]
    return page(
        request, "gates_list.html", here=f"{HERE}/list{query(venue=venue.id, day=day)}", venue=venue, day=day, slots=slots,
        people=sum(one.admits for one in found),
    )  # fmt: skip


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "at": _("Venue"), "name": _("Name of the gate"), "ruling": _("Decision"), "reason": _("Reason"),
        "early_minutes": _("Minutes before the slot"), "late_minutes": _("Minutes after the slot"),
        "stay_minutes": _("Minutes that people stay"), "grace_minutes": _("Minutes until somebody counts as not having come"),
    }  # fmt: skip
    return Form(values, labels=labels)


def _key(request: Request) -> tuple[UUID, int]:
    """Device and counter of ``<device>.<counter>``."""
    device, _dot, counter = request.path_params["key"].partition(".")
    if not (counter.isascii() and counter.isdigit() and len(counter) <= 16):
        raise HTTPException(404)
    return sessions.id_of(device), int(counter)


routes = [
    Route(HERE, gates, methods=["GET"]),
    Route(HERE, make, methods=["POST"]),
    Route(f"{HERE}/list", paper, methods=["GET"]),
    Route(f"{HERE}/rules", set_rules, methods=["POST"]),
    Route(f"{HERE}/admissions/{{key}}", admission, methods=["GET"]),
    Route(f"{HERE}/admissions/{{key}}/undoing", undo, methods=["POST"]),
    Route(f"{HERE}/admissions/{{key}}/ruling", rule, methods=["POST"]),
    Route(f"{HERE}/{{id}}/revoking", revoke, methods=["POST"]),
]
