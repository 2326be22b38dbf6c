"""Offers in the booking's path: what is shown is what is charged, for many at once, and what has moved is priced again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from holdfast import orders
from holdfast.campaigns import codes
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import actor, clock, ids
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Problem
from holdfast.orders import offers
from tests import invariants, world

from . import discounting
from .after_sale import take

pytestmark = pytest.mark.anyio
WHO = actor.system("test")
TENTH = {"type": "percent", "share_bp": 1000, "cap_minor": 3000}


async def test_what_is_quoted_is_what_is_charged(db: Db) -> None:
    slot = await world.open_slot(db)
    made = await discounting.on_offer(db, TENTH)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=1)
    async with db.reading() as tx:
        quoted = await offers.quote(
            tx, mei.account_id, [offers.Wish(slot.slot_id, slot.price_id, 1)], channel="web", locale="zh"
        )
    [grant] = quoted.priced.grants
    assert grant.version_id == made.version_id
    wanted = world.request(mei, world.basket(slot))
    wanted = msgspec.structs.replace(wanted, quoted_total_minor=quoted.priced.total_minor)
    placed = await place(wanted)
    assert placed.amount_minor == quoted.priced.total_minor == quoted.priced.list_minor * 9 // 10
    assert (await place(wanted)) == placed
    found = await world.order_of(db, mei, placed.number)
    assert found.row.amount_minor == placed.amount_minor
    await invariants.require(db)


async def test_who_was_shown_less_is_not_charged_more(db: Db) -> None:
    slot = await world.open_slot(db)
    mei, place = await world.traveller(db), orders.group_commit(db, lanes=1)
    wanted = msgspec.structs.replace(world.request(mei, world.basket(slot)), quoted_total_minor=1)
    with pytest.raises(offers.TotalChanged) as refused:
        await place(wanted)
    assert refused.value.fields["total_minor"] > refused.value.fields["quoted_minor"] == 1
    left = await world.places_left(db, slot)
    shown = int(refused.value.fields["total_minor"])
    again = msgspec.structs.replace(world.request(mei, world.basket(slot)), quoted_total_minor=shown)
    assert (await place(again)).amount_minor == shown
    assert await world.places_left(db, slot) == left - 1


async def test_a_campaign_that_began_or_ended_a_moment_ago_is_seen_by_the_next_batch(db: Db) -> None:
    slot = await world.open_slot(db, places=50)
    place = orders.group_commit(db, lanes=1)

    async def paid() -> int:
        mei = await world.traveller(db)
        return (await place(world.request(mei, world.basket(slot)))).amount_minor

    full = await paid()
    made = await discounting.on_offer(db, TENTH)
    assert await paid() == full * 9 // 10
    await discounting.change(db, made, state="paused")
    assert await paid() == full
    await discounting.change(db, made, state="live")
    assert await paid() == full * 9 // 10


async def test_a_stage_that_is_used_up_refuses_once_and_is_offered_no_more(db: Db) -> None:
    slot = await world.open_slot(db, places=50)
    made = await discounting.on_offer(db, TENTH)
    place = orders.group_commit(db, lanes=1)
    await discounting.change(db, made, stage_count=3)
    people = [await world.traveller(db) for _ in range(6)]
    answers = await asyncio.gather(
        *(place(world.request(person, world.basket(slot))) for person in people), return_exceptions=True
    )
    granted = [one for one in answers if isinstance(one, orders.Placed)]
    refused = [one for one in answers if isinstance(one, Problem)]
    assert [type(one) for one in refused] == [BenefitOver] * len(refused)
    assert refused[0].fields["reason"] == "stage"
    assert len(granted) >= 3
    assert len({one.amount_minor for one in granted[:3]}) == 1
    more = await place(world.request(await world.traveller(db), world.basket(slot)))
    assert more.amount_minor > granted[0].amount_minor
    used = await world.value(
        db, "select used_count from campaigns.running where version_id = %(id)s", id=made.version_id
    )
    assert used == 3
    await invariants.require(db)


async def test_a_code_that_gives_nothing_is_refused_and_nothing_is_booked(db: Db) -> None:
    slot = await world.open_slot(db)
    mei, place = await world.traveller(db), orders.group_commit(db, lanes=1)
    left = await world.places_left(db, slot)
    with pytest.raises(offers.CodeRefused):
        await place(msgspec.structs.replace(world.request(mei, world.basket(slot)), code="NOSUCH"))
    assert await world.places_left(db, slot) == left


async def test_a_code_is_typed_as_one_likes_and_used_as_often_as_it_may(db: Db) -> None:
    slot = await world.open_slot(db, places=20)
    made = await discounting.on_offer(db, TENTH, codes={"type": "bulk"})
    place = orders.group_commit(db, lanes=1)

    async def make(tx: Tx) -> None:
        await tx.execute(
            "insert into campaigns.codes (code, campaign_id, batch, made_at) values ('SPRING7XK', %(id)s, 'first', %(at)s)",
            id=made.campaign_id, at=clock.now(),
        )  # fmt: skip

    await db.run(make)
    plain = await place(world.request(await world.traveller(db), world.basket(slot)))
    mei, bo = await world.traveller(db), await world.traveller(db)
    placed = await place(
        msgspec.structs.replace(world.request(mei, world.basket(slot)), code=" spring-7xk ", key=ids.uuid7().hex)
    )
    assert placed.amount_minor == plain.amount_minor * 9 // 10
    with pytest.raises(offers.CodeRefused):
        await place(msgspec.structs.replace(world.request(bo, world.basket(slot)), code="SPRING7XK"))
    await world.run_out(db, await world.order_of(db, mei, placed.number))
    await orders.expiry.sweep(db)
    again = await place(
        msgspec.structs.replace(world.request(bo, world.basket(slot)), code="SPRING7XK", key=ids.uuid7().hex)
    )
    assert again.amount_minor == placed.amount_minor
    await invariants.require(db)


async def test_a_first_order_is_the_first_of_all_linked_accounts(db: Db) -> None:
    slot = await world.open_slot(db, places=20)
    await discounting.on_offer(db, TENTH, when={"op": "is_true", "field": "first_order"})
    place = orders.group_commit(db, lanes=1)
    mei, same = await world.traveller(db), await world.traveller(db)
    first = await place(world.request(mei, world.basket(slot)))
    found = await world.order_of(db, mei, first.number)
    await take(db, await db.run(orders.checkout._begin, mei.actor, found.row.id))
    await world.same_person(db, mei, same)
    second = await place(world.request(same, world.basket(await world.open_slot(db, starts_in=timedelta(days=3)))))
    assert second.amount_minor > first.amount_minor


async def test_who_asks_again_for_what_was_booked_with_a_single_code_gets_the_same_order(db: Db) -> None:
    """The answer was lost on the way; by now the code is used up, and the campaign may be over."""
    slot = await world.open_slot(db)
    made = await discounting.on_offer(db, TENTH, codes={"type": "bulk"})
    await db.run(codes.make_single, WHO, made.campaign_id, "ONCE2027", uses=1)
    mei, place = await world.traveller(db), orders.group_commit(db, lanes=1)
    wanted = msgspec.structs.replace(world.request(mei, world.basket(slot)), code="ONCE2027")
    placed = await place(wanted)
    assert await place(wanted) == placed
    with pytest.raises(offers.CodeRefused):
        await place(msgspec.structs.replace(world.request(mei, world.basket(slot)), code="ONCE2027"))
    await discounting.change(db, made, state="ended")
    assert await place(wanted) == placed


async def test_guessing_codes_is_limited_and_a_misread_letter_is_not_a_guess(db: Db) -> None:
    made = await discounting.on_offer(db, TENTH, codes={"type": "bulk"})
    await db.run(codes.make_single, WHO, made.campaign_id, "SPR1NG0V2", uses=1)
    assert await offers.read_code(db, "spring-ouz", "a phone") == "SPR1NG0V2"
    for n in range(codes.LOOKUPS):
        with pytest.raises(offers.CodeRefused):
            await offers.read_code(db, f"GUESS{n:04d}", "a guesser")
    with pytest.raises(codes.CodesTooOften):
        await offers.read_code(db, "SPR1NG0V2", "a guesser")
