"""Parting: a party gives its places in one slot up, by its own choice or by the published order, and gets everything back.

Money, places, message and outcome are one transaction, so a party is parted once or not yet. An order for this slot alone
ends; of one with other visits only this visit leaves. What was not paid yet ends as a whole.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast import payments
from holdfast.kit import clock, faults
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import pick
from holdfast.kit.money import Money
from holdfast.passes import entitlements

from . import (
    after_sale_store,
    attendance,
    cancellation,
    change_quotes,
    changes_store,
    displacement_store,
    invoices,
    lookup,
    messages,
    news,
    policies,
    store,
)
from .after_sale_model import ChangeState
from .displacement_model import Party
from .model import UNPAID, OrderRow, PaymentInDoubt, State
from .policies import Item, Quote

CARD = "card"
"""Channel of visits that are booked with a card: nothing was paid for them, the use comes back."""
PARTED = faults.declare("cuts.parted", "a party of a cut has its money and is told, not yet committed")


class _Paid(Exception):
    """The payment that was to be closed has brought its money."""


async def part(db: Db, actor: Actor, party: Party, *, chosen: bool = False) -> bool:
    """Parts a party whose outcome is open; True when its outcome is known afterwards.

    False while a provider does not say whether money has come, or it came this moment: to be tried again. A party that
    is inside keeps its places. One that was to pay and has paid meanwhile stays open as a paid one.
    """
    closed: list[UUID] = []
    try:
        while intent_id := await db.run(_part, actor, party, closed, chosen=chosen):
            await payments.close_attempts(db, intent_id)
            closed.append(intent_id)
    except (PaymentInDoubt, _Paid):
        return False
    return await db.read(_is_over, party)


async def _is_over(tx: ReadTx, party: Party) -> bool:
    found = [one for one in await displacement_store.of_order(tx, party.order_id) if one.cut_id == party.cut_id]
    return all(one.outcome is not None for one in found if one.slot_id == party.slot_id)


async def _part(tx: Tx, actor: Actor, party: Party, closed: list[UUID], *, chosen: bool) -> UUID | None:
    """Parts it, or answers which payment must be closed first."""
    row = await store.locked(tx, party.order_id)
    standing = await displacement_store.party_locked(tx, party.cut_id, party.order_id, party.slot_id)
    assert row is not None
    if standing is None or standing.outcome is not None:
        return None
    now = clock.now()
    if row.state is State.USED or await attendance.slot_was_used(tx, row.number, party.slot_id):
        await displacement_store.end_party(tx, standing, "kept", at=now, told=False)
        return None
    items = [item for item in await after_sale_store.items(tx, row.id) if item.slot_id == party.slot_id]
    change = await changes_store.under_way(tx, row.id)
    comes = change is not None and change.to_slot == party.slot_id
    if row.state not in (*UNPAID, State.CONFIRMED) or not (items or comes):
        await displacement_store.end_party(tx, standing, "gone", at=now, told=False, chosen=True)
        return None
    if row.state is State.CONFIRMED and items and not standing.is_paid and not chosen:
        await displacement_store.set_paid(tx, standing)
        return None
    for intent_id in await _unsettled(tx, row, standing):
        if intent_id not in closed:
            return intent_id
        await _end_payment(tx, intent_id)
    if comes and not items:
        await _end_change(tx, actor, row, standing)
    elif row.state in UNPAID:
        await _free(tx, actor, row, standing)
    else:
        await _give_up(tx, actor, row, standing, items, chosen=chosen)
    faults.point(PARTED)
    return None


async def _unsettled(tx: ReadTx, row: OrderRow, party: Party) -> list[UUID]:
    """The payments by which money may still come for what ends: a change of another visit goes on."""
    change = await changes_store.under_way(tx, row.id)
    concerned = change is not None and party.slot_id in (change.from_slot, change.to_slot)
    is_whole = await _is_whole(tx, row, party.slot_id)
    return [
        intent_id
        for intent_id in await cancellation.unsettled(tx, row)
        if concerned or is_whole or change is None or intent_id != change.intent_id
    ]


async def _is_whole(tx: ReadTx, row: OrderRow, slot_id: UUID) -> bool:
    return all(item.slot_id == slot_id for item in await after_sale_store.items(tx, row.id))


async def _end_payment(tx: Tx, intent_id: UUID) -> None:
    ended = await payments.end(tx, intent_id, payments.IntentState.CANCELLED)
    if ended is None:
        raise PaymentInDoubt
    if ended is payments.IntentState.PAID:
        raise _Paid


async def _end_change(tx: Tx, actor: Actor, row: OrderRow, party: Party) -> None:
    """A change into the slot that was not paid yet: the visit stays as it was."""
    await changes_store.end_under_way(tx, row.id, ChangeState.WITHDRAWN, clock.now())
    await store.add_event(tx, row.id, "change_lapsed", clock.now(), str(actor), {})
    await messages.tell(tx, row, "change-lapsed")
    await displacement_store.end_party(tx, party, "freed", at=clock.now(), told=True)
    await changes_store.drop_awaited(tx, row.id)


async def _free(tx: Tx, actor: Actor, row: OrderRow, party: Party) -> None:
    """An order that nobody has paid for yet."""
    await messages.tell(tx, row, "cut-freed", **await said(tx, row, party.slot_id))
    await displacement_store.end_party(tx, party, "freed", at=clock.now(), told=True)
    await cancellation.end_order(tx, actor, row, {"cut": str(party.cut_id)})


async def _give_up(tx: Tx, actor: Actor, row: OrderRow, party: Party, items: list[Item], *, chosen: bool) -> None:
    """A confirmed visit: all of its money first, its places last."""
    is_whole = await _is_whole(tx, row, party.slot_id)
    promised = row.intent_id is not None and not (await payments.view(tx, row.intent_id)).paid_at
    is_whole = is_whole or promised
    there = await cancellation.lefts(tx, row)
    found = _everything(items, sum(minor for _intent, minor in there), row, whole=is_whole)
    await cancellation.move_money(tx, actor, row, found, there)
    await invoices.after_refund(tx, row)
    template = "cut-refunded" if found.refund_minor else "cut-ended"
    values = await said(tx, row, party.slot_id)
    if found.refund_minor:
        values["amount"] = str(Money(found.refund_minor, row.currency))
    if row.channel == CARD:
        await entitlements.release(tx, actor, row.id, [item.seq for item in items])
        template = "cut-card"
    elif chosen:
        template += "-chosen"
    await messages.tell(tx, row, template, **values)
    await displacement_store.end_party(
        tx,
        party,
        "refunded",
        at=clock.now(),
        told=True,
        chosen=chosen,
        refund_minor=found.refund_minor,
        lines=[item.seq for item in items],
    )
    details = {"cut": str(party.cut_id), "refund_minor": found.refund_minor}
    if is_whole:
        await cancellation.end_order(tx, actor, row, details)
    else:
        await _take_off(tx, actor, row, party, items, details)


def _everything(items: list[Item], left_minor: int, row: OrderRow, *, whole: bool) -> Quote:
    """The house gives nothing, so all of it goes back: of a whole order whatever is left."""
    closed = [msgspec.structs.replace(item, slot_state="closed") for item in items]
    found = policies.decide(closed, None, clock.now(), left_minor, row.currency)
    refund = left_minor if whole else found.refund_minor
    return msgspec.structs.replace(found, whole=whole, refund_minor=refund, kept_minor=0)


async def _take_off(
    tx: Tx, actor: Actor, row: OrderRow, party: Party, items: list[Item], details: dict[str, object]
) -> None:
    """This visit leaves, the others of the order stay; a change of it that waits to be paid ends."""
    change = await changes_store.under_way(tx, row.id)
    if change is not None and change.from_slot == party.slot_id:
        await changes_store.end_under_way(tx, row.id, ChangeState.WITHDRAWN, clock.now())
        await changes_store.drop_awaited(tx, row.id)
    amount = str(Money(int(str(details["refund_minor"])), row.currency))
    await store.add_event(tx, row.id, "part_cancelled", clock.now(), str(actor), details | {"amount": amount})
    await news.changed(tx, row)
    await after_sale_store.leave(tx, row.id, [after_sale_store.leaving(item) for item in items])


async def said(tx: ReadTx, row: OrderRow, slot_id: UUID) -> dict[str, str]:
    """Place, time and link, as messages about one visit name them."""
    visit = (await displacement_store.visits(tx, [slot_id]))[slot_id]
    when = change_quotes.on_the_clock(visit.starts_at, visit.time_zone)
    return {"place": pick(visit.venue_name, row.locale), "when": when, "link": lookup.link(row.number)}


async def moment(tx: ReadTx, slot_id: UUID, at: datetime) -> str:
    """A moment on the clocks of a slot's venue, for messages."""
    return change_quotes.on_the_clock(at, (await displacement_store.visits(tx, [slot_id]))[slot_id].time_zone)
