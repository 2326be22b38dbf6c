"""Allotments: what is set aside for a desk, by rule and slot by slot, and changing it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory
from holdfast.kit import clock
from holdfast.kit.problems import NotFound, Problem
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import query, speaker

from . import access
from .desk_slips import READERS, SUPERVISORS
from .pages import add_problem, page, read_reason

HERE = "/console/desk/allotments"


async def show(request: Request) -> Response:
    """``GET /console/desk/allotments``: the rules; with desk, venue and date the slots of a day."""
    await access.require(request, *READERS)
    asked = {name: sessions.asked(request, name, 64) for name in ("desk", "venue", "date")}
    return await _board(request, _form(request, asked))


async def _board(request: Request, form: Form, wrong: str = "") -> Response:
    known = await access.known(request)
    day = _day(form.value("date")) or clock.now().astimezone(ZoneInfo(HOME_ZONE)).date() + timedelta(days=1)
    async with sessions.database(request).reading() as tx:
        desks = await inventory.allotments.desks(tx)
        rules = await inventory.allotments.rules(tx)
        names = {card.id: card.name for card in await catalogue.search(tx)}
        desk = next((one for one in desks if one.code == form.value("desk")), desks[0] if desks else None)
        venue = form.value("venue") or (
            desk.venue_id if desk and desk.venue_id else next((one.venue_id for one in rules), "")
        )
        slots = await inventory.allotments.day(tx, desk.code, venue, day) if desk and venue else []
    form.values |= {"desk": desk.code if desk else "", "venue": venue, "date": str(day)}
    return page(
        request, "desk_allotments.html", status=422 if form.wrong else 200, form=form, wrong=wrong, desks=desks, rules=rules, names=names,
        desk=desk, venue=venue, day=day, slots=slots, done=sessions.asked(request, "done", 12),
        here=HERE + query(desk=desk.code if desk else "", venue=venue, date=day), back=query(desk=desk.code if desk else "", venue=venue, date=day),
        supervises=known is not None and known.staff.may(*SUPERVISORS),
    )  # fmt: skip


async def set_rule(request: Request) -> Response:
    """``POST /console/desk/allotments/rules``: so much of every slot of a venue for a desk, from now on."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    db, reason = sessions.database(request), read_reason(form)
    percent_bp, minutes = _basis_points(form.value("percent")), _whole(form.value("return_minutes"))
    if percent_bp is None:
        form.add("percent", "Write a percentage such as 5 or 2.5.")
    if minutes is None:
        form.add("return_minutes", "Write minutes as a whole number.")
    if form.wrong or percent_bp is None or minutes is None:
        return await _board(request, form, "rule")
    try:
        await db.run(
            inventory.allotments.set_rule, seen.actor, form.value("desk")[:8], form.value("venue").strip()[:64], percent_bp, minutes,
            reason,
        )  # fmt: skip
    except Problem as problem:
        add_problem(
            form, problem, "" if problem.errors else "venue" if isinstance(problem, catalogue.VenueUnknown) else "desk"
        )
        return await _board(request, form, "rule")
    await inventory.allotments.apply_rules(db)
    return sessions.see(HERE, desk=form.value("desk"), venue=form.value("venue").strip(), done="rule")


async def end_rule(request: Request) -> Response:
    """``POST /console/desk/allotments/rules/{id}/ending``: the rule ends; what is unused returns to sale."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    reason, rule_id = read_reason(form), sessions.id_in(request)
    if form.wrong:
        return await _board(request, form, f"ending-{rule_id}")
    await sessions.database(request).run(inventory.allotments.end_rule, seen.actor, rule_id, reason)
    return sessions.see(HERE, done="ended")


async def set_places(request: Request) -> Response:
    """``POST /console/desk/allotments/places``: more or fewer places of one slot."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    slot_id, places, reason = sessions.id_of(form.value("slot")), _whole(form.value("places")), read_reason(form)
    returns_at = _moment(form.value("returns_at"))
    if places is None:
        form.add("places", "Write places as a whole number.")
    if form.value("returns_at") and returns_at is None:
        form.add("returns_at", "Write a day and a time.")
    db = sessions.database(request)
    if slot_id not in await db.read(inventory.slots.many, [slot_id]):
        raise HTTPException(404)
    if not form.wrong and places is not None:
        try:
            await db.run(
                inventory.allotments.set_places, seen.actor, form.value("desk")[:8], slot_id, places, reason, returns_at
            )
            return sessions.see(
                HERE + query(desk=form.value("desk"), venue=form.value("venue"), date=form.value("date"), done="places")
            )
        except Problem as problem:
            if isinstance(problem, NotFound):
                raise
            add_problem(form, problem, "places")
    return await _board(request, form, f"places-{slot_id}")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "desk": _("Desk"), "venue": _("Venue"), "date": _("Day"), "percent": _("Percent of each slot"),
        "return_minutes": _("Minutes before the slot"), "places": _("Places"), "returns_at": _("Return to sale"), "reason": _("Reason"),
    }  # fmt: skip
    return Form(values, labels=labels)


def _day(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


def _moment(text: str) -> datetime | None:
    """A moment as a browser's field gives it, on the clocks of home."""
    with suppress(ValueError):
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(HOME_ZONE))
    return None


def _whole(text: str) -> int | None:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 7 else None


def _basis_points(text: str) -> int | None:
    whole, _dot, part = text.strip().removesuffix("%").strip().replace(",", ".").partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 4) or (
        part and not (part.isascii() and part.isdigit())
    ):
        return None
    return int(whole) * 100 + int((part + "00")[:2])


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE + "/rules", set_rule, methods=["POST"]),
    Route(HERE + "/rules/{id}/ending", end_rule, methods=["POST"]),
    Route(HERE + "/places", set_places, methods=["POST"]),
]
