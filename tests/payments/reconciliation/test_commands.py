"""``holdfast payments …``: what the terminal shows and does, with exit codes that a script can use."""

from __future__ import annotations

import json

import pytest
from anyio import to_thread

from holdfast import cli, payments
from holdfast.kit import settings
from tests import world

from . import days

pytestmark = pytest.mark.anyio


@pytest.fixture
async def run(db, database_url, monkeypatch, capsys):
    """Runs a command on this test's database; its exit code and what it printed. Its channels are its own."""
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database_url)
    settings.current.cache_clear()

    async def command(*arguments: str) -> tuple[int, str]:
        await payments.close_channels()
        code = await to_thread.run_sync(cli.main, ["payments", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


async def test_health_shows_each_channel_with_its_calls(db, sim, run):
    await days.paid(db, sim)
    code, said = await run("health")
    assert code == 0
    [line] = [line.split() for line in said.splitlines() if line.startswith("wechatpay/native create")]
    assert line[:4] == ["wechatpay/native", "create", "apiv3.1", "healthy"]
    assert "0 of 1" in said
    assert "alipay/qr create" in said
    report = json.loads((await run("health", "--json"))[1])
    assert (report["name"], report["passed"]) == ("payments health", True)
    [native] = [one for one in report["channels"] if (one["method"], one["operation"]) == ("native", "create")]
    assert (native["state"], native["calls"], native["failed"]) == ("healthy", 1, 0)
    assert native["p95_ms"] >= 0


async def test_resolve_shows_what_is_in_doubt_and_how_long_it_takes(db, sim, run):
    sim.script({"fault": "hang", "match": "create", "seconds": 2}, {"fault": "html_502", "match": "query"})
    await days.begun(db)
    code, said = await run("resolve")
    [line] = [line.split() for line in said.splitlines() if line.startswith("wechatpay")]
    assert (code, line[1]) == (0, "1")
    [backlog] = [
        one for one in json.loads((await run("resolve", "--json"))[1])["backlogs"] if one["provider"] == "wechatpay"
    ]
    assert (backlog["in_doubt"], backlog["told_by_bill"]) == (1, 0)
    assert backlog["eta_s"] == pytest.approx(1 / 60)
    sim.script()


async def test_reconcile_compares_what_is_due_and_fails_while_differences_stand_open(db, sim, day, run):
    ref = await days.paid(db, sim)
    code, said = await run("reconcile", "--provider", "wechatpay", "--day", day.isoformat())
    assert code == 3
    assert "not made yet" in said
    days.to_bill(sim, day)
    code, said = await run("reconcile")
    assert code == 0, said
    assert f"wechatpay {day} fetched" in said
    assert "1 of 1 rows agree" in said
    following = days.begin(sim)
    sim.script({"fault": "bill_missing_row"})
    ref = await days.paid(db, sim)
    days.to_bill(sim, following)
    code, said = await run("reconcile", "--day", following.isoformat(), "--json")
    report = json.loads(said.splitlines()[-1])
    assert (code, report["passed"]) == (1, False)
    assert [(item["kind"], item["merchant_ref"]) for item in report["open"]] == [("missing_at_provider", ref)]
    assert f"Paid here, missing in the bill: {ref}" in (await run("reconcile"))[1]
    sim.script()


async def test_a_channel_is_switched_off_and_on(db, run):
    code, said = await run("switch", "alipay/qr", "--reason", "maintenance there", "--hours", "2")
    assert code == 0
    assert "maintenance there" in (await run("switches"))[1]
    assert "switch" in (await run("health"))[1]
    number = said.split("unswitch ")[1].split("`")[0]
    assert await run("unswitch", number) == (0, f"switch {number} is lifted\n")
    assert (await run("unswitch", number))[0] == 3
    assert (await run("switches"))[1] == "nothing is switched off\n"
    assert (await run("switch", "paypal", "--reason", "none", "--hours", "1"))[0] == 3


async def test_a_rollout_is_set_and_shown(db, run):
    code, said = await run("rollout", "wechatpay", "apiv3.2", "canary", "--percent", "5", "--reason", "new host rules")
    assert (code, said) == (0, "wechatpay apiv3.2: canary 5%\n")
    assert "rollout  wechatpay apiv3.2: canary 5% (else apiv3.1)" in (await run("health"))[1]
    assert (await run("rollout", "wechatpay", "apiv3.9", "primary", "--reason", "typo"))[0] == 3


async def test_a_refund_from_the_terminal_is_signed_for(db, sim, run):
    ref = await days.paid(db, sim)
    payment = await world.value(db, "select intent_id from payments.attempts where merchant_ref = %(ref)s", ref=ref)
    assert await run("refund", str(payment), "10.50", "--reason", "rain") == (0, "¥10.50 is on its way back\n")
    assert (await run("refund", str(payment), "50", "--reason", "rain"))[0] == 3  # more than is left
    await world.until_quiet(db)
    assert [(one["amount"], one["status"]) for one in sim.order(ref)["refunds"]] == [(1050, "SUCCESS")]
    actor = await world.value(db, "select actor from kit.audit where action = 'payment.refund'")
    assert actor.startswith("system:command line of ")
