"""Tickets of an order, the keys that prove them, and the visit as a calendar file."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from holdfast import orders
from holdfast.api.endpoint import Call, Raw

from .texts import Text, text


class TicketAnswer(msgspec.Struct, frozen=True):
    """One admission. `code` is what the gate scans: a signed text that it can check without a network."""

    seq: int
    code: str
    admits: int
    holder_masked: str
    document_masked: str
    venue_id: str
    venue_name: Text
    ticket_name: Text
    starts_at: datetime
    ends_at: datetime


class TicketList(msgspec.Struct, frozen=True):
    """The tickets of a confirmed order; empty before it is paid and after it is cancelled."""

    items: list[TicketAnswer]


class TicketKey(msgspec.Struct, frozen=True):
    """A public key that signs tickets: base64 of 32 raw bytes."""

    id: str
    algorithm: str
    public_key: str


class TicketKeys(msgspec.Struct, frozen=True):
    """What a gate needs before it goes offline."""

    keys: list[TicketKey]


async def tickets(call: Call) -> TicketList:
    """The tickets of an order."""
    order = await call.db.read(orders.require, call.session.account_id, call.path("number"))
    return TicketList([_ticket(ticket) for ticket in orders.tickets(order)])


async def calendar_file(call: Call) -> Raw:
    """The visits of an order as an iCalendar file (RFC 5545)."""
    order = await call.db.read(orders.require, call.session.account_id, call.path("number"))
    name = f'attachment; filename="holdfast-{order.number}.ics"'
    return Raw(orders.calendar_file(order, call.locale), [(b"content-disposition", name.encode())])


async def ticket_keys(call: Call) -> TicketKeys:
    """The public keys that tickets are signed with."""
    return TicketKeys([TicketKey(key_id, "Ed25519", key) for key_id, key in orders.public_keys().items()])


def _ticket(ticket: orders.Ticket) -> TicketAnswer:
    line = ticket.line
    zone = ZoneInfo(line.time_zone)
    return TicketAnswer(
        seq=ticket.seq,
        code=ticket.code,
        admits=ticket.admits,
        holder_masked=ticket.holder_masked,
        document_masked=ticket.document_masked,
        venue_id=line.venue_id,
        venue_name=text(line.venue_name),
        ticket_name=text(line.ticket_name),
        starts_at=line.starts_at.astimezone(zone),
        ends_at=line.ends_at.astimezone(zone),
    )
