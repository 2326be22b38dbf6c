"""Statements: what a partner sold on account, what was cancelled, what it paid and what it owes, month by month.

Each line is one journal of the ledger: a sale is owed by the partner (1040) and is the order's money (2010); what is given
back goes the other way; what a cancellation keeps is a fee (4020). A partner's payment comes to the bank (1020).
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import ledger
from holdfast.kit import audit, clock, i18n
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput

from . import registration, statements_store
from .statements_model import Line, Month

RECEIVABLE, ORDER_MONEY, BANK, FEES = "1040", "2010", "1020", "4020"
ZONE = ZoneInfo("Asia/Shanghai")
"""On whose clocks a month begins and ends."""
AMOUNT_FORM = "Enter the amount that came, above zero."
REFERENCE_FORM = "Enter the bank's number of the payment, 3 to 60 characters."


class Booking(msgspec.Struct, frozen=True):
    """Something to be charged to a partner's account (`charge_minor` above zero) or credited (below), for one order.

    `held_minor` is by how much the order's own money grows or shrinks; the rest, `kept_minor`, is a fee. `key` names it.
    """

    kind: str
    order_id: UUID
    key: str
    retail_minor: int
    charge_minor: int
    kept_minor: int
    currency: str
    tickets: int
    details: dict[str, Any]

    @property
    def held_minor(self) -> int:
        return self.charge_minor - self.kept_minor


def receivable(partner_id: str, currency: str) -> ledger.Account:
    """What a partner owes us."""
    return ledger.Account(RECEIVABLE, f"partner:{partner_id}", currency)


def order_money(order_id: UUID, currency: str) -> ledger.Account:
    """An order's money, as that of orders that are paid at once."""
    return ledger.Account(ORDER_MONEY, f"order:{order_id}", currency)


async def book(tx: Tx, partner_id: str, booking: Booking) -> None:
    """Writes a line of the statement and its journal. The caller has locked the order. GuardBroken as the ledger says."""
    money = order_money(booking.order_id, booking.currency)
    legs = [
        *_legs(receivable(partner_id, booking.currency), booking.charge_minor),
        *_legs(money, -booking.held_minor),
        *_legs(ledger.Account(FEES, "resale", booking.currency), -booking.kept_minor),
    ]
    now = clock.now()
    if legs:
        await ledger.record(
            tx, f"resale.{booking.kind}", booking.key, legs, subject=f"order:{booking.order_id}", at=now,
            details={"partner": partner_id},
        )  # fmt: skip
    line = Line(
        kind=booking.kind, subject=f"order:{booking.order_id}", journal_key=booking.key, at=now,
        retail_minor=booking.retail_minor, net_minor=booking.charge_minor, kept_minor=booking.kept_minor,
        currency=booking.currency, tickets=booking.tickets, details=booking.details,
    )  # fmt: skip
    await statements_store.insert(tx, partner_id, line)


def _legs(account: ledger.Account, minor: int) -> list[ledger.Leg]:
    """To the debit what is above zero, to the credit what is below; nothing for zero."""
    if minor == 0:
        return []
    return [ledger.debit(account, minor) if minor > 0 else ledger.credit(account, -minor)]


async def lines_of(tx: ReadTx, order_id: UUID) -> int:
    """How many lines an order has on a statement: names the next one."""
    return await statements_store.count_of(tx, f"order:{order_id}")


async def owed_minor(tx: ReadTx, partner_id: str, currency: str) -> int:
    """What a partner owes now; below zero where it has paid more than it owes."""
    return (await ledger.balance(tx, receivable(partner_id, currency))).amount_minor


async def held_minor(tx: ReadTx, order_id: UUID, currency: str) -> int:
    """How much money an order has from its partner's account."""
    return (await ledger.balance(tx, order_money(order_id, currency))).amount_minor


async def pay_in(tx: Tx, actor: Actor, partner_id: str, money: Money, reference: str) -> None:
    """A payment of a partner came to the bank. The same reference again: nothing. InvalidInput."""
    await registration.require(tx, partner_id)
    reference = " ".join(reference.split())
    faults = [
        ("amount", AMOUNT_FORM, money.amount_minor > 0),
        ("reference", REFERENCE_FORM, 3 <= len(reference) <= 60 and reference.isprintable()),
    ]
    errors = [
        {"field": field, "code": f"partner-{field}", "message": i18n.both(text)}
        for field, text, fine in faults
        if not fine
    ]
    if errors:
        raise InvalidInput(errors=errors)
    key = f"partner-payment:{partner_id}:{reference}"
    legs = [
        ledger.debit(ledger.Account(BANK, "bank", money.currency), money.amount_minor),
        ledger.credit(receivable(partner_id, money.currency), money.amount_minor),
    ]
    now = clock.now()
    await ledger.record(tx, "partner.payment", key, legs, subject=f"partner:{partner_id}", at=now)
    line = Line(
        kind="payment", subject=f"partner:{partner_id}", journal_key=key, at=now, retail_minor=0,
        net_minor=-money.amount_minor, kept_minor=0, currency=money.currency, tickets=0, details={"reference": reference},
    )  # fmt: skip
    await statements_store.insert(tx, partner_id, line)
    await audit.record(
        tx, actor, "partner.payment", f"partner:{partner_id}", amount_minor=money.amount_minor, currency=money.currency,
        reference=reference,
    )  # fmt: skip


async def months(tx: ReadTx, partner_id: str) -> list[Month]:
    """Every month with something in it, the newest first, by currency; each with what was owed at its end."""
    return await statements_store.months(tx, partner_id, str(ZONE))


async def lines(tx: ReadTx, partner_id: str, first: date) -> list[Line]:
    """The lines of the month that begins at `first`, in their order."""
    begin, end = span(first)
    return await statements_store.lines(tx, partner_id, begin, end)


def span(first: date) -> tuple[datetime, datetime]:
    """A month as moments."""
    begin = datetime(first.year, first.month, 1, tzinfo=ZONE)
    after = (begin + timedelta(days=31)).replace(day=1)
    return begin, after


COLUMNS = ("at", "kind", "order", "product", "visit", "tickets", "currency", "retail", "net", "kept", "reference")
"""The columns of the file, as programs know them."""


def as_csv(found: list[Line], locale: str) -> str:
    """The lines of a month as a file for a spreadsheet (RFC 4180, with the mark that tells Excel it is UTF-8)."""
    into = io.StringIO()
    writer = csv.writer(into, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in found:
        about = line.details
        writer.writerow(
            [
                line.at.astimezone(ZONE).isoformat(timespec="seconds"), line.kind, about.get("number", ""),
                _cell(i18n.pick(about.get("product", {}), locale)), about.get("visit", ""), line.tickets, line.currency,
                Money(line.retail_minor, line.currency).decimal, Money(line.net_minor, line.currency).decimal,
                Money(line.kept_minor, line.currency).decimal, _cell(about.get("reference") or ""),
            ]
        )  # fmt: skip
    return "\ufeff" + into.getvalue()


def _cell(text: str) -> str:
    """A text of others that no spreadsheet takes for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
