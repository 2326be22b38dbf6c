"""What waiting lists hold about people: in a copy of their data, and when they have themselves erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.accounts.rights import eraser, exported, foreseen
from holdfast.accounts.rights_model import Erased, Foreseen, Progress
from holdfast.kit import crypto
from holdfast.kit.db import ReadTx, Tx

from . import waitlist
from . import waitlist_store as lists
from .model import TravellerInput
from .waitlist_model import WaitState

_people = msgspec.json.Decoder(list[list[TravellerInput]])


class HeldWait(msgspec.Struct, frozen=True):
    """A waiting list that was joined. `travellers` as entered, as long as they wait; afterwards the order has them, or nobody."""

    venue: dict[str, str]
    product: dict[str, str]
    starts_at: datetime
    places: int
    travellers: list[TravellerInput]
    state: str
    order_number: str | None
    joined_at: datetime
    offered_at: datetime | None
    ended_at: datetime | None


@exported("waits", HeldWait)
async def waits(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldWait]:
    """Every list of these accounts."""
    found = []
    for row in await lists.of_accounts(tx, accounts):
        sealed = row.pop("people")
        parties = _people.decode(crypto.unseal(waitlist.PEOPLE, bytes(sealed))) if sealed else []
        found.append(HeldWait(**row, travellers=[person for party in parties for person in party]))
    return found


@foreseen("waits")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """Whoever is erased waits for nothing."""
    count = sum(row["people"] is not None for row in await lists.of_accounts(tx, accounts))
    return [Foreseen("waits", count, "You leave every waiting list; the names given for them go.")]


@eraser("waits")
async def erase_waits(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Lists in which nobody waits any more."""
    found = await lists.waiting_of(tx, erased.accounts, limit)
    for wait in found:
        await waitlist.end(tx, wait, WaitState.LEFT)
    return Progress(len(found), 0)
