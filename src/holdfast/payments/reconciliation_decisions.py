"""Decisions: how a person settles a difference, with a note, and for good in the audit trail.

Accepting books nothing. A difference that stays unexplained is booked to suspense (1090), where it remains visible; a
small one may be written off (5050) by one person. What was decided can be opened again: its booking is undone by another.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from holdfast import ledger
from holdfast.kit import audit, clock, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx

from . import bills, bills_store, reconciliation_store
from .reconciliation_inquiries import subject_of
from .reconciliation_model import Item, ItemOpen, ItemResolved, ItemUnknown, NotBookable, WriteOffTooLarge

SUSPENSE, DIFFERENCE, FEES = "1090", "5050", "5020"


def write_off_max_minor() -> int:
    """What one person may write off of one difference, in minor units; larger sums wait in suspense."""
    return settings.current().reconciliation_write_off_minor


async def accept(tx: Tx, actor: Actor, item_id: UUID, note: str) -> Item:
    """Explained: nothing is booked. ItemResolved when it is settled already."""
    item = await _open(tx, item_id)
    return await _settle(tx, actor, item, "accept", "manual", note, None)


async def suspend(tx: Tx, actor: Actor, item_id: UUID, note: str) -> Item:
    """The difference goes to suspense, so that the clearing account agrees with the bill. NotBookable, ItemResolved."""
    item = await _open(tx, item_id)
    journal_id = await _book(tx, item, SUSPENSE, "reconciliation.suspense", note)
    return await _settle(tx, actor, item, "suspense", "forced", note, journal_id)


async def write_off(tx: Tx, actor: Actor, item_id: UUID, note: str) -> Item:
    """A small difference becomes a loss or a gain. WriteOffTooLarge names the limit; NotBookable, ItemResolved."""
    item = await _open(tx, item_id)
    if item.may_book and abs(item.off_minor) > write_off_max_minor():
        raise WriteOffTooLarge(
            limit_minor=write_off_max_minor(), asked_minor=abs(item.off_minor), currency=item.currency
        )
    journal_id = await _book(tx, item, DIFFERENCE, "reconciliation.difference", note)
    return await _settle(tx, actor, item, "write-off", "forced", note, journal_id)


async def comment(tx: Tx, actor: Actor, item_id: UUID, note: str) -> Item:
    """What is being done about an open difference: the note stands until another, or until it is settled."""
    item = await _open(tx, item_id)
    await reconciliation_store.note_down(tx, item.id, note)
    await audit.record(tx, actor, "reconciliation.comment", subject_of(item), note=note)
    return await _found(tx, item.id)


async def reopen(tx: Tx, actor: Actor, item_id: UUID, note: str) -> Item:
    """A person's decision was wrong: its booking is undone, and the difference stands open again. ItemOpen when it does."""
    item = await reconciliation_store.item_locked(tx, item_id)
    if item is None:
        raise ItemUnknown
    if item.is_open or item.resolution == "auto":
        raise ItemOpen(state=item.state)
    if item.journal_id is not None:
        await ledger.reverse(tx, item.journal_id, f"reconciliation:{item.id}:{item.turn}:undone", at=clock.now())
    await audit.record(tx, actor, "reconciliation.reopen", subject_of(item), reason=note, was=item.resolution)
    await reconciliation_store.open_again(tx, item_id)
    return await _found(tx, item_id)


async def _open(tx: Tx, item_id: UUID) -> Item:
    item = await reconciliation_store.item_locked(tx, item_id)
    if item is None:
        raise ItemUnknown
    if not item.is_open:
        raise ItemResolved(by=item.by, resolution=item.resolution)
    return item


async def _book(tx: Tx, item: Item, code: str, kind: str, note: str) -> UUID:
    """Moves the clearing account to where the bill has it; a fee in a stranger's row is a fee all the same."""
    if not item.may_book or item.currency is None:
        raise NotBookable(kind=item.kind)
    owes = ledger.clearing(item.provider, item.id, item.currency)
    other = ledger.Account(code, item.provider, item.currency)
    off = item.off_minor
    more, less = (owes, other) if off > 0 else (other, owes)
    legs = [ledger.debit(more, abs(off)), ledger.credit(less, abs(off))]
    if item.kind == "foreign_row" and item.row_number is not None:
        row = await bills_store.row(tx, item.provider, item.day, item.row_number)
        if row is not None and 0 < row.fee_minor < off:
            cost = ledger.Account(FEES, item.provider, item.currency)
            legs = [
                ledger.debit(owes, off - row.fee_minor), ledger.debit(cost, row.fee_minor), ledger.credit(other, off)
            ]  # fmt: skip
    _start, end = bills.window(item.provider, item.day)
    details: dict[str, Any] = {"provider": item.provider, "day": item.day.isoformat(), "kind": item.kind, "note": note}
    return await ledger.record(
        tx, kind, f"reconciliation:{item.id}:{item.turn}", legs, subject=subject_of(item),
        at=end - timedelta(microseconds=1), details=details,
    )  # fmt: skip


async def _settle(
    tx: Tx, actor: Actor, item: Item, verb: str, resolution: str, note: str, journal_id: UUID | None
) -> Item:
    await reconciliation_store.settle(
        tx, item.id, resolution=resolution, note=note, by=str(actor), at=clock.now(), journal_id=journal_id
    )
    await audit.record(
        tx, actor, f"reconciliation.{verb}", subject_of(item), reason=note, kind=item.kind, provider=item.provider,
        day=item.day.isoformat(), off_minor=item.off_minor, currency=item.currency,
    )  # fmt: skip
    return await _found(tx, item.id)


async def _found(tx: Tx, item_id: UUID) -> Item:
    found = await reconciliation_store.item(tx, item_id)
    if found is None:
        raise ItemUnknown
    return found
