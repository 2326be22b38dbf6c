"""The endpoints below ``/v1``: each checks its parameters first and then does, or reads, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdfast.kit.money import EXPONENTS
from holdfast.payments.simulator import serving, times
from holdfast.payments.simulator.serving import Call, Done

from . import account, cards, desk, forms, intents, lies, lists, objects, refunds
from .account import Obj
from .desk import Asked, Deed, Prepare
from .events import News, number
from .refusals import Refusal, declined, encoded, invalid, missing

if TYPE_CHECKING:
    from .sim import StripeSim

CURRENCIES = {name.lower() for name in EXPONENTS}
LEAST = {"usd": 50, "eur": 50, "gbp": 30, "hkd": 400, "jpy": 50}
"""The smallest charge in a currency; 1 where it is not listed."""
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
CREATING = ("amount", "currency", "description", "metadata", "payment_method_types", "automatic_payment_methods")
CONFIRMING = ("payment_method", "payment_method_data", "return_url", "client_secret", "expand", "use_stripe_sdk")
SHARED = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization, Content-Type"}


class Endpoint(msgspec.Struct, frozen=True):
    """One line of the table below. `public`: payers' browsers may call it, from any origin."""

    operation: str
    """As scenarios name it; what a scenario cannot name is never struck."""
    method: str
    path: str
    prepare: Prepare
    public: bool = False


def _creating(asked: Asked) -> Deed:
    form = asked.form
    forms.only(form, (*CREATING, "capture_method", "confirm", *CONFIRMING))
    currency = forms.required(form, "currency").lower()
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    amount = forms.integer(form, "amount", LEAST.get(currency, 1))
    if amount is None:
        raise invalid("Missing required param: amount.", param="amount", code="parameter_missing")
    if set(form.get("payment_method_types", ["card"])) != {"card"}:
        raise invalid("The payment method type is invalid.", param="payment_method_types")
    description, metadata = forms.text(form, "description", 1000), forms.metadata(form)
    card = cards.presented(form) if form.get("confirm") == "true" else None
    expand, return_url = forms.expansions(form), forms.text(form, "return_url") or ""

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        intent = intents.place(news, amount, currency, description, metadata)
        if form.get("confirm") == "true":
            return _shown(news, intents.confirm(news, intent, card, return_url, asked.origin), expand)
        shown = dict(intent)
        if asked.struck("callback_before_response"):
            intents.take(news, intent)
        return lists.expanded(news.db, shown, expand), number(intent)

    return deed


def _confirming(asked: Asked) -> Deed:
    forms.only(asked.form, CONFIRMING)
    card, return_url = cards.presented(asked.form), forms.text(asked.form, "return_url") or ""
    expand = forms.expansions(asked.form)

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        intent = _intent(news, asked)
        return _shown(news, intents.confirm(news, intent, card, return_url, asked.origin), expand)

    return deed


def _shown(news: News, intent: Obj, expand: list[str]) -> tuple[Obj | Refusal, str]:
    """What a confirmation answers: the intent, or 402 with the intent inside."""
    error = intent["last_payment_error"]
    if error is not None:
        why = (error["code"], error.get("decline_code", ""), error["message"])
        return declined(*why, charge=error.get("charge"), payment_intent=intent), number(intent)
    return lists.expanded(news.db, intent, expand), number(intent)


def _retrieving(asked: Asked) -> Deed:
    forms.only(asked.form, ("client_secret", "expand"))
    expand = forms.expansions(asked.form)

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        intent = _intent(news, asked)
        paid_at = account.aside(news.db, intent["id"]).get("paid_at")
        return lists.expanded(news.db, lies.told(intent, asked.call.faults, paid_at), expand), number(intent)

    return deed


def _cancelling(asked: Asked) -> Deed:
    forms.only(asked.form, ("cancellation_reason", "expand"))
    reason = forms.text(asked.form, "cancellation_reason")

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        intent = _intent(news, asked)
        return intents.cancel(news, intent, reason), number(intent)

    return deed


