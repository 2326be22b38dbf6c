"""Contents as sentences, in Chinese and English: which tickets, which orders, what they get, when."""

from __future__ import annotations

from holdfast.kit.i18n import Locale, translate
from holdfast.kit.money import Money

from .facts import local
from .model import BENEFITS, AmountOff, Content, Effect, FixedPrice, Gift, PercentOff, Schedule
from .words import Names, weekday, words


def effect_words(effect: Effect, locale: str) -> str:
    """What the chosen lines get, as a sentence: ``5% off the tickets, at most ¥30.00 an order``."""
    match effect:
        case AmountOff(per="order"):
            said = translate("{amount} off the order", locale, amount=Money(effect.amount_minor, effect.currency))
        case AmountOff():
            said = translate("{amount} off each ticket", locale, amount=Money(effect.amount_minor, effect.currency))
        case PercentOff():
            said = translate("{percent} off the tickets", locale, percent=percent(effect.share_bp))
        case FixedPrice():
            said = translate("each ticket for {price}", locale, price=Money(effect.price_minor, effect.currency))
        case Gift():
            name = translate(BENEFITS.get(effect.benefit, effect.benefit), locale)
            return translate("with the order: {name} × {quantity}", locale, name=name, quantity=effect.quantity)
    if effect.cap_minor is not None:
        return translate(
            "{said}, at most {cap} an order", locale, said=said, cap=Money(effect.cap_minor, effect.currency)
        )
    return translate("{said}, without a cap", locale, said=said) if isinstance(effect, PercentOff) else said


def percent(basis_points: int) -> str:
    """1250 → ``12.5%``."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def schedule_words(schedule: Schedule, locale: str) -> str:
    """When it is offered, as a sentence with the clock times of its zone."""
    first, last = (local(at, schedule.time_zone) for at in (schedule.from_at, schedule.until_at))
    parts = [
        translate("from {first} until {last}", locale, first=f"{first:%Y-%m-%d %H:%M}", last=f"{last:%Y-%m-%d %H:%M}")
    ]
    if schedule.weekdays is not None:
        days = translate(", ", locale).join(weekday(day, locale) for day in sorted(schedule.weekdays))
        parts.append(translate("on {days}", locale, days=days))
    if schedule.hours is not None:
        since, until = f"{schedule.hours.since:%H:%M}", f"{schedule.hours.until:%H:%M}"
        parts.append(translate("from {since} to {until} o'clock", locale, since=since, until=until))
    return translate(", ", locale).join(parts)


def content_words(content: Content, locale: Locale, names: Names | None = None) -> dict[str, str]:
    """The sentences that a reviewer reads: which tickets, which orders, what they get, when."""
    return {
        "scope": words(content.scope, locale, names),
        "when": words(content.when, locale, names),
        "effect": effect_words(content.effect, locale),
        "schedule": schedule_words(content.schedule, locale),
    }
