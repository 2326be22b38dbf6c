"""A copy of everything held about somebody: complete, theirs alone, sealed where it lies, gone after its days."""

from __future__ import annotations

from datetime import timedelta

import jsonschema_rs
import msgspec
import pytest

from holdfast import accounts
from holdfast.accounts import Purpose, consents, exports, rights
from holdfast.accounts.exports_page import label
from holdfast.kit import audit, clock, i18n, jobs, retention
from holdfast.kit.actor import system
from holdfast.orders.reveal import Field, reveal
from tests import staff, world

from .scenes import booked, copy_of, data_of

pytestmark = pytest.mark.anyio


async def test_a_copy_tells_everything_in_clear(db):
    mei = await booked(db)
    lin = await staff.colleague(db, "support")
    await reveal(db, lin.actor, mei.order.number, Field.NAME, 1, "called about a name", ["support"])
    await db.run(consents.give, mei.person.account_id, Purpose.MARKETING, "privacy")
    data = await data_of(db, mei.person)
    [account], [phone] = data["accounts"], data["identifiers"]
    assert (account["account_id"], phone["value"]) == (str(mei.person.account_id), mei.person.phone)
    [order] = data["orders"]
    assert (order["number"], order["phone"], order["amount_minor"]) == (mei.order.number, mei.phone, 12000)
    assert [(one["name"], one["document"]) for one in order["travellers"]] == [
        (one.name, one.document) for one in mei.visitors
    ]
    assert next(one["kind"] for one in order["events"]) == "placed"
    assert order["lines"][0]["quantity"] == 2
    [payment] = data["payments"]
    assert (payment["state"], payment["attempts"][0]["provider"]) == ("paid", "desk")
    assert {one["purpose"] for one in data["consents"]} == {"terms", "marketing"}
    assert {one["template"] for one in data["messages"]} >= {"sign-in-code", "order-confirmed"}
    looked = next(one for one in data["audit"] if one["action"] == "order.reveal")
    assert (looked["done_by"], looked["details"]["reason"]) == ("staff", "called about a name")
    assert [one["method"] for one in data["sign_ins"]] == ["code"]


async def test_codes_are_blotted_out_of_messages(db):
    mei = await world.traveller(db)
    code = await world.code_sent_to(db, mei.phone)
    data = await data_of(db, mei)
    [message] = [one for one in data["messages"] if one["template"] == "sign-in-code"]
    assert code not in message["text"]
    assert "••••••" in message["text"]


async def test_a_copy_is_about_its_owner_alone(db):
    mei, jun = await booked(db), await booked(db)
    files = await copy_of(db, mei.person)
    for secret in (*jun.secrets[:2], jun.order.number, *(one.document for one in jun.visitors)):
        assert all(secret.encode() not in content for content in files.values()), secret


async def test_who_had_the_phone_before_is_somebody_else(db):
    phone = world.phone_number()
    await accounts.request_code(db, phone, "zh", "source-before")
    clock.move(timedelta(days=100))
    mei = await world.traveller(db, phone)
    assert len((await data_of(db, mei))["messages"]) == 1, "the code of today, not that of a hundred days ago"


async def test_a_copy_covers_every_account_of_the_person(db):
    mei, again = await booked(db), await booked(db)
    await world.same_person(db, mei.person, again.person)
    data = await data_of(db, again.person)
    assert {one["number"] for one in data["orders"]} == {mei.order.number, again.order.number}
    assert {one["value"] for one in data["identifiers"]} == {mei.person.phone, again.person.phone}
    assert len(data["links"]) == 1


async def test_the_form_is_what_the_schema_says(db):
    mei = await booked(db)
    files = await copy_of(db, mei.person)
    assert set(files) == {"data.json", "schema.json", "zh.html", "en.html"}
    schema, data = msgspec.json.decode(files["schema.json"]), msgspec.json.decode(files["data.json"])
    jsonschema_rs.validate(schema, data)
    assert schema == rights.schema()
    assert set(data["data"]) == set(rights.EXPORTED)


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_people_can_read_it(db, locale):
    mei = await booked(db)
    page = (await copy_of(db, mei.person))[f"{locale}.html"].decode()
    for said in (mei.order.number, mei.visitors[0].document, mei.person.phone, "¥120.00"):
        assert said in page
    assert ("下单时间" in page) == (locale == "zh")
    assert "<script" not in page


