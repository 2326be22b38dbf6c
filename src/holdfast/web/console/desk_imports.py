"""Imports at the console: a file with its dry run, what came of each line, and the decision about each slip that waits."""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import inventory, orders
from holdfast.accounts.documents import LABELS
from holdfast.kit.problems import Conflict, InvalidInput, Problem
from holdfast.orders import imports_files
from holdfast.orders.imports_model import PEOPLE_NAMED_MAX, CorrectionInvalid, Named, Written
from holdfast.orders.slips_model import Slip
from holdfast.web import render, sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access, desk_words, uploads
from .desk_slips import HERE, READERS, SUPERVISORS, board
from .pages import add_problem, page, read_reason

PLAIN = tuple(desk_words.FIELDS)


async def template(request: Request) -> Response:
    """``GET /console/desk/paper/template.csv``: the file to fill in, in the language of the page."""
    await access.require(request, *READERS)
    name = {"Content-Disposition": 'attachment; filename="holdfast-slips.csv"', "Cache-Control": "no-store"}
    return Response(
        orders.imports.template(render.language(request)), headers=name, media_type="text/csv; charset=utf-8"
    )


async def bring_in(request: Request) -> Response:
    """``POST /console/desk/paper/imports``: a dry run of a file, or its import."""
    seen = await access.require(request, *READERS)
    values, name, content = await uploads.sent(request, imports_files.SIZE_MAX, "slips.csv")
    form = Form(values, labels={"file": speaker(request)("File"), "desk": speaker(request)("Desk")})
    if not content:
        form.add("file", "Choose a file of at most 5 MB.")
        return await board(request, form, "import")
    db = sessions.database(request)
    try:
        desk = await db.read(inventory.allotments.require, form.value("desk"))
        rows = orders.imports.read(content)
        if form.value("act") != "import":
            report = await orders.imports.dry_run(db, seen.actor, desk.code, name, rows)
            return page(
                request, "desk_dry_run.html", here=HERE, report=report, desk=desk, name=name, said=desk_words,
                carried=uploads.carried(content),
            )  # fmt: skip
        report = await orders.imports.run(db, seen.actor, desk.code, name, rows, content=content)
    except Problem as problem:
        add_problem(form, problem, "" if problem.errors else "desk")
        return await board(request, form, "import")
    return sessions.see(f"{HERE}/imports/{report.import_id}")


async def show_import(request: Request) -> Response:
    """``GET /console/desk/paper/imports/{id}``: line by line what came of it, then and now."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        found, lines = await orders.imports.one(tx, sessions.id_in(request))
    return page(request, "desk_import.html", one=found, lines=lines, said=desk_words)


async def show_slip(request: Request) -> Response:
    """``GET /console/desk/paper/slips/{id}``: a slip, its conflict, and what can be done."""
    seen = await access.require(request, *READERS)
    written = await sessions.database(request).run(
        orders.imports_decisions.written, seen.actor, sessions.id_in(request)
    )
    return await _slip_page(request, _form(request, _values(written)), written)


async def _slip_page(
    request: Request, form: Form, written: Written | None, wrong: str = "", status: int = 422
) -> Response:
    known = await access.known(request)
    slip = await sessions.database(request).read(orders.slips.require, sessions.id_in(request))
    named = max(1, len(written.persons) if written else 1)
    return page(
        request, "desk_slip.html", status=status if form.wrong else 200, here=f"{HERE}/slips/{slip.id}", slip=slip, form=form, wrong=wrong,
        said=desk_words, has_words=written is not None, named=min(PEOPLE_NAMED_MAX, named + 1), labels=_documents(request),
        done=sessions.asked(request, "done", 12), supervises=known is not None and known.staff.may(*SUPERVISORS),
    )  # fmt: skip


def _documents(request: Request) -> list[tuple[str, str]]:
    _ = speaker(request)
    return [("", "–"), *((kind.value, _(label)) for kind, label in LABELS.items())]


async def decide(request: Request) -> Response:
    """``POST /console/desk/paper/slips/{id}/decision``: one of the ways out; who books nothing says why."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    db, slip_id, act = sessions.database(request), sessions.id_in(request), form.value("act")[:80]
    await db.read(orders.slips.require, slip_id)
    reason = read_reason(form) if act == "decline" else " ".join(form.value("reason").split())[:500]
    if not form.wrong:
        try:
            await db.run(
                orders.imports_decisions.decide, seen.actor, slip_id, act, reason,
                is_supervisor=seen.staff.may(*SUPERVISORS),
            )  # fmt: skip
            return await _onward(request, slip_id)
        except Conflict as problem:
            add_problem(form, problem, "act")
    written = await db.run(orders.imports_decisions.written, seen.actor, slip_id)
    form.values = _values(written) | form.values
    return await _slip_page(request, form, written, "decision")


async def correct(request: Request) -> Response:
    """``POST /console/desk/paper/slips/{id}/correction``: what it should have said."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    db, slip_id, written = sessions.database(request), sessions.id_in(request), _written(form)
    await db.read(orders.slips.require, slip_id)
    reason = read_reason(form)
    if not form.wrong:
        try:
            await db.run(orders.imports_decisions.correct, seen.actor, slip_id, written, reason)
            return await _onward(request, slip_id)
        except (CorrectionInvalid, InvalidInput) as problem:
            add_problem(form, problem)
        except Conflict as problem:
            add_problem(form, problem, "act")
    return await _slip_page(request, form, written, "correction")


async def _onward(request: Request, slip_id: UUID) -> Response:
    """To the slip again while it waits, with what stands in the way now; else to the list of those that wait."""
    slip: Slip = await sessions.database(request).read(orders.slips.require, slip_id)
    if slip.state == "open":
        return sessions.see(f"{HERE}/slips/{slip_id}", done="next")
    return sessions.see(HERE, done="decided")


def _values(written: Written | None) -> dict[str, str]:
    """What stands on a slip, as fields of the form."""
    if written is None:
        return {}
    found = {name: getattr(written, name) for name in PLAIN}
    for at, one in enumerate(written.persons):
        found |= {f"persons[{at}].{name}": value for name, value in msgspec.structs.asdict(one).items()}
    return found


def _written(form: Form) -> Written:
    plain = {name: form.value(name).strip()[:400] for name in PLAIN}
    persons = [
        Named(*(form.value(f"persons[{at}].{name}").strip()[:200] for name in ("name", "document_type", "document")))
        for at in range(PEOPLE_NAMED_MAX)
    ]
    while persons and persons[-1].is_empty:
        persons.pop()
    return Written(**plain, persons=persons)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {name: _(label) for name, label in desk_words.FIELDS.items()}
    for at in range(PEOPLE_NAMED_MAX):
        labels[f"persons[{at}].name"] = _("Name of person {count}", count=at + 1)
        labels[f"persons[{at}].document_type"] = labels[f"persons[{at}].document"] = _(
            "Document of person {count}", count=at + 1
        )
    return Form(values, labels=labels | {"reason": _("Reason"), "act": _("Decision")})


routes = [
    Route(HERE + "/template.csv", template, methods=["GET"]),
    Route(HERE + "/imports", bring_in, methods=["POST"]),
    Route(HERE + "/imports/{id}", show_import, methods=["GET"]),
    Route(HERE + "/slips/{id}", show_slip, methods=["GET"]),
    Route(HERE + "/slips/{id}/decision", decide, methods=["POST"]),
    Route(HERE + "/slips/{id}/correction", correct, methods=["POST"]),
]
