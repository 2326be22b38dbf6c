"""The most that a version can take off: from an order, for a person, in a minute, in a day, in all. Whatever the baskets are."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.kit.i18n import both
from holdfast.kit.money import Money

from . import bounds
from .model import AmountOff, Content, FixedPrice, Gift, PercentOff, Version

TICKETS_MOST = 500
"""Ten lines of fifty tickets: an order has no more."""


class Found(msgspec.Struct, frozen=True):
    """A rule that something was found by, with the values of its sentence."""

    field: str
    code: str
    values: dict[str, Any] = {}


class Worst(msgspec.Struct, frozen=True):
    """Minor units of `currency`. `order_minor` is None where only the budget bounds it; `person_minor` likewise."""

    order_minor: int | None
    person_minor: int | None
    minute_minor: int
    day_minor: int
    budget_minor: int
    currency: str = "CNY"

    @property
    def said(self) -> dict[str, Any]:
        """The figures as a sentence needs them."""
        return {
            "order": self._money(self.order_minor), "person": self._money(self.person_minor), "day": self._money(self.day_minor),
            "minute": self._money(self.minute_minor), "budget": self._money(self.budget_minor),
        }  # fmt: skip

    def _money(self, minor: int | None) -> Any:
        return both("no bound but the budget") if minor is None else Money(minor, self.currency)


def worst(version: Version, per_minute_minor: int | None = None) -> Worst:
    """The figures of a version. `per_minute_minor`: what its pace lets pass in a minute, if a forecast is there.

    They are those of the content, as if there were no guard: smaller figures would rest on something that must work.
    """
    content, limits = version.content, version.content.limits
    order, budget = order_minor(content), limits.budget_minor
    if isinstance(content.effect, Gift):
        budget = 0
    day = min(budget, limits.per_day_minor or budget)
    order = None if order is None else min(order, budget)
    person = None if order is None or limits.per_person is None else min(budget, order * limits.per_person)
    minute = day if per_minute_minor is None else min(day, per_minute_minor)
    return Worst(order, person, minute, day, budget, version.envelope.currency)


def order_minor(content: Content) -> int | None:
    """The most that one order gets by what the content says; None when nothing bounds it."""
    match content.effect:
        case AmountOff(per="order"):
            return content.effect.amount_minor
        case AmountOff():
            return _least(content.effect.cap_minor, content.effect.amount_minor * tickets_most(content))
        case PercentOff():
            price = price_most(content)
            bound = None if price is None else price * content.effect.share_bp // 10_000
            return _least(content.effect.cap_minor, bound)
        case FixedPrice():
            dearest = bounds.most(content.scope, "unit_minor")
            off = None if dearest is None else max(0, dearest - content.effect.price_minor) * tickets_most(content)
            return _least(content.effect.cap_minor, off)
        case Gift():
            return 0


def _least(*known: int | None) -> int | None:
    return min((one for one in known if one is not None), default=None)


def tickets_most(content: Content) -> int:
    """The most chosen tickets that an order can have when its conditions hold."""
    found = _least(bounds.most(content.when, "scope_tickets"), bounds.most(content.when, "tickets"))
    return TICKETS_MOST if found is None else min(found, TICKETS_MOST)


def price_most(content: Content) -> int | None:
    """The highest list price that the chosen tickets of an order can have when its conditions hold."""
    dearest = bounds.most(content.scope, "unit_minor")
    by_tickets = None if dearest is None else dearest * tickets_most(content)
    return _least(bounds.most(content.when, "scope_minor"), bounds.most(content.when, "amount_minor"), by_tickets)


def price_least(content: Content) -> int:
    """The lowest list price that the chosen tickets of an order can have when its conditions hold."""
    by_ticket = bounds.least(content.scope, "unit_minor") or 0
    tickets = max(1, bounds.least(content.when, "scope_tickets") or 1)
    return max(bounds.least(content.when, "scope_minor") or 0, by_ticket * tickets)
