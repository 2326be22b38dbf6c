"""All SQL of webhooks: events, their deliveries, and the attempts to deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .model import Attempt, Delivery, Due, Outcome

_SECRETS: LiteralString = """array(select k.secret from notices.signing_secrets k where k.subscription_id = s.id
    and (k.expires_at is null or k.expires_at > %(now)s) order by k.created_at desc, k.id desc) as secrets """
_DELIVERY: LiteralString = """select d.id, d.event_id, e.type, e.subject, d.subscription_id, s.url, d.state, d.attempts, d.created_at,
    d.due_at, d.finished_at, a.status as last_status, a.error as last_error
    from notices.deliveries d join notices.events e on e.id = d.event_id join notices.subscriptions s on s.id = d.subscription_id
    left join notices.delivery_attempts a on a.delivery_id = d.id and a.number = d.attempts """


async def publish(
    tx: Tx, *, event_id: UUID, kind: str, subject: str, body: str, at: datetime, withheld: Sequence[UUID] = ()
) -> None:
    """One event and a due delivery for each active subscription to its kind but those it is withheld from. An id that was
    published is not again.

    The lock lets a subscription that is being paused, resumed or ended wait for us, and us for it; publishers share it.
    """
    await tx.execute(
        """with asked as materialized (
               select s.id, s.state from notices.subscriptions s
               where s.state <> 'ended' and %(type)s = any(s.events) and s.id <> all(%(withheld)s::uuid[]) for key share),
           event as (
               insert into notices.events (id, type, subject, body, occurred_at)
               values (%(id)s, %(type)s, %(subject)s, %(body)s, %(at)s) on conflict (id) do nothing returning id)
           insert into notices.deliveries (event_id, subscription_id, due_at, created_at)
           select event.id, asked.id, %(at)s, %(at)s from event cross join asked where asked.state = 'active'""",
        id=event_id, type=kind, subject=subject, body=body, at=at, withheld=list(withheld),
    )  # fmt: skip


async def with_due(tx: Tx, now: datetime) -> list[UUID]:
    """Active subscriptions with something due, locked for claiming; those that others are claiming for are passed over."""
    found: list[UUID] = await tx.values(
        """select s.id from notices.subscriptions s
           where s.state = 'active' and exists (
               select 1 from notices.deliveries d where d.subscription_id = s.id and d.state = 'waiting' and d.due_at <= %(now)s)
           order by s.id for no key update skip locked""",
        now=now,
    )  # fmt: skip
    return found


async def claim(
    tx: Tx, subscription_ids: Sequence[UUID], *, now: datetime, lease: datetime, limit: int, most: int, most_failing: int
) -> list[Due]:  # fmt: skip
    """Takes due deliveries of these locked subscriptions under a lease and writes their attempts.

    No subscription has more than `most` under way in all processes together, a failing one `most_failing`.
    """
    return await tx.rows(
        Due,
        """with able as (
               select s.id, s.failing_since is not null as failing,
                      greatest(0, case when s.failing_since is null then %(most)s::int else %(failing)s::int end
                                  - (select count(*) from notices.deliveries f
                                     where f.subscription_id = s.id and f.leased_until > %(now)s)) as room
               from notices.subscriptions s where s.id = any(%(ids)s)),
           due as (
               select d.id from able cross join lateral (
                   select w.id, w.due_at from notices.deliveries w
                   where w.subscription_id = able.id and w.state = 'waiting' and w.due_at <= %(now)s
                     and (w.leased_until is null or w.leased_until <= %(now)s)
                   order by w.due_at limit able.room for no key update skip locked) d
               order by d.due_at limit %(limit)s),
           taken as (
               update notices.deliveries d set leased_until = %(lease)s, attempts = d.attempts + 1
               from due where d.id = due.id
               returning d.id, d.attempts, d.step, d.event_id, d.subscription_id),
           opened as (
               insert into notices.delivery_attempts (delivery_id, number, started_at)
               select taken.id, taken.attempts, %(now)s from taken)
           select t.id as delivery_id, t.attempts as number, t.step, t.event_id, t.subscription_id, s.url, able.failing, e.body,
               """ + _SECRETS + """
           from taken t join able on able.id = t.subscription_id join notices.subscriptions s on s.id = t.subscription_id
           join notices.events e on e.id = t.event_id""",
        ids=list(subscription_ids), now=now, lease=lease, limit=limit, most=most, failing=most_failing,
    )  # fmt: skip


async def begin_test(
    tx: Tx, subscription_id: UUID, *, event_id: UUID, kind: str, body: str, step: int, now: datetime, lease: datetime
) -> Due:  # fmt: skip
    """An event for one subscription alone, claimed from the start; a `step` past the retries has it tried once."""
    [due] = await tx.rows(
        Due,
        """with event as (
               insert into notices.events (id, type, subject, body, occurred_at)
               values (%(event)s, %(type)s, %(id)s::text, %(body)s, %(now)s)),
           taken as (
               insert into notices.deliveries (event_id, subscription_id, attempts, step, due_at, leased_until, created_at)
               values (%(event)s, %(id)s, 1, %(step)s, %(now)s, %(lease)s, %(now)s) returning id, attempts, step),
           opened as (
               insert into notices.delivery_attempts (delivery_id, number, started_at) select id, attempts, %(now)s from taken)
           select t.id as delivery_id, t.attempts as number, t.step, %(event)s::uuid as event_id, s.id as subscription_id, s.url,
               s.failing_since is not null as failing, %(body)s::text as body, """ + _SECRETS + """
           from taken t cross join notices.subscriptions s where s.id = %(id)s""",
        id=subscription_id, event=event_id, type=kind, body=body, step=step, now=now, lease=lease,
    )  # fmt: skip
    return due


async def record(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """What came of attempts. A success counts whenever it is told; a failure only if no later attempt was begun."""
    await tx.execute(
        """with seen as (
               select * from unnest(%(ids)s::bigint[], %(numbers)s::int[], %(elapsed)s::int[], %(statuses)s::int[], %(errors)s::text[],
                                    %(answers)s::text[], %(accepted)s::boolean[], %(at)s::timestamptz[], %(next)s::timestamptz[])
                        as t (id, number, elapsed_ms, status, error, answer, accepted, at, next_due_at)),
           told as (
               update notices.delivery_attempts a
               set elapsed_ms = seen.elapsed_ms, status = seen.status, error = seen.error, answer = seen.answer
               from seen where a.delivery_id = seen.id and a.number = seen.number)
           update notices.deliveries d
           set state = case when seen.accepted then 'delivered' when seen.next_due_at is null then 'failed' else 'waiting' end,
               finished_at = case when seen.accepted or seen.next_due_at is null then seen.at end,
               due_at = coalesce(seen.next_due_at, d.due_at), step = d.step + 1, leased_until = null
           from seen where d.id = seen.id and d.state <> 'delivered'
             and (seen.accepted or (d.attempts = seen.number and d.state = 'waiting'))""",
        ids=[outcome.due.delivery_id for outcome in outcomes], numbers=[outcome.due.number for outcome in outcomes],
        elapsed=[outcome.elapsed_ms for outcome in outcomes], statuses=[outcome.status for outcome in outcomes],
        errors=[outcome.error for outcome in outcomes], answers=[outcome.answer for outcome in outcomes],
        accepted=[outcome.accepted for outcome in outcomes], at=[outcome.at for outcome in outcomes],
        next=[outcome.next_due_at for outcome in outcomes],
    )  # fmt: skip


async def deliveries(
    tx: ReadTx, subscription_id: UUID | None, *, before: int | None, state: str | None, limit: int
) -> list[Delivery]:  # fmt: skip
    """Deliveries, newest first: of one subscription or of all, below an id, in one state or in any."""
    return await tx.rows(
        Delivery,
        _DELIVERY
        + """where (%(subscription)s::uuid is null or d.subscription_id = %(subscription)s)
             and (%(before)s::bigint is null or d.id < %(before)s) and (%(state)s::text is null or d.state = %(state)s)
             order by d.id desc limit %(limit)s""",
        subscription=subscription_id, before=before, state=state, limit=limit,
    )  # fmt: skip


async def delivery(tx: ReadTx, delivery_id: int) -> Delivery | None:
    return await tx.maybe(Delivery, _DELIVERY + "where d.id = %(id)s", id=delivery_id)


async def attempts(tx: ReadTx, delivery_id: int) -> list[Attempt]:
    """The attempts of a delivery, oldest first."""
    return await tx.rows(
        Attempt,
        """select number, started_at, elapsed_ms, status, error, answer from notices.delivery_attempts
           where delivery_id = %(id)s order by number""",
        id=delivery_id,
    )


async def body_of(tx: ReadTx, event_id: UUID) -> str | None:
    """The JSON text of an event, as it is sent."""
    found: str | None = await tx.value("select body from notices.events where id = %(id)s", id=event_id)
    return found


async def make_due(tx: Tx, delivery_id: int, now: datetime) -> None:
    """The delivery is due now, with all its retries before it."""
    await tx.execute(
        """update notices.deliveries set state = 'waiting', finished_at = null, due_at = %(now)s, step = 0 where id = %(id)s""",
        id=delivery_id, now=now,
    )  # fmt: skip


async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Deletes events from before that time with all that was done about them, unless a delivery still waits; how many."""
    return await tx.execute(
        """delete from notices.events where id in (
               select e.id from notices.events e where e.occurred_at < %(before)s
                 and not exists (select 1 from notices.deliveries d where d.event_id = e.id and d.state = 'waiting')
               order by e.occurred_at limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip
