"""Rules of lint on money: what one order gets stays inside the envelope whatever the order is, and so does the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.kit.money import Money

from . import bounds
from .model import BENEFITS, AmountOff, Content, Envelope, FixedPrice, Gift, PercentOff, Version
from .sentences import percent
from .worst import Found, Worst, order_minor, price_least

BP = 10_000


def effect(content: Content, envelope: Envelope) -> Iterator[Found]:
    """The effect is bounded, and inside the envelope for every order that can match."""
    what = content.effect
    if isinstance(what, Gift):
        if what.benefit not in BENEFITS:
            yield Found("effect.benefit", "BENEFIT_UNKNOWN", {"got": what.benefit[:40], "allowed": ", ".join(BENEFITS)})
        return
    if what.currency != envelope.currency:
        yield Found("effect.currency", "CURRENCY_OUTSIDE", {"got": what.currency, "allowed": envelope.currency})
    yield from _cap(content, envelope)
    yield from _share(content, envelope)


def _cap(content: Content, envelope: Envelope) -> Iterator[Found]:
    what, most = content.effect, order_minor(content)
    allowed = Money(envelope.max_minor, envelope.currency)
    if isinstance(what, PercentOff) and what.uncapped:
        if what.cap_minor is not None:
            yield Found("effect.uncapped", "CAP_AND_UNCAPPED")
            return
        above = Money(envelope.max_minor * BP // what.share_bp, envelope.currency)
        yield Found("effect.uncapped", "UNCAPPED", {"minor": above})
        if most is None:
            return
    elif isinstance(what, PercentOff) and what.cap_minor is None:
        yield Found("effect.cap_minor", "CAP_MISSING")
        return
    if most is None:
        yield Found("effect.cap_minor", "CAP_MISSING")
    elif most > envelope.max_minor:
        got = Money(most, envelope.currency)
        field = "effect.amount_minor" if isinstance(what, AmountOff) and what.per == "order" else "effect.cap_minor"
        yield Found(field, "CAP_ABOVE_ENVELOPE", {"got": got, "allowed": allowed})


def _share(content: Content, envelope: Envelope) -> Iterator[Found]:
    """Basis points of the price. Where cheap or dear orders could break the envelope, the condition must exclude them."""
    what, most_bp = content.effect, envelope.max_bp
    allowed = percent(most_bp)
    if isinstance(what, PercentOff):
        if what.share_bp > most_bp:
            yield Found("effect.share_bp", "SHARE_ABOVE_ENVELOPE", {"got": percent(what.share_bp), "allowed": allowed})
        return
    if isinstance(what, Gift) or most_bp >= BP:
        return
    capped = what.amount_minor if isinstance(what, AmountOff) and what.per == "order" else what.cap_minor
    if capped is not None and capped * BP <= price_least(content) * most_bp:
        return
    if isinstance(what, FixedPrice):
        highest = what.price_minor * BP // (BP - most_bp)
        dearest = bounds.most(content.scope, "unit_minor")
        if dearest is None or dearest > highest:
            yield Found("scope", "SHARE_OPEN_PRICE", {"allowed": allowed, "minor": Money(highest, envelope.currency)})
        return
    lowest = Money(-(-what.amount_minor * BP // most_bp), envelope.currency)
    if what.per == "order":
        yield Found("when", "SHARE_OPEN", {"allowed": allowed, "minor": lowest})
    elif (bounds.least(content.scope, "unit_minor") or 0) < lowest.amount_minor:
        yield Found("scope", "SHARE_OPEN_TICKET", {"allowed": allowed, "minor": lowest})


def budgets(version: Version, running: Sequence[Version], bound: Worst) -> Iterator[Found]:
    """Money and number are bounded in all, a day and for a person; nothing is promised that the envelope does not hold."""
    content, envelope = version.content, version.envelope
    limits, is_gift = content.limits, isinstance(content.effect, Gift)
    shared = sum(
        one.content.limits.budget_minor
        for one in running
        if one.envelope.id == envelope.id
        and one.campaign_id != version.campaign_id
        and not isinstance(one.content.effect, Gift)
    )
    if limits.per_person is None:
        yield Found("limits.per_person", "PERSON_MISSING")
    if is_gift:
        if limits.budget_count is None:
            yield Found("limits.budget_count", "COUNT_MISSING")
        return
    if limits.budget_minor + shared > envelope.budget_minor:
        values = {"got": limits.budget_minor + shared, "allowed": envelope.budget_minor}
        money = {name: Money(minor, envelope.currency) for name, minor in values.items()}
        yield Found("limits.budget_minor", "BUDGET_ABOVE_ENVELOPE", money)
    full = order_minor(content)
    if full is not None and full > limits.budget_minor:
        yield Found("limits.budget_minor", "BUDGET_TOO_SMALL", {"minor": Money(full, envelope.currency)})
    if content.is_automatic and limits.per_day_minor is None:
        yield Found("limits.per_day_minor", "DAY_MISSING")
