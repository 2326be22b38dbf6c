"""Restrictions instead of locks: waits where the guessing comes from, a rest for unknown devices, all voided by one command."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import holdfast
from holdfast import accounts
from holdfast.accounts import attempts_model, attempts_store, password_proofs, restrictions
from holdfast.kit import actor, clock
from holdfast.kit.db import Tx
from tests import world

from . import people

pytestmark = pytest.mark.anyio
LIN = actor.system("test")


async def fail(db, phone: str, at: accounts.Place | None = None) -> str:
    """One wrong password; the code of what came of it."""
    with pytest.raises((accounts.PasswordWrong, accounts.SignInPaused, accounts.MethodRestricted)) as raised:
        await people.try_password(db, phone, at=at)
    return raised.value.code


async def with_failures(db, person: world.Person, failed: int) -> None:
    """So many failures in a row from unknown devices, as a bot in many networks leaves them."""

    async def write(tx: Tx) -> None:
        subject = password_proofs.subject_of(person.account_id, "")
        for _ in range(failed):
            await attempts_store.note_failure(tx, subject, b"", clock.now())

    await db.run(write)


async def restrict(db, count: int, reason: str = "test") -> list[bool]:
    return [
        await db.run(
            restrictions.restrict, accounts.Method.PASSWORD, n.to_bytes(32), None, reason=reason, ttl=timedelta(hours=1)
        )
        for n in range(count)
    ]


def test_no_table_has_a_lock_of_accounts():
    """ASVS 6.1.1: malicious lock-out is prevented by having nothing to lock."""
    column = re.compile(r"\b\w*lock(?:ed|out)\w*\s+(?:bool|boolean|timestamptz|date|int|bigint|text)\b", re.IGNORECASE)
    for path in (Path(holdfast.__file__).parent / "migrations").glob("*.sql"):
        assert not column.search(re.sub(r"--.*", "", path.read_text())), path.name


def test_waits_grow_on_the_pair_and_end_at_a_minute():
    waits = [attempts_model.wait_after(failed).total_seconds() for failed in range(14)]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_failures_wait_where_they_come_from_and_nowhere_else(db):
    person, _session = await people.with_password(db)
    here = people.place()
    assert [await fail(db, person.phone, here) for _ in range(4)] == ["password-wrong"] * 4
    assert await fail(db, person.phone, here) == "sign-in-paused"
    assert await people.try_password(db, person.phone, people.PASSWORD), "from elsewhere it opens at once"
    clock.move(timedelta(seconds=2))
    assert await people.try_password(db, person.phone, people.PASSWORD, here)
    assert [await fail(db, person.phone, here) for _ in range(3)] == ["password-wrong"] * 3, "success forgets"


async def test_a_phone_nobody_has_waits_and_rests_as_one_that_somebody_has(db):
    nobody, here = world.phone_number(), people.place()
    assert [await fail(db, nobody, here) for _ in range(5)] == ["password-wrong"] * 4 + ["sign-in-paused"]


async def test_one_network_has_a_limit_whoever_it_tries(db):
    here = people.place()
    outcomes = [await fail(db, world.phone_number(), here) for _ in range(61)]
    assert outcomes == ["password-wrong"] * 60 + ["sign-in-paused"]


async def test_after_a_hundred_failures_unknown_devices_rest_and_all_else_goes_on(db):
    person, _session = await people.with_password(db)
    known = people.place(token="mei's own phone")
    await people.try_password(db, person.phone, people.PASSWORD, known)
    await with_failures(db, person, attempts_model.FAILURES_MAX - 1)
    assert await fail(db, person.phone) == "password-wrong"
    with pytest.raises(accounts.MethodRestricted) as raised:
        await people.try_password(db, person.phone, people.PASSWORD)
    assert 3590 <= raised.value.fields["retry_after_s"] <= 3601
    assert await people.try_password(db, person.phone, people.PASSWORD, known), "a known device goes on"
    clock.move(timedelta(minutes=1))
    await accounts.request_code(db, person.phone, "zh", "198.51.100.7")
    code = await people.code_to(db, person.phone)
    assert await accounts.sign_in(db, person.phone, code, kept=False, device="d"), "a code goes on"
    clock.move(timedelta(hours=1))
    assert await people.try_password(db, person.phone, people.PASSWORD), "it ends by itself"


async def test_strangers_cannot_make_a_known_device_wait(db):
    person, _session = await people.with_password(db)
    known = people.place(token="mei's own phone")
    await people.try_password(db, person.phone, people.PASSWORD, known)
    for _ in range(6):
        await fail(db, person.phone, people.place(source=known.source))
    assert await people.try_password(db, person.phone, people.PASSWORD, known)


async def test_a_device_is_known_to_its_own_accounts_alone_and_forgotten_by_signing_out_everywhere(db):
    (mei, session), (li, _) = await people.with_password(db), await people.with_password(db)
    at = people.place(token="mei's own phone")
    await people.try_password(db, mei.phone, people.PASSWORD, at)
    assert await db.read(attempts_store.is_known, at.key, mei.account_id)
    assert not await db.read(attempts_store.is_known, at.key, li.account_id)
    await db.run(accounts.sign_out_everywhere, session.account_id)
    assert not await db.read(attempts_store.is_known, at.key, mei.account_id)


async def test_no_more_than_the_cap_are_written_in_a_minute_then_the_breaker_opens(db):
    written = await restrict(db, 25)
    assert written == [True] * 20 + [False] * 5
    assert await db.read(accounts.breaker.troubled) == [accounts.Method.PASSWORD]


def test_the_cap_grows_with_the_people():
    assert [attempts_model.cap_of(people) for people in (0, 10_000, 200_000, 300_000, 100_000_000)] == [
        20,
        20,
        20,
        30,
        10_000,
    ]


async def test_a_release_is_voided_with_one_command_after_a_look(db):
    person, _session = await people.with_password(db)
    await with_failures(db, person, attempts_model.FAILURES_MAX - 1)
    await fail(db, person.phone)
    with pytest.raises(accounts.MethodRestricted):
        await people.try_password(db, person.phone, people.PASSWORD)
    chosen = accounts.Selection(release=holdfast.__version__)
    seen = await db.read(restrictions.preview, chosen)
    assert (seen.written, seen.in_force, seen.groups[0].accounts) == (1, 1, 1)
    assert await db.run(restrictions.void, LIN, chosen, reason="bad release", most=seen.in_force) == 1
    assert await people.try_password(db, person.phone, people.PASSWORD)
    assert (await db.read(restrictions.preview, chosen)).written == 0
    line = await world.value(db, "select details from kit.audit where action = 'restrictions.void'")
    assert line == {"voided": 1, "reason": "bad release", "release": holdfast.__version__}


async def test_only_what_was_chosen_is_voided(db):
    await restrict(db, 2, "early")
    clock.move(timedelta(minutes=10))
    between = clock.now()
    await restrict(db, 3, "late")
    for chosen, count in (
        (accounts.Selection(release="another"), 0),
        (accounts.Selection(since=between), 3),
        (accounts.Selection(until=between), 2),
    ):
        assert await db.run(restrictions.void, LIN, chosen, reason="test") == count


async def test_everything_is_no_choice_and_a_preview_that_grew_is_looked_at_again(db):
    await restrict(db, 3)
    with pytest.raises(accounts.SelectionMissing):
        await db.run(restrictions.void, LIN, accounts.Selection(), reason="test")
    chosen = accounts.Selection(release=holdfast.__version__)
    with pytest.raises(accounts.SelectionChanged):
        await db.run(restrictions.void, LIN, chosen, reason="test", most=2)
    assert (await db.read(restrictions.preview, chosen)).in_force == 3
