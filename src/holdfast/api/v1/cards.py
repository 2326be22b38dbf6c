"""Cards: those on sale, those of the person who is signed in, activating one, and booking visits with it, all or nothing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from holdfast import orders, passes
from holdfast.api import openapi
from holdfast.api.endpoint import Answered, Call, Endpoint
from holdfast.kit import clock
from holdfast.kit.i18n import Locale
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput
from holdfast.orders import model as facts
from holdfast.orders.card_visits import VISITS_MAX, VisitWish, Wish
from holdfast.passes.card_model import Rules

from .orders import OrderPlaced
from .texts import Text, text

ROOT = "/api/v1/cards"
CARD = f"{ROOT}/{{card}}"
_SEQ = Annotated[int, msgspec.Meta(ge=1, le=50)]
openapi.PARAMETERS.update(
    card={"description": "The card's number.", "example": "7K3QF90XMA"},
    line={"description": "The line of the order that the visit is.", "example": "1"},
    visit_order={"description": "The number of the order that the visit was booked with.", "example": "7K3QF90XMA"},
)


class OfferAnswer(msgspec.Struct, frozen=True):
    """A card on sale. It is bought like a ticket: the slots and prices of the venue `card_id`."""

    card_id: str
    version: int
    rules: Rules


class OfferList(msgspec.Struct, frozen=True):
    """The cards on sale."""

    items: list[OfferAnswer]


class CardPerson(msgspec.Struct, frozen=True):
    """Somebody a card is for, masked. Number 1 is its holder; `kind` is adult or child."""

    seq: int
    kind: str
    name_masked: str
    document_type: str
    document_masked: str


class EntitlementAnswer(msgspec.Struct, frozen=True):
    """What a card holds of one item. `left` counts what it shares with other items, too; null: no limit."""

    item: str
    venue_name: Text
    products: list[str]
    uses_max: int | None
    held: int
    used: int
    left: int | None


class UseAnswer(msgspec.Struct, frozen=True):
    """A visit with the card: held, used or released."""

    item: str
    state: passes.UseState
    order_number: str
    line_seq: int
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    people: int


class CardRefundAnswer(msgspec.Struct, frozen=True):
    """What giving the card back brings now, and by which rule. Visits that are booked are cancelled first."""

    refund: Money
    ground: passes.Ground
    source: str
    open_visits: int
    holds_until: datetime | None


class CardAnswer(msgspec.Struct, frozen=True):
    """A card as it stands. `order_number` is the order it was bought with: cancelling that gives the card back."""

    number: str
    card_id: str
    name: Text
    state: passes.CardState
    order_number: str
    paid: Money
    issued_at: datetime
    activate_by: date | None
    activated_at: datetime | None
    valid_from: date | None
    valid_to: date | None
    valid_until: datetime | None
    people: list[CardPerson]
    entitlements: list[EntitlementAnswer]
    uses: list[UseAnswer]
    rules: Rules
    refund: CardRefundAnswer


class CardBrief(msgspec.Struct, frozen=True):
    """A card in a list."""

    number: str
    card_id: str
    name: Text
    state: passes.CardState
    activate_by: date | None
    valid_from: date | None
    valid_to: date | None


class CardList(msgspec.Struct, frozen=True):
    """The cards of the person who is signed in, newest first."""

    items: list[CardBrief]


class Activation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first day, for cards whose days are chosen; left out: today."""

    start: date | None = None


class NewVisit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A slot to be visited, and who of the card's people comes (left out: everybody)."""

    slot_id: UUID
    people: list[_SEQ] | None = None


