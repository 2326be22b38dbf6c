"""Background entries of orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import (
    abuse,
    attendance,
    audit,
    benefits,
    cards,
    changes,
    confirmation,
    discount_books,
    displacement_returns,
    displacement_run,
    expiry,
    honour,
    invoices,
    links,
    planning,
    promises,
    supplied,
    supply,
    waitlist_offers,
)


@on("payment.paid")
async def confirm_when_paid(db: Db, payload: dict[str, Any]) -> None:
    """The winner's money has come."""
    await db.run(confirmation.confirm, UUID(payload["intent_id"]), UUID(payload["attempt_id"]))


@on("payment.late")
async def settle_late_money(db: Db, payload: dict[str, Any]) -> None:
    """Money came after the order had ended."""
    await confirmation.accept_late(db, UUID(payload["intent_id"]), UUID(payload["attempt_id"]))


@on("order.confirmed")
async def send_tickets(db: Db, payload: dict[str, Any]) -> None:
    """The traveller gets the link to the tickets; an order that cost nothing first gets the cards that it bought."""
    await cards.issue_late(db, UUID(payload["order_id"]))
    await confirmation.tell_confirmed(db, UUID(payload["order_id"]))


@on("order.confirmed")
async def ask_suppliers(db: Db, payload: dict[str, Any]) -> None:
    """Who supplies what was booked is asked whether they have it."""
    await db.run(supply.ask_about, UUID(payload["order_id"]))


@on("order.confirmed")
async def confirm_with_suppliers(db: Db, payload: dict[str, Any]) -> None:
    """What suppliers hold for an order is confirmed with it."""
    await supplied.secure(db, UUID(payload["order_id"]))


@on("order.granted")
async def settle_grants(db: Db, payload: dict[str, Any]) -> None:
    """An order that was granted something is confirmed, or became another since: its books follow, and its gifts come."""
    await db.run(discount_books.settle, UUID(payload["order_id"]))
    await db.run(benefits.come_with, UUID(payload["order_id"]))
    await db.run(honour.follow, UUID(payload["order_id"]))


@every(10)
async def honour_mistakes(db: Db) -> None:
    """Stopped campaigns: their discounts wait in the books, and what was decided is carried out."""
    await honour.run(db)
    await abuse.run(db)


@every(10)
async def look_after_suppliers(db: Db) -> None:
    """Bookings with suppliers that are in doubt, or that no order needs any more."""
    await supplied.look_after(db)


@on("supply.stopped")
async def confirm_what_is_booked(db: Db, payload: dict[str, Any]) -> None:
    """A supplier stopped a sale."""
    await db.run(supply.ask_again, payload, only_over=False)


@on("supply.lowered")
async def confirm_what_is_over(db: Db, payload: dict[str, Any]) -> None:
    """A supplier has other places than before; perhaps fewer than are booked."""
    await db.run(supply.ask_again, payload, only_over=True)


@every(60)
async def keep_suppliers_asked(db: Db) -> None:
    """Suppliers are asked about what is booked, and not about what is cancelled."""
    await db.run(supply.catch_up)


@every(60)
async def look_for_orders(db: Db) -> None:
    """Whether owners can find their orders, asked of some of them all the time."""
    await audit.look(db)


@every(3600)
async def forget_links(db: Db) -> None:
    """One-time links that were over long ago."""
    await db.run(links.forget)


@every(5)
async def expire_holds(db: Db) -> None:
    """Holds whose time is over."""
    await expiry.sweep(db)


@every(30)
async def end_promises(db: Db) -> None:
    """Promises to pay whose time is over."""
    await promises.sweep(db)


@every(5)
async def end_unpaid_changes(db: Db) -> None:
    """Changes whose difference was not paid in time."""
    await changes.sweep(db)


@on("invoice.requested")
async def issue_invoice(db: Db, payload: dict[str, Any]) -> None:
    """An invoice, blue or red, was asked for."""
    await invoices.issue(db, UUID(payload["invoice_id"]))


@on("gate.admitted")
async def note_admitted(db: Db, payload: dict[str, Any]) -> None:
    """A gate let somebody in."""
    await db.run(attendance.note_admitted, payload)


@on("gate.undone")
async def note_undone(db: Db, payload: dict[str, Any]) -> None:
    """An admission was a mistake."""
    await db.run(attendance.note_undone, payload)


@every(300)
async def note_no_shows(db: Db) -> None:
    """Those who did not come."""
    await attendance.note_no_shows(db)


@every(5)
async def run_cuts(db: Db) -> None:
    """Capacity below what is sold: the next step of each cut."""
    await displacement_run.sweep(db)


@every(60)
async def end_returned_places(db: Db) -> None:
    """Places that came back, were offered to who had lost them, and were not taken."""
    await displacement_returns.lapse(db)


@every(5)
async def offer_free_places(db: Db) -> None:
    """Places that came free, for those who wait."""
    await waitlist_offers.offer(db)


@every(300)
async def roll_demand_up(db: Db) -> None:
    """Figures for planning."""
    await planning.refresh(db)


@every(86400)
async def roll_all_demand_up(db: Db) -> None:
    """The same for all visits: what changed late is in them, too."""
    await planning.refresh(db, whole=True)
