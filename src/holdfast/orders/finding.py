"""Finding: a person's own orders by what they wish to see, and an order that somebody misses by what they know of it.

A search for a missing order shows nothing of what it found: it travels sealed (`seal`) in the form until the person has
proven a phone, an account of theirs, or a document with the order's PIN. What a proof does not cover stays unseen; a case
may carry it to people who can look (`support`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import accounts, admission
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.payments import search as payment_search

from . import finding_store, pins, proofs, store
from .finding_model import Candidate, Clues, Contact, Finding, FindingOver, Match, OrderPage, SearchedTooOften, Wish
from .model import Order, State

PAGE = 20
FOUND_MAX = 20
"""Orders by each way; who has more signs in."""
SEARCHES_BY_SOURCE = 20
SEARCHES_BY_CLUE = 5
SEARCH_WINDOW_S = 3600
FRESH = timedelta(minutes=30)
COMING = (State.HELD, State.AWAITING_PAYMENT, State.CONFIRMED)
_COLUMN = "orders.finding"


async def mine(tx: ReadTx, account_id: UUID, wish: Wish, *, page: str = "", limit: int = PAGE) -> OrderPage:
    """A page of the orders of the person behind an account that fit a wish, what is still to come first.

    `page` is `following` of the page before; another text begins at the start.
    """
    at, after = _read_page(page) or (clock.now(), None)
    text = " ".join(wish.text.split()).lower()
    rows = await finding_store.of_person(
        tx, account_id, number=ids.read_code(text) or "", text=text, state=wish.state, since=wish.since, until=wish.until,
        at=at, after=after, limit=limit + 1,
    )  # fmt: skip
    shown = rows[:limit]
    lines = await store.lines(tx, [row.id for row in shown])
    following = f"{int(at.timestamp())}.{shown[-1].rank}.{shown[-1].id.hex}" if len(rows) > limit else ""
    coming = sum(row.rank < 10_000_000_000 for row in shown)
    return OrderPage([Order(row, lines[row.id], [], []) for row in shown], coming, following)


def _read_page(page: str) -> tuple[datetime, tuple[int, UUID]] | None:
    try:
        at, rank, order_id = page.split(".")
        return datetime.fromtimestamp(int(at[:11]), UTC), (int(rank[:18]), UUID(hex=order_id))
    except (ValueError, OverflowError):
        return None


async def search(db: Db, clues: Clues, typed: dict[str, Any], source: str) -> Finding:
    """Everything that fits what somebody knows. `typed` is what they typed, masked: it goes into a case if one is opened.

    SearchedTooOften limits searches by source, and by each document and reference.
    """
    subjects = {f"source:{source}": SEARCHES_BY_SOURCE}
    subjects |= {
        f"clue:{clue}": SEARCHES_BY_CLUE for clue in (clues.document_key, clues.reference, clues.number) if clue
    }
    for left in await db.run(_spend, subjects):
        if not left.allowed:
            raise SearchedTooOften(retry_after_s=left.resets_in_s)
    async with db.reading() as tx:
        return await _search(tx, clues, typed)


async def _spend(tx: Tx, subjects: dict[str, int]) -> list[admission.Left]:
    return [
        await admission.spend(tx, "order-search", subject, uses=uses, per_s=SEARCH_WINDOW_S)
        for subject, uses in sorted(subjects.items())
    ]


async def _search(tx: ReadTx, clues: Clues, typed: dict[str, Any]) -> Finding:
    ways: dict[UUID, list[str]] = {}

    def note(way: str, order_ids: Sequence[UUID]) -> None:
        for order_id in order_ids:
            ways.setdefault(order_id, []).append(way)

    if clues.number:
        note("number", await finding_store.with_number(tx, clues.number))
    if clues.document_key:
        index = crypto.blind_index("document", f"{clues.document_type}|{clues.document_key}")
        note("document", await finding_store.with_document(tx, index, FOUND_MAX))
    if clues.phone:
        note("phone", await finding_store.with_phone(tx, crypto.blind_index("phone", clues.phone), FOUND_MAX))
    alone: list[UUID] = []
    for way, intents in (("reference", await _referred(tx, clues)), ("amount", await _paid_about(tx, clues))):
        owners = await finding_store.with_payments(tx, intents)
        note(way, list(dict.fromkeys(owners.values())))
        alone += [intent for intent in intents if intent not in owners]
    found = await finding_store.candidates(tx, list(ways))
    matches = [Match(one.id, one.number, tuple(dict.fromkeys(ways[one.id]))) for one in found]
    matches.sort(key=lambda match: -len(match.ways))
    return Finding(typed, matches, await finding_store.loose(tx, alone), clock.now())


async def _referred(tx: ReadTx, clues: Clues) -> list[UUID]:
    """The payments with this number, ours or the provider's."""
    if not clues.reference:
        return []
    found = await payment_search.find(tx, payment_search.Filters(text=clues.reference), limit=FOUND_MAX)
    return [one.id for one in found.items]


