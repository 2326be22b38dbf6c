"""Version 1 of the JSON API: the one table of its endpoints. The order endpoint comes first, as most requests do in a rush."""

from __future__ import annotations

from holdfast import accounts, catalogue, partners
from holdfast.accounts import codes as rules
from holdfast.api import openapi
from holdfast.api.endpoint import Call, Endpoint, Limit, Raw
from holdfast.campaigns.codes import CodesTooOften
from holdfast.campaigns.model import BenefitOver
from holdfast.kit.problems import InvalidInput, Overloaded
from holdfast.orders import lookup, offers
from holdfast.orders import model as facts
from holdfast.payments import model as money
from holdfast.payments.search import RefundUnknown

from . import (
    after_sale,
    campaigns,
    cards,
    cases,
    credentials,
    examples,
    gate,
    messages,
    orders,
    payments,
    refunds,
    session,
    supply,
    tickets,
    venues,
)

ROOT = "/api/v1"
ORDER = f"{ROOT}/orders/{{number}}"
VENUE = f"{ROOT}/venues/{{venue_id}}"
FRESH = "public, max-age=2"
STEADY = "public, max-age=60"
CODE_LIMITS = (
    Limit("codes-pause", 1, int(rules.CODE_PAUSE.total_seconds())),
    Limit("codes-per-phone", rules.CODES_PER_PHONE_HOUR, 3600),
    Limit("codes-per-address", rules.CODES_PER_SOURCE_HOUR, 3600),
)
LOOKUP_LIMITS = (Limit("order-lookup", lookup.LOOKUPS, lookup.LOOKUP_WINDOW_S),)
PLACING = (
    facts.SlotFull,
    facts.SlotClosed,
    facts.NotYetOnSale,
    facts.SaleOver,
    facts.SaleUnconfirmed,
    partners.SupplierFull,
    partners.SupplierSilent,
    facts.PriceChanged,
    facts.DocumentAlreadyBooked,
    facts.TooManyThatDay,
    facts.DocumentTwice,
    facts.DocumentNotAccepted,
    facts.TravellersIncomplete,
    facts.TooManyPerOrder,
    facts.TooManyCompanions,
    facts.NothingChosen,
    facts.MixedCurrencies,
    facts.SlotUnknown,
    facts.PriceUnknown,
    offers.CodeRefused,
    offers.TotalChanged,
    offers.OffersMoved,
    BenefitOver,
    CodesTooOften,
    InvalidInput,
    Overloaded,
)
PAYING = (
    facts.OrderUnknown,
    facts.NotPayable,
    money.IntentOver,
    money.StillChecking,
    money.ChannelResting,
    money.ChannelUnknown,
    money.ChannelUnavailable,
    InvalidInput,
)
MONEY_READERS, MONEY_MOVERS = ("finance", "support"), ("finance",)
"""Roles of staff whose programs may look at payments, and give money back."""
openapi.PARAMETERS.update(
    payment_id={"description": "The payment's identifier.", "example": "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47"},
    refund_id={"description": "The refund's identifier.", "example": "0198c5a2-8a10-7f3b-a2c4-5d6e7f809112"},
)

openapi.PARAMETERS["device_id"] = {
    "description": "The device's name in the list of devices.",
    "example": "5f0c3a7b9d1e48c2a6f4b80d7e3c9a15",
}


async def describe(call: Call) -> Raw:
    """This API as an OpenAPI 3.1 document."""
    return Raw(openapi.document(ENDPOINTS))


_ORDERS = (
    Endpoint(
        method="POST", path=f"{ROOT}/orders", name="orders", summary="Book places, all or nothing", who="traveller",
        body=orders.NewOrder, answer=orders.OrderPlaced, status=201, problems=PLACING, needs_key=True,
        handler=orders.place, example=examples.ORDER,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/quotes", name="quotes", summary="What a basket costs now, with what campaigns take off it",
        who="traveller", body=orders.QuoteWish, answer=orders.QuoteAnswer,
        problems=(facts.PriceUnknown, offers.CodeRefused, CodesTooOften, InvalidInput), handler=orders.quote, example=examples.QUOTE,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/orders", name="orders", summary="My orders, newest first", who="traveller",
        query=orders.OrdersQuery, answer=orders.OrderPage, handler=orders.mine,
    ),
    Endpoint(
        method="GET", path=ORDER, name="order", summary="One of my orders", who="traveller",
        answer=orders.OrderAnswer, problems=(facts.OrderUnknown,), handler=orders.order,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/payment", name="payment", summary="How the payment stands", who="traveller",
        answer=payments.PaymentAnswer, problems=(facts.OrderUnknown, money.ChannelUnavailable), handler=payments.payment,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/payment", name="payment", summary="Start the payment, find it, or go over to another way",
        who="traveller", body=payments.PayWish, body_optional=True, answer=payments.PaymentAnswer, problems=PAYING, handler=payments.pay,
        example=examples.PAYMENT,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/payment/ways", name="payment-ways", summary="The ways to pay, and how each of them is",
        who="traveller", answer=payments.WayList, problems=(facts.OrderUnknown,), handler=payments.ways,
    ),
    Endpoint(
        method="POST", path=f"{ORDER}/promise", name="promise", summary="Confirm now and pay later, when no way to pay answers",
        who="traveller", answer=orders.OrderAnswer,
        problems=(facts.OrderUnknown, facts.NotPayable, money.DeferralRefused), handler=payments.promise,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/tickets", name="tickets", summary="The tickets of an order", who="traveller",
        answer=tickets.TicketList, problems=(facts.OrderUnknown,), handler=tickets.tickets,
    ),
    Endpoint(
        method="GET", path=f"{ORDER}/calendar.ics", name="calendar", summary="The visits as a calendar file",
        who="traveller", answer=str, media_type="text/calendar", problems=(facts.OrderUnknown,),
        handler=tickets.calendar_file,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/lookups", name="lookups", summary="Find an order by number and phone, redacted",
        who="anyone", body=orders.Lookup, answer=orders.OrderAnswer, limits=LOOKUP_LIMITS,
        problems=(facts.OrderUnknown, facts.LookupTooOften, InvalidInput), handler=orders.look_up,
        example=examples.LOOKUP,
    ),
)  # fmt: skip

