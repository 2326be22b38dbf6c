"""Baseline (a): the product with one thing changed: each booking does its own transaction, with ordinary statements.

``python -m bench.singly PORT`` serves it. Web layer, validation, encryption, session check and the rows written are the
product's; what differs is what a competent developer would write who has not heard of group commit: begin, look up
the key, lock the slot, check documents and limits, update the counter, insert everything, commit.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import uvicorn
from psycopg.types.json import Jsonb
from starlette.applications import Starlette

from holdfast import orders
from holdfast.kit import clock, idempotency, settings
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.orders import model
from holdfast.orders.model import Placed, PlaceRequest, PlacingLine, State


class Offer(msgspec.Struct, frozen=True):
    """A slot with its product and the price asked for."""

    product_id: str
    venue_id: str
    visit_date: Any
    state: str
    sale_opens_at: datetime
    sale_closes_at: datetime
    left: int
    real_name: bool
    documents: list[str]
    max_per_order: int
    once_per_document_day: bool
    per_account_day: int | None
    amount_minor: int
    currency: str
    uses_place: bool


class Singly:
    """Takes the place of `orders.group_commit`: ``placed = await place(request)``."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def __call__(self, request: PlaceRequest) -> Placed:
        return await self._db.run(place, request)


async def place(tx: Tx, request: PlaceRequest) -> Placed:
    """One booking in one transaction."""
    now = clock.now()
    known = await _recall(tx, request.account_id, request.key, request.body_hash)
    if known is not None:
        return msgspec.convert(known, Placed)
    offers = [await _lock(tx, line) for line in sorted(request.lines, key=lambda line: line.slot_id)]
    lines = sorted(request.lines, key=lambda line: line.slot_id)
    for line, offer in zip(lines, offers, strict=True):
        await _check(tx, request, line, offer, now)
        if offer.uses_place:
            await tx.execute(
                "update inventory.slots set taken = taken + %(n)s where id = %(id)s", n=line.quantity, id=line.slot_id
            )
    amount = sum(offer.amount_minor * line.quantity for line, offer in zip(lines, offers, strict=True))
    state = State.HELD if amount else State.CONFIRMED
    expires_at = now + timedelta(seconds=settings.current().hold_ttl_s) if amount else None
    placed = Placed(request.order_id, request.number, state, amount, offers[0].currency, expires_at)
    await _write(tx, request, placed, list(zip(lines, offers, strict=True)), now)
    return placed


async def _recall(tx: ReadTx, scope: UUID, key: str, body_hash: str) -> dict[str, Any] | None:
    return await idempotency.recall(tx, scope, key, bytes.fromhex(body_hash[2:]))


async def _lock(tx: Tx, line: PlacingLine) -> Offer:
    offer = await tx.maybe(
        Offer,
        """select s.product_id, s.venue_id, s.visit_date, s.state, s.sale_opens_at, s.sale_closes_at,
                  s.capacity - s.taken as left, p.real_name, p.documents, p.max_per_order, p.once_per_document_day,
                  p.per_account_day, c.amount_minor, c.currency, c.uses_place
           from inventory.slots s join catalogue.products p on p.id = s.product_id
           join catalogue.prices c on c.product_id = p.id and c.id = %(price)s and c.retired_at is null
                and catalogue.in_season(s.visit_date, c.from_day, c.to_day)
           where s.id = %(slot)s for no key update of s""",
        slot=line.slot_id, price=line.price_id,
    )  # fmt: skip
    if offer is None:
        raise model.SlotUnknown(slot_id=str(line.slot_id))
    return offer


