"""SQL of suppliers that we ask through OCTO: which of their things are ours, what is free there, and our bookings with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

State = Literal["asking", "held", "confirming", "confirmed", "cancelling", "cancelled", "refused"]
_BOOKING: LiteralString = """select b.uuid, b.partner_id, b.product_id, b.order_key, b.order_id, b.order_number, b.visit_date, b.code, b.places,
    b.state, b.expires_at, b.began_at, b.tries, b.last_error, i.octo_product_id, i.octo_option_id, i.octo_unit_id, t.availability_id
    from partners.octo_bookings b join partners.octo_items i on i.product_id = b.product_id
    left join partners.octo_times t on t.product_id = b.product_id and t.visit_date = b.visit_date and t.code = b.code """


class SupplierRow(msgspec.Struct, frozen=True):
    """A supplier with its sealed token."""

    partner_id: str
    url: str
    token: bytes
    pulled_at: datetime | None
    failed_at: datetime | None
    failure: str
    horizon: int


class Item(msgspec.Struct, frozen=True):
    """Which of a supplier's products one of ours is. `slots`: code → when it begins on the clock."""

    product_id: str
    partner_id: str
    octo_product_id: str
    octo_option_id: str
    octo_unit_id: str
    slots: dict[str, str]


class Time(msgspec.Struct, frozen=True):
    """A slot of ours and the supplier's that it is."""

    product_id: str
    visit_date: date
    code: str
    availability_id: str
    vacancies: int


class Need(msgspec.Struct, frozen=True):
    """Places of a supplied slot that an order wants."""

    product_id: str
    partner_id: str
    visit_date: date
    code: str
    places: int


class OctoBooking(msgspec.Struct, frozen=True):
    """Our booking with a supplier. `availability_id` is None where its slot was not seen yet."""

    uuid: UUID
    partner_id: str
    product_id: str
    order_key: str
    order_id: UUID
    order_number: str | None
    visit_date: date
    code: str
    places: int
    state: State
    expires_at: datetime | None
    began_at: datetime
    tries: int
    last_error: str
    octo_product_id: str
    octo_option_id: str
    octo_unit_id: str
    availability_id: str | None


async def set_supplier(tx: Tx, partner_id: str, url: str, sealed: bytes) -> None:
    await tx.execute(
        """insert into partners.octo_suppliers (partner_id, url, token) values (%(id)s, %(url)s, %(token)s)
           on conflict (partner_id) do update set url = excluded.url, token = excluded.token""",
        id=partner_id, url=url, token=sealed,
    )  # fmt: skip


async def supplier(tx: ReadTx, partner_id: str) -> SupplierRow | None:
    return await tx.maybe(
        SupplierRow,
        """select partner_id, url, token, pulled_at, failed_at, failure, horizon from partners.octo_suppliers
            where partner_id = %(id)s""",
        id=partner_id,
    )


async def active_suppliers(tx: ReadTx) -> list[str]:
    """Those that are not switched off."""
    found: list[str] = await tx.values(
        """select s.partner_id from partners.octo_suppliers s join partners.partners p on p.id = s.partner_id
            where p.disabled_at is null order by s.partner_id"""
    )
    return found


async def note_pull(tx: Tx, partner_id: str, at: datetime, failure: str) -> None:
    await tx.execute(
        """update partners.octo_suppliers set failure = %(failure)s,
                  pulled_at = case when %(failure)s = '' then %(at)s else pulled_at end,
                  failed_at = case when %(failure)s = '' then failed_at else %(at)s end where partner_id = %(id)s""",
        id=partner_id, at=at, failure=failure,
    )  # fmt: skip


async def set_item(
    tx: Tx, product_id: str, partner_id: str, octo_product: str, octo_option: str, octo_unit: str
) -> None:
    await tx.execute(
        """insert into partners.octo_items (product_id, partner_id, octo_product_id, octo_option_id, octo_unit_id)
           values (%(product)s, %(partner)s, %(op)s, %(oo)s, %(ou)s)
           on conflict (product_id) do update set octo_product_id = excluded.octo_product_id,
             octo_option_id = excluded.octo_option_id, octo_unit_id = excluded.octo_unit_id""",
        product=product_id, partner=partner_id, op=octo_product, oo=octo_option, ou=octo_unit,
    )  # fmt: skip


async def items(tx: ReadTx, partner_id: str) -> list[Item]:
    return await tx.rows(
        Item,
        """select i.product_id, i.partner_id, i.octo_product_id, i.octo_option_id, i.octo_unit_id,
                  coalesce((select jsonb_object_agg(t.code, to_char(t.starts, 'HH24:MI')) from catalogue.timeslots t
                             where t.product_id = i.product_id and t.retired_at is null), '{}') as slots
             from partners.octo_items i where i.partner_id = %(id)s order by i.product_id""",
        id=partner_id,
    )


async def times(tx: ReadTx, product_id: str) -> list[Time]:
    return await tx.rows(
        Time,
        "select product_id, visit_date, code, availability_id, vacancies from partners.octo_times where product_id = %(id)s",
        id=product_id,
    )