def _intent(news: News, asked: Asked) -> Obj:
    """The payment intent of the path; with a client secret only its own."""
    wanted = asked.path["id"]
    found = account.get(news.db, "payment_intent", wanted)
    if found is None:
        raise missing("payment_intent", wanted, "intent")
    if asked.form.get("client_secret") not in (None, found["client_secret"]):
        raise invalid("The client_secret provided does not match this PaymentIntent.", param="client_secret")
    return found


def _listing_intents(asked: Asked) -> Deed:
    forms.only(asked.form, lists.PAGING)

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        page = lists.page(news.db, "payment_intent", "/v1/payment_intents", asked.form, {})
        return _told(news, asked, page), ""

    return deed


def _searching(asked: Asked) -> Deed:
    forms.only(asked.form, ("query", "limit", "page", "expand"))
    return lambda news: (_told(news, asked, lists.searched(news.db, asked.form)), "")


def _told(news: News, asked: Asked, page: Obj) -> Obj:
    """A page of intents, with what faults make of them."""
    moments = [account.aside(news.db, intent["id"]).get("paid_at") for intent in page["data"]]
    pairs = zip(page["data"], moments, strict=True)
    page["data"] = [lies.told(intent, asked.call.faults, paid_at) for intent, paid_at in pairs]
    return lists.expanded(news.db, page, forms.expansions(asked.form))


def _refunding(asked: Asked) -> Deed:
    form = asked.form
    forms.only(form, ("charge", "payment_intent", "amount", "metadata", "reason", "expand"))
    charge, intent = forms.text(form, "charge"), forms.text(form, "payment_intent")
    if charge is None and intent is None:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    amount, metadata = forms.integer(form, "amount", 1), forms.metadata(form)
    reason = forms.text(form, "reason")
    if reason not in (None, *REASONS):
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        of = refunds.charge_of(news, charge, intent)
        if asked.struck("refund_not_enough"):
            raise refunds.no_funds(asked.request_id)
        refund = refunds.accept(news, of, amount, reason, metadata, _settles_at(asked))
        shown = dict(refund)
        if asked.struck("callback_before_response"):
            refunds.settle(news, refund, "SUCCESS")
        return shown, str(metadata.get("refund_ref") or refund["id"])

    return deed


def _settles_at(asked: Asked) -> float | None:
    if asked.struck("refund_processing"):
        return None
    return times.now() + asked.call.faults.get("slow_refund", asked.refund_delay_s)


def _listing(kind: str, path: str, filters: tuple[str, ...]) -> Prepare:
    """A plain list, filtered by fields."""

    def prepare(asked: Asked) -> Deed:
        forms.only(asked.form, (*lists.PAGING, *filters))
        wanted = {name: value for name in filters if (value := forms.text(asked.form, name)) is not None}
        expand = forms.expansions(asked.form)

        def deed(news: News) -> tuple[Obj | Refusal, str]:
            page = lists.expanded(news.db, lists.page(news.db, kind, path, asked.form, wanted), expand)
            return (lies.bill(page, asked.call.faults) if kind == "balance_transaction" else page), ""

        return deed

    return prepare


def _one(kind: str) -> Prepare:
    """Any object by its id."""

    def prepare(asked: Asked) -> Deed:
        forms.only(asked.form, ("expand",))
        expand, wanted = forms.expansions(asked.form), asked.path["id"]

        def deed(news: News) -> tuple[Obj | Refusal, str]:
            found = account.get(news.db, kind, wanted)
            if found is None:
                raise missing(kind, wanted, "id")
            return lists.expanded(news.db, lies.told(found, asked.call.faults), expand), ""

        return deed

    return prepare


def _addressing(asked: Asked) -> Deed:
    """``POST /v1/webhook_endpoints``. All addresses here share the secret that ``/_sim/config`` tells."""
    forms.only(asked.form, ("url", "enabled_events", "description", "metadata", "api_version", "expand"))
    url, wanted = forms.required(asked.form, "url"), asked.form.get("enabled_events")
    if not url.startswith(("http://", "https://")):
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param="url", code="url_invalid"
        )
    if not isinstance(wanted, list) or not wanted:
        raise invalid("Missing required param: enabled_events.", param="enabled_events", code="parameter_missing")
    return lambda news: ({**account.add(news.db, objects.endpoint(url, wanted)), "secret": asked.webhook_secret}, "")


