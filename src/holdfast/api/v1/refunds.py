"""Refunds, for programs of staff: giving money back, and how that stands."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import msgspec

from holdfast import orders, payments
from holdfast.api import findings
from holdfast.api.endpoint import Answered, Call
from holdfast.kit import idempotency
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx, lock
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput, NotFound
from holdfast.payments import search


class NewRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back, null for all that is left, and why. All of it ends the order."""

    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
    amount: Money | None = None


class RefundDetail(msgspec.Struct, frozen=True):
    """A refund. `source`: what an order had earned, or money that nobody asked for (unapplied)."""

    id: UUID
    payment_id: UUID
    provider: str
    merchant_ref: str
    refund_ref: str
    provider_refund: str | None
    amount: Money
    state: str
    source: str
    reason: str
    requested_by: str
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None


async def give_back(call: Call) -> Answered:
    """Gives back part of what an order was paid, or all that is left. Repeating it under its key gives back once."""
    body: NewRefund = call.body
    payment_id = identified(call.path("payment_id"), payments.IntentUnknown)
    refund_id = await call.db.run(_give_back, call.actor, call.key, payment_id, body)
    made = refund_detail(await call.db.read(search.refund, refund_id))
    return Answered(made, [(b"location", f"/api/v1/refunds/{refund_id}".encode())])


async def _give_back(tx: Tx, actor: Actor, key: str, payment_id: UUID, body: NewRefund) -> UUID:
    """The refund's id, remembered under the key of its asker; twins wait for each other."""
    assert actor.account_id is not None
    asked = sha256(msgspec.json.encode((str(payment_id), body))).digest()
    await lock(tx, f"refund:{actor.account_id}:{key}")
    if known := await idempotency.recall(tx, actor.account_id, key, asked):
        return UUID(known["refund_id"])
    intent = (await search.detail(tx, payment_id)).intent
    if body.amount and body.amount.currency != intent.currency:
        raise InvalidInput(errors=[findings.finding("amount.currency", "SHAPE")])
    amount_minor = body.amount.amount_minor if body.amount else None
    refund_id = await orders.refund(tx, actor, payment_id, amount_minor, body.reason)
    await idempotency.remember(tx, actor.account_id, key, asked, {"refund_id": str(refund_id)})
    return refund_id


async def refund(call: Call) -> RefundDetail:
    """How a refund stands: requested, processing, unknown, succeeded, abnormal or closed."""
    refund_id = identified(call.path("refund_id"), search.RefundUnknown)
    return refund_detail(await call.db.read(search.refund, refund_id))


def identified(text: str, unknown: type[NotFound]) -> UUID:
    """The id in an address; the problem for what can be none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise unknown from error


def refund_detail(one: search.RefundFound) -> RefundDetail:
    """A refund as programs of staff see it."""
    return RefundDetail(
        id=one.id,
        payment_id=one.intent_id,
        provider=one.provider,
        merchant_ref=one.merchant_ref,
        refund_ref=one.refund_ref,
        provider_refund=one.provider_refund,
        amount=Money(one.amount_minor, one.currency),
        state=one.state,
        source=one.source,
        reason=one.reason,
        requested_by=one.requested_by,
        error_code=one.error_code,
        created_at=one.created_at,
        finished_at=one.finished_at,
    )
