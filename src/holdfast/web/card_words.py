"""What pages say of cards: what they hold, how long, for whom, how they stand, and what comes back. English; Chinese in ``zh.po``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from starlette.requests import Request

from holdfast import passes
from holdfast.kit import i18n
from holdfast.passes import CardRefund, Ground
from holdfast.passes.card_model import Item, Rules

from . import formats
from .render import language, speaker

STATES = {
    "issued": "Not activated yet",
    "active": "Active",
    "suspended": "Suspended",
    "exhausted": "Used up",
    "expired": "Its time is over",
    "refunded": "Given back",
}
TONES = {"issued": "warn", "active": "ok", "suspended": "bad", "exhausted": "info", "expired": "", "refunded": ""}
HEADLINES = {
    "held": "The card is held for you",
    "awaiting_payment": "The card is held until you pay",
    "confirmed": "Your card is ready",
    "cancelled": "This card was given back",
}
"""State of an order that buys cards → headline, where it is another than of visits."""
LEADS = {
    "held": "Pay until {time}. After that nothing is bought and nothing is charged.",
    "awaiting_payment": "Pay until {time}. After that nothing is bought and nothing is charged.",
    "confirmed": "Open it, activate it, and book your visits with it.",
    "cancelled": "The order stays here so that you can always look it up.",
    "expired": "Nothing was bought. If money still arrives, it is returned by itself.",
}
ORDER_EVENTS = {
    "placed": "Order placed.",
    "confirmed": "Payment received. The card was made.",
    "tickets_sent": "The link to the card was sent to your phone.",
    "cancelled": "Cancelled. The card is over.",
    "expired": "Not paid in time. Nothing was bought.",
    "part_cancelled": "One of the cards was given back.",
    "fee_kept": "{amount} was kept for what was used.",
}
"""Events of such an order, where they say something else."""
USES = {"held": "Booked", "used": "Used", "released": "Given back to the card"}
MODELS = {
    "fixed_list": "All of these",
    "n_of_m": "Choose {count} of these {all}",
    "unlimited": "All of these, again and again",
}
UNITS = {
    "visit": ("1 visit", "{count} visits"),
    "night": ("1 night, one room", "{count} nights, one room"),
    "cover": ("1 meal", "{count} meals"),
}
VALIDITY = {
    "days_since_first_use": "{days} days in a row from the first visit, that day included.",
    "hours_since_first_use": "{hours} hours from the beginning of the first visit.",
    "calendar_days_from_activation": "{days} days from the day on which you activate it.",
    "fixed_window": "{days} days in a row; you choose the first of them when you activate it.",
}
FIXED_DAYS = "From {first} to {last}."
ACTIVATE = {
    True: "Activate it and make the first visit within {days} days of buying it.",
    False: "Activate it within {days} days of buying it.",
}
GROUNDS: dict[Ground, str] = {
    Ground.SEVEN_DAYS: "Within seven days of paying you may give it back without a reason; what was used counts at its share of the price of the card.",
    Ground.OWN_TERMS: "The seller's own terms give you more than the law, so they hold.",
    Ground.SELLERS_CAUSE: "It is not your doing, so what was used counts at its share of the price of the card.",
    Ground.BUYERS_CAUSE: "What was used counts at list price; the rest comes back.",
    Ground.TIME: "The days that are left come back; a day that has begun counts as used.",
    Ground.NOT_BEGUN: "Its days have not begun, so all of it comes back.",
}
LAW = (
    "Within seven days of paying, all of it comes back without a reason, less what was used at its share of the price of the card (article 14).",
    "Afterwards, if it is your wish: what was used counts at list price, the rest comes back (article 19), never more than was paid (article 20).",
    "If it is the seller's doing: what was used counts at its share of the price of the card (article 18).",
    "A card whose time is over still has the worth of what was not used (article 24).",
)
LAW_UNLIMITED = (
    "Within seven days of paying, all of it comes back without a reason as long as it was not used (article 14).",
    "Afterwards the days that are left come back, of all its days (article 22). A term that nothing comes back is void (article 9).",
)
SOURCE = (
    "Source: Supreme People's Court, interpretation on prepaid consumption, 法释〔2025〕4号, in force since 1 May 2025."
)
EVENTS = {
    "issued": "Bought.",
    "activated": "Activated.",
    "suspended": "Suspended by our staff: {why}",
    "resumed": "Goes on.",
    "exhausted": "Everything it holds has been used.",
    "goes_on": "A visit came back, so it goes on.",
    "expired": "Its time is over.",
    "refunded": "Given back.",
    "use_held": "Booked: {item}, {day}.",
    "use_used": "Used: {item}, {day}.",
    "use_undone": "An admission was a mistake and was taken back: {item}, {day}.",
    "use_moved": "Changed to another time: {item}, {day}.",
    "use_released": "Given back to the card: {item}, {day}.",
}


def count_of(request: Request, item: Item, rules: Rules) -> str:
    """``1 visit``, ``once a day``, ``one of your choice``."""
    _ = speaker(request)
    if item.uses is not None:
        one, many = UNITS[item.unit]
        says = _(one) if item.uses == 1 else _(many, count=item.uses)
    elif item.per_day:
        says = _("once a day") if item.per_day == 1 else _("{count} times a day", count=item.per_day)
    else:
        says = _("as often as you like")
    return _("{what}, if you like", what=says) if item.optional else says


def chosen(request: Request, rules: Rules) -> str:
    """``Choose 3 of these 5``."""
    _ = speaker(request)
    main = [item for item in rules.items if not item.extra]
    count = min(rules.counters.values(), default=len(main)) if rules.model == "n_of_m" else len(main)
    return _(MODELS[rules.model], count=count, all=len(main))


def lasting(request: Request, rules: Rules) -> list[str]:
    """How long it serves, and until when it has to be activated."""
    _, validity = speaker(request), rules.validity
    if validity.from_date and validity.to_date:
        first, last = (formats.day_long(language(request), day) for day in (validity.from_date, validity.to_date))
        return [_(FIXED_DAYS, first=first, last=last)]
    return [
        _(VALIDITY[validity.kind], days=validity.days, hours=validity.hours),
        _(ACTIVATE[validity.by_first_use], days=validity.activate_within_days),
    ]


def limits(request: Request, rules: Rules, name_of: Callable[[str], str]) -> list[str]:
    """What else it does not do: days left out, numbers in all, pauses."""
    _, locale = speaker(request), language(request)
    found = []
    for rule in rules.blackout:
        first, last = formats.season_day(locale, rule.from_day), formats.season_day(locale, rule.to_day)
        names = _(", ").join(name_of(ref) for ref in rule.items)
        says = (
            _("Not from {first} to {last}: {names}.", first=first, last=last, names=names)
            if names
            else _("Not from {first} to {last}.", first=first, last=last)
        )
        found.append(says + (f" ({i18n.pick(rule.reason, locale)})" if rule.reason else ""))
    if rules.model == "unlimited":
        found += [_("At most {count} visits in all.", count=most) for most in rules.counters.values()]
    if rules.cooldown_days:
        found.append(_("Between two visits of the same place lie {days} days.", days=rules.cooldown_days))
    found.append(
        _(
            "It does not keep a place for you by itself: book each visit with it. While a place is full, the card cannot be used there."
        )
    )
    return found


def whom(request: Request, rules: Rules) -> list[str]:
    """For whom it is."""
    _, party = speaker(request), rules.party
    found = []
    if party.size > 1:
        parts = [_("{count} adults", count=party.adults) if party.adults > 1 else _("1 adult")]
        if party.children_max:
            parts.append(_("up to {count} children under {age}", count=party.children_max, age=party.children_under))
        found.append(_("For {people}.", people=_(" and ").join(parts)))
        if party.must_enter_together:
            found.append(_("They enter together with the holder. The age of children is looked at where you enter."))
    if rules.person_bound:
        found.append(_("It is personal: bring the document it was bought with."))
    return found


def back(request: Request, found: CardRefund) -> list[str]:
    """Why a card gives back what it does, with the source."""
    _ = speaker(request)
    says = [_(GROUNDS[found.ground])]
    articles = passes.card_refunds.ARTICLES[found.ground]
    if articles:
        numbers = _(", ").join(map(str, articles))
        says.append(_("Source: {law}, articles {numbers}.", law=passes.card_refunds.INTERPRETATION, numbers=numbers))
    return says


def law(request: Request, rules: Rules) -> list[str]:
    """What the law gives when such a card is returned."""
    _ = speaker(request)
    return [_(sentence) for sentence in (LAW_UNLIMITED if rules.model == "unlimited" else LAW)]


def until(request: Request, card: passes.Card) -> str:
    """Until when the card serves, or until when something has to happen."""
    _, locale, row = speaker(request), language(request), card.row

    def said(day: date) -> str:
        return formats.day_long(locale, day)

    if row.state is passes.CardState.ISSUED and row.activate_by:
        return _("Activate it by {day}.", day=said(row.activate_by))
    if row.state is not passes.CardState.ACTIVE:
        return ""
    if row.valid_until:
        return _("It serves until {time}.", time=formats.moment(locale, row.valid_until))
    if row.valid_to and row.valid_from and row.valid_from > _today():
        return _("It serves from {first} to {last}.", first=said(row.valid_from), last=said(row.valid_to))
    if row.valid_to:
        return _("It serves until {day}, that day included.", day=said(row.valid_to))
    planned = card.live[0].visit_date if card.live else None
    if planned and card.rules.validity.days:
        last = planned + timedelta(days=card.rules.validity.days - 1)
        return _(
            "Its days begin with your first visit, as booked on {first}; the last is then {last}.",
            first=said(planned),
            last=said(last),
        )
    return (
        _("Its days begin with your first visit, on {day} at the latest.", day=said(row.activate_by))
        if row.activate_by
        else ""
    )


def _today() -> date:
    from holdfast.kit import clock

    return clock.now().astimezone(passes.card_model.ZONE).date()


def told(request: Request, kind: str, details: dict[str, object], name_of: Callable[[str], str]) -> str:
    """An event of a card in words."""
    _ = speaker(request)
    values = {
        "why": str(details.get("why", "")),
        "item": name_of(str(details["item"])) if "item" in details else "",
        "day": formats.day(language(request), _day(details["day"])) if "day" in details else "",
    }
    return _(EVENTS[kind], **values) if kind in EVENTS else kind.replace("_", " ")


def _day(value: object) -> date:
    return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(str(value)[:10])
