"""Cards that are given back because of the seller: a place that closed for good, a promise that was not kept.

What was used then counts at its share of the price of the card (法释〔2025〕4号, article 18). Visits that are booked are
cancelled with it; money, card and visits are what `cancellation` makes of them.
"""

from __future__ import annotations

from holdfast import passes
from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money
from holdfast.passes import Cause

from . import after_sale_store, cancellation, card_visits, cards, lookup, policies, resale_account, store
from .model import NotCancellable, Order, State


async def by_seller(db: Db, actor: Actor, number: str, why: str) -> Money:
    """Staff give a card back for its buyer, and what it is worth when it is our doing; the sum. Again: nothing comes.

    CardUnknown; NotCancellable when its order is over.
    """
    card = await db.read(passes.cards.by_number, number)
    await db.run(_clear, actor, card, why)
    order = await db.read(_order_of, card)
    if await db.read(resale_account.is_on_account, order.row.id):
        return await db.run(_on_account, actor, card)
    several = len(await db.read(passes.cards.of_order, order.row.id)) > 1
    leaving = [card.row.holder_seq] if several else None
    found = await db.read(cancellation.quote, order, leaving, Cause.SELLER)
    await cancellation.cancel(db, actor, order, leaving, found.refund_minor, Cause.SELLER)
    return Money(found.refund_minor, found.currency)


async def _on_account(tx: Tx, actor: Actor, card: passes.Card) -> Money:
    """A reseller has sold it: its partner gets the sum back on account, reckoned on what it paid."""
    row = await store.locked(tx, card.row.order_id)
    if row is None or row.state is not State.CONFIRMED:
        raise NotCancellable(state=row.state if row else None)
    await passes.cards.lock_of_order(tx, row.id)
    several = len(await passes.cards.of_order(tx, row.id)) > 1
    items = await after_sale_store.items(tx, row.id)
    leaving = [card.row.holder_seq] if several else None
    found = policies.decide(items, leaving, clock.now(), row.amount_minor, row.currency)
    found = await cards.requote(tx, row, items, found, Cause.SELLER)
    if found.whole:
        await resale_account.end(tx, row.id, found.kept_minor)
        await cancellation.end_order(tx, actor, row, {"kept_minor": found.kept_minor} if found.kept_minor else {})
    else:
        await cancellation.take_off(tx, actor, row, items, found)
    return Money(found.refund_minor, row.currency)


async def _clear(tx: Tx, actor: Actor, card: passes.Card, why: str) -> None:
    """The visits of this card are cancelled, and it is written down why."""
    await card_visits.cancel_of_card(tx, actor, card.number)
    await audit.record(tx, actor, "passes.card_return", f"card:{card.number}", why=why)


async def _order_of(tx: ReadTx, card: passes.Card) -> Order:
    return await lookup.whole(tx, await store.by_number(tx, card.row.order_number))
