"""A reseller's booking as it is now: order, tickets, people, slot and product put together."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import (
    policies,
    resale_includes,
    resale_offers_store,
    resale_package_views,
    resale_people,
    resale_store,
    store,
    tickets,
)
from .model import Line, Order, OrderRow, TravellerView
from .resale_model import Booking, Item, ItemView, Offered, Resale, SlotOffer, Status
from .resale_package_views import status_of

T = TypeVar("T")


async def load(tx: ReadTx, partner_id: str, order_ids: list[UUID]) -> list[Booking]:
    """The bookings of these orders, in that order; packages with the visits that were chosen with them."""
    if not order_ids:
        return []
    rows = {row.id: row for row in await resale_store.rows(tx, order_ids)}
    resales = {one.order_id: one for one in await resale_store.of_orders(tx, order_ids)}
    lines = await store.lines(tx, order_ids)
    items = _by_order(await resale_store.items(tx, order_ids))
    people = _by_order(await resale_store.travellers(tx, order_ids))
    events = _by_order(await resale_store.events(tx, order_ids))
    used = await resale_store.admitted(tx, [row.number for row in rows.values()])
    products = {one.product_id for one in resales.values()}
    known = await resale_offers_store.known(tx, sorted(products))
    offered = {one.id: one for one in await resale_includes.filled(tx, known)}
    slot_ids = sorted({line.slot_id for found in lines.values() for line in found})
    slots = {one.slot.id: one for one in await resale_offers_store.slots_of(tx, partner_id, slot_ids)}
    found = [
        _booking(
            Order(rows[one], lines[one], list(people[one]), list(events[one])), resales[one], items[one],
            offered[resales[one].product_id], slots[lines[one][0].slot_id], used,
        )
        for one in order_ids
    ]  # fmt: skip
    return await resale_package_views.completed(tx, partner_id, found)


def _by_order(found: list[T]) -> defaultdict[UUID, list[T]]:
    by: defaultdict[UUID, list[T]] = defaultdict(list)
    for one in found:
        by[one.order_id].append(one)  # type: ignore[attr-defined]
    return by


def _booking(
    order: Order, resale: Resale, items: list[Item], offered: Offered, slot: SlotOffer, used: dict[tuple[str, int, int], datetime]
) -> Booking:  # fmt: skip
    by_seq = {line.seq: line for line in order.lines}
    seats = matched([item.line_seq for item in items], list(by_seq))
    lines = [None if seq is None else by_seq[seq] for seq in seats]
    codes = _codes(order, resale)
    people = {person.line_seq: person for person in order.travellers}
    views = [_view(item, line, people, codes, used, order.row) for item, line in zip(items, lines, strict=True)]
    status = status_of(order.row, resale, views)
    return Booking(
        row=order.row, resale=resale, status=status, notes=resale_people.unseal_notes(resale.notes),
        contact=resale_people.unseal(resale_people.BOOKER, resale.contact), items=views, offered=offered, slot=slot,
        events=order.events, cancellable=_cancellable(status, views, offered, slot),
    )  # fmt: skip


def matched(wanted: list[int], current: list[int]) -> list[int | None]:
    """The current line of each ticket, by numbers. A line that staff moved elsewhere has a new number: those follow one
    another as before; None for a ticket that was taken off."""
    known = set(wanted) & set(current)
    others = iter(sorted(set(current) - known))
    return [seq if seq in known else next(others, None) for seq in wanted]


def _view(
    item: Item, line: Line | None, people: dict[int, TravellerView], codes: dict[int, str],
    used: dict[tuple[str, int, int], datetime], row: OrderRow,
) -> ItemView:  # fmt: skip
    seq = line.seq if line else 0
    person = people.get(seq)
    return ItemView(
        item=item, line=line, contact=resale_people.unseal(resale_people.VISITOR, item.contact), traveller=person,
        code=codes.get(seq, ""), redeemed_at=used.get((row.number, seq, person.seq if person else 0)),
    )  # fmt: skip


def _codes(order: Order, resale: Resale) -> dict[int, str]:
    """What admits, by line: the order's signed tickets; of a trial something that no gate knows."""
    if resale.is_test:
        return {line.seq: f"TEST-{order.number}-{line.seq}" for line in order.lines if resale.test_state == "confirmed"}
    return {ticket.line.seq: ticket.code for ticket in tickets.tickets(order)}


def _cancellable(status: Status, views: list[ItemView], offered: Offered, slot: SlotOffer) -> bool:
    if status is Status.ON_HOLD:
        return True
    if status is not Status.CONFIRMED or any(one.redeemed_at for one in views):
        return False
    one = slot.slot
    terms = policies.terms(offered.product.cancel_rule, one.visit_date, one.starts_at, offered.time_zone)
    return policies.kept(terms, 1, clock.now(), closed=one.state == "closed")[1] is not policies.Why.OVER