def test_every_field_of_a_copy_has_a_chinese_name():
    def names(kind: type[msgspec.Struct]) -> set[str]:
        found = {label(field.name) for field in msgspec.structs.fields(kind)}
        for field in msgspec.structs.fields(kind):
            for inner in getattr(field.type, "__args__", ()):
                if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                    found |= names(inner)
        return found

    wanted = {label(kind) for kind in rights.EXPORTED}.union(*(names(part.of) for part in rights.EXPORTED.values()))
    assert sorted(name for name in wanted if name not in i18n.catalogue()) == []


async def test_where_it_lies_nobody_can_read_it(db):
    mei = await booked(db)
    await exports.ask(db, mei.person.actor)
    await jobs.drain(db)
    content = bytes(await world.value(db, "select content from accounts.exports"))
    assert b"PK" not in content[:64]
    assert mei.person.phone.encode() not in content
    [told] = [one for one in await world.messages(db, mei.person.phone) if one.template == "export-ready"]
    assert "/account/privacy" in told.body


async def test_it_can_be_fetched_for_seven_days_and_each_time_is_written_down(db):
    mei = await booked(db)
    asked = await exports.ask(db, mei.person.actor)
    with pytest.raises(accounts.ExportNotReady):
        await db.run(exports.fetch, mei.person.actor, asked.id)
    await jobs.drain(db)
    clock.move(timedelta(days=6, hours=23))
    await db.run(exports.fetch, mei.person.actor, asked.id)
    await retention.apply(db)
    await db.run(exports.fetch, mei.person.actor, asked.id)
    [found] = await db.read(exports.listed, mei.person.account_id)
    assert (found.state, found.fetched) == ("ready", 2)
    assert await world.value(db, "select count(*) from kit.audit where action = 'rights.export-fetched'") == 2
    clock.move(timedelta(hours=2))
    with pytest.raises(accounts.ExportOver):
        await db.run(exports.fetch, mei.person.actor, asked.id)
    await retention.apply(db)
    assert await world.value(db, "select count(content) from accounts.exports") == 0


async def test_nobody_else_can_fetch_it(db):
    mei, jun = await booked(db), await world.traveller(db)
    asked = await exports.ask(db, mei.person.actor)
    await jobs.drain(db)
    for actor in (jun.actor, (await world.traveller(db)).actor):
        with pytest.raises(accounts.ExportUnknown):
            await db.run(exports.fetch, actor, asked.id)


async def test_after_accounts_were_parted_their_common_copy_is_nobodys(db):
    mei, again = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, again)
    asked = await exports.ask(db, mei.actor)
    await jobs.drain(db)
    [link] = await db.read(accounts.joined, mei.account_id)
    await db.run(accounts.undo, system("test"), link.id, "test")
    with pytest.raises(accounts.ExportOver):
        await db.run(exports.fetch, mei.actor, asked.id)
    with pytest.raises(accounts.ExportUnknown):
        await db.run(exports.fetch, again.actor, asked.id)


async def test_asking_twice_makes_one_copy_and_three_a_day_are_enough(db):
    mei = await world.traveller(db)
    first = await exports.ask(db, mei.actor)
    assert (await exports.ask(db, mei.actor)).id == first.id
    for _ in range(2):
        await jobs.drain(db)
        await exports.ask(db, mei.actor)
    await jobs.drain(db)
    with pytest.raises(accounts.ExportTooOften) as refused:
        await exports.ask(db, mei.actor)
    assert 0 < refused.value.fields["retry_after_s"] <= 24 * 3600
    clock.move(timedelta(days=1, minutes=1))
    await exports.ask(db, mei.actor)


async def test_a_copy_that_is_made_again_after_a_crash_is_made_once(db):
    mei = await world.traveller(db)
    asked = await exports.ask(db, mei.actor)
    await exports.build(db, asked.id)
    await exports.build(db, asked.id)
    await jobs.drain(db)
    assert len([one for one in await world.messages(db, mei.phone) if one.template == "export-ready"]) == 1


async def test_what_others_did_to_an_account_is_in_its_copy_without_their_name(db):
    mei, lin = await world.traveller(db), await staff.colleague(db, "support", name="Lin Wen")
    await db.run(audit.record, lin.actor, "test.act", f"account:{mei.account_id}")
    files = await copy_of(db, mei)
    assert b"test.act" in files["data.json"]
    assert b"Lin Wen" not in files["data.json"]
    assert str(lin.id).encode() not in files["data.json"]
