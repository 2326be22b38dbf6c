"""Random batches are decided as a tiny model in Python decides them, one after another, whatever the batches are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from holdfast import orders
from tests import invariants, world
from tests.world import outcomes, place_many, request

pytestmark = pytest.mark.anyio
PLACES = (3, 2, 4)
QUOTA = 2
MOST = 3


@dataclass(frozen=True)
class Asked:
    """One booking as drawn: who (an account), under which key, which (slot, documents) lines."""

    account: int
    key: int
    lines: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass
class Model:
    """What should happen: slots 0 and 1 are of one product with a daily allowance, slot 2 is elsewhere."""

    free: list[int] = field(default_factory=lambda: list(PLACES))
    documents: set[tuple[str, int]] = field(default_factory=set)
    left: dict[int, int] = field(default_factory=dict)
    replies: dict[tuple[int, int], tuple[Asked, str]] = field(default_factory=dict)

    def decide(self, asked: Asked) -> str:
        known = self.replies.get((asked.account, asked.key))
        if known is not None:
            return known[1] if known[0].lines == asked.lines else "key-reused"
        answer = self._decide(asked)
        self.replies[asked.account, asked.key] = (asked, answer)
        return answer

    def _decide(self, asked: Asked) -> str:
        person = asked.account // 2  # accounts 0 and 1 are one person
        wanted = [0, 0, 0]
        claims = []
        for slot, documents in asked.lines:
            wanted[slot] += len(documents)
            claims += [("near" if slot < 2 else "far", document) for document in documents]
        near = wanted[0] + wanted[1]
        if near > MOST or wanted[2] > MOST:
            return "too-many-per-order"
        if len(set(claims)) < len(claims):
            return "document-twice"
        if self.documents & set(claims):
            return "document-already-booked"
        if near > self.left.get(person, QUOTA):
            return "too-many-that-day"
        if any(want > free for want, free in zip(wanted, self.free, strict=True)):
            return "slot-full"
        self.free = [free - want for want, free in zip(wanted, self.free, strict=True)]
        self.documents |= set(claims)
        self.left[person] = self.left.get(person, QUOTA) - near
        return "held"


line = st.tuples(st.integers(0, 2), st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple))
booking = st.builds(
    Asked, st.integers(0, 3), st.integers(0, 40) | st.integers(0, 2), st.lists(line, min_size=1, max_size=2).map(tuple)
)
batches = st.lists(st.lists(booking, min_size=1, max_size=8), min_size=1, max_size=3)
VISITORS = [world.visitor() for _ in range(10)]
PHONE = world.phone_number()


@settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(drawn=batches)
def test_batches_are_decided_as_if_one_after_another(database_url, drawn):
    asyncio.run(_compare(database_url, drawn))


async def _compare(url: str, drawn: list[list[Asked]]) -> None:
    """Each example has its own slots and people in the one database of this test."""
    async with world.another_process(url, size=2) as db:
        near = await world.open_slot(db, places=PLACES[0], per_account_day=QUOTA, max_per_order=MOST)
        beside = await world.open_slot(db, places=PLACES[1], beside=near)
        far = await world.open_slot(db, places=PLACES[2], max_per_order=MOST)
        slots = [near, beside, far]
        people = [await world.traveller(db) for _ in range(4)]
        await world.same_person(db, people[0], people[1])
        await world.same_person(db, people[2], people[3])
        model = Model()
        for batch in drawn:
            expected = [model.decide(asked) for asked in batch]
            results = await place_many(db, *[_request(asked, slots, people) for asked in batch])
            assert outcomes(results) == expected
        assert [await world.places_left(db, slot) for slot in slots] == model.free
        await invariants.require(db)


def _request(asked: Asked, slots: list[world.SlotWorld], people: list[world.Person]) -> orders.PlaceRequest:
    lines = [
        orders.BasketLine(slots[slot].slot_id, slots[slot].price_id, len(documents), [VISITORS[n] for n in documents])
        for slot, documents in asked.lines
    ]
    return request(people[asked.account], orders.Basket(lines, PHONE), f"key-{asked.key}")


def test_the_model_itself_refuses_what_everybody_knows():
    model = Model()
    assert model.decide(Asked(0, 1, ((0, (1, 2)),))) == "held"
    assert model.decide(Asked(0, 1, ((0, (1, 2)),))) == "held"
    assert model.decide(Asked(0, 1, ((0, (1,)),))) == "key-reused"
    assert model.decide(Asked(2, 2, ((1, (1,)),))) == "document-already-booked"
    assert model.decide(Asked(2, 3, ((0, (3, 4)),))) == "slot-full"
