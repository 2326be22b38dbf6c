"""Unapplied: money that nobody asked for, how far it is on its way back, and refunds that only people can bring to an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast import ledger
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import Conflict
from holdfast.ledger.checks import UNAPPLIED_MINUTES

from . import bookings, refunds, refunds_store, unapplied_store
from .model import DESK, IntentUnknown, RefundRow
from .providers.base import RefundObservation, RefundState, Source
from .unapplied_store import Origin, Return

__all__ = ["Origin", "Return", "Waiting", "Why", "at_desk", "by_hand", "waiting"]
AGE_MAX = timedelta(minutes=UNAPPLIED_MINUTES)
"""After so long money must be on its way back: the ledger's own invariant."""
LIST_MAX = 200


class Why(StrEnum):
    """Why nobody asked for it."""

    LATE = "late"
    DUPLICATE = "duplicate"
    EXCESS = "excess"
    AMOUNT = "amount"
    CURRENCY = "currency"
    SECOND = "second"
    UNKNOWN = "unknown"


class Waiting(msgspec.Struct, frozen=True):
    """A balance of unapplied money. `overdue`: some of it is not even on its way back, and has been here too long."""

    balance: ledger.OpenBalance
    origin: Origin | None
    why: Why
    returns: list[Return]
    overdue: bool


class Stuck(msgspec.Struct, frozen=True):
    """Refunds that wait for people."""

    abnormal: list[Return]
    """Their provider could not give them; it goes on being asked."""
    refused: list[Return]
    """Their provider closed one after the other; none is tried any more."""
    desk: list[Return]
    """To be handed over at the desk."""

    @property
    def count(self) -> int:
        return len(self.abnormal) + len(self.refused) + len(self.desk)


class NothingLeft(Conflict):
    """All of this money has gone back already, or is on its way."""

    safe = "Nothing was changed."
    next_step = "Look at the payment: its story shows every refund."


async def waiting(tx: ReadTx) -> list[Waiting]:
    """All unapplied money, the oldest first, with why it is there and what is being done."""
    balances = await ledger.open_balances(tx, bookings.UNAPPLIED, LIST_MAX)
    named = [(balance, *_named(balance.account.owner)) for balance in balances]
    attempts = [owner for _b, kind, owner in named if kind == "attempt" and owner]
    receipts = [owner for _b, kind, owner in named if kind == "receipt" and owner]
    origins = {one.owner: one for one in await unapplied_store.origins(tx, attempts, receipts)}
    returns = await unapplied_store.returns_of(tx, [one.attempt_id for one in origins.values()])
    before = clock.now() - AGE_MAX
    return [_waiting(balance, origins.get(balance.account.owner), returns, before) for balance in balances]


def _waiting(balance: ledger.OpenBalance, origin: Origin | None, returns: list[Return], before: datetime) -> Waiting:
    mine = [
        one for one in returns if origin and (one.attempt_id, one.receipt_id) == (origin.attempt_id, origin.receipt_id)
    ]
    overdue = balance.waiting_since is not None and balance.waiting_since < before
    return Waiting(balance, origin, why(origin), mine, overdue)


def _named(owner: str) -> tuple[str, UUID | None]:
    """``attempt:<uuid>`` → its parts."""
    kind, _, text = owner.partition(":")
    try:
        return kind, UUID(text)
    except ValueError:
        return kind, None


def why(origin: Origin | None) -> Why:
    """The reason, from where the money came."""
    if origin is None:
        return Why.UNKNOWN
    if origin.receipt_id is not None:
        return Why.SECOND
    if origin.role == "conflicted":
        return Why.CURRENCY if origin.came_currency != origin.asked_currency else Why.AMOUNT
    return {"winner": Why.EXCESS, "late": Why.LATE, "duplicate": Why.DUPLICATE}.get(origin.role or "", Why.UNKNOWN)


async def stuck(tx: ReadTx) -> Stuck:
    """What waits for people."""
    return Stuck(
        await unapplied_store.abnormal(tx, LIST_MAX),
        await unapplied_store.refused(tx, refunds.CLOSED_MAX, LIST_MAX),
        await at_desk(tx),
    )


async def at_desk(tx: ReadTx) -> list[Return]:
    """What is to be handed over at the desk."""
    return await unapplied_store.at_desk(tx, LIST_MAX)


async def desk_refund(tx: ReadTx, refund_id: UUID) -> Return:
    """A refund of money that was taken at the desk. IntentUnknown for any other."""
    found = await unapplied_store.one(tx, refund_id)
    if found is None or found.provider != DESK:
        raise IntentUnknown
    return found


async def by_hand(tx: Tx, actor: Actor, refund_id: UUID, note: str) -> RefundRow:
    """Staff gave a refund by hand or by bank, also one that its provider has closed for good: that is promised anew first.

    RefundNotByHand while the provider still works on it; NothingLeft when its money went back in another way.
    """
    refund = await refunds_store.refund_locked(tx, refund_id)
    if refund is None:
        raise IntentUnknown
    if refund.state != "closed":
        return await refunds.handed_over(tx, actor, refund_id, note)
    is_given_up = await refunds_store.closed_refunds(tx, refund.attempt_id) >= refunds.CLOSED_MAX
    if not is_given_up or await unapplied_store.tried_again(tx, refund_id):
        raise NothingLeft
    anew = await refunds.request(
        tx, refund.attempt_id, refund.amount_minor, refund.reason, source=refund.source, receipt_id=refund.receipt_id,
        requested_by=str(actor),
    )  # fmt: skip
    if anew is None:
        raise NothingLeft
    promised = await refunds_store.refund(tx, anew)
    assert promised is not None
    refused = RefundObservation(
        source=Source.DESK, state=RefundState.ABNORMAL, refund_ref=promised.refund_ref, error_code=refund.error_code
    )
    await refunds_store.update_refund(
        tx, anew, state=str(RefundState.ABNORMAL), seen=refused, queries=0, next_query_at=None, finished_at=None
    )  # never sent: in this transaction it is given by hand
    return await refunds.handed_over(tx, actor, anew, note)
