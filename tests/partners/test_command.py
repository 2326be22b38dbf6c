"""``holdfast partners …``: the same things from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast import cli, partners
from holdfast.cli import terminal
from holdfast.kit.db import Db
from tests import world

from .suppliers import supplier

pytestmark = pytest.mark.anyio


@pytest.fixture
async def run(db: Db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A command in a thread of its own, as it has its own event loop; its exit and what it said."""
    import anyio

    monkeypatch.setattr(terminal, "database_url", lambda: db.url)

    async def call(*arguments: str) -> tuple[int, str, str]:
        code = await anyio.to_thread.run_sync(cli.main, ["partners", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


async def test_a_partner_from_registration_to_switching_off(db: Db, run, tmp_path: Path) -> None:
    slot = await world.open_slot(db, price_minor=0, real_name=False)
    assert (await run("add", "inn", "--en", "The inn", "--phone", "13800000000"))[0] == 0
    assert (await run("add", "inn", "--en", "The inn"))[0] == 3
    assert "120 min on the day" in (await run("supply", "inn", slot.product_id, "--day-minutes", "120"))[1]
    assert "never   inn" in (await run("list"))[1]
    assert (await run("say", "inn", "open"))[1].strip() == "applied"
    assert (await run("list"))[0] == 0
    day = slot.starts_at.astimezone(world.ZONE).date()
    file = tmp_path / "news.csv"
    file.write_text(f"kind,product_id,from,left\nplaces,{slot.product_id},{day},3\n")
    assert "applied: 1 rows" in (await run("upload", "inn", str(file)))[1]
    file.write_text("kind,product_id,from,left\nplaces,nothing,x,3\n")
    code, _out, err = await run("upload", "inn", str(file))
    assert code == 3
    assert "news[0].from" in err
    assert (await run("token", "inn", "channel manager"))[1].startswith("hfp_")
    assert "/supply/inn." in (await run("link", "inn"))[1]
    assert slot.product_id in (await run("show", "inn"))[1]
    assert (await run("off", "inn", "--reason", "contract over"))[0] == 0
    assert "off     inn" in (await run("list"))[1]
    assert (await run("on", "inn", "--reason", "contract again"))[0] == 0
    assert (await run("pull", "inn"))[0] == 1
    assert (await run("link", "nobody"))[0] == 3


async def test_the_list_exits_1_when_a_partner_needs_somebody(db: Db, run) -> None:
    who = await supplier(db)
    await db.run(partners.health.turned_away, who.actor, who.id, who.product_id, note="at the door")
    code, out, _err = await run("list")
    assert code == 1
    assert "barred" in out
