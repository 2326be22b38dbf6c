"""After the sale: what cancelling gives back, taking travellers off, another date or time, invoices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from holdfast import orders
from holdfast.api import findings
from holdfast.api.endpoint import Call, Endpoint
from holdfast.api.problems import QueryMismatch
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput
from holdfast.orders import after_sale_model as facts
from holdfast.orders import invoices_model
from holdfast.orders import model as placing
from holdfast.payments import model as money

from . import examples
from .orders import BIGINT_MAX, OrderAnswer, answer
from .payments import PaymentAnswer, PayWish, WayList, way_list, wished
from .payments import answer as payment_answer
from .texts import Text, maybe

ORDER = "/api/v1/orders/{number}"
_SUM = msgspec.Meta(ge=0, le=BIGINT_MAX)
_SIGNED = msgspec.Meta(ge=-BIGINT_MAX, le=BIGINT_MAX)
_SEQ = Annotated[int, msgspec.Meta(ge=1, le=32767)]
_PEOPLE = msgspec.Meta(min_length=1, max_length=50)


class QuoteQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who would leave: their numbers in the order, separated by commas; nobody named means everybody."""

    travellers: Annotated[str, msgspec.Meta(max_length=300, description="such as 1,3")] = ""


class ShareAnswer(msgspec.Struct, frozen=True):
    """What one line gives back. `why`: closed by the house, free, part of it is kept, over, or a card by its own rules."""

    line_seq: int
    quantity: int
    price: Money
    kept: Money
    why: orders.Why
    free_until: datetime
    rule: Text | None
    published: bool


class QuoteAnswer(msgspec.Struct, frozen=True):
    """What cancelling gives back. Send `refund.amount_minor` as `quoted_minor` to agree. `holds_until` may be null."""

    travellers: list[int]
    whole: bool
    paid: Money
    refund: Money
    kept: Money
    holds_until: datetime | None
    shares: list[ShareAnswer]


class Cancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who leaves (left out: everybody), and the refund that was shown. Nothing paid: nothing need be sent."""

    travellers: Annotated[list[_SEQ], _PEOPLE] | None = None
    quoted_minor: Annotated[int, _SUM] | None = None


class ChangeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The slot to change to, if the sum is wanted; the one to leave, where an order has several."""

    slot_id: UUID | None = None
    from_slot_id: UUID | None = None


class ChangeQuoteAnswer(msgspec.Struct, frozen=True):
    """What a change costs. `due_minor` above zero is to be paid, below zero it goes back: send it as `quoted_minor`."""

    from_slot_id: UUID
    slot_id: UUID
    starts_at: datetime
    ends_at: datetime
    quantity: int
    old_price: Money
    new_price: Money
    fee: Money
    due_minor: int
    currency: str
    free_by_benefit: bool
    possible_until: datetime | None


class ChangeAnswer(msgspec.Struct, frozen=True):
    """A change. While it awaits payment, old and new places are both held, until `expires_at`."""

    seq: int
    state: orders.ChangeState
    from_slot_id: UUID
    slot_id: UUID
    due_minor: int
    fee: Money
    asked_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None


class ChangesAnswer(msgspec.Struct, frozen=True):
    """The changes of an order, the newest first, and what the one that was asked about costs."""

    items: list[ChangeAnswer]
    quote: ChangeQuoteAnswer | None


class NewChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, and what was agreed to pay (above zero) or to get back (below)."""

    slot_id: UUID
    quoted_minor: Annotated[int, _SIGNED]
    from_slot_id: UUID | None = None


class NewInvoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the invoice names. A company has a unified social credit code (GB 32100-2015)."""

    title: Annotated[str, msgspec.Meta(max_length=400)]
    email: Annotated[str, msgspec.Meta(max_length=320)]
    kind: Literal["person", "company"] = "person"
    code: Annotated[str, msgspec.Meta(max_length=64)] = ""


class InvoiceAnswer(msgspec.Struct, frozen=True):
    """An invoice: blue, or red with negative sums for what goes back. `number` is there once it is issued."""

    seq: int
    kind: Literal["blue", "red"]
    state: Literal["requested", "issued"]
    number: str | None
    title: str
    credit_code: str
    email_masked: str
    net_minor: int
    tax_minor: int
    total_minor: int
    currency: str
    requested_at: datetime
    issued_at: datetime | None


class InvoiceList(msgspec.Struct, frozen=True):
    """The invoices of an order, and what could be invoiced and is not."""

    items: list[InvoiceAnswer]
    open: Money


