"""Payments: of an order, for its traveller; and all of them, for programs of staff."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from holdfast import orders, payments
from holdfast.api import findings
from holdfast.api.endpoint import Call
from holdfast.api.problems import QueryMismatch
from holdfast.kit import i18n, settings
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput
from holdfast.payments import cards, search

from . import orders as order_answers
from .refunds import RefundDetail, identified, refund_detail
from .texts import Text

LIST_PATH = "/api/v1/payments"
State = Literal["open", "deferred", "paid", "expired", "cancelled"]
Provider = Literal["wechatpay", "alipay", "stripe", "desk"]


class RefundAnswer(msgspec.Struct, frozen=True):
    """Money on its way back."""

    amount: Money
    state: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


class PaymentAnswer(msgspec.Struct, frozen=True):
    """Where the payment stands. `in_doubt`: the provider has not said yet whether money came; places stay held.

    As long as it can be paid: `code_url` is what the payer's app scans, `pay_url` where the payer's browser goes,
    `client_secret` and `publishable_key` what the card service's own script needs. `due_at`: the order is confirmed on
    the promise to pay until then. `says` is what to tell a payer who waits in doubt.
    """

    state: Literal["not_started", "open", "deferred", "paid", "expired", "cancelled"]
    amount: Money
    in_doubt: bool = False
    says: Text | None = None
    provider: str | None = None
    method: str | None = None
    attempt_state: str | None = None
    code_url: str | None = None
    pay_url: str | None = None
    client_secret: str | None = None
    publishable_key: str | None = None
    error_code: str | None = None
    started_at: datetime | None = None
    expires_at: datetime | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    refunds: list[RefundAnswer] = []


class PayWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to pay; left out, the best way there is. `GET …/payment/ways` lists what is offered.

    `insist`: pay this way although another payment may still arrive; possible 20 seconds after that was begun. If both
    arrive, one goes back by itself. `return_url`: where the payer's browser comes back to.
    """

    provider: Annotated[str, msgspec.Meta(max_length=40)] = ""
    method: Annotated[str, msgspec.Meta(max_length=40)] = ""
    insist: bool = False
    return_url: Annotated[str, msgspec.Meta(max_length=500, extra_json_schema={"format": "uri"})] | None = None


class WayAnswer(msgspec.Struct, frozen=True):
    """One way to pay. Not offered: `reason` says why in a word, `since` when that began. `least_bad`: nothing answers
    as it should, and this fails least."""

    provider: str
    method: str
    state: Literal["healthy", "degraded", "returning", "down", "off"]
    offered: bool
    reason: str
    since: datetime | None
    least_bad: bool


class WayList(msgspec.Struct, frozen=True):
    """The ways to pay an order, the best first. `may_promise`: it can be confirmed now and paid later."""

    items: list[WayAnswer]
    may_promise: bool


class PaymentsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payments, and which page of them. `to` is not part of the time asked for."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=40, description="from the last answer's next link")] = ""
    state: State | None = None
    provider: Provider | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = msgspec.field(default=None, name="from")
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = msgspec.field(default=None, name="to")
    merchant_ref: Annotated[str, msgspec.Meta(max_length=64, description="our number of an attempt")] = ""
    reference: Annotated[str, msgspec.Meta(max_length=100, description="what is paid for, such as order:<id>")] = ""


class PaymentBrief(msgspec.Struct, frozen=True):
    """A payment in a list. The attempt shown is the one that won, else the newest. `refunding`: not final yet."""

    id: UUID
    reference: str
    description: str
    amount: Money
    state: State
    in_doubt: bool
    conflicted: bool
    provider: str | None
    method: str | None
    attempt_state: str | None
    merchant_ref: str | None
    provider_txn: str | None
    refunded: Money
    refunding: Money
    created_at: datetime
    expires_at: datetime
    due_at: datetime | None
    paid_at: datetime | None


class PaymentPage(msgspec.Struct, frozen=True):
    """A page of payments, newest first, and the address of the next one."""

    items: list[PaymentBrief]
    next: str | None


