"""Evidence: what the program itself knows of an order, a payment or a search, as a snapshot that a case keeps.

Documents and phones are masked; names and numbers of travellers are left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.orders import finding_store
from holdfast.payments import search

from .model import Kind, NewCase
from .priorities import Facts, Money

SHOWN_MAX = 20


class Known(msgspec.Struct, frozen=True):
    """What there is to attach, and the facts that decide how urgent it is."""

    pieces: list[tuple[str, dict[str, Any]]]
    facts: Facts


async def collect(tx: ReadTx, new: NewCase) -> Known:
    """Everything about a new case that the program knows by itself."""
    pieces: list[tuple[str, dict[str, Any]]] = []
    if new.page:
        pieces.append(("page", dict(new.page)))
    if new.order_number and not new.order:
        pieces.append(("typed", {"order": new.order_number[:40]}))
    found: list[orders.Order] = [new.order] if new.order else []
    if new.finding:
        pieces.append(("typed", new.finding.typed))
        pieces.append(("matches", _matches(new.finding)))
        found += await orders.finding.of_matches(tx, new.finding)
    for order in found[:SHOWN_MAX]:
        pieces.append(("order", of_order(order)))
        if order.row.intent_id:
            pieces.append(("payment", await of_payment(tx, order.row.intent_id)))
    for loose in (new.finding.loose if new.finding else [])[:SHOWN_MAX]:
        pieces.append(("payment", await of_payment(tx, loose.intent_id)))
    tickets = sum(line.quantity for line in new.order.lines) if new.order else 1
    return Known(pieces, Facts(next_visit(found), await _money(tx, new, found), max(new.people, tickets)))


def _matches(finding: orders.Finding) -> dict[str, Any]:
    return {
        "orders": [{"number": match.number, "ways": list(match.ways)} for match in finding.matches],
        "payments_without_order": [msgspec.to_builtins(one) for one in finding.loose],
        "searched_at": finding.at.isoformat(),
    }


def next_visit(found: list[orders.Order]) -> datetime | None:
    """The next visit of these orders that is not over; of all of them, whatever state they are in."""
    times = [line.starts_at for order in found for line in order.lines if line.ends_at > clock.now()]
    return min(times, default=None)


async def _money(tx: ReadTx, new: NewCase, found: list[orders.Order]) -> Money:
    if new.finding and any(one.state == "succeeded" for one in new.finding.loose):
        return Money.WITHOUT_ORDER
    money = await money_of(tx, found)
    claims = new.kind is Kind.CHARGED or bool(new.finding and new.finding.typed.get("reference"))
    return Money.IN_DOUBT if money is Money.SETTLED and claims and not _has_paid_order(found) else money


def _has_paid_order(found: list[orders.Order]) -> bool:
    return any(order.state in (orders.State.CONFIRMED, orders.State.USED) for order in found)


async def money_of(tx: ReadTx, found: list[orders.Order]) -> Money:
    """How the money of these orders stands."""
    if await finding_store.charged(tx, [order.row.id for order in found]):
        return Money.WITHOUT_ORDER
    for order in found:
        view = await orders.payment_of(tx, order)
        if view and view.in_doubt:
            return Money.IN_DOUBT
    return Money.SETTLED


def of_order(order: orders.Order) -> dict[str, Any]:
    """An order without its people."""
    row = order.row
    return {
        "number": row.number,
        "state": row.state.value,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "phone": row.phone_masked,
        "placed_at": row.placed_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "lines": [
            {
                "venue": line.venue_name,
                "ticket": line.ticket_name,
                "quantity": line.quantity,
                "starts_at": line.starts_at.isoformat(),
            }
            for line in order.lines
        ],
        "events": [{"kind": event.kind, "at": event.at.isoformat()} for event in order.events],
    }


async def of_payment(tx: ReadTx, intent_id: UUID) -> dict[str, Any]:
    """A payment in brief: its attempts with our numbers and the provider's, and what goes back."""
    detail = await search.detail(tx, intent_id)
    return {
        "intent_id": str(intent_id),
        "reference": detail.intent.reference,
        "state": str(detail.intent.state),
        "amount_minor": detail.intent.amount_minor,
        "currency": detail.intent.currency,
        "attempts": [
            {
                "merchant_ref": one.merchant_ref,
                "provider": one.provider,
                "method": one.method,
                "state": str(one.state),
                "role": one.role and str(one.role),
                "provider_txn": one.provider_txn,
                "paid_minor": one.paid_minor,
            }
            for one in detail.attempts
        ],
        "refunds": [
            {"refund_ref": one.refund_ref, "state": str(one.state), "amount_minor": one.amount_minor}
            for one in detail.refunds
        ],
    }
