"""Background entries of orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import audit, changes, confirmation, expiry, invoices, links, promises


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
    """The traveller gets the link to the tickets."""
    await confirmation.tell_confirmed(db, UUID(payload["order_id"]))


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
