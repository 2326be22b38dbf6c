"""Returns: when capacity rises again, whoever lost their places is asked first, in the published order.

The places are set aside for them in the transaction that makes them free, so nobody else can take them meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from holdfast.inventory import safety
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import (
    cancellation,
    displacement_moving,
    displacement_offers_store,
    displacement_parting,
    displacement_prices,
    displacement_store,
    messages,
    placing,
    store,
)
from .displacement_links import choice_link
from .displacement_model import Booked, OfferGone
from .displacement_offers_store import AgainTraveller, Lost, Offer
from .displacement_prices import Price
from .model import Order, Placed, PlaceRequest, PlacingTraveller

RETURN_TIME = timedelta(hours=24)
BEFORE_START = timedelta(hours=2)
"""An offer ends so long before the visit begins at the latest."""


async def owed_minor(tx: ReadTx, party: Booked) -> int:
    """What would go back to a party now: all that is left of a whole order, at most its price of another one."""
    row = await store.by_number(tx, party.number)
    assert row is not None
    left = sum(minor for _intent, minor in await cancellation.lefts(tx, row))
    return left if party.is_whole else min(party.price_minor, left)


async def offer(tx: Tx, venue_ids: Sequence[str]) -> int:
    """Sets free places aside for those who had lost them there, and tells them; how many parties."""
    now = clock.now()
    snapshot = await safety.snapshot(tx, venue_ids)
    free = {
        slot.id: slot.capacity - slot.taken - slot.set_aside
        for slot in snapshot.slots.values()
        if slot.state == "open" and slot.starts_at - BEFORE_START > now
    }
    chosen: list[tuple[Lost, Offer]] = []
    for lost in await displacement_offers_store.lost(tx, [slot_id for slot_id, places in free.items() if places > 0]):
        if lost.places > free[lost.slot_id]:
            continue
        free[lost.slot_id] -= lost.places
        until = min(now + RETURN_TIME, snapshot.slots[lost.slot_id].starts_at - BEFORE_START)
        made = Offer(
            ids.uuid7(), lost.cut_id, lost.order_id, lost.slot_id, lost.slot_id, "return", lost.places, now, until
        )
        chosen.append((lost, made))
    if not chosen:
        return 0
    offers = [made for _lost, made in chosen]
    await safety.set_aside(tx, [one.to_slot for one in offers], [one.places for one in offers])
    await displacement_offers_store.insert(tx, offers)
    await displacement_offers_store.set_returned(tx, [lost for lost, _made in chosen], now)
    for one in offers:
        await _tell(tx, one)
    return len(offers)


async def _tell(tx: Tx, made: Offer) -> None:
    row = await store.locked(tx, made.order_id)
    assert row is not None
    values = await displacement_parting.said(tx, row, made.from_slot)
    values |= {
        "link": choice_link(row.number),
        "until": await displacement_parting.moment(tx, made.from_slot, made.until_at),
    }
    await messages.tell(tx, row, "cut-return", **values)


async def lapse(db: Db) -> int:
    """Gives back the places of offers that nobody took in time; how many slots got some."""
    return await db.run(_lapse)


async def _lapse(tx: Tx) -> int:
    freed = await displacement_offers_store.lapse(tx, None, "return", clock.now(), overdue=True)
    if freed:
        await safety.set_aside(tx, list(freed), [-places for places in freed.values()])
    return len(freed)


async def take_back(db: Db, actor: Actor, order: Order, offer_id: UUID, quoted_total_minor: int | None = None) -> str:
    """Takes places back that are held: the number of the order that has them now, which may wait to be paid.

    They cost what they had cost (`displacement_prices`), and never more than the total that was shown, if one was.
    OfferGone when they are not held any more; else the problem that stands in the way, as in placing.
    """
    return await db.run(_take_back, actor, order, offer_id, quoted_total_minor)


async def _take_back(tx: Tx, actor: Actor, order: Order, offer_id: UUID, quoted_total_minor: int | None) -> str:
    row = await store.locked(tx, order.row.id)
    held = [one for one in await displacement_offers_store.held(tx, order.row.id, clock.now()) if one.id == offer_id]
    if row is None or not held or held[0].kind != "return":
        raise OfferGone
    offer = held[0]
    found = [one for one in await displacement_store.of_order(tx, row.id) if one.cut_id == offer.cut_id]
    party = next(one for one in found if one.slot_id == offer.from_slot)
    freed = await displacement_offers_store.end_offers(
        tx, offer.cut_id, row.id, offer.from_slot, "return", clock.now(), taken=offer.to_slot
    )
    if party.outcome == "moved" and party.to_slot is not None:
        await displacement_moving.shift(tx, actor, row, party.to_slot, offer.to_slot, freed)
        return row.number
    await safety.set_aside(tx, list(freed), [-places for places in freed.values()])
    price = await displacement_prices.price(tx, offer)
    if price is None:
        raise OfferGone
    request = await _request(tx, actor, order, offer, price)
    [placed] = await placing.place_many(tx, [replace(request, quoted_total_minor=quoted_total_minor)])
    if isinstance(placed, Problem):
        raise placed
    assert isinstance(placed, Placed)
    await displacement_prices.carry(tx, price, placed)
    return placed.number


async def _request(tx: ReadTx, actor: Actor, order: Order, offer: Offer, price: Price) -> PlaceRequest:
    """A booking for the same people at the same time and price: what is sealed stays sealed."""
    old, lines = await displacement_offers_store.again(tx, order.row.id), price.lines
    people = await displacement_offers_store.again_travellers(tx, order.row.id, [line.seq for line in lines])
    if old is None:
        raise OfferGone
    seqs = {line.seq: at for at, line in enumerate(lines, 1)}
    types = {line.seq: sorted({one.document_type for one in people if one.line_seq == line.seq}) for line in lines}
    key = f"return:{offer.id}"
    return PlaceRequest(
        account_id=order.row.account_id, key=key, body_hash=_hex(hashlib.sha256(key.encode()).digest()),
        order_id=ids.uuid7(), number=ids.new_code(), phone=_hex(old.phone), phone_index=_hex(old.phone_index),
        phone_masked=order.row.phone_masked, locale=old.locale, channel=order.row.channel, actor=str(actor),
        lines=[
            displacement_prices.line_of(
                line, seqs[line.seq], offer.to_slot, price, people=sum(one.line_seq == line.seq for one in people),
                document_types=types[line.seq],
            )
            for line in lines
        ],
        travellers=[_traveller(one, at, seqs[one.line_seq], offer.to_slot) for at, one in enumerate(people, 1)],
    )  # fmt: skip


def _traveller(one: AgainTraveller, seq: int, line_seq: int, slot_id: UUID) -> PlacingTraveller:
    return PlacingTraveller(
        seq=seq, line_seq=line_seq, slot_id=slot_id, name=_hex(one.name), name_masked=one.name_masked,
        document_type=one.document_type, document=_hex(one.document), document_index=_hex(one.document_index),
        document_last4=one.document_last4,
    )  # fmt: skip


def _hex(raw: bytes) -> str:
    """PostgreSQL's text form of bytea."""
    return "\\x" + raw.hex()
