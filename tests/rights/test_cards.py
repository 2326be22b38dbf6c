"""Cards and the rights of people: in a copy of their data, in the way of an erasure, without names after one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders, passes
from holdfast.accounts import rights
from holdfast.accounts.rights_model import Erased
from holdfast.kit import clock, retention
from tests import cards, world
from tests.orders import after_sale

pytestmark = pytest.mark.anyio


async def named(db, card):
    return await world.value(
        db,
        "select count(*) from passes.card_people where card_id = %(id)s and (name is not null or document is not null)",
        id=card.row.id,
    )


async def test_a_copy_holds_the_cards_with_names_in_clear_and_what_they_were_used_for(db):
    sights = [await world.open_slot(db, starts_in=cards.starts(1))]
    mei, card = await cards.active(db, await cards.on_sale(db, sights))
    placed = await cards.reserve(db, mei, card, sights)
    async with db.reading() as tx:
        data = await rights.collect(tx, [mei.account_id])
    [held] = data["cards"]
    assert (held.number, held.state, held.paid_minor) == (card.number, "active", 10000)
    assert [one.name for one in held.holders] == ["王小明"]
    assert len(held.holders[0].document) == 18
    assert [(use.order_number, use.state) for use in held.uses] == [(placed.number, "held")]


async def test_a_card_that_can_still_be_used_stands_in_the_way_until_it_is_given_back(db):
    mei, card = await cards.buy(db, await cards.on_sale(db, [await world.open_slot(db, starts_in=cards.starts(1))]))
    async with db.reading() as tx:
        found = [one for one in await rights.obstacles(tx, [mei.account_id], clock.now()) if one.code == "card-open"]
    assert [(one.subject, one.path) for one in found] == [(card.number, f"/account/cards/{card.number}")]
    await orders.card_returns.by_seller(db, after_sale.STAFF, card.number, "test")
    async with db.reading() as tx:
        assert not [one for one in await rights.obstacles(tx, [mei.account_id], clock.now()) if one.code == "card-open"]
    erased = Erased([mei.account_id], [], clock.now())
    done = await db.run(rights.ERASERS["cards"], erased, 100)
    assert done.done == 1
    assert await named(db, card) == 0
    assert (await cards.now(db, card)).people[0].name_masked == ""


async def test_names_and_documents_go_so_many_days_after_the_card_is_over_and_not_before(db):
    mei, card = await cards.buy(db, await cards.on_sale(db, [await world.open_slot(db, starts_in=cards.starts(1))]))
    clock.move(timedelta(days=100))
    assert (await retention.apply(db))["documents on cards"] == 0
    assert await named(db, card) == 1
    await db.run(passes.cards.activate, mei.actor, mei.account_id, card.number)
    await orders.card_returns.by_seller(db, after_sale.STAFF, card.number, "test")
    clock.move(timedelta(days=31))
    assert (await retention.apply(db))["documents on cards"] == 1
    assert await named(db, card) == 0
