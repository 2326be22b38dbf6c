"""What cards hold about people: in a copy of their data, in an erasure, and how long names and documents are kept.

A card needs the names and documents of its people as long as it serves, because every visit is booked in their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.accounts.rights import eraser, exported, foreseen, obstacle
from holdfast.accounts.rights_model import Erased, Foreseen, Obstacle, Progress
from holdfast.kit import crypto, retention
from holdfast.kit.db import ReadTx, Tx

from . import card_rights_store as store
from .cards import DOCUMENT, NAME


class HeldHolder(msgspec.Struct, frozen=True):
    """Somebody a card is for. Name and document are empty when they were removed some weeks after the card was over."""

    kind: str
    name: str
    document_type: str
    document: str
    document_last4: str


class HeldUse(msgspec.Struct, frozen=True):
    """A visit with a card. `state` is ``held`` while it is booked, ``used``, or ``released`` when it was given back."""

    venue: dict[str, str]
    order_number: str
    visit_date: date
    people: int
    state: str


class HeldCard(msgspec.Struct, frozen=True):
    """A card that was bought, whom it is for, and what it was used for."""

    number: str
    card: dict[str, str]
    order_number: str
    state: str
    paid_minor: int
    currency: str
    issued_at: datetime
    activated_at: datetime | None
    valid_from: date | None
    valid_to: date | None
    ended_at: datetime | None
    holders: list[HeldHolder]
    uses: list[HeldUse]


@exported("cards", HeldCard)
async def cards(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldCard]:
    """Every card of these accounts, oldest first, with names and documents in clear: they were entered by the person."""
    return [
        msgspec.convert(row | {"holders": [_holder(one) for one in row["holders"]]}, HeldCard)
        for row in await store.held(tx, accounts)
    ]


def _holder(row: dict[str, Any]) -> dict[str, Any]:
    clear = {
        field: crypto.unseal(column, bytes.fromhex(row[field])) if row[field] else ""
        for field, column in (("name", NAME), ("document", DOCUMENT))
    }
    return row | clear


@foreseen("cards")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """Names go; what was bought and used stays with the order."""
    count = len(await store.held(tx, accounts))
    return [
        Foreseen("cards", count, "Names and documents on your cards go; a card without a name cannot be used any more.")
    ]


@obstacle("cards")
async def hinder(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Obstacle]:
    """Cards that can still be used, and have been paid for."""
    return [
        Obstacle(
            "card-open", number, "A card can still be used.", "Give it back for what it is still worth, or use it.",
            f"/account/cards/{number}",
        )
        for number in await store.open_cards(tx, accounts)
    ]  # fmt: skip


@eraser("cards")
async def erase(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Names and documents of everybody on the cards."""
    return Progress(await store.erase(tx, erased.accounts, limit))


@retention.rule("documents on cards", "documents_kept_days")
async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """So many days after a card is over nobody is booked in these names any more."""
    return await store.forget(tx, before, limit)
