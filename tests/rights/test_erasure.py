"""Erasure: refused while something is owed, taken back in its days, carried out to the end whatever stops it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import accounts, orders, payments
from holdfast.accounts import ErasureState, Purpose, Scope, consents, erasure, exports, rights
from holdfast.kit import clock, crypto, faults, i18n, jobs, retention
from holdfast.kit.actor import Actor
from tests import world
from tests.orders import after_sale

from .scenes import booked, copy_of, data_of, visited

pytestmark = pytest.mark.anyio
WINDOW = timedelta(days=7, minutes=1)


async def erased(db, person, scope=Scope.ACCOUNT):
    """Asked for, and carried out to the end."""
    asked = await db.run(erasure.ask, person.actor, scope)
    clock.move(WINDOW)
    await finished(db)
    [state] = [await world.value(db, "select state from accounts.erasures where id = %(id)s", id=asked.id)]
    assert state == "done"
    return asked


async def finished(db):
    """The job's turns until nothing waits: closing, erasing, and messages on their way an hour later."""
    for _ in range(3):
        await erasure.run(db)
        await jobs.drain(db)
        clock.move(timedelta(hours=2))


async def codes(db, person, scope=Scope.ACCOUNT):
    found = await db.read(erasure.preview, person.account_id, scope)
    return sorted(one.code for one in found.obstacles)


async def test_while_a_visit_is_to_come_nothing_is_erased(db):
    mei = await booked(db)
    assert await codes(db, mei.person) == ["order-confirmed"]
    with pytest.raises(accounts.ErasureBlocked) as refused:
        await db.run(erasure.ask, mei.person.actor, Scope.ACCOUNT)
    [named] = refused.value.fields["obstacles"]
    assert (named["subject"], named["path"]) == (mei.order.number, f"/orders/{mei.order.number}")
    clock.move(timedelta(days=2))
    assert await codes(db, mei.person) == []


async def test_while_money_is_owed_or_on_its_way_nothing_is_erased(db):
    mei, _order = await world.held_order(db, await world.open_slot(db))
    assert await codes(db, mei) == ["order-held"]
    jun = await booked(db)
    await orders.cancel(db, jun.person.actor, jun.order, quoted_minor=12000)
    await jobs.drain(db)
    assert await codes(db, jun.person) == ["payment-refunding"]
    refund = await world.value(db, "select id from payments.refunds")
    await db.run(payments.handed_over, after_sale.STAFF, refund, "cash")
    assert await codes(db, jun.person) == []


async def test_a_promise_to_pay_and_a_payment_in_doubt_stand_in_the_way(db):
    mei = await visited(db)
    intent = mei.order.row.intent_id
    for sql, code in (
        ("update payments.intents set state = 'deferred' where id = %(id)s", "payment-promised"),
        ("update payments.intents set state = 'paid' where id = %(id)s", None),
        ("update payments.attempts set state = 'unknown' where intent_id = %(id)s", "payment-unknown"),
        ("update payments.attempts set state = 'succeeded' where intent_id = %(id)s", None),
    ):
        await db.run(lambda tx, sql=sql: tx.execute(sql, id=intent))
        assert await codes(db, mei.person) == ([code] if code else [])


async def test_the_preview_says_what_goes_and_what_stays_until_when_by_which_law(db):
    mei = await visited(db)
    found = await db.read(erasure.preview, mei.person.account_id, Scope.ACCOUNT)
    goes, stays = {one.kind: one for one in found.goes}, {one.kind: one for one in found.stays}
    assert {"identifiers", "sessions", "messages", "travellers"} <= set(goes)
    assert goes["travellers"].count == 2
    assert {"orders", "payments", "consents", "accounts", "documents"} <= set(stays)
    placed = mei.order.row.placed_at.date()
    assert stays["orders"].until.year == placed.year + 3
    assert "31" in stays["orders"].law
    assert stays["documents"].until == mei.order.lines[0].visit_date + timedelta(days=30)


async def test_everything_that_an_erasure_says_it_says_in_chinese_too(db):
    mei, jun = await visited(db), await booked(db)
    for person in (mei.person, jun.person):
        found = await db.read(erasure.preview, person.account_id, Scope.PERSON)
        for one in (*found.goes, *found.stays):
            assert one.says in i18n.catalogue(), one
            assert not one.law or one.law in i18n.catalogue(), one
    for says, next_step in (*orders.rights._WAITS.values(), *orders.rights._MONEY.values(), orders.rights._INVOICE):
        assert {says, next_step} <= set(i18n.catalogue())


