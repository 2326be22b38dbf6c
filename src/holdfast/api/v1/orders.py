"""Orders: placing (the hot path), the list, one order, cancellation, and finding one without signing in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import orders
from holdfast.api import findings
from holdfast.api.endpoint import Answered, Call
from holdfast.api.problems import QueryMismatch
from holdfast.kit.i18n import Locale
from holdfast.kit.money import Money
from holdfast.kit.problems import Problem
from holdfast.orders import discounts, offers
from holdfast.orders import model as facts

from . import alternatives
from .texts import Text, text

LIST_PATH = "/api/v1/orders"
BIGINT_MAX = 2**63 - 1
_ONE_TO_TEN = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 10})


class NewTraveller(orders.TravellerInput, frozen=True, forbid_unknown_fields=True):
    """A person as on their document."""


class NewLine(orders.BasketLine, frozen=True, forbid_unknown_fields=True):
    """So many tickets of one price in one slot. `quoted_minor`: the unit price that was shown, if one was."""

    price_id: Annotated[str, msgspec.Meta(min_length=1, max_length=95)]
    quantity: Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": 50})]
    travellers: list[NewTraveller] = []  # type: ignore[assignment]  # noqa: RUF012 - a frozen Struct copies it
    quoted_minor: Annotated[int, msgspec.Meta(ge=0, le=BIGINT_MAX)] | None = None


class NewOrder(orders.Basket, frozen=True, forbid_unknown_fields=True):
    """What is wanted, all or nothing, the phone that gets the messages, and their language."""

    lines: Annotated[list[NewLine], _ONE_TO_TEN]  # type: ignore[assignment]
    phone: str
    locale: Locale = "zh"


class QuoteLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many tickets of one price in one slot."""

    slot_id: UUID
    price_id: Annotated[str, msgspec.Meta(min_length=1, max_length=95)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=50)]


class QuoteWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What would be booked, and the code that would be typed."""

    lines: Annotated[list[QuoteLine], msgspec.Meta(min_length=1, max_length=10)]
    code: Annotated[str, msgspec.Meta(max_length=offers.CODE_MAX)] = ""
    locale: Locale = "zh"


class QuotedDiscount(msgspec.Struct, frozen=True):
    """What a campaign would take off, or give with it; `amount` is 0 for a benefit that is no money."""

    label: Text
    amount: Money
    campaign: str
    reason: Text
    code: str | None
    benefit: str | None


class QuoteAnswer(msgspec.Struct, frozen=True):
    """The list price, what is to be paid, and all that makes the difference."""

    list_price: Money
    total: Money
    discounts: list[QuotedDiscount]


class OrderPlaced(msgspec.Struct, frozen=True):
    """The answer to a booking, the same for every repetition. A free order is confirmed at once: no `expires_at`."""

    number: str
    state: orders.State
    total: Money
    expires_at: datetime | None


class LineAnswer(msgspec.Struct, frozen=True):
    """A line of an order. Moments carry the venue's offset."""

    seq: int
    slot_id: UUID
    venue_id: str
    venue_name: Text
    product_name: Text
    ticket_name: Text
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    quantity: int
    unit_price: Money
    discount: Money
    """What campaigns took off the line, all tickets together: it costs quantity × unit_price − discount."""


class DiscountAnswer(msgspec.Struct, frozen=True):
    """What a campaign took off the order, or gave with it, as the order stands. `amount` is 0 for a benefit that is no money.

    `reason`: why it was given, from what was true when it was; None where the order is redacted. `corrected`: the label that was shown
    at first named a wrong payer. What was granted stays granted.
    """

    label: Text
    amount: Money
    campaign: str
    version: int
    reason: Text | None
    code: str | None
    benefit: str | None
    corrected: bool


class TravellerAnswer(msgspec.Struct, frozen=True):
    """A traveller, masked."""

    seq: int
    line_seq: int
    name_masked: str
    document_type: str
    document_masked: str


class EventAnswer(msgspec.Struct, frozen=True):
    """One thing that happened to an order."""

    seq: int
    kind: str
    at: datetime


class OrderBrief(msgspec.Struct, frozen=True):
    """An order in a list."""

    number: str
    state: orders.State
    total: Money
    placed_at: datetime
    expires_at: datetime | None
    lines: list[LineAnswer]


class OrderAnswer(msgspec.Struct, frozen=True):
    """An order with its story. A redacted one shows state, dates and money, but no people."""

    number: str
    state: orders.State
    total: Money
    phone_masked: str
    placed_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    lines: list[LineAnswer]
    travellers: list[TravellerAnswer]
    events: list[EventAnswer]
    redacted: bool
    discounts: list[DiscountAnswer]


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=40, description="from the last answer's next link")] = ""


