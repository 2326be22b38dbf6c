"""The pricing capability: what the traveller pays, what the partner owes of it, in minor units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast import partners
from holdfast.catalogue.model import Price
from holdfast.kit.money import EXPONENTS
from holdfast.orders.resale_model import Booking, ItemView, Offered

PER_UNIT = "UNIT"


def amount(retail_minor: int, net_minor: int, currency: str) -> dict[str, Any]:
    """One Pricing object. Prices include no tax that is shown apart."""
    return {
        "original": retail_minor,
        "retail": retail_minor,
        "net": net_minor,
        "currency": currency,
        "currencyPrecision": EXPONENTS.get(currency, 2),
        "includedTaxes": [],
    }


def of_price(price: Price, terms: partners.Terms, quantity: int = 1) -> dict[str, Any]:
    """What some tickets of one price cost a partner on these terms."""
    net = partners.limits.net_minor(price.amount_minor, terms.commission_bp)
    return amount(price.amount_minor * quantity, net * quantity, price.currency)


def lowest(offered: Offered, unit: str, terms: partners.Terms) -> list[dict[str, Any]]:
    """From how much a kind of ticket costs in any season, in each currency."""
    found = []
    for currency in offered.currencies:
        prices = [one for one in offered.prices_of(unit) if one.currency == currency]
        if prices:
            found.append(of_price(min(prices, key=lambda one: one.amount_minor), terms))
    return found


def total(parts: Sequence[dict[str, Any]], currency: str) -> dict[str, Any]:
    """The sum of Pricing objects of one currency."""
    return amount(sum(one["retail"] for one in parts), sum(one["net"] for one in parts), currency)


def of_item(one: ItemView, booking: Booking) -> dict[str, Any]:
    """What a ticket was sold for: the net price is that of the moment, less the commission agreed on with the booking."""
    net = partners.limits.net_minor(one.item.retail_minor, booking.resale.commission_bp)
    return amount(one.item.retail_minor, net, booking.row.currency)
