"""Health as a decision: what the windows say, how a channel goes down, comes back, and never flaps on a lone failure."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.payments import health
from holdfast.payments.health import STEPS, ChannelState, decide, is_failure, judge
from holdfast.payments.providers.base import OutcomeClass
from holdfast.payments.rollouts import bucket

OUTCOMES = st.lists(st.booleans(), max_size=health.WINDOW)


def window(share: float, seed: int, calls: int = health.WINDOW) -> list[bool]:
    dice = random.Random(seed)
    return [dice.random() < share for _ in range(calls)]


def test_payers_faults_never_count():
    assert not any(is_failure(one) for one in (OutcomeClass.OK, OutcomeClass.USER, OutcomeClass.DECLINE))
    assert all(is_failure(one) for one in ("technical", "unknown_outcome", "rate_limit", "config"))


def test_five_in_a_row_take_a_channel_down_and_four_do_not():
    assert judge([True] * 5).state is ChannelState.DOWN
    assert judge([True] * 4 + [False]).state is ChannelState.HEALTHY
    assert judge([False, True, True, True, True, True]).state is ChannelState.HEALTHY


@pytest.mark.parametrize(
    ("failures", "state"),
    [(0, "healthy"), (24, "healthy"), (25, "degraded"), (62, "degraded"), (63, "down"), (125, "down")],
)
def test_the_share_of_the_last_125_decides(failures, state):
    spread = sorted((bool(n < failures) for n in range(125)), key=lambda one: random.Random(3).random())
    spread = [n * failures // 125 != (n + 1) * failures // 125 for n in range(125)]
    assert sum(spread) == failures
    assert judge(spread).state == state


def test_few_calls_say_nothing_about_a_share():
    assert judge([True, False] * 9).state is ChannelState.HEALTHY


@pytest.mark.parametrize("seed", range(40))
def test_three_failures_in_a_hundred_raise_no_alarm(seed):
    dice, seen = random.Random(seed), list[bool]()
    for _ in range(2000):
        seen.insert(0, dice.random() < 0.03)
        del seen[health.WINDOW :]
        assert judge(seen).state is ChannelState.HEALTHY


@given(OUTCOMES, st.booleans())
def test_what_is_down_comes_back_by_its_last_tries_alone(failed, rested):
    verdict = decide(ChannelState.DOWN, 0, failed, rested=rested)
    returned = len(failed) >= 2 and not failed[0] and not failed[1]
    assert verdict.state is (ChannelState.RETURNING if returned else ChannelState.DOWN)
    assert verdict.share == (STEPS[0] if returned else 0)


@given(OUTCOMES, st.sampled_from(STEPS[:-1]), st.booleans())
def test_a_returning_channel_grows_only_when_rested_and_clean_and_falls_at_the_second_failure(failed, share, rested):
    verdict = decide(ChannelState.RETURNING, share, failed, rested=rested)
    if sum(failed[:5]) >= 2:
        assert (verdict.state, verdict.share) == (ChannelState.DOWN, 0)
    if verdict.share > share:
        assert rested
        assert failed
        assert not failed[0]
    if not failed:
        assert (verdict.state, verdict.share) == (ChannelState.RETURNING, share)


def test_a_clean_return_takes_every_step():
    state, share, seen = ChannelState.DOWN, 0, [False, False]
    shares = []
    while state is not ChannelState.HEALTHY:
        verdict = decide(state, share, seen, rested=True)
        state, share = verdict.state, verdict.share
        shares.append(share)
    assert shares == [5, 25, 50, 100]


@given(OUTCOMES, st.sampled_from([ChannelState.HEALTHY, ChannelState.DEGRADED]))
def test_a_serving_channel_is_what_its_window_says(failed, state):
    assert decide(state, 100, failed, rested=True) == judge(failed)


@given(st.uuids(), st.sampled_from(["return:alipay", "apiv3.2"]))
def test_a_payment_falls_on_the_same_side_every_time(of: UUID, salt: str):
    assert bucket(salt, of) == bucket(salt, of)
    assert 0 <= bucket(salt, of) < 100


def test_shares_are_what_they_say():
    dice = random.Random(5)
    ids = [UUID(int=dice.getrandbits(128)) for _ in range(4000)]
    assert 0.03 < sum(bucket("x", one) < 5 for one in ids) / len(ids) < 0.07
