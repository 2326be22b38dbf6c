"""Cards on sale: the list, and each with what is in it, how long it serves, what it costs against list prices, what comes back."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory, passes
from holdfast.kit import clock, i18n
from holdfast.kit.db import ReadTx
from holdfast.passes.card_model import ZONE, Rules
from holdfast.web import card_words, sessions, words
from holdfast.web.render import language, page


class ShownItem(msgspec.Struct, frozen=True):
    """Something a card holds, with what one visit of its whole party costs at list price."""

    venue: catalogue.VenueCard
    says: str
    extra: bool
    list_minor: int


class ShownCard(msgspec.Struct, frozen=True):
    """A card on sale. `list_minor` is what all of it costs at list prices today; 0 for an unlimited one."""

    venue: catalogue.VenueCard
    rules: Rules
    chosen: str
    items: list[ShownItem]
    price_minor: int
    list_minor: int
    currency: str

    @property
    def saved_percent(self) -> int:
        """How much less it costs than at list prices, in whole percent, rounded down."""
        return (
            100 * (self.list_minor - self.price_minor) // self.list_minor if self.list_minor > self.price_minor else 0
        )


async def cards(request: Request) -> Response:
    """``GET /cards``: the cards on sale."""
    await sessions.visitor(request)
    async with sessions.database(request).reading() as tx:
        products = await passes.card_products.on_sale(tx)
        shown = [await _shown(tx, request, product) for product in products]
    return page(
        request,
        "traveller/city_cards.html",
        cards=[card for card in shown if card.venue.retired_at is None],
        tabs=[
            (kind, name, "/cards" if kind == "card" else "/" if not kind else f"/?kind={kind}")
            for kind, name in words.TABS.items()
        ],
    )


async def card(request: Request) -> Response:
    """``GET /cards/{card_id}``: one card, and the form that leads to the checkout."""
    await sessions.visitor(request)
    now = clock.now()
    today = now.astimezone(ZONE).date()
    card_id: str = request.path_params["card_id"][:63]
    async with sessions.database(request).reading() as tx:
        product = await passes.card_products.get(tx, card_id)
        shown = await _shown(tx, request, product)
        slots = await inventory.availability.day(tx, card_id, today, now)
    slot = next((slot for slot in slots if slot.sale == "open" and slot.places_left), None)
    names = {item.venue.id: i18n.pick(item.venue.name, language(request)) for item in shown.items}
    return page(
        request,
        "traveller/city_card.html",
        card=shown,
        limits=card_words.limits(request, product.rules, lambda ref: names.get(ref, ref)),
        lasting=card_words.lasting(request, product.rules),
        whom=card_words.whom(request, product.rules),
        law=card_words.law(request, product.rules),
        source=card_words.SOURCE,
        today=today,
        slot=slot,
        choices=_choices(slot, product.rules) if slot else [],
        none_chosen=bool(sessions.asked(request, "none")),
    )


def _choices(slot: inventory.SlotView, rules: Rules) -> list[tuple[catalogue.Price, int, int]]:
    """The prices to choose from, each with the most of it and what is chosen at first: one card, nobody else."""
    most = {"companion": rules.party.adults - 1, "companion-child": rules.party.children_max}
    alone = 5 if rules.party.size == 1 else 1
    return [(price, most.get(price.ticket, alone), 0 if price.ticket in most else 1) for price in slot.prices]


async def _shown(tx: ReadTx, request: Request, product: passes.CardProduct) -> ShownCard:
    rules, party = product.rules, product.rules.party
    venue = await catalogue.venues.get(tx, product.id)
    covered = await passes.card_products.covers(tx, rules)
    visits = {
        ref: max(
            (passes.card_products.visit_minor(rules, ref, one, party.adults, party.children_max) for one in found),
            default=0,
        )
        for ref, found in covered.items()
    }
    known = await catalogue.venues.many(tx, [item.ref for item in rules.items] + [product.id])
    price = next((price for sold in venue.products for price in sold.prices if price.ticket == "card"), None)
    return ShownCard(
        venue=known[product.id],
        rules=rules,
        chosen=card_words.chosen(request, rules),
        items=[
            ShownItem(known[item.ref], card_words.count_of(request, item, rules), item.extra, visits[item.ref])
            for item in rules.items
            if item.ref in known
        ],
        price_minor=price.amount_minor if price else 0,
        list_minor=passes.card_products.list_minor(rules, visits),
        currency=price.currency if price else "CNY",
    )


routes = [Route("/cards", cards), Route("/cards/{card_id}", card)]
