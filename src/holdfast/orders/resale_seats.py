"""Seats: the tickets of a reseller's booking come, go and move, in one transaction over every slot they touch.

Each ticket is a line of the order for one, at the net price; it keeps its uuid wherever it goes. New places are certain
before old ones are given up, or nothing changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec

from holdfast import partners
from holdfast.accounts import documents
from holdfast.inventory.availability import sale_state
from holdfast.inventory.model import Slot
from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx

from . import after_sale_store, changes_store, resale_offers_store, resale_people, resale_store
from .change_quotes import on_the_clock
from .model import (
    NotYetOnSale,
    OrderRow,
    PriceUnknown,
    SaleOver,
    SaleUnconfirmed,
    SlotClosed,
    SlotFull,
)
from .policies import Item as LineItem
from .resale_model import (
    CurrencyUnknown,
    Item,
    ItemTwice,
    ItemWish,
    Offered,
    PlacesUsedUp,
    Resale,
    SlotOffer,
)
from .resale_store import NewLine
from .resale_views import matched


class Seats(msgspec.Struct, frozen=True):
    """What a booking has now: its tickets, and the current lines of its order by number."""

    items: list[Item]
    lines: dict[int, LineItem]

    @property
    def retail_minor(self) -> int:
        return sum(item.retail_minor for item in self.items)


class Plan(msgspec.Struct, frozen=True):
    """Which tickets stay as they are, which get a new line (with the ticket they were before, if any), which go."""

    stay: list[tuple[Item, ItemWish]]
    enter: list[tuple[Item | None, ItemWish]]
    drop: list[Item]

    def dropped(self) -> list[Item]:
        """The tickets that really go: not those that a new one of the same kind takes the place of."""
        fresh = Counter(wish.unit for old, wish in self.enter if old is None)
        gone = []
        for item in self.drop:
            if fresh[item.unit]:
                fresh[item.unit] -= 1
            else:
                gone.append(item)
        return gone


async def of_order(tx: ReadTx, order_id: UUID) -> Seats:
    """What a booking has now, also where staff have moved it or taken somebody off meanwhile."""
    lines = {line.seq: line for line in await after_sale_store.items(tx, order_id)}
    items = await resale_store.items(tx, [order_id])
    seated = zip(items, matched([item.line_seq for item in items], list(lines)), strict=True)
    return Seats([msgspec.structs.replace(item, line_seq=seq) for item, seq in seated if seq is not None], lines)


def plan(now: Seats, slot_id: UUID, wishes: Sequence[ItemWish]) -> Plan:
    """What becomes of each ticket when a booking is to be these, in that slot. ItemTwice."""
    named = [wish.uuid for wish in wishes if wish.uuid is not None]
    if len(named) != len(set(named)):
        raise ItemTwice
    known = {item.uuid: item for item in now.items}
    made = Plan([], [], [item for item in now.items if item.uuid not in set(named)])
    for wish in wishes:
        old = known.get(wish.uuid) if wish.uuid else None
        line = now.lines.get(old.line_seq) if old else None
        if old and line and old.unit == wish.unit and line.slot_id == slot_id:
            made.stay.append((old, wish))
        else:
            made.enter.append((old, wish))
    return made


class Writing(msgspec.Struct, frozen=True):
    """All that writing a plan needs to know."""

    row: OrderRow
    resale: Resale
    terms: partners.Terms
    offered: Offered
    slot: SlotOffer


async def write(tx: Tx, given: Writing, now: Seats, made: Plan) -> None:
    """Carries a plan out. The problem that stands in the way: as of placing; PlacesUsedUp, CurrencyUnknown, VisitorInvalid."""
    order_id, live = given.row.id, not given.resale.is_test
    leaving = [item.line_seq for item in [*made.drop, *(old for old, _wish in made.enter if old)]]
    going = [now.lines[seq] for seq in leaving if seq in now.lines]
    slot = given.slot
    if live:
        touched = {line.slot_id for line in going} | ({slot.slot.id} if made.enter else set())
        await changes_store.lock_slots(tx, list(touched))
        [slot] = await resale_offers_store.slots_of(tx, given.resale.partner_id, [slot.slot.id])
    entering = [_line(given, slot.slot, wish) for _old, wish in made.enter]
    if entering:
        freed = sum(line.places for line in going if line.slot_id == slot.slot.id) if live else 0
        require_room(given.offered, given.terms, slot, sum(line.places for line in entering), freed)
    await resale_store.leave(tx, order_id, leaving)
    await resale_store.drop_items(tx, order_id, [item.seq for item in made.drop])
    line_seq, traveller_seq, item_seq = await resale_store.last_seqs(tx, order_id)
    numbered = [msgspec.structs.replace(line, seq=line_seq + n) for n, line in enumerate(entering, 1)]
    await resale_store.enter(tx, order_id, slot.slot.id, numbered, live=live)
    people = _People(given, slot, traveller_seq)
    for (old, wish), line in zip(made.enter, numbered, strict=True):
        if old is None:
            item_seq += 1
        item = _item(given, slot.slot, old, wish, line.seq, item_seq)
        await people.seat(tx, item, wish, came_from=old.line_seq if old else None, is_new=old is None)
    for old, wish in made.stay:
        if wish.contact is not None or wish.reference is not None:
            item = msgspec.structs.replace(old, reseller_reference=wish.reference or old.reseller_reference)
            await people.seat(tx, item, wish, came_from=None, is_new=False)
    await resale_store.settle_amount(tx, order_id)
    if live and given.resale.confirmed_at is not None and (made.enter or made.drop or people.changed):
        await after_sale_store.void_tickets(tx, order_id)


def _line(given: Writing, slot: Slot, wish: ItemWish) -> NewLine:
    price = given.offered.price_on(wish.unit, slot.visit_date)
    if price is None:
        raise PriceUnknown(price_id=wish.unit)
    if price.currency != given.row.currency:
        raise CurrencyUnknown(currency=given.row.currency)
    net = partners.limits.net_minor(price.amount_minor, given.resale.commission_bp)
    return NewLine(0, price.id, 1 if price.uses_place else 0, net)


def _item(given: Writing, slot: Slot, old: Item | None, wish: ItemWish, line_seq: int, seq: int) -> Item:
    price = given.offered.price_on(wish.unit, slot.visit_date)
    assert price is not None
    if old is not None:
        reference = wish.reference or old.reseller_reference
        return msgspec.structs.replace(
            old, line_seq=line_seq, unit=wish.unit, retail_minor=price.amount_minor, reseller_reference=reference
        )
    return Item(
        order_id=given.row.id, seq=seq, uuid=wish.uuid or ids.uuid7(), line_seq=line_seq, unit=wish.unit,
        retail_minor=price.amount_minor, reseller_reference=wish.reference, contact=None,
    )  # fmt: skip


def require_room(offered: Offered, terms: partners.Terms, one: SlotOffer, need: int, freed: int) -> None:
    """The slot is on sale and has room for so many more, when what the booking itself gives up there is free again."""
    slot, named = one.slot, {"slot_id": str(one.slot.id)}
    match sale_state(slot, clock.now()):
        case "closed" | "paused":
            raise SlotClosed(**named, reason=slot.reason)
        case "not-yet":
            raise NotYetOnSale(**named, sale_opens_at=on_the_clock(slot.sale_opens_at, offered.time_zone))
        case "over":
            raise SaleOver(**named)
        case "unconfirmed":
            raise SaleUnconfirmed(**named)
    left = slot.capacity - slot.taken - slot.set_aside + freed
    if need > max(left, 0):
        raise SlotFull(**named, asked=need, places_left=max(left, 0))
    most = terms.places_per_slot
    if most is not None and one.mine - freed + need > most:
        raise PlacesUsedUp(allowed=most)


class _People:
    """The visitors of a booking on their way into its lines."""

    def __init__(self, given: Writing, slot: SlotOffer, last_seq: int) -> None:
        self._given, self._slot, self._seq = given, slot, last_seq
        self._today = clock.now().date()
        self.changed = False

    async def seat(self, tx: Tx, item: Item, wish: ItemWish, *, came_from: int | None, is_new: bool) -> None:
        """Writes a ticket with whom it is for. Who came with it from another line stays, unless another is named."""
        known = resale_people.unseal(resale_people.VISITOR, item.contact)
        visitor: documents.Traveller | None = None
        contact = wish.contact
        if contact is not None and not (known.notes and contact.notes == known.notes and contact.name == known.name):
            visitor = resale_people.visitor_of(contact, self._given.offered, self._today, item.seq - 1)
            contact = resale_people.without_document(contact, visitor)
        if contact is not None:
            sealed = resale_people.seal(resale_people.VISITOR, contact)
            item = msgspec.structs.replace(item, contact=sealed)
        await (resale_store.insert_item if is_new else resale_store.update_item)(tx, item)
        if self._given.resale.is_test:
            return
        if visitor is not None:
            self._seq += 1
            self.changed = True
            await resale_store.drop_traveller(tx, item.order_id, item.line_seq)
            await resale_store.insert_traveller(
                tx, item.order_id,
                resale_people.sealed_traveller(visitor, self._seq, item.line_seq, self._slot.slot.id),
            )  # fmt: skip
        elif came_from is not None and self._given.offered.product.real_name:
            self._seq += 1
            await resale_store.move_traveller(
                tx, item.order_id, self._seq, came_from, item.line_seq, self._slot.slot.id
            )
