"""SQL of what orders hold about people: for copies, for what an erasure would do, and for the erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .rights_model import HeldBenefit, HeldChange, HeldDecision, HeldDiscount, Look

_NOT_OVER: LiteralString = """(o.state in ('held', 'awaiting_payment') or o.state = 'confirmed' and exists (
    select 1 from orders.lines l join inventory.slots s on s.id = l.slot_id
    where l.order_id = o.id and l.live and s.ends_at > %(now)s))"""


class SealedOrder(msgspec.Struct, frozen=True):
    """An order without its parts."""

    order_id: UUID
    number: str
    account_id: UUID
    state: str
    amount_minor: int
    currency: str
    phone: bytes | None
    phone_index: bytes
    locale: str
    channel: str
    placed_at: datetime
    confirmed_at: datetime | None
    erased_at: datetime | None


_ORDER: LiteralString = """select o.id as order_id, o.number, o.account_id, o.state, o.amount_minor, o.currency, o.phone, o.phone_index,
    o.locale, o.channel, o.placed_at, o.confirmed_at, o.erased_at from orders.orders o """


async def orders(tx: ReadTx, accounts: Sequence[UUID]) -> list[SealedOrder]:
    """Every order of these accounts, oldest first."""
    return await tx.rows(SealedOrder, _ORDER + "where o.account_id = any(%(ids)s) order by o.id", ids=list(accounts))


async def lines(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    return await tx.dicts(
        """select l.order_id, v.name as venue, p.name as product, c.name as ticket, s.visit_date, s.starts_at, s.ends_at, l.quantity,
                  l.unit_minor, l.discount_minor, o.currency, l.part, l.live
           from orders.orders o join orders.lines l on l.order_id = o.id join inventory.slots s on s.id = l.slot_id
           join catalogue.venues v on v.id = s.venue_id join catalogue.products p on p.id = s.product_id
           join catalogue.prices c on c.id = l.price_id
           where o.account_id = any(%(ids)s) order by l.order_id, l.seq""",
        ids=list(accounts),
    )


async def travellers(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    return await tx.dicts(
        """select t.order_id, t.name, t.document_type, t.document, t.document_last4, t.visit_date, t.part
           from orders.orders o join orders.travellers t on t.order_id = o.id
           where o.account_id = any(%(ids)s) order by t.order_id, t.seq""",
        ids=list(accounts),
    )


async def events(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    return await tx.dicts(
        """select e.order_id, e.at, e.kind, case when e.actor like 'staff:%%' then 'staff' else e.actor end as done_by, e.details
           from orders.orders o join orders.events e on e.order_id = o.id
           where o.account_id = any(%(ids)s) order by e.order_id, e.seq""",
        ids=list(accounts),
    )


async def changes(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldChange]:
    return await tx.rows(
        HeldChange,
        """select o.number as order_number, c.state, c.due_minor, c.fee_minor, c.currency, c.asked_at, c.ended_at
           from orders.orders o join orders.changes c on c.order_id = o.id
           where o.account_id = any(%(ids)s) order by c.asked_at""",
        ids=list(accounts),
    )


async def invoices(tx: ReadTx, accounts: Sequence[UUID]) -> list[dict[str, Any]]:
    return await tx.dicts(
        """select o.number as order_number, i.kind, i.state, i.number, i.buyer_kind, i.buyer_title, i.buyer_code, i.email,
                  i.total_minor, i.currency, i.requested_at, i.issued_at
           from orders.orders o join orders.invoices i on i.order_id = o.id
           where o.account_id = any(%(ids)s) order by i.requested_at, i.seq""",
        ids=list(accounts),
    )


async def invoice_emails(tx: ReadTx, order_id: UUID) -> list[bytes]:
    """The sealed addresses to which invoices of an order were sent."""
    return await tx.values("select distinct email from orders.invoices where order_id = %(id)s", id=order_id)


async def benefits(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldBenefit]:
    return await tx.rows(
        HeldBenefit,
        """select kind, reason, granted_at, expires_at, used_at from orders.benefits
           where account_id = any(%(ids)s)
              or order_id in (select o.id from orders.orders o where o.account_id = any(%(ids)s)) order by granted_at""",
        ids=list(accounts),
    )


async def discounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldDiscount]:
    return await tx.rows(
        HeldDiscount,
        """select order_number, campaign_id, label, amount_minor, currency, code, state, made_at from campaigns.reservations
            where account_id = any(%(ids)s) order by made_at, order_id, version_id""",
        ids=list(accounts),
    )


async def decisions(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldDecision]:
    """Those about mistakes in a campaign that concern the person by name."""
    return await tx.rows(
        HeldDecision,
        """select n.campaign_id, 'kept' as decision, o.number as order_number, null as evidence, h.at
             from orders.honour_notices h join campaigns.trips t on t.id = h.trip_id join campaigns.versions n on n.id = t.version_id
             join orders.orders o on o.id = h.order_id
            where h.root in (select a.root from accounts.accounts a where a.id = any(%(ids)s))
           union all
           select n.campaign_id, 'abuse', null, b.evidence, b.decided_at
             from orders.abuses b join campaigns.trips t on t.id = b.trip_id join campaigns.versions n on n.id = t.version_id
            where b.account_id = any(%(ids)s) order by 5""",
        ids=list(accounts),
    )


async def intents(tx: ReadTx, accounts: Sequence[UUID]) -> list[tuple[UUID, str]]:
    """The payments of these accounts' orders, and the number of the order."""
    return await tx.tuples(
        """select i.intent_id, o.number from orders.orders o join orders.intents i on i.order_id = o.id
           where o.account_id = any(%(ids)s) order by o.id, i.seq""",
        ids=list(accounts),
    )


