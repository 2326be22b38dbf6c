"""Finding: one's own orders by what one wishes to see, and a missing one by what one knows; nothing is shown before a proof."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from holdfast import accounts, orders
from holdfast.accounts import documents
from holdfast.kit import clock, ids
from holdfast.orders import Clues, Wish
from holdfast.orders.finding import SEARCHES_BY_CLUE, SEARCHES_BY_SOURCE
from holdfast.orders.model import LookupTooOften
from tests import world
from tests.world import place, request

pytestmark = pytest.mark.anyio
SOURCE = "198.51.100.7"


async def mine(db, person, *, page="", limit=20, **wish):
    return await db.read(orders.finding.mine, person.account_id, Wish(**wish), page=page, limit=limit)


def numbers(found) -> list[str]:
    return [order.number for order in found]


# One's own


@pytest.fixture
async def mei(db):
    return await world.traveller(db)


async def book(db, person, **slot):
    return (await place(db, request(person, world.basket(await world.open_slot(db, **slot))))).number


async def test_what_is_still_to_come_stands_first_the_soonest_before(db, mei):
    later = await book(db, mei, starts_in=timedelta(days=5))
    soon = await book(db, mei, starts_in=timedelta(days=1))
    past = await book(db, mei, starts_in=timedelta(hours=1))
    older = await book(db, mei, starts_in=timedelta(minutes=1))
    ended = await book(db, mei, starts_in=timedelta(days=3))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, ended))
    clock.move(timedelta(hours=4))
    found = await mine(db, mei)
    assert numbers(found.orders) == [soon, later, ended, past, older]
    assert (found.coming, found.following) == (2, "")


async def test_orders_are_found_by_state_name_number_and_day(db, mei):
    first, second = [await world.open_slot(db, starts_in=timedelta(days=days)) for days in (1, 4)]
    one = (await place(db, request(mei, world.basket(first)))).number
    two = (await place(db, request(mei, world.basket(second)))).number
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, two))
    name = f"museum {first.venue_id.removeprefix('venue-')}"
    day = second.starts_at.astimezone(world.ZONE).date()
    for wish, expected in (
        ({"state": orders.State.CANCELLED}, [two]), ({"state": orders.State.HELD}, [one]), ({"text": name}, [one]),
        ({"text": f" {name.upper()} "}, [one]), ({"text": f"博物馆{first.venue_id.removeprefix('venue-')}"}, [one]),
        ({"text": ids.show_code(two).lower()}, [two]), ({"text": "100%"}, []), ({"text": "_"}, []),
        ({"since": day}, [two]), ({"until": day - timedelta(days=1)}, [one]), ({"since": day, "until": day}, [two]),
        ({"since": day, "state": orders.State.HELD}, []), ({}, [one, two]),
    ):  # fmt: skip
        assert numbers((await mine(db, mei, **wish)).orders) == expected, wish


async def test_every_account_of_the_person_lists_them_and_strangers_see_none(db, mei):
    number = await book(db, mei)
    other, stranger = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, other)
    own = await book(db, other, starts_in=timedelta(days=2))
    assert numbers((await mine(db, other)).orders) == numbers((await mine(db, mei)).orders) == [number, own]
    assert (await mine(db, stranger)).orders == []
    assert (await mine(db, stranger, text=number)).orders == []


async def test_pages_show_every_order_once_also_while_time_goes_on(db, mei):
    slot = await world.open_slot(db, places=50, starts_in=timedelta(seconds=100))
    near = [(await place(db, request(mei, world.basket(slot)))).number for _ in range(4)]
    far = [await book(db, mei, starts_in=timedelta(days=day + 1)) for day in range(5)]
    seen, page = [], ""
    while True:
        found = await mine(db, mei, page=page, limit=2)
        seen += numbers(found.orders)
        page = found.following
        clock.move(timedelta(hours=1))
        if not page:
            break
    assert sorted(seen) == sorted(near + far)
    assert seen[4:] == far
    for nonsense in ("x", "1.2.3", "9" * 30 + ".1." + "0" * 32, "..", "-1.0.zz"):
        assert len((await mine(db, mei, page=nonsense, limit=2)).orders) == 2


async def test_a_thousand_orders_are_listed_at_once(db, mei):
    slots = [await world.open_slot(db, places=400, starts_in=timedelta(days=day)) for day in (1, 2, 3)]
    wanted = [request(mei, world.basket(slots[n % 3])) for n in range(1000)]
    for at in range(0, 1000, 250):
        await world.place_many(db, *wanted[at : at + 250])
    await mine(db, mei)
    best = 10.0
    for _ in range(3):
        began = time.perf_counter()
        found = await mine(db, mei, text="museum")
        best = min(best, time.perf_counter() - began)
    assert len(found.orders) == 20
    assert best < 0.25, best


# A missing one


@pytest.fixture
async def known(db):
    """Somebody with an order of two people, and what they know of it."""
    person = await world.traveller(db)
    visitors = [world.visitor(), world.visitor("李雷", "H12345678", "hkmo_travel_permit")]
    basket = world.basket(await world.open_slot(db), visitors=visitors)
    order = await world.order_of(db, person, (await place(db, request(person, basket))).number)
    return person, order, basket, visitors


def document_clue(visitor) -> Clues:
    today = clock.now().date()
    found, _findings = documents.check_document(visitor.document_type, visitor.document, today)
    return Clues(document_type=found.type, document_key=found.person_key)


async def search(db, clues, typed=None, source=SOURCE):
    return await orders.finding.search(db, clues, typed or {}, source)


async def test_each_thing_one_knows_finds_the_order(db, known):
    person, order, basket, visitors = known
    for clues, way in (
        (document_clue(visitors[0]), "document"), (document_clue(visitors[1]), "document"), (Clues(phone=basket.phone), "phone"),
        (Clues(phone=person.phone), "phone"), (Clues(number=order.number), "number"),
    ):  # fmt: skip
        finding = await search(db, clues)
        assert [(match.number, match.ways) for match in finding.matches] == [(order.number, (way,))], clues
    both = await search(
        db, Clues(phone=basket.phone, document_type="cn_resident_id", document_key=visitors[0].document)
    )
    assert both.matches[0].ways == ("document", "phone")
    renewed = visitors[1].document + "02"
    assert (await search(db, document_clue(world.visitor("李雷", renewed, "hkmo_travel_permit")))).matches
    for nothing in (Clues(phone=world.phone_number()), Clues(reference="HF0"), document_clue(world.visitor())):
        finding = await search(db, nothing)
        assert (finding.matches, finding.loose) == ([], [])


async def test_contacts_tell_two_digits_and_no_more_and_only_of_what_was_found_by_more_than_a_phone(db, known):
    _person, _order, basket, visitors = known
    finding = await search(db, document_clue(visitors[0]))
    [contact] = await db.read(orders.finding.contacts, finding)
    assert contact.ending == basket.phone[-2:]
    assert basket.phone[-4:] not in contact.key
    assert await db.read(orders.finding.phone_behind, finding, contact.key) == basket.phone
    assert await db.read(orders.finding.phone_behind, finding, "x" * 22) is None
    by_phone = await search(db, Clues(phone=basket.phone))
    assert await db.read(orders.finding.contacts, by_phone) == []


async def test_what_was_found_travels_sealed_and_ends_after_half_an_hour(db, known):
    _person, order, _basket, visitors = known
    finding = await search(db, document_clue(visitors[0]), {"document": "••••1234"})
    sealed = orders.finding.seal(finding)
    assert order.number not in sealed
    assert orders.finding.opened(sealed) == finding
    for bad in ("", "x", sealed[:-4], sealed[:-6] + "AAAAAA", orders.proofs.sealed(world.phone_number()), "ключ"):
        with pytest.raises(orders.FindingOver):
            orders.finding.opened(bad)
    clock.move(timedelta(minutes=31))
    with pytest.raises(orders.FindingOver):
        orders.finding.opened(sealed)


async def test_a_proven_phone_shows_what_belongs_to_it_and_nothing_else(db, known):
    person, order, basket, visitors = known
    finding = await search(db, document_clue(visitors[0]))
    for phone in (basket.phone, person.phone):
        assert numbers(await db.read(orders.finding.proven_by_phone, finding, phone)) == [order.number]
    assert await db.read(orders.finding.proven_by_phone, finding, world.phone_number()) == []
    [shown] = await db.read(orders.finding.proven_by_phone, finding, basket.phone)
    assert shown.redacted
    assert shown.travellers == []


async def test_an_account_of_the_person_is_a_proof_and_another_is_none(db, known):
    person, order, _basket, visitors = known
    finding = await search(db, document_clue(visitors[0]))
    other, stranger = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, person, other)
    for account_id, expected in ((person.account_id, 1), (other.account_id, 1), (stranger.account_id, 0)):
        found = await db.read(orders.finding.proven_by_account, finding, account_id)
        assert numbers(found) == [order.number][:expected]


async def test_document_and_pin_are_a_proof_and_a_pin_with_something_else_is_none(db, known):
    _person, order, basket, visitors = known
    pin = orders.pins.pin(order.number)
    finding = await search(db, document_clue(visitors[0]))
    assert numbers(await orders.finding.proven_by_pin(db, finding, pin, SOURCE)) == [order.number]
    assert await orders.finding.proven_by_pin(db, finding, "00000000", SOURCE) == []
    by_phone = await search(db, Clues(phone=basket.phone))
    assert await orders.finding.proven_by_pin(db, by_phone, pin, "203.0.113.1") == []


async def test_pins_cannot_be_guessed_through_documents_of_several_orders(db, known):
    person, order, _basket, visitors = known
    again = await place(db, request(person, world.basket(await world.open_slot(db), visitors=[visitors[0]])))
    finding = await search(db, document_clue(visitors[0]))
    assert len(finding.matches) == 2
    for n in range(5):
        assert await orders.finding.proven_by_pin(db, finding, "00000000", f"198.51.100.{n}") == []
    for number in (order.number, again.number):
        with pytest.raises(LookupTooOften):
            await orders.finding.proven_by_pin(db, finding, orders.pins.pin(number), "203.0.113.9")
        with pytest.raises(LookupTooOften):
            await orders.pins.by_pin(db, number, orders.pins.pin(number), "203.0.113.10")


async def test_searches_are_limited_by_source_and_by_what_is_searched(db, known):
    _person, _order, _basket, visitors = known
    clue = document_clue(visitors[0])
    for n in range(SEARCHES_BY_CLUE):
        await search(db, clue, source=f"198.51.100.{n}")
    with pytest.raises(orders.SearchedTooOften):
        await search(db, clue, source="203.0.113.9")
    for _ in range(SEARCHES_BY_SOURCE):
        await search(db, document_clue(world.visitor()), source="203.0.113.20")
    with pytest.raises(orders.SearchedTooOften) as raised:
        await search(db, Clues(phone=world.phone_number()), source="203.0.113.20")
    assert raised.value.fields["retry_after_s"] <= 3600


def test_an_amount_or_a_day_alone_is_no_clue():
    now = clock.now()
    assert Clues().is_empty
    assert Clues(amount_minor=6000).is_empty
    assert Clues(since=now, until=now).is_empty
    assert not Clues(amount_minor=6000, since=now, until=now).is_empty
    assert not Clues(reference="x").is_empty


# Proving a phone


async def test_a_code_proves_a_phone_for_this_and_opens_no_session(db):
    phone = world.phone_number()
    await orders.proofs.send_code(db, phone, "en", SOURCE)
    code = await world.code_sent_to(db, phone)
    with pytest.raises(accounts.CodeExpired):
        await accounts.sign_in(db, phone, code, kept=False, device="")
    with pytest.raises(accounts.CodeWrong):
        await orders.proofs.prove(db, phone, f"{(int(code) + 1) % 1_000_000:06d}", SOURCE)
    proof = await orders.proofs.prove(db, phone, code, SOURCE)
    assert orders.proofs.phone_of(proof) == phone
    assert phone[-8:] not in proof
    for bad in ("", proof[:-4], "x", orders.finding.seal(orders.Finding({}, [], [], clock.now()))):
        assert orders.proofs.phone_of(bad) is None
    with pytest.raises(accounts.CodeExpired):
        await orders.proofs.prove(db, phone, code, SOURCE)
    clock.move(timedelta(minutes=31))
    assert orders.proofs.phone_of(proof) is None