async def set_times(tx: Tx, rows: Sequence[Time], at: datetime) -> None:
    await tx.execute(
        """insert into partners.octo_times (product_id, visit_date, code, availability_id, vacancies, seen_at)
           select t.product_id, t.visit_date, t.code, t.availability_id, t.vacancies, %(at)s
             from jsonb_to_recordset(%(rows)s) as t (product_id text, visit_date date, code text, availability_id text, vacancies int)
           on conflict (product_id, visit_date, code) do update set availability_id = excluded.availability_id,
             vacancies = excluded.vacancies, seen_at = excluded.seen_at where octo_times.seen_at <= excluded.seen_at""",
        rows=Jsonb([msgspec.to_builtins(row) for row in rows]), at=at,
    )  # fmt: skip


async def taken(tx: ReadTx, product_id: str, first: date, last: date) -> dict[tuple[date, str], int]:
    """How many places of each of our slots are taken."""
    return {
        (day, code): count
        for day, code, count in await tx.tuples(
            """select visit_date, code, taken from inventory.slots
                where product_id = %(id)s and visit_date between %(first)s and %(last)s""",
            id=product_id, first=first, last=last,
        )
    }  # fmt: skip


async def slots_of_items(tx: ReadTx, now: datetime) -> dict[UUID, tuple[str, str, date, str]]:
    """Every coming slot that a supplier holds places of: product, partner, date and code."""
    return {
        slot_id: (product_id, partner_id, day, code)
        for slot_id, product_id, partner_id, day, code in await tx.tuples(
            """select s.id, s.product_id, i.partner_id, s.visit_date, s.code
                 from partners.octo_items i join inventory.slots s on s.product_id = i.product_id and s.ends_at > %(now)s""",
            now=now,
        )
    }


async def live_bookings(tx: ReadTx, order_key: str) -> list[OctoBooking]:
    """Our bookings for an order that hold places."""
    return await tx.rows(
        OctoBooking, _BOOKING + "where b.order_key = %(key)s and b.state in ('held', 'confirming', 'confirmed') order by b.uuid",
        key=order_key,
    )  # fmt: skip


async def begin(
    tx: Tx, uuid: UUID, need: Need, order_key: str, order_id: UUID, at: datetime, due_at: datetime
) -> OctoBooking:
    """Written before the supplier is asked."""
    await tx.execute(
        """insert into partners.octo_bookings (uuid, partner_id, product_id, order_key, order_id, visit_date, code, places, state,
                                               began_at, changed_at, due_at)
           values (%(uuid)s, %(partner)s, %(product)s, %(key)s, %(order)s, %(day)s, %(code)s, %(places)s, 'asking', %(at)s, %(at)s, %(due)s)""",
        uuid=uuid, partner=need.partner_id, product=need.product_id, key=order_key, order=order_id, day=need.visit_date,
        code=need.code, places=need.places, at=at, due=due_at,
    )  # fmt: skip
    found = await one(tx, uuid)
    assert found is not None
    return found


async def one(tx: ReadTx, uuid: UUID) -> OctoBooking | None:
    return await tx.maybe(OctoBooking, _BOOKING + "where b.uuid = %(uuid)s", uuid=uuid)


async def move(
    tx: Tx,
    uuid: UUID,
    state: str,
    at: datetime,
    due_at: datetime,
    *,
    expires_at: datetime | None = None,
    error: str = "",
) -> None:
    await tx.execute(
        """update partners.octo_bookings set state = %(state)s, changed_at = %(at)s, due_at = %(due)s, last_error = %(error)s,
                  expires_at = coalesce(%(expires)s, expires_at), tries = case when state = %(state)s then tries + 1 else 0 end
            where uuid = %(uuid)s""",
        uuid=uuid, state=state, at=at, due=due_at, expires=expires_at, error=error,
    )  # fmt: skip


async def of_order(tx: Tx, order_key: str, order_id: UUID, number: str) -> None:
    """These bookings are for this order."""
    await tx.execute(
        """update partners.octo_bookings set order_number = %(number)s, order_id = %(id)s
            where order_key = %(key)s and state in ('held', 'confirming', 'confirmed')""",
        key=order_key, id=order_id, number=number,
    )  # fmt: skip


async def of_number(tx: ReadTx, number: str) -> list[OctoBooking]:
    """The bookings of an order, also those that are over."""
    return await tx.rows(OctoBooking, _BOOKING + "where b.order_number = %(number)s order by b.began_at", number=number)


async def claim_due(tx: Tx, now: datetime, lease: datetime, limit: int = 50) -> list[OctoBooking]:
    """Bookings that something is to be done about; nobody else takes them meanwhile."""
    found = await tx.values(
        """update partners.octo_bookings b set due_at = %(lease)s from (
             select uuid from partners.octo_bookings where state in ('asking', 'held', 'confirming', 'cancelling') and due_at <= %(now)s
              order by due_at limit %(limit)s for update skip locked) due
            where b.uuid = due.uuid returning b.uuid""",
        now=now, lease=lease, limit=limit,
    )  # fmt: skip
    return await tx.rows(OctoBooking, _BOOKING + "where b.uuid = any(%(uuids)s) order by b.due_at, b.uuid", uuids=found)


async def recent(tx: ReadTx, partner_id: str, limit: int = 30) -> list[OctoBooking]:
    """The newest bookings with a supplier."""
    return await tx.rows(
        OctoBooking, _BOOKING + "where b.partner_id = %(id)s order by b.began_at desc, b.uuid limit %(limit)s",
        id=partner_id, limit=limit,
    )  # fmt: skip