async def _order(call: Call) -> orders.Order:
    return await call.db.read(orders.require, call.session.account_id, call.path("number"))


async def quote(call: Call) -> QuoteAnswer:
    """What cancelling would give back now, and why."""
    query: QuoteQuery = call.query
    async with call.db.reading() as tx:
        order = await orders.require(tx, call.session.account_id, call.path("number"))
        return _quote(await orders.quote(tx, order, _numbers(query.travellers)))


def _numbers(text: str) -> list[int] | None:
    """``1,3`` → the numbers; None for nothing. QueryMismatch for anything else."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if any(not part.isascii() or not part.isdigit() or len(part) > 5 for part in parts):
        raise QueryMismatch(errors=[findings.finding("travellers", "SHAPE")])
    return [int(part) for part in parts] or None


def _quote(found: orders.Quote) -> QuoteAnswer:
    def sum_of(minor: int) -> Money:
        return Money(minor, found.currency)

    return QuoteAnswer(
        travellers=found.travellers,
        whole=found.whole,
        paid=sum_of(found.left_minor),
        refund=sum_of(found.refund_minor),
        kept=sum_of(found.kept_minor),
        holds_until=found.holds_until,
        shares=[
            ShareAnswer(
                share.line_seq, share.quantity, sum_of(share.price_minor), sum_of(share.kept_minor), share.why,
                share.terms.free_until, maybe(share.terms.says), share.terms.published,
            )
            for share in found.shares
        ],
    )  # fmt: skip


async def cancel(call: Call) -> OrderAnswer:
    """Cancels an order, or takes some of its travellers off; safe to repeat. Of what was paid, the quoted sum goes back."""
    body: Cancellation = call.body
    found = await _order(call)
    await orders.cancel(call.db, call.actor, found, body.travellers, body.quoted_minor)
    return answer(await _order(call))


async def change(call: Call) -> ChangesAnswer:
    """The changes of an order; with `slot_id` also what changing to that slot would cost now."""
    query: ChangeQuery = call.query
    async with call.db.reading() as tx:
        order = await orders.require(tx, call.session.account_id, call.path("number"))
        made = await orders.changes.of_order(tx, order)
        found = await orders.changes.quote(tx, order, query.slot_id, query.from_slot_id) if query.slot_id else None
    return ChangesAnswer([_change(one) for one in made], _change_quote(found) if found else None)


def _change_quote(found: orders.ChangeQuote) -> ChangeQuoteAnswer:
    return ChangeQuoteAnswer(
        from_slot_id=found.from_slot,
        slot_id=found.to_slot,
        starts_at=found.new_starts_at,
        ends_at=found.new_ends_at,
        quantity=found.quantity,
        old_price=Money(found.old_minor, found.currency),
        new_price=Money(found.new_minor, found.currency),
        fee=Money(found.fee_minor, found.currency),
        due_minor=found.due_minor,
        currency=found.currency,
        free_by_benefit=found.benefit,
        possible_until=found.holds_until,
    )


def _change(made: orders.Change) -> ChangeAnswer:
    return ChangeAnswer(
        made.seq, made.state, made.from_slot, made.to_slot, made.due_minor, Money(made.fee_minor, made.currency),
        made.asked_at, made.expires_at, made.ended_at,
    )  # fmt: skip


async def begin_change(call: Call) -> ChangeAnswer:
    """Changes to another slot of the same product; safe to repeat. What costs more is paid next, with both places held."""
    body: NewChange = call.body
    found = await _order(call)
    wish = orders.changes.Wish(body.slot_id, body.quoted_minor, body.from_slot_id)
    return _change(await orders.changes.change(call.db, call.actor, found, wish))


async def give_up_change(call: Call) -> OrderAnswer:
    """Gives up the change that waits to be paid: the visit stays as it was."""
    await orders.changes.withdraw(call.db, call.actor, await _order(call))
    return answer(await _order(call))


async def pay_change(call: Call) -> PaymentAnswer:
    """Starts the payment of the difference, finds the one under way, or goes over to another way; safe to repeat."""
    wish, found = wished(call), await _order(call)
    view = await orders.changes.pay(call.db, call.actor, found, wish)
    made = next(one for one in await call.db.read(orders.changes.of_order, found) if one.intent_id == view.intent_id)
    return await payment_answer(Money(made.due_minor, made.currency), view)


async def ways_of_change(call: Call) -> WayList:
    """The ways to pay the difference of the change under way, the best first; those that rest too, with the reason."""
    under_way = await call.db.read(orders.changes.under_way, await _order(call))
    return way_list(await orders.changes.ways(call.db, under_way), may_promise=False)


async def invoices(call: Call) -> InvoiceList:
    """The invoices of an order."""
    async with call.db.reading() as tx:
        order = await orders.require(tx, call.session.account_id, call.path("number"))
        made = await orders.invoices.of_order(tx, order)
        left = await orders.invoices.open_minor(tx, order)
    return InvoiceList([_invoice(one) for one in made], Money(max(left, 0), order.row.currency))


async def ask_invoice(call: Call) -> InvoiceAnswer:
    """Asks for an invoice over all that is not invoiced yet; safe to repeat with the same buyer. It comes by e-mail."""
    body: NewInvoice = call.body
    found = await _order(call)
    buyer = orders.invoices.check_buyer(body.kind, body.title, body.code, body.email)
    return _invoice(await call.db.run(orders.invoices.request, call.actor, found, buyer))


def _invoice(one: orders.invoices.Invoice) -> InvoiceAnswer:
    return InvoiceAnswer(
        one.seq, one.kind, one.state, one.number, one.buyer_title, one.buyer_code, one.email_masked, one.net_minor,
        one.tax_minor, one.total_minor, one.currency, one.requested_at, one.issued_at,
    )  # fmt: skip


_SLOT = "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47"
_OF_THE_SLOT = (
    placing.SlotUnknown, placing.SlotFull, placing.SlotClosed, placing.NotYetOnSale, placing.SaleOver, placing.SaleUnconfirmed,
    placing.PriceUnknown,
    placing.MixedCurrencies, placing.TooManyThatDay, placing.DocumentAlreadyBooked, facts.NotChangeable,
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path=f"{ORDER}/cancellation", name="cancellation", summary="What cancelling gives back",
        who="traveller", query=QuoteQuery, answer=QuoteAnswer, problems=(placing.OrderUnknown, facts.TravellersUnknown),
        handler=quote,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/cancellation", name="cancellation", summary="Cancel an order, or take travellers off",
        who="traveller", body=Cancellation, body_optional=True, answer=OrderAnswer,
        problems=(
            placing.OrderUnknown, placing.NotCancellable, placing.PaymentInDoubt, facts.QuoteChanged, facts.PartNotPossible,
            facts.TravellersUnknown, money.ChannelUnavailable,
        ),
        handler=cancel, example={"travellers": [1], "quoted_minor": 0},
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/change", name="change", summary="Changes, and what one would cost", who="traveller",
        query=ChangeQuery, answer=ChangesAnswer, problems=(placing.OrderUnknown, *_OF_THE_SLOT), handler=change,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/change", name="change", summary="Change to another date or time", who="traveller",
        body=NewChange, answer=ChangeAnswer,
        problems=(placing.OrderUnknown, facts.QuoteChanged, facts.ChangeUnderWay, *_OF_THE_SLOT), handler=begin_change,
        example={"slot_id": _SLOT, "quoted_minor": 3000},
    ),
    Endpoint(
        method="DELETE", path=f"{ORDER}/change", name="change", summary="Give up the change that waits to be paid",
        who="traveller", answer=OrderAnswer,
        problems=(
            placing.OrderUnknown, facts.ChangeUnknown, facts.NotChangeable, placing.PaymentInDoubt, money.ChannelUnavailable,
        ),
        handler=give_up_change,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/change/payment", name="change-payment",
        summary="Pay the difference of a change, or go over to another way", who="traveller",
        body=PayWish, body_optional=True, answer=PaymentAnswer,
        problems=(
            placing.OrderUnknown, facts.ChangeUnknown, placing.NotPayable, money.StillChecking, money.ChannelResting,
            money.ChannelUnknown, money.ChannelUnavailable, InvalidInput,
        ),
        handler=pay_change, example=examples.PAYMENT,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/change/payment/ways", name="change-payment-ways",
        summary="The ways to pay the difference, and how each of them is", who="traveller", answer=WayList,
        problems=(placing.OrderUnknown, facts.ChangeUnknown), handler=ways_of_change,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/invoices", name="invoices", summary="The invoices of an order", who="traveller",
        answer=InvoiceList, problems=(placing.OrderUnknown,), handler=invoices,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/invoices", name="invoices", summary="Ask for an invoice", who="traveller",
        body=NewInvoice, answer=InvoiceAnswer,
        problems=(placing.OrderUnknown, invoices_model.NothingToInvoice, invoices_model.InvoiceExists, InvalidInput),
        handler=ask_invoice,
        example={"kind": "person", "title": "张三", "email": "zhangsan@example.com"},
    ),
)  # fmt: skip