class OrderPage(msgspec.Struct, frozen=True):
    """A page of orders, newest first, and the address of the next one."""

    items: list[OrderBrief]
    next: str | None


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What finds an order without signing in."""

    number: Annotated[str, msgspec.Meta(max_length=64)]
    phone: str


async def place(call: Call) -> Answered:
    """Books all lines or none. Repeating the request under its key gives the same answer.

    A slot that is full or closed is refused with ``alternatives``: other times, days and venues nearby with places for the party.
    """
    body: NewOrder = call.body
    if body.code and len(body.code) <= offers.CODE_MAX:
        code = await offers.read_code(call.db, body.code, call.source)
        body = msgspec.structs.replace(body, code=code)
    prepared = orders.prepare(
        account_id=call.session.account_id,
        key=call.key,
        basket=body,
        locale=body.locale,
        channel="api",
        actor=call.actor,
    )
    try:
        placed: orders.Placed = await call.state.place(prepared)
    except Problem as problem:
        await alternatives.add(call.db, problem, body.lines)
        raise
    return Answered(
        OrderPlaced(placed.number, placed.state, Money(placed.amount_minor, placed.currency), placed.expires_at),
        [(b"location", b"/api/v1/orders/" + placed.number.encode())],
    )


async def quote(call: Call) -> QuoteAnswer:
    """What a basket costs now, with everything that campaigns take off it. Send `total.amount_minor` as `quoted_total_minor`."""
    body: QuoteWish = call.body
    code = await offers.read_code(call.db, body.code, call.source) if body.code else ""
    wishes = [offers.Wish(line.slot_id, line.price_id, line.quantity) for line in body.lines]
    async with call.db.reading() as tx:
        quoted = await offers.quote(tx, call.session.account_id, wishes, channel="api", locale=body.locale, code=code)
        says = await discounts.sentences(tx, [grant.version_id for grant in quoted.priced.grants])
    if quoted.missing:
        raise facts.PriceUnknown(price_id=quoted.missing[0].price_id)
    if code and not any(grant.code for grant in quoted.priced.grants):
        raise offers.CodeRefused(code=code)
    return QuoteAnswer(
        Money(quoted.priced.list_minor, quoted.currency), Money(quoted.priced.total_minor, quoted.currency),
        [
            QuotedDiscount(
                text(grant.label), Money(grant.amount_minor, quoted.currency), grant.campaign_id,
                text(discounts.reason(grant.trace, says.get(grant.version_id), grant.code)), grant.code,
                str(grant.gift["benefit"]) if grant.gift else None,
            )
            for grant in quoted.priced.grants
        ],
    )  # fmt: skip


async def mine(call: Call) -> OrderPage:
    """The orders of the person who is signed in."""
    query: OrdersQuery = call.query
    before = _read_cursor(query.cursor) if query.cursor else None
    async with call.db.reading() as tx:
        found = await orders.mine(tx, call.session.account_id, limit=query.limit + 1, before=before)
    following = None
    if len(found) > query.limit:
        found = found[: query.limit]
        following = f"{LIST_PATH}?" + urlencode({"limit": query.limit, "cursor": found[-1].row.id.hex})
    return OrderPage([_brief(order) for order in found], following)


async def order(call: Call) -> OrderAnswer:
    """One order of the person who is signed in."""
    return answer(await call.db.read(orders.require, call.session.account_id, call.path("number")))


async def look_up(call: Call) -> OrderAnswer:
    """An order by its number and phone, redacted."""
    body: Lookup = call.body
    return answer(await orders.look_up(call.db, body.number, findings.phone(body.phone), call.source))


def answer(order: orders.Order) -> OrderAnswer:
    """An order as the API shows it."""
    return OrderAnswer(
        number=order.number,
        state=order.state,
        total=order.total,
        phone_masked=order.row.phone_masked,
        placed_at=order.row.placed_at,
        expires_at=order.row.expires_at,
        confirmed_at=order.row.confirmed_at,
        lines=_lines(order),
        travellers=[
            TravellerAnswer(
                person.seq, person.line_seq, person.name_masked, person.document_type, person.document_masked
            )
            for person in order.travellers
        ],
        events=[EventAnswer(event.seq, event.kind, event.at) for event in order.events],
        redacted=order.redacted,
        discounts=[
            DiscountAnswer(
                text(one.label), Money(one.amount_minor, one.currency), one.campaign_id, one.version,
                text(one.reason) if one.reason else None, one.code, str(one.gift["benefit"]) if one.gift else None, one.corrected,
            )
            for one in order.discounts
        ],
    )  # fmt: skip


def _brief(order: orders.Order) -> OrderBrief:
    row = order.row
    return OrderBrief(row.number, row.state, order.total, row.placed_at, row.expires_at, _lines(order))


def _lines(order: orders.Order) -> list[LineAnswer]:
    return [
        LineAnswer(
            seq=line.seq,
            slot_id=line.slot_id,
            venue_id=line.venue_id,
            venue_name=text(line.venue_name),
            product_name=text(line.product_name),
            ticket_name=text(line.ticket_name),
            visit_date=line.visit_date,
            starts_at=line.starts_at.astimezone(ZoneInfo(line.time_zone)),
            ends_at=line.ends_at.astimezone(ZoneInfo(line.time_zone)),
            quantity=line.quantity,
            unit_price=Money(line.unit_minor, order.row.currency),
            discount=Money(line.discount_minor, order.row.currency),
        )
        for line in order.lines
    ]


def _read_cursor(cursor: str) -> UUID:
    """The order a cursor stands for. QueryMismatch for one that we did not make."""
    try:
        return UUID(hex=cursor)
    except ValueError as error:
        raise QueryMismatch(errors=[findings.finding("cursor", "CURSOR")]) from error
