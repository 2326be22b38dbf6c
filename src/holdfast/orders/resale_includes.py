"""Cards as packages: what may be chosen with one, in groups, as resellers see it.

Derived from the rules of the card, which stay what decides: a list of things that all belong to it, groups out of which so
many may be chosen, and what comes on top. An include is one product; a place that sells several is a group of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from holdfast import partners, passes
from holdfast.catalogue.model import Text
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import both
from holdfast.passes import Card, CardProduct
from holdfast.passes.card_model import ZONE, Item, Rules

from . import resale_offers_store as store
from .resale_model import Group, Include, Offered

YEAR = 366
ALL = "Included"
OF = "Choose {count} of {many}"
UP_TO = "Up to {count} visits"
_Products = dict[str, list[str]]
"""What an item of a card covers, by product."""


async def filled(tx: ReadTx, found: Sequence[Offered]) -> list[Offered]:
    """The same products; the cards among them with their groups, by the rules that they are sold with now."""
    ours = [one.id for one in found if one.is_package]
    if not ours:
        return list(found)
    cards = await passes.card_products.many(tx, ours)
    covered = {card.id: await _covered(tx, card.rules) for card in cards.values()}
    named = {product_id for items in covered.values() for ids in items.values() for product_id in ids}
    offered = {one.id: one for one in await store.known(tx, sorted(named))}
    return [
        replace(one, groups=groups(cards[one.id].rules, covered[one.id], offered)) if one.id in cards else one
        for one in found
    ]


async def _covered(tx: ReadTx, rules: Rules) -> _Products:
    covers = await passes.card_products.covers(tx, rules)
    return {ref: [price.product_id for price in prices] for ref, prices in covers.items()}


async def of_card(tx: ReadTx, card: Card) -> list[Group]:
    """The groups of a card that was bought, by the rules it was bought under."""
    covered = {one.item: list(one.prices) for one in card.entitlements}
    ids = sorted({product_id for found in covered.values() for product_id in found})
    return groups(card.rules, covered, {one.id: one for one in await store.known(tx, ids)})


async def included(tx: ReadTx, terms: partners.Terms, product_id: str) -> Offered | None:
    """A product that a partner may not sell by itself, if it is in a card that it may sell: visits need its times."""
    for card in await filled(tx, await store.offered(tx, terms.product_ids, cards_only=True)):
        for group in card.groups:
            for one in group.includes:
                if one.id == product_id:
                    return one.offered
    return None


def groups(rules: Rules, covered: _Products, offered: dict[str, Offered]) -> list[Group]:
    """Pure. Items in their order: what all belongs to it first, then what is to be chosen, then places with several products."""
    here = {
        item.ref: [offered[product_id] for product_id in covered.get(item.ref, []) if product_id in offered]
        for item in rules.items
    }
    days, found = _days(rules), []
    listed = [item for item in rules.items if _is_listed(item) and len(here[item.ref]) == 1]
    if listed:
        includes = [_include(rules, item, here[item.ref][0], days, required=not item.optional) for item in listed]
        found.append(Group(both(ALL), sum(one.limit for one in includes), includes))
    for code, count in rules.counters.items():
        sharing = [item for item in rules.items if item.counters[:1] == [code]]
        includes = [_include(rules, item, one, days) for item in sharing for one in here[item.ref]]
        if includes:
            title = both(UP_TO, count=count) if count > len(includes) else both(OF, count=count, many=len(includes))
            found.append(Group(title, count, includes))
    for code in dict.fromkeys(item.one_of for item in rules.items if item.one_of and not item.counters):
        either = [item for item in rules.items if item.one_of == code and not item.counters]
        includes = [_include(rules, item, one, days) for item in either for one in here[item.ref]]
        if includes:
            most = max(one.limit for one in includes)
            found.append(Group(both(OF, count=most, many=len(includes)), most, includes))
    for item in rules.items:
        if _is_listed(item) and len(here[item.ref]) > 1:
            includes = [_include(rules, item, one, days) for one in here[item.ref]]
            found.append(Group(here[item.ref][0].venue_name, _limit(rules, item, days), includes))
    return found


def _is_listed(item: Item) -> bool:
    """It is in the card by itself, not out of a number or instead of something else."""
    return not item.counters and not item.one_of


def _include(rules: Rules, item: Item, offered: Offered, days: int | None, *, required: bool = False) -> Include:
    return Include(item.ref, offered, required, _limit(rules, item, days), days)


def _limit(rules: Rules, item: Item, days: int | None) -> int:
    """How often an item may be chosen: the least of what limits it; without that once a day."""
    limits = [rules.counters[code] for code in item.counters] + ([item.uses] if item.uses is not None else [])
    return min(limits, default=(item.per_day or 1) * (days or YEAR))


def _days(rules: Rules) -> int | None:
    """For how many days a card serves, once its days have begun."""
    validity = rules.validity
    if validity.kind == "hours_since_first_use":
        return math.ceil(validity.hours / 24)
    if validity.from_date and validity.to_date:
        return (validity.to_date - validity.from_date).days + 1
    return validity.days or None


async def prospect(tx: ReadTx, product_id: str, names: dict[str, Text], start: date | None) -> Card:
    """The card as it would be if it were bought and activated now: `passes.eligibility` answers for it as for one that is there.

    `start`: the day of its first visit. `names`: what its items are called.
    """
    product: CardProduct = await passes.card_products.get(tx, product_id)
    covers = await passes.card_products.covers(tx, product.rules)
    prices: dict[str, dict[str, int]] = {
        ref: {price.product_id: price.adult_minor for price in found} for ref, found in covers.items()
    }
    card = passes.cards.prospect(product, prices, names, clock.now())
    today: Any = clock.now().astimezone(ZONE).date()
    first = max(start, today) if start else None
    valid_from, valid_to = passes.cards.days_of(card, first, today)
    return replace(card, row=replace(card.row, valid_from=valid_from, valid_to=valid_to))
