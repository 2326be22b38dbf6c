"""The gate of changes, with a kind of the test's own: a word on a board, in a table that only this test knows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast import changes
from holdfast.changes import proposals
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Denied
from tests import invariants, world

pytestmark = pytest.mark.anyio
LIN, ANNA = Actor("staff", ids.uuid7(), "lin"), Actor("staff", ids.uuid7(), "anna")


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    before = await tx.value("select word from public.board for update")
    await tx.execute("update public.board set word = %(word)s", word=draft.payload["word"])
    return {"before": before, "tried": draft.approved_by is None}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    return {"from": effects["before"], "to": await tx.value("select word from public.board")}


async def _revert(tx: Tx, actor: Actor, draft: changes.Draft, effects: dict[str, Any], reason: str) -> None:
    await tx.execute("update public.board set word = %(word)s", word=effects["before"])


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    return str(await tx.value("select version from public.board"))


changes.register("test.word", apply=_apply, preview=_preview, revert=_revert, version=_version, ttl=timedelta(days=1))
changes.register("test.final", apply=_apply, preview=_preview)


@pytest.fixture
async def db(db: Db):
    await write(db, "create table public.board (word text not null, version int not null)")
    await write(db, "insert into public.board values ('old', 1)")
    yield db
    await invariants.require(db)


async def write(db: Db, sql: Any) -> None:
    async def run(tx: Tx) -> None:
        await tx.execute(sql)

    await db.run(run)


async def board(db: Db) -> str:
    return str(await world.value(db, "select word from public.board"))


async def proposed(db: Db, word: str = "new", kind: str = "test.word") -> changes.Proposal:
    return await changes.propose(db, LIN, kind, {"word": word}, "the old one is worn out")


async def test_proposing_shows_what_applying_does_and_leaves_nothing(db):
    proposal = await proposed(db)
    assert proposal.preview == {"from": "old", "to": "new"}
    assert await board(db) == "old"
    assert [one.id for one in await db.read(changes.queue)] == [proposal.id]
    assert await db.read(changes.queue, "test.final") == []


async def test_another_person_approves_and_it_is_applied_and_taken_back(db):
    proposal = await proposed(db)
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, LIN, proposal.id, proposal.shown)
    with pytest.raises(changes.ProposalOver):
        await changes.apply(db, ANNA, proposal.id)
    await changes.approve(db, ANNA, proposal.id, proposal.shown, "looks right")
    applied = await changes.apply(db, LIN, proposal.id)
    assert (applied.state, applied.approved_by, await board(db)) == (changes.State.APPLIED, str(ANNA), "new")
    assert applied.effects == {"before": "old", "tried": False}
    await db.run(changes.revert, LIN, proposal.id, "it was the wrong word")
    assert await board(db) == "old"
    steps = await db.read(changes.reviews, proposal.id)
    assert [(step.verdict, step.by) for step in steps] == [
        ("approved", str(ANNA)), ("applied", str(LIN)), ("reverted", str(LIN)),
    ]  # fmt: skip
    with pytest.raises(changes.ProposalOver):
        await changes.apply(db, ANNA, proposal.id)


async def test_a_world_that_moved_voids_approval_and_shows_the_new_preview(db):
    proposal = await proposed(db)
    await write(db, "update public.board set word = 'other'")
    with pytest.raises(changes.PreviewStale) as stale:
        await changes.approve(db, ANNA, proposal.id, proposal.shown)
    renewed = await db.read(changes.require, proposal.id)
    assert (renewed.preview, renewed.shown) == ({"from": "other", "to": "new"}, stale.value.fields["preview_hash"])
    await changes.approve(db, ANNA, proposal.id, renewed.shown)
    await write(db, "update public.board set word = 'third'")
    with pytest.raises(changes.PreviewStale):
        await changes.apply(db, ANNA, proposal.id)
    again = await db.read(changes.require, proposal.id)
    assert (again.state, again.preview["from"], await board(db)) == (changes.State.PROPOSED, "third", "third")
    with pytest.raises(changes.PreviewStale):
        await changes.approve(db, ANNA, proposal.id, renewed.shown)


async def test_what_it_is_based_on_may_not_change(db):
    proposal = await proposed(db)
    await write(db, "update public.board set version = 2")
    with pytest.raises(changes.BaseMoved):
        await changes.approve(db, ANNA, proposal.id, proposal.shown)
    await db.run(changes.withdraw, LIN, proposal.id)
    assert (await db.read(changes.require, proposal.id)).state is changes.State.WITHDRAWN


async def test_saying_no_needs_another_person_and_taking_back_does_not(db):
    proposal = await proposed(db)
    with pytest.raises(changes.SamePerson):
        await db.run(changes.reject, LIN, proposal.id, "no")
    await db.run(changes.reject, ANNA, proposal.id, "not now")
    for act in (changes.reject, changes.withdraw):
        with pytest.raises(changes.ProposalOver):
            await db.run(act, ANNA, proposal.id, "again")
    assert [one.id for one in await db.read(changes.recent, "test.word")] == [proposal.id]


async def test_what_nobody_decides_ends_by_itself(db):
    proposal = await proposed(db)
    clock.move(timedelta(days=1))
    with pytest.raises(changes.ProposalOver) as over:
        await changes.approve(db, ANNA, proposal.id, proposal.shown)
    assert over.value.fields["state"] == "expired"
    assert await db.run(proposals.expire) == 1
    assert (await db.read(changes.require, proposal.id)).state is changes.State.EXPIRED
    assert await db.run(proposals.expire) == 0


async def test_two_who_apply_at_once_apply_once(db):
    proposal = await proposed(db)
    await changes.approve(db, ANNA, proposal.id, proposal.shown)
    done = await asyncio.gather(*(changes.apply(db, ANNA, proposal.id) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Proposal", *["ProposalOver"] * 3]


async def test_some_kinds_cannot_be_taken_back_and_a_reason_is_needed(db):
    proposal = await proposed(db, kind="test.final")
    await changes.approve(db, ANNA, proposal.id, proposal.shown)
    await changes.apply(db, ANNA, proposal.id)
    with pytest.raises(changes.NotRevertible):
        await db.run(changes.revert, ANNA, proposal.id, "oh")
    with pytest.raises(changes.ReasonNeeded):
        await changes.propose(db, LIN, "test.word", {"word": "x"}, " - ")
    with pytest.raises(changes.ProposalUnknown):
        await db.read(changes.require, ids.uuid7())


async def test_the_database_refuses_what_the_gate_would_not_do(db):
    proposal = await proposed(db)
    for sql in (
        "update changes.proposals set state = 'approved'",
        "update changes.proposals set payload = '{}'",
        "delete from changes.proposals",
        "insert into changes.reviews (proposal_id, by, verdict, content_hash, preview_hash, at) select id, 'x', 'maybe', '', '', now() from changes.proposals",
    ):
        with pytest.raises(Exception, match=r"second person|never changes|stays as it is|check constraint"):
            await write(db, sql)
    await changes.approve(db, ANNA, proposal.id, proposal.shown)
    with pytest.raises(Exception, match="stays as it is"):
        await write(db, "update changes.reviews set by = 'somebody else'")


# More than one other person


class NotFinance(Denied):
    """Only some may agree in this test."""


async def _capacities(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    if actor.name == "stranger":
        raise NotFinance
    return ("finance",) if actor.name.startswith("fin") else ()


def _needs(payload: dict[str, Any], preview: dict[str, Any]) -> changes.Demand:
    return changes.Demand(3 if preview["from"] == "risky" else 2, ("finance",))


changes.register(
    "test.many", apply=_apply, preview=_preview, ttl=timedelta(hours=72), demands=_needs, approver=_capacities,
    approved_ttl=timedelta(days=7),
)  # fmt: skip
FIN, FINN = Actor("staff", ids.uuid7(), "fin"), Actor("staff", ids.uuid7(), "finn")


async def test_a_change_that_needs_two_waits_for_both_and_the_second_approves(db):
    proposal = await proposed(db, kind="test.many")
    assert (proposal.people_needed, proposal.capacities_needed) == (2, ("finance",))
    halfway = await changes.approve(db, ANNA, proposal.id, proposal.shown)
    assert (halfway.state, halfway.approved_by) == (changes.State.PROPOSED, None)
    with pytest.raises(changes.ProposalOver):
        await changes.apply(db, ANNA, proposal.id)
    with pytest.raises(changes.AlreadyAgreed):
        await changes.approve(db, ANNA, proposal.id, proposal.shown)
    clock.move(timedelta(hours=71))
    approved = await changes.approve(db, FIN, proposal.id, proposal.shown)
    assert (approved.state, approved.approved_by) == (changes.State.APPROVED, str(FIN))
    assert set(await db.read(changes.agreed, approved)) == {str(ANNA), str(FIN)}
    clock.move(timedelta(days=6))
    assert (await changes.apply(db, LIN, proposal.id)).state is changes.State.APPLIED


async def test_people_without_the_capacity_do_not_suffice_however_many(db):
    proposal = await proposed(db, kind="test.many")
    for at in range(4):
        reviewer = Actor("staff", ids.uuid7(), f"anna {at}")
        assert (await changes.approve(db, reviewer, proposal.id, proposal.shown)).state is changes.State.PROPOSED
    assert (await changes.approve(db, FIN, proposal.id, proposal.shown)).state is changes.State.APPROVED


async def test_who_may_not_agree_is_refused_with_the_reason_of_the_kind(db):
    proposal = await proposed(db, kind="test.many")
    with pytest.raises(NotFinance):
        await changes.approve(db, Actor("staff", ids.uuid7(), "stranger"), proposal.id, proposal.shown)
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, LIN, proposal.id, proposal.shown)


async def test_agreements_to_another_preview_do_not_count_and_more_people_may_be_needed_by_then(db):
    proposal = await proposed(db, kind="test.many")
    await changes.approve(db, ANNA, proposal.id, proposal.shown)
    await write(db, "update public.board set word = 'risky'")
    with pytest.raises(changes.PreviewStale):
        await changes.approve(db, FIN, proposal.id, proposal.shown)
    renewed = await db.read(changes.require, proposal.id)
    assert (renewed.people_needed, await db.read(changes.agreed, renewed)) == (3, {})
    for person in (ANNA, FIN):
        assert (await changes.approve(db, person, renewed.id, renewed.shown)).state is changes.State.PROPOSED
    assert (await changes.approve(db, FINN, renewed.id, renewed.shown)).state is changes.State.APPROVED


async def test_an_approval_counts_for_as_long_as_its_kind_says(db):
    proposal = await proposed(db, kind="test.many")
    for person in (ANNA, FIN):
        await changes.approve(db, person, proposal.id, proposal.shown)
    clock.move(timedelta(days=7, minutes=1))
    with pytest.raises(changes.ProposalOver):
        await changes.apply(db, LIN, proposal.id)
    await changes.jobs.expire_proposals(db)


async def test_the_database_refuses_an_approval_with_too_few_people(db):
    proposal = await proposed(db, kind="test.many")
    await changes.approve(db, FIN, proposal.id, proposal.shown)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await write(db, "update changes.proposals set state = 'approved'")
    with pytest.raises(psycopg.errors.RestrictViolation):
        await write(db, "update changes.proposals set people_needed = 1")


async def test_two_who_agree_at_once_both_count(db):
    proposal = await proposed(db, kind="test.many")
    found = await asyncio.gather(*(changes.approve(db, one, proposal.id, proposal.shown) for one in (ANNA, FIN)))
    assert {one.state for one in found} == {changes.State.PROPOSED, changes.State.APPROVED}


# Figures that are typed again, blind

changes.register("test.blind", apply=_apply, preview=_preview, figures=lambda payload: {"word": payload["word"]})


async def test_figures_typed_again_rightly_approve_and_a_slip_rejects_without_saying_which(db):
    proposal = await proposed(db, kind="test.blind")
    with pytest.raises(changes.FiguresDiffer) as differs:
        await changes.approve(db, ANNA, proposal.id, proposal.shown, retyped={"word": "now"})
    assert differs.value.fields == {}
    assert (await db.read(changes.require, proposal.id)).state is changes.State.REJECTED
    again = await proposed(db, kind="test.blind")
    done = await changes.approve(db, ANNA, again.id, again.shown, retyped={"word": "new"})
    assert done.state is changes.State.APPROVED


async def test_there_is_no_approval_past_the_figures_and_no_rejection_by_who_may_not_approve(db):
    proposal = await proposed(db, kind="test.blind")
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, LIN, proposal.id, proposal.shown, retyped={"word": "wrong"})
    with pytest.raises(changes.PreviewStale):
        await changes.approve(db, ANNA, proposal.id, "00", retyped={"word": "wrong"})
    assert (await db.read(changes.require, proposal.id)).is_open
    with pytest.raises(changes.FiguresDiffer):
        await changes.approve(db, ANNA, proposal.id, proposal.shown)
