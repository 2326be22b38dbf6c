"""``holdfast webhooks …``: from the first address to the last delivery, as an operator types it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from holdfast import notices

pytestmark = pytest.mark.anyio


@pytest.fixture
def command(database_url):
    """Runs ``holdfast webhooks ARGUMENTS`` on this test's database: exit code, output, errors."""

    async def run(*arguments: object) -> tuple[int, str, str]:
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "holdfast", "webhooks", *map(str, arguments)],
            env={**os.environ, "HOLDFAST_DATABASE_URL": database_url}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout, ended.stderr

    return run


async def test_an_operator_subscribes_tests_pauses_and_sends_again(db, receiver, command):
    code, told, _ = await command(
        "add", receiver.url(), "--events", "payment.paid, order.confirmed", "--description", "city card"
    )
    assert code == 0
    subscription_id, secret_line = told.splitlines()[:2]
    assert secret_line.startswith("secret: whsec_")
    _, listed, _ = await command("list")
    assert subscription_id in listed
    assert "order.confirmed, payment.paid" in listed
    code, told, _ = await command("test", subscription_id)
    assert (code, told.split(" after ")[0]) == (0, "accepted: 204")
    receiver.will(500)
    code, told, _ = await command("test", subscription_id)
    assert (code, told.split(" after ")[0]) == (1, "not accepted: 500")

    await db.run(notices.publish, "payment.paid", {"amount_minor": 1}, subject="intent:1")
    await notices.webhooks.deliver(db)
    _, rows, _ = await command("deliveries", subscription_id, "--state", "delivered", "--limit", 1)
    assert "payment.paid" in rows
    number = rows.split()[0]
    assert (await command("resend", number))[0] == 0
    assert await notices.webhooks.deliver(db) == 1

    assert (await command("pause", subscription_id, "--reason", "server moves"))[1] == "paused\n"
    assert "server moves" in (await command("list"))[1]
    await db.run(notices.publish, "payment.paid", {"amount_minor": 1}, subject="intent:2")
    assert (await command("resume", subscription_id))[1] == "active; 1 deliveries are due now\n"
    assert (await command("rotate", subscription_id, "--overlap-hours", 0))[1].startswith("secret: whsec_")
    assert (await command("remove", subscription_id, "--reason", "over"))[1] == "ended\n"
    assert subscription_id not in (await command("list"))[1]
    assert subscription_id in (await command("list", "--all"))[1]


async def test_refusals_are_told_with_what_to_do(db, command):
    code, _, told = await command("add", "http://10.0.0.1/", "--events", "all")
    assert code == 3
    assert "url: This name leads into a private network." in told
    code, _, told = await command("resume", "0192d2c0-0000-7000-8000-000000000000")
    assert (code, "There is no such subscription." in told) == (3, True)
    code, _, told = await command("add", "https://x.test/", "--events", "payment.dreamt")
    assert "There is no event payment.dreamt." in told


async def test_what_can_be_subscribed_to_is_listed(command):
    _, told, _ = await command("events")
    assert all(name in told for name in notices.EVENTS)