class AttemptAnswer(msgspec.Struct, frozen=True):
    """One try through one provider. `role`: winner, duplicate, late or conflicted, of money that came."""

    id: UUID
    provider: str
    method: str
    adapter_version: str
    merchant_ref: str
    state: str
    role: str | None
    provider_txn: str | None
    paid: Money | None
    paid_at: datetime | None
    error_code: str | None
    created_at: datetime
    expires_at: datetime
    abandoned_at: datetime | None


class PaymentDetail(msgspec.Struct, frozen=True):
    """A payment with all that happened to it, oldest first."""

    id: UUID
    reference: str
    description: str
    amount: Money
    state: State
    conflicted: bool
    created_at: datetime
    expires_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    attempts: list[AttemptAnswer]
    refunds: list[RefundDetail]


async def payment(call: Call) -> PaymentAnswer:
    """How the payment of an order stands. Asking makes a doubt more urgent: the provider is asked for it sooner."""
    async with call.db.reading() as tx:
        order = await orders.require(tx, call.session.account_id, call.path("number"))
        view = await orders.payment_of(tx, order)
    if view is not None:
        await call.db.run(payments.look, view.intent_id)
    if view is None:
        return PaymentAnswer("not_started", order.total, expires_at=order.row.expires_at)
    return await answer(order.total, view)


async def pay(call: Call) -> PaymentAnswer:
    """Starts the payment of an order, finds the one under way, or goes over to another way; safe to repeat.

    Another way than the one under way is begun only when that is closed at its provider.
    """
    wish = wished(call)
    order = await call.db.read(orders.require, call.session.account_id, call.path("number"))
    return await answer(order.total, await orders.pay(call.db, call.actor, order, wish))


def wished(call: Call) -> payments.Wish:
    """The `PayWish` of a request's body. InvalidInput for an address that is none."""
    wish: PayWish = call.body
    return payments.Wish(
        provider=wish.provider,
        method=wish.method,
        insist=wish.insist,
        return_url=_checked(wish.return_url),
        payer_ip=call.source,
    )


async def ways(call: Call) -> WayList:
    """The ways to pay an order, the best first; those that rest too, with the reason."""
    order = await call.db.read(orders.require, call.session.account_id, call.path("number"))
    offers = await orders.ways(call.db, order)
    return way_list(offers, may_promise=await orders.may_promise(call.db, order) == "")


def way_list(offers: list[payments.Offer], *, may_promise: bool) -> WayList:
    """The answer that lists ways to pay."""
    return WayList(
        [
            WayAnswer(o.provider, o.method, o.state, o.offered, o.reason, o.since, o.least_bad)  # type: ignore[arg-type]
            for o in offers
        ],
        may_promise,
    )


async def promise(call: Call) -> order_answers.OrderAnswer:
    """Confirms an order now, to be paid at the gate or within a day; only when no way to pay answers, within limits."""
    account_id, number = call.session.account_id, call.path("number")
    await orders.promise(call.db, call.actor, await call.db.read(orders.require, account_id, number))
    return order_answers.answer(await call.db.read(orders.require, account_id, number))


async def found(call: Call) -> PaymentPage:
    """Payments that fit all filters, newest first."""
    query: PaymentsQuery = call.query
    filters = search.Filters(
        state=query.state or "",
        provider=query.provider or "",
        merchant_ref=query.merchant_ref.strip(),
        reference=query.reference.strip(),
        since=query.since,
        until=query.until,
    )
    before = _read_cursor(query.cursor) if query.cursor else None
    page = await call.db.read(search.find, filters, before=before, limit=query.limit)
    following = None
    if page.before is not None:
        asked = {name: value for name, value in msgspec.to_builtins(query).items() if value not in (None, "")}
        following = f"{LIST_PATH}?" + urlencode(asked | {"cursor": page.before.hex})
    return PaymentPage([_brief(one) for one in page.items], following)