def _forgetting(asked: Asked) -> Deed:
    """``DELETE /v1/webhook_endpoints/{id}``."""
    wanted = asked.path["id"]

    def deed(news: News) -> tuple[Obj | Refusal, str]:
        if account.get(news.db, "webhook_endpoint", wanted) is None:
            raise missing("webhook_endpoint", wanted, "webhook_endpoint")
        account.drop(news.db, wanted)
        return {"id": wanted, "object": "webhook_endpoint", "deleted": True}, ""

    return deed


TABLE = [
    Endpoint("create", "POST", "/v1/payment_intents", _creating),
    Endpoint("query", "GET", "/v1/payment_intents", _listing_intents),
    Endpoint("query", "GET", "/v1/payment_intents/search", _searching),
    Endpoint("query", "GET", "/v1/payment_intents/{id}", _retrieving, public=True),
    Endpoint("confirm", "POST", "/v1/payment_intents/{id}/confirm", _confirming, public=True),
    Endpoint("close", "POST", "/v1/payment_intents/{id}/cancel", _cancelling),
    Endpoint("query", "GET", "/v1/charges", _listing("charge", "/v1/charges", ("payment_intent",))),
    Endpoint("query", "GET", "/v1/charges/{id}", _one("charge")),
    Endpoint("refund", "POST", "/v1/refunds", _refunding),
    Endpoint("query_refund", "GET", "/v1/refunds", _listing("refund", "/v1/refunds", ("payment_intent", "charge"))),
    Endpoint("query_refund", "GET", "/v1/refunds/{id}", _one("refund")),
    Endpoint(
        "bill",
        "GET",
        "/v1/balance_transactions",
        _listing("balance_transaction", "/v1/balance_transactions", ("type", "source", "currency")),
    ),
    Endpoint("bill", "GET", "/v1/balance_transactions/{id}", _one("balance_transaction")),
    Endpoint("account", "GET", "/v1/events", _listing("event", "/v1/events", ("type",))),
    Endpoint("account", "GET", "/v1/events/{id}", _one("event")),
    Endpoint("account", "POST", "/v1/webhook_endpoints", _addressing),
    Endpoint("account", "GET", "/v1/webhook_endpoints", _listing("webhook_endpoint", "/v1/webhook_endpoints", ())),
    Endpoint("account", "GET", "/v1/webhook_endpoints/{id}", _one("webhook_endpoint")),
    Endpoint("account", "DELETE", "/v1/webhook_endpoints/{id}", _forgetting),
]


def routes(sim: StripeSim) -> list[BaseRoute]:
    """The table as routes of this simulator, and a refusal for every other path."""
    made: list[BaseRoute] = [
        Route(endpoint.path, _handler(sim, endpoint), methods=[endpoint.method]) for endpoint in TABLE
    ]
    preflights = {endpoint.path for endpoint in TABLE if endpoint.public}
    made += [Route(path, _preflight, methods=["OPTIONS"]) for path in sorted(preflights)]
    return [*made, Route("/v1/{rest:path}", _unknown, methods=["GET", "POST", "DELETE"])]


def _handler(sim: StripeSim, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    def work(call: Call) -> Done:
        return desk.work(sim, call, endpoint.prepare, public=endpoint.public)

    def respond(call: Call, done: Done) -> Response:
        content = done.body[: len(done.body) // 2] if "truncated_json" in call.faults else done.body
        headers = dict(done.headers) if isinstance(done, desk.Answered) else {}
        if endpoint.public:
            headers |= SHARED
        return Response(content, done.status, headers, media_type="application/json")

    async def handle(request: Request) -> Response:
        later = "starting_after" in request.query_params  # what a bill says was decided on its first page
        return await serving.serve(sim, request, endpoint.operation, work, respond, is_download=later)

    return handle


async def _preflight(request: Request) -> Response:
    return Response(status_code=204, headers=SHARED | {"Access-Control-Allow-Methods": "GET, POST"})


async def _unknown(request: Request) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return Response(encoded({"error": invalid(message).error}), 404, media_type="application/json")
