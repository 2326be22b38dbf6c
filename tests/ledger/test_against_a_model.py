"""Random postings are decided as a tiny model in Python decides them, and leave the same balances."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from holdfast import ledger
from holdfast.kit import clock, ids
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from holdfast.ledger import Account, credit, debit

from . import books

NAMES = [("1010", "CNY"), ("2010", "CNY"), ("2030", "CNY"), ("2020", "CNY"), ("1010", "USD"), ("2030", "USD")]
NORMAL = ["D", "C", "C", "C", "D", "C"]
GUARDED = [False, True, True, False, False, True]


@dataclass(frozen=True)
class Write:
    """A record or a claim: moves (from account, to account, amount) debit the one and credit the other."""

    act: str
    key: int
    moves: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Answer:
    """A post, void or reversal of the n-th journal so far; `fitting`: of those only that may be answered so."""

    act: str
    key: int
    journal: int
    fitting: bool = False


@dataclass
class Written:
    """A journal of the model."""

    phase: str
    legs: tuple[tuple[int, str, int], ...]
    done: bool = False
    """Resolved, or reversed."""


@dataclass
class Model:
    """What should happen. Counters are by (account, posted | pending, side)."""

    counters: Counter = field(default_factory=Counter)
    journals: list[Written] = field(default_factory=list)
    keys: dict[int, tuple[object, int]] = field(default_factory=dict)

    def target(self, asked: Answer) -> int:
        """The number of the journal that is answered; past the end there is none."""
        phases = ("single", "post") if asked.act == "reverse" else ("pending",)
        fitting = [n for n, journal in enumerate(self.journals) if journal.phase in phases]
        return fitting[asked.journal % len(fitting)] if asked.fitting and fitting else asked.journal

    def decide(self, asked: Write | Answer) -> int | str:
        """The number of the journal, or the code of the problem."""
        content = (asked.act, self._legs(asked.moves) if isinstance(asked, Write) else self.target(asked))
        if asked.key in self.keys:
            known, journal = self.keys[asked.key]
            return journal if known == content else "key-reused-otherwise"
        answer = self._write(asked) if isinstance(asked, Write) else self._answer(asked)
        if isinstance(answer, int):
            self.keys[asked.key] = (content, answer)
        return answer

    @staticmethod
    def _legs(moves) -> tuple[tuple[int, str, int], ...]:
        return tuple(
            sorted([(source, "D", n) for source, _, n in moves] + [(target, "C", n) for _, target, n in moves])
        )

    def _write(self, asked: Write) -> int | str:
        return self._book("single" if asked.act == "record" else "pending", self._legs(asked.moves))

    def _answer(self, asked: Answer) -> int | str:
        if self.target(asked) >= len(self.journals):
            return "journal-unknown"
        origin = self.journals[self.target(asked)]
        if asked.act == "reverse":
            if origin.phase not in ("single", "post"):
                return "journal-not-posted"
            if origin.done:
                return "already-reversed"
            made = self._book("single", tuple((a, "C" if side == "D" else "D", n) for a, side, n in origin.legs))
        else:
            if origin.phase != "pending":
                return "journal-not-pending"
            if origin.done:
                return "already-resolved"
            made = self._book(asked.act, origin.legs)
        origin.done = isinstance(made, int)
        return made

    def _book(self, phase: str, legs) -> int | str:
        after = self.counters.copy()
        for account, side, amount in legs:
            if phase in ("single", "post"):
                after[account, "posted", side] += amount
            if phase != "single":
                after[account, "pending", side] += amount if phase == "pending" else -amount
        for account in {account for account, _, _ in legs if GUARDED[account]}:
            own, other = ("D", "C") if NORMAL[account] == "D" else ("C", "D")
            if after[account, "posted", own] < after[account, "posted", other] + after[account, "pending", other]:
                return "guard-broken"
        self.counters = after
        self.journals.append(Written(phase, legs))
        return len(self.journals) - 1


yuan = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9))
dollars = st.tuples(st.integers(4, 5), st.integers(4, 5), st.integers(1, 9))
received = st.tuples(st.just(0), st.integers(1, 2), st.integers(5, 20))
moves = st.lists(received | received | yuan | dollars, min_size=1, max_size=3).map(tuple)
key = st.integers(0, 6) | st.integers(7, 10_000)
steps = st.lists(
    st.builds(Write, st.sampled_from(["record", "record", "pend"]), key, moves)
    | st.builds(
        Answer, st.sampled_from(["post", "void", "reverse"]), key, st.integers(0, 12), st.integers(0, 4).map(bool)
    ),
    min_size=5,
    max_size=40,
)


@settings(
    max_examples=150,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@example(drawn=[Write("record", 1, ((0, 1, 9),)), Write("pend", 2, ((1, 0, 6),)), Write("pend", 3, ((1, 0, 4),))])
@given(drawn=steps)
def test_postings_are_decided_as_the_model_decides_them(database_url, drawn):
    asyncio.run(_compare(database_url, drawn))


async def _compare(url: str, drawn: list[Write | Answer]) -> None:
    """Each example has its own accounts and keys in the one database of this test."""
    db = await Db(url, size=2).open()
    try:
        example = ids.uuid7().hex
        accounts = [Account(code, example, currency) for code, currency in NAMES]
        model, written = Model(), list[UUID]()
        for asked in drawn:
            target = model.target(asked) if isinstance(asked, Answer) else None
            answered = None if target is None else written[target] if target < len(written) else ids.uuid7()
            expected = model.decide(asked)
            outcome = await _do(db, asked, answered, f"{example}-{asked.key}", accounts)
            if expected == len(written):
                written.append(outcome)
            assert outcome == (written[expected] if isinstance(expected, int) else expected), asked
        for n, account in enumerate(accounts):
            found = await db.read(ledger.balance, account)
            kept = (found.debits_posted, found.credits_posted, found.debits_pending, found.credits_pending)
            places = [(phase, side) for phase in ("posted", "pending") for side in "DC"]
            assert kept == tuple(model.counters[n, phase, side] for phase, side in places)
        await books.require_invariants(db)
    finally:
        await db.close()


async def _do(db: Db, asked: Write | Answer, answered: UUID | None, name: str, accounts: list[Account]) -> UUID | str:
    """The id of the journal, or the code of the problem."""
    at, verb = clock.now(), getattr(ledger, asked.act)
    try:
        if isinstance(asked, Write):
            legs = [debit(accounts[source], n) for source, _, n in asked.moves]
            legs += [credit(accounts[target], n) for _, target, n in asked.moves]
            return await db.run(verb, "model", name, legs, subject="model", at=at)
        return await db.run(verb, answered, name, at=at)
    except Problem as problem:
        return problem.code


def test_the_model_itself_refuses_what_everybody_knows():
    model = Model()
    assert model.decide(Write("record", 1, ((0, 1, 9),))) == 0
    assert model.decide(Write("record", 1, ((0, 1, 9),))) == 0
    assert model.decide(Write("record", 1, ((0, 1, 8),))) == "key-reused-otherwise"
    assert model.decide(Write("pend", 2, ((1, 0, 6),))) == 1
    assert model.decide(Write("record", 3, ((1, 0, 4),))) == "guard-broken"
    assert model.decide(Answer("void", 4, 1)) == 2
    assert model.decide(Answer("post", 5, 1)) == "already-resolved"
    assert model.decide(Answer("reverse", 6, 0)) == 3
    assert model.decide(Answer("reverse", 7, 9)) == "journal-unknown"
