"""Changes (改签): another date or time of the same product for the same people, in one transaction over both slots.

What is cheaper goes back by itself. What costs more is paid first: the new places are held meanwhile, the old ones stay,
and if the time to pay passes the visit is as it was. Once changed, earlier tickets are void.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import errors

from holdfast import payments
from holdfast.kit import clock, faults, ids, log, settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import pick
from holdfast.kit.money import Money
from holdfast.kit.problems import Unavailable

from . import (
    after_sale_store,
    benefits,
    cards,
    change_quotes,
    changes_store,
    invoices,
    lookup,
    messages,
    news,
    policies,
    resale_account,
    store,
)
from .after_sale_model import Change, ChangeState, ChangeUnderWay, ChangeUnknown, NotChangeable, QuoteChanged
from .cancellation import lefts
from .change_quotes import ChangeQuote
from .model import DocumentAlreadyBooked, NotPayable, Order, OrderRow, OrderUnknown, PaymentInDoubt, State

CHANGED = faults.declare("orders.change.before_commit", "an order is in its new slot, not yet committed")
HELD = faults.declare("orders.change.held", "new places are held beside the old, not yet committed")
COMPLETED = faults.declare("orders.change.completed", "a paid change has taken place, not yet committed")
TIME_TO_PAY = timedelta(minutes=10)
"""At least so long the new places are held."""
DOUBT_EXTENSION = timedelta(minutes=1)
BATCH = 200
_SYSTEM = str(system("changes"))


class Wish(msgspec.Struct, frozen=True):
    """Where to, from which slot where an order has several, and what was agreed to: above zero to be paid, below back."""

    to_slot: UUID
    quoted_minor: int
    from_slot: UUID | None = None


async def quote(tx: ReadTx, order: Order, to_slot: UUID, from_slot: UUID | None = None) -> ChangeQuote:
    """What the change costs now; the problem that stands in its way if it is not possible (see `change`)."""
    return await change_quotes.quote(tx, order.row, to_slot, from_slot)


async def of_order(tx: ReadTx, order: Order) -> list[Change]:
    """The changes of an order, the newest first."""
    return await changes_store.of_order(tx, order.row.id)


async def allowed(tx: ReadTx, order: Order, from_slot: UUID) -> change_quotes.Allowed | NotChangeable:
    """What the rule says now of changing one visit of an order: the fee and until when, or why it is not possible."""
    try:
        items = await change_quotes.movable(tx, order.row, from_slot)
        has_benefit = bool(await benefits.of_order(tx, order.row))
        return change_quotes.allow(items, clock.now(), has_benefit=has_benefit)
    except NotChangeable as refused:
        return refused


async def product_of(tx: ReadTx, slot_id: UUID) -> str:
    """The product that a slot is a time of."""
    target = await changes_store.target(tx, slot_id)
    return target.product_id if target else ""


async def change(db: Db, actor: Actor, order: Order, wish: Wish) -> Change:
    """Changes an order the caller has required; the change as it stands: done, or waiting to be paid. Again: the same.

    NotChangeable says why not; QuoteChanged when it costs something else by now; ChangeUnderWay when another waits to be
    paid; of the new slot SlotUnknown, SlotFull, SlotClosed, NotYetOnSale, SaleOver, PriceUnknown, TooManyThatDay and
    DocumentAlreadyBooked, as in placing.
    """
    try:
        return await db.run(_change, actor, order.row.id, wish)
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name != "document_once_a_day":
            raise
        raise DocumentAlreadyBooked from taken


async def _change(tx: Tx, actor: Actor, order_id: UUID, wish: Wish) -> Change:
    row = await store.locked(tx, order_id)
    if row is None:
        raise OrderUnknown
    known = await changes_store.of_order(tx, order_id)
    if known and (same := await _same(tx, known[0], wish)):
        return same
    if row.state is State.CONFIRMED:
        await changes_store.lock_person(tx, row.account_id)
    found = await change_quotes.quote(tx, row, wish.to_slot, wish.from_slot)
    if found.due_minor != wish.quoted_minor:
        raise QuoteChanged(due_minor=found.due_minor, fee_minor=found.fee_minor, currency=found.currency)
    if found.due_minor > 0 and await resale_account.is_on_account(tx, row.id):
        raise NotChangeable(reason="on-account")
    made = await _made(tx, actor, row, found, seq=known[0].seq + 1 if known else 1)
    await changes_store.insert(tx, made)
    if made.state is ChangeState.DONE:
        await pay_back(tx, actor, row, made)
    else:
        await store.add_event(tx, row.id, "change_begun", made.asked_at, str(actor), _details(found))
    await changes_store.lock_slots(tx, [made.from_slot, made.to_slot])
    await change_quotes.require_room(tx, found)
    await changes_store.take_new(tx, row.id, made.to_slot, found.moves)
    if made.state is ChangeState.DONE:
        await arrive(tx, str(actor), row, made)
    faults.point(CHANGED if made.state is ChangeState.DONE else HELD)
    return made


async def _same(tx: ReadTx, last: Change, wish: Wish) -> Change | None:
    """The change that is asked for once more. ChangeUnderWay when it is another one."""
    if last.state is ChangeState.AWAITING_PAYMENT:
        if last.to_slot != wish.to_slot:
            raise ChangeUnderWay(expires_at=last.expires_at.isoformat() if last.expires_at else None)
        return last
    if last.state is not ChangeState.DONE or last.to_slot != wish.to_slot or last.due_minor != wish.quoted_minor:
        return None
    here = {item.slot_id for item in await after_sale_store.items(tx, last.order_id)}
    return last if last.to_slot in here and last.from_slot not in here else None


async def _made(tx: Tx, actor: Actor, row: OrderRow, found: ChangeQuote, seq: int) -> Change:
    """The change to be written, with what it uses up: a benefit, and a payment where it costs more."""
    now = clock.now()
    change_id, intent_id, expires_at = ids.uuid7(), None, None
    benefit_id = await benefits.use(tx, row) if found.benefit else None
    if found.benefit and benefit_id is None:
        raise QuoteChanged  # another change took it this moment
    if found.due_minor > 0:
        expires_at = now + max(TIME_TO_PAY, timedelta(seconds=settings.current().hold_ttl_s))
        line = (await store.lines(tx, [row.id]))[row.id][0]
        intent_id = await payments.want(
            tx, f"order:{row.id}:change:{seq}", Money(found.due_minor, row.currency),
            f"{pick(line.venue_name, row.locale)} {row.number}", expires_at,
        )  # fmt: skip
    waits = intent_id is not None
    return Change(
        id=change_id, order_id=row.id, seq=seq, state=ChangeState.AWAITING_PAYMENT if waits else ChangeState.DONE,
        from_slot=found.from_slot, to_slot=found.to_slot, old_minor=found.old_minor, new_minor=found.new_minor,
        fee_minor=found.fee_minor, due_minor=found.due_minor, currency=row.currency, benefit_id=benefit_id,
        intent_id=intent_id, asked_by=str(actor), asked_at=now, expires_at=expires_at, ended_at=None if waits else now,
    )  # fmt: skip


def _details(found: ChangeQuote) -> dict[str, Any]:
    return {
        "from": found.old_starts_at.isoformat(),
        "to": found.new_starts_at.isoformat(),
        "amount": str(Money(abs(found.due_minor), found.currency)),
    }


async def pay_back(tx: Tx, actor: Actor, row: OrderRow, made: Change) -> None:
    """The difference goes back, the fee is taken from what stays."""
    there = await lefts(tx, row)
    backs = dict(policies.spread(max(-made.due_minor, 0), there))
    for intent_id, part in backs.items():
        await payments.give_back(tx, actor, intent_id, part, "changed to a cheaper visit")
    if backs:
        amount = str(Money(sum(backs.values()), row.currency))
        await store.add_event(tx, row.id, "refund_requested", clock.now(), str(actor), {"amount": amount})
    rest = [(intent_id, left - backs.get(intent_id, 0)) for intent_id, left in there]
    await _keep_fee(tx, str(actor), row, made, rest)
    await invoices.after_refund(tx, row)


async def _keep_fee(tx: Tx, by: str, row: OrderRow, made: Change, there: list[tuple[UUID, int]]) -> None:
    for intent_id, part in policies.spread(made.fee_minor, there):
        await payments.keep(tx, intent_id, part, f"{intent_id}:change:{made.seq}", "change")
    if made.fee_minor:
        amount = str(Money(made.fee_minor, row.currency))
        await store.add_event(tx, row.id, "change_fee", clock.now(), by, {"amount": amount})


async def arrive(tx: Tx, by: str, row: OrderRow, made: Change) -> None:
    """The new places are the order's, the old ones go back; the traveller hears of it."""
    target = await changes_store.target(tx, made.to_slot)
    assert target is not None
    old = [item.seq for item in await after_sale_store.items(tx, row.id) if item.slot_id == made.from_slot]
    await changes_store.leave_old(tx, row.id, made.from_slot)
    await cards.follow(tx, by, row, old, made.to_slot)
    await after_sale_store.settle_amount(tx, row.id)
    await resale_account.follow(tx, row.id)
    await store.add_event(
        tx, row.id, "changed", clock.now(), by, {"to": target.starts_at.isoformat(), "due_minor": made.due_minor}
    )
    line = (await store.lines(tx, [row.id]))[row.id][0]
    when = change_quotes.on_the_clock(target.starts_at, line.time_zone)
    await messages.tell(tx, row, "order-changed", when=when, link=lookup.link(row.number))
    await news.changed(tx, row)


