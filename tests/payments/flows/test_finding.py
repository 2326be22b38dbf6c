"""A missing order found by its payment: our number, the provider's, or about when so much was paid; and money without an order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders, support
from holdfast.kit import clock
from holdfast.kit.db import Tx
from holdfast.orders import Clues
from holdfast.support import evidence
from holdfast.support.priorities import Money, Reason
from tests import world

pytestmark = pytest.mark.anyio
SOURCE = "198.51.100.7"


async def search(db, **clues) -> orders.Finding:
    return await orders.finding.search(db, Clues(**clues), {"reference": "typed"}, SOURCE)


async def test_the_numbers_in_a_wallet_and_about_when_so_much_was_paid_find_the_order(db, sim):
    person, order = await world.paid_order(db, sim, await world.open_slot(db, price_minor=7300))
    view = await world.payment_of(db, person, order)
    txn = await world.value(db, "select provider_txn from payments.attempts where provider_txn is not null")
    now = clock.now()
    around = {"since": now - timedelta(hours=2), "until": now + timedelta(hours=2)}
    for clues, way in (
        ({"reference": view.merchant_ref}, "reference"), ({"reference": view.merchant_ref.lower()}, "reference"),
        ({"reference": txn}, "reference"), ({"amount_minor": 7300, **around}, "amount"),
    ):  # fmt: skip
        finding = await search(db, **clues)
        assert [(match.number, match.ways) for match in finding.matches] == [(order.number, (way,))], clues
        assert finding.loose == []
    for clues in ({"amount_minor": 7301, **around}, {"amount_minor": 7300, "since": now - timedelta(days=2), "until": now - timedelta(days=1)},
                  {"reference": txn[:-1]}, {"reference": "%"}):  # fmt: skip
        assert (await search(db, **clues)).matches == []
    finding = await search(db, amount_minor=7300, **around)
    assert await db.read(orders.finding.contacts, finding) == [], "an amount tells nobody's phone"
    finding = await search(db, reference=txn)
    [contact] = await db.read(orders.finding.contacts, finding)
    phone = await db.read(orders.finding.phone_behind, finding, contact.key)
    assert [one.number for one in await db.read(orders.finding.proven_by_phone, finding, phone)] == [order.number]


async def test_a_claimed_payment_is_in_doubt_until_the_provider_says_what_became_of_it(db, sim):
    slot = await world.open_slot(db, places=1, starts_in=timedelta(hours=6))
    person, order = await world.held_order(db, slot)
    view = await orders.pay(db, person.actor, order)
    finding = await search(db, reference=view.merchant_ref)
    new = support.NewCase(
        kind=support.Kind.CHARGED, words="Paid, and no order.", phone=person.phone, locale="en", channel="web", key="k",
        account_id=person.account_id, finding=finding,
    )  # fmt: skip
    opened = await support.cases.open_case(db, person.actor, new)
    case = await db.read(support.desk.require, opened.number)
    assert (case.money, case.reasons) == (Money.IN_DOUBT, [Reason.VISIT_TODAY, Reason.MONEY_IN_DOUBT])
    story = await db.read(support.cases.story, case)
    kinds = [one.kind for one in story.evidence]
    assert kinds == ["typed", "matches", "order", "payment"]
    [payment] = [one.content for one in story.evidence if one.kind == "payment"]
    assert payment["attempts"][0]["merchant_ref"] == view.merchant_ref
    staff_actor = person.actor
    await db.run(support.desk.bind, staff_actor, case, order.number)
    sim.pay(view.merchant_ref)
    await world.until_quiet(db)
    await support.desk.weigh_all(db)
    case = await db.read(support.desk.require, opened.number)
    assert case.money is Money.SETTLED
    assert case.reasons == [Reason.VISIT_TODAY]


class _Undo(Exception):
    """The books are not to stay like this."""


async def test_money_for_an_order_that_holds_no_places_is_a_charge_without_an_order(db, sim):
    _person, order = await world.paid_order(db, sim, await world.open_slot(db))
    assert await db.read(evidence.money_of, [order]) is Money.SETTLED

    async def end(tx: Tx) -> None:
        await tx.execute("update orders.orders set state = 'expired' where id = %(id)s", id=order.row.id)
        assert await evidence.money_of(tx, [order]) is Money.WITHOUT_ORDER
        raise _Undo

    with pytest.raises(_Undo):
        await db.run(end)
