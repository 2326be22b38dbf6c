"""Feedback at the console: what does not work for people, by page and problem, over time; answering it or noting it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import support
from holdfast.accounts import Role
from holdfast.kit.problems import InvalidInput
from holdfast.support.feedback_model import FeedbackUnknown, Group
from holdfast.web import charts, help_words, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access
from .pages import page

BASE = "/console/feedback"
READERS = (Role.SUPPORT, Role.ENGINEER, Role.OPERATIONS)


async def show(request: Request) -> Response:
    """``GET /console/feedback``: by kind of page and problem, what waits first."""
    await access.require(request, *READERS)
    _ = speaker(request)
    async with sessions.database(request).reading() as tx:
        groups = await support.feedback.groups(tx)
        figures = await support.feedback.figures(tx)
    middle = help_words.duration(figures.median_s, _) if figures.median_s is not None else ""
    return page(
        request, "feedback.html", groups=groups, figures=figures, middle=middle, base=BASE,
        sparks=[_spark(request, group) for group in groups], urls=[_url(group.page, group.problem) for group in groups],
    )  # fmt: skip


def _spark(request: Request, group: Group) -> Markup:
    _ = speaker(request)
    values = [float(count) for count in group.by_day]
    return charts.spark(values, title=_("Messages a day"), locale=language(request))


def _url(kind: str, problem: str) -> str:
    return f"{BASE}/about?" + urlencode({"page": kind, "problem": problem})


async def about(request: Request) -> Response:
    """``GET /console/feedback/about?page=…&problem=…``: everything that was said about it."""
    await access.require(request, *READERS)
    return await _about(request, sessions.asked(request, "page"), sessions.asked(request, "problem"), Form())


async def _about(request: Request, kind: str, problem: str, form: Form, wrong: str = "") -> Response:
    async with sessions.database(request).reading() as tx:
        found = await support.feedback.in_group(tx, kind, problem)
    if not found:
        raise FeedbackUnknown
    return page(
        request, "feedback_about.html", status=422 if form.wrong else 200, here=_url(kind, problem), found=found, kind=kind,
        problem=problem, form=form, wrong=wrong, base=BASE, show_number=support.feedback.show_number, late=timedelta(minutes=2),
    )  # fmt: skip


async def answer(request: Request) -> Response:
    """``POST /console/feedback/{id}/answer``: words for whoever wrote."""
    seen = await access.require(request, *READERS)
    typed = await sessions.typed(request)
    form = Form(typed, labels={"answer": speaker(request)("Answer")})
    try:
        await sessions.database(request).run(
            support.feedback.answer, seen.actor, _read_id(request), form.value("answer")
        )
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return await _about(request, form.value("page"), form.value("problem"), form, request.path_params["id"])
    return sessions.see(_url(form.value("page"), form.value("problem")))


async def note(request: Request) -> Response:
    """``POST /console/feedback/{id}/note``: read; it needs no answer."""
    seen = await access.require(request, *READERS)
    typed = await sessions.typed(request)
    await sessions.database(request).run(support.feedback.note, seen.actor, _read_id(request))
    return sessions.see(_url(typed.get("page", ""), typed.get("problem", "")))


def _read_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError as error:
        raise FeedbackUnknown from error


routes = [
    Route(BASE, show, methods=["GET"]),
    Route(f"{BASE}/about", about, methods=["GET"]),
    Route(f"{BASE}/{{id}}/answer", answer, methods=["POST"]),
    Route(f"{BASE}/{{id}}/note", note, methods=["POST"]),
]
