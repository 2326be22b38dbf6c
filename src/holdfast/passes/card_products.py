"""Card products: what is on sale, and how a description of a card becomes something that can be bought.

A card is sold like everything else: a venue of kind ``card`` with one product, whose slots are the days on which it is sold
and whose capacity is how many are sold a day. What it holds is a version of its rules here; a card that was bought keeps
the version it was bought in (法释〔2025〕4号, article 9: nobody changes its content afterwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files as packaged
from typing import Annotated, Any, Literal

import msgspec

from holdfast import catalogue
from holdfast.catalogue.model import Text
from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both

from . import cards_store
from .card_model import ZONE, CardProduct, CardProductUnknown, CardRulesInvalid, Rules
from .cards_store import ListPrice

FORMAT = "holdfast-cards/1"
SALE_CODE = "sale-day"


class CardOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card as a file describes it. `price` is in whole or decimal units of CNY."""

    id: Annotated[str, msgspec.Meta(pattern="^card-[a-z0-9-]{1,40}$")]
    name: Text
    city: Text
    province: str
    summary: Text
    price: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{2})?$")]
    on_sale_a_day: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    rules: Rules


class CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of cards."""

    format: Literal["holdfast-cards/1"]
    cards: list[CardOffer]


def demo() -> CardFile:
    """The four cards of the demo city."""
    return read((packaged("holdfast.passes") / "demo" / "cards.json").read_bytes())


def read(content: bytes) -> CardFile:
    """A file of cards; CardRulesInvalid says what is wrong with it, and where."""
    try:
        file = msgspec.json.decode(content, type=CardFile)
    except msgspec.DecodeError as error:
        raise CardRulesInvalid(errors=[_error("file", str(error))]) from error
    found = [_error(card.id, says) for card in file.cards for says in contradictions(card.rules)]
    if found:
        raise CardRulesInvalid(errors=found)
    return file


def contradictions(rules: Rules) -> list[str]:
    """What does not hold together in the rules of a card, in English."""
    refs = [item.ref for item in rules.items]
    validity, found = rules.validity, []
    if not refs or len(set(refs)) != len(refs):
        found.append("A card holds at least one item, and each only once.")
    for item in rules.items:
        if item.uses is None and not item.counters and rules.model != "unlimited":
            found.append(f"{item.ref}: nothing limits it; give uses or a counter.")
        found += [f"{item.ref}: there is no counter {code}." for code in item.counters if code not in rules.counters]
    found += [
        f"blackout: {ref} is not in the card." for rule in rules.blackout for ref in rule.items if ref not in refs
    ]
    has_length = {
        "hours_since_first_use": validity.hours > 0,
        "fixed_window": validity.days > 0 or (validity.from_date is not None and validity.to_date is not None),
    }.get(validity.kind, validity.days > 0)
    if not has_length:
        found.append("validity: say for how long.")
    if rules.party.adults < 1 or rules.party.children_max < 0:
        found.append("party: there is at least its holder.")
    return found


def _error(field: str, says: str) -> dict[str, Any]:
    return {
        "field": field,
        "code": "CARD_RULES",
        "message": {"en": says, "zh": says},
        "severity": "error",
        "suggestion": None,
    }


async def load(tx: Tx, actor: Actor, file: CardFile) -> int:
    """Puts the cards of a file on sale, in the newest version of their rules; how many of them are new or changed.

    Whatever they hold gets a price that a card pays. Again: nothing. CardRulesInvalid names items that nobody sells.
    """
    await catalogue.apply(tx, actor, catalogue.imports.read_upload(_catalogue_file(file), "cards.json"))
    known = {card.id: card for card in await cards_store.newest(tx, [card.id for card in file.cards])}
    changed = 0
    for card in file.cards:
        covered = await covers(tx, card.rules)
        empty = [item.ref for item in card.rules.items if not covered[item.ref]]
        if empty:
            raise CardRulesInvalid(errors=[_error(card.id, f"{ref}: nothing is sold there.") for ref in empty])
        products = [price.product_id for prices in covered.values() for price in prices]
        await catalogue.card_prices.offer(tx, actor, products)
        if card.id in known and known[card.id].rules == card.rules:
            continue
        await cards_store.add_version(tx, card.id, msgspec.to_builtins(card.rules), str(actor), clock.now())
        await audit.record(tx, actor, "passes.card_product", card.id)
        changed += 1
    return changed


async def covers(tx: ReadTx, rules: Rules) -> dict[str, list[ListPrice]]:
    """What each item of a card covers, at the list prices of today."""
    today = clock.now().astimezone(ZONE).date()
    priced = await cards_store.list_prices(tx, [item.ref for item in rules.items], today)
    return {
        item.ref: [
            price for price in priced
            if price.venue_id == item.ref and (not item.products or price.product_id in item.products)
        ]
        for item in rules.items
    }  # fmt: skip


def visit_minor(rules: Rules, ref: str, price: ListPrice, adults: int, children: int) -> int:
    """What one visit of a party costs at list price: a room is one, whoever sleeps in it."""
    if rules.item(ref).unit == "night":
        return price.adult_minor
    return adults * price.adult_minor + children * price.child_minor


def list_minor(rules: Rules, visits: dict[str, int]) -> int:
    """What all that a card holds costs at list prices, the dearest of what is to be chosen; 0 for an unlimited card.

    `visits`: item → list price of one visit of the party.
    """
    if rules.model == "unlimited":
        return 0
    total, left = 0, dict(rules.counters)
    for ref in sorted(visits, key=lambda ref: -visits[ref]):
        item = rules.item(ref)
        most = min([limit for limit in (item.uses, *(left[code] for code in item.counters)) if limit is not None])
        total += most * visits[ref]
        for code in item.counters:
            left[code] -= most
    return total


async def on_sale(tx: ReadTx) -> list[CardProduct]:
    """Every card that is on sale, in the newest version of its rules."""
    return await cards_store.newest(tx, None)


async def get(tx: ReadTx, product_id: str) -> CardProduct:
    """A card by its product; CardProductUnknown when there never was one."""
    found = await cards_store.newest(tx, [product_id])
    if not found:
        raise CardProductUnknown
    return found[0]


async def many(tx: ReadTx, product_ids: Sequence[str]) -> dict[str, CardProduct]:
    """Those of these products that are cards."""
    return {card.id: card for card in await cards_store.newest(tx, product_ids)}


_INVENTED = {
    "status": "illustrative",
    "note": {"zh": "虚构产品，所有数字均为示例", "en": "Invented; every figure is illustrative."},
}


def _catalogue_file(file: CardFile) -> bytes:
    """The cards as venues, products and prices of the catalogue's own form."""
    return msgspec.json.encode(
        {"format": "holdfast-catalogue/1", "venues": [_venue(at, card) for at, card in enumerate(file.cards)]}
    )


