"""Cancellation: what it gives back is said beforehand, by the rule of the product, and is given in the same transaction.

An order that is not paid, or was free, just ends. Of a paid one the whole or some of its travellers may leave; their
places, documents and money go back, what the rule keeps is booked as earned, and tickets made before are void.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast import passes, payments
from holdfast.kit import clock, faults
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money
from holdfast.passes import Cause

from . import (
    after_sale_store,
    attendance,
    cards,
    changes_store,
    invoices,
    lookup,
    messages,
    news,
    policies,
    resale_account,
    store,
)
from .after_sale_model import ChangeState, PartNotPossible, QuoteChanged, TravellersUnknown
from .model import (
    UNPAID,
    NotCancellable,
    Order,
    OrderRow,
    OrderUnknown,
    PaymentInDoubt,
    State,
    may_become,
)
from .policies import Item, Quote, Why

_ACTOR = system("cancellation")
CANCELLED = faults.declare(
    "orders.cancel.before_commit", "a paid order is cancelled with its refund, not yet committed"
)


class _Wanted(msgspec.Struct, frozen=True):
    """Who is to leave (None: everybody), and the refund that was shown (None: none was)."""

    travellers: Sequence[int] | None
    quoted_minor: int | None
    cause: Cause


async def quote(tx: ReadTx, order: Order, travellers: Sequence[int] | None = None, cause: Cause = Cause.BUYER) -> Quote:
    """What cancelling gives back now, for some travellers by their numbers in the order, or for all of it.

    `cause`: whose doing it is that a card is given back; it decides nothing about visits.
    TravellersUnknown names those who are not in it. Whether it is possible at all is decided when it is asked for.
    """
    items = await after_sale_store.items(tx, order.row.id)
    found = _decide(items, travellers, await lefts(tx, order.row), order.row)
    return await cards.requote(tx, order.row, items, found, cause)


async def cancel(
    db: Db, actor: Actor, order: Order, travellers: Sequence[int] | None = None, quoted_minor: int | None = None,
    cause: Cause = Cause.BUYER,
) -> None:  # fmt: skip
    """Cancels an order the caller has required, or takes some of its travellers off. Again: nothing.

    Where money was paid, `quoted_minor` is the refund that was agreed to: QuoteChanged when it is another one by now. A
    started payment is closed at its provider first: PaymentInDoubt while the provider does not say whether money came.
    NotCancellable when money came meanwhile, or the visit is used or begun; PartNotPossible, TravellersUnknown.
    """
    wanted = _Wanted(travellers, quoted_minor, cause)
    closed: list[UUID] = []
    while intent_id := await db.run(_cancel, actor, order.row.id, wanted, closed):
        await payments.close_attempts(db, intent_id)
        closed.append(intent_id)


async def _cancel(tx: Tx, actor: Actor, order_id: UUID, wanted: _Wanted, closed: list[UUID]) -> UUID | None:
    """Cancels, or answers which payment must be closed first: one may have been started since the caller looked."""
    row = await store.locked(tx, order_id)
    if row is None:
        raise OrderUnknown
    if row.state is State.CANCELLED:
        return None
    if row.state not in (*UNPAID, State.CONFIRMED):
        raise NotCancellable(state=row.state)
    items = await after_sale_store.items(tx, order_id)
    whole = _decide(items, wanted.travellers, [], row).whole
    for intent_id in await unsettled(tx, row):
        if not whole:
            raise PartNotPossible
        if intent_id not in closed:
            return intent_id
        await _end_payment(tx, intent_id, wanted)
    if row.state in UNPAID:
        if not whole:
            raise PartNotPossible
        await end_order(tx, actor, row, {})
    else:
        await _give_up(tx, actor, row, items, wanted)
    return None


async def unsettled(tx: ReadTx, row: OrderRow) -> list[UUID]:
    """The payments by which money may still come: of placing the order, of a promise, of a change under way."""
    found = []
    if row.intent_id is not None:
        promised = (await payments.view(tx, row.intent_id)).state is payments.IntentState.DEFERRED
        found += [row.intent_id] if promised or row.state in UNPAID else []
    change = await changes_store.under_way(tx, row.id)
    if change is not None and change.intent_id is not None:
        found.append(change.intent_id)
    return found


async def _end_payment(tx: Tx, intent_id: UUID, wanted: _Wanted) -> None:
    """Nothing more is wanted by it, from this transaction on."""
    ended = await payments.end(tx, intent_id, payments.IntentState.CANCELLED)
    if ended is None:
        raise PaymentInDoubt
    if ended is payments.IntentState.PAID:
        raise NotCancellable(reason="paid") if wanted.quoted_minor is None else QuoteChanged()


async def _give_up(tx: Tx, actor: Actor, row: OrderRow, items: list[Item], wanted: _Wanted) -> None:
    """A confirmed order, or some of its travellers: money first, places last."""
    there = await lefts(tx, row)
    await passes.cards.lock_of_order(tx, row.id)
    found = await cards.requote(tx, row, items, _decide(items, wanted.travellers, there, row), wanted.cause)
    cards.require_returnable(found)
    await attendance.require_not_admitted(tx, row.number, None if found.whole else found.travellers)
    now = clock.now()
    _require_time(items, found, now)
    if found.left_minor and wanted.quoted_minor is None:
        raise NotCancellable(reason="paid")
    if wanted.quoted_minor not in (None, found.refund_minor):
        raise QuoteChanged(refund_minor=found.refund_minor, kept_minor=found.kept_minor, currency=found.currency)
    await move_money(tx, actor, row, found, there)
    await invoices.after_refund(tx, row)
    if found.whole and found.left_minor:
        template = "order-cancelled" if found.refund_minor else "order-cancelled-kept"
        await messages.tell(tx, row, template, amount=str(Money(found.refund_minor, row.currency)))
    if found.whole:
        await end_order(tx, actor, row, {"refund_minor": found.refund_minor, "kept_minor": found.kept_minor})
    else:
        await take_off(tx, actor, row, items, found)
    faults.point(CANCELLED)


def _require_time(items: list[Item], found: Quote, now: datetime) -> None:
    """What has begun and by its rule gives nothing back stays as it is."""
    starts = {item.seq: item.starts_at for item in items}
    if any(share.why is Why.OVER and starts[share.line_seq] <= now for share in found.shares):
        raise NotCancellable(reason="started")


async def move_money(tx: Tx, actor: Actor, row: OrderRow, found: Quote, there: list[tuple[UUID, int]]) -> None:
    """The refund goes back from the newest payment on; what is kept is taken from what is left of them."""
    backs = dict(policies.spread(found.refund_minor, there))
    for intent_id, part in backs.items():
        await payments.give_back(tx, actor, intent_id, part, "cancelled")
    rest = [(intent_id, left - backs.get(intent_id, 0)) for intent_id, left in there]
    for intent_id, part in policies.spread(found.kept_minor, rest):
        await payments.keep(tx, intent_id, part, f"{intent_id}:{row.ticket_version}", "cancellation")
    for kind, minor in (("refund_requested", found.refund_minor), ("fee_kept", found.kept_minor)):
        if minor:
            amount = str(Money(minor, row.currency))
            await store.add_event(tx, row.id, kind, clock.now(), str(actor), {"amount": amount})


async def end_order(tx: Tx, actor: Actor, row: OrderRow, details: dict[str, Any]) -> None:
    """The locked order is cancelled: its places and documents go back. Its money is the business of whoever calls."""
    assert may_become(row.state, State.CANCELLED)
    await store.set_state(tx, row.id, State.CANCELLED, expires_at=None, confirmed_at=None)
    await store.add_event(tx, row.id, "cancelled", clock.now(), str(actor), details)
    await end_with(tx, row.id, actor)
    await store.release(tx, row.id)
    await news.tell(tx, [row], State.CANCELLED)


async def end_with(tx: Tx, order_id: UUID, actor: Actor = _ACTOR) -> None:
    """What ends with an order that is cancelled: its cards or its use of one, a change under way, every ticket, and what a
    reseller owes for it."""
    await cards.end(tx, actor, order_id)
    await changes_store.end_under_way(tx, order_id, ChangeState.WITHDRAWN, clock.now())
    await after_sale_store.void_tickets(tx, order_id)
    await resale_account.end(tx, order_id)


async def take_off(tx: Tx, actor: Actor, row: OrderRow, items: list[Item], found: Quote) -> None:
    """Some travellers leave, the order goes on. Its money is the business of whoever calls, but for a reseller's."""
    chosen = set(found.travellers)
    going = {share.line_seq for share in found.shares}
    leaving = [after_sale_store.leaving(item, found.travellers) for item in items if item.seq in going]
    amount = str(Money(found.refund_minor, row.currency))
    await store.add_event(
        tx, row.id, "part_cancelled", clock.now(), str(actor), {"travellers": found.travellers, "amount": amount}
    )
    await messages.tell(
        tx, row, "order-part-cancelled", count=str(len(chosen)), amount=amount, link=lookup.link(row.number)
    )
    await news.changed(tx, row)
    await after_sale_store.leave(tx, row.id, leaving)
    await cards.leave(tx, actor, row, items, found)
    await resale_account.follow(tx, row.id, found.kept_minor)
    await attendance.settle(tx, row, str(actor))


async def lefts(tx: ReadTx, row: OrderRow) -> list[tuple[UUID, int]]:
    """How much money is still there of each payment of an order, the newest first."""
    return [
        (intent_id, await payments.left_minor(tx, intent_id))
        for intent_id in await after_sale_store.intents(tx, row.id)
    ]


def _decide(items: list[Item], travellers: Sequence[int] | None, there: list[tuple[UUID, int]], row: OrderRow) -> Quote:
    known = {seq for item in items for seq in item.travellers}
    if travellers is not None and (not travellers or not set(travellers) <= known):
        raise TravellersUnknown(travellers=sorted(set(travellers) - known))
    left = sum(minor for _intent, minor in there)
    return policies.decide(items, travellers, clock.now(), left, row.currency)
