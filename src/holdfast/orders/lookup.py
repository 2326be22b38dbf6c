"""Lookup: an order is always findable, by its owner's sessions, by number and phone, by a signed link."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from holdfast import admission, payments
from holdfast.kit import clock, crypto, ids, settings
from holdfast.kit.db import Db, ReadTx

from . import discounts, store
from .model import LookupTooOften, Order, OrderRow, OrderUnknown


async def require(tx: ReadTx, account_id: UUID, number: str) -> Order:
    """An order of the person behind an account. OrderUnknown when it is not theirs, as if it did not exist."""
    code = ids.read_code(number)
    row = await store.of_person(tx, code, account_id) if code else None
    return await whole(tx, row)


async def by_link(tx: ReadTx, number: str, token: str) -> Order:
    """The order that a signed link opens: one without end, or a `fresh_token`."""
    code = ids.read_code(number)
    if code is None or not _token_fits(code, token):
        raise OrderUnknown
    return await whole(tx, await store.by_number(tx, code))


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
        return await with_phone(tx, code or "", phone)


async def with_phone(tx: ReadTx, code: str, phone: str) -> Order:
    """The order of a number and a phone (E.164) without its people. Callers limit how often this is tried."""
    row = await store.with_phone(tx, code, crypto.blind_index("phone", phone))
    if row is None:
        raise OrderUnknown
    lines = await store.lines(tx, [row.id])
    given = await discounts.of_order(tx, row.id) if row.granted else []
    shown = [replace(one, reason={}, code=None) for one in given]
    return Order(row, lines[row.id], [], await store.events(tx, row.id), redacted=True, discounts=shown)


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


SHOWN = timedelta(hours=4)


def fresh_token(number: str) -> str:
    """A token that opens an order for four hours: for what was proven in a browser that others may use."""
    until = f"{int((clock.now() + SHOWN).timestamp()):x}"
    return f"{until}.{crypto.link_token('order-until', f'{number}|{until}')}"


def _token_fits(number: str, token: str) -> bool:
    until, dot, signature = token.partition(".")
    if not dot:
        return crypto.link_token_fits("order", number, token)
    fits = crypto.link_token_fits("order-until", f"{number}|{until}", signature)
    return fits and int(until, 16) > clock.now().timestamp()


async def whole(tx: ReadTx, row: OrderRow | None) -> Order:
    """An order with its people and its story; OrderUnknown for None. Callers have authorised."""
    if row is None:
        raise OrderUnknown
    lines = await store.lines(tx, [row.id])
    people, events = await store.travellers(tx, row.id), await store.events(tx, row.id)
    given = await discounts.of_order(tx, row.id) if row.granted else []
    return Order(row, lines[row.id], people, events, discounts=given)
