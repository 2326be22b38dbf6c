"""The same rules by every door: programs with a token, and the command line. One person is one person everywhere."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from holdfast import accounts, changes
from holdfast.campaigns import start
from holdfast.kit.db import Db
from tests import command, staff
from tests.api.conftest import client_of, mounted, problem
from tests.campaigns import proposing

pytestmark = pytest.mark.anyio
ROOT = "/api/v1/campaigns"
FIGURES = {"amount": "10", "unit": "percent", "cap": "20", "payer": "platform"}


@pytest.fixture
async def client(db):
    async with client_of(mounted(db)) as client:
        client.headers["Accept-Language"] = "en"
        yield client


@pytest.fixture
async def people(db):
    await proposing.orders_of_the_past(db, 10_000, 4000)
    return [await proposing.person(db, role) for role in ("marketing", "finance", "marketing")]


async def token(db: Db, person: staff.Colleague) -> str:
    [role] = await roles(db, person)
    return await staff.api_token(db, person, role)


async def roles(db: Db, person: staff.Colleague) -> tuple[str, ...]:
    return (await db.read(accounts.staff_member, person.id)).roles


async def ask(
    client: httpx2.AsyncClient, db: Db, person: staff.Colleague, method: str, path: str, body: Any = None, key: str = ""
):
    headers = {"Authorization": f"Bearer {await token(db, person)}"} | ({"Idempotency-Key": key} if key else {})
    return await client.request(method, path, json=body, headers=headers)


async def test_a_program_writes_tries_proposes_and_another_persons_program_approves(client, db, people):
    lin, wu, chen = people
    said = proposing.content(await proposing.envelope(db, lin, wu))
    body = {"campaign": "spring", "content": msgspec.to_builtins(said)}
    made = await ask(client, db, lin, "POST", f"{ROOT}/drafts", body, key="one")
    assert made.status_code == 201, made.text
    again = await ask(client, db, lin, "POST", f"{ROOT}/drafts", body, key="one")
    assert (again.json()["id"], again.json()["people_needed"]) == (made.json()["id"], 2)
    draft = f"{ROOT}/drafts/{made.json()['id']}"
    early = await ask(client, db, lin, "POST", f"{draft}/proposal", {"reason": "spring in Nanjing"})
    problem(early, 409, "backtest-missing")
    tried = await ask(client, db, lin, "POST", f"{draft}/backtest", {"days": 30})
    assert (tried.json()["orders"], tried.json()["matched"], tried.json()["total_minor"]) == (2, 1, 1000)
    proposal = (await ask(client, db, lin, "POST", f"{draft}/proposal", {"reason": "spring in Nanjing"})).json()
    address, approval = f"{ROOT}/proposals/{proposal['id']}", {**FIGURES, "shown": proposal["shown"]}
    problem(await ask(client, db, lin, "POST", f"{address}/approval", approval), 403, "same-person")
    for person, state in ((chen, "proposed"), (wu, "approved")):
        answer = await ask(client, db, person, "POST", f"{address}/approval", approval)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    begun = await ask(client, db, lin, "POST", f"{address}/start")
    assert begun.json()["state"] == "applied"
    [one] = (await ask(client, db, wu, "GET", ROOT)).json()["campaigns"]
    assert (one["campaign"], one["state"], one["stage"]) == ("spring", "canary", 1)
    stopped = await ask(
        client, db, await proposing.person(db, "engineer"), "POST", f"{ROOT}/spring/stop", {"reason": "drill"}
    )
    assert stopped.json()["state"] == "tripped"
    problem(await ask(client, db, lin, "POST", f"{ROOT}/spring/stop"), 409, "already-stopped")


async def test_a_slip_by_a_program_rejects_like_a_slip_by_hand(client, db, people):
    lin, wu, chen = people
    asked = await proposing.proposal(db, lin, proposing.content(await proposing.envelope(db, lin, wu)))
    slip = {**FIGURES, "payer": "government", "shown": asked.shown}
    answer = problem(
        await ask(client, db, chen, "POST", f"{ROOT}/proposals/{asked.id}/approval", slip), 409, "figures-differ"
    )
    assert "government" not in json.dumps(answer)
    assert (await db.read(changes.require, asked.id)).state is changes.State.REJECTED


async def test_programs_of_people_without_the_role_are_refused_and_the_trail_has_no_gap(client, db, people):
    lin, wu, _chen = people
    asked = await proposing.proposal(db, lin, proposing.content(await proposing.envelope(db, lin, wu)))
    support = await proposing.person(db, "support")
    right = {**FIGURES, "shown": asked.shown}
    problem(await ask(client, db, support, "POST", f"{ROOT}/proposals/{asked.id}/approval", right), 403, "role-missing")
    fresh = await staff.colleague(db, "finance", name="Newcomer")
    problem(await ask(client, db, fresh, "POST", f"{ROOT}/proposals/{asked.id}/approval", right), 403, "role-too-new")
    assert (await db.read(changes.require, asked.id)).is_open


# The command line


def holdfast(url: str, *words: str, token: str = "", typed: str = "") -> tuple[int, str]:
    return command.holdfast(url, "campaigns", *words, typed=typed, HOLDFAST_STAFF_TOKEN=token)


async def test_the_command_line_knows_people_by_their_tokens(db, database_url, people, tmp_path):
    lin, wu, _chen = people
    said = proposing.content(await proposing.envelope(db, lin, wu))
    file = tmp_path / "spring.json"
    file.write_bytes(msgspec.json.encode(said))
    tokens = [await token(db, one) for one in people]
    code, out = holdfast(database_url, "simulate", "spring", str(file))
    assert (code, "1 of 2 orders of 30 days fit (50.00%)" in out, "risk G2: 2 other people" in out) == (
        0,
        True,
        True,
    ), out
    code, out = holdfast(database_url, "propose", "spring", str(file), "--reason", "spring in Nanjing")
    assert code == 3, "whoever proposes says who they are"
    code, out = holdfast(database_url, "propose", "spring", str(file), "--reason", "spring in Nanjing", token=tokens[0])
    assert code == 0, out
    proposal = UUID(out.rsplit("proposed: ", 1)[1].split(",")[0])
    code, out = holdfast(database_url, "approve", str(proposal), token=tokens[0], typed="10\npercent\n20\nplatform\n")
    assert (code, "cannot approve it" in out) == (3, True), out
    for each in (tokens[2], tokens[1]):
        code, out = holdfast(database_url, "approve", str(proposal), token=each, typed="10\npercent\n20\nplatform\n")
        assert code == 0, out
    assert "approved: 2 people are needed, 2 have agreed" in out
    code, out = holdfast(database_url, "start", str(proposal), token=tokens[2])
    assert code == 0, out
    code, out = holdfast(database_url, "list")
    assert "spring" in out
    assert "canary" in out
    code, out = holdfast(database_url, "stop", "spring")
    assert code == 0, "stopping needs no token"
    assert (await db.read(start.running, "spring")).state == "tripped"
    assert holdfast(database_url, "stop", "spring")[0] == 3
    assert holdfast(database_url, "simulate", "spring", str(tmp_path / "nothing.json"))[0] == 3


async def test_envelopes_are_listed_on_the_command_line(db, database_url, people):
    lin, wu, _chen = people
    await proposing.envelope(db, lin, wu)
    code, out = holdfast(database_url, "envelope")
    assert (code, "platform" in out) == (0, True), out
