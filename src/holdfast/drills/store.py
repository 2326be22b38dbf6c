"""All SQL of drills: the ground that travellers stand on, and what the database says afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import ReadTx, Tx

VENUE, PRODUCT = "drill-garden", "drill-garden-entry"
PRICES_MINOR = (6000, 3000, 12_800, 38_800)
"""Several, so that money on a wrong order is noticed."""
SLOTS = 20


async def make_ground(tx: Tx, places: int) -> list[UUID]:
    """A garden, its tickets, and slots of the day after tomorrow with room for all; the slots' ids."""
    now = clock.now()
    await tx.execute(
        """insert into catalogue.venues (id, name, city, kind, updated_at)
           values (%(id)s, %(name)s, %(city)s, 'museum', %(at)s)""",
        id=VENUE, name=Jsonb({"zh": "演练园", "en": "Drill Garden"}), city=Jsonb({"zh": "杭州", "en": "Hangzhou"}), at=now,
    )  # fmt: skip
    await tx.execute(
        """insert into catalogue.openings (venue_id, season, from_day, to_day, opens, closes, last_entry)
           values (%(id)s, 'year', '01-01', '12-31', '00:00', '00:00', '00:00')""",
        id=VENUE,
    )
    await tx.execute(
        """insert into catalogue.products (id, venue_id, name, documents, max_per_order, updated_at)
           values (%(id)s, %(venue)s, %(name)s, '{passport}', 5, %(at)s)""",
        id=PRODUCT, venue=VENUE, name=Jsonb({"zh": "门票", "en": "Admission"}), at=now,
    )  # fmt: skip
    for number, amount in enumerate(PRICES_MINOR):
        await tx.execute(
            """insert into catalogue.prices (id, product_id, ticket, name, amount_minor)
               values (%(id)s, %(product)s, %(ticket)s, %(name)s, %(amount)s)""",
            id=price_id(number), product=PRODUCT, ticket=f"t{number}", amount=amount,
            name=Jsonb({"zh": f"票种{number + 1}", "en": f"Ticket {number + 1}"}),
        )  # fmt: skip
    await tx.execute(
        """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp, capacity)
           select %(product)s, 'd' || n, time '09:00', time '21:00', 10000, %(places)s from generate_series(1, %(slots)s) n""",
        product=PRODUCT, places=places, slots=SLOTS,
    )  # fmt: skip
    found: list[UUID] = await tx.values(
        """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at,
                                        sale_closes_at, capacity)
           select gen_random_uuid(), %(product)s, %(venue)s, d.day, 'd' || n, d.opens, d.opens + interval '12 hours',
                  %(at)s::timestamptz - interval '1 day', d.opens + interval '12 hours', %(places)s
           from generate_series(1, %(slots)s) n
           cross join lateral (select ((%(at)s::timestamptz at time zone 'Asia/Shanghai')::date + 5) as day,
             (((%(at)s::timestamptz at time zone 'Asia/Shanghai')::date + 5) + time '09:00') at time zone 'Asia/Shanghai' as opens) d
           returning id""",
        product=PRODUCT, venue=VENUE, places=places, slots=SLOTS, at=now,
    )  # fmt: skip
    return found


def price_id(number: int) -> str:
    return f"drill-ticket-{number}"


async def sign_in(tx: Tx, tokens: list[str]) -> None:
    """One account with a session for each token, as signing in by code would leave them."""
    now = clock.now()
    people = [ids.uuid7() for _ in tokens]
    await tx.execute(
        """insert into accounts.accounts (id, root, created_at) select id, id, %(at)s from unnest(%(ids)s::uuid[]) id""",
        ids=people, at=now,
    )  # fmt: skip
    await tx.execute(
        """insert into accounts.sessions (token_hash, account_id, kept, device, created_at, expires_at)
           select digest, id, true, 'drill', %(at)s, %(at)s + interval '30 days'
           from unnest(%(ids)s::uuid[], %(digests)s::bytea[]) as p (id, digest)""",
        ids=people, digests=[crypto.digest(token) for token in tokens], at=now,
    )  # fmt: skip


class Charge(msgspec.Struct, frozen=True):
    """What a payer was shown, by the provider's number for it."""

    provider: str
    merchant_ref: str


async def charge_shown(tx: ReadTx, number: str, shown: str) -> Charge | None:
    """The charge behind a code, a link or a card form of an order."""
    return await tx.maybe(
        Charge,
        """select a.provider, a.merchant_ref from orders.orders o join payments.attempts a on a.intent_id = o.intent_id
           where o.number = %(number)s and %(shown)s in (a.code_url, a.pay_url, a.client_secret)""",
        number=number, shown=shown,
    )  # fmt: skip


class Open(msgspec.Struct, frozen=True):
    """What is not final at a moment. What was given up for another way waits for the end of its time, and is no doubt.

    `doubts_before`: of attempts that were begun before a given moment.
    """

    doubts: int
    doubts_before: int
    waiting: int
    refunds: int
    receipts: int
    outbox: int

    @property
    def is_quiet(self) -> bool:
        return not (self.doubts or self.refunds or self.receipts or self.outbox)


async def still_open(tx: ReadTx, before: datetime) -> Open:
    """What is not final now."""
    found = await tx.maybe(
        Open,
        """select count(*) filter (where state <> 'awaiting_user' and abandoned_at is null) as doubts,
                  count(*) filter (where state <> 'awaiting_user' and abandoned_at is null
                                     and created_at < %(before)s) as doubts_before,
                  count(*) filter (where state = 'awaiting_user' or abandoned_at is not null) as waiting,
                  (select count(*) from payments.refunds where state not in ('succeeded', 'closed')) as refunds,
                  (select count(*) from payments.second_receipts where state = 'suspected') as receipts,
                  (select count(*) from kit.outbox where parked_at is null) as outbox
           from payments.attempts where next_query_at is not null""",
        before=before,
    )  # fmt: skip
    assert found is not None
    return found


async def questions_by_second(tx: ReadTx, zero: datetime) -> list[tuple[str, int, int]]:
    """Provider, second after `zero`, how many questions were asked in it."""
    rows: list[Any] = await tx.tuples(
        """select provider, floor(extract(epoch from started_at - %(zero)s))::int, count(*)::int from payments.calls
           where operation in ('query', 'query_refund', 'refund') and started_at >= %(zero)s group by 1, 2 order by 1, 2""",
        zero=zero,
    )  # fmt: skip
    return rows


async def channel_events(tx: ReadTx, zero: datetime) -> list[tuple[float, str, str, str, str, str]]:
    """Moves of the ways to pay: seconds after `zero`, provider, method, operation, the state after, the reason."""
    rows: list[Any] = await tx.tuples(
        """select extract(epoch from at - %(zero)s)::float8, provider, method, operation, after_state, reason
           from payments.channel_events where at >= %(zero)s order by at, id""",
        zero=zero,
    )  # fmt: skip
    return rows


async def begun_between(tx: ReadTx, provider: str, method: str, start: datetime, end: datetime) -> int:
    """Attempts that were begun through one way to pay in that time."""
    return int(
        await tx.value(
            """select count(*) from payments.attempts where provider = %(provider)s and method = %(method)s
                 and created_at >= %(start)s and created_at < %(end)s""",
            provider=provider, method=method, start=start, end=end,
        )
    )  # fmt: skip


async def calls(tx: ReadTx, start: datetime, end: datetime) -> list[tuple[str, str, int, int]]:
    """Provider, outcome, how many calls, and the longest in milliseconds, of that time; without what needs no call."""
    rows: list[Any] = await tx.tuples(
        """select provider, outcome_class, count(*)::int, max(elapsed_ms)::int from payments.calls
           where started_at >= %(start)s and started_at < %(end)s and (http_status is not null or outcome_class <> 'ok')
           group by 1, 2 order by 1, 2""",
        start=start, end=end,
    )  # fmt: skip
    return rows


