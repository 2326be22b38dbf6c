"""``holdfast ledger``: balances are printed and counted, and a difference is an exit code."""

from __future__ import annotations

import json

import pytest
from anyio import to_thread

from holdfast import cli
from holdfast.kit import settings

from . import books

pytestmark = pytest.mark.anyio


@pytest.fixture
async def run(db, database_url, monkeypatch, capsys):
    """Runs a command on this test's database; its exit code and what it printed."""
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database_url)
    settings.current.cache_clear()

    async def command(*arguments: str) -> tuple[int, str]:
        code = await to_thread.run_sync(cli.main, list(arguments))
        return code, capsys.readouterr().out

    yield command
    monkeypatch.undo()
    settings.current.cache_clear()


async def test_balances_are_printed_with_names_and_what_is_leaving(db, run):
    provider, order = await books.received(db, 123_456)
    await books.pend(db, books.move(order, provider, 3456))
    code, text = await run("ledger", "balances")
    assert code == 0
    [line] = [line.split() for line in text.splitlines() if line.startswith("2010")]
    assert line == ["2010", "Order", "money", "CNY", "1234.56", "34.56", "1"]
    code, text = await run("ledger", "balances", "--json")
    assert (code, json.loads(text)["figures"]) == (0, {"1010_CNY": 123_456, "2010_CNY": 123_456})


async def test_verify_lists_what_differs_and_says_so_by_its_exit_code(db, run):
    _, order = await books.received(db, 100)
    code, text = await run("ledger", "verify")
    assert (code, text) == (0, "2 accounts recomputed from their entries, 0 counters differ\n")

    async def tamper(tx):
        await tx.execute("update ledger.accounts set credits_posted = 105 where code = '2010'")

    await db.run(tamper)
    code, text = await run("ledger", "verify")
    assert code == 1
    assert f"2010 {order.owner} CNY credits_posted: kept 105, entries 100" in text
    code, text = await run("ledger", "verify", "--json")
    found = json.loads(text)
    assert (code, found["passed"], found["figures"]) == (1, False, {"accounts": 2, "differences": 1})
    assert found["differences"][0]["account"] == {"code": "2010", "owner": order.owner, "currency": "CNY"}
