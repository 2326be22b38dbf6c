"""Cards: issued with their order, activated by their holder, suspended and resumed by staff, over when their time is.

A card belongs to the account it was bought with and is found from every account of the same person. Nothing of it is ever
deleted; its people are named until some weeks after it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.accounts import documents
from holdfast.catalogue.model import Text
from holdfast.kit import audit, clock, crypto, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import card_products, card_refunds, cards_store, uses_store
from .card_model import (
    ZONE,
    Card,
    CardNotSuspendable,
    CardProduct,
    CardRow,
    CardState,
    CardUnknown,
    Counter,
    Entitlement,
    NotActivatable,
    StartImpossible,
    Use,
    UseState,
)
from .card_refunds import CardRefund, Cause
from .cards_store import CardEvent

SHOWN_MOST = 100
BATCH = 200
NAME, DOCUMENT = "passes.card_people.name", "passes.card_people.document"


class NewPerson(msgspec.Struct, frozen=True):
    """Somebody a card is for, in clear. ``repr`` is masked."""

    kind: str
    name: str
    document_type: str
    document: str
    document_last4: str

    def __repr__(self) -> str:
        return f"NewPerson({self.kind} {documents.mask_name(self.name)})"


class NewCard(msgspec.Struct, frozen=True):
    """A card that was bought: with which order, for whom (the holder first), and what was paid for it."""

    product: CardProduct
    order_id: UUID
    order_number: str
    holder_seq: int
    account_id: UUID
    paid_minor: int
    currency: str
    people: list[NewPerson]


async def issue(tx: Tx, actor: Actor, wanted: NewCard) -> bool:
    """Makes a card and its entitlements. Again for the same holder of the same order: nothing, and False."""
    rules, now, card_id = wanted.product.rules, clock.now(), ids.uuid7()
    adults = sum(person.kind == "adult" for person in wanted.people)
    children = len(wanted.people) - adults
    prices = {
        ref: {one.product_id: card_products.visit_minor(rules, ref, one, adults, children) for one in found}
        for ref, found in (await card_products.covers(tx, rules)).items()
    }
    visits = {ref: max(found.values(), default=0) for ref, found in prices.items()}
    row = {
        "id": card_id, "number": ids.new_code(), "product_id": wanted.product.id, "version": wanted.product.version,
        "order_id": wanted.order_id, "order_number": wanted.order_number, "holder_seq": wanted.holder_seq,
        "account_id": wanted.account_id, "paid_minor": wanted.paid_minor, "currency": wanted.currency, "issued_at": now,
        "list_minor": card_products.list_minor(rules, visits), "activate_by": _activate_by(rules.validity, now),
    }  # fmt: skip
    entitlements = [
        {"card_id": card_id, "item": item.ref, "venue_id": item.ref, "prices": prices[item.ref], "uses_max": item.uses}
        for item in rules.items
    ]
    people = [_sealed(card_id, seq, person) for seq, person in enumerate(wanted.people, 1)]
    made = await cards_store.insert(tx, row, people, entitlements, rules.counters)
    if made:
        await cards_store.add_event(tx, card_id, "issued", now, str(actor), {"order": wanted.order_number})
    return made


def _activate_by(validity: Any, now: datetime) -> date:
    last = now.astimezone(ZONE).date() + timedelta(days=validity.activate_within_days)
    return min(last, validity.to_date) if validity.to_date else last


def _sealed(card_id: UUID, seq: int, person: NewPerson) -> dict[str, Any]:
    return {
        "card_id": card_id, "seq": seq, "kind": person.kind, "name": crypto.seal(NAME, person.name),
        "name_masked": documents.mask_name(person.name), "document_type": person.document_type,
        "document": crypto.seal(DOCUMENT, person.document), "document_last4": person.document_last4,
    }  # fmt: skip


# Finding


async def require(tx: ReadTx, account_id: UUID, number: str) -> Card:
    """A card of the person behind an account. CardUnknown when it is not theirs, as if it did not exist."""
    code = ids.read_code(number)
    return await _whole(tx, await cards_store.row_of_person(tx, code, account_id) if code else None)


async def by_number(tx: ReadTx, number: str) -> Card:
    """A card, whoever owns it: callers have authorised."""
    code = ids.read_code(number)
    return await _whole(tx, await cards_store.row_of_number(tx, code) if code else None)


async def _whole(tx: ReadTx, row: CardRow | None) -> Card:
    if row is None:
        raise CardUnknown
    return (await cards_store.whole(tx, [row]))[0]


async def mine(tx: ReadTx, account_id: UUID) -> list[Card]:
    """The cards of the person behind an account, newest first."""
    return await cards_store.whole(tx, await cards_store.rows_of_person(tx, account_id, SHOWN_MOST))


async def of_order(tx: ReadTx, order_id: UUID) -> list[Card]:
    """The cards that an order bought, in the order of their holders."""
    return await cards_store.whole(tx, await cards_store.rows_of_order(tx, order_id))


async def numbers_paying(tx: ReadTx, order_id: UUID) -> list[str]:
    """The cards that pay visits of an order."""
    return await uses_store.cards_of_order(tx, order_id)


async def lock_of_order(tx: Tx, order_id: UUID) -> None:
    """Locks the cards that an order bought, so that nothing is booked with them while it is decided about them."""
    for card_id in sorted(row.id for row in await cards_store.rows_of_order(tx, order_id)):
        await cards_store.lock(tx, card_id)


async def find(tx: ReadTx, number: str) -> str | None:
    """The number of the card that a number means: its own, or that of the order it was bought with. For staff."""
    code = ids.read_code(number)
    return await cards_store.found(tx, code) if code else None


async def newest(tx: ReadTx, limit: int = 50) -> list[CardRow]:
    """The cards that were bought last, of anybody: for staff."""
    return await cards_store.newest_rows(tx, limit)


async def story(tx: ReadTx, card: Card) -> list[CardEvent]:
    """What happened to a card and its uses, oldest first."""
    return await cards_store.events(tx, card.row.id)


async def locked(tx: Tx, account_id: UUID, number: str) -> Card:
    """A card of the person behind an account, locked until the transaction ends."""
    card = await require(tx, account_id, number)
    return await cards_store.locked(tx, card.row.id)


async def people_of(tx: ReadTx, card: Card) -> dict[int, NewPerson]:
    """Names and documents of a card's people by their numbers, as far as they are still known."""
    masked = {person.seq: person for person in card.people}
    return {
        one.seq: NewPerson(
            one.kind, crypto.unseal(NAME, bytes(one.name)), one.document_type,
            crypto.unseal(DOCUMENT, bytes(one.document)), masked[one.seq].document_last4,
        )
        for one in await cards_store.sealed_people(tx, card.row.id) if one.name and one.document
    }  # fmt: skip


