"""Outgoing webhooks as engineers see them: who is told what, how it fares, every delivery with its attempts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import notices
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict
from holdfast.web import charts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, query, speaker

from . import access
from .pages import add_problem, page, read_reason

PAGE = 20
STATES = {
    "active": ("ok", "active"),
    "failing": ("bad", "failing"),
    "paused": ("warn", "paused"),
    "ended": ("", "ended"),
    "waiting": ("warn", "waiting"),
    "delivered": ("ok", "delivered"),
    "failed": ("bad", "given up"),
}
"""A subscription's or a delivery's state → the badge's tone and an English word."""
TROUBLES = {
    "timeout": "no answer within 15 seconds",
    "connect-timeout": "no connection in time",
    "connect-failed": "no connection",
    "connection-lost": "the connection was lost",
    "redirect-refused": "answered with a redirect, which we do not follow",
    "private-address": "the name leads into a private network",
    "unresolvable": "the name cannot be found",
    "plain-http": "only https is told",
}
"""Why an attempt got no answer that counts."""
GOOD, FAIR = 9900, 9000
"""Basis points delivered from which the meter is green, or still yellow."""


async def subscriptions(request: Request) -> Response:
    """``GET /console/webhooks``: every subscription with its health, and the form for a new one."""
    await access.require(request, Role.ENGINEER)
    return await _list(request, _form(request, {}))


async def _list(request: Request, form: Form) -> Response:
    ended = bool(sessions.asked(request, "ended"))
    async with sessions.database(request).reading() as tx:
        found = await notices.subscriptions.listed(tx, ended=ended)
        health = await notices.subscriptions.health(tx)
    meters = {one: _meter(request, fares) for one, fares in health.items()}
    return page(
        request, "webhooks.html", status=422 if form.wrong else 200, here="/console/webhooks", found=found, health=health,
        meters=meters, form=form, kinds=notices.EVENTS, states=STATES, ended=ended,
    )  # fmt: skip


async def add(request: Request) -> Response:
    """``POST /console/webhooks``: a new subscription; its secret is shown once."""
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    events = [kind for kind in notices.EVENTS if form.value(f"event.{kind}")]
    try:
        added = await notices.subscriptions.add(
            sessions.database(request), seen.actor, form.value("url"), events, description=form.value("description"),
            contact=form.value("contact"), locale=language(request),
        )  # fmt: skip
    except notices.SubscriptionInvalid as problem:
        add_problem(form, problem)
        return await _list(request, form)
    except Conflict as problem:
        add_problem(form, problem, "url")
        return await _list(request, form)
    return _secret_page(request, added.id, added.secret, fresh=True)


def _secret_page(request: Request, subscription_id: UUID, secret: str, *, fresh: bool) -> Response:
    return page(
        request, "webhooks_secret.html", here=f"/console/webhooks/{subscription_id}", id=subscription_id, secret=secret,
        fresh=fresh,
    )  # fmt: skip


async def subscription(request: Request) -> Response:
    """``GET /console/webhooks/{id}``: one subscription, what can be done with it, and its deliveries."""
    await access.require(request, Role.ENGINEER)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    found_id, state, before = (
        sessions.id_in(request),
        sessions.asked(request, "state", 20),
        sessions.asked(request, "before", 18),
    )
    state = state if state in STATES else ""
    async with sessions.database(request).reading() as tx:
        found = await notices.subscriptions.require(tx, found_id)
        health = (await notices.subscriptions.health(tx)).get(found_id)
        rows = await notices.webhooks.deliveries(
            tx, found_id, before=int(before) if before.isascii() and before.isdigit() else None, state=state or None,
            limit=PAGE + 1,
        )  # fmt: skip
    base = f"/console/webhooks/{found_id}"
    return page(
        request, "webhooks_one.html", status=422 if form.wrong else 200, here=base, one=found, health=health,
        meter=_meter(request, health) if health else "", rows=rows[:PAGE], form=form, wrong=wrong, states=STATES,
        troubles=TROUBLES, chosen=state, base=base,
        older=base + query(state=state, before=rows[PAGE - 1].id) if len(rows) > PAGE else "",
        newest=base + query(state=state) if before else "",
    )  # fmt: skip


def _meter(request: Request, health: notices.Health) -> Markup | str:
    """The share of the last hour as a picture; nothing when nothing was tried."""
    share = health.share_bp
    if share is None:
        return ""
    tone = "ok" if share >= GOOD else "warn" if share >= FAIR else "bad"
    title = speaker(request)("Delivered in the last hour")
    return charts.meter(health.delivered, health.tried, title=title, locale=language(request), tone=tone)


