"""Hands that make what the console's pages of payments tell of."""

from __future__ import annotations

from uuid import UUID

import httpx2

from holdfast import orders, payments
from holdfast.kit.db import Db
from holdfast.payments import refunds, refunds_store, store
from holdfast.payments.model import Attempt
from holdfast.payments.providers.base import RefundObservation, RefundState, Source
from holdfast.web.console import access
from tests import staff, world
from tests.payments.conftest import SimulatorProcess


async def come_as(reader: httpx2.AsyncClient, db: Db, *roles: str, name: str = "Lin Wen") -> staff.Colleague:
    """Somebody with these roles is signed in at this browser."""
    person = await staff.colleague(db, *roles, name=name)
    reader.cookies.set(access.COOKIE, person.token)
    return person


async def begun(
    db: Db, provider: str = "wechatpay", people: int = 1
) -> tuple[world.Person, orders.Order, payments.PaymentView]:
    """A held order whose payment is started: its owner, the order, what the page shows."""
    mei, order = await world.held_order(db, await world.open_slot(db), people)
    view = await orders.pay(db, mei.actor, order, payments.Wish(provider))
    return mei, await world.order_of(db, mei, order.number), view


async def paid(db: Db, sim: SimulatorProcess, people: int = 1) -> tuple[world.Person, orders.Order, UUID]:
    """A confirmed order, paid by a wallet: its owner, the order, its payment."""
    mei, order = await world.paid_order(db, sim, await world.open_slot(db), people)
    assert order.row.intent_id is not None
    return mei, order, order.row.intent_id


async def told(db: Db, refund_id: UUID, state: RefundState, code: str | None = None) -> None:
    """The provider said this of a refund."""
    refund = await db.read(refunds_store.refund, refund_id)
    assert refund is not None
    seen = RefundObservation(source=Source.QUERY, state=state, refund_ref=refund.refund_ref, error_code=code)
    await db.run(refunds.observe_refund, refund_id, seen)


async def attempt_of(db: Db, merchant_ref: str) -> Attempt:
    attempt_id = await world.value(db, "select id from payments.attempts where merchant_ref = %(r)s", r=merchant_ref)
    found = await db.read(store.attempt, attempt_id)
    assert found is not None
    return found