async def _paid_about(tx: ReadTx, clues: Clues) -> list[UUID]:
    if clues.amount_minor is None or clues.since is None or clues.until is None:
        return []
    return await finding_store.paid_about(tx, clues.amount_minor, clues.since, clues.until, FOUND_MAX)


def seal(finding: Finding) -> str:
    """A finding on its way through a form: nobody but us reads or changes it."""
    return proofs.seal(_COLUMN, msgspec.json.encode(finding).decode())


def opened(sealed: str) -> Finding:
    """The finding again. FindingOver for one that is not ours, or older than half an hour."""
    text = proofs.unseal(_COLUMN, sealed)
    if text is None:
        raise FindingOver
    finding = msgspec.json.decode(text, type=Finding)
    if finding.at + FRESH < clock.now():
        raise FindingOver
    return finding


async def contacts(tx: ReadTx, finding: Finding) -> list[Contact]:
    """Where codes can be sent that prove matches which something else than a phone has found; at most five.

    Of a phone that was not typed only the last two digits are told.
    """
    wanted = [match.order_id for match in finding.matches if set(match.ways) & {"number", "document", "reference"}]
    found: dict[bytes, Contact] = {}
    for one in await finding_store.candidates(tx, wanted):
        if one.phone_masked:  # empty: erased
            found.setdefault(one.phone_index, Contact(_key(one), one.phone_masked[-2:]))
    return list(found.values())[:5]


def _key(one: Candidate) -> str:
    return crypto.link_token("finding-contact", one.phone_index.hex())


async def phone_behind(tx: ReadTx, finding: Finding, key: str) -> str | None:
    """The phone (E.164) that a contact's key names; None when the finding has no such contact."""
    for one in await finding_store.candidates(tx, [match.order_id for match in finding.matches]):
        if _key(one) == key:
            return await store.phone(tx, one.id) or None
    return None


async def proven_by_phone(tx: ReadTx, finding: Finding, phone: str) -> list[Order]:
    """What a proven phone (E.164) lets one see: the matches it belongs to, and every order of that phone."""
    index = crypto.blind_index("phone", phone)
    found = await finding_store.candidates(tx, [match.order_id for match in finding.matches])
    shown = [one.id for one in found if index in (one.phone_index, *one.phones)]
    more = await finding_store.with_phone(tx, index, FOUND_MAX)
    return await _orders(tx, [*shown, *(order_id for order_id in more if order_id not in shown)])


async def proven_by_account(tx: ReadTx, finding: Finding, account_id: UUID) -> list[Order]:
    """The matches that belong to the person behind an account."""
    members = set(await accounts.members(tx, account_id))
    found = await finding_store.candidates(tx, [match.order_id for match in finding.matches])
    return await _orders(tx, [one.id for one in found if one.account_id in members])


async def proven_by_pin(db: Db, finding: Finding, typed: str, source: str) -> list[Order]:
    """The matches that were found by a document and whose PIN this is.

    A wrong one counts for each of them and for the source; LookupTooOften as `pins.by_pin` says.
    """
    by_document = {match.number: match.order_id for match in finding.matches if "document" in match.ways}
    fitting = await pins.holding(db, list(by_document), typed, source)
    return await db.read(_orders, [by_document[number] for number in fitting])


async def of_matches(tx: ReadTx, finding: Finding) -> list[Order]:
    """Everything that was found, whoever it belongs to: for the evidence of a case, never for the page of who searched."""
    return await _orders(tx, [match.order_id for match in finding.matches])


async def _orders(tx: ReadTx, order_ids: list[UUID]) -> list[Order]:
    """Orders with their lines, without people: a list that leads to them."""
    rows = {row.id: row for row in await finding_store.rows(tx, order_ids)}
    lines = await store.lines(tx, order_ids)
    return [Order(rows[one], lines[one], [], [], redacted=True) for one in order_ids if one in rows]
