"""Payments as finance and support see them: found by any number, told whole, refunded, asked about."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders, payments
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.money import Money, parse_major
from holdfast.kit.problems import Conflict, Problem
from holdfast.orders import staff_lookup
from holdfast.payments import search, story, unapplied
from holdfast.payments.model import WANTING, RefundTooMuch
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE, money
from holdfast.web.forms import Form
from holdfast.web.render import language, query, speaker
from holdfast.web.traveller.money import said, sentences
from holdfast.web.traveller.stages import stage_of
from holdfast.web.words import SERVICES

from . import access, payment_story, wording
from .pages import add_problem, page, read_reason

BASE = "/console/payments"
PAGE = 40
FIELDS = ("q", "state", "provider", "only", "since", "until")
READERS = (Role.FINANCE, Role.SUPPORT)


class LeftMoved(Conflict):
    """What is left of this payment has changed since you opened the page."""

    safe = "Nothing was refunded by this request."
    next_step = "Look at the refunds in the story, then decide again."


class Whole(NamedTuple):
    """All that a payment's page tells."""

    story: story.Story
    view: payments.PaymentView
    order: orders.Order | None
    detail: search.Detail
    acts: list[accounts.TrailEntry]
    names: dict[str, str]


async def find(request: Request) -> Response:
    """``GET /console/payments``: newest first, a page at a time; a number of an order or payment leads straight to it."""
    await access.require(request, *READERS)
    asked = {field: sessions.asked(request, field) for field in FIELDS}
    form, before = _search_form(request, asked), sessions.read_id(sessions.asked(request, "before", 40))
    filters = _filters(form)
    async with sessions.database(request).reading() as tx:
        led, hint = await _direct(tx, request, asked["q"])
        if led is not None:
            return sessions.see(f"{BASE}/{led}")
        found = search.Page([], None) if form.wrong else await search.find(tx, filters, before=before, limit=PAGE)
        numbers = await staff_lookup.numbers(tx, [one.id for one in found.items])
    return page(
        request, "payments.html", status=422 if form.wrong else 200, form=form, found=found.items, numbers=numbers, wording=wording,
        hint=hint, narrowed=any(asked.values()), states=_options(request, wording.INTENTS), providers=_options(request, wording.PROVIDERS),
        older=BASE + query(**asked, before=found.before) if found.before else "", newest=BASE + query(**asked) if before else "",
    )  # fmt: skip


async def _direct(tx: ReadTx, request: Request, typed: str) -> tuple[UUID | None, str]:
    """The one payment that a typed number names for certain; else what there is to say about it."""
    if known := sessions.read_id(typed):
        with suppress(payments.IntentUnknown):
            return (await payments.view(tx, known)).intent_id, ""
    order = await staff_lookup.numbered(tx, typed)
    if order is None:
        return None, ""
    if order.row.intent_id is None:
        return None, speaker(request)("The order {number} is there; its payment was never begun.", number=order.number)
    return order.row.intent_id, ""