async def _check(tx: Tx, request: PlaceRequest, line: PlacingLine, offer: Offer, now: datetime) -> None:
    """The rules that the product's SQL function applies."""
    people = [person for person in request.travellers if person.line_seq == line.seq]
    if offer.state != "open":
        raise model.SlotClosed(slot_id=str(line.slot_id))
    if now < offer.sale_opens_at:
        raise model.NotYetOnSale(slot_id=str(line.slot_id))
    if now >= offer.sale_closes_at:
        raise model.SaleOver(slot_id=str(line.slot_id))
    if line.quoted_minor not in (None, offer.amount_minor):
        raise model.PriceChanged(price_id=line.price_id)
    if offer.real_name and len(people) != line.quantity:
        raise model.TravellersIncomplete(line=line.seq)
    if any(person.document_type not in offer.documents for person in people):
        raise model.DocumentNotAccepted(line=line.seq)
    if line.quantity > offer.max_per_order:
        raise model.TooManyPerOrder(asked=line.quantity)
    if offer.uses_place and line.quantity > offer.left:
        raise model.SlotFull(slot_id=str(line.slot_id))
    if offer.once_per_document_day and await tx.value(
        """select true from orders.travellers where live and once and visit_date = %(day)s and venue_id = %(venue)s
             and document_index = any(%(documents)s::bytea[]) limit 1""",
        day=offer.visit_date, venue=offer.venue_id, documents=[person.document_index for person in people],
    ):  # fmt: skip
        raise model.DocumentAlreadyBooked
    assert offer.per_account_day is None, "the bench's product has no limit per account"


async def _write(
    tx: Tx, request: PlaceRequest, placed: Placed, lines: list[tuple[PlacingLine, Offer]], now: datetime
) -> None:
    """Order, lines, travellers, event and the remembered reply."""
    await tx.execute(
        """insert into orders.orders (id, number, account_id, state, amount_minor, currency, phone, phone_index, phone_masked,
                                      locale, channel, placed_at, expires_at, confirmed_at)
           values (%(id)s, %(number)s, %(account)s, %(state)s, %(amount)s, %(currency)s, %(phone)s, %(index)s, %(masked)s,
                   %(locale)s, %(channel)s, %(at)s, %(expires)s, %(confirmed)s)""",
        id=request.order_id, number=request.number, account=request.account_id, state=placed.state.value,
        amount=placed.amount_minor, currency=placed.currency, phone=request.phone, index=request.phone_index,
        masked=request.phone_masked, locale=request.locale, channel=request.channel, at=now, expires=placed.expires_at,
        confirmed=now if placed.state is State.CONFIRMED else None,
    )  # fmt: skip
    for line, offer in lines:
        await tx.execute(
            """insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor)
               values (%(order)s, %(seq)s, %(slot)s, %(price)s, %(quantity)s, %(places)s, %(unit)s)""",
            order=request.order_id, seq=line.seq, slot=line.slot_id, price=line.price_id, quantity=line.quantity,
            places=line.quantity if offer.uses_place else 0, unit=offer.amount_minor,
        )  # fmt: skip
    of_line = {line.seq: offer for line, offer in lines}
    await tx.execute_many(
        """insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type,
                                          document, document_index, document_last4, once)
           values (%(order)s, %(seq)s, %(line_seq)s, %(venue)s, %(day)s, %(name)s, %(name_masked)s, %(document_type)s,
                   %(document)s, %(document_index)s, %(document_last4)s, %(once)s)""",
        [
            {
                **msgspec.structs.asdict(person),
                "order": request.order_id,
                "venue": of_line[person.line_seq].venue_id,
                "day": of_line[person.line_seq].visit_date,
                "once": of_line[person.line_seq].once_per_document_day,
            }
            for person in request.travellers
        ],
    )
    await tx.execute(
        """insert into orders.events (order_id, seq, kind, at, actor, details)
           values (%(order)s, 1, 'placed', %(at)s, %(actor)s, %(details)s)""",
        order=request.order_id, at=now, actor=request.actor, details=Jsonb({"channel": request.channel}),
    )  # fmt: skip
    await idempotency.remember(
        tx, request.account_id, request.key, bytes.fromhex(request.body_hash[2:]), msgspec.to_builtins(placed)
    )


def app() -> Starlette:
    """The product's application, with its one line of difference."""
    from holdfast import main

    orders.group_commit = lambda db, **_ignored: Singly(db)  # type: ignore[assignment]
    return main.app()


if __name__ == "__main__":
    uvicorn.run(
        "bench.singly:app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False,
        loop="uvloop", http="httptools", timeout_keep_alive=30, backlog=4096,
    )  # fmt: skip