async def test_for_seven_days_it_can_be_taken_back(db):
    mei = await visited(db)
    await db.run(erasure.ask, mei.person.actor, Scope.ACCOUNT)
    with pytest.raises(accounts.ErasureUnderWay):
        await db.run(erasure.ask, mei.person.actor, Scope.PERSON)
    clock.move(timedelta(days=6, hours=23))
    await erasure.run(db)
    assert (await db.read(erasure.current, mei.person.account_id)).state is ErasureState.WAITING
    await db.run(erasure.withdraw, mei.person.actor)
    with pytest.raises(accounts.ErasureOver):
        await db.run(erasure.withdraw, mei.person.actor)
    clock.move(timedelta(days=2))
    await finished(db)
    assert (await data_of(db, mei.person))["orders"][0]["travellers"][0]["name"] == mei.visitors[0].name
    [told] = [one for one in await world.messages(db, mei.person.phone) if one.template == "erasure-asked"]
    assert "/account/privacy" in told.body


async def test_what_identifies_goes_and_the_transaction_stays(db):
    mei = await visited(db)
    await copy_of(db, mei.person)
    await erased(db, mei.person)
    data = {kind: rows for kind, rows in (await db.read(rights.collect, [mei.person.account_id])).items() if rows}
    assert set(data) == {"accounts", "consents", "audit", "exports", "erasures", "orders", "payments"}
    told = repr(data)
    for secret in mei.secrets:
        assert secret not in told
    [order] = data["orders"]
    assert (order.number, order.amount_minor, order.phone, order.state) == (mei.order.number, 12000, "", "confirmed")
    assert {(one.name, one.document) for one in order.travellers} == {("", "")}
    assert all(one.withdrawn_at for one in data["consents"])
    assert data["accounts"][0].erased_at is not None
    assert data["erasures"][0].state == "done"
    assert await world.value(db, "select contacts = '{}' from accounts.erasures")


async def test_nobody_gets_in_any_more_and_the_phone_is_free(db):
    mei = await visited(db)
    await db.run(erasure.ask, mei.person.actor, Scope.ACCOUNT)
    clock.move(WINDOW)
    await erasure.run(db)
    assert await db.read(accounts.session, mei.person.token) is None
    assert (await world.messages(db, mei.person.phone))[0].template == "erasure-done"
    again = await world.traveller(db, mei.person.phone)
    assert again.account_id != mei.person.account_id
    await finished(db)
    assert (await data_of(db, again))["orders"] == []
    assert await db.read(accounts.session, again.token) is not None


async def test_the_order_is_found_by_its_number_without_anybody_in_it(db):
    mei = await visited(db)
    await erased(db, mei.person)
    with pytest.raises(orders.OrderUnknown):
        await orders.look_up(db, mei.order.number, mei.phone, "source")
    found = await db.read(orders.reveal.desk_view, mei.order.number)
    assert (found.row.phone_masked, [one.name_masked for one in found.travellers]) == ("", ["", ""])
    assert [one.document_last4 for one in found.travellers] == [one.document[-4:] for one in mei.visitors]
    clock.move(timedelta(days=30))
    await retention.apply(db)
    found = await db.read(orders.reveal.desk_view, mei.order.number)
    assert [one.document_last4 for one in found.travellers] == ["", ""]
    for one in mei.visitors:
        index = crypto.blind_index("document", f"cn_resident_id|{one.document}")
        assert not await world.value(db, "select true from orders.travellers where document_index = %(i)s", i=index)


async def test_no_message_says_what_it_said(db):
    mei = await visited(db)
    await erased(db, mei.person)
    left = await db.read(world.notices.recent, 500)
    assert left
    assert all(one.recipient == one.body == one.recipient_masked == "" for one in left)


async def test_others_keep_what_is_theirs(db):
    mei, jun = await visited(db), await booked(db)
    await erased(db, mei.person)
    data = await data_of(db, jun.person)
    assert data["orders"][0]["travellers"][0]["document"] == jun.visitors[0].document
    assert next(one for one in await world.messages(db, jun.phone) if one.template == "order-confirmed").body


async def test_one_account_of_several_can_go_and_the_links_stay(db):
    mei, again = await visited(db), await booked(db)
    await world.same_person(db, mei.person, again.person)
    clock.move(timedelta(days=2))
    await erased(db, mei.person, Scope.ACCOUNT)
    mine = await db.read(orders.mine, again.person.account_id)
    assert {one.number for one in mine} == {mei.order.number, again.order.number}
    data = await data_of(db, again.person)
    assert [one["value"] for one in data["identifiers"]] == [again.person.phone]
    assert len(data["accounts"]) == 2
    names = {order["number"]: order["travellers"][0]["name"] for order in data["orders"]}
    assert names == {mei.order.number: "", again.order.number: again.visitors[0].name}


