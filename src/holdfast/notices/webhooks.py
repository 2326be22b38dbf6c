"""Outgoing webhooks: an event is written in the transaction that makes it true, with a delivery for each subscription.

Every delivery is tried until it is accepted or its retries are used up, and can be sent again by hand; order is not
promised; the ``webhook-id`` of an event is the same whenever and to whomever it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import courier, signatures, subscriptions, webhooks_store
from .events import EVENTS, TEST
from .model import Attempt, Delivery, DeliveryUnknown, Due

KEPT = timedelta(days=90)
FORGET_AT_ONCE = 5000


class Tested(NamedTuple):
    """A test that was sent, and what came of it."""

    delivery_id: int
    attempt: Attempt


async def publish(
    tx: Tx, kind: str, data: dict[str, Any], *, subject: str, once: str = "", withheld: Sequence[UUID] = ()
) -> UUID:
    """Tells every active subscription of an event, in the transaction that makes it true; the event's id.

    `kind` is one of `EVENTS` (KeyError), `data` goes out as JSON, `subject` names the thing, such as ``order:7K3QF90XMA``.
    A handler that may run twice gives `once`: the same kind and name are published a single time. `withheld`: subscriptions
    of others whom it does not concern.
    """
    if kind not in EVENTS:
        raise KeyError(kind)
    event_id = uuid5(NAMESPACE_OID, f"holdfast:{kind}:{once}") if once else ids.uuid7()
    now = clock.now()
    await webhooks_store.publish(
        tx, event_id=event_id, kind=kind, subject=subject, body=_body(kind, data), at=now, withheld=withheld
    )
    return event_id


def _body(kind: str, data: dict[str, Any]) -> str:
    at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data}).decode()


async def deliver(db: Db) -> int:
    """Sends all that is due and waits for the answers, in tests and drills; how many attempts were made."""
    made = 0
    while taken := await courier.current(db).take_up():
        made += taken
        await courier.current(db).settle()
    return made


async def test(db: Db, actor: Actor, subscription_id: UUID) -> Tested:
    """Sends a ``webhook.test`` now, once, also while paused; what came of it. SubscriptionUnknown, SubscriptionOver."""
    due = await db.run(_begin_test, actor, subscription_id)
    await courier.current(db).send(due)
    [attempt] = await db.read(webhooks_store.attempts, due.delivery_id)
    return Tested(due.delivery_id, attempt)


async def _begin_test(tx: Tx, actor: Actor, subscription_id: UUID) -> Due:
    await subscriptions.require_open(tx, subscription_id)
    now = clock.now()
    await audit.record(tx, actor, "webhooks.test", f"subscription:{subscription_id}")
    return await webhooks_store.begin_test(
        tx, subscription_id, event_id=ids.uuid7(), kind=TEST, body=_body(TEST, {"subscription_id": str(subscription_id)}),
        step=len(signatures.RETRIES), now=now, lease=now + courier.LEASE,
    )  # fmt: skip


async def deliveries(
    tx: ReadTx, subscription_id: UUID | None = None, *, before: int | None = None, state: str | None = None, limit: int = 50
) -> list[Delivery]:  # fmt: skip
    """Deliveries, newest first; `before` is the last id of the page above, `state` waiting, delivered, failed or ended."""
    return await webhooks_store.deliveries(tx, subscription_id, before=before, state=state, limit=limit)


async def require(tx: ReadTx, delivery_id: int) -> Delivery:
    """The delivery; DeliveryUnknown."""
    found = await webhooks_store.delivery(tx, delivery_id)
    if found is None:
        raise DeliveryUnknown
    return found


async def attempts(tx: ReadTx, delivery_id: int) -> list[Attempt]:
    """All attempts of a delivery, oldest first."""
    return await webhooks_store.attempts(tx, delivery_id)


async def body(tx: ReadTx, event_id: UUID) -> str:
    """The JSON text of an event, as it is sent; empty when it is forgotten."""
    return await webhooks_store.body_of(tx, event_id) or ""


async def resend(tx: Tx, actor: Actor, delivery_id: int) -> Delivery:
    """Has a delivery sent again, under the same ``webhook-id``; while its subscription is paused, after that.

    DeliveryUnknown; SubscriptionOver when its subscription has ended.
    """
    delivery = await require(tx, delivery_id)
    await subscriptions.require_open(tx, delivery.subscription_id)
    await webhooks_store.make_due(tx, delivery_id, clock.now())
    await audit.record(tx, actor, "webhooks.resend", f"delivery:{delivery_id}", event=str(delivery.event_id))
    return await require(tx, delivery_id)


async def forget(db: Db) -> int:
    """Deletes what is older than `KEPT` and does not wait any more; how many events."""
    forgotten = 0
    while gone := await db.run(webhooks_store.forget, clock.now() - KEPT, FORGET_AT_ONCE):
        forgotten += gone
    return forgotten
