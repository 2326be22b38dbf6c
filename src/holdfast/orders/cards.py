"""Orders that buy cards: the cards are made in the transaction that confirms the order, and go back with it.

What a returned card gives back is decided by `passes.card_refunds`, card by card: each holder's card can be given back
alone where nobody comes along on it. A visit that is booked with a card stands in the way until it is cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from holdfast import passes
from holdfast.kit import clock, crypto, log
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.passes import Card, CardRefund, CardState
from holdfast.passes.card_model import Party
from holdfast.passes.cards import NewCard, NewPerson

from . import after_sale_store, cards_store, store
from .after_sale_model import NotChangeable, PartNotPossible
from .cards_store import Bought
from .changes_store import Target
from .model import NotCancellable, Order, OrderRow, State
from .policies import Item, Quote, Share, Why

CHANNEL, HOLDER = "card", "holder"
"""The channel of orders that a card pays."""
_ACTOR = system("cards")


async def issue(tx: Tx, row: OrderRow) -> int:
    """Makes the cards that a confirmed order has bought; how many are new. An order of anything else: nothing.

    Those who come along belong to the first card with room for them, in the order in which they were entered.
    """
    people = await cards_store.bought(tx, row.id)
    paid = {
        seq: minor
        for item in (await after_sale_store.items(tx, row.id) if people else [])
        for seq, minor in zip(item.travellers, item.tickets_minor(), strict=False)
    }
    products = await passes.card_products.many(tx, sorted({one.product_id for one in people}))
    made = 0
    for product in products.values():
        buying = [one for one in people if one.product_id == product.id]
        for party in parties([one.kind for one in buying], product.rules.party):
            holder, mine = buying[party[0]], [_person(buying[at], buying[at].kind) for at in party]
            card = NewCard(
                product, row.id, row.number, holder.seq, row.account_id, paid[holder.seq], row.currency, mine
            )
            made += await passes.cards.issue(tx, _ACTOR, card)
    return made


def parties(kinds: Sequence[str], party: Party) -> list[list[int]]:
    """Who is on which card, by place in the list: its holder first, then who comes along. `kinds`: ``holder``, ``adult`` or
    ``child``. Those for whom no card has room are on none."""
    coming = [at for at, kind in enumerate(kinds) if kind != HOLDER]
    found = []
    for holder in [at for at, kind in enumerate(kinds) if kind == HOLDER]:
        room = {"adult": party.adults - 1, "child": party.children_max}
        mine = [holder]
        for at in list(coming):
            if room[kinds[at]] > 0:
                room[kinds[at]] -= 1
                coming.remove(at)
                mine.append(at)
        found.append(mine)
    return found


def _person(one: Bought, kind: str) -> NewPerson:
    assert one.name
    assert one.document
    return NewPerson(
        "child" if kind == "child" else "adult", crypto.unseal("orders.travellers.name", bytes(one.name)), one.document_type,
        crypto.unseal("orders.travellers.document", bytes(one.document)), one.document_last4,
    )  # fmt: skip


async def issue_late(db: Db, order_id: UUID) -> None:
    """The cards of an order that was confirmed where nobody could make them: one that cost nothing. Again: nothing."""
    if await db.read(cards_store.bought, order_id) and (made := await db.run(_issue_late, order_id)):
        log.get().info("cards.issued", order_id=str(order_id), cards=made)


async def _issue_late(tx: Tx, order_id: UUID) -> int:
    row = await store.locked(tx, order_id)
    return await issue(tx, row) if row is not None and row.state is State.CONFIRMED else 0


async def of_order(tx: ReadTx, order: Order) -> list[Card]:
    """The cards that an order has bought; none before it is confirmed."""
    return await passes.cards.of_order(tx, order.row.id) if order.is_card else []


async def paying(tx: ReadTx, order: Order) -> list[str]:
    """The numbers of the cards that pay the visits of an order."""
    return await passes.cards.numbers_paying(tx, order.row.id) if order.with_card else []


# Giving back


async def requote(
    tx: ReadTx, row: OrderRow, items: Sequence[Item], found: Quote, cause: passes.Cause = passes.Cause.BUYER
) -> Quote:
    """What cancelling gives back where the order holds cards: the sum of what each card gives. Else what was found.

    PartNotPossible where only some of those are to leave who come along on a card.
    """
    sold = await passes.card_products.many(tx, sorted({item.product_id for item in items}))
    if not sold:
        return found
    held = [card for card in await passes.cards.of_order(tx, row.id) if card.state is not CardState.REFUNDED]
    if not held:  # nothing was paid for, or everything is given back already
        return replace(found, shares=[_share(share, 0) for share in found.shares], kept_minor=0, holds_until=None)
    leaving = held if found.whole else [card for card in held if card.row.holder_seq in found.travellers]
    if not found.whole and {card.row.holder_seq for card in leaving} != set(found.travellers):
        raise PartNotPossible
    refunds = {card.row.holder_seq: await passes.cards.refund_of(tx, card, cause) for card in leaving}
    refund = min(sum(one.refund_minor for one in refunds.values()), found.left_minor)
    kept = found.left_minor - refund if found.whole else sum(one.paid_minor for one in refunds.values()) - refund
    line_of = {seq: item.seq for item in items for seq in item.travellers}
    kept_of = dict.fromkeys((item.seq for item in items), 0)
    for seq, one in refunds.items():
        kept_of[line_of[seq]] += one.used_minor
    ends = [one.holds_until for one in refunds.values() if one.holds_until]
    return replace(
        found, shares=[_share(share, kept_of[share.line_seq]) for share in found.shares], refund_minor=refund,
        kept_minor=max(min(kept, found.left_minor - refund), 0), holds_until=min(ends, default=None), cards=list(refunds.values()),
    )  # fmt: skip


def _share(share: Share, kept_minor: int) -> Share:
    return replace(share, kept_minor=kept_minor, why=Why.CARD)


def require_returnable(found: Quote) -> None:
    """NotCancellable while visits are booked with one of the cards, and when nothing of them is left."""
    refunds: list[CardRefund] = found.cards
    if any(one.open_visits for one in refunds):
        raise NotCancellable(reason="card-visits")
    if refunds and not found.refund_minor and any(one.paid_minor for one in refunds):
        raise NotCancellable(reason="card-nothing-left")


async def end(tx: Tx, actor: Actor, order_id: UUID, holders: Sequence[int] | None = None) -> None:
    """What cards have to do with an order that ends, or some of whose people leave: those it bought are given back, and
    what it used of one comes back to that."""
    await passes.release(tx, actor, order_id)
    await passes.cards.end_of_order(tx, actor, order_id, holders)


async def leave(tx: Tx, actor: Actor, row: OrderRow, items: Sequence[Item], found: Quote) -> None:
    """Some people have left an order that goes on: their cards are given back, and visits that nobody makes any more."""
    if found.cards:
        await passes.cards.end_of_order(tx, actor, row.id, found.travellers)
    if row.channel == CHANNEL:
        gone = [item.seq for item in items if item.travellers and set(item.travellers) <= set(found.travellers)]
        await passes.release(tx, actor, row.id, gone)


# Changing a visit


async def require_move(tx: ReadTx, row: OrderRow, items: Sequence[Item], target: Target) -> None:
    """NotChangeable when a visit that a card pays cannot be on that other day, for the card's own reasons."""
    if row.channel != CHANNEL:
        return
    for card, use in await passes.cards.of_visits(tx, row.id, [item.seq for item in items]):
        others = replace(card, uses=[one for one in card.uses if one.id != use.id])
        wanted = passes.Wanted(target.product_id, target.visit_date, target.starts_at)
        reasons = passes.eligibility.refusals(others, [wanted], clock.now())
        if reasons:
            raise NotChangeable(reason="card", says=reasons[0].says)


async def follow(tx: Tx, by: str, row: OrderRow, from_lines: Sequence[int], to_slot: UUID) -> None:
    """Visits of a card are in another slot now: their uses go with them."""
    if row.channel != CHANNEL:
        return
    here = [line.seq for line in (await store.lines(tx, [row.id]))[row.id] if line.slot_id == to_slot]
    await passes.moved(tx, by, row.id, list(from_lines), here[-len(from_lines) :], to_slot)
