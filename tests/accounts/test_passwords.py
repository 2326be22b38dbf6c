"""Passwords: rules without harassment, one answer for whatever was wrong, hashes of a known cost outside of transactions."""

from __future__ import annotations

import asyncio
import time

import pytest

from holdfast import accounts
from holdfast.accounts import identifiers, passwords
from holdfast.kit.problems import Overloaded
from tests import world

from . import people

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "typed",
    [
        "kelp anchors seven boats",
        "ünï cödé 密码很长的一个",
        "x9$Lq2!v",
        "a quick brown " * 14,
        "        pass of spaces",
    ],
)
def test_any_good_password_is_taken_as_typed(typed):
    assert passwords.check(typed)


@pytest.mark.parametrize(
    "typed",
    ["", "short", "1234567", "password", "PassWord1", "12345678", "qwertyuiop", "aaaaaaaaaa", "x" * 201, "woaini1314"],
)
def test_what_strangers_try_first_is_refused_beside_its_field(typed):
    with pytest.raises(accounts.PasswordWeak) as raised:
        passwords.check(typed)
    assert [error["field"] for error in raised.value.errors] == ["password"]


def test_a_password_does_not_hold_the_number_or_address_it_belongs_to():
    for typed in ("my 13900001111 phone", "MEI.LI is the best"):
        with pytest.raises(accounts.PasswordWeak):
            passwords.check(typed, ["13900001111", "mei.li"])


def test_the_list_is_short_enough_to_ship_and_long_enough_to_matter():
    assert 3000 <= len(passwords.common()) <= 4000
    assert all(len(one) >= passwords.LENGTH_MIN for one in passwords.common())


async def test_hashes_have_the_advised_cost_and_fit_what_was_typed():
    known = await passwords.hashed("kelp anchors seven boats")
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.fits(known, "kelp anchors seven boats")
    assert await passwords.fits(await passwords.hashed("\u00e9clair am Meer"), "e\u0301clair am Meer"), "NFKC"
    assert not await passwords.fits(known, "kelp anchors seven boat")
    assert not await passwords.fits(None, "kelp anchors seven boats")
    assert not await passwords.fits("nonsense", "kelp anchors seven boats")


async def test_a_flood_of_tries_is_refused_and_not_queued_for_minutes():
    tries = [passwords.fits(None, "flood") for _ in range(passwords.QUEUE + 10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 10


async def test_a_password_opens_its_account_by_phone_and_by_address(db):
    person, session = await people.with_password(db)
    begun = await people.try_password(db, person.phone, people.PASSWORD)
    assert begun.account_id == person.account_id
    assert (await people.session_of(db, begun.token)).methods == ("password",)
    await db.run(identifiers.remove_password, session)
    with pytest.raises(accounts.PasswordWrong):
        await people.try_password(db, person.phone, people.PASSWORD)


async def test_nobody_learns_whether_a_phone_has_an_account(db):
    """The same answer and the same work: for a phone nobody has, one without a password, and a wrong password."""
    person, _session = await people.with_password(db)
    bare, _ = await people.signed_in(db)
    answers, times = set(), []
    for phone in (world.phone_number(), bare.phone, person.phone):
        started = time.perf_counter()
        with pytest.raises(accounts.PasswordWrong) as raised:
            await people.try_password(db, phone)
        times.append(time.perf_counter() - started)
        answers.add((raised.value.code, str(raised.value.fields)))
    assert len(answers) == 1
    assert min(times) > 0.01, "each was compared with a hash"


async def test_the_database_holds_no_password(db):
    await people.with_password(db)
    for table in ("passwords", "sign_ins", "failures", "sessions"):
        rows = await world.value(db, f"select coalesce(string_agg(t::text, ' '), '') from accounts.{table} t")
        assert people.PASSWORD not in rows
        assert people.PASSWORD.encode().hex() not in rows