_VENUES = (
    Endpoint(
        method="GET", path=f"{ROOT}/cities", name="cities", summary="Cities with something on offer", who="anyone",
        answer=list[venues.CityAnswer], cache=STEADY, handler=venues.cities,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/venues", name="venues", summary="Find venues", who="anyone",
        query=venues.VenueQuery, answer=venues.VenueList, cache=FRESH, handler=venues.search,
    ),
    Endpoint(
        method="GET", path=VENUE, name="venue", summary="Everything about one venue", who="anyone",
        answer=venues.VenueAnswer, cache=STEADY, problems=(catalogue.VenueUnknown,), handler=venues.venue,
    ),
    Endpoint(
        method="GET", path=f"{VENUE}/calendar", name="venue-calendar", summary="A month of a venue", who="anyone",
        query=venues.MonthQuery, answer=venues.CalendarAnswer, cache=FRESH, problems=(catalogue.VenueUnknown,),
        handler=venues.calendar,
    ),
    Endpoint(
        method="GET", path=f"{VENUE}/slots", name="slots", summary="The slots of one day with what is left and prices",
        who="anyone", query=venues.DateQuery, answer=venues.SlotList, cache=FRESH, problems=(catalogue.VenueUnknown,),
        handler=venues.slots,
    ),
)  # fmt: skip

_SESSIONS = (
    Endpoint(
        method="POST", path=f"{ROOT}/codes", name="codes", summary="Send a sign-in code to a phone", who="anyone",
        body=session.CodeWanted, answer=session.CodeSent, status=202, limits=CODE_LIMITS,
        problems=(accounts.TooManyCodes, InvalidInput), handler=session.request_code, example=examples.CODE,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/sessions", name="sessions", summary="Sign in with a code", who="anyone",
        body=session.NewSession, answer=session.SessionBegun, status=201,
        problems=(accounts.CodeWrong, accounts.CodeExpired, InvalidInput), handler=session.sign_in,
        example=examples.SESSION,
    ),
    Endpoint(
        method="DELETE", path=f"{ROOT}/sessions", name="sessions", summary="Sign out everywhere", who="traveller",
        answer=session.SessionsEnded, handler=session.sign_out_everywhere,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/session", name="session", summary="Who is signed in", who="traveller",
        answer=session.SessionAnswer, handler=session.session,
    ),
    Endpoint(
        method="DELETE", path=f"{ROOT}/session", name="session", summary="Sign out here", who="traveller", status=204,
        handler=session.sign_out,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/identifiers", name="identifiers", summary="What identifies my account", who="traveller",
        answer=credentials.IdentifierList, handler=credentials.identifiers,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/devices", name="devices", summary="Where I am signed in, last used first", who="traveller",
        answer=credentials.DeviceList, handler=credentials.devices,
    ),
    Endpoint(
        method="DELETE", path=f"{ROOT}/devices/{{device_id}}", name="device", summary="Sign out one device", who="traveller",
        status=204, problems=(accounts.DeviceUnknown,), handler=credentials.sign_out_device,
    ),
)  # fmt: skip

_PAYMENTS = (
    Endpoint(
        method="GET", path=f"{ROOT}/payments", name="payments", summary="Find payments, newest first", who=MONEY_READERS,
        query=payments.PaymentsQuery, answer=payments.PaymentPage, handler=payments.found,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/payments/{{payment_id}}", name="payments-one", summary="One payment, its attempts and refunds",
        who=MONEY_READERS, answer=payments.PaymentDetail, problems=(money.IntentUnknown,), handler=payments.detail,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/payments/{{payment_id}}/refunds", name="refunds", summary="Give money back",
        who=MONEY_MOVERS, body=refunds.NewRefund, answer=refunds.RefundDetail, status=201, needs_key=True,
        problems=(money.IntentUnknown, facts.OrderUnknown, money.RefundTooMuch, InvalidInput), handler=refunds.give_back,
        example=examples.REFUND,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/refunds/{{refund_id}}", name="refund", summary="How a refund stands", who=MONEY_READERS,
        answer=refunds.RefundDetail, problems=(RefundUnknown,), handler=refunds.refund,
    ),
)  # fmt: skip

_OPEN = (
    Endpoint(
        method="GET", path=f"{ROOT}/ticket-keys", name="ticket-keys", summary="The keys that prove tickets", who="anyone",
        answer=tickets.TicketKeys, cache=STEADY, handler=tickets.ticket_keys,
    ),
    Endpoint(
        method="GET", path="/.well-known/holdfast-ticket-keys.json", name="well-known-ticket-keys",
        summary="The same, where gates look first", who="anyone", answer=tickets.TicketKeys, cache=STEADY,
        handler=tickets.ticket_keys,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/openapi.json", name="openapi", summary="This description", who="anyone",
        answer=dict, cache=STEADY, handler=describe,
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    _ORDERS
    + after_sale.ENDPOINTS
    + cards.ENDPOINTS
    + _VENUES
    + _SESSIONS
    + _PAYMENTS
    + cases.ENDPOINTS
    + messages.ENDPOINTS
    + gate.ENDPOINTS
    + supply.ENDPOINTS
    + campaigns.ENDPOINTS
    + _OPEN
)
