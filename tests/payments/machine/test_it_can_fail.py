"""A machine that finds nothing proves nothing: each of these mistakes, made on purpose, is found by a short run."""

from __future__ import annotations

import os

import msgspec
import pytest
from hypothesis.errors import FlakyFailure

from holdfast.payments import observations, refunds
from holdfast.payments.model import WANTING, AttemptState, IntentState, Role

from .test_machine import play

pytestmark = pytest.mark.skipif(
    os.environ.get("HOLDFAST_MACHINE") != "long", reason="a long run that finds planted mistakes: make machine"
)
FOUND = (AssertionError, FlakyFailure)
RUN = {"drawn_from": 1, "examples": 40, "steps": 30, "shrinks": False}


def believe_any_sum(monkeypatch):
    """Whoever pays anything has paid."""

    def role(intent, attempt, seen):
        return (
            Role.WINNER
            if intent.state in WANTING
            else Role.DUPLICATE
            if intent.state is IntentState.PAID
            else Role.LATE
        )

    monkeypatch.setattr(observations, "_role", role)


def forget_duplicates(monkeypatch):
    """What was paid twice is booked and kept."""
    request = refunds.request

    async def forgetful(tx, attempt_id, amount_minor, reason, **more):
        if reason != "duplicate":
            return await request(tx, attempt_id, amount_minor, reason, **more)
        return None

    monkeypatch.setattr(refunds, "request", forgetful)


def give_up_on_doubt(monkeypatch):
    """What is unknown is never asked about again."""
    next_query_at = observations.next_query_at

    def never(state, *more):
        return None if state is AttemptState.UNKNOWN else next_query_at(state, *more)

    monkeypatch.setattr(observations, "next_query_at", never)


def take_asked_for_given(monkeypatch):
    """A refund that the provider has accepted counts as given, whatever becomes of it."""
    observe_refund = refunds.observe_refund

    async def hasty(tx, refund_id, seen, call=None):
        taken = refunds.RefundState.SUCCEEDED if seen.state is refunds.RefundState.PROCESSING else seen.state
        return await observe_refund(tx, refund_id, msgspec.structs.replace(seen, state=taken), call)

    monkeypatch.setattr(refunds, "observe_refund", hasty)


@pytest.mark.parametrize("mistake", [believe_any_sum, forget_duplicates, give_up_on_doubt, take_asked_for_given])
def test_the_machine_finds_a_program_that_would(ground, monkeypatch, mistake):
    mistake(monkeypatch)
    with pytest.raises(FOUND) as found:
        play(ground, **RUN)
    assert any(note.startswith("replay with: HOLDFAST_MACHINE_SEED=1 ") for note in found.value.__notes__)
