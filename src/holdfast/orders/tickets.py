"""Tickets: signed codes that a gate can check without a network, and the calendar file of a visit.

A code is ``HF1.`` and base64url of a MessagePack array, ``.`` and its Ed25519 signature (RFC 8032):
``[key id, order number, ticket, admits, venue, not before, not after (unix seconds), document tag, version]``.
The document tag is the first 6 bytes of the blind index, so a gate with the gate key can match a document it scans.
A change or a cancellation gives the order a higher version: codes that say a lower one, or none where it is not 1, are
void. A gate that is offline knows it from the list of `voids` that it loaded.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from icalendar import Calendar, Event

from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import pick

from . import after_sale_store, store
from .model import Line, Order, State

PREFIX = "HF1"


class Ticket(msgspec.Struct, frozen=True):
    """One admission: a person, or the party of a line without names."""

    seq: int
    code: str
    admits: int
    holder_masked: str
    document_masked: str
    line: Line


class Admission(msgspec.Struct, frozen=True, array_like=True):
    """What a code says; the signed content."""

    key_id: str
    number: str
    ticket: int
    admits: int
    venue_id: str
    not_before: int
    not_after: int
    document_tag: bytes
    version: int = 1


class TicketInvalid(Exception):
    """The code is not one of ours: not readable, or its signature does not fit. Says which."""


def key_id(public_key: bytes) -> str:
    """Short name of a ticket key: 8 hex digits of its SHA-256."""
    return sha256(public_key).hexdigest()[:8]


def public_keys() -> dict[str, str]:
    """The keys that sign tickets now, ``{key id: base64 of 32 raw bytes}``; gates load them before they go offline."""
    raw = crypto.public_bytes(crypto.ticket_key().public_key())
    return {key_id(raw): base64.b64encode(raw).decode()}


def tickets(order: Order) -> list[Ticket]:
    """The tickets of a confirmed order; none for any other. The same order always gives the same codes."""
    if order.state not in (State.CONFIRMED, State.USED) or order.redacted or order.is_card:
        return []
    found: list[Ticket] = []
    for line in order.lines:
        people = [person for person in order.travellers if person.line_seq == line.seq]
        for person in people:
            code = _sign(order, len(found) + 1, 1, line, bytes.fromhex(person.document_tag))
            found.append(Ticket(len(found) + 1, code, 1, person.name_masked, person.document_masked, line))
        if not people:
            code = _sign(order, len(found) + 1, line.quantity, line, b"")
            found.append(Ticket(len(found) + 1, code, line.quantity, "", "", line))
    return found


def _sign(order: Order, seq: int, admits: int, line: Line, tag: bytes) -> str:
    key = crypto.ticket_key()
    content = msgspec.msgpack.encode(
        Admission(
            key_id=key_id(crypto.public_bytes(key.public_key())),
            number=order.number,
            ticket=seq,
            admits=admits,
            venue_id=line.venue_id,
            not_before=int(line.starts_at.timestamp()),
            not_after=int(line.ends_at.timestamp()),
            document_tag=tag,
            version=order.row.ticket_version,
        )
    )
    return f"{PREFIX}.{_text(content)}.{_text(key.sign(content))}"


def verify(code: str, keys: dict[str, str]) -> Admission:
    """What a code says, if one of the keys signed it. TicketInvalid says why not. Needs no network and no database."""
    try:
        prefix, content_text, signature_text = code.strip().split(".")
        content, signature = _bytes(content_text), _bytes(signature_text)
        admission = msgspec.msgpack.decode(content, type=Admission)
    except (ValueError, msgspec.DecodeError) as error:
        raise TicketInvalid("unreadable") from error
    if prefix != PREFIX:
        raise TicketInvalid("unreadable")
    key = keys.get(admission.key_id)
    if key is None:
        raise TicketInvalid("unknown key")
    if not crypto.verifies(base64.b64decode(key), signature, content):
        raise TicketInvalid("signature does not fit")
    return admission


def admits_at(admission: Admission, moment: datetime) -> str:
    """``ok``, ``too early`` or ``too late`` at that moment."""
    if moment.timestamp() < admission.not_before:
        return "too early"
    return "ok" if moment.timestamp() <= admission.not_after else "too late"


async def is_void(tx: ReadTx, admission: Admission) -> bool:
    """Whether the order has moved on since the code was made: changed, cancelled, or gone to fewer people."""
    row = await store.by_number(tx, admission.number)
    return row is None or row.ticket_version != admission.version or row.state not in (State.CONFIRMED, State.USED)


async def voids(tx: ReadTx, venue_id: str) -> dict[str, int]:
    """What a gate loads before it goes offline: number of an order → the least version of its codes that admits."""
    since = clock.now() - timedelta(days=1)
    return {void.number: void.version for void in await after_sale_store.voids(tx, venue_id, since)}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:  # unused bits of the last digit
        raise ValueError(text)
    return raw


def calendar_file(order: Order, locale: str) -> bytes:
    """The visits of an order as iCalendar (RFC 5545), one event per line's slot."""
    calendar = Calendar()
    calendar.add("prodid", "-//Holdfast//orders//EN")
    calendar.add("version", "2.0")
    for slot_id, line in {line.slot_id: line for line in order.lines if line.venue_kind != "card"}.items():
        event = Event()
        event.add("uid", f"{order.number}-{slot_id}@holdfast")
        event.add("dtstamp", order.row.confirmed_at or clock.now())
        event.add("dtstart", line.starts_at)
        event.add("dtend", line.ends_at)
        event.add("summary", pick(line.venue_name, locale))
        event.add("description", f"{pick(line.product_name, locale)} · {ids.show_code(order.number)}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
