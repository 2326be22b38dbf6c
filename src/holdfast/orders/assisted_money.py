"""The account and the money of an order that a desk makes for somebody, in the transaction that places it.

Cash in hand confirms it at once. What is to be paid later keeps its places until the visit: online through the link, or at the
desk; whoever has not paid by then loses them as after any hold, and the provider is asked first.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast import accounts, payments
from holdfast.kit import clock, crypto
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import pick
from holdfast.kit.money import Money

from . import confirmation, imports_store, store
from .model import PlaceRequest, State, may_become

TIME_TO_PAY = timedelta(hours=1)
"""At least: a visit that begins sooner, or is over, is paid at the desk."""


async def account_for(tx: Tx, request: PlaceRequest) -> UUID:
    """The account of a person known by the phone; else one that nobody signs in to yet, the same for the same phone."""
    if request.phone is None:
        return await accounts.open_account(tx, request.locale)
    index = bytes.fromhex(request.phone_index.removeprefix("\\x"))
    known = await imports_store.account_of_phone(tx, index)
    if known is None:
        known = await accounts.open_account(tx, request.locale)
        await imports_store.insert_desk_account(tx, index, known, clock.now())
    return known


async def known(tx: ReadTx, phone: str) -> UUID | None:
    """The account that `account_for` will take for this phone (E.164), if there is one already."""
    return await imports_store.account_of_phone(tx, crypto.blind_index("phone", phone))


async def settle(tx: Tx, actor: Actor, order_id: UUID, *, paid: bool, note: str) -> None:
    """Begins the payment of an order that was just placed here; `paid`: the whole sum is in the drawer, so it is confirmed."""
    row = await store.locked(tx, order_id)
    assert row is not None
    assert row.state is State.HELD, row.state
    lines = (await store.lines(tx, [order_id]))[order_id]
    now = clock.now()
    until = max(now + TIME_TO_PAY, min(line.starts_at for line in lines))
    description = f"{pick(lines[0].venue_name, row.locale)} {row.number}"
    money = Money(row.amount_minor, row.currency)
    intent_id = await payments.want(tx, f"order:{order_id}", money, description, until)
    await store.set_intent(tx, order_id, intent_id)
    assert may_become(row.state, State.AWAITING_PAYMENT)
    await store.set_state(tx, order_id, State.AWAITING_PAYMENT, expires_at=until, confirmed_at=None)
    await store.add_event(tx, order_id, "payment_started", now, str(actor), {})
    if paid:
        attempt = await payments.take_at_desk(tx, actor, intent_id, note)
        await confirmation.confirm(tx, intent_id, attempt.id)
