"""What the bench's travellers send: bookings of one line for one or two people, every document and key unique."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import msgspec

from holdfast.accounts.documents import check_character

from .ground import ACCOUNTS, PRICE, token

PER_MEASUREMENT = 400_000
"""Documents set apart for one measurement."""
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = ("小明", "伟", "秀英", "芳", "建国", "丽华", "子涵", "浩然", "欣怡", "志强")
REGIONS = ("110101", "310101", "440103", "510104", "330102", "420102", "320102", "610102")
FIRST_DAY = date(1950, 1, 1).toordinal()
BODY = '{"lines":[{"slot_id":"%s","price_id":"%s","quantity":%d,"travellers":[%s]}],"phone":"%s","locale":"zh"}'
TRAVELLER = '{"name":"%s","document_type":"%s","document":"%s"}'
HEAD = (
    "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\n"
    "Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n"
)


class Booking(msgspec.Struct, frozen=True):
    """One booking as its traveller would type it."""

    account: int
    key: str
    slot_id: str
    travellers: list[tuple[str, str, str]]
    """Name, type of document, document."""
    phone: str


def document(serial: int) -> tuple[str, str]:
    """A valid document that no other serial has: every third one a passport."""
    if serial % 3 == 0:
        return "passport", f"E{serial:08d}"
    rest, sequence = divmod(serial, 999)
    rest, day = divmod(rest, 20_000)
    body = f"{REGIONS[rest]}{date.fromordinal(FIRST_DAY + day):%Y%m%d}{sequence + 1:03d}"
    return "cn_resident_id", body + check_character(body)


def bookings(measurement: int, slots: list[str], start: int = 0) -> Iterator[Booking]:
    """The endless line of travellers of one measurement, the same for the same number."""
    assert measurement < 249, "passports have eight digits"
    dice = random.Random(measurement)
    number, serial = start, measurement * PER_MEASUREMENT + 2 * start
    while True:
        people = []
        for _ in range(1 + number % 2):
            people.append((dice.choice(SURNAMES) + dice.choice(GIVEN), *document(serial)))
            serial += 1
        account = dice.randrange(ACCOUNTS)
        key = f"{measurement:08x}-0000-7000-8000-{number:012x}"
        yield Booking(account, key, dice.choice(slots), people, f"138{account:08d}")
        number += 1


def encoded(booking: Booking) -> bytes:
    """The booking as an HTTP/1.1 request."""
    people = ",".join(TRAVELLER % person for person in booking.travellers)
    body = (BODY % (booking.slot_id, PRICE, len(booking.travellers), people, booking.phone)).encode()
    return (HEAD % (token(booking.account), booking.key, len(body))).encode() + body
