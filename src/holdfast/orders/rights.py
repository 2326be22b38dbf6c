"""What orders hold about people: in a copy of their data, in an erasure, and how long documents are kept.

Of an erased person's order the transaction stays, found by its number: what, when, how much. Names, phone and document
numbers go at once; the last four and the blind index of documents once the venue can no longer be asked who was there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import notices, payments
from holdfast.accounts import held
from holdfast.accounts.held_model import HeldAct, HeldMessage
from holdfast.accounts.rights import eraser, exported, foreseen, obstacle
from holdfast.accounts.rights_model import Erased, Foreseen, Obstacle, Progress
from holdfast.kit import clock, crypto, ids, retention
from holdfast.kit.db import ReadTx, Tx
from holdfast.payments.rights import HeldPayment, HeldRefund

from . import rights_store as store
from .rights_model import (
    HeldBenefit,
    HeldChange,
    HeldDecision,
    HeldDiscount,
    HeldEvent,
    HeldInvoice,
    HeldLine,
    HeldOrder,
    HeldTraveller,
    Look,
)
from .rights_store import SealedOrder

TRANSACTIONS_YEARS = 3
INVOICES_YEARS = 10
LOOKS_SHOWN = 100
TRANSACTIONS = "E-commerce Law, article 31: information on transactions is kept for at least three years."
INVOICES = "Rules on the Tax Collection Law, article 29: invoices and vouchers are kept for ten years."
REAL_NAMES = "Real-name entry: the attraction may have to say for some weeks whether somebody was there."


@exported("orders", HeldOrder)
async def orders(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldOrder]:
    """With names and documents in clear: they were entered by the person."""
    lines = _by_order(await store.lines(tx, accounts))
    people = _by_order(await store.travellers(tx, accounts))
    events = _by_order(await store.events(tx, accounts))
    return [
        HeldOrder(
            order_id=row.order_id, number=row.number, account_id=row.account_id, state=row.state, amount_minor=row.amount_minor,
            currency=row.currency, phone=_opened("orders.orders.phone", row.phone), locale=row.locale, channel=row.channel,
            placed_at=row.placed_at, confirmed_at=row.confirmed_at, erased_at=row.erased_at,
            lines=[msgspec.convert(one, HeldLine) for one in lines[row.order_id]],
            travellers=[_traveller(one) for one in people[row.order_id]],
            events=[msgspec.convert(one, HeldEvent) for one in events[row.order_id]],
        )
        for row in await store.orders(tx, accounts)
    ]  # fmt: skip


def _by_order(rows: list[dict[str, Any]]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append({name: value for name, value in row.items() if name != "order_id"})
    return found


def _opened(column: str, sealed: bytes | None) -> str:
    return crypto.unseal(column, bytes(sealed)) if sealed else ""


def _traveller(row: dict[str, Any]) -> HeldTraveller:
    clear = {name: _opened(f"orders.travellers.{name}", row[name]) for name in ("name", "document")}
    return HeldTraveller(**{**row, **clear})


exported("changes", HeldChange)(store.changes)
exported("benefits", HeldBenefit)(store.benefits)
exported("discounts", HeldDiscount)(store.discounts)
exported("decisions", HeldDecision)(store.decisions)


@exported("invoices", HeldInvoice)
async def invoices(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldInvoice]:
    """Each with the address it was sent to."""
    return [
        HeldInvoice(**{**row, "email": _opened("orders.invoices.email", row["email"])})
        for row in await store.invoices(tx, accounts)
    ]


@exported("payments", HeldPayment)
async def paid(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldPayment]:
    """Every payment of the orders."""
    return await payments.rights.payments(tx, await _intents(tx, accounts))


@exported("refunds", HeldRefund)
async def refunds(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldRefund]:
    """Every refund of them."""
    return await payments.rights.refunds(tx, await _intents(tx, accounts))


async def _intents(tx: ReadTx, accounts: Sequence[UUID]) -> list[UUID]:
    return [intent_id for intent_id, _number in await store.intents(tx, accounts)]


@exported("messages", HeldMessage)
async def messages(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldMessage]:
    """About the orders, to other phones and addresses than the accounts' own: messages to those are told already."""
    own = {message.id for message in await held.own_messages(tx, accounts)}
    return [
        held.held_message(message)
        for row in await store.orders(tx, accounts)
        for message in await _about(tx, row)
        if message.id not in own
    ]


async def _about(tx: ReadTx, row: SealedOrder) -> list[notices.Message]:
    """Messages to the order's phone and its invoices' addresses that name the order: others are somebody else's business."""
    sealed = await store.invoice_emails(tx, row.order_id)
    emails = {_opened("orders.invoices.email", one) for one in sealed} - {""}
    to = [row.phone_index, *(crypto.blind_index("email", email) for email in emails)]
    found = await notices.held(tx, to, since=row.placed_at)
    return [one for one in found if row.number in one.body or ids.show_code(row.number) in one.body]


