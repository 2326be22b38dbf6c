"""Uses of a card: held with the booking, used at the gate or when the time is over, given back when the visit is.

Every step is a line in a ledger that is only added to, in the transaction of its cause, with the card locked: what is held
and used is never more than the card holds, and the database says so once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx

from . import cards_store, uses_store
from .card_model import ZONE, Card, CardState, Use, UseState

GRACE = timedelta(hours=2)
"""So long after its end a visit that no gate has seen counts as used: a gate without a network may still tell."""
BATCH = 200


class Hold(msgspec.Struct, frozen=True):
    """A visit to be held: which item, and the line of the order it is booked as."""

    item: str
    line_seq: int
    product_id: str
    slot_id: UUID
    visit_date: Any
    starts_at: datetime
    ends_at: datetime
    people: int
    list_minor: int


async def hold(tx: Tx, actor: Actor, card: Card, order_id: UUID, order_number: str, holds: Sequence[Hold]) -> None:
    """Holds one use for each line of an order. The caller has locked the card and asked `eligibility`."""
    now = clock.now()
    for wanted in holds:
        use_id = ids.uuid7()
        await uses_store.insert(tx, use_id, card.row.id, order_id, order_number, wanted)
        await uses_store.count(tx, card.row.id, wanted.item, card.rules.item(wanted.item).counters, held=1)
        await uses_store.add_event(tx, use_id, "held", now, str(actor), {"order": order_number})


async def release(tx: Tx, actor: Actor, order_id: UUID, line_seqs: Sequence[int] | None = None) -> int:
    """Gives back what is held for these lines of an order, or for all of them; how many uses came back. Again: nothing.

    An order that no card paid for has no uses, so whoever ends an order may call this without asking first.
    """
    found = await uses_store.of_order(tx, order_id, UseState.HELD, line_seqs)
    for card_id in sorted({card_id for card_id, _use in found}):
        card = await cards_store.locked(tx, card_id)
        mine = {use.id for owner, use in found if owner == card_id}
        for use in [use for use in card.uses if use.id in mine and use.state is UseState.HELD]:
            await _become(tx, str(actor), card, use, UseState.RELEASED, "released", {})
        await revive(tx, str(actor), card_id)
    return len(found)


async def admitted(tx: Tx, by: str, order_number: str, line_seq: int, at: datetime) -> None:
    """Somebody was let in with a visit of a card: the use is used. The first of a party counts; again: nothing."""
    await _use_line(tx, by, order_number, line_seq, at, {"how": "gate"})


async def undone(tx: Tx, by: str, order_number: str) -> None:
    """An admission was a mistake: visits of the order that nobody was let in for, and that are not over, are held again."""
    for card_id, seen in await uses_store.of_number(tx, order_number):
        card = await cards_store.locked(tx, card_id)
        use = next(one for one in card.uses if one.id == seen.id)
        if use.state is not UseState.USED or use.ends_at + GRACE <= clock.now():
            continue
        if not await uses_store.was_admitted(tx, order_number, use.line_seq):
            await _become(tx, by, card, use, UseState.HELD, "undone", {})
            await _begin_again(tx, card_id)
            await revive(tx, by, card_id)


async def moved(
    tx: Tx, by: str, order_id: UUID, from_lines: Sequence[int], to_lines: Sequence[int], slot_id: UUID
) -> None:
    """A visit has become another line of its order, in another slot: the use goes with it."""
    for old, new in zip(from_lines, to_lines, strict=True):
        for card_id, use in await uses_store.of_order(tx, order_id, UseState.HELD, [old]):
            await cards_store.locked(tx, card_id)
            await uses_store.move(tx, use.id, new, slot_id)
            await uses_store.add_event(tx, use.id, "moved", clock.now(), by, {"from": str(use.visit_date)})


async def settle_past(tx: Tx, by: str) -> int:
    """Visits whose time is over count as used, whether or not a gate has seen anybody; how many there were."""
    due = await uses_store.past(tx, clock.now() - GRACE, BATCH)
    for order_number, line_seq, ends_at in due:
        await _use_line(tx, by, order_number, line_seq, ends_at, {"how": "time"})
    return len(due)


async def _use_line(tx: Tx, by: str, order_number: str, line_seq: int, at: datetime, details: dict[str, Any]) -> None:
    for card_id, seen in await uses_store.of_line(tx, order_number, line_seq):
        card = await cards_store.locked(tx, card_id)
        use = next(one for one in card.uses if one.id == seen.id)
        if use.state is not UseState.HELD:
            continue
        await _become(tx, by, card, use, UseState.USED, "used", details)
        await _begin_again(tx, card_id)
        after = await cards_store.locked(tx, card_id)
        if after.state is CardState.ACTIVE and is_spent(after):
            await cards_store.end(tx, card_id, CardState.EXHAUSTED, clock.now())
            await cards_store.add_event(tx, card_id, "exhausted", clock.now(), by, {})


async def _become(tx: Tx, by: str, card: Card, use: Use, state: UseState, kind: str, details: dict[str, Any]) -> None:
    """One step of a use: its state, the counts of its entitlement and counters, and the line in the ledger."""
    held = {UseState.HELD: 1}.get(state, 0) - {UseState.HELD: 1}.get(use.state, 0)
    used = {UseState.USED: 1}.get(state, 0) - {UseState.USED: 1}.get(use.state, 0)
    await uses_store.set_state(tx, use.id, state)
    await uses_store.count(tx, card.row.id, use.item, card.rules.item(use.item).counters, held=held, used=used)
    await uses_store.add_event(tx, use.id, kind, clock.now(), by, details)


async def _begin_again(tx: Tx, card_id: UUID) -> None:
    """Where the first use begins the card's days: they follow from what is used now."""
    card = await cards_store.locked(tx, card_id)
    validity = card.rules.validity
    if not validity.by_first_use:
        return
    used = [use for use in card.uses if use.state is UseState.USED]
    if not used:
        await cards_store.set_days(tx, card_id, None, None, None, None)
        return
    first = min(used, key=lambda use: use.starts_at)
    if validity.kind == "hours_since_first_use":
        until = first.starts_at + timedelta(hours=validity.hours)
        last = until.astimezone(ZONE).date()
    else:
        until, last = None, first.visit_date + timedelta(days=validity.days - 1)
    await cards_store.set_days(tx, card_id, first.visit_date, last, first.starts_at, until)


async def revive(tx: Tx, by: str, card_id: UUID) -> None:
    """A card that was used up and got a use back goes on."""
    card = await cards_store.locked(tx, card_id)
    if card.state is CardState.EXHAUSTED and not is_spent(card):
        await cards_store.set_active(tx, card_id)
        await cards_store.add_event(tx, card_id, "goes_on", clock.now(), by, {})


def is_spent(card: Card) -> bool:
    """Whether nothing is booked and nothing could be: what is optional does not keep a card alive."""
    if any(use.state is UseState.HELD for use in card.uses):
        return False
    needed = [one.item for one in card.entitlements if not card.rules.item(one.item).optional]
    return all(card.left(item) == 0 for item in needed)
