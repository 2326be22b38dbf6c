"""We as the client of a supplier's OCTO interface: another installation of this program, over HTTP, with its moods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from holdfast import orders, partners
from holdfast.kit import clock, ids, jobs
from holdfast.kit.db import Db
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.orders import supplied
from holdfast.partners import client, client_bookings, client_pull, client_store
from tests import invariants, world
from tests.conftest import clone

from . import octo_supplier
from .conftest import noon
from .suppliers import BY, Supplier, later, sale, supplier

pytestmark = pytest.mark.anyio


@pytest.fixture
def their_url(server: str, template: str) -> Iterator[str]:
    """The supplier's own database."""
    with clone(server, template) as url:
        yield url


@pytest.fixture
async def theirs(their_url: str) -> AsyncIterator[Db]:
    opened = await Db(their_url, size=4).open()
    yield opened
    await opened.close()


@pytest.fixture
async def db(database_url: str, theirs: Db) -> AsyncIterator[Db]:
    """Ours. In the end all invariants hold on both sides."""
    noon()
    opened = await Db(database_url, size=6).open()
    yield opened
    await invariants.require(opened)
    await invariants.require(theirs)
    await opened.close()


@pytest.fixture
def there(their_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[octo_supplier.Running]:
    monkeypatch.setattr(client, "TIMEOUT_S", 15.0)
    with octo_supplier.served(their_url) as running:
        yield running


class Deal:
    """A slot of theirs, the slot of ours that it is, and an order placer of ours."""

    def __init__(
        self, db: Db, theirs: Db, running: octo_supplier.Running, who: Supplier, their_slot: world.SlotWorld
    ) -> None:
        self.db, self.theirs, self.running, self.who, self.their_slot = db, theirs, running, who, their_slot
        self.faults = running.faults
        self.place = supplied.first(db, orders.group_commit(db, lanes=1))

    async def book(self, count: int = 1, key: str = "") -> orders.Placed | str:
        self.place._known_at = float("-inf")
        person = await world.traveller(self.db)
        wanted = orders.Basket([orders.BasketLine(self.who.slot.slot_id, self.who.slot.price_id, count)], person.phone)
        try:
            return await self.place(world.request(person, wanted, key or None))
        except Problem as problem:
            return problem.code

    async def booked(self, count: int = 1) -> orders.Placed:
        placed = await self.book(count)
        assert isinstance(placed, orders.Placed), placed
        return placed

    async def there_taken(self) -> int:
        return int(
            await world.value(
                self.theirs, "select taken from inventory.slots where id = %(id)s", id=self.their_slot.slot_id
            )
        )

    async def states(self) -> list[str]:
        found = await self.db.read(client_store.recent, self.who.id)
        return [one.state for one in reversed(found)]

    async def their_states(self) -> list[str]:
        return list(await self.theirs.read(_their_states))


async def _their_states(tx: Any) -> list[str]:
    found: list[str] = await tx.values("select state from orders.orders order by placed_at, id")
    return found


@pytest.fixture
async def deal(db: Db, theirs: Db, there: octo_supplier.Running) -> Deal:
    """Ten places with them; our slot allows a hundred, so that their word decides."""
    at = timedelta(days=1)
    theirs_slot = await world.open_slot(
        theirs, places=10, price_minor=0, real_name=False, starts_in=at, max_per_order=50
    )
    await theirs.run(partners.register, BY, partner_id="holdfast", name={"en": "Holdfast"})
    await theirs.run(
        partners.limits.set_terms, BY, "holdfast", partners.Terms(selling=True, requests_per_s=1000), reason="test"
    )
    _token, secret = await theirs.run(partners.make_token, BY, "holdfast", name="client")
    ours = await world.open_slot(db, places=100, price_minor=0, real_name=False, starts_in=at, max_per_order=50)
    who = await supplier(db, slot=ours, speaks=False)
    assert await client_pull.connect(db, BY, who.id, there.url + "/", secret) == 1
    await client_pull.sell(db, BY, who.id, ours.product_id, theirs_slot.product_id)
    made = Deal(db, theirs, there, who, theirs_slot)
    assert await client_pull.pull(db, who.id)
    return made


async def test_what_they_say_is_free_is_what_we_sell_and_only_changes_are_news(deal):
    assert (await sale(deal.db, deal.who)).places_left == 10
    await world.set_slot(deal.theirs, deal.their_slot, capacity=4)
    await client_pull.pull(deal.db, deal.who.id)
    assert (await sale(deal.db, deal.who)).places_left == 4
    await client_pull.pull(deal.db, deal.who.id)
    newest, changed, *_ = await deal.db.read(partners.feeds.messages, deal.who.id)
    assert [one["kind"] for one in newest.body] == ["heartbeat"]
    assert [one["kind"] for one in changed.body] == ["heartbeat", "places"]
    await world.set_slot(deal.theirs, deal.their_slot, state="paused")
    await client_pull.pull(deal.db, deal.who.id)
    assert (await sale(deal.db, deal.who)).sale == "sold-out"


async def test_their_hold_comes_first_and_is_confirmed_with_the_order(deal):
    placed = await deal.booked(3)
    assert await deal.states() == ["held"]
    assert await deal.there_taken() == 3
    assert await deal.their_states() == ["held"]
    await jobs.drain(deal.db)
    assert await deal.states() == ["confirmed"]
    assert await deal.their_states() == ["confirmed"]
    await client_pull.pull(deal.db, deal.who.id)
    assert (await sale(deal.db, deal.who)).places_left == 7, "what is ours there is not subtracted twice"
    assert await world.value(deal.theirs, "select reseller_reference from orders.resales") == placed.number


async def test_what_they_do_not_have_is_not_sold_whatever_we_think(deal):
    await world.set_slot(deal.theirs, deal.their_slot, capacity=2)
    assert await deal.book(3) == "supplier-full"
    assert await deal.states() == ["refused"]
    assert await world.value(deal.db, "select count(*) from orders.orders") == 0
    assert await deal.booked(2)
    assert await deal.book(1) == "supplier-full"


async def test_a_refusal_of_ours_gives_their_hold_back(deal):
    await deal.db.run(partners.health.take_off, BY, deal.who.id, deal.who.product_id, reason="test")
    assert await deal.book(2) == "sale-unconfirmed"
    assert await deal.states() == ["cancelled"]
    assert await deal.there_taken() == 0


async def test_the_same_request_twice_holds_once(deal):
    person = await world.traveller(deal.db)
    wanted = orders.Basket([orders.BasketLine(deal.who.slot.slot_id, deal.who.slot.price_id, 2)], person.phone)
    request = world.request(person, wanted, "same")
    first = await deal.place(request)
    again = await deal.place(msgspec.structs.replace(world.request(person, wanted, "same"), order_id=ids.uuid7()))
    assert again == first
    assert await deal.there_taken() == 2
    assert await deal.states() == ["held"]


@pytest.mark.parametrize("mode", ["silent", "down"])
async def test_a_silent_supplier_takes_no_booking_and_nothing_stays_held(deal, mode, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_S", 0.5)
    deal.faults.strike(mode, "/bookings")
    assert await deal.book(2) == "supplier-silent"
    assert await deal.states() == ["cancelling"]
    assert await world.value(deal.db, "select count(*) from orders.orders") == 0
    deal.faults.strike("")
    monkeypatch.setattr(client, "TIMEOUT_S", 15.0)
    later(minutes=3)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["cancelled"]
    assert await deal.there_taken() == 0


async def test_a_hold_whose_answer_was_lost_is_given_back_until_they_say_so(deal):
    deal.faults.strike("lost", "/bookings", method="POST", times=2)
    assert await deal.book(2) == "supplier-silent"
    assert await deal.there_taken() == 2, "they have it, we do not know"
    later(minutes=1)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["cancelling"], "it was cancelled, and that answer was lost, too"
    later(minutes=1)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["cancelled"]
    assert await deal.there_taken() == 0


async def test_a_confirmation_whose_answer_was_lost_is_asked_again_and_books_once(deal):
    await deal.booked(2)
    deal.faults.strike("lost", "/confirm", times=1)
    await jobs.drain(deal.db)
    assert await deal.states() == ["confirming"]
    assert await deal.their_states() == ["confirmed"]
    later(minutes=1)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["confirmed"]
    assert await deal.there_taken() == 2


async def test_a_cancelled_order_is_cancelled_there(deal):
    person = await world.traveller(deal.db)
    wanted = orders.Basket([orders.BasketLine(deal.who.slot.slot_id, deal.who.slot.price_id, 2)], person.phone)
    placed = await deal.place(world.request(person, wanted))
    await jobs.drain(deal.db)
    await orders.cancel(deal.db, person.actor, await world.order_of(deal.db, person, placed.number))
    deal.faults.strike("down", "/cancel", times=1)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["cancelling"]
    later(minutes=5)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["cancelled"]
    assert await deal.there_taken() == 0


async def test_a_hold_that_an_order_was_placed_for_is_found_after_a_crash(deal):
    person = await world.traveller(deal.db)
    wanted = orders.Basket([orders.BasketLine(deal.who.slot.slot_id, deal.who.slot.price_id, 2)], person.phone)
    request = world.request(person, wanted)
    need = client_store.Need(
        deal.who.product_id, deal.who.id, deal.who.slot.starts_at.astimezone(world.ZONE).date(), deal.who.slot.code, 2
    )
    await client_bookings.hold(deal.db, [need], f"{person.account_id}:{request.key}", request.order_id, 30)
    await world.place(deal.db, request)  # and then the process was killed
    later(minutes=4)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["confirmed"]
    other = world.request(person, wanted)
    await client_bookings.hold(deal.db, [need], f"{person.account_id}:{other.key}", other.order_id, 30)
    assert await deal.there_taken() == 4
    later(minutes=4)
    await supplied.look_after(deal.db)
    assert await deal.states() == ["confirmed", "cancelled"]
    assert await deal.there_taken() == 2


async def test_a_supplier_that_takes_back_its_hold_stops_being_sold_and_somebody_settles_it(deal):
    placed = await deal.booked(2)
    await deal.theirs.run(_end_holds)
    await jobs.drain(deal.db)
    assert await deal.states() == ["refused"]
    assert await deal.book(1) == "sale-unconfirmed"
    [ask] = await deal.db.read(partners.asks.answered, deal.who.id)
    assert (ask.answer, ask.order_number, ask.places) == ("cannot", placed.number, 2)
    assert (
        await world.value(deal.db, "select state from orders.orders where number = %(n)s", n=placed.number)
        == "confirmed"
    )


async def _end_holds(tx: Any) -> None:
    """They lose what they held."""
    await tx.execute("update orders.orders set state = 'expired', expires_at = placed_at where state = 'held'")
    await tx.execute("update orders.resales set held_until = %(at)s", at=clock.now() - timedelta(minutes=1))
    await tx.execute("update inventory.slots s set taken = 0 where taken > 0")
    await tx.execute("update orders.lines set live = false")


@pytest.mark.parametrize(
    "lie", [{"status": "REJECTED"}, {"unitItems": []}, {"uuid": "0192d2c0-0000-7000-8000-000000000000"}]
)
async def test_a_grant_of_something_else_is_no_grant(deal, lie):
    deal.faults.strike("lie", "/bookings", method="POST", times=1, **lie)
    assert await deal.book(2) == "supplier-silent"
    later(minutes=1)
    await supplied.look_after(deal.db)
    assert await deal.there_taken() == 0


async def test_a_lie_about_what_is_free_sells_nothing_they_do_not_have(deal):
    deal.faults.strike("lie", "/availability", vacancies=50, available=True, status="AVAILABLE")
    await client_pull.pull(deal.db, deal.who.id)
    assert (await sale(deal.db, deal.who)).places_left == 50
    assert await deal.book(11) == "supplier-full"


async def test_silence_closes_the_sale_and_the_next_answer_opens_it(deal):
    deal.faults.strike("down", "/availability")
    later(hours=12, minutes=1)
    assert not await client_pull.pull(deal.db, deal.who.id)
    assert (await sale(deal.db, deal.who)).sale == "unconfirmed"
    row = await deal.db.read(client_store.supplier, deal.who.id)
    assert row is not None
    assert row.failure == "status-503"
    deal.faults.strike("")
    assert await client_pull.pull_all(deal.db) == 1
    assert (await sale(deal.db, deal.who)).sale == "open"


async def test_many_at_once_for_the_last_places_sell_each_once(deal):
    await world.set_slot(deal.theirs, deal.their_slot, capacity=3)
    outcomes = await asyncio.gather(*(deal.book(1) for _ in range(8)))
    assert sum(isinstance(one, orders.Placed) for one in outcomes) == 3, outcomes
    assert await deal.there_taken() == 3
    assert (
        await world.value(deal.db, "select taken from inventory.slots where id = %(id)s", id=deal.who.slot.slot_id) == 3
    )


async def test_a_wrong_address_or_token_is_said_to_be_so(deal, there):
    for url, token in ((there.url, "hfp_wrong"), ("http://127.0.0.1:9/octo", "x"), ("ftp://nowhere", "x"), ("", "")):
        with pytest.raises(InvalidInput):
            await client_pull.connect(deal.db, BY, deal.who.id, url, token)
    with pytest.raises(InvalidInput):
        await client_pull.sell(deal.db, BY, deal.who.id, deal.who.product_id, "no-such-product")
    other = await supplier(deal.db)
    with pytest.raises(partners.NotSupplied):
        await client_pull.sell(deal.db, BY, deal.who.id, other.product_id, deal.their_slot.product_id)
