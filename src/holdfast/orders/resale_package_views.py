"""Packages as they are now: the visits that were chosen with them, the cards they became, and where both stand.

A visit has the unit items of its package, under the same uuids. Those who come on one card have one code where the place
asks for no names, and one each where it does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from holdfast import passes
from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx
from holdfast.passes import Card, CardState
from holdfast.passes.card_model import Party

from . import cards_store, resale_offers_store, resale_store, resale_visits_store, store, tickets
from .cards import parties
from .model import Order, OrderRow, State
from .resale_model import Booking, ItemView, Offered, Resale, SlotOffer, Status
from .resale_package_model import Visit


def status_of(row: OrderRow, resale: Resale, views: list[ItemView]) -> Status:
    """Where a booking stands. A hold whose time is over has expired, whether a job has noticed or not."""
    state: Any = resale.test_state if resale.is_test else row.state
    until = resale.held_until if resale.is_test else row.expires_at
    if state in (State.HELD, State.AWAITING_PAYMENT):
        over = until is not None and until <= clock.now()
        return Status.EXPIRED if over else Status.ON_HOLD
    if state == State.USED:
        return Status.REDEEMED
    if state == State.CONFIRMED:
        seated = [one for one in views if one.line is not None]
        return Status.REDEEMED if seated and all(one.redeemed_at for one in seated) else Status.CONFIRMED
    return Status.EXPIRED if state == State.EXPIRED else Status.CANCELLED


class _Found:
    """All that is known of the visits of some packages, by order."""

    def __init__(self) -> None:
        self.orders: dict[UUID, Order] = {}
        self.seats: defaultdict[UUID, dict[int, int]] = defaultdict(dict)
        self.used: dict[tuple[str, int, int], datetime] = {}
        self.offered: dict[str, Offered] = {}
        self.slots: dict[UUID, SlotOffer] = {}


async def completed(tx: ReadTx, partner_id: str, found: list[Booking]) -> list[Booking]:
    """The same bookings; those of packages with their visits and cards."""
    ours = [one.row.id for one in found if one.offered.is_package]
    if not ours:
        return found
    visits = await resale_visits_store.of_parents(tx, ours)
    known = await _found(tx, partner_id, visits)
    by_parent: defaultdict[UUID, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_parent[visit.parent_id].append(visit)
    return [await _package(tx, one, by_parent[one.row.id], known) if one.offered.is_package else one for one in found]


async def _found(tx: ReadTx, partner_id: str, visits: Sequence[Visit]) -> _Found:
    known, order_ids = _Found(), [visit.order_id for visit in visits]
    if not order_ids:
        return known
    lines = await store.lines(tx, order_ids)
    people: defaultdict[UUID, list[Any]] = defaultdict(list)
    for person in await resale_store.travellers(tx, order_ids):
        people[person.order_id].append(person)
    events: defaultdict[UUID, list[Any]] = defaultdict(list)
    for event in await resale_store.events(tx, order_ids):
        events[event.order_id].append(event)
    rows = await resale_store.rows(tx, order_ids)
    known.orders = {row.id: Order(row, lines[row.id], people[row.id], events[row.id]) for row in rows}
    for seat in await resale_visits_store.seats(tx, order_ids):
        known.seats[seat.order_id][seat.holder_seq] = seat.line_seq
    known.used = await resale_store.admitted(tx, [row.number for row in rows])
    includes = sorted({visit.include_id for visit in visits})
    known.offered = {one.id: one for one in await resale_offers_store.known(tx, includes)}
    slot_ids = sorted({line.slot_id for found in lines.values() for line in found})
    known.slots = {one.slot.id: one for one in await resale_offers_store.slots_of(tx, partner_id, slot_ids)}
    return known


async def _package(tx: ReadTx, package: Booking, visits: Sequence[Visit], known: _Found) -> Booking:
    """The package with its visits; its tickets say the numbers of its cards, and are used when those are used up."""
    cards = await passes.cards.of_order(tx, package.row.id)
    rules = cards[0].rules if cards else (await passes.card_products.get(tx, package.offered.id)).rules
    seated = _seated(package, rules.party)
    by_holder = {card.row.holder_seq: card for card in cards}
    items = list(package.items)
    for mine in seated:
        card = by_holder.get(_holder(package, mine))
        for at in mine if card else []:
            items[at] = _with_card(items[at], card)
    package = replace(package, items=items)
    status = status_of(package.row, package.resale, items)
    shown = [_visit(package, visit, seated, known) for visit in visits]
    held = status is Status.ON_HOLD
    worth = status is Status.CONFIRMED and await _is_worth_something(tx, cards, package)
    return replace(package, status=status, visits=shown, cancellable=held or worth)


def _seated(package: Booking, party: Party) -> list[list[int]]:
    """Who is on which card, by place among the tickets; the order in which the cards were made is that of the people."""
    order = sorted(
        range(len(package.items)),
        key=lambda at: (one.seq if (one := package.items[at].traveller) else 0, package.items[at].item.seq),
    )
    kinds = [cards_store.kind_of(package.items[at].item.unit) for at in order]
    return [[order[at] for at in mine] for mine in parties(kinds, party)]


def _holder(package: Booking, mine: Sequence[int]) -> int:
    person = package.items[mine[0]].traveller
    return person.seq if person else 0


def _with_card(one: ItemView, card: Card | None) -> ItemView:
    """A ticket of a package bears the number of its card; used is what is used up."""
    if card is None:
        return one
    ended = card.row.ended_at if card.state is CardState.EXHAUSTED else None
    code = "" if card.state is CardState.REFUNDED else ids.show_code(card.number)
    return replace(one, code=code, redeemed_at=ended)


async def _is_worth_something(tx: ReadTx, cards: Sequence[Card], package: Booking) -> bool:
    if package.resale.is_test:
        return True
    for card in cards:
        if (await passes.cards.refund_of(tx, card)).refund_minor or not card.row.paid_minor:
            return True
    return False


def _visit(package: Booking, visit: Visit, seated: Sequence[Sequence[int]], known: _Found) -> Booking:
    order, its = known.orders[visit.order_id], package.resale
    items = _items(package, order, seated, known)
    offered, slot = known.offered[visit.include_id], known.slots[order.lines[0].slot_id]
    status = Status.CANCELLED if visit.cancelled_at else status_of(order.row, its, items)
    resale = replace(
        its, order_id=order.row.id, uuid=visit.uuid, product_id=visit.include_id, commission_bp=0,
        reseller_reference=visit.reseller_reference, cancelled_at=visit.cancelled_at or its.cancelled_at, refund="FULL",
        confirmed_at=its.confirmed_at if its.is_test else order.row.confirmed_at,
    )  # fmt: skip
    begun = order.lines[0].starts_at <= clock.now() or any(one.redeemed_at for one in items)
    return Booking(
        row=order.row, resale=resale, status=status, notes=None, contact=package.contact, items=items, offered=offered,
        slot=slot, events=order.events, include_id=visit.include_id, sold_as=package.offered,
        cancellable=status is Status.ON_HOLD or (status is Status.CONFIRMED and not begun),
    )  # fmt: skip


def _items(package: Booking, order: Order, seated: Sequence[Sequence[int]], known: _Found) -> list[ItemView]:
    """The tickets of a package as those of one of its visits."""
    lines = {line.seq: line for line in order.lines}
    codes = _codes(order, package.resale)
    free = [replace(one.item, retail_minor=0) for one in package.items]
    found: list[ItemView] = [
        replace(one, item=item, line=None, code="", redeemed_at=None)
        for one, item in zip(package.items, free, strict=True)
    ]
    for n, mine in enumerate(seated):
        if paid := known.seats[order.row.id]:
            seq = paid.get(_holder(package, mine), 0)
        else:  # no card has paid yet, or none any more
            seq = order.lines[n].seq if n < len(order.lines) else 0
        line = lines.get(seq)
        if line is None:
            continue
        people = [person for person in order.travellers if person.line_seq == line.seq]
        for nth, at in enumerate(mine):
            person = people[nth] if nth < len(people) else None
            key = person.seq if person else 0
            found[at] = replace(
                found[at], line=line, traveller=person, code=codes.get((line.seq, nth if people else 0), ""),
                redeemed_at=known.used.get((order.row.number, line.seq, key)),
            )  # fmt: skip
    return found


def _codes(order: Order, resale: Resale) -> dict[tuple[int, int], str]:
    """What admits, by line and place on it (0 alone where nobody is named)."""
    if resale.is_test:
        confirmed = resale.test_state == "confirmed"
        return {(line.seq, 0): f"TEST-{order.number}-{line.seq}" for line in order.lines if confirmed}
    found: dict[tuple[int, int], str] = {}
    nth: defaultdict[int, int] = defaultdict(int)
    for ticket in tickets.tickets(order):
        found[ticket.line.seq, nth[ticket.line.seq]] = ticket.code
        nth[ticket.line.seq] += 1
    return found
