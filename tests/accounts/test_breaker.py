"""The mass-lock breaker: opens when a way to sign in fails for everybody, not for an attack; closes when people get in again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import accounts
from holdfast.accounts import attempts, attempts_store, breaker, verification
from holdfast.accounts.attempts_model import (
    NORMAL_WHEN_THIN,
    TRIES_MIN,
    HourOfDay,
    Method,
    Window,
    fails_for_everybody,
    has_recovered,
    normal_of,
)
from holdfast.kit import actor, clock, faults
from holdfast.kit.db import Tx
from tests import world

from . import people

pytestmark = pytest.mark.anyio
COUNTS = st.integers(0, 5000)
NORMALS = st.floats(0.01, 1.0)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    tries = draw(COUNTS)
    successes = draw(st.integers(0, tries))
    known = draw(st.integers(0, tries))
    gone_well = draw(st.integers(max(0, successes - (tries - known)), min(known, successes)))
    return Window(tries, successes, draw(st.integers(0, tries)), draw(st.integers(0, tries)), known, gone_well)


@given(windows(), NORMALS)
def test_it_never_opens_while_half_of_the_usual_share_gets_in(window, normal):
    if fails_for_everybody(window, normal):
        assert window.successes / window.tries < normal / 2


@given(windows(), NORMALS)
def test_it_never_opens_on_few_tries_few_people_or_few_sources(window, normal):
    if fails_for_everybody(window, normal):
        assert min(window.tries / TRIES_MIN, window.people / 50, window.sources / 50) >= 1


@given(windows(), NORMALS)
def test_an_attack_among_people_who_get_in_on_their_own_devices_never_opens_it(window, normal):
    if window.known_tries >= 20 and window.known_successes >= window.known_tries * normal / 2:
        assert not fails_for_everybody(window, normal)


@given(st.integers(TRIES_MIN, 5000), st.integers(50, 5000), st.integers(50, 5000), NORMALS)
def test_a_verifier_that_lets_nobody_in_always_opens_it(tries, persons, sources, normal):
    assert fails_for_everybody(Window(tries, 0, persons, sources, tries // 2, 0), normal)


@given(windows(), NORMALS)
def test_more_failures_never_close_what_fewer_opened(window, normal):
    worse = Window(
        window.tries + 1, window.successes, window.people, window.sources, window.known_tries, window.known_successes
    )
    assert fails_for_everybody(worse, normal) or not fails_for_everybody(window, normal)


@given(windows(), NORMALS)
def test_what_fails_for_everybody_has_not_recovered(window, normal):
    if fails_for_everybody(window, normal):
        assert not has_recovered(window, normal, timedelta(hours=1))


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1)), max_size=8))
def test_what_is_normal_is_the_middle_of_days_that_say_something(days):
    told = [HourOfDay(tries, round(tries * share)) for tries, share in days]
    shares = sorted(day.successes / day.tries for day in told if day.tries >= 50)
    normal = normal_of(told)
    assert normal == NORMAL_WHEN_THIN if len(shares) < 3 else shares[0] <= normal <= shares[-1]


async def crowd(db, *, tries: int, persons: int = 60, known: bool = False, succeeded: bool = False) -> None:
    """Attempts of many people in many networks, as they are written down."""

    async def write(tx: Tx) -> None:
        for n in range(tries):
            at = people.place(source=f"10.9.{n % persons}.1")
            await attempts.note(
                tx, Method.PASSWORD, (n % persons).to_bytes(32), at, world_account, succeeded=succeeded, known=known
            )

    world_account = (await world.traveller(db)).account_id
    await db.run(write)


async def is_open(db) -> bool:
    return await db.read(breaker.is_open, Method.PASSWORD)


async def test_a_crowd_of_failures_opens_it_with_alarm_audit_and_event(db):
    await crowd(db, tries=TRIES_MIN - 1)
    await breaker.consider(db, Method.PASSWORD)
    assert not await is_open(db)
    await crowd(db, tries=1)
    await breaker.consider(db, Method.PASSWORD)
    assert await is_open(db)
    await breaker.consider(db, Method.PASSWORD)
    lines = await world.value(db, "select array_agg(details) from kit.audit where action = 'sign-in.breaker-open'")
    assert [(line["reason"], line["tries"], line["normal"]) for line in lines] == [
        ("fails-for-everybody", TRIES_MIN, 0.6)
    ]
    assert await world.value(db, "select count(*) from notices.events where type = 'sign_in.breaker_changed'") == 1


async def test_people_on_known_devices_who_get_in_show_that_it_is_an_attack(db):
    await crowd(db, tries=400)
    await crowd(db, tries=30, known=True, succeeded=True)
    await breaker.consider(db, Method.PASSWORD)
    assert not await is_open(db)


async def test_names_that_nobody_has_say_nothing(db):
    async def write(tx: Tx) -> None:
        for n in range(300):
            await attempts.note(tx, Method.PASSWORD, n.to_bytes(32), people.place(), None)

    await db.run(write)
    await breaker.consider(db, Method.PASSWORD)
    assert not await is_open(db)


async def test_what_is_usual_at_this_hour_is_learned_from_the_last_week(db):
    now = clock.now()
    for day in range(1, 6):
        hour = (now - timedelta(days=day)).replace(minute=0, second=0, microsecond=0)

        async def write(tx: Tx, hour=hour) -> None:
            await tx.execute(
                "insert into accounts.sign_in_hours values ('password', %(hour)s, 1000, 100), ('password', %(other)s, 1000, 900)",
                hour=hour, other=hour - timedelta(hours=3),
            )  # fmt: skip

        await db.run(write)
    await crowd(db, tries=TRIES_MIN)
    await crowd(db, tries=20, succeeded=True)
    await breaker.consider(db, Method.PASSWORD)
    assert not await is_open(db), "a tenth gets in, as on every day"


async def test_whole_hours_are_summed_up_and_people_counted(db):
    await crowd(db, tries=10, succeeded=True)
    clock.move(timedelta(hours=1))
    await attempts.tidy(db)
    await attempts.tidy(db)
    assert await world.value(db, "select sum(tries) from accounts.sign_in_hours where method = 'password'") == 10
    assert await db.read(attempts_store.people) == 1


async def test_while_it_is_open_no_failure_counts_and_right_passwords_open(db):
    person, _session = await people.with_password(db)
    await db.run(breaker.trip, Method.PASSWORD, "test", {})
    here = people.place()
    for _ in range(8):
        with pytest.raises(accounts.PasswordWrong):
            await people.try_password(db, person.phone, at=here)
    assert await world.value(db, "select count(*) from accounts.failures") == 0
    assert await people.try_password(db, person.phone, people.PASSWORD, here)


async def test_limits_per_network_hold_while_it_is_open(db):
    await db.run(breaker.trip, Method.PASSWORD, "test", {})
    here, phone = people.place(), world.phone_number()
    outcomes = await asyncio.gather(
        *(people.try_password(db, phone, at=here) for _ in range(13)), return_exceptions=True
    )
    assert sum(isinstance(outcome, accounts.SignInPaused) for outcome in outcomes) == 1


async def test_it_closes_when_people_get_in_again_and_old_failures_do_not_open_it_anew(db):
    await crowd(db, tries=300)
    await breaker.watch(db)
    assert await is_open(db)
    clock.move(timedelta(seconds=61))
    await crowd(db, tries=30, succeeded=True)
    await breaker.watch(db)
    assert not await is_open(db)
    await breaker.watch(db)
    assert not await is_open(db)


async def test_it_closes_after_a_quiet_while(db):
    await db.run(breaker.trip, Method.PASSWORD, "test", {})
    clock.move(timedelta(minutes=14))
    await breaker.watch(db)
    assert await is_open(db)
    clock.move(timedelta(minutes=2))
    await breaker.watch(db)
    assert not await is_open(db)


async def test_somebody_who_knows_better_closes_it_and_it_stays_so_for_a_while(db):
    await crowd(db, tries=300)
    await breaker.watch(db)
    await db.run(breaker.close, actor.system("test"), Method.PASSWORD, reason="it is an attack")
    await crowd(db, tries=300)
    await breaker.watch(db)
    assert not await is_open(db)
    with pytest.raises(accounts.BreakerClosed):
        await db.run(breaker.close, actor.system("test"), Method.PASSWORD, reason="again")
    clock.move(timedelta(minutes=11))
    await crowd(db, tries=300)
    await breaker.watch(db)
    assert await is_open(db)


async def test_a_broken_verifier_refuses_right_proofs_and_a_mended_one_takes_them(db):
    person, _session = await people.with_password(db)
    faults.arm(f"{verification.VERIFY}=error@1+")
    clock.move(timedelta(minutes=1))
    await accounts.request_code(db, person.phone, "zh", "198.51.100.7")
    code = await people.code_to(db, person.phone)
    with pytest.raises(accounts.CodeWrong):
        await accounts.sign_in(db, person.phone, code, kept=False, device="d")
    with pytest.raises(accounts.PasswordWrong):
        await people.try_password(db, person.phone, people.PASSWORD)
    faults.arm("")
    assert await people.try_password(db, person.phone, people.PASSWORD)
    assert await accounts.sign_in(db, person.phone, code, kept=False, device="d")
