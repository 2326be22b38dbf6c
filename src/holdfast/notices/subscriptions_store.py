"""All SQL of subscriptions: the rows, their secrets, and what pausing, resuming and ending make of their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .model import Health, Subscription, SubscriptionState

_SUBSCRIPTION: LiteralString = """select s.id, s.url, s.description, s.events, s.state, s.reason, s.state_since, s.failing_since,
    s.contact, s.contact_masked, s.contact_locale, s.created_at from notices.subscriptions s """


async def insert(
    tx: Tx, *, subscription_id: UUID, url: str, description: str, events: Sequence[str], contact: bytes | None,
    contact_masked: str | None, contact_locale: str, at: datetime,
) -> None:  # fmt: skip
    """A new subscription, active at once. UniqueViolation when the address has one that has not ended."""
    await tx.execute(
        """insert into notices.subscriptions (id, url, description, events, contact, contact_masked, contact_locale, state_since, created_at)
           values (%(id)s, %(url)s, %(description)s, %(events)s, %(contact)s, %(masked)s, %(locale)s, %(at)s, %(at)s)""",
        id=subscription_id, url=url, description=description, events=list(events), contact=contact, masked=contact_masked,
        locale=contact_locale, at=at,
    )  # fmt: skip


async def listed(tx: ReadTx, *, ended: bool) -> list[Subscription]:
    """The subscriptions, oldest first; ended ones on request."""
    return await tx.rows(
        Subscription, _SUBSCRIPTION + "where %(ended)s or s.state <> 'ended' order by s.created_at, s.id", ended=ended
    )


async def one(tx: ReadTx, subscription_id: UUID) -> Subscription | None:
    return await tx.maybe(Subscription, _SUBSCRIPTION + "where s.id = %(id)s", id=subscription_id)


async def locked(tx: Tx, subscription_id: UUID) -> Subscription | None:
    """The subscription, locked against publishers too: those who saw its old state have committed, later ones see the new."""
    return await tx.maybe(Subscription, _SUBSCRIPTION + "where s.id = %(id)s for update", id=subscription_id)


async def set_state(tx: Tx, subscription_id: UUID, state: SubscriptionState, reason: str | None, at: datetime) -> None:
    """The new state; being active again, it is not failing."""
    await tx.execute(
        """update notices.subscriptions set state = %(state)s, reason = %(reason)s, state_since = %(at)s,
                  failing_since = case when %(state)s = 'active' then null else failing_since end where id = %(id)s""",
        id=subscription_id, state=state, reason=reason, at=at,
    )  # fmt: skip


async def insert_secret(tx: Tx, *, secret_id: UUID, subscription_id: UUID, secret: bytes, at: datetime) -> None:
    await tx.execute(
        """insert into notices.signing_secrets (id, subscription_id, secret, created_at)
           values (%(id)s, %(subscription)s, %(secret)s, %(at)s)""",
        id=secret_id, subscription=subscription_id, secret=secret, at=at,
    )  # fmt: skip


async def expire_secrets(tx: Tx, subscription_id: UUID, until: datetime) -> None:
    """No secret there is now signs after `until`."""
    await tx.execute(
        """update notices.signing_secrets set expires_at = %(until)s
           where subscription_id = %(id)s and (expires_at is null or expires_at > %(until)s)""",
        id=subscription_id, until=until,
    )  # fmt: skip


async def hurry(tx: Tx, subscription_id: UUID, failed_since: datetime | None, test: str, now: datetime) -> int:
    """What waits is due now, with all its retries before it; so is what was given up since the address began to fail."""
    return await tx.execute(
        """update notices.deliveries d set state = 'waiting', finished_at = null, due_at = %(now)s, step = 0
           where d.subscription_id = %(id)s
             and (d.state = 'waiting' or (d.state = 'failed' and d.finished_at >= %(since)s))
             and not exists (select 1 from notices.events e where e.id = d.event_id and e.type = %(test)s)""",
        id=subscription_id, since=failed_since, test=test, now=now,
    )  # fmt: skip


async def catch_up(tx: Tx, subscription_id: UUID, since: datetime, now: datetime) -> int:
    """A due delivery for each event of the subscription's kinds since then that has none; how many."""
    return await tx.execute(
        """insert into notices.deliveries (event_id, subscription_id, due_at, created_at)
           select e.id, s.id, %(now)s, e.occurred_at from notices.subscriptions s
           join notices.events e on e.type = any(s.events) and e.occurred_at >= %(since)s
           where s.id = %(id)s order by e.occurred_at on conflict on constraint delivery_once do nothing""",
        id=subscription_id, since=since, now=now,
    )  # fmt: skip


async def end_deliveries(tx: Tx, subscription_id: UUID, now: datetime) -> int:
    """What waits for an ended subscription waits no longer; how many."""
    return await tx.execute(
        """update notices.deliveries set state = 'ended', finished_at = %(now)s
           where subscription_id = %(id)s and state = 'waiting'""",
        id=subscription_id, now=now,
    )  # fmt: skip


async def health(tx: ReadTx, since: datetime) -> list[Health]:
    """How each subscription that has not ended has fared since then."""
    return await tx.rows(
        Health,
        """with lately as (select a.delivery_id from notices.delivery_attempts a
                           where a.started_at >= %(since)s group by a.delivery_id),
                tried as (select d.subscription_id, count(*) as tried, count(*) filter (where d.state = 'delivered') as delivered
                          from lately join notices.deliveries d on d.id = lately.delivery_id group by d.subscription_id),
                waits as (select d.subscription_id, count(*) as waiting, min(d.created_at) as oldest from notices.deliveries d
                          where d.state = 'waiting' group by d.subscription_id)
           select s.id as subscription_id, coalesce(t.tried, 0) as tried, coalesce(t.delivered, 0) as delivered,
                  coalesce(w.waiting, 0) as waiting, w.oldest as oldest_waiting_at
           from notices.subscriptions s left join tried t on t.subscription_id = s.id left join waits w on w.subscription_id = s.id
           where s.state <> 'ended'""",
        since=since,
    )  # fmt: skip


async def note_success(tx: Tx, subscription_ids: Sequence[UUID]) -> None:
    """These addresses work again; they are locked by the caller."""
    await tx.execute(
        "update notices.subscriptions set failing_since = null where id = any(%(ids)s) and failing_since is not null",
        ids=list(subscription_ids),
    )


async def note_failure(tx: Tx, subscription_ids: Sequence[UUID], at: datetime) -> None:
    """These addresses fail, if they did not before; they are locked by the caller."""
    await tx.execute(
        """update notices.subscriptions set failing_since = %(at)s where id = any(%(ids)s) and failing_since is null""",
        ids=list(subscription_ids), at=at,
    )  # fmt: skip


async def lock(tx: Tx, subscription_ids: Sequence[UUID]) -> list[Subscription]:
    """These subscriptions, locked in the order of their ids, before any of their deliveries; publishers do not wait."""
    return await tx.rows(
        Subscription,
        _SUBSCRIPTION + "where s.id = any(%(ids)s) order by s.id for no key update",
        ids=list(subscription_ids),
    )