class NewVisits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The visits of one basket: all of them are booked or none."""

    visits: Annotated[list[NewVisit], msgspec.Meta(min_length=1, max_length=VISITS_MAX)]
    locale: Locale = "zh"


async def on_sale(call: Call) -> OfferList:
    """Every card that can be bought, with all its rules."""
    found = await call.db.read(passes.card_products.on_sale)
    return OfferList([OfferAnswer(card.id, card.version, card.rules) for card in found])


async def mine(call: Call) -> CardList:
    """The cards of the person, whichever account bought them."""
    found = await call.db.read(passes.cards.mine, call.session.account_id)
    return CardList(
        [
            CardBrief(
                card.number, card.row.product_id, text(card.row.name), card.state, card.row.activate_by, card.row.valid_from,
                card.row.valid_to,
            )
            for card in found
        ]
    )  # fmt: skip


async def one(call: Call) -> CardAnswer:
    """One card of the person."""
    async with call.db.reading() as tx:
        card = await passes.cards.require(tx, call.session.account_id, call.path("card"))
        return _answer(card, await passes.cards.refund_of(tx, card))


async def activate(call: Call) -> CardAnswer:
    """From now on visits can be booked with it. Again: the card as it is."""
    body: Activation = call.body
    card = await call.db.run(passes.cards.activate, call.actor, call.session.account_id, call.path("card"), body.start)
    return _answer(card, await call.db.read(passes.cards.refund_of, card))


async def book(call: Call) -> Answered:
    """Books visits with the card, all or nothing, in one order. Repeating it under its key gives the same answer."""
    body: NewVisits = call.body
    visits = [VisitWish(visit.slot_id, visit.people) for visit in body.visits]
    placed = await call.db.run(
        orders.card_visits.reserve,
        call.actor,
        call.session.account_id,
        call.path("card"),
        Wish(visits, call.key, body.locale),
    )
    return Answered(
        OrderPlaced(placed.number, placed.state, Money(placed.amount_minor, placed.currency), placed.expires_at),
        [(b"location", b"/api/v1/orders/" + placed.number.encode())],
    )


async def cancel(call: Call) -> None:
    """Gives one visit back: its places go on sale again, the use comes back to the card. Again: nothing."""
    line = call.path("line")
    if not (line.isascii() and line.isdigit() and len(line) < 6):
        raise facts.OrderUnknown
    await call.db.run(
        orders.card_visits.cancel,
        call.actor,
        call.session.account_id,
        call.path("card"),
        call.path("visit_order"),
        int(line),
    )


def _answer(card: passes.Card, back: passes.CardRefund) -> CardAnswer:
    row = card.row
    return CardAnswer(
        number=row.number, card_id=row.product_id, name=text(row.name), state=row.state, order_number=row.order_number,
        paid=Money(row.paid_minor, row.currency), issued_at=row.issued_at, activate_by=row.activate_by,
        activated_at=row.activated_at, valid_from=row.valid_from, valid_to=row.valid_to, valid_until=row.valid_until,
        people=[
            CardPerson(one.seq, one.kind, one.name_masked, one.document_type, f"••••{one.document_last4}")
            for one in card.people
        ],
        entitlements=[
            EntitlementAnswer(
                one.item, text(one.venue_name), sorted(one.prices), one.uses_max, one.held, one.used, card.left(one.item)
            )
            for one in card.entitlements
        ],
        uses=[
            UseAnswer(
                use.item, use.state, use.order_number, use.line_seq, use.visit_date, use.starts_at, use.ends_at, use.people
            )
            for use in card.uses
        ],
        rules=row.rules,
        refund=CardRefundAnswer(
            Money(back.refund_minor, row.currency), back.ground, back.source, back.open_visits,
            back.holds_until if back.holds_until and back.holds_until > clock.now() else None,
        ),
    )  # fmt: skip


_BOOKING = (
    passes.CardUnknown,
    passes.CardRefuses,
    facts.SlotUnknown,
    facts.SlotFull,
    facts.SlotClosed,
    facts.NotYetOnSale,
    facts.SaleOver,
    facts.SaleUnconfirmed,
    facts.PriceUnknown,
    facts.DocumentAlreadyBooked,
    facts.DocumentTwice,
    facts.DocumentNotAccepted,
    facts.TravellersIncomplete,
    facts.TooManyThatDay,
    facts.TooManyPerOrder,
    InvalidInput,
)
_SLOT = "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/v1/card-offers", name="card-offers", summary="The cards on sale", who="anyone",
        answer=OfferList, cache="public, max-age=60", handler=on_sale,
    ),
    Endpoint(
        method="GET", path=ROOT, name="cards", summary="My cards, newest first", who="traveller", answer=CardList, handler=mine,
    ),
    Endpoint(
        method="GET", path=CARD, name="card", summary="One of my cards: what is left, until when, what it is worth",
        who="traveller", answer=CardAnswer, problems=(passes.CardUnknown,), handler=one,
    ),
    Endpoint(
        method="POST", path=f"{CARD}/activation", name="card-activation", summary="Activate a card", who="traveller",
        body=Activation, body_optional=True, answer=CardAnswer,
        problems=(passes.CardUnknown, passes.NotActivatable, passes.StartImpossible), handler=activate,
        example={"start": "2026-12-01"},
    ),
    Endpoint(
        method="POST", path=f"{CARD}/visits", name="card-visits", summary="Book visits with a card, all or nothing",
        who="traveller", body=NewVisits, answer=OrderPlaced, status=201, needs_key=True, problems=_BOOKING, handler=book,
        example={"visits": [{"slot_id": _SLOT, "people": [1]}], "locale": "en"},
    ),
    Endpoint(
        method="DELETE", path=f"{CARD}/visits/{{visit_order}}/{{line}}", name="card-visit",
        summary="Cancel a visit; it comes back to the card", who="traveller", status=204,
        problems=(passes.CardUnknown, facts.OrderUnknown, facts.NotCancellable), handler=cancel,
    ),
)  # fmt: skip
