"""All SQL of what pricing needs to know of a basket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .model import PlaceRequest


class Ticket(msgspec.Struct, frozen=True):
    """A price in a slot, with what conditions may ask about it. `city` is its Chinese name."""

    slot_id: UUID
    price_id: str
    product_id: str
    venue_id: str
    city: str
    kind: str
    ticket: str
    visit_date: date
    starts_at: datetime
    time_zone: str
    unit_minor: int
    currency: str


class Person(msgspec.Struct, frozen=True):
    """What is known of a person over all linked accounts: since when, how many orders were confirmed before (a thousand at most;
    None: not asked), and how often each campaign was used, if that was asked."""

    account_id: UUID
    since: datetime
    earlier: int | None
    redemptions: dict[str, int]


class Facts(msgspec.Struct, frozen=True):
    """Of the pairs of slot and price that there are, and of the people behind accounts."""

    tickets: list[Ticket]
    people: list[Person]


async def answered(tx: ReadTx, requests: Sequence[PlaceRequest]) -> set[tuple[UUID, str]]:
    """Of these bookings, the accounts and keys of those that were answered before."""
    found = await tx.tuples(
        """select r.scope, r.key from unnest(%(accounts)s::uuid[], %(keys)s::text[]) as w (scope, key)
             join kit.replies r on r.scope = w.scope and r.key = w.key""",
        accounts=[one.account_id for one in requests], keys=[one.key for one in requests],
    )  # fmt: skip
    return {(scope, key) for scope, key in found}


async def facts(
    tx: ReadTx, slots: Sequence[UUID], prices: Sequence[str], accounts: Sequence[UUID], *, counts_orders: bool,
    counts_uses: bool,
) -> Facts:  # fmt: skip
    """All of it in one statement, because every batch of bookings waits for it."""
    found: str = await tx.value(
        "select orders.facts(%(slots)s, %(prices)s, %(accounts)s::uuid[], %(counts_orders)s, %(counts_uses)s)::text",
        slots=list(slots), prices=list(prices), accounts=f"{{{','.join(map(str, accounts))}}}", counts_orders=counts_orders,
        counts_uses=counts_uses,
    )  # fmt: skip
    return msgspec.json.decode(found, type=Facts)
