"""Lookup: an order is always findable, by its owner's sessions, by number and phone, by a signed link."""

from __future__ import annotations

from uuid import UUID

from holdfast import admission, payments
from holdfast.kit import crypto, ids, settings
from holdfast.kit.db import Db, ReadTx

from . import store
from .model import LookupTooOften, Order, OrderRow, OrderUnknown


async def require(tx: ReadTx, account_id: UUID, number: str) -> Order:
    """An order of the person behind an account. OrderUnknown when it is not theirs, as if it did not exist."""
    code = ids.read_code(number)
    row = await store.of_person(tx, code, account_id) if code else None
    return await _whole(tx, row)


async def by_link(tx: ReadTx, number: str, token: str) -> Order:
    """The order that a signed link opens."""
    code = ids.read_code(number)
    if code is None or not crypto.link_token_fits("order", code, token):
        raise OrderUnknown
    return await _whole(tx, await store.by_number(tx, code))


LOOKUPS = 20
LOOKUP_WINDOW_S = 600


async def look_up(db: Db, number: str, phone: str, source: str) -> Order:
    """What number and phone (E.164) show without signing in: state, date and money, but no people and no tickets.

    LookupTooOften limits tries per source and per number, so that neither phones nor numbers can be guessed.
    """
    code = ids.read_code(number)
    for subject in filter(None, (source, code)):
        left = await db.run(admission.spend, "order-lookup", subject, uses=LOOKUPS, per_s=LOOKUP_WINDOW_S)
        if not left.allowed:
            raise LookupTooOften(retry_after_s=left.resets_in_s)
    async with db.reading() as tx:
        row = await store.with_phone(tx, code, crypto.blind_index("phone", phone)) if code else None
        if row is None:
            raise OrderUnknown
        lines = await store.lines(tx, [row.id])
        events = await store.events(tx, row.id)
    return Order(row, lines[row.id], [], events, redacted=True)


async def mine(tx: ReadTx, account_id: UUID, *, limit: int = 20, before: UUID | None = None) -> list[Order]:
    """A page of the orders of the person behind an account, newest first, without travellers and events.

    `before` is the id of the last order of the page before.
    """
    rows = await store.newest_of_person(tx, account_id, before, limit)
    lines = await store.lines(tx, [row.id for row in rows])
    return [Order(row, lines[row.id], [], []) for row in rows]


async def payment_of(tx: ReadTx, order: Order) -> payments.PaymentView | None:
    """What there is to say about the order's payment; None before it was started."""
    return await payments.view(tx, order.row.intent_id) if order.row.intent_id else None


def link(number: str) -> str:
    """The signed link that opens an order for whoever holds it."""
    return f"{settings.current().base_url}/orders/{number}?token={link_token(number)}"


def link_token(number: str) -> str:
    """The token of the signed link that opens an order."""
    return crypto.link_token("order", number)


async def _whole(tx: ReadTx, row: OrderRow | None) -> Order:
    if row is None:
        raise OrderUnknown
    lines = await store.lines(tx, [row.id])
    return Order(row, lines[row.id], await store.travellers(tx, row.id), await store.events(tx, row.id))
