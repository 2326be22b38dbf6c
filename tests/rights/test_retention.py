"""Retention: each kind of data goes after the days of its setting, not before, and what must stay stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import holdfast
from holdfast import orders
from holdfast.accounts import rights
from holdfast.kit import audit, clock, idempotency, retention, settings
from holdfast.orders.reveal import Field, NothingToReveal
from tests import staff, world

from .scenes import booked

pytestmark = pytest.mark.anyio
GUIDE = Path(holdfast.__file__).parents[2] / "docs" / "privacy.md"


async def test_document_numbers_go_thirty_days_after_the_visit(db):
    mei, lin = await booked(db), await staff.colleague(db, "desk")
    clock.move(timedelta(days=31))
    await retention.apply(db)
    assert (await orders.reveal.reveal(db, lin.actor, mei.order.number, Field.DOCUMENT, 1, "test", [])).value
    clock.move(timedelta(days=2))
    treated = await retention.apply(db)
    assert treated["document numbers"] == 2
    with pytest.raises(NothingToReveal):
        await orders.reveal.reveal(db, lin.actor, mei.order.number, Field.DOCUMENT, 1, "test", [])
    order = await world.order_of(db, mei.person, mei.order.number)
    assert [one.document_last4 for one in order.travellers] == [one.document[-4:] for one in mei.visitors]
    assert (await orders.reveal.reveal(db, lin.actor, mei.order.number, Field.NAME, 1, "test", [])).value
    assert (await retention.apply(db))["document numbers"] == 0


async def test_the_setting_says_how_long(db, monkeypatch):
    await booked(db)
    clock.move(timedelta(days=4))
    short = msgspec.structs.replace(settings.current(), documents_kept_days=1)
    assert (await retention.apply(db))["document numbers"] == 0
    monkeypatch.setattr(settings, "current", lambda: short)
    assert (await retention.apply(db))["document numbers"] == 2


async def test_codes_and_the_messages_that_brought_them_go_after_a_week(db):
    mei = await world.traveller(db)
    clock.move(timedelta(days=6))
    await retention.apply(db)
    assert await world.value(db, "select count(*) from accounts.codes") == 1
    clock.move(timedelta(days=2))
    treated = await retention.apply(db)
    assert (treated["one-time codes"], treated["codes in messages"]) == (1, 1)
    assert await world.messages(db, mei.phone) == []


async def test_remembered_replies_go_after_a_month(db):
    mei = await booked(db)
    await db.run(idempotency.remember, mei.person.account_id, "k", b"h", {})
    clock.move(timedelta(days=29))
    await retention.apply(db)
    assert await world.value(db, "select count(*) from kit.replies") == 2
    clock.move(timedelta(days=2))
    await retention.apply(db)
    assert await world.value(db, "select count(*) from kit.replies") == 0


async def test_addresses_go_after_half_a_year_and_the_lines_stay(db):
    mei = await booked(db)
    await db.run(audit.record, mei.person.actor, "test.act", "test", source="192.0.2.7", device="Firefox")

    async def from_there(tx):
        await tx.execute("""update payments.attempts set route = route || '{"payer_ip": "192.0.2.7"}'""")

    await db.run(from_there)
    for days, expected in ((179, True), (2, False)):
        clock.move(timedelta(days=days))
        await retention.apply(db)
        details = await world.value(db, "select details from kit.audit where action = 'test.act'")
        assert ("source" in details, details["device"]) == (expected, "Firefox")
        assert bool(await world.value(db, "select route ? 'payer_ip' from payments.attempts")) is expected


async def test_a_rule_that_fails_does_not_keep_the_others_from_their_work(db, monkeypatch):
    async def fails(tx, before, limit):
        raise RuntimeError("broken")

    await world.traveller(db)
    first = next(iter(retention.RULES))
    monkeypatch.setitem(retention.RULES, first, retention.RULES[first]._replace(forget=fails))
    clock.move(timedelta(days=8))
    assert (await retention.apply(db))["one-time codes"] == 1


async def test_much_goes_in_small_transactions(db, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    await booked(db, names=tuple(f"Visitor {letter}" for letter in "ABCDE"))
    clock.move(timedelta(days=33))
    assert (await retention.apply(db))["document numbers"] == 5


def test_the_guide_for_operators_names_every_rule_setting_and_kind():
    guide = GUIDE.read_text()
    rules = {name for rule in retention.RULES.values() for name in (rule.name, f"HOLDFAST_{rule.setting.upper()}")}
    kinds = {f"`{kind}`" for kind in (*rights.EXPORTED, *rights.ERASERS)}
    assert sorted(name for name in rules | kinds if name not in guide) == []
    assert all(rule.setting in settings.Settings.__struct_fields__ for rule in retention.RULES.values())


async def test_every_table_that_hides_something_is_in_the_guide(db):
    """A new column of sealed text, an index or a digest is a new kind of data: say in the guide how long it is kept and why."""

    async def hiding(tx):
        return await tx.values(
            """select distinct table_schema || '.' || table_name from information_schema.columns
               where data_type = 'bytea' and table_schema not in ('pg_catalog', 'information_schema')"""
        )

    tables = await db.read(hiding)
    assert len(tables) > 20
    assert sorted(table for table in tables if f"`{table}`" not in GUIDE.read_text()) == []