async def looks(tx: ReadTx, account_id: UUID, limit: int) -> list[Look]:
    """Fields of the person's orders that colleagues had shown in clear, newest first."""
    return await tx.rows(
        Look,
        """select a.at, o.number, coalesce(a.details ->> 'field', '') as field, coalesce((a.details ->> 'traveller')::int, 0) as traveller,
                  coalesce(a.details ->> 'reason', '') as reason, coalesce(a.details -> 'roles', '[]') as roles
           from orders.orders o join kit.audit a on a.subject = 'order:' || o.number and a.action = 'order.reveal'
           where o.account_id in (select accounts.members(%(account)s)) order by a.id desc limit %(limit)s""",
        account=account_id, limit=limit,
    )  # fmt: skip


class Tally(msgspec.Struct, frozen=True):
    """How much there is, and the latest day of it."""

    orders: int
    people: int
    invoices: int
    placed_last: date | None
    visited_last: date | None
    issued_last: date | None


async def tally(tx: ReadTx, accounts: Sequence[UUID]) -> Tally:
    found = await tx.maybe(
        Tally,
        """select count(distinct o.id) as orders, (max(o.placed_at) at time zone 'UTC')::date as placed_last,
                  (select count(*) from orders.travellers t join orders.orders p on p.id = t.order_id
                    where p.account_id = any(%(ids)s) and (t.name is not null or t.document_last4 <> '')) as people,
                  (select max(t.visit_date) from orders.travellers t join orders.orders p on p.id = t.order_id
                    where p.account_id = any(%(ids)s)) as visited_last,
                  (select count(*) from orders.invoices i join orders.orders p on p.id = i.order_id
                    where p.account_id = any(%(ids)s)) as invoices,
                  (select (max(i.issued_at) at time zone 'UTC')::date from orders.invoices i join orders.orders p on p.id = i.order_id
                    where p.account_id = any(%(ids)s)) as issued_last
           from orders.orders o where o.account_id = any(%(ids)s)""",
        ids=list(accounts),
    )
    assert found
    return found


async def not_over(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[tuple[str, str]]:
    """Number and state of orders that wait for their payment or their visit."""
    return await tx.tuples(
        "select o.number, o.state from orders.orders o where o.account_id = any(%(ids)s) and "
        + _NOT_OVER + " order by o.id",
        ids=list(accounts), now=now,
    )  # fmt: skip


async def invoices_to_come(tx: ReadTx, accounts: Sequence[UUID]) -> list[str]:
    """Numbers of orders whose invoice is being made."""
    return await tx.values(
        """select distinct o.number from orders.orders o join orders.invoices i on i.order_id = o.id
           where o.account_id = any(%(ids)s) and i.state = 'requested' order by 1""",
        ids=list(accounts),
    )


async def to_erase(tx: Tx, accounts: Sequence[UUID], now: datetime, limit: int) -> list[SealedOrder]:
    """Orders that are over and still name people, locked."""
    return await tx.rows(
        SealedOrder,
        _ORDER + "where o.account_id = any(%(ids)s) and o.erased_at is null and not "
        + _NOT_OVER + " order by o.id limit %(limit)s for no key update of o",
        ids=list(accounts), now=now, limit=limit,
    )  # fmt: skip


async def left_to_erase(tx: ReadTx, accounts: Sequence[UUID]) -> int:
    return int(
        await tx.value(
            "select count(*) from orders.orders where account_id = any(%(ids)s) and erased_at is null",
            ids=list(accounts),
        )
    )


async def erase(tx: Tx, order_ids: Sequence[UUID], at: datetime, no_email: bytes) -> None:
    """Takes out of orders what identifies people; nobody is left whom an alarm about finding them could help. Last four and blind index of documents go after the days of the setting."""
    ids = list(order_ids)
    await tx.execute(
        """update orders.orders set phone = null, phone_index = sha256(convert_to('erased:' || id::text, 'UTF8')), phone_masked = '',
                  erased_at = %(at)s where id = any(%(ids)s)""",
        ids=ids, at=at,
    )  # fmt: skip
    await tx.execute(
        "update orders.misses set ended_at = %(at)s where order_id = any(%(ids)s) and ended_at is null", ids=ids, at=at
    )
    await tx.execute(
        "update orders.travellers set name = null, name_masked = '', document = null where order_id = any(%(ids)s)",
        ids=ids,
    )
    await tx.execute(
        "update orders.invoices set email = %(none)s, email_masked = '' where order_id = any(%(ids)s)",
        ids=ids,
        none=no_email,
    )
    await tx.execute("update orders.slips set content = null where order_id = any(%(ids)s)", ids=ids)


async def forget_documents(tx: Tx, before: date, limit: int) -> int:
    """Numbers of documents of visits before that day."""
    return await tx.execute(
        """update orders.travellers t set document = null from (
               select order_id, seq from orders.travellers where visit_date < %(before)s and document is not null
               order by visit_date limit %(limit)s for no key update) old
           where t.order_id = old.order_id and t.seq = old.seq""",
        before=before, limit=limit,
    )  # fmt: skip


async def forget_traces(tx: Tx, before: date, limit: int) -> int:
    """Of erased people's documents, of visits before that day: the last four and the blind index, replaced by one that finds nothing."""
    return await tx.execute(
        """update orders.travellers t
           set document_last4 = '', document_index = sha256(convert_to('erased:' || t.order_id::text || ':' || t.seq, 'UTF8'))
           from (select p.order_id, p.seq from orders.orders o join orders.travellers p on p.order_id = o.id
                 where o.erased_at is not null and p.visit_date < %(before)s and p.document_last4 <> ''
                 limit %(limit)s for no key update of p) old
           where t.order_id = old.order_id and t.seq = old.seq""",
        before=before, limit=limit,
    )  # fmt: skip
