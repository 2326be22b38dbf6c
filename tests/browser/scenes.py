"""Every page in every interesting state, by name: what the tests walk over and ``screenshots.py`` takes pictures of."""

from __future__ import annotations

from typing import NamedTuple

from .stage import FREE, PAID, Person, Stage


class Scene(NamedTuple):
    """A page's address, and who looks at it."""

    name: str
    path: str
    who: Person | None = None
    status: int = 200


def scenes(stage: Stage, language: str = "en") -> list[Scene]:
    """Makes the people and orders that the pages need."""
    paid, free = stage.slot(PAID), stage.slot(FREE)
    mei, guest = stage.person(), None
    confirmed = stage.order(mei, paid, 2, language)
    stage.pay(mei, confirmed)
    visiting = stage.order(mei, free, 1, language)
    cancelled = stage.order(mei, paid, 1, language)
    stage.ask("POST", f"/api/v1/orders/{cancelled}/cancellation", {}, who=mei)
    waiting = stage.order(mei, paid, 2, language)
    stage.start_payment(mei, waiting)
    leaving, typing = stage.order(mei, paid, 1, language), stage.order(mei, paid, 1, language)
    stage.start_payment(mei, leaving, provider="alipay", method="page")
    stage.start_payment(mei, typing, provider="stripe", method="card")
    held = stage.order(mei, paid, 1, language)
    return [
        Scene("home", "/", guest),
        Scene("home-search", f"/?city=北京&date={paid.day}&people=2", guest),
        Scene("home-nothing-found", "/?text=zzzz", guest),
        Scene("venue", f"/venues/{PAID}", guest),
        Scene("venue-day", f"/venues/{FREE}?date={free.day}&people=2#slots", guest),
        Scene("venue-nothing-chosen", f"{paid.venue_page}&none=1#slots", guest),
        Scene("checkout-guest", paid.checkout(2), guest),
        Scene("checkout-signed-in", free.checkout(1), mei),
        Scene("sign-in", "/session?next=/orders", guest),
        Scene("orders", "/orders", mei),
        Scene("order-held", f"/orders/{held}", mei),
        Scene("order-confirmed", f"/orders/{confirmed}", mei),
        Scene("order-free", f"/orders/{visiting}", mei),
        Scene("order-cancelled", f"/orders/{cancelled}", mei),
        Scene("payment-choose", f"/orders/{held}/payment", mei),
        Scene("payment-waiting", f"/orders/{waiting}/payment", mei),
        Scene("payment-other", f"/orders/{waiting}/payment?other=1", mei),
        Scene("payment-leaving", f"/orders/{leaving}/payment", mei),
        Scene("payment-by-card", f"/orders/{typing}/payment", mei),
        Scene("payment-card", f"/orders/{typing}/payment/card", mei),
        Scene("payment-paid", f"/orders/{confirmed}/payment", mei),
        Scene("tickets", f"/orders/{confirmed}/tickets", mei),
        Scene("cancellation", f"/orders/{held}/cancellation", mei),
        Scene("cancellation-paid", f"/orders/{confirmed}/cancellation?traveller=1", mei),
        Scene("change", f"/orders/{confirmed}/change", mei),
        Scene("invoice", f"/orders/{confirmed}/invoice", mei),
        Scene("lookup", "/orders/lookup", guest),
        Scene("missing-order", "/orders/missing", guest),
        Scene("help", "/help", mei),
        Scene("messages", "/messages", guest),
        Scene("messages-mine", "/account/messages", mei),
        Scene("help-form", f"/help/cases/new?order={confirmed}", mei),
        Scene("account", "/account", mei),
        Scene("status", "/status", guest),
        Scene("mailbox", "/mailbox", guest),
        Scene("missing", "/no/such/page", guest, 404),
        Scene("order-of-somebody-else", "/orders/7K3QF90XMA", mei, 404),
    ]
