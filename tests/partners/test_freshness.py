"""Partners are told once how their word grows old, whom to call is listed, and recovery needs nobody."""

from __future__ import annotations

import pytest

from holdfast import notices, orders, partners
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from holdfast.orders import supply
from holdfast.partners import News
from tests import world

from .suppliers import BY, Supplier, beat, book, booked, later, say, supplier, told

pytestmark = pytest.mark.anyio


async def texts(db: Db, who: Supplier) -> list[str]:
    """Templates of what the partner's phone got, the oldest first."""
    return [message.template for message in reversed(await world.messages(db, who.phone))]


async def state(db: Db, who: Supplier) -> str:
    [found] = await db.read(partners.health.standings, who.id)
    return found.state


async def test_a_word_grows_stale_then_silent_each_is_told_once_and_a_word_mends_it(db: Db) -> None:
    who = await supplier(db)
    for minutes, wanted, heard in (
        (0, "fresh", []), (89, "fresh", []), (2, "stale", ["stale"]), (20, "stale", ["stale"]), (10, "silent", ["stale", "silent"]),
        (60, "silent", ["stale", "silent"]),
    ):  # fmt: skip
        later(minutes=minutes)
        await partners.freshness.watch(db)
        await partners.freshness.watch(db)
        assert (await state(db, who), await told(db, who)) == (wanted, heard)
    [call] = await db.read(partners.freshness.calls)
    assert (call.partner_id, call.kind, call.phone) == (who.id, "silent", who.phone)
    await beat(db, who)
    await partners.freshness.watch(db)
    await partners.freshness.watch(db)
    assert await state(db, who) == "fresh"
    assert await told(db, who) == ["stale", "silent", "recovered"]
    assert await texts(db, who) == ["supply-stale", "supply-silent", "supply-recovered"]
    assert await db.read(partners.freshness.calls) == []


async def test_what_is_told_stands_in_the_log_with_its_ways_and_the_link_opens_the_partners_page(db: Db) -> None:
    who = await supplier(db)
    later(hours=3)
    await partners.freshness.watch(db)
    [log] = await db.read(partners.freshness.told, who.id)
    assert [way["way"] for way in log.ways] == ["sms", "email"]
    [message] = await world.messages(db, who.phone)
    link = message.body.partition("/supply/")[2].split()[0]
    assert (await db.read(partners.links.by_link, link)).id == who.id
    await db.run(partners.links.renew, BY, who.id, reason="a phone was lost")
    for wrong in (link, f"{who.id}.AAAAAAAAAAAAAAAAAAAAAA", "nobody", ""):
        with pytest.raises(partners.links.SupplyLinkUnknown):
            await db.read(partners.links.by_link, wrong)


async def test_nobody_is_told_at_night_that_a_word_grew_old(db: Db) -> None:
    who = await supplier(db)
    later(hours=10)  # 22:00
    assert await partners.freshness.watch(db) == 0
    later(hours=9)
    await partners.freshness.watch(db)
    assert await told(db, who) == ["silent"]


async def test_only_the_partners_own_subscription_hears_of_it(db: Db) -> None:
    who, other, third = await supplier(db), await supplier(db), await supplier(db)
    await partners.links.subscribe(db, BY, who.id, "http://127.0.0.1:1/mine")
    await partners.links.subscribe(db, BY, other.id, "http://127.0.0.1:1/theirs")
    await notices.subscriptions.add(db, BY, "http://127.0.0.1:1/ours", ["supply.silent"])
    await beat(db, other)
    await beat(db, third)
    later(hours=1)
    await beat(db, other)
    await beat(db, third)
    later(hours=1, minutes=1)
    await partners.freshness.watch(db)
    sent = {(one.url.rpartition("/")[2], one.type) for one in await db.read(notices.webhooks.deliveries)}
    assert ("mine", "supply.silent") in sent
    assert ("ours", "supply.silent") in sent
    assert not [one for one in sent if one == ("theirs", "supply.silent")]


