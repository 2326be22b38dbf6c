"""What travellers, payers, staff and workers do, by the same commands as the pages, the API and the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import msgspec

from holdfast import orders, payments
from holdfast.kit import actor, clock, http, jobs, settings
from holdfast.kit.db import Db, ReadTx
from holdfast.kit.problems import DatabaseUnavailable, Problem
from holdfast.payments import bulk, channels, health, health_store, reconciliation, resolver, rollouts, store, switches
from holdfast.payments.model import Attempt
from holdfast.payments.simulator.simulation import NotPayable, Simulation
from tests import world

from .ground import Ground

STAFF = actor.system("machine")
WAYS = {
    "any": payments.Wish(),
    **{
        f"{provider}/{method}": payments.Wish(provider, method, payer_ip="127.0.0.1")
        for provider, methods in {**channels.METHODS, "desk": ("desk",)}.items()
        for method in methods
    },
}
"""How a payer may want to pay; `any`: whatever is best."""


async def drain(db: Db) -> None:
    """All news that is due is carried."""
    await jobs.drain(db)


async def watch(db: Db) -> None:
    await health.watch(db)
    await health.probe(db)


WORKERS: dict[str, Callable[[Db], Awaitable[Any]]] = {
    "outbox": drain,
    "resolver": resolver.resolve,
    "health": watch,
    "conversion": health.watch_conversion,
    "expiry": orders.expiry.sweep,
    "promises": orders.promises.sweep,
    "bulk": bulk.resolve,
    "reconciliation": reconciliation.run_all,
}
"""What workers do by themselves, each as one step."""


class Booking(msgspec.Struct, frozen=True):
    """An order and whose it is."""

    person: world.Person
    number: str


async def required(db: Db, booking: Booking) -> orders.Order:
    return await world.order_of(db, booking.person, booking.number)


async def wants_money(db: Db, booking: Booking) -> bool:
    order = await required(db, booking)
    if order.state in orders.model.UNPAID:
        return order.row.expires_at is not None and order.row.expires_at > clock.now()
    return order.row.intent_id is not None and (await db.read(payments.view, order.row.intent_id)).state == "deferred"


async def pay(db: Db, booking: Booking, way: str, *, insist: bool = False) -> str:
    """Presses a button of the payment page."""
    wish = msgspec.structs.replace(WAYS[way], insist=insist)
    view = await orders.pay(db, booking.person.actor, await required(db, booking), wish)
    return f"{view.provider} {view.attempt_state}"


async def answered(asking: Awaitable[Any]) -> str:
    """What somebody is told: what came of it, or the problem in a word."""
    try:
        return str(await asking)
    except DatabaseUnavailable:  # there is no reason for that here
        raise
    except Problem as problem:
        return problem.code


async def press_all(db: Db, booking: Booking, ways: list[str]) -> str:
    """Several tabs at once."""
    return ", ".join(await asyncio.gather(*(answered(pay(db, booking, way)) for way in ways)))


async def one_after_another(db: Db, names: list[str]) -> None:
    for name in names:
        await WORKERS[name](db)


async def side_by_side(db: Db, names: list[str]) -> None:
    """Several workers at once, each in the midst of the others' work."""
    await asyncio.gather(*(WORKERS[name](db) for name in names))


async def cancel(db: Db, booking: Booking) -> None:
    await orders.cancel(db, booking.person.actor, await required(db, booking))


async def promise(db: Db, booking: Booking) -> None:
    await orders.promise(db, booking.person.actor, await required(db, booking))


async def run_out(db: Db, booking: Booking) -> None:
    """The order's time is over by our clock, which is ahead of the provider's."""
    order = await required(db, booking)
    if order.state in orders.model.UNPAID:
        await world.run_out(db, order)


async def intent_of(db: Db, booking: Booking) -> UUID:
    """The payment of an order. IntentUnknown when none was begun."""
    intent_id = (await required(db, booking)).row.intent_id
    if intent_id is None:
        raise payments.IntentUnknown
    return intent_id


async def take_at_desk(db: Db, booking: Booking) -> None:
    await db.run(payments.take_at_desk, STAFF, await intent_of(db, booking), "by hand")


async def refund(db: Db, bookings: list[Booking], at: int, amount_minor: int | None) -> str:
    """Staff give back part of what an order was paid, or all of it."""
    paid = [number for number in await db.read(_paid_orders) if number in {booking.number for booking in bookings}]
    if not paid:
        return "no order is paid"
    [booking] = [one for one in bookings if one.number == paid[at % len(paid)]]
    await db.run(orders.refund, STAFF, await intent_of(db, booking), amount_minor, "asked for")
    return f"of order {bookings.index(booking)}"


async def _paid_orders(tx: ReadTx) -> list[str]:
    return await tx.values(
        """select o.number from orders.orders o join payments.intents i on i.id = o.intent_id
           where i.state = 'paid' order by o.id desc"""
    )


async def hand_over(db: Db) -> str:
    """Staff give by hand what only they can give: refunds at the desk, and those that a provider calls abnormal."""
    given = 0
    for refund_id in await db.read(_by_hand):
        await db.run(payments.handed_over, STAFF, refund_id, "signed for")
        given += 1
    return f"{given} refunds by hand"


async def _by_hand(tx: ReadTx) -> list[UUID]:
    return await tx.values(
        """select r.id from payments.refunds r join payments.attempts a on a.id = r.attempt_id
           where r.state = 'abnormal' or (a.provider = 'desk' and r.state not in ('succeeded', 'closed')) order by r.id"""
    )