async def detail(call: Call) -> PaymentDetail:
    """One payment with its attempts and refunds."""
    payment_id = identified(call.path("payment_id"), payments.IntentUnknown)
    async with call.db.reading() as tx:
        whole = await search.detail(tx, payment_id)
        refunds = [refund_detail(await search.refund(tx, one.id)) for one in whole.refunds]
    intent = whole.intent
    return PaymentDetail(
        id=intent.id,
        reference=intent.reference,
        description=intent.description,
        amount=Money(intent.amount_minor, intent.currency),
        state=intent.state.value,
        conflicted=intent.conflicted,
        created_at=intent.created_at,
        expires_at=intent.payable_until,
        due_at=intent.due_at,
        paid_at=intent.paid_at,
        attempts=[_attempt(one) for one in whole.attempts],
        refunds=refunds,
    )


def _checked(return_url: str | None) -> str | None:
    """A web address; outside production also one without TLS."""
    allowed = ("https://",) if settings.current().is_production else ("https://", "http://")
    if return_url and not return_url.startswith(allowed):
        raise InvalidInput(errors=[findings.finding("return_url", "SHAPE")])
    return return_url or None


def _read_cursor(cursor: str) -> UUID:
    """The payment a cursor stands for. QueryMismatch for one that we did not make."""
    try:
        return UUID(hex=cursor)
    except ValueError as error:
        raise QueryMismatch(errors=[findings.finding("cursor", "CURSOR")]) from error


async def answer(amount: Money, view: payments.PaymentView) -> PaymentAnswer:
    """How a payment stands, with what its payer needs."""
    form = await cards.card_form(view)
    return PaymentAnswer(
        state=view.state.value,
        amount=amount,
        in_doubt=view.in_doubt,
        says=Text(**_doubt()) if view.in_doubt else None,
        provider=view.provider,
        method=view.method,
        attempt_state=view.attempt_state,
        code_url=view.code_url,
        pay_url=view.pay_url,
        client_secret=view.client_secret,
        publishable_key=form.publishable_key if form else None,
        error_code=view.error_code,
        started_at=view.started_at,
        expires_at=view.expires_at,
        due_at=view.due_at,
        paid_at=view.paid_at,
        refunds=[
            RefundAnswer(Money(one.amount_minor, one.currency), one.state, one.reason, one.created_at, one.finished_at)
            for one in view.refunds
        ],
    )


def _doubt() -> dict[str, str]:
    """What to tell somebody whose payment is in doubt, in both languages."""
    said = [i18n.both(sentence) for sentence in (payments.StillChecking.title, payments.StillChecking.safe)]
    return {"zh": "".join(one["zh"] for one in said), "en": " ".join(one["en"] for one in said)}


def _brief(one: search.Found) -> PaymentBrief:
    return PaymentBrief(
        id=one.id,
        reference=one.reference,
        description=one.description,
        amount=Money(one.amount_minor, one.currency),
        state=one.state,  # type: ignore[arg-type]
        in_doubt=one.in_doubt,
        conflicted=one.conflicted,
        provider=one.provider,
        method=one.method,
        attempt_state=one.attempt_state,
        merchant_ref=one.merchant_ref,
        provider_txn=one.provider_txn,
        refunded=Money(one.refunded_minor, one.currency),
        refunding=Money(one.refunding_minor, one.currency),
        created_at=one.created_at,
        expires_at=one.expires_at,
        due_at=one.due_at,
        paid_at=one.paid_at,
    )


def _attempt(one: search.Attempt) -> AttemptAnswer:
    paid = None if one.paid_minor is None else Money(one.paid_minor, one.paid_currency or one.currency)
    return AttemptAnswer(
        id=one.id,
        provider=one.provider,
        method=one.method,
        adapter_version=one.adapter_version,
        merchant_ref=one.merchant_ref,
        state=one.state,
        role=one.role,
        provider_txn=one.provider_txn,
        paid=paid,
        paid_at=one.paid_at,
        error_code=one.error_code,
        created_at=one.created_at,
        expires_at=one.expires_at,
        abandoned_at=one.abandoned_at,
    )