async def under_way(tx: ReadTx, order: Order) -> Change:
    """The change of an order that waits to be paid. ChangeUnknown when there is none."""
    change = await changes_store.under_way(tx, order.row.id)
    if change is None or change.intent_id is None:
        raise ChangeUnknown
    return change


async def ways(db: Db, change: Change) -> list[payments.Offer]:
    """The ways to pay the difference of a change, the best first, each with how it is."""
    return await db.read(payments.offers, change.intent_id or change.id)


async def pay(db: Db, actor: Actor, order: Order, wish: payments.Wish | None = None) -> payments.PaymentView:
    """Starts the payment of the change under way, finds it, or goes over to another way; problems as `orders.pay` raises.

    ChangeUnknown when no change waits to be paid; NotPayable when it is too late.
    """
    change = await db.read(under_way, order)
    assert change.intent_id is not None
    try:
        await payments.pay(db, change.intent_id, wish or payments.Wish())
    except payments.IntentOver as over:
        raise NotPayable from over
    return await db.read(payments.view, change.intent_id)


async def complete(tx: Tx, intent_id: UUID, attempt_id: UUID) -> bool:
    """Money came for a change: it takes place, or the money goes back if it came too late. False: it is no change's."""
    seen = await changes_store.of_intent(tx, intent_id)
    if seen is None:
        return False
    row = await store.locked(tx, seen.order_id)
    change = await changes_store.of_intent(tx, intent_id)
    assert row is not None
    assert change is not None
    if change.state is ChangeState.DONE:
        return True
    is_paid = (await payments.view(tx, intent_id)).state is payments.IntentState.PAID
    if not is_paid or change.state is not ChangeState.AWAITING_PAYMENT or row.state is not State.CONFIRMED:
        await _return_money(tx, row, change, attempt_id)
        return True
    await changes_store.end_under_way(tx, row.id, ChangeState.DONE, clock.now())
    await _keep_fee(tx, _SYSTEM, row, change, await lefts(tx, row))
    await arrive(tx, _SYSTEM, row, change)
    faults.point(COMPLETED)
    return True


