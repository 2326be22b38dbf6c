"""The desk: an order's money taken by hand, refunds handed over, and what should be in the drawer."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders, payments
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem
from holdfast.orders import staff_lookup
from holdfast.payments import drawer, search, unapplied
from holdfast.payments.model import DESK, WANTING
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import query, speaker

from . import access, wording
from .pages import add_problem, page, read_reason

BASE = "/console/desk"
STAFF = (Role.DESK, Role.FINANCE)
UNPAID = (orders.State.HELD, orders.State.AWAITING_PAYMENT)


class Shown(NamedTuple):
    """An order at the desk. `payment` is None when nobody has begun to pay."""

    order: orders.Order
    payment: payments.PaymentView | None
    owes: bool


class Moved(NamedTuple):
    """Cash that came or went, with the order's number and who had it in hand."""

    movement: drawer.Movement
    number: str
    who: str


async def show(request: Request) -> Response:
    """``GET /console/desk``: with ``?find=`` an order by its number or by the reference of its payment."""
    await access.require(request, *STAFF)
    form = _form(request, {"find": sessions.asked(request, "find")})
    return await _page(request, form)


async def _page(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    typed, done = form.value("find"), sessions.asked(request, "done", 10)
    now = clock.now().astimezone(ZoneInfo(HOME_ZONE))
    begin = datetime.combine(now.date(), time(), now.tzinfo).astimezone(UTC)
    async with sessions.database(request).reading() as tx:
        found = await _find(tx, typed) if typed else None
        held = await drawer.day(tx, begin)
        waiting = await unapplied.at_desk(tx)
        who = await _who(tx, begin)
        subjects = [_subject(one.subject) for one in held.movements]
        numbers = await staff_lookup.numbers(tx, [one for one in (*subjects, *(r.intent_id for r in waiting)) if one])
    if typed and found is None and not form.errors:
        form.add("find", "We find no order with this number. Read it again from the ticket or the phone.")
    moved = [
        Moved(one, numbers.get(subject, "") if subject else "", who.get(_who_key(one), ""))
        for one, subject in zip(held.movements, subjects, strict=True)
    ]
    return page(
        request, "desk.html", status=422 if wrong else 404 if form.wrong else 200, here=BASE + query(find=typed), form=form, wrong=wrong, found=found,
        drawer=held, moved=moved, waiting=waiting, numbers=numbers, wording=wording, base=BASE, done=done,
    )  # fmt: skip


async def _find(tx: ReadTx, typed: str) -> Shown | None:
    """By number of the order, else by any number that a payment is known by."""
    order = await staff_lookup.numbered(tx, typed)
    if order is None:
        payments_found = await search.find(tx, search.Filters(text=typed), limit=1)
        order = await staff_lookup.of_payment(tx, payments_found.items[0].id) if payments_found.items else None
    if order is None:
        return None
    payment = await orders.payment_of(tx, order)
    wants = order.state in UNPAID if payment is None else payment.state in WANTING
    return Shown(order, payment, wants and order.row.amount_minor > 0)


async def _who(tx: ReadTx, since: datetime) -> dict[str, str]:
    """Who took or handed over what since then: names by the payment's or refund's id."""
    acts = [
        act
        for action in ("payment.at_desk", "refund.by_hand")
        for act in await accounts.trail(tx, action=action, since=since, limit=500)
    ]
    return {act.subject: act.name or act.actor for act in acts}


def _subject(subject: str) -> UUID | None:
    """The payment of ``intent:<uuid>``."""
    with suppress(ValueError):
        return UUID(subject.partition(":")[2])
    return None


def _who_key(movement: drawer.Movement) -> str:
    """Under which the audit trail keeps who moved it: the payment, or the refund in ``refund:<uuid>:given``."""
    parts = movement.key.split(":")
    return parts[1] if parts[0] == "refund" and len(parts) > 1 else movement.subject.partition(":")[2]


async def take(request: Request) -> Response:
    """``POST /console/desk/{number}/taking``: the whole sum was taken by hand."""
    seen = await access.require(request, *STAFF)
    form = _form(request, await sessions.typed(request))
    db, number = sessions.database(request), request.path_params["number"]
    async with db.reading() as tx:
        order = await staff_lookup.numbered(tx, number)
    if order is None:
        raise HTTPException(404)
    form.values["find"] = order.number
    if not form.value("taken"):
        form.add("taken", "Confirm that the whole sum is in your hand.")
    note = " ".join(form.value("note").split())[:200]
    if form.wrong:
        return await _page(request, form, "taking")
    try:
        intent_id = order.row.intent_id
        if intent_id is None:
            begun = await orders.pay(db, seen.actor, order, payments.Wish(DESK))
            intent_id = begun.intent_id
        await db.run(payments.take_at_desk, seen.actor, intent_id, note)
    except Problem as problem:
        add_problem(form, problem, "taken")
        return await _page(request, form, "taking")
    return sessions.see(BASE, find=order.number, done="taken")


async def hand_over(request: Request) -> Response:
    """``POST /console/desk/refunds/{id}/handing``: a refund of money from the drawer was put into its owner's hand."""
    seen = await access.require(request, *STAFF)
    form = _form(request, await sessions.typed(request))
    db, refund_id = sessions.database(request), sessions.id_in(request)
    await db.read(unapplied.desk_refund, refund_id)
    note, name = read_reason(form), f"handing-{refund_id}"
    if form.wrong:
        return await _page(request, form, name)
    try:
        await db.run(payments.handed_over, seen.actor, refund_id, note)
    except Problem as problem:
        add_problem(form, problem, "reason")
        return await _page(request, form, name)
    return sessions.see(BASE, done="handed")


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"find": _("Order number"), "taken": _("Confirmation"), "note": _("Note"), "reason": _("Note")}
    return Form(values, labels=labels)


routes = [
    Route(BASE, show, methods=["GET"]),
    Route(BASE + "/{number}/taking", take, methods=["POST"]),
    Route(BASE + "/refunds/{id}/handing", hand_over, methods=["POST"]),
]
