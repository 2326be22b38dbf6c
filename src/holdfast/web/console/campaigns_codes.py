"""Codes of a campaign: batches and what is left of them, made, downloaded, brought in after a dry run, ended with a reason.

Codes open nothing by themselves: they give what an approved version gives, within its budget and its count, however many there are.
So whoever writes campaigns makes them without approval; ending them, like stopping a campaign, waits for nobody.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.campaigns import codes, codes_files, start
from holdfast.campaigns.codes_files import CodesFileWrong, Report
from holdfast.campaigns.model import Content
from holdfast.kit.problems import Conflict, InvalidInput, NotFound
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_words, uploads
from .campaigns import HERE, MAKERS, READERS, STOPPERS
from .pages import add_problem, page, read_reason

FILE_BYTES_MAX = codes_files.SIZE_MAX_MB * 1_000_000


async def show(request: Request) -> Response:
    """``GET /console/campaigns/{campaign}/codes``: batches with what is left; with ``?find=`` what became of one code."""
    await access.require(request, *READERS)
    return await _page(request, _form(request, {"find": sessions.asked(request, "find", 80)}))


async def _page(
    request: Request, form: Form, wrong: str = "", report: Report | None = None, content: bytes = b""
) -> Response:
    """`wrong` names the form in which something needs a correction; `report` is what the file with that content would do."""
    seen = await access.require(request, *READERS)
    campaign_id: str = request.path_params["campaign"]
    find, status = form.value("find").strip(), 422 if form.wrong or (report and report.wrong) else 200
    async with sessions.database(request).reading() as tx:
        name = await codes.name_of(tx, campaign_id)
        batches = await codes.batches(tx, campaign_id)
        one = await start.running(tx, campaign_id)
        found = await codes.find(tx, find) if find else None
    if find and found is None:
        form.add("find", "We do not know this code. Read it again, letter by letter.")
        status = 404
    return page(
        request, "campaigns_codes.html", status=status, here=f"{HERE}/{campaign_id}/codes", campaign_id=campaign_id, name=name,
        batches=batches, one=one, says=msgspec.convert(one.content, Content) if one else None, w=campaigns_words, form=form, wrong=wrong,
        found=found, code_shown=codes.show(found.code) if found else "", states=codes_files.STATES, report=report,
        carried=uploads.carried(content) if report and not report.wrong else "", errors_max=codes_files.ERRORS_SHOWN,
        done=_done(request), may_make=seen.staff.may(*MAKERS), single=codes.SINGLE,
    )  # fmt: skip


def _done(request: Request) -> tuple[str, int, int] | None:
    """What was done a moment ago, with its figures, as the address says."""
    act, figures = sessions.asked(request, "done", 10), [sessions.asked(request, name, 8) for name in ("new", "known")]
    new, known = (int(one) if one.isascii() and one.isdigit() else 0 for one in figures)
    return (act, new, known) if act in ("made", "brought", "ended") else None


async def make(request: Request) -> Response:
    """``POST /console/campaigns/{campaign}/codes``: so many different codes; a batch that broke off is filled up."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    campaign_id: str = request.path_params["campaign"]
    try:
        made = await codes.make(
            sessions.database(request), seen.actor, campaign_id, form.value("pattern").strip(), _number(form, "number"),
            batch=form.value("batch").strip(), uses=_number(form, "uses"),
        )  # fmt: skip
    except InvalidInput as problem:
        add_problem(form, problem)
        return await _page(request, form, "make")
    return sessions.see(f"{HERE}/{campaign_id}/codes", done="made", new=made.made, known=made.known)


def _number(form: Form, field: str) -> int:
    """A whole number as it was typed; 0, which no field allows, for what is none."""
    typed = form.value(field).strip().replace(",", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


async def bring_in(request: Request) -> Response:
    """``POST /console/campaigns/{campaign}/codes/file``: what a file would do, row by row; with ``act=import`` it does, all or nothing."""
    seen = await access.require(request, *MAKERS)
    values, _name, content = await uploads.sent(request, FILE_BYTES_MAX, "codes.csv")
    form, db = _form(request, values), sessions.database(request)
    campaign_id, into = str(request.path_params["campaign"]), form.value("into").strip()
    if not content:
        form.add("file", "Choose a CSV file of at most 20 MB.")
        return await _page(request, form, "file")
    try:
        report = await codes_files.bring(db, seen.actor, campaign_id, content, batch=into, dry_run=True)
        if report.wrong or form.value("act") != "import":
            return await _page(request, form, "file", report, content)
        report = await codes_files.bring(db, seen.actor, campaign_id, content, batch=into, dry_run=False)
    except InvalidInput as problem:
        form.add_found([error | {"field": "into" if error["field"] == "batch" else "file"} for error in problem.errors])
        return await _page(request, form, "file")
    except (CodesFileWrong, codes.CodeTaken) as problem:
        add_problem(form, problem, "file")
        return await _page(request, form, "file")
    return sessions.see(f"{HERE}/{campaign_id}/codes", done="brought", new=report.new, known=report.known)


async def download(request: Request) -> Response:
    """``GET /console/campaigns/{campaign}/codes/{batch}.csv``: every code of a batch with its state; who took them is written down."""
    seen = await access.require(request, *MAKERS)
    campaign_id, batch = request.path_params["campaign"], request.path_params["batch"]
    content = await codes_files.take_out(
        sessions.database(request), seen.actor, campaign_id, batch, locale=language(request)
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{campaign_id}-{batch}.csv"', "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


async def end(request: Request) -> Response:
    """``POST /console/campaigns/{campaign}/codes/ending``: a batch or one code gives nothing any more; what it gave stays given."""
    seen = await access.require(request, *STOPPERS)
    form = _form(request, await sessions.typed(request))
    campaign_id: str = request.path_params["campaign"]
    batch, code = form.value("ended").strip(), form.value("find").strip()
    wrong = f"end-{batch}" if batch else "end"
    reason = read_reason(form)
    if not batch and not code:
        form.add("find", "Say which code.")
    await sessions.database(request).read(codes.require_campaign, campaign_id)
    if form.wrong:
        return await _page(request, form, wrong)
    try:
        ended = await sessions.database(request).run(
            codes.end, seen.actor, campaign_id, batch=batch or None, code=None if batch else code, reason=reason
        )
    except (Conflict, NotFound) as problem:
        add_problem(form, problem, "find")
        return await _page(request, form, wrong)
    return sessions.see(f"{HERE}/{campaign_id}/codes", done="ended", new=ended)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "batch": _("Batch"), "pattern": _("Pattern"), "number": _("How many"), "uses": _("Uses of each"), "into": _("Batch"),
        "file": _("File"), "find": _("Offer code"), "reason": _("Reason"),
    }  # fmt: skip
    return Form({"uses": "1", **values}, labels=labels)


routes = [
    Route(f"{HERE}/{{campaign}}/codes", show, methods=["GET"]),
    Route(f"{HERE}/{{campaign}}/codes", make, methods=["POST"]),
    Route(f"{HERE}/{{campaign}}/codes/file", bring_in, methods=["POST"]),
    Route(f"{HERE}/{{campaign}}/codes/ending", end, methods=["POST"]),
    Route(f"{HERE}/{{campaign}}/codes/{{batch}}.csv", download, methods=["GET"]),
]
