"""On account: an order of a reseller is confirmed without a payment; its partner owes the price, less its commission.

The order's own money (2010) is always what the order costs, as with orders that were paid; so whoever ends a reseller's
order, by whatever way, gives its partner back what is left.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast import partners
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import LOCALES, pick
from holdfast.partners.statements import Booking

from . import resale_store, store
from .model import Line, OrderRow
from .resale_model import CreditUsedUp, Resale


async def settle(
    tx: Tx, resale: Resale, kind: str, *, kept_minor: int = 0, retail_minor: int, tickets: int, over: bool = False
) -> None:
    """Charges or credits the partner by what the order costs more or less than before, and by what is kept of it.

    `retail_minor` and `tickets` are by how much they grew; `over`: the order is at its end and costs nothing any more.
    """
    [row] = await resale_store.rows(tx, [resale.order_id])
    held = await partners.statements.held_minor(tx, row.id, row.currency)
    costs = 0 if over else row.amount_minor
    charge = costs - held + kept_minor
    if kind != "sale" and not (charge or kept_minor or tickets or retail_minor):
        return
    n = await partners.statements.lines_of(tx, row.id)
    lines = (await store.lines(tx, [row.id]))[row.id]
    about = _about(row, resale, lines)
    await partners.statements.book(
        tx, resale.partner_id,
        Booking(
            kind=kind, order_id=row.id, key=f"resale:{row.id}:{n + 1}", retail_minor=retail_minor, charge_minor=charge,
            kept_minor=kept_minor, currency=row.currency, tickets=tickets, details=about,
        ),
    )  # fmt: skip


def _about(row: OrderRow, resale: Resale, lines: list[Line]) -> dict[str, Any]:
    about: dict[str, Any] = {"number": row.number, "reference": resale.reseller_reference or ""}
    if lines:
        about["product"] = {
            locale: f"{pick(lines[0].venue_name, locale)}: {pick(lines[0].product_name, locale)}" for locale in LOCALES
        }
        about["visit"] = lines[0].visit_date.isoformat()
    return about


async def require_credit(tx: ReadTx, terms: partners.Terms, partner_id: str, minor: int, currency: str) -> None:
    """CreditUsedUp when the partner would owe more than its terms allow."""
    if terms.credit_minor is None or minor <= 0:
        return
    owed = await partners.statements.owed_minor(tx, partner_id, currency)
    if owed + minor > terms.credit_minor:
        raise CreditUsedUp(owed_minor=owed, credit_minor=terms.credit_minor, currency=currency)


async def end(tx: Tx, order_id: UUID, kept_minor: int = 0) -> None:
    """The order has ended by whatever way: what its partner has not got back of it by then goes back, but for what is kept.
    No reseller's: nothing."""
    resale = await resale_store.of_order(tx, order_id)
    if resale is None or resale.confirmed_at is None or resale.cancelled_at is not None or resale.is_test:
        return
    [row] = await resale_store.rows(tx, [order_id])
    if await partners.statements.held_minor(tx, order_id, row.currency):
        items = await resale_store.items(tx, [order_id])
        retail = sum(item.retail_minor for item in items)
        await settle(
            tx, resale, "cancellation", kept_minor=kept_minor, retail_minor=-retail, tickets=-len(items), over=True
        )


async def is_on_account(tx: ReadTx, order_id: UUID) -> bool:
    """Whether an order is a reseller's, who is charged without being asked for a payment."""
    return await resale_store.of_order(tx, order_id) is not None


async def follow(tx: Tx, order_id: UUID, kept_minor: int = 0) -> None:
    """The order was changed by whoever else: its partner is charged or credited by the difference, and charged what is kept
    of it. No reseller's: nothing."""
    resale = await resale_store.of_order(tx, order_id)
    if resale is not None and resale.confirmed_at is not None and not resale.is_test:
        await settle(tx, resale, "change", kept_minor=kept_minor, retail_minor=0, tickets=0)
