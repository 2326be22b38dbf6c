"""``holdfast honour`` from the command line: it proposes and tells, and approves nothing."""

from __future__ import annotations

import pytest

from holdfast.kit.db import Db
from holdfast.orders import honour
from tests import command, world

from . import discounting

pytestmark = pytest.mark.anyio


def holdfast(url: str, *words: str) -> tuple[int, str]:
    return command.holdfast(url, "honour", *words)


async def test_a_stop_is_listed_shown_proposed_and_carried_out_after_finance_agreed(db: Db, database_url: str) -> None:
    assert holdfast(database_url, "list") == (0, "No campaign was stopped.\n")
    wrong = await discounting.campaign(db, "government")
    await discounting.paid(db, [wrong.grant(1200)], await world.open_slot(db))
    trip_id = str(await discounting.trip(db, wrong))
    code, said = holdfast(database_url, "list")
    assert (code, trip_id in said, "not decided" in said, "¥12.00" in said) == (0, True, True, True)
    holdfast(database_url, "run")
    assert await discounting.codes(db) == {"1095": 1200, "2060": 1200}
    why = ("--reason", "a wrong template was used")
    code, said = holdfast(database_url, "propose", trip_id, "honour", "--false-label", *why)
    assert code == 0
    assert f"/console/campaigns/incidents/{trip_id}/decision" in said
    code, said = holdfast(database_url, "show", trip_id)
    assert "waits at the console: campaign-honour" in said
    fin = await discounting.colleague(db, "finance")
    [proposal] = await db.read(honour.of_incident, world.UUID(trip_id))
    await honour.approve(db, fin.actor, proposal.id, proposal.shown)
    code, said = holdfast(database_url, "run")
    assert (code, said.splitlines()[-1]) == (0, "1 orders put right, 0 ended")
    assert holdfast(database_url, "run") == (0, "0 orders put right, 0 ended\n")
    code, said = holdfast(database_url, "propose", trip_id, "right", *why)
    assert code == 3
    assert "It is decided already" in said


async def test_bad_input_says_what_is_wrong(db: Db, database_url: str) -> None:
    nothing = "00000000-0000-7000-8000-000000000000"
    code, said = holdfast(database_url, "show", nothing)
    assert (code, "No campaign was stopped under this number." in said) == (3, True)
    assert holdfast(database_url, "show", "mei")[0] == 2
    code, said = holdfast(
        database_url, "account", nothing, nothing, "--evidence", "odd", "--reason", "a wrong template was used"
    )
    assert code == 3
