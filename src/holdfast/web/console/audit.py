"""The audit trail, searched: who did what to what, when and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import Role
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import query, speaker

from . import access
from .pages import page

PAGE = 50
FIELDS = ("actor", "action", "subject", "since", "until")


async def search(request: Request) -> Response:
    """``GET /console/audit``: newest first, a page at a time; every search is an address that can be kept."""
    await access.require(request, Role.ENGINEER, Role.FINANCE)
    _ = speaker(request)
    asked = {field: sessions.asked(request, field) for field in FIELDS}
    form = Form(asked, labels={"since": _("From"), "until": _("To")})
    since, until = _day(form, "since"), _day(form, "until")
    before = sessions.asked(request, "before", 18)
    found = await sessions.database(request).read(
        accounts.trail, actor=asked["actor"], action=asked["action"], subject=asked["subject"], since=since,
        until=until + timedelta(days=1) if until else None,
        before=int(before) if before.isascii() and before.isdigit() else None, limit=PAGE + 1,
    )  # fmt: skip
    shown = found[:PAGE]
    older = "/console/audit" + query(**asked, before=shown[-1].id) if len(found) > PAGE else ""
    newest = "/console/audit" + query(**asked) if before else ""
    return page(
        request, "audit.html", status=422 if form.wrong else 200, form=form, entries=shown, older=older, newest=newest,
        narrowed=any(asked.values()),
    )  # fmt: skip


def _day(form: Form, field: str) -> datetime | None:
    """The begin of a typed day at home, or None with what is wrong beside the field."""
    typed = form.value(field)
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
        return datetime.combine(day, time(), ZoneInfo(HOME_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        form.add(field, "Write a day as 2026-11-23.")
        return None


routes = [Route("/console/audit", search, methods=["GET"])]
