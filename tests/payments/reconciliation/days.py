"""Short words for days: moving both clocks to a day and its bill, payments of a day, and what a comparison left."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from holdfast import ledger, orders, payments
from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx
from holdfast.payments import bills, reconciliation
from holdfast.payments.bills import BEIJING
from holdfast.payments.reconciliation_model import Item
from tests import world
from tests.payments.conftest import SimulatorProcess


def until(moment: datetime) -> float:
    return (moment - clock.now()).total_seconds()


def begin(sim: SimulatorProcess) -> date:
    """On to an hour past the next midnight in Beijing."""
    tomorrow = clock.now().astimezone(BEIJING).date() + timedelta(days=1)
    sim.advance(until(datetime.combine(tomorrow, time(1), BEIJING)))
    return tomorrow


def to_bill(sim: SimulatorProcess, day: date, provider: str = "wechatpay") -> None:
    """On to when the bill of a day is there."""
    sim.advance(until(bills.ready_at(provider, day)) + 60)


async def paid(db: Db, sim: SimulatorProcess, *, price_minor: int = 6000) -> str:
    """A confirmed order of one ticket; the reference of its charge."""
    person, order = await world.paid_order(
        db, sim, await world.open_slot(db, price_minor=price_minor, starts_in=timedelta(days=20))
    )
    view = await world.payment_of(db, person, order)
    assert view.merchant_ref is not None
    return view.merchant_ref


async def begun(db: Db, wish: payments.Wish = payments.Wish()) -> tuple[str, world.Person, orders.Order]:  # noqa: B008
    """A charge that waits for its payer; its reference, whose it is, and the order."""
    person, order = await world.held_order(db, await world.open_slot(db, starts_in=timedelta(days=20)))
    view = await orders.pay(db, person.actor, order, wish)
    assert view.merchant_ref is not None
    return view.merchant_ref, person, order


async def compared(db: Db, day: date, provider: str = "wechatpay") -> list[Item]:
    """All differences of a day after it was fetched and compared."""
    return (await reconciliation.reconcile(db, provider, day)).items


def brief(items: list[Item]) -> list[tuple[Any, ...]]:
    """Kind, reference, ours, theirs, and how it stands."""
    return sorted(
        (item.kind, item.merchant_ref, item.ours_minor, item.theirs_minor, item.resolution or item.state)
        for item in items
    )


async def balance(db: Db, code: str, provider: str = "wechatpay", currency: str = "CNY") -> int:
    """What stands on a code for a provider, its shards together."""
    return sum(one.amount_minor for one in await db.read(ledger.owned, code, currency) if one.account.owner == provider)


async def everything(db: Db) -> dict[str, Any]:
    """What reconciliation has written, to compare before and after."""

    async def ask(tx: ReadTx) -> dict[str, Any]:
        return {
            "items": await tx.dicts("select * from payments.recon_items order by id"),
            "journals": await tx.value("select count(*) from ledger.journals"),
            "rows": await tx.dicts("select * from payments.bill_rows order by provider, day, number"),
        }

    return await db.read(ask)


async def calls(db: Db, operation: str) -> int:
    """How often providers were called with an operation."""
    return int(
        await world.value(
            db, "select count(*) from payments.calls where operation = %(operation)s", operation=operation
        )
    )
