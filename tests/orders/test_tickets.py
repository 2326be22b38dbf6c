"""Tickets: signed codes that a gate can check offline, the same for ever, and worthless when anything is changed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from icalendar import Calendar

from holdfast import orders
from holdfast.kit import crypto
from holdfast.orders.tickets import Admission, key_id
from tests import world
from tests.world import place, request

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mei(db):
    return await world.traveller(db)


@pytest.fixture
async def order(db, mei):
    """A confirmed order for two people in one slot and one in another."""
    here, there = await world.open_slot(db, price_minor=0), await world.open_slot(db, price_minor=0)
    lines = [world.line(here, 2), world.line(there, 1)]
    placed = await place(db, request(mei, orders.Basket(lines, world.phone_number())))
    return await world.order_of(db, mei, placed.number)


def tampered(code: str, **changes: object) -> str:
    """The code with other content under its old signature."""
    prefix, content, signature = code.split(".")
    raw = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
    admission = msgspec.structs.replace(msgspec.msgpack.decode(raw, type=Admission), **changes)
    forged = base64.urlsafe_b64encode(msgspec.msgpack.encode(admission)).decode().rstrip("=")
    return f"{prefix}.{forged}.{signature}"


async def test_each_person_gets_a_ticket_and_it_says_what_it_admits(order):
    found = orders.tickets(order)
    assert [(ticket.seq, ticket.admits, ticket.holder_masked) for ticket in found] == [
        (1, 1, "王**"),
        (2, 1, "王**"),
        (3, 1, "王**"),
    ]
    admission = orders.verify(found[0].code, orders.public_keys())
    line = order.lines[0]
    assert (admission.number, admission.ticket, admission.venue_id) == (order.number, 1, line.venue_id)
    assert admission.not_before == int(line.starts_at.timestamp())
    assert admission.not_after == int(line.ends_at.timestamp())
    assert admission.document_tag.hex() == order.travellers[0].document_tag


async def test_the_same_order_always_gives_the_same_codes(db, mei, order):
    again = await world.order_of(db, mei, order.number)
    assert [t.code for t in orders.tickets(again)] == [t.code for t in orders.tickets(order)]
    assert len({ticket.code for ticket in orders.tickets(order)}) == 3


async def test_the_document_tag_of_a_ticket_fits_the_document_at_the_gate(db, mei):
    slot = await world.open_slot(db, price_minor=0)
    wang = world.visitor()
    placed = await place(db, request(mei, world.basket(slot, visitors=[wang])))
    [ticket] = orders.tickets(await world.order_of(db, mei, placed.number))
    admission = orders.verify(ticket.code, orders.public_keys())
    assert crypto.blind_index("document", f"cn_resident_id|{wang.document}")[:6] == admission.document_tag


@pytest.mark.parametrize(
    "changes",
    [{"admits": 5}, {"not_after": 2**31}, {"number": "0000000000"}, {"venue_id": "elsewhere"}, {"document_tag": b""}],
)
async def test_a_changed_ticket_is_refused(order, changes):
    code = orders.tickets(order)[0].code
    with pytest.raises(orders.TicketInvalid, match="signature does not fit"):
        orders.verify(tampered(code, **changes), orders.public_keys())


async def test_every_single_character_counts(order):
    code = orders.tickets(order)[0].code
    orders.verify(code, orders.public_keys())
    for at, character in enumerate(code):
        changed = code[:at] + ("A" if character != "A" else "B") + code[at + 1 :]
        with pytest.raises(orders.TicketInvalid):
            orders.verify(changed, orders.public_keys())


async def test_a_ticket_of_another_issuer_is_refused(order):
    stranger = Ed25519PrivateKey.generate()
    raw = crypto.public_bytes(stranger.public_key())
    content = msgspec.msgpack.encode(Admission(key_id(raw), order.number, 1, 1, "venue", 0, 2**31, b""))
    foreign = ".".join(
        ["HF1", *(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (content, stranger.sign(content)))]
    )
    with pytest.raises(orders.TicketInvalid, match="unknown key"):
        orders.verify(foreign, orders.public_keys())
    assert orders.verify(foreign, {key_id(raw): base64.b64encode(raw).decode()}).number == order.number


@pytest.mark.parametrize(
    "code", ["", "HF1", "HF1..", "HF1.a.b", "HF2.oA.oA", "https://example.com/q?x=1", "HF1.é.é", "a.b.c.d", "HF1.kw.kw"]
)
def test_what_is_no_ticket_is_unreadable(code):
    with pytest.raises(orders.TicketInvalid, match="unreadable"):
        orders.verify(code, orders.public_keys())


async def test_a_ticket_of_another_version_is_not_read(order):
    code = orders.tickets(order)[0].code
    with pytest.raises(orders.TicketInvalid, match="unreadable"):
        orders.verify(code.replace("HF1", "HF9", 1), orders.public_keys())


async def test_a_gate_says_too_early_and_too_late(order):
    admission = orders.verify(orders.tickets(order)[0].code, orders.public_keys())
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (admission.not_before, admission.not_after))
    second = timedelta(seconds=1)
    moments = [start - second, start, end, end + second]
    assert [orders.admits_at(admission, moment) for moment in moments] == ["too early", "ok", "ok", "too late"]


async def test_only_a_confirmed_order_has_tickets(db, mei):
    slot = await world.open_slot(db)
    _, held = await world.held_order(db, slot)
    assert orders.tickets(held) == []


async def test_the_calendar_file_has_an_event_for_each_slot(order):
    calendar = Calendar.from_ical(orders.calendar_file(order, "en"))
    events = list(calendar.walk("VEVENT"))
    assert [event["DTSTART"].dt for event in events] == [order.lines[0].starts_at, order.lines[1].starts_at]
    assert [str(event["SUMMARY"]) for event in events] == [line.venue_name["en"] for line in order.lines]
    assert len({str(event["UID"]) for event in events}) == 2
    assert (
        Calendar.from_ical(orders.calendar_file(order, "zh")).walk("VEVENT")[0]["SUMMARY"]
        == order.lines[0].venue_name["zh"]
    )
