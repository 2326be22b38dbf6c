"""``holdfast accounts restrictions``: a preview first, then one command."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest

import holdfast as program
from holdfast import accounts, cli
from holdfast.accounts import restrictions
from holdfast.kit import clock, settings
from holdfast.kit.db import Db


@pytest.fixture
def holdfast(database_url, monkeypatch, capsys):
    """``holdfast("--release", "1")``: exit code and what was printed."""
    here = msgspec.structs.replace(settings.current(), database_url=database_url)
    monkeypatch.setattr(settings, "current", lambda: here)

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(["accounts", "restrictions", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def _restrict(url: str, count: int) -> None:
    db = await Db(url, size=1).open()
    for n in range(count):
        await db.run(
            restrictions.restrict, accounts.Method.PASSWORD, n.to_bytes(32), None, reason="test", ttl=timedelta(hours=1)
        )
    await db.close()


def test_counts_come_first_and_voiding_needs_a_choice_and_a_reason(holdfast, database_url):
    assert holdfast() == (0, "0 restrictions not voided, 0 of them in force\n")
    asyncio.run(_restrict(database_url, 4))
    release = ("--release", program.__version__)
    code, said = holdfast(*release)
    assert code == 0
    assert "4 restrictions not voided, 4 of them in force" in said
    assert "add --void --reason" in said
    assert holdfast(*release, "--void")[0] == 2
    assert holdfast("--void", "--reason", "bad release")[0] == 3
    code, said = holdfast(*release, "--void", "--reason", "bad release", "--json")
    assert (code, json.loads(said)["figures"]["voided"]) == (0, 4)
    assert "0 restrictions" in holdfast(*release)[1]


def test_a_time_is_a_choice_too(holdfast, database_url):
    asyncio.run(_restrict(database_url, 2))
    now = clock.now()
    early, late = (f"{now + timedelta(minutes=by):%Y-%m-%dT%H:%M}" for by in (-5, 5))
    assert "voided 0" in holdfast("--to", early, "--void", "--reason", "test")[1]
    assert "voided 2" in holdfast("--from", early, "--to", late, "--void", "--reason", "test")[1]