async def test_all_accounts_of_a_person_go_together(db):
    mei, again = await visited(db), await booked(db)
    await world.same_person(db, mei.person, again.person)
    assert await codes(db, mei.person, Scope.ACCOUNT) == []
    assert await codes(db, mei.person, Scope.PERSON) == ["order-confirmed"]
    clock.move(timedelta(days=2))
    await erased(db, mei.person, Scope.PERSON)
    assert await world.value(db, "select count(*) from accounts.identifiers") == 0
    assert await world.value(db, "select count(*) from orders.orders where erased_at is null") == 0


async def test_an_account_that_was_parted_meanwhile_is_not_erased(db):
    mei, again = await visited(db), await visited(db)
    await world.same_person(db, mei.person, again.person)
    await db.run(erasure.ask, mei.person.actor, Scope.PERSON)
    [link] = await db.read(accounts.joined, mei.person.account_id)
    await db.run(accounts.undo, Actor("system", name="test"), link.id, "was not them")
    clock.move(WINDOW)
    await finished(db)
    assert await db.read(accounts.session, again.person.token) is not None
    assert (await data_of(db, again.person))["orders"][0]["travellers"][0]["name"] == again.visitors[0].name
    assert await db.read(accounts.session, mei.person.token) is None


async def test_a_new_order_puts_it_off_until_its_visit_is_over(db):
    mei = await visited(db)
    await db.run(erasure.ask, mei.person.actor, Scope.ACCOUNT)
    clock.move(WINDOW)
    await booked(db, mei.person)
    await erasure.run(db)
    waiting = await db.read(erasure.current, mei.person.account_id)
    assert (waiting.state, waiting.postponed) == (ErasureState.WAITING, 1)
    clock.move(timedelta(days=1, minutes=1))
    await erasure.run(db)
    assert len([one for one in await world.messages(db, mei.person.phone) if one.template == "erasure-postponed"]) == 1
    clock.move(timedelta(days=2))
    await finished(db)
    assert await db.read(erasure.current, mei.person.account_id) is None


async def test_a_crash_between_two_steps_loses_nothing(db, monkeypatch):
    monkeypatch.setattr(erasure, "BATCH", 1)
    mei = await visited(db)
    await visited(db, mei.person)
    await db.run(erasure.ask, mei.person.actor, Scope.ACCOUNT)
    clock.move(WINDOW)
    await erasure.run(db)
    clock.move(timedelta(hours=2))
    faults.arm(f"{erasure.STEPPED}=error@2")
    await erasure.run(db)
    assert (await db.read(erasure.current, mei.person.account_id)).state is ErasureState.ERASING
    faults.arm("")
    await finished(db)
    data = await db.read(rights.collect, [mei.person.account_id])
    assert {one.phone for one in data["orders"]} == {""}
    counts = await world.value(db, "select counts from accounts.erasures")
    assert counts["orders"] == 2
    assert len(await db.read(exports.listed, mei.person.account_id)) == 0


async def test_it_is_written_down_who_asked_and_what_was_done(db):
    mei = await visited(db)
    await erased(db, mei.person)
    entries = await db.read(accounts.trail, action="rights.")
    assert [(one.action, one.actor) for one in reversed(entries)] == [
        ("rights.erasure", str(mei.person.actor)), ("rights.erase", "system:erasure"), ("rights.erased", "system:erasure"),
    ]  # fmt: skip
    assert entries[0].details["orders"] == 1


async def test_money_that_goes_back_later_finds_nobody_to_tell_and_arrives_all_the_same(db):
    mei = await visited(db)
    await erased(db, mei.person)
    order = await db.read(orders.reveal.desk_view, mei.order.number)
    before = await world.value(db, "select count(*) from notices.messages")
    await db.run(payments.give_back, after_sale.STAFF, order.row.intent_id, 1000, "goodwill")
    await jobs.drain(db)
    assert await world.value(db, "select count(*) from payments.refunds") == 1
    assert await world.value(db, "select count(*) from notices.messages") == before


async def test_consents_are_withdrawn_never_deleted(db):
    mei = await world.traveller(db)
    await db.run(consents.give, mei.account_id, Purpose.MARKETING, "privacy")
    for sql in ("delete from accounts.consents", "update accounts.consents set given_at = now()"):
        with pytest.raises(Exception, match="a consent"):
            await db.run(lambda tx, sql=sql: tx.execute(sql))