def _search_form(request: Request, asked: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(asked, labels={"q": _("Number"), "since": _("From"), "until": _("To")})


def _filters(form: Form) -> search.Filters:
    """What was asked; what is wrong with it stands in the form."""
    since, until = _day(form, "since"), _day(form, "until")
    only, state, provider = form.value("only"), form.value("state"), form.value("provider")
    return search.Filters(
        text=form.value("q"), state=state if state in wording.INTENTS else "",
        provider=provider if provider in wording.PROVIDERS else "", unknown=only == "doubt", conflicted=only == "conflicted",
        since=since, until=until + timedelta(days=1) if until else None,
    )  # fmt: skip


def _day(form: Form, field: str) -> datetime | None:
    """The begin of a typed day at home, or None with what is wrong beside the field."""
    if not (typed := form.value(field)):
        return None
    try:
        return datetime.combine(date.fromisoformat(typed), time(), ZoneInfo(HOME_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        form.add(field, "Write a day as 2026-11-23.")
        return None


def _options(request: Request, table: dict[str, Any]) -> list[tuple[str, str]]:
    _ = speaker(request)
    words = [(name, value[1] if isinstance(value, tuple) else value) for name, value in table.items()]
    return [("", _("any")), *((name, _(word)) for name, word in words)]


async def show(request: Request) -> Response:
    """``GET /console/payments/{id}``: one payment whole."""
    seen = await access.require(request, *READERS)
    return await _one(request, seen, _form(request, {"how": "all"}))


async def _one(request: Request, seen: access.Seen, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    intent_id = sessions.id_in(request)
    whole = await sessions.database(request).read(_read, intent_id)
    order, intent, left = whole.order, whole.story.intent, whole.story.left_minor
    is_live = order is not None and order.state is orders.State.CONFIRMED
    return page(
        request, "payment.html", status=422 if form.wrong else 200, here=f"{BASE}/{intent_id}", whole=whole, intent=intent,
        order=order, story=whole.story, view=whole.view, wording=wording, form=form, wrong=wrong, base=f"{BASE}/{intent_id}",
        days=payment_story.told(request, whole.story, order, whole.acts, whole.names), traveller=_traveller(request, whole),
        left=left, left_major=Money(left, intent.currency).decimal, ends_order=is_live, wants=intent.state in WANTING,
        by_hand=_to_hand_over(whole.story), attempts={one.id: one for one in whole.story.attempts},
        may_refund=seen.staff.may(Role.FINANCE), may_take=seen.staff.may(Role.FINANCE, Role.DESK),
    )  # fmt: skip


async def _read(tx: ReadTx, intent_id: UUID) -> Whole:
    found = await story.whole(tx, intent_id)
    subjects = payment_story.subjects(found)
    acts = [act for subject in subjects for act in await accounts.trail(tx, subject=subject)]
    members = await accounts.staff_members(tx)
    return Whole(
        found, await payments.view(tx, intent_id), await staff_lookup.of_payment(tx, intent_id), await search.detail(tx, intent_id),
        acts, {f"staff:{member.id}": member.name for member in members},
    )  # fmt: skip


def _traveller(request: Request, whole: Whole) -> list[str]:
    """What the payer reads now on the pages of the order: the headline first."""
    if whole.order is None:
        return []
    _ = speaker(request)
    stage = stage_of(whole.order, whole.view, clock.now())
    name = _(SERVICES.get(whole.view.provider or "", "the payment provider"))
    headline = said(_(stage.headline, provider=name, app=name))
    return [headline, *sentences(request, whole.order, whole.view, whole.detail)]


def _to_hand_over(found: story.Story) -> list[search.RefundRow]:
    """Refunds that people can bring to an end: abnormal ones, and those of money that was taken at the desk."""
    desk = {one.id for one in found.attempts if one.provider == "desk"}
    return [
        one for one in found.refunds
        if one.state == "abnormal" or (one.attempt_id in desk and one.state not in ("succeeded", "closed"))
    ]  # fmt: skip


async def refund(request: Request) -> Response:
    """``POST /console/payments/{id}/refunds``: part of it, or all that is left; with all, the order ends."""
    seen = await access.require(request, Role.FINANCE)
    form = _form(request, await sessions.typed(request))
    intent = (await sessions.database(request).read(search.detail, sessions.id_in(request))).intent
    reason, intent_id = read_reason(form), intent.id
    amount = _amount(form, intent.currency) if form.value("how") == "part" else None
    left = form.value("left")
    if form.wrong:
        return await _one(request, seen, form, "refunds")
    shown = int(left) if left.isascii() and left.isdigit() and len(left) < 18 else None
    try:
        await sessions.database(request).run(_refund, seen, intent_id, amount, shown, reason)
    except RefundTooMuch as problem:
        most = money(language(request), problem.fields["left_minor"], problem.fields["currency"])
        form.add("amount", "At most {amount} is left of this payment.", amount=most)
        return await _one(request, seen, form, "refunds")
    except Conflict as problem:
        add_problem(form, problem, "amount")
        return await _one(request, seen, form, "refunds")
    return sessions.see(f"{BASE}/{intent_id}")


async def _refund(
    tx: Tx, seen: access.Seen, intent_id: UUID, amount: int | None, shown: int | None, reason: str
) -> None:
    """LeftMoved when less is left than the page showed: a form that is sent twice counts once."""
    await orders.refund(tx, seen.actor, intent_id, amount, reason)
    after = await payments.left_minor(tx, intent_id)
    if shown is not None and after + (shown if amount is None else amount) != shown:
        raise LeftMoved


def _amount(form: Form, currency: str) -> int | None:
    """The typed sum in minor units; what is wrong with it stands in the form."""
    typed = re.sub(r"[\s,\u00a5\uffe5]", "", form.value("amount"))
    with suppress(ValueError):
        if (found := parse_major(typed, currency).amount_minor) > 0:
            return found
    form.add("amount", "Write an amount such as 20 or 20.50.")
    return None


async def ask(request: Request) -> Response:
    """``POST /console/payments/{id}/asking``: the providers are asked at once; what they say is applied as ever."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    reason, intent_id = read_reason(form), sessions.id_in(request)
    if form.wrong:
        return await _one(request, seen, form, "asking")
    try:
        await story.ask_now(sessions.database(request), seen.actor, intent_id, reason)
    except payments.IntentUnknown:
        raise
    except Problem as problem:
        add_problem(form, problem, "reason")
        return await _one(request, seen, form, "asking")
    return sessions.see(f"{BASE}/{intent_id}")


async def hand_over(request: Request) -> Response:
    """``POST /console/payments/{id}/refunds/{refund}/handing``: given by hand or bank transfer, signed for with a note."""
    seen = await access.require(request, Role.FINANCE)
    form, refund_id = _form(request, await sessions.typed(request)), sessions.id_in(request, "refund")
    note = read_reason(form)
    name = f"handing-{refund_id}"
    if form.wrong:
        return await _one(request, seen, form, name)
    try:
        await sessions.database(request).run(unapplied.by_hand, seen.actor, refund_id, note)
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _one(request, seen, form, name)
    return sessions.see(f"{BASE}/{sessions.id_in(request)}")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"amount": _("Amount"), "reason": _("Reason")})


routes = [
    Route(BASE, find, methods=["GET"]),
    Route(BASE + "/{id}", show, methods=["GET"]),
    Route(BASE + "/{id}/refunds", refund, methods=["POST"]),
    Route(BASE + "/{id}/asking", ask, methods=["POST"]),
    Route(BASE + "/{id}/refunds/{refund}/handing", hand_over, methods=["POST"]),
]
