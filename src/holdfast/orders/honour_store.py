"""SQL of honouring a mistake: the incident, its orders, the decision, who was told.

The incident of a stop is what its version had granted by then and after the stop before it: the epochs of a version count
its stops.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .honour_model import Decision, Gainer, Incident, Standing

_DECISION: LiteralString = """select trip_id, verdict, since, false_label, reason, proposal_id, proposed_by, approved_by, decided_at,
    ended_at from orders.honours """
_OF_INCIDENT: LiteralString = """ v.version_id = t.version_id and v.epoch < t.epoch and v.epoch >= coalesce((
    select max(b.epoch) from campaigns.trips b where b.version_id = t.version_id and b.epoch < t.epoch), 0) """
_INCIDENT: LiteralString = (
    """select t.id as trip_id, t.version_id, n.campaign_id, n.n as version, t.reason, t.at, t.by, t.evidence, e.payer, e.agreement,
              e.label, e.currency, g.first_at, g.granted, g.granted_minor, g.people
         from campaigns.trips t join campaigns.versions n on n.id = t.version_id join campaigns.envelopes e on e.id = n.envelope_id
         cross join lateral (
           select min(v.made_at) as first_at, count(*) as granted, coalesce(sum(v.amount_minor + v.passed_minor), 0)::bigint as granted_minor,
                  count(distinct a.root) as people
             from campaigns.reservations v join accounts.accounts a on a.id = v.account_id where """
    + _OF_INCIDENT
    + " and v.carried_from is null) g "
)


async def incident(tx: ReadTx, trip_id: UUID) -> Incident | None:
    return await tx.maybe(Incident, _INCIDENT + "where t.id = %(id)s", id=trip_id)


async def incidents(tx: ReadTx, limit: int) -> list[Incident]:
    """The newest."""
    return await tx.rows(Incident, _INCIDENT + "order by t.at desc limit %(limit)s", limit=limit)


async def standing(tx: ReadTx, trip_id: UUID) -> Standing:
    return await tx.maybe(
        Standing,
        """select count(*) filter (where v.state = 'redeemed') as redeemed,
                  coalesce(sum(v.amount_minor) filter (where v.state = 'redeemed'), 0)::bigint as redeemed_minor,
                  count(*) filter (where v.state = 'held') as held, count(*) filter (where v.state = 'released') as released,
                  coalesce((select sum(c.debits_posted - c.credits_posted) from ledger.accounts c
                             where c.code = '1095' and c.owner = 'trip:' || %(id)s::uuid), 0)::bigint as undecided_minor,
                  coalesce((select sum(c.debits_posted - c.credits_posted) from ledger.accounts c
                             where c.code = '5040' and c.owner = 'trip:' || %(id)s::uuid), 0)::bigint as loss_minor,
                  (select count(*) from orders.honoured h where h.trip_id = %(id)s) as put_right,
                  (select count(*) from orders.honour_notices h where h.trip_id = %(id)s) as told
             from campaigns.trips t left join campaigns.reservations v on """
        + _OF_INCIDENT
        + "where t.id = %(id)s",
        id=trip_id,
    ) or Standing(0, 0, 0, 0, 0, 0, 0, 0)


async def decision(tx: ReadTx, trip_id: UUID) -> Decision | None:
    return await tx.maybe(Decision, _DECISION + "where trip_id = %(id)s", id=trip_id)


async def insert_decision(tx: Tx, made: Decision) -> None:
    await tx.execute(
        """insert into orders.honours (trip_id, verdict, since, false_label, reason, proposal_id, proposed_by, approved_by, decided_at)
           values (%(trip)s, %(verdict)s, %(since)s, %(label)s, %(reason)s, %(proposal)s, %(proposed)s, %(approved)s, %(at)s)""",
        trip=made.trip_id, verdict=made.verdict, since=made.since, label=made.false_label, reason=made.reason,
        proposal=made.proposal_id, proposed=made.proposed_by, approved=made.approved_by, at=made.decided_at,
    )  # fmt: skip


async def end_decision(tx: Tx, trip_id: UUID, at: datetime) -> None:
    """All that was to be done is done."""
    await tx.execute(
        "update orders.honours set ended_at = %(at)s where trip_id = %(id)s and ended_at is null", id=trip_id, at=at
    )


async def undecided(tx: ReadTx, limit: int) -> list[UUID]:
    """Orders of stopped campaigns whose discounts are still booked as they were before the stop."""
    return await tx.values(
        """select distinct b.order_id from campaigns.trips t join campaigns.reservations v on """
        + _OF_INCIDENT
        + """ and v.state = 'redeemed'
             join orders.discount_books b on b.order_id = v.order_id and b.version_id = v.version_id
            where not exists (select from orders.honours h where h.trip_id = t.id)
            group by b.order_id, b.version_id, b.code, b.owner
           having b.code <> '1095' and sum(b.minor) <> 0 limit %(limit)s""",
        limit=limit,
    )


async def to_do(tx: ReadTx) -> list[Decision]:
    """Decisions that are not carried out to the end."""
    return await tx.rows(Decision, _DECISION + "where ended_at is null order by decided_at")


async def waiting(tx: ReadTx, trip_id: UUID, limit: int) -> list[UUID]:
    """Orders of a decided incident that were not put right yet: those that stand, oldest first."""
    return await tx.values(
        """select v.order_id from campaigns.trips t join campaigns.reservations v on """
        + _OF_INCIDENT
        + """ and v.state = 'redeemed'
             join orders.orders o on o.id = v.order_id and o.state in ('confirmed', 'used')
            where t.id = %(id)s and not exists (select from orders.honoured h where h.trip_id = t.id and h.order_id = v.order_id)
            order by v.order_id limit %(limit)s""",
        id=trip_id, limit=limit,
    )  # fmt: skip


async def decided_of(tx: ReadTx, order_id: UUID) -> list[Decision]:
    """The decisions that an order is subject to and was not put right by."""
    return await tx.rows(
        Decision,
        """select h.trip_id, h.verdict, h.since, h.false_label, h.reason, h.proposal_id, h.proposed_by, h.approved_by, h.decided_at,
                  h.ended_at
             from campaigns.reservations v join campaigns.trips t on """
        + _OF_INCIDENT
        + """join orders.honours h on h.trip_id = t.id
            where v.order_id = %(id)s and v.state = 'redeemed'
              and not exists (select from orders.honoured d where d.trip_id = t.id and d.order_id = v.order_id)""",
        id=order_id,
    )


async def amount(tx: ReadTx, trip_id: UUID, order_id: UUID) -> tuple[int, datetime] | None:
    """What an order has of an incident now, and since when; None when it has nothing of it."""
    found = await tx.tuples(
        """select coalesce(sum(d.amount_minor), 0)::bigint, v.made_at
             from campaigns.trips t join campaigns.reservations v on """
        + _OF_INCIDENT
        + """join orders.line_discounts d on d.order_id = v.order_id and d.version_id = v.version_id
             join orders.lines l on l.order_id = d.order_id and l.seq = d.line_seq and l.part = 'current'
            where t.id = %(trip)s and v.order_id = %(order)s group by v.made_at""",
        trip=trip_id, order=order_id,
    )  # fmt: skip
    return (int(found[0][0]), found[0][1]) if found else None


async def put_right(tx: Tx, trip_id: UUID, order_id: UUID, amount_minor: int, at: datetime) -> bool:
    """Notes an order as put right; False when it was."""
    return bool(
        await tx.execute(
            """insert into orders.honoured (trip_id, order_id, amount_minor, at) values (%(trip)s, %(order)s, %(amount)s, %(at)s)
               on conflict do nothing""",
            trip=trip_id, order=order_id, amount=amount_minor, at=at,
        )
    )  # fmt: skip


async def may_tell(tx: ReadTx, trip_id: UUID, account_id: UUID) -> bool:
    """False while it is decided, or was, that the person behind an account used the mistake in bad faith."""
    return not await tx.value(
        """select exists (select from orders.abuses where trip_id = %(trip)s and account_id in (select accounts.members(%(account)s)))
               or exists (select from changes.proposals p where p.kind = 'campaign-abuse' and p.state in ('proposed', 'approved')
                             and p.payload ->> 'trip' = %(trip)s::text
                             and (p.payload ->> 'account')::uuid in (select accounts.members(%(account)s)))""",
        trip=trip_id, account=account_id,
    )  # fmt: skip


async def first_told(tx: Tx, trip_id: UUID, account_id: UUID, order_id: UUID, at: datetime) -> bool:
    """Notes that the person behind an account is told; False when they were."""
    return bool(
        await tx.execute(
            """insert into orders.honour_notices (trip_id, root, order_id, at)
               select %(trip)s, root, %(order)s, %(at)s from accounts.accounts where id = %(account)s on conflict do nothing""",
            trip=trip_id, account=account_id, order=order_id, at=at,
        )
    )  # fmt: skip


async def untold(tx: ReadTx, trip_id: UUID, limit: int) -> list[UUID]:
    """An order of each person who is to be told and was not: those about whom a decision was open, and is not any more."""
    return await tx.values(
        """select distinct on (a.root) h.order_id from orders.honoured h join orders.orders o on o.id = h.order_id
             join accounts.accounts a on a.id = o.account_id
            where h.trip_id = %(trip)s and h.amount_minor > 0 and o.state in ('confirmed', 'used')
              and not exists (select from orders.honour_notices n where n.trip_id = h.trip_id and n.root = a.root)
              and not exists (select from orders.abuses b where b.trip_id = h.trip_id and b.account_id = o.account_id)
              and not exists (select from changes.proposals p where p.kind = 'campaign-abuse' and p.state in ('proposed', 'approved')
                                 and p.payload ->> 'trip' = h.trip_id::text and p.payload ->> 'account' = o.account_id::text)
            order by a.root, h.order_id limit %(limit)s""",
        trip=trip_id, limit=limit,
    )  # fmt: skip


async def suspected(tx: ReadTx, trip_id: UUID) -> int:
    """How many accounts wait for a decision on bad faith."""
    return int(
        await tx.value(
            """select count(*) from changes.proposals where kind = 'campaign-abuse' and state in ('proposed', 'approved')
                  and payload ->> 'trip' = %(trip)s::text""",
            trip=trip_id,
        )
    )


async def gainers(tx: ReadTx, trip_id: UUID, limit: int) -> list[Gainer]:
    """The accounts that got most often something in an incident, the most first."""
    return await tx.rows(
        Gainer,
        """select v.account_id, count(*) as orders, sum(v.amount_minor)::bigint as amount_minor, min(v.made_at) as first_at,
                  max(v.made_at) as last_at, bool_or(n.root is not null) as told, max(b.decided_at) as abuse_at
             from campaigns.trips t join campaigns.reservations v on """
        + _OF_INCIDENT
        + """join accounts.accounts a on a.id = v.account_id
             left join orders.honour_notices n on n.trip_id = t.id and n.root = a.root
             left join orders.abuses b on b.trip_id = t.id and b.account_id = v.account_id
            where t.id = %(id)s and (v.state <> 'released' or b.account_id is not null)
            group by v.account_id order by count(*) desc, sum(v.amount_minor) desc, v.account_id limit %(limit)s""",
        id=trip_id, limit=limit,
    )  # fmt: skip


async def orders_of(tx: ReadTx, trip_id: UUID, account_id: UUID) -> list[UUID]:
    """The orders of an account that got something in an incident and stand, used or not."""
    return await tx.values(
        """select v.order_id from campaigns.trips t join campaigns.reservations v on """
        + _OF_INCIDENT
        + """join orders.orders o on o.id = v.order_id and o.state in ('confirmed', 'used')
            where t.id = %(trip)s and v.account_id = %(account)s order by v.order_id""",
        trip=trip_id, account=account_id,
    )  # fmt: skip


async def was_told(tx: ReadTx, trip_id: UUID, account_id: UUID) -> bool:
    return bool(
        await tx.value(
            """select exists (select from orders.honour_notices n join accounts.accounts a on a.root = n.root
                               where n.trip_id = %(trip)s and a.id = %(account)s)""",
            trip=trip_id, account=account_id,
        )
    )  # fmt: skip


async def insert_abuse(
    tx: Tx, trip_id: UUID, account_id: UUID, *, evidence: str, proposal_id: UUID, proposed_by: str, approved_by: str, at: datetime
) -> None:  # fmt: skip
    await tx.execute(
        """insert into orders.abuses (trip_id, account_id, evidence, proposal_id, proposed_by, approved_by, decided_at)
           values (%(trip)s, %(account)s, %(evidence)s, %(proposal)s, %(proposed)s, %(approved)s, %(at)s)""",
        trip=trip_id, account=account_id, evidence=evidence, proposal=proposal_id, proposed=proposed_by, approved=approved_by,
        at=at,
    )  # fmt: skip


async def abused(tx: ReadTx, limit: int) -> list[tuple[UUID, UUID]]:
    """Stops and orders of accounts that used a mistake in bad faith and whose visits have not begun."""
    return [
        (trip_id, order_id)
        for trip_id, order_id in await tx.tuples(
            """select b.trip_id, o.id from orders.abuses b join campaigns.trips t on t.id = b.trip_id
                 join campaigns.reservations v on v.account_id = b.account_id and """
            + _OF_INCIDENT
            + """ and v.state = 'redeemed'
                 join orders.orders o on o.id = v.order_id and o.state = 'confirmed'
                where not exists (select from orders.lines l join inventory.slots s on s.id = l.slot_id
                                    join catalogue.venues p on p.id = s.venue_id
                                   where l.order_id = o.id and l.part = 'current' and (s.starts_at <= clock_timestamp() or p.kind = 'card'))
                order by o.id limit %(limit)s""",
            limit=limit,
        )
    ]
