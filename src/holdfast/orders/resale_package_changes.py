"""Packages that were sold: visits are chosen and get another time, one is given back, or the package with all of them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from holdfast import passes
from holdfast.kit import clock
from holdfast.kit.db import ReadTx, Tx

from . import after_sale_store, attendance, cancellation, cards, policies, resale_visits_store, store
from .model import NotCancellable, OrderRow, State
from .resale_model import Booking, ItemWish, Offered, Seller, SlotOffer, Status
from .resale_package_model import PackageFixed, Visit
from .resale_packages import Choice, Package, Plan, active, begin, note, prices_of, require_card, require_room
from .resale_paying import Paying, pay
from .resale_visits_store import enter


def require_same(before: Booking, offered: Offered, slot: SlotOffer, wishes: Sequence[ItemWish]) -> None:
    """PackageFixed when a package is to become another product, or other people than it was confirmed for."""
    if not (before.offered.is_package or offered.is_package):
        return
    if offered.id != before.offered.id:
        raise PackageFixed
    if before.status is not Status.CONFIRMED:
        return
    there = {one.item.uuid: one for one in before.items if one.line is not None}
    if slot.slot.id != before.slot.slot.id or {wish.uuid for wish in wishes} != set(there):
        raise PackageFixed
    for wish in wishes:
        known = there[wish.uuid] if wish.uuid else None
        if known is None or known.item.unit != wish.unit:
            raise PackageFixed
        given = wish.contact
        if given and ((given.name or "") != known.contact.name or (given.notes or "") != (known.contact.notes or "")):
            raise PackageFixed


async def choose(tx: Tx, package: Package, made: Plan) -> None:
    """Books the visits of a plan for a package that has become cards. The slots are locked by the caller.

    CardRefuses; NotCancellable where one that was used or has begun was to get another time; as of placing.
    """
    moving = [choice for choice in made.choices if choice.moves]
    for choice in made.choices:
        if not choice.moves:
            await note(tx, package, choice, choice.visit.order_id if choice.visit else None)
    if not moving:
        return
    for choice in moving:
        if choice.visit is not None:
            await give_back(tx, package.seller, choice.visit)
    paying = await active(tx, package, moving)
    for card in paying:
        require_card(card, moving)
    prices = await prices_of(tx, moving)
    for choice in moving:
        await _book(tx, package, made, choice, prices[choice.include.id], paying)


async def _book(
    tx: Tx, package: Package, made: Plan, choice: Choice, price_id: str, paying: Sequence[passes.Card]
) -> None:
    lines = made.lines(choice.include, paying[0].rules)
    await require_room(tx, package, choice, sum(line.quantity for line in lines), 0)
    order_id = await begin(tx, package, choice, State.HELD)
    await enter(tx, order_id, choice.slot.slot.id, price_id, lines, live=True)
    await pay(tx, Paying(package.seller.actor, order_id, choice.include, choice.slot.slot), paying)
    await note(tx, package, choice, order_id)


async def give_back(tx: Tx, seller: Seller, visit: Visit) -> None:
    """A visit that is held or paid ends: its places are free and its uses back. NotCancellable when it was used or has begun."""
    row = await store.locked(tx, visit.order_id)
    assert row is not None
    if row.state in (State.CANCELLED, State.EXPIRED):
        return
    if row.state is not State.HELD:
        if row.state is not State.CONFIRMED:
            raise NotCancellable(reason="used")
        await attendance.require_not_admitted(tx, row.number, None)
        if any(item.starts_at <= clock.now() for item in await after_sale_store.items(tx, row.id)):
            raise NotCancellable(reason="started")
    await cancellation.end_order(tx, seller.actor, row, {"card": True})


async def cancel_visit(tx: Tx, seller: Seller, visit: Visit, before: Booking) -> None:
    """One visit of a package is given back, and another may be chosen instead. Again: nothing."""
    if visit.cancelled_at is not None:
        return
    if not before.resale.is_test:
        await give_back(tx, seller, visit)
    await resale_visits_store.update(tx, replace(visit, cancelled_at=clock.now()))


async def end_visits(tx: Tx, seller: Seller, before: Booking) -> None:
    """A package ends: what is booked with it and lies ahead ends too; what was used stays. NotCancellable for what has begun."""
    if before.resale.is_test:
        return
    visits = await resale_visits_store.of_parents(tx, [before.row.id])
    rows = {one: await store.locked(tx, one) for one in sorted(visit.order_id for visit in visits)}
    for visit in visits:
        if not await _is_over(tx, visit, rows[visit.order_id]):
            await give_back(tx, seller, visit)


async def _is_over(tx: ReadTx, visit: Visit, row: OrderRow | None) -> bool:
    """All its uses are used, or it has ended already."""
    if row is None or row.state in (State.USED, State.CANCELLED, State.EXPIRED):
        return True
    held = await passes.cards.of_visits(tx, row.id, [line.seq for line in (await store.lines(tx, [row.id]))[row.id]])
    return row.state is State.CONFIRMED and not held


async def returned(tx: Tx, seller: Seller, row: OrderRow, before: Booking, *, force: bool) -> tuple[str, int]:
    """FULL, PARTIAL or NONE, and how much is kept of the net price when all cards of a package are given back: by the rules
    of cards, reckoned on what the partner paid. Its visits have ended by then.

    NotCancellable when nothing would come back, unless `force`.
    """
    await end_visits(tx, seller, before)
    await passes.cards.lock_of_order(tx, row.id)
    items = await after_sale_store.items(tx, row.id)
    found = policies.decide(items, None, clock.now(), row.amount_minor, row.currency)
    found = await cards.requote(tx, row, items, found)
    if not found.kept_minor:
        return "FULL", 0
    if found.refund_minor:
        return "PARTIAL", found.kept_minor
    if not force:
        raise NotCancellable(reason="card-nothing-left")
    return "NONE", found.kept_minor