async def calls_well(tx: ReadTx, start: datetime, end: datetime) -> list[tuple[str, str, float, int]]:
    """Provider, operation, seconds after `start`, milliseconds of the calls of that time that came back well."""
    rows: list[Any] = await tx.tuples(
        """select provider, operation, extract(epoch from started_at - %(start)s)::float, elapsed_ms from payments.calls
           where started_at >= %(start)s and started_at < %(end)s and http_status is not null and outcome_class = 'ok'
           order by started_at limit 20""",
        start=start, end=end,
    )  # fmt: skip
    return rows


async def heard_at(tx: ReadTx) -> dict[str, datetime]:
    """Merchant reference → when we first knew that it was paid."""
    return dict(
        await tx.tuples(
            """select a.merchant_ref, min(o.seen_at) from payments.attempts a join payments.observations o on o.attempt_id = a.id
               where o.after_state = 'succeeded' group by 1"""
        )
    )


async def refunds_by_reason(tx: ReadTx) -> list[tuple[str, int, int]]:
    """Reason, how many refunds, their sum in minor units; only what went back."""
    rows: list[Any] = await tx.tuples(
        """select reason, count(*)::int, sum(amount_minor)::bigint from payments.refunds where state = 'succeeded'
           group by 1 order by 1"""
    )
    return rows


async def orders_by_state(tx: ReadTx) -> dict[str, int]:
    return dict(await tx.tuples("select state, count(*)::int from orders.orders group by 1 order by 1"))


async def counted(tx: ReadTx) -> dict[str, int]:
    """Promises that were made, kept and broken; attempts; news that was given up; callbacks to be looked at."""
    [row] = await tx.dicts(
        """select (select count(*) from orders.events where kind = 'confirmed' and details ? 'deferred') as promises,
                  (select count(*) from orders.events where kind = 'promise_kept') as promises_kept,
                  (select count(*) from orders.events where kind = 'promise_not_kept') as promises_broken,
                  (select count(*) from payments.attempts) as attempts,
                  (select count(*) from payments.attempts where abandoned_at is not null) as abandoned,
                  (select count(*) from payments.attempts where role = 'duplicate') as duplicates,
                  (select count(*) from payments.second_receipts) as second_receipts,
                  (select count(*) from payments.inbox where state = 'needs_review') as to_review,
                  (select count(*) from kit.outbox where parked_at is not null) as parked"""
    )
    return row


class Kept(msgspec.Struct, frozen=True):
    """One of our attempts: what we may keep of its money, and what we think went back."""

    merchant_ref: str
    intent_id: UUID
    number: str
    order_state: str
    amount_minor: int
    may_keep: int
    gave_back: int


async def kept(tx: ReadTx) -> list[Kept]:
    """Every attempt with its order: its money is kept only by the winner of a confirmed order, less what was given back."""
    return await tx.rows(
        Kept,
        """select a.merchant_ref, a.intent_id, o.number, o.state as order_state, o.amount_minor,
                  case when a.role = 'winner' and o.state in ('confirmed', 'used') then o.amount_minor
                    - coalesce((select sum(r.amount_minor) from payments.refunds r where r.attempt_id = a.id
                                and r.source = 'order' and r.state = 'succeeded'), 0)::bigint else 0 end as may_keep,
                  coalesce((select sum(r.amount_minor) from payments.refunds r where r.attempt_id = a.id
                            and r.state = 'succeeded'), 0)::bigint as gave_back
           from payments.attempts a join orders.orders o on o.intent_id = a.intent_id where a.provider <> 'desk'""",
    )


async def numbers(tx: ReadTx) -> set[str]:
    """Every order's number."""
    return set(await tx.values("select number from orders.orders"))


async def unapplied_minor(tx: ReadTx) -> int:
    """What stands on the account of money that nobody asked for, over all owners and currencies."""
    return int(
        await tx.value(
            "select coalesce(sum(credits_posted - debits_posted), 0) from ledger.accounts where code = '2030'"
        )
    )