async def _return_money(tx: Tx, row: OrderRow, change: Change, attempt_id: UUID) -> None:
    if await payments.refund(tx, attempt_id, change.due_minor, "late payment") is None:
        return
    amount = str(Money(change.due_minor, row.currency))
    await store.add_event(tx, row.id, "late_change_refunded", clock.now(), _SYSTEM, {"amount": amount})
    await messages.tell(tx, row, "payment-refunded", amount=amount)


async def withdraw(db: Db, actor: Actor, order: Order) -> None:
    """Gives up the change under way: the visit stays as it was. ChangeUnknown when there is none.

    PaymentInDoubt while a provider does not say whether it was paid; NotChangeable when it was.
    """
    change = await db.read(under_way, order)
    assert change.intent_id is not None
    settlement = await payments.settle(db, change.intent_id, payments.IntentState.CANCELLED)
    if settlement is payments.Settlement.IN_DOUBT:
        raise PaymentInDoubt
    if settlement is payments.Settlement.PAID:
        raise NotChangeable(reason="paid")
    await db.run(_give_up, str(actor), order.row.id, change.id, ChangeState.WITHDRAWN)


async def _give_up(tx: Tx, by: str, order_id: UUID, change_id: UUID, state: ChangeState) -> None:
    """The new places go back; the visit is as it was. Again: nothing."""
    row = await store.locked(tx, order_id)
    change = await changes_store.under_way(tx, order_id)
    if row is None or change is None or change.id != change_id:
        return
    await changes_store.end_under_way(tx, order_id, state, clock.now())
    await store.add_event(tx, order_id, f"change_{state}", clock.now(), by, {})
    if state is ChangeState.LAPSED:
        await messages.tell(tx, row, "change-lapsed")
    await changes_store.drop_awaited(tx, order_id)


async def sweep(db: Db) -> int:
    """Gives up the changes whose time to be paid is over, after the provider was asked; how many were looked at."""
    due = await db.read(changes_store.expiring, clock.now(), BATCH)
    for change in due:
        assert change.intent_id is not None
        try:
            settlement = await payments.settle(db, change.intent_id)
        except Unavailable as reason:  # comes again with the next round
            log.get().warning("change.postponed", change_id=str(change.id), reason=reason.code)
            continue
        if settlement is payments.Settlement.OVER:
            await db.run(_give_up, _SYSTEM, change.order_id, change.id, ChangeState.LAPSED)
        else:  # paid: the news of it completes the change; in doubt: the places stay held
            await db.run(changes_store.postpone, change.id, clock.now() + DOUBT_EXTENSION)
    return len(due)
