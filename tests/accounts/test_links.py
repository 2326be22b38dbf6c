"""The graph against a model: whatever is joined and parted in whatever order, roots are what the active links say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import accounts
from holdfast.accounts import links, merging_store
from holdfast.kit import clock, ids
from holdfast.kit.db import Db, Tx
from tests import invariants, staff
from tests.conftest import clone

PEOPLE = 6
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("assert"), st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("part"), st.integers(0, 20), st.just(0)),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def url(server: str, template: str) -> Iterator[str]:
    with clone(server, template) as found:
        yield found


class Model:
    """Pairs, and components by walking them."""

    def __init__(self, people: list[UUID]) -> None:
        self.people = people
        self.pairs: dict[UUID, tuple[UUID, UUID]] = {}

    def component(self, one: UUID) -> set[UUID]:
        found, edge = {one}, [one]
        while edge:
            at = edge.pop()
            near = {b if a == at else a for a, b in self.pairs.values() if at in (a, b)} - found
            found |= near
            edge.extend(near)
        return found


async def _open_accounts(tx: Tx) -> list[UUID]:
    made = [ids.uuid7() for _ in range(PEOPLE)]
    for one in made:
        await tx.execute(
            "insert into accounts.accounts (id, root, created_at) values (%(id)s, %(id)s, %(at)s)",
            id=one,
            at=clock.now(),
        )
    return made


async def _assert_again(tx: Tx, a: UUID, b: UUID) -> UUID:
    """A second link between accounts that are one person already, as an old release or another proof may have left it."""
    await links.hold(tx, a, b)
    link_id = ids.uuid7()
    await merging_store.insert_link(tx, link_id, a, b, {"means": "test"}, "system:test", clock.now(), None)
    await links.derive(tx, a)
    return link_id


async def _act(db: Db, model: Model, act: str, first: int, second: int) -> None:
    if act == "part":
        if not model.pairs:
            return
        link_id = list(model.pairs)[first % len(model.pairs)]
        parting = await db.read(accounts.parting, link_id)
        parted = await db.run(accounts.undo, staff.TEST, link_id, "test", shown=parting.shown)
        a, b = model.pairs.pop(link_id)
        assert set(parted.left) == model.component(a)
        assert parted.joined_still == (b in model.component(a))
        assert set(parted.right) == (set() if parted.joined_still else model.component(b))
        return
    a, b = model.people[first], model.people[second]
    joined = b in model.component(a)
    if act == "join" and joined:
        with pytest.raises(accounts.AlreadyOnePerson):
            await db.run(accounts.merge, staff.TEST, a, b, evidence={"means": "test"})
    elif act == "join":
        left, right = model.component(a), model.component(b)
        done = await db.run(accounts.merge, staff.TEST, a, b, evidence={"means": "test"})
        assert (set(done.left), set(done.right)) == (left, right)
        model.pairs[done.link_id] = (a, b)
    elif joined and a != b and {a, b} not in [set(pair) for pair in model.pairs.values()]:
        model.pairs[await db.run(_assert_again, a, b)] = (a, b)


async def _play(url: str, acts: list[tuple[str, int, int]]) -> None:
    db = await Db(url, size=2).open()
    try:
        model = Model(await db.run(_open_accounts))
        for act in acts:
            await _act(db, model, *act)
            for one in model.people:
                assert set(await db.read(accounts.members, one)) == model.component(one)
        for link_id in list(model.pairs):
            await db.run(accounts.undo, staff.TEST, link_id, "all back")
        for one in model.people:
            assert await db.read(accounts.members, one) == [one]
        await invariants.require(db)
    finally:
        await db.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_roots_follow_the_graph_whatever_is_joined_and_parted(url: str, acts: list[tuple[str, int, int]]) -> None:
    asyncio.run(_play(url, acts))
