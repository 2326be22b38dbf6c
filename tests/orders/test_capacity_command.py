"""``holdfast capacity`` from the command line: shows what it would do, does it when asked, refuses what needs a second person."""

from __future__ import annotations

import pytest

from holdfast.kit.db import Db
from tests import command, world

from . import cuts

pytestmark = pytest.mark.anyio


def holdfast(url: str, *words: str) -> tuple[int, str]:
    return command.holdfast(url, "capacity", *words)


async def test_a_rule_is_tried_applied_shown_and_lifted(db: Db, database_url: str) -> None:
    slot = await world.open_slot(db, places=10, real_name=False)
    day = str(cuts.day_of(slot))
    rule = (
        "set",
        slot.venue_id,
        "percent",
        "50",
        "--from",
        day,
        "--to",
        day,
        "--authority",
        "Bureau",
        "--reason",
        "ordered today",
    )
    code, said = holdfast(database_url, *rule)
    assert (code, "places -5 +0" in said, "nothing was changed" in said) == (0, True, True), said
    assert await world.value(db, "select count(*) from inventory.policies") == 0
    code, said = holdfast(database_url, *rule, "--apply")
    assert code == 0, said
    policy = said.rsplit(": ", 1)[1].strip()
    code, said = holdfast(database_url, "show", slot.venue_id)
    assert (code, policy in said, "capacity      5" in said) == (0, True, True), said
    code, said = holdfast(database_url, "lift", policy, "--reason", "it is over", "--apply")
    assert (code, "second person" in said) == (3, True), said
    code, said = holdfast(database_url, "lift", policy, "--reason", "it is over", "--propose")
    assert (code, "proposed: " in said) == (0, True), said


async def test_what_touches_bookings_is_a_cut_and_nothing_else(db: Db, database_url: str) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    await cuts.many_paid(db, [slot], 4, most=1)
    code, said = holdfast(database_url, "set", slot.venue_id, "percent", "50", "--reason", "ordered today", "--apply")
    assert (code, "cut" in said) == (3, True), said
    cut = await cuts.stopped(db, slot, 50)
    await cuts.approved(db, cut)
    assert holdfast(database_url, "hold", str(cut.id), "--reason", "wait")[0] == 0
    assert holdfast(database_url, "run", str(cut.id))[1].startswith("freeing (held): 4 orders wait")
    assert holdfast(database_url, "hold", str(cut.id), "--reason", "go on", "--go-on")[0] == 0
    assert holdfast(database_url, "run", str(cut.id))[1].startswith("done: 0 orders wait")
    assert "done" in holdfast(database_url, "cuts")[1]
    code, said = holdfast(database_url, "try")
    assert (code, "ev-covid-30" in said) == (0, True)
    assert holdfast(database_url, "try", "ev-covid-30")[0] == 0
    assert holdfast(database_url, "try", "no-such")[0] == 3
