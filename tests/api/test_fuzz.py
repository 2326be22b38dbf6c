"""Whatever people and machines type into a booking: it is booked, or refused with a reason; never a fault of ours."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world

from .conftest import ORDERS, bearer, client_of, mounted, order_body

pytestmark = pytest.mark.anyio

NAMES = [
    "",
    " ",
    "王小明",
    "王\u202e小明",
    "\u200b",
    "a\0b",
    "\0",
    "x" * 10_000,
    "王" * 61,
    "O'Brien Seán",
    "😀😀",
    "'; drop table",
    "\ufeff李四",
    "𠮷野",
]
DOCUMENTS = [
    ("cn_resident_id", "１１０１０５１９４９１２３１００２Ｘ"),
    ("cn_resident_id", "11010519491231002x"),
    ("cn_resident_id", "\u202d11010519491231002X\u202c"),
    ("cn_resident_id", "110105\0194912310"),
    ("cn_resident_id", "1" * 10_000),
    ("cn_resident_id", "110105194912310021"),
    ("passport", "E12345678"),
    ("passport", "ＥＡ１２３４５６７"),
    ("passport", "Е12345678"),
    ("", ""),
    ("cn_resident_id\0", "x"),
    ("nonsense", "11010519491231002X"),
]
PHONES = [
    "",
    "１３８００１３８０００",
    "+86 138-0013-8000",
    "\u202a+8613800138000\u202c",
    "138\0",
    "9" * 10_000,
    "+1",
    "+",
    "٠١٢",
    "tel:13800138000",
    "+14155552671",
]
REASONS = {400, 409, 422}


@pytest.fixture
def db(shared):
    return shared


@pytest.fixture
async def booker(client, db):
    """A client with an open slot that books for a fresh traveller; checks the answer."""
    slot = await world.open_slot(db, places=100_000, max_per_order=50)
    mei = await world.traveller(db)

    async def post(change) -> dict[str, object]:
        body = order_body(slot)
        change(body)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await client.post(
            ORDERS,
            content=raw,
            headers={**bearer(mei), "Idempotency-Key": world.phone_number(), "Content-Type": "application/json"},
        )
        said = answer.json()
        if answer.status_code != 201:
            assert answer.status_code in REASONS, (answer.status_code, said)
            assert said["title"]
            assert said["detail"]
            for error in said.get("errors", []):
                assert error["message"]["zh"], error
                assert error["message"]["en"], error
        return said

    return post


def typed(name: str, value: object):
    def change(body):
        body["lines"][0]["travellers"][0][name] = value

    return change


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:24])
async def test_any_name_is_booked_or_refused_with_a_reason(booker, name):
    said = await booker(typed("name", name))
    assert "number" in said or any(error["field"].endswith(".name") for error in said["errors"]), said


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda pair: ascii(pair)[:32])
async def test_any_document_is_booked_or_refused_with_a_reason(booker, document):
    def change(body):
        typed("document_type", document[0])(body)
        typed("document", document[1])(body)

    said = await booker(change)
    assert "number" in said or said["code"] in ("document-already-booked", "document-not-accepted") or said["errors"], (
        said
    )


@pytest.mark.parametrize("phone", PHONES, ids=lambda phone: ascii(phone)[:24])
async def test_any_phone_is_booked_or_refused_with_a_reason(booker, phone):
    said = await booker(lambda body: body.update(phone=phone))
    assert "number" in said or said["errors"][0]["field"] == "phone", said


async def test_full_width_digits_are_digits(booker):
    said = await booker(typed("document", world.identity_number().translate({48 + n: 0xFF10 + n for n in range(10)})))
    assert "number" in said, said


@pytest.mark.parametrize("where", ["name", "document", "document_type"])
async def test_half_a_character_is_refused_with_a_reason(booker, where):
    said = await booker(typed(where, "王\ud800"))
    assert said["errors"][0]["code"] == "JSON_SURROGATE", said


@pytest.mark.parametrize(
    "change", [{"quantity": 10**30}, {"quantity": -1}, {"quantity": 0}, {"quoted_minor": 5}, {"travellers": []}]
)
async def test_counts_and_prices_that_cannot_be_are_refused_with_a_reason(booker, change):
    said = await booker(lambda body: body["lines"][0].update(change))
    assert said["code"], said


@pytest.mark.parametrize("count", [0, 11, 500])
async def test_an_order_has_one_to_ten_lines(booker, count):
    said = await booker(lambda body: body.update(lines=body["lines"] * count))
    assert said["errors"][0]["field"] == "lines"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([("phone",), ("locale",), ("lines",), ("lines", 0), ("lines", 0, "slot_id"), ("lines", 0, "price_id"),
    ("lines", 0, "quantity"), ("lines", 0, "travellers"), ("lines", 0, "travellers", 0, "name"),
    ("lines", 0, "travellers", 0, "document_type"), ("lines", 0, "travellers", 0, "document"), ("lines", 0, "quoted_minor")])  # fmt: skip


def test_any_value_in_any_field_is_booked_or_refused(database_url):
    """Hypothesis has no loop of its own: one for the whole search."""
    from holdfast.kit.db import Db

    with asyncio.Runner() as runner:
        db = runner.run(Db(database_url, size=4).open())
        slot = runner.run(world.open_slot(db, places=100_000))
        mei = runner.run(world.traveller(db))
        app = mounted(db)

        async def post(body: object) -> int:
            async with client_of(app) as client:
                headers = bearer(mei) | {"Idempotency-Key": world.phone_number()}
                return (await client.post(ORDERS, json=body, headers=headers)).status_code

        @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(FIELDS, ANY_JSON)
        def search(path, value):
            body = order_body(slot)
            into = body
            for step in path[:-1]:
                into = into[step]
            into[path[-1]] = value
            assert runner.run(post(body)) in (201, 404, *REASONS)

        search()
        runner.run(db.close())