# What becomes of it


async def activate(tx: Tx, actor: Actor, account_id: UUID, number: str, start: date | None = None) -> Card:
    """From now on visits can be booked. `start` is for cards whose days are chosen; None: today. Again: nothing.

    NotActivatable when it is over or suspended; StartImpossible for a day that does not go.
    """
    card = await locked(tx, account_id, number)
    if card.state is CardState.ACTIVE:
        return card
    today = clock.now().astimezone(ZONE).date()
    if card.state is not CardState.ISSUED or (card.row.activate_by and today > card.row.activate_by):
        raise NotActivatable(state=card.state)
    valid_from, valid_to = days_of(card, start, today)
    await cards_store.activate(tx, card.row.id, clock.now(), valid_from, valid_to)
    await cards_store.add_event(
        tx,
        card.row.id,
        "activated",
        clock.now(),
        str(actor),
        {"from": str(valid_from or ""), "to": str(valid_to or "")},
    )
    return await cards_store.locked(tx, card.row.id)


def days_of(card: Card, start: date | None, today: date) -> tuple[date | None, date | None]:
    """The days of a card that is activated today; none where its first use begins them. StartImpossible as in `activate`."""
    validity = card.rules.validity
    if validity.by_first_use:
        return None, None
    if validity.kind == "calendar_days_from_activation":
        return today, today + timedelta(days=validity.days - 1)
    if validity.from_date and validity.to_date:
        return validity.from_date, validity.to_date
    begin = start or today
    if begin < today or (card.row.activate_by and begin > card.row.activate_by):
        raise StartImpossible(
            first=today.isoformat(), last=card.row.activate_by.isoformat() if card.row.activate_by else None
        )
    return begin, begin + timedelta(days=validity.days - 1)