@exported("audit", HeldAct)
async def acts(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldAct]:
    """What was done to the orders and their payments, and who looked at them."""
    subjects = [f"order:{row.number}" for row in await store.orders(tx, accounts)]
    return await held.about(tx, accounts, subjects + [str(one) for one in await _intents(tx, accounts)])


async def looks(tx: ReadTx, account_id: UUID) -> list[Look]:
    """Which fields of the person's orders colleagues had shown in clear, newest first."""
    return await store.looks(tx, account_id, LOOKS_SHOWN)


@foreseen("orders")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """People go, transactions stay."""
    found, intents = await store.tally(tx, accounts), await _intents(tx, accounts)
    kept_days = timedelta(days=retention.kept_days("documents_kept_days"))
    traced = found.visited_last + kept_days if found.visited_last else None
    is_traced = traced is not None and traced >= now.date()
    return [
        Foreseen("travellers", found.people, "Names, phones and document numbers in your orders go."),
        Foreseen("orders", found.orders, "Orders stay without names: number, visit, tickets and sums.", TRANSACTIONS, _years(found.placed_last, TRANSACTIONS_YEARS)),
        Foreseen("payments", len(intents), "Payments and refunds stay without names: sums, times and the provider's numbers.", TRANSACTIONS, _years(found.placed_last, TRANSACTIONS_YEARS)),
        Foreseen("invoices", found.invoices, "Invoices stay as they were made out; the address they were sent to goes.", INVOICES, _years(found.issued_last or found.placed_last, INVOICES_YEARS)),
        Foreseen("documents", found.people if is_traced else 0, "The last four characters of documents and a fingerprint of them stay for some weeks after the visit.", REAL_NAMES, traced),
    ]  # fmt: skip


def _years(day: date | None, years: int) -> date | None:
    """The same day so many years later; of 29 February the 28th."""
    if day is None:
        return None
    return day.replace(year=day.year + years, day=28 if (day.month, day.day) == (2, 29) else day.day)


_WAITS = {
    "confirmed": ("A visit is still to come.", "Cancel the order, or ask again after the visit."),
    "held": ("The order waits for its payment.", "Pay or cancel it; unpaid, it ends by itself in a few minutes."),
    "awaiting_payment": ("The order waits for its payment.", "Pay or cancel it; unpaid, it ends by itself in a few minutes."),
}  # fmt: skip
_MONEY = {
    "promised": ("The order is not paid yet, though you may already use it.", "Pay it, on its page or at the desk."),
    "refunding": ("Money of the order is on its way back to you.", "Wait until it has arrived; the order's page shows it."),
    "second": ("It may have been paid twice; we are asking the provider.", "Wait for the answer; what is too much goes back by itself."),
    "unknown": ("It is not certain whether money came; we are asking the provider.", "Wait for the answer; the order's page shows it."),
}  # fmt: skip
_INVOICE = ("An invoice is being made.", "Wait until it has arrived.")


@obstacle("orders")
async def hinder(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Obstacle]:
    """Visits to come, orders that wait for money, money in doubt or on its way back, invoices that are being made."""
    found = [
        _obstacle(f"order-{state}", number, *_WAITS[state]) for number, state in await store.not_over(tx, accounts, now)
    ]
    numbers = dict(await store.intents(tx, accounts))
    for intent_id, why in (await payments.rights.in_doubt(tx, list(numbers))).items():
        found.append(_obstacle(f"payment-{why}", numbers[intent_id], *_MONEY[why]))
    found += [_obstacle("invoice", number, *_INVOICE) for number in await store.invoices_to_come(tx, accounts)]
    return found


def _obstacle(code: str, number: str, says: str, next_step: str) -> Obstacle:
    return Obstacle(code, number, says, next_step, f"/orders/{number}")


@eraser("payments")
async def erase_payments(tx: Tx, erased: Erased, limit: int) -> Progress:
    """The addresses from which was paid."""
    return Progress(await payments.rights.forget_payers(tx, await _intents(tx, erased.accounts), limit))


@eraser("orders")
async def erase_orders(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Orders that are over, with the messages about them; one that is not waits until its visit is over."""
    found = await store.to_erase(tx, erased.accounts, clock.now(), limit)
    for row in found:
        await notices.redact_these(tx, [message.id for message in await _about(tx, row)])
    await store.erase(tx, [row.order_id for row in found], clock.now(), crypto.seal("orders.invoices.email", ""))
    return Progress(len(found), 0 if found else await store.left_to_erase(tx, erased.accounts))


@retention.rule("document numbers", "documents_kept_days")
async def forget_documents(tx: Tx, before: datetime, limit: int) -> int:
    """So many days after the visit nobody needs them; the last four and the blind index find an order again."""
    return await store.forget_documents(tx, before.date(), limit)


@retention.rule("traces of documents of erased people", "documents_kept_days")
async def forget_traces(tx: Tx, before: datetime, limit: int) -> int:
    """The last four and the blind index, of whoever had themselves erased."""
    return await store.forget_traces(tx, before.date(), limit)
