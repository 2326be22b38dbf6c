"""Reveal: one field, one reason, one line in the trail that the person can read; not many in an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import accounts, orders
from holdfast.kit import clock
from holdfast.orders import reveal
from holdfast.orders.reveal import Field, NothingToReveal, RevealTooOften
from tests import staff, world

from .scenes import booked

pytestmark = pytest.mark.anyio


async def shown(db, colleague, number, field, traveller=0, reason="case 7K3QF"):
    return await reveal.reveal(db, colleague.actor, number, field, traveller, reason, ["desk"])


async def test_a_colleague_sees_an_order_masked(db):
    mei = await booked(db)
    order = await db.read(reveal.desk_view, f" {mei.order.number[:5].lower()}-{mei.order.number[5:]}")
    told = repr(order)
    for secret in mei.secrets:
        assert secret not in told
    assert [one.name_masked for one in order.travellers] == ["欧**", "A*** L*** P***"]
    for wrong in ("", "nonsense", "7K3QF90XMA"):
        with pytest.raises(orders.OrderUnknown):
            await db.read(reveal.desk_view, wrong)


async def test_one_field_is_shown_and_its_owner_can_read_who_and_why(db):
    mei, lin = await booked(db), await staff.colleague(db, "desk")
    assert (await shown(db, lin, mei.order.number, Field.NAME, 2)).value == mei.visitors[1].name
    assert (await shown(db, lin, mei.order.number, Field.DOCUMENT, 1)).value == mei.visitors[0].document
    assert (await shown(db, lin, mei.order.number, Field.PHONE)).value == mei.phone
    looks = await db.read(orders.rights.looks, mei.person.account_id)
    assert [(one.field, one.traveller, one.reason, one.roles) for one in looks] == [
        ("phone", 0, "case 7K3QF", ["desk"]), ("document", 1, "case 7K3QF", ["desk"]), ("name", 2, "case 7K3QF", ["desk"]),
    ]  # fmt: skip
    trail = await db.read(accounts.trail, action="order.reveal")
    assert {one.actor for one in trail} == {str(lin.actor)}
    for value in mei.secrets:
        assert value not in repr(trail), "the trail says that it was looked at, not what was seen"
    assert await db.read(orders.rights.looks, (await world.traveller(db)).account_id) == []


async def test_what_is_not_there_is_not_shown_and_not_noted(db):
    mei, lin = await booked(db), await staff.colleague(db, "desk")
    for field, traveller in ((Field.NAME, 3), (Field.DOCUMENT, 0), (Field.NAME, -1)):
        with pytest.raises(NothingToReveal):
            await shown(db, lin, mei.order.number, field, traveller)
    with pytest.raises(orders.OrderUnknown):
        await shown(db, lin, "7K3QF90XMA", Field.PHONE)
    assert await db.read(accounts.trail, action="order.reveal") == []


async def test_a_colleague_looks_at_twenty_fields_in_an_hour(db):
    mei, lin, jun = await booked(db), await staff.colleague(db, "desk"), await staff.colleague(db, "support")
    for _ in range(reveal.REVEALS):
        await shown(db, lin, mei.order.number, Field.PHONE)
    with pytest.raises(RevealTooOften) as refused:
        await shown(db, lin, mei.order.number, Field.PHONE)
    assert refused.value.fields["retry_after_s"] <= reveal.WINDOW_S
    assert len(await db.read(accounts.trail, action="order.reveal-refused")) == 1
    await shown(db, jun, mei.order.number, Field.PHONE)
    clock.move(timedelta(hours=1, seconds=1))
    await shown(db, lin, mei.order.number, Field.PHONE)