def _venue(at: int, card: CardOffer) -> dict[str, Any]:
    party = card.rules.party
    own = {"ticket": "card", "name": both("Card"), "amount": card.price, "position": 1, "provenance": _INVENTED}
    prices: list[dict[str, Any]] = [own | {"id": f"{card.id}-card"}]
    free = {"amount": "0", "uses_place": False, "provenance": _INVENTED}
    if party.adults > 1:
        adult = {
            "id": f"{card.id}-adult",
            "ticket": "companion",
            "name": both("Accompanying adult"),
            "per_main": party.adults - 1,
        }
        prices.append(free | adult | {"position": 2})
    if party.children_max:
        child = {
            "id": f"{card.id}-child",
            "ticket": "companion-child",
            "name": both("Accompanying child"),
            "per_main": party.children_max,
        }
        prices.append(free | child | {"position": 3})
    clock_round = {"opens": "00:00", "closes": "00:00", "last_entry": "00:00"}
    return {
        "id": card.id, "position": 200 + at, "name": card.name, "city": card.city, "province": card.province, "kind": "card",
        "summary": card.summary,
        "openings": [clock_round | {"season": "all-year", "provenance": _INVENTED}],
        "products": [{
            "id": card.id, "name": both("Card"), "real_name": True, "once_per_document_day": False,
            "max_per_order": max(5, party.size), "release_days": 0, "cancel_rule": {"text": card.rules.own_terms.says},
            "timeslots": [{
                "code": SALE_CODE, "starts": "00:00", "ends": "00:00", "share_percent": "100.0",
                "capacity": card.on_sale_a_day, "provenance": _INVENTED,
            }],
            "prices": prices,
        }],
    }  # fmt: skip