async def pause(request: Request) -> Response:
    """``POST /console/webhooks/{id}/pausing``: nothing more is sent until it is resumed."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "pausing")
    await sessions.database(request).run(notices.subscriptions.pause, seen.actor, sessions.id_in(request), reason)
    return sessions.see(f"/console/webhooks/{sessions.id_in(request)}")


async def resume(request: Request) -> Response:
    """``POST /console/webhooks/{id}/resuming``: goes on, with what happened meanwhile unless it is left out."""
    seen = await access.require(request, Role.ENGINEER)
    catch_up = not (await sessions.typed(request)).get("skip")
    await sessions.database(request).run(
        notices.subscriptions.resume, seen.actor, sessions.id_in(request), catch_up=catch_up
    )
    return sessions.see(f"/console/webhooks/{sessions.id_in(request)}")


async def rotate(request: Request) -> Response:
    """``POST /console/webhooks/{id}/secret``: a new secret, shown once; a leaked one ends at once."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "secret")
    overlap = timedelta(0) if form.value("leaked") else notices.subscriptions.OVERLAP
    secret = await sessions.database(request).run(
        notices.subscriptions.rotate, seen.actor, sessions.id_in(request), overlap=overlap, reason=reason
    )
    return _secret_page(request, sessions.id_in(request), secret, fresh=False)


async def end(request: Request) -> Response:
    """``POST /console/webhooks/{id}/ending``: for good."""
    seen, form, reason = await _with_reason(request)
    if form.wrong:
        return await _one(request, form, "ending")
    await sessions.database(request).run(notices.subscriptions.end, seen.actor, sessions.id_in(request), reason)
    return sessions.see(f"/console/webhooks/{sessions.id_in(request)}")


async def test(request: Request) -> Response:
    """``POST /console/webhooks/{id}/test``: sends a test now; what came of it stands on the page of its delivery."""
    seen = await access.require(request, Role.ENGINEER)
    tested = await notices.webhooks.test(sessions.database(request), seen.actor, sessions.id_in(request))
    return sessions.see(f"/console/webhooks/deliveries/{tested.delivery_id}")


async def delivery(request: Request) -> Response:
    """``GET /console/webhooks/deliveries/{number}``: one delivery, every attempt, and what is sent."""
    await access.require(request, Role.ENGINEER)
    number = _number(request)
    async with sessions.database(request).reading() as tx:
        found = await notices.webhooks.require(tx, number)
        attempts = await notices.webhooks.attempts(tx, number)
        one = await notices.subscriptions.require(tx, found.subscription_id)
        body = await notices.webhooks.body(tx, found.event_id)
    return page(
        request, "webhooks_delivery.html", delivery=found, attempts=attempts, one=one, states=STATES, troubles=TROUBLES,
        body=body, message_id=notices.message_id(found.event_id),
    )  # fmt: skip


async def resend(request: Request) -> Response:
    """``POST /console/webhooks/deliveries/{number}/resending``: the same event under the same id, by the worker."""
    seen = await access.require(request, Role.ENGINEER)
    await sessions.database(request).run(notices.webhooks.resend, seen.actor, _number(request))
    return sessions.see(f"/console/webhooks/deliveries/{_number(request)}")


async def _with_reason(request: Request) -> tuple[access.Seen, Form, str]:
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    return seen, form, read_reason(form)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"url": _("Address"), "events": _("Events"), "contact": _("Phone to warn"), "reason": _("Reason")}
    return Form(values, labels=labels)


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise HTTPException(404)


routes = [
    Route("/console/webhooks", subscriptions, methods=["GET"]),
    Route("/console/webhooks", add, methods=["POST"]),
    Route("/console/webhooks/{id}", subscription, methods=["GET"]),
    Route("/console/webhooks/{id}/pausing", pause, methods=["POST"]),
    Route("/console/webhooks/{id}/resuming", resume, methods=["POST"]),
    Route("/console/webhooks/{id}/secret", rotate, methods=["POST"]),
    Route("/console/webhooks/{id}/test", test, methods=["POST"]),
    Route("/console/webhooks/{id}/ending", end, methods=["POST"]),
    Route("/console/webhooks/deliveries/{number}", delivery, methods=["GET"]),
    Route("/console/webhooks/deliveries/{number}/resending", resend, methods=["POST"]),
]