async def switch(db: Db, provider: str, *, on: bool) -> None:
    """Staff switch a channel off (``*``: all), or everything that is off on again."""
    if not on:
        for name in channels.METHODS if provider == "*" else [provider]:
            await db.run(switches.turn_off, STAFF, name, None, "machine", timedelta(hours=2))
        return
    for one in await db.read(health_store.switches, clock.now()):
        await db.run(switches.turn_on, STAFF, one.id)


async def roll_out(db: Db, mode: str) -> None:
    """The new version of an adapter serves half of the payers, all, or none again."""
    await db.run(rollouts.change, STAFF, "wechatpay", channels.VERSIONS["wechatpay"][1], mode, 50, "machine")


# At the provider


async def _charges(tx: ReadTx) -> list[Attempt]:
    ids = await tx.values("select id from payments.attempts where provider <> 'desk' order by id desc")
    return [found for one in ids if (found := await store.attempt(tx, one)) is not None]


async def charges(ground: Ground, *, paid: bool) -> list[Attempt]:
    """Charges by what their provider knows of them, the newest first: `paid`, or not paid and not ended."""
    known = {one["out_trade_no"]: one for one in _orders(ground.simulation)}

    def fits(charge: Attempt) -> bool:
        order = known.get(charge.merchant_ref)
        if order is None:
            return bool(charge.pay_url) and not paid  # a page order is made when its payer opens it
        return bool(order["paid_amount"]) is paid and (paid or not order["state"].endswith("CLOSED"))

    return [charge for charge in await ground.db.read(_charges) if fits(charge)]


async def pay_there(ground: Ground, at: int, more_minor: int, *, again: bool = False) -> str:
    """A payer pays one of the charges: what is asked and so much more, or less; `again`: a second time."""
    found = await charges(ground, paid=again)
    if not found:
        return "nothing to pay"
    charge = found[at % len(found)]
    if charge.pay_url:
        await visit(ground, charge)
    try:
        paid = ground.simulation.pay(
            charge.merchant_ref, charge.amount_minor + more_minor if more_minor else None, None, again=again
        )
    except KeyError:
        return "the provider knows no such charge"
    except NotPayable as refused:
        return f"not payable: {refused.state}"
    return f"paid {paid['amount']}"


async def visit(ground: Ground, charge: Attempt, *, declines: bool = False) -> str:
    """A payer opens what we showed: the code, or the provider's page; and perhaps declines there."""
    origin = settings.current().simulator_url
    page = charge.pay_url or (f"{origin}{path}" if (path := ground.simulation.scanned(charge.code_url or "")) else "")
    try:
        if page:
            return await _open_page(ground, page, declines=declines)
        if charge.client_secret and charge.provider_ref and declines:
            key = ground.simulation.sims["stripe"].config(origin)["publishable_key"]
            given = {"client_secret": charge.client_secret, "payment_method": "pm_card_chargeDeclined", "key": key}
            url = f"{origin}/stripe/v1/payment_intents/{charge.provider_ref}/confirm"
            return f"declined {(await ground.browse('POST', url, given)).status}"
    except http.NoAnswer as missing:
        return f"the page did not come: {missing.reason}"
    return "nothing to see"


async def _open_page(ground: Ground, page: str, *, declines: bool) -> str:
    seen = await ground.browse("GET", page)
    while (onward := seen.headers.get("location")) is not None:
        page = urljoin(page, onward)
        seen = await ground.browse("GET", page)
    if declines and urlsplit(page).path.startswith(("/wallet/", "/alipay/pay/")):
        seen = await ground.browse("POST", page, {"action": "decline"})
    return f"saw {urlsplit(page).path.split('/')[1]} {seen.status}"


async def look(ground: Ground, at: int, *, declines: bool) -> str:
    found = await charges(ground, paid=False)
    return await visit(ground, found[at % len(found)], declines=declines) if found else "nothing to see"


def _orders(simulation: Simulation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulation.truth()["orders"]  # type: ignore[assignment]
    return found


async def settle_refund(simulation: Simulation, at: int, status: str) -> str:
    """A provider comes to an end with a refund that it has in processing."""
    waiting = [
        one["out_refund_no"]
        for order in _orders(simulation)
        for one in order["refunds"]
        if one["status"] == "PROCESSING"
    ]
    if not waiting:
        return "no refund in processing"
    return str(simulation.settle_refund(waiting[at % len(waiting)], status)["status"])


async def rotate(simulation: Simulation, provider: str) -> None:
    """Providers sign with new keys from now on; we know them when our configuration is read anew."""
    for sim in simulation.sims.values():
        if provider in ("*", sim.name):
            sim.rotate_keys()


Seldom = Callable[[Db, Simulation, int, str], Awaitable[Any]]
SELDOM: dict[str, Seldom] = {
    "hand over": lambda db, simulation, at, provider: hand_over(db),
    "switch off": lambda db, simulation, at, provider: switch(db, provider, on=False),
    "switch on": lambda db, simulation, at, provider: switch(db, provider, on=True),
    "roll out": lambda db, simulation, at, provider: roll_out(db, ("off", "shadow", "canary", "primary")[at % 4]),
    "refund goes": lambda db, simulation, at, provider: settle_refund(simulation, at, "SUCCESS"),
    "refund closes": lambda db, simulation, at, provider: settle_refund(simulation, at, "CLOSED"),
    "refund fails": lambda db, simulation, at, provider: settle_refund(simulation, at, "ABNORMAL"),
    "restart": lambda db, simulation, at, provider: payments.close_channels(),
    "new keys": lambda db, simulation, at, provider: rotate(simulation, provider),
}
"""What happens now and then, by name."""
