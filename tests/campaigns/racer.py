"""A process that books as fast as it can: ``python -m tests.campaigns.racer URL SLOT PRICE COUNT``; prints how it went."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from uuid import UUID

from holdfast import accounts, orders
from holdfast.kit import actor, ids
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem


async def race(url: str, slot: str, price: str, count: int) -> None:
    """Bookings side by side; a line ``placed:amount`` or ``problem:reason`` for each kind of outcome, with its number."""
    db = await Db(url, size=4).open()
    place, outcomes = orders.group_commit(db, lanes=2), Counter[str]()

    async def book(n: int) -> None:
        account_id = await db.run(accounts.open_account)
        basket = orders.Basket([orders.BasketLine(UUID(slot), price, 1)], f"+86138{n:08d}")
        request = orders.prepare(
            account_id=account_id, key=ids.uuid7().hex, basket=basket, locale="en", channel="web", actor=actor.Actor("traveller", account_id)
        )  # fmt: skip
        try:
            placed = await place(request)
        except Problem as problem:
            outcomes[f"{problem.code}:{problem.fields.get('reason', '')}"] += 1
        else:
            outcomes[f"placed:{placed.amount_minor}"] += 1

    await asyncio.gather(*(book(n) for n in range(count)))
    await db.close()
    for outcome, number in sorted(outcomes.items()):
        print(outcome, number)


if __name__ == "__main__":
    _program, url, slot, price, count = sys.argv
    asyncio.run(race(url, slot, price, int(count)))