async def test_two_bookings_that_nobody_answers_stop_the_sale_and_a_heartbeat_is_no_answer(db: Db) -> None:
    who = await supplier(db, answer_minutes=30)
    first, second = await booked(db, who), await booked(db, who, 2)
    assert [one.places for one in await db.read(partners.asks.waiting, who.id)] == [1, 2]
    await partners.freshness.watch(db)
    assert await told(db, who) == ["asked"]
    later(minutes=31)
    await beat(db, who)
    await partners.freshness.watch(db)
    assert await state(db, who) == "barred"
    assert await book(db, who) == "sale-unconfirmed"
    await beat(db, who)
    await partners.freshness.watch(db)
    assert await book(db, who) == "sale-unconfirmed"
    assert await told(db, who) == ["asked", "barred"]
    await say(db, who, News("answer", order=first.number, answer="have"))
    assert await state(db, who) == "fresh", "one that is late is not two"
    assert await booked(db, who)
    await say(db, who, News("answer", order=second.number, answer="have", note="window table"))
    await partners.freshness.watch(db)
    assert await told(db, who) == ["asked", "barred", "asked", "recovered"]


async def test_a_booking_that_is_refused_stops_the_sale_until_the_partner_says_that_it_is_open(db: Db) -> None:
    who = await supplier(db, answer_minutes=30)
    placed = await booked(db, who)
    await say(db, who, News("answer", order=placed.number, answer="cannot", note="full"))
    assert await book(db, who) == "sale-unconfirmed"
    assert await world.value(db, "select state from orders.orders where number = %(n)s", n=placed.number) == "confirmed"
    [ask] = await db.read(partners.asks.answered, who.id)
    assert (ask.answer, ask.note, ask.settled_at) == ("cannot", "full", None)
    assert await db.run(partners.asks.settle, BY, who.id, ask.id)
    assert not await db.run(partners.asks.settle, BY, who.id, ask.id)
    await beat(db, who)
    assert await book(db, who) == "sale-unconfirmed"
    await say(db, who, News("open"))
    assert await booked(db, who)


async def test_a_guest_who_is_turned_away_stops_the_sale(db: Db) -> None:
    who = await supplier(db)
    await db.run(partners.health.turned_away, BY, who.id, who.product_id, note="7K3QF-90XMA at noon")
    assert await book(db, who) == "sale-unconfirmed"
    [found] = await db.read(partners.health.standings, who.id)
    assert [(bar.kind, bar.note) for bar in found.bars] == [("refused", "7K3QF-90XMA at noon")]
    await db.run(partners.health.put_on, BY, who.id, who.product_id, reason="spoke to the owner")
    assert await booked(db, who)


async def test_a_stop_asks_about_what_is_booked_and_cancels_nothing(db: Db) -> None:

    who = await supplier(db)
    placed = await booked(db, who, 3)
    assert await db.read(partners.asks.waiting, who.id) == [], "nobody asked to be asked about each booking"
    await say(db, who, News("stop"))
    await jobs.drain(db)
    [ask] = await db.read(partners.asks.waiting, who.id)
    assert (ask.kind, ask.order_number, ask.places) == ("standing", placed.number, 3)
    await db.run(supply.catch_up)
    assert len(await db.read(partners.asks.waiting, who.id)) == 1
    later(hours=5)
    await partners.freshness.watch(db)
    assert (await db.read(partners.asks.waiting, who.id))[0].is_late(clock.now())
    await say(db, who, News("answer", order=placed.number, answer="have"))
    assert await db.read(partners.asks.waiting, who.id) == []


async def test_fewer_places_than_are_booked_ask_about_those_alone_that_are_over(db: Db) -> None:

    who = await supplier(db)
    await booked(db, who, 3)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    await say(db, who, News("places", product_id=who.product_id, from_date=day, places=3))
    await jobs.drain(db)
    assert await db.read(partners.asks.waiting, who.id) == []
    await say(db, who, News("places", product_id=who.product_id, from_date=day, places=2))
    await jobs.drain(db)
    [ask] = await db.read(partners.asks.waiting, who.id)
    assert ask.places == 3


async def test_a_cancelled_booking_need_not_be_answered(db: Db) -> None:

    who = await supplier(db, answer_minutes=30)
    person = await world.traveller(db)
    placed = await world.place(
        db, world.request(person, orders.Basket([world.line(who.slot, 1, visitors=[])], person.phone))
    )
    await db.run(supply.catch_up)
    assert len(await db.read(partners.asks.waiting, who.id)) == 1
    await orders.cancel(db, person.actor, await world.order_of(db, person, placed.number))
    await db.run(supply.catch_up)
    assert await db.read(partners.asks.waiting, who.id) == []
