"""Is this really from you? Pasting a text or typing its code, what we stand by, what our messages come from; reporting a text.

Without signing in. Nothing that is pasted is kept unless its reporter presses the button. And one's own messages, for whoever is
signed in: what is not there, we did not send.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, notices, support
from holdfast.kit import retention
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.web import message_words, sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, speaker

HERE, INBOX = "/messages", "/account/messages"
SHOWN = 100


async def ask(request: Request) -> Response:
    """``GET /messages``: the form, with a code if a link brings one; what we stand by, and what our messages come from."""
    await sessions.visitor(request)
    reported = sessions.asked(request, "reported") == "1"
    return await _page(request, _form(request, {"text": sessions.asked(request, "code", 40)}), reported=reported)


async def check(request: Request) -> Response:
    """``POST /messages``: what can be said about a text or a code. Nothing of it is kept."""
    known = await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    try:
        found = await support.checking.check(
            sessions.database(request), sessions.source(request), form.value("text"), sender=form.value("sender"),
            account_id=known.account_id if known else None,
        )  # fmt: skip
    except (InvalidInput, support.ChecksTooOften) as problem:
        return await _refused(request, form, problem)
    return await _page(request, form, found=found)


async def report(request: Request) -> Response:
    """``POST /messages/reports``: keeps the text, because somebody pressed the button."""
    await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    try:
        await support.checking.report(
            sessions.database(request), sessions.source(request), form.value("text"), sender=form.value("sender"), locale=language(request)
        )  # fmt: skip
    except (InvalidInput, support.ReportsTooOften) as problem:
        return await _refused(request, form, problem)
    return sessions.see(HERE, reported="1")


async def inbox(request: Request) -> Response:
    """``GET /account/messages``: everything we sent to whoever is signed in, the newest first."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    async with sessions.database(request).reading() as tx:
        found = await accounts.own_messages(tx, await accounts.members(tx, known.account_id))
    shown = [(one, notices.without_codes(one).split("\n")) for one in reversed(found[-SHOWN:])]
    return page(request, "traveller/messages_inbox.html", messages=shown, channels=message_words.CHANNELS)


async def _refused(request: Request, form: Form, problem: Problem) -> Response:
    """What is wrong, with everything typed still there."""
    if isinstance(problem, InvalidInput):
        form.add_found(problem.errors)
        return await _page(request, form, status=422)
    wait_s = problem.fields.get("retry_after_s")
    answer = await _page(request, form, status=problem.status, problem=problem, wait=wait_words(request, wait_s))
    if wait_s:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


async def _page(
    request: Request, form: Form, *, status: int = 200, found: notices.Checked | None = None, problem: Problem | None = None,
    wait: str = "", reported: bool = False,
) -> Response:  # fmt: skip
    stands = await sessions.database(request).read(notices.positions.standing)
    return page(
        request, "traveller/messages.html", status=status, here=HERE, form=form, found=found, problem=problem, wait=wait,
        reported=reported, positions=stands, senders=notices.senders(), message_words=message_words, show_code=notices.stamps.show,
        kept_days=retention.kept_days("reports_kept_days"),
    )  # fmt: skip


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"text": _("The message, or its code"), "sender": _("What it came from")})


routes = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, check, methods=["POST"]),
    Route(f"{HERE}/reports", report, methods=["POST"]),
    Route(INBOX, inbox, methods=["GET"]),
]
