"""Many at once, on committed data: the guard, the keys and the claims hold, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from holdfast import ledger
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem

from . import books

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
WALKERS = 8
STEPS = 250


@pytest.fixture
async def desks(database_url: str) -> AsyncIterator[list[Db]]:
    """Two processes on one database."""
    opened = [await Db(database_url, size=WALKERS // 2).open() for _ in range(2)]
    yield opened
    for one in opened:
        await one.close()


async def together(doing) -> Counter:
    """All at once; how many did it, and the codes of those who were refused."""
    results = await asyncio.gather(*doing, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Problem):
            raise result
    return Counter(result.code if isinstance(result, Problem) else "done" for result in results)


async def deadlocks(db: Db) -> int:
    async def ask(tx):
        return await tx.value("select deadlocks from pg_stat_database where datname = current_database()")

    return await db.read(ask)


async def quiet(db: Db, *others: Db) -> None:
    """Invariants hold and nobody met a deadlock: those are counted when their sessions end."""
    await books.require_invariants(db)
    assert await db.read(ledger.verify) == []
    for other in others:
        await other.close()
    assert await deadlocks(db) == 0


async def test_of_eight_refunds_at_once_one_is_accepted(db, desks):
    provider, order = await books.received(db, 10_000)
    told = await together(books.pend(desks[n % 2], books.move(order, provider, 6000)) for n in range(8))
    assert told == {"done": 1, "guard-broken": 7}
    assert await books.left(db, order) == (10_000, 4000)
    await quiet(db, *desks)


async def test_of_two_hundred_holds_exactly_what_the_budget_allows_is_held(db, desks):
    available, used = books.new("9010"), books.new("9011")
    await books.record(db, books.move(used, available, 10_000))
    told = await together(books.pend(desks[n % 2], books.move(available, used, 100)) for n in range(200))
    assert told == {"done": 100, "guard-broken": 100}
    assert await books.left(db, available) == (10_000, 0)
    await quiet(db, *desks)


async def test_one_key_written_by_many_at_once_is_one_journal(db, desks):
    for _ in range(10):
        provider, order = await books.received(db, 100)
        name, legs = books.key(), books.move(order, provider, 100)
        found = await asyncio.gather(*(books.record(desks[n % 2], legs, name) for n in range(8)))
        assert len(set(found)) == 1
        assert await books.left(db, order) == (0, 0)
    await quiet(db, *desks)


async def test_one_key_with_two_contents_at_once_is_one_journal(db, desks):
    for _ in range(10):
        name = books.key()
        told = await together(
            books.record(desks[n % 2], books.move(books.new("1010"), books.new("2010"), 100), name) for n in range(8)
        )
        assert told == {"done": 1, "key-reused-otherwise": 7}
    await quiet(db, *desks)


async def test_a_claim_posted_and_voided_at_once_is_resolved_once(db, desks):
    for _ in range(10):
        provider, order = await books.received(db, 100)
        claim = await books.pend(db, books.move(order, provider, 60))
        told = await together((books.post, books.void)[n % 2](desks[n // 2 % 2], claim) for n in range(8))
        assert told == {"done": 1, "already-resolved": 7}
        assert await books.left(db, order) in ((40, 40), (100, 100))
    await quiet(db, *desks)


async def test_a_journal_undone_by_many_at_once_is_undone_once(db, desks):
    provider, order = books.new("1010"), books.new("2010")
    journal = await books.record(db, books.move(provider, order, 100))
    await books.record(db, books.move(provider, order, 900))
    told = await together(books.reverse(desks[n % 2], journal) for n in range(8))
    assert told == {"done": 1, "already-reversed": 7}
    assert await books.left(db, order) == (900, 900)
    await quiet(db, *desks)


async def test_accounts_first_named_by_many_at_once_are_made_once_and_in_one_order(db, desks):
    for _ in range(3):
        names = [books.new("1090") for _ in range(6)]
        named, go_on = asyncio.Event(), asyncio.Event()

        async def names_one_and_waits(tx, one=names[3], named=named, go_on=go_on):
            legs = books.move(one, books.new("1020"), 1)
            await ledger.record(tx, "first", books.key(), legs, subject="s", at=clock.now())
            named.set()
            await go_on.wait()

        async def names_all(n, names=names):
            legs = [ledger.debit(account, 1) for account in names[:-1]]
            if n % 2:  # the other way about: the function is given the sides in the order of names
                legs = [ledger.credit(leg.account, 1) for leg in legs[:2]] + legs[2:]
            await books.record(desks[n % 2], [*legs, ledger.credit(names[-1], 1 if n % 2 else 5)])

        first = asyncio.create_task(db.run(names_one_and_waits))
        await named.wait()
        all_at_once = asyncio.create_task(together(names_all(n) for n in range(8)))
        await asyncio.sleep(0.2)  # all wait for the account that is not yet committed
        go_on.set()
        await first
        assert await all_at_once == {"done": 8}
    await quiet(db, *desks)


async def test_a_random_walk_of_many_leaves_every_book_in_order(db, desks):
    orders, providers = [books.new("2010") for _ in range(6)], [books.new("1010") for _ in range(2)]
    told: Counter = Counter()
    claims: list = []
    singles: list = []

    async def step(dice: random.Random, desk: Db) -> None:
        order, provider, amount = dice.choice(orders), dice.choice(providers), dice.randint(1, 500)
        act = dice.choice(
            ["receive", "receive", "give", "claim", "claim", "split", "post", "void", "reverse", "replay"]
        )
        if act == "receive":
            singles.append(await books.record(desk, books.move(provider, order, amount)))
        elif act == "give":
            await books.record(desk, books.move(order, provider, amount))
        elif act == "claim":
            claims.append(await books.pend(desk, books.move(order, dice.choice([provider, *orders]), amount)))
        elif act == "split":
            few = dice.sample(orders, 3)
            await books.record(desk, [ledger.debit(provider, 3 * amount), *(ledger.credit(one, amount) for one in few)])
        elif act == "replay":
            name, legs = f"replay-{amount % 20}", books.move(providers[0], orders[amount % 3], 50 + amount % 20)
            await books.record(desk, legs, name, at=clock.now())
        elif act == "reverse" and singles:
            await books.reverse(desk, dice.choice(singles))
        elif claims:
            await (books.post if act == "post" else books.void)(desk, dice.choice(claims))

    async def walk(n: int) -> None:
        dice = random.Random(n)
        for _ in range(STEPS):
            try:
                await step(dice, desks[n % 2])
                told["done"] += 1
            except Problem as problem:
                told[problem.code] += 1

    await asyncio.gather(*(walk(n) for n in range(WALKERS)))
    assert sum(told.values()) == WALKERS * STEPS
    allowed = {"done", "guard-broken", "already-resolved", "already-reversed", "key-reused-otherwise"}
    assert set(told) <= allowed, told
    assert told["done"] > WALKERS * STEPS / 2
    await quiet(db, *desks)
