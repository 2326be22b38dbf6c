"""What suppliers say takes effect once, in order, and is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast import partners
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import InvalidInput
from holdfast.partners import News
from tests import world

from .suppliers import BY, beat, book, booked, later, sale, say, supplier

pytestmark = pytest.mark.anyio


async def test_nothing_is_sold_before_the_supplier_spoke_for_the_first_time(db: Db) -> None:
    who = await supplier(db, speaks=False)
    assert await book(db, who) == "sale-unconfirmed"
    assert (await sale(db, who)).sale == "unconfirmed"
    await beat(db, who)
    assert await booked(db, who)


async def test_silence_closes_the_sale_by_itself_and_a_word_opens_it(db: Db) -> None:
    who = await supplier(db)
    later(hours=11, minutes=59)  # a minute before the day of the visit: the longer time counts
    assert await booked(db, who)
    later(minutes=2)
    assert await book(db, who) == "sale-unconfirmed"
    await beat(db, who)
    later(hours=1, minutes=59)
    assert await booked(db, who)
    later(minutes=2)
    assert await book(db, who) == "sale-unconfirmed"


async def test_a_slot_that_is_made_later_has_the_clock_from_its_beginning(db: Db) -> None:
    who = await supplier(db)
    second = await world.open_slot(db, beside=who.slot, price_minor=0)
    assert await world.value(db, "select fresh_until > now() from inventory.slots where id = %(id)s", id=second.slot_id)
    later(days=2)
    third = await world.open_slot(db, beside=who.slot, price_minor=0)
    assert await world.value(
        db, "select fresh_until < %(at)s from inventory.slots where id = %(id)s", id=third.slot_id, at=clock.now()
    )


async def test_a_stop_stops_says_so_and_takes_no_booking_away(db: Db) -> None:
    who = await supplier(db)
    placed = await booked(db, who, 2)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    receipt = await say(db, who, News("stop", product_id=who.product_id, from_date=day, note="锅炉坏了"))
    assert (receipt.outcome, receipt.results[0].touched) == ("applied", 1)
    view = await sale(db, who)
    assert (view.sale, view.places_left) == ("paused", 0)
    assert view.reason == {"zh": "供应商已停售：锅炉坏了", "en": "Stopped by the supplier: 锅炉坏了"}
    assert await book(db, who) == "slot-closed"
    assert await world.value(db, "select state from orders.orders where number = %(n)s", n=placed.number) == "confirmed"
    await beat(db, who)
    assert await book(db, who) == "slot-closed", "a heartbeat opens nothing that was stopped"
    await say(db, who, News("open", product_id=who.product_id))
    assert await booked(db, who)


async def test_older_news_does_not_overwrite_newer(db: Db) -> None:
    who = await supplier(db)
    day, now = who.slot.starts_at.astimezone(world.ZONE).date(), clock.now()
    later(minutes=10)
    await say(db, who, News("stop", from_date=day), at=now + timedelta(minutes=8))
    late = await say(db, who, News("open", from_date=day), at=now + timedelta(minutes=5))
    assert (await sale(db, who)).sale == "paused"
    assert late.outcome == "applied", "it still renews the clock, whose last word was older"
    assert (await say(db, who, News("open", from_date=day), at=now + timedelta(minutes=5))).outcome == "older"
    assert (await sale(db, who)).sale == "paused"


async def test_places_and_places_left_only_lower_what_the_policies_allow(db: Db) -> None:
    who = await supplier(db, places=10)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    await booked(db, who, 2)
    await say(db, who, News("places", product_id=who.product_id, from_date=day, places=5))
    assert (await sale(db, who)).places_left == 3
    await say(db, who, News("places", product_id=who.product_id, from_date=day, left=1))
    assert (await sale(db, who)).places_left == 1
    await say(db, who, News("places", product_id=who.product_id, from_date=day, left=4, known=1))
    assert (await sale(db, who)).places_left == 3, "of our two bookings the supplier knew one"
    await say(db, who, News("places", product_id=who.product_id, from_date=day, places=500))
    assert (await sale(db, who)).places_left == 8


async def test_the_same_key_is_the_same_message_and_other_words_under_it_are_refused(db: Db) -> None:
    who = await supplier(db)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    news = News("places", product_id=who.product_id, from_date=day, left=3)
    first = await say(db, who, news, key="k")
    await booked(db, who, 3)
    again = await say(db, who, news, key="k")
    assert again.repeated
    assert again.id == first.id
    assert (await sale(db, who)).places_left == 0
    with pytest.raises(KeyReused):
        await say(db, who, News("heartbeat"), key="k")


async def test_a_message_with_a_mistake_does_nothing_lists_all_and_is_kept(db: Db) -> None:
    who, other = await supplier(db), await supplier(db)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    with pytest.raises(InvalidInput) as caught:
        await say(
            db, who, News("stop", from_date=day), News("places", product_id=other.product_id, from_date=day, left=1),
            News("places", product_id=who.product_id, from_date=day, to_date=day - timedelta(days=1)), News("price", price_id="x"),
            News("answer", order="7K3QF90XMA"), key="bad",
        )  # fmt: skip
    assert [(one["field"], one["code"]) for one in caught.value.errors] == [
        ("news[1].product_id", "NOT_YOURS"), ("news[2].to", "DATES_REVERSED"), ("news[2].places", "PLACES_OR_LEFT"),
        ("news[3].price_id", "PRICE_UNKNOWN"), ("news[3].amount_minor", "AMOUNT_RANGE"), ("news[4].answer", "ANSWER_MISSING"),
        ("news[4].order", "NOT_ASKED"),
    ]  # fmt: skip
    assert (await sale(db, who)).sale == "open"
    [kept, _first] = await db.read(partners.feeds.messages, who.id)
    assert (kept.outcome, len(kept.results), len(kept.body)) == ("refused", 7, 5)
    await say(db, who, News("stop", from_date=day), key="bad")
    assert (await sale(db, who)).sale == "paused"


async def test_a_price_within_the_band_takes_effect_and_another_waits_for_a_person(db: Db) -> None:
    who = await supplier(db, slot=await world.open_slot(db, price_minor=10_000))
    price = who.slot.price_id

    async def costs() -> int:
        return int(await world.value(db, "select amount_minor from catalogue.prices where id = %(id)s", id=price))

    assert (await say(db, who, News("price", price_id=price, amount_minor=11_900))).outcome == "applied"
    assert await costs() == 11_900
    assert (await say(db, who, News("price", price_id=price, amount_minor=20_000))).outcome == "waiting"
    assert await costs() == 11_900
    [waiting, applied] = await db.read(partners.feeds.price_news, who.id)
    await db.run(partners.feeds.decide_price, BY, who.id, waiting.id, "apply", reason="season")
    assert await costs() == 20_000
    with pytest.raises(partners.PriceNewsOver):
        await db.run(partners.feeds.decide_price, BY, who.id, applied.id, "undo", reason="not the newest")
    await db.run(partners.feeds.decide_price, BY, who.id, waiting.id, "undo", reason="a typing mistake")
    assert await costs() == 11_900


async def test_another_partner_cannot_take_a_product_over_and_a_partner_that_is_switched_off_sells_nothing(
    db: Db,
) -> None:
    who, other = await supplier(db), await supplier(db)
    with pytest.raises(partners.SuppliedByOther):
        await db.run(partners.feeds.supply, BY, other.id, who.product_id)
    placed = await booked(db, who)
    await db.run(partners.disable, BY, who.id, reason="contract over")
    assert await book(db, who) == "sale-unconfirmed"
    assert await world.value(db, "select state from orders.orders where number = %(n)s", n=placed.number) == "confirmed"
    await db.run(partners.enable, BY, who.id, reason="contract again")
    assert await booked(db, who)


@pytest.mark.parametrize(
    "statement", ["update partners.messages set outcome = 'older'", "delete from partners.messages"]
)
async def test_what_was_said_cannot_be_rewritten(db: Db, statement: Any) -> None:
    await supplier(db)

    async def rewrite(tx: Tx) -> None:
        await tx.execute(statement)

    with pytest.raises(psycopg.errors.RestrictViolation):
        await db.run(rewrite)
