"""Paper: desks, the pads of slips they were given, what waits of what came back, and practice."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory, orders
from holdfast.accounts import Role
from holdfast.kit.problems import Problem
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, desk_words
from .pages import add_problem, page, read_reason

HERE = "/console/desk/paper"
READERS = (Role.DESK, Role.OPERATIONS)
SUPERVISORS = (Role.OPERATIONS,)
SHEET = 8
"""Slips on one sheet of A4."""


async def show(request: Request) -> Response:
    """``GET /console/desk/paper``: every desk with its slips, what waits for a decision, the newest imports."""
    await access.require(request, *READERS)
    return await board(request, _form(request, {}))


async def board(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    known = await access.known(request)
    async with sessions.database(request).reading() as tx:
        desks = [(desk, await orders.slips.figures(tx, desk.code)) for desk in await inventory.allotments.desks(tx)]
        found = {
            "pads": await orders.slips.pads(tx), "waiting": await orders.imports.waiting(tx), "listed": await orders.imports.listed(tx),
            "drills": await orders.assisted.drills(tx), "venues": [(card.id, card.name) for card in await catalogue.search(tx)],
        }  # fmt: skip
    return page(
        request, "desk_paper.html", status=422 if form.wrong else 200, here=HERE, form=form, wrong=wrong, desks=desks, said=desk_words,
        done=sessions.asked(request, "done", 12), supervises=known is not None and known.staff.may(*SUPERVISORS), **found,
    )  # fmt: skip


async def make(request: Request) -> Response:
    """``POST /console/desk/paper/desks``: a new desk."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    try:
        await sessions.database(request).run(
            inventory.allotments.make_desk, seen.actor, form.value("code")[:8], form.value("name")[:80],
            form.value("venue").strip()[:64] or None,
        )  # fmt: skip
    except Problem as problem:
        add_problem(
            form, problem, "venue" if isinstance(problem, catalogue.VenueUnknown) else "" if problem.errors else "code"
        )
        return await board(request, form, "desk")
    return sessions.see(HERE, done="made")


async def set_state(request: Request) -> Response:
    """``POST /console/desk/paper/{code}/state``: it takes bookings on paper, practises, or has done with it."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    db, code, act = sessions.database(request), request.path_params["code"], form.value("act")
    desk = await db.read(inventory.allotments.require, code)
    if act in ("paper", "no-paper"):
        reason = read_reason(form)
        if form.wrong:
            return await board(request, form, f"state-{desk.code}")
        await db.run(inventory.allotments.set_on_paper, seen.actor, desk.code, act == "paper", reason)
    elif act in ("drill", "no-drill"):
        await db.run(
            orders.assisted.start_drill if act == "drill" else orders.assisted.end_drill, seen.actor, desk.code
        )
    return sessions.see(HERE, done="state")


async def print_pad(request: Request) -> Response:
    """``POST /console/desk/paper/{code}/pads``: the next numbers of a desk, and the sheets to print."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    typed = form.value("count").strip()
    count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else 0
    try:
        made = await sessions.database(request).run(
            orders.slips.print_pad, seen.actor, request.path_params["code"], count, form.value("note")
        )
    except Problem as problem:
        add_problem(form, problem, "" if problem.errors else "count")
        return await board(request, form, f"pad-{request.path_params['code'].upper()}")
    return sessions.see(f"{HERE}/pads/{made.id}")


async def sheets(request: Request) -> Response:
    """``GET /console/desk/paper/pads/{id}``: the slips of a pad, several on a sheet, in both languages."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        pad = await orders.slips.pad(tx, sessions.id_in(request))
        desk = await inventory.allotments.require(tx, pad.desk)
    numbers = orders.slips.numbers(pad)
    pages = [numbers[begin : begin + SHEET] for begin in range(0, len(numbers), SHEET)]
    return page(request, "desk_sheets.html", pad=pad, desk=desk, pages=pages, slips=orders.slips)


async def revoke(request: Request) -> Response:
    """``POST /console/desk/paper/pads/{id}/revoking``: a pad or a device is lost."""
    seen = await access.require(request, *SUPERVISORS)
    form = _form(request, await sessions.typed(request))
    pad_id, reason = sessions.id_in(request), read_reason(form)
    await sessions.database(request).read(orders.slips.pad, pad_id)
    if form.wrong:
        return await board(request, form, f"revoking-{pad_id}")
    await sessions.database(request).run(orders.slips.revoke, seen.actor, pad_id, reason)
    return sessions.see(HERE, done="revoked")


async def spoil(request: Request) -> Response:
    """``POST /console/desk/paper/spoiling``: a slip is torn or lost, and was given to nobody."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if not form.wrong:
        try:
            await sessions.database(request).run(orders.slips.spoil, seen.actor, form.value("slip")[:64], reason)
            return sessions.see(HERE, done="spoiled")
        except Problem as problem:
            add_problem(form, problem, "slip")
    return await board(request, form, "spoiling")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "code": _("Code of the desk"), "name": _("Name of the desk"), "venue": _("Venue"), "count": _("How many"), "note": _("Note"), "slip": _("Slip"),
        "file": _("File"), "desk": _("Desk"), "reason": _("Reason"),
    }  # fmt: skip
    return Form(values, labels=labels)


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE + "/desks", make, methods=["POST"]),
    Route(HERE + "/spoiling", spoil, methods=["POST"]),
    Route(HERE + "/pads/{id}", sheets, methods=["GET"]),
    Route(HERE + "/pads/{id}/revoking", revoke, methods=["POST"]),
    Route(HERE + "/{code}/state", set_state, methods=["POST"]),
    Route(HERE + "/{code}/pads", print_pad, methods=["POST"]),
]