async def suspend(tx: Tx, actor: Actor, number: str, why: str) -> None:
    """Staff stop a card: lost, lent, or in question. What is booked stays booked. CardNotSuspendable when it is not active."""
    card = await cards_store.locked(tx, (await by_number(tx, number)).row.id)
    if card.state is not CardState.ACTIVE or not why.strip():
        raise CardNotSuspendable(state=card.state)
    await cards_store.suspend(tx, card.row.id, why.strip()[:300])
    await _note(tx, actor, card, "suspended", {"why": why.strip()[:300]})


async def resume(tx: Tx, actor: Actor, number: str, why: str) -> None:
    """A suspended card goes on. CardNotSuspendable when it is not suspended."""
    card = await cards_store.locked(tx, (await by_number(tx, number)).row.id)
    if card.state is not CardState.SUSPENDED:
        raise CardNotSuspendable(state=card.state)
    await cards_store.set_active(tx, card.row.id)
    await _note(tx, actor, card, "resumed", {"why": why.strip()[:300]})


async def _note(tx: Tx, actor: Actor, card: Card, kind: str, details: dict[str, Any]) -> None:
    await cards_store.add_event(tx, card.row.id, kind, clock.now(), str(actor), details)
    await audit.record(tx, actor, f"passes.card_{kind}", f"card:{card.number}", **details)


async def refund_of(tx: ReadTx, card: Card, cause: Cause = Cause.BUYER) -> CardRefund:
    """What returning a card gives back now, and by which rule."""
    return card_refunds.decide(card, clock.now(), had_before=await cards_store.had_before(tx, card.row), cause=cause)


async def end_of_order(tx: Tx, actor: Actor, order_id: UUID, holders: Sequence[int] | None = None) -> int:
    """The cards of an order, or of some of its holders, are given back; how many there were. Again: nothing.

    What is booked with them stays booked: whoever gives a card back by themselves cancels that first.
    """
    rows = [row for row in await cards_store.rows_of_order(tx, order_id) if row.state is not CardState.REFUNDED]
    ending = [row for row in rows if holders is None or row.holder_seq in holders]
    for card_id in sorted(row.id for row in ending):
        card = await cards_store.locked(tx, card_id)
        await cards_store.end(tx, card_id, CardState.REFUNDED, clock.now())
        await cards_store.add_event(tx, card_id, "refunded", clock.now(), str(actor), {"was": card.state})
    return len(ending)


async def expire(tx: Tx, by: str) -> int:
    """Ends the cards whose time is over; how many there were. What was not used can still be given back (art. 24)."""
    now = clock.now()
    due = await cards_store.over(tx, now.astimezone(ZONE).date(), now, BATCH)
    for card_id in due:
        await cards_store.locked(tx, card_id)
        await cards_store.end(tx, card_id, CardState.EXPIRED, now)
        await cards_store.add_event(tx, card_id, "expired", now, by, {})
    return len(due)


async def of_visits(tx: ReadTx, order_id: UUID, line_seqs: Sequence[int]) -> list[tuple[Card, Use]]:
    """What is held for these lines of an order, each with its card as it stands."""
    found = await uses_store.of_order(tx, order_id, UseState.HELD, line_seqs)
    rows = {card_id: await cards_store.row(tx, card_id) for card_id, _use in found}
    return [((await cards_store.whole(tx, [rows[card_id]]))[0], use) for card_id, use in found]


def prospect(product: CardProduct, prices: dict[str, dict[str, int]], names: dict[str, Text], now: datetime) -> Card:
    """A card of a product as it would be if it were bought and active now, for nobody yet: to ask what it would allow.

    `prices`: item → product → list price; `names`: item → what it is called.
    """
    rules = product.rules
    row = CardRow(
        id=ids.uuid7(), number="", product_id=product.id, name={}, version=product.version, rules=rules, order_id=ids.uuid7(),
        order_number="", holder_seq=1, account_id=ids.uuid7(), state=CardState.ACTIVE, paid_minor=0, list_minor=0, currency="",
        issued_at=now, activate_by=_activate_by(rules.validity, now), activated_at=now, valid_from=None, valid_to=None,
        first_used_at=None, valid_until=None, suspended_why="", ended_at=None,
    )  # fmt: skip
    held = [
        Entitlement(item.ref, item.ref, names.get(item.ref, {}), prices.get(item.ref, {}), item.uses, 0, 0)
        for item in rules.items
    ]
    counters = [Counter(code, most, 0, 0) for code, most in rules.counters.items()]
    return Card(row, [], held, counters, [])
