"""Sessions: a code by message, a few tries, no passwords, nothing to lock; signing out here and everywhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import accounts
from holdfast.accounts.codes import CODE_TRIES, CODES_PER_PHONE_HOUR, CODES_PER_SOURCE_HOUR
from holdfast.kit import clock, crypto
from holdfast.kit.db import Tx
from tests import world

pytestmark = pytest.mark.anyio


async def asked(db, phone: str, source: str = "198.51.100.7") -> str:
    """A new code, read from the mailbox."""
    await accounts.request_code(db, phone, "en", source)
    return await world.code_sent_to(db, phone)


async def sign_in(db, phone: str, code: str, *, kept: bool = True, device: str = "phone") -> accounts.SignedIn:
    return await accounts.sign_in(db, phone, code, kept=kept, device=device)


async def session_of(db, token: str) -> accounts.Session | None:
    return await db.read(accounts.session, token)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_the_first_proof_of_a_phone_opens_its_account_and_the_next_finds_it(db):
    phone = world.phone_number()
    first = await sign_in(db, phone, await asked(db, phone))
    clock.move(timedelta(minutes=1))
    second = await sign_in(db, phone, await asked(db, phone))
    assert second.account_id == first.account_id
    assert second.token != first.token
    found = await session_of(db, first.token)
    assert (found.account_id, found.phone_masked, found.kept) == (first.account_id, first.phone_masked, True)
    assert await db.read(accounts.phone_of, first.account_id) == phone


async def test_a_code_is_masked_in_the_answer_and_readable_only_in_the_message(db):
    phone = world.phone_number()
    challenge = await accounts.request_code(db, phone, "zh", "198.51.100.7")
    assert challenge.phone_masked == accounts.mask_phone(phone)
    assert challenge.expires_at - clock.now() > timedelta(minutes=9)
    [message] = await world.messages(db, phone)
    assert message.template == "sign-in-code"
    assert message.locale == "zh"


async def test_a_code_counts_once(db):
    phone = world.phone_number()
    code = await asked(db, phone)
    results = await asyncio.gather(*(sign_in(db, phone, code) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, accounts.SignedIn) for result in results) == 1
    assert sum(isinstance(result, accounts.CodeExpired) for result in results) == 4


async def test_wrong_codes_cost_tries_of_that_code_and_never_the_account(db):
    phone = world.phone_number()
    code = await asked(db, phone)
    for left in reversed(range(CODE_TRIES)):
        with pytest.raises(accounts.CodeWrong) as raised:
            await sign_in(db, phone, another(code))
        assert raised.value.fields == {"tries_left": left}
    with pytest.raises(accounts.CodeExpired):
        await sign_in(db, phone, code)
    clock.move(timedelta(minutes=1))
    assert (await sign_in(db, phone, await asked(db, phone))).token


async def test_guessing_in_parallel_gives_no_more_tries(db):
    phone = world.phone_number()
    code = await asked(db, phone)
    guesses = await asyncio.gather(*(sign_in(db, phone, another(code)) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(guess, accounts.CodeWrong) for guess in guesses) == CODE_TRIES
    assert sum(isinstance(guess, accounts.CodeExpired) for guess in guesses) == 20 - CODE_TRIES


async def test_a_code_is_typed_with_spaces_around_it(db):
    phone = world.phone_number()
    assert await sign_in(db, phone, f" {await asked(db, phone)}\n")


async def test_a_code_that_is_old_counts_no_more(db):
    phone = world.phone_number()
    code = await asked(db, phone)
    clock.move(timedelta(minutes=10, seconds=1))
    with pytest.raises(accounts.CodeExpired):
        await sign_in(db, phone, code)


async def test_only_the_newest_code_counts_even_after_it_was_used(db):
    phone = world.phone_number()
    old = await asked(db, phone)
    clock.move(timedelta(seconds=31))
    new = await asked(db, phone)
    if old != new:
        with pytest.raises(accounts.CodeWrong):
            await sign_in(db, phone, old)
    await sign_in(db, phone, new)
    with pytest.raises(accounts.CodeExpired):
        await sign_in(db, phone, old)


async def test_a_code_belongs_to_its_phone(db):
    phone, other = world.phone_number(), world.phone_number()
    code = await asked(db, phone)
    with pytest.raises(accounts.CodeExpired):
        await sign_in(db, other, code)


async def test_between_two_codes_lies_half_a_minute_and_the_answer_says_how_long(db):
    phone = world.phone_number()
    await asked(db, phone)
    with pytest.raises(accounts.TooManyCodes) as raised:
        await asked(db, phone)
    assert 0 < raised.value.fields["retry_after_s"] <= 30
    clock.move(timedelta(seconds=31))
    assert await asked(db, phone)


async def test_asking_for_codes_at_the_same_time_sends_one(db):
    phone = world.phone_number()
    asking = [accounts.request_code(db, phone, "zh", f"198.51.100.{n}") for n in range(10)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(result, accounts.Challenge) for result in results) == 1
    assert len(await world.messages(db, phone)) == 1


async def test_a_phone_gets_few_codes_an_hour_whoever_asks(db):
    phone = world.phone_number()
    for n in range(CODES_PER_PHONE_HOUR):
        await asked(db, phone, f"198.51.100.{n}")
        clock.move(timedelta(seconds=31))
    with pytest.raises(accounts.TooManyCodes):
        await asked(db, phone, "203.0.113.1")
    clock.move(timedelta(hours=1))
    assert await asked(db, phone)


async def test_a_source_gets_many_codes_an_hour_but_not_any_number(db):
    for _ in range(CODES_PER_SOURCE_HOUR):
        await accounts.request_code(db, world.phone_number(), "zh", "198.51.100.7")
    with pytest.raises(accounts.TooManyCodes):
        await accounts.request_code(db, world.phone_number(), "zh", "198.51.100.7")
    assert await accounts.request_code(db, world.phone_number(), "zh", "198.51.100.8")


async def test_a_kept_session_lasts_ninety_days_and_a_guests_four_hours(db):
    phone = world.phone_number()
    kept = await sign_in(db, phone, await asked(db, phone))
    clock.move(timedelta(minutes=1))
    guest = await sign_in(db, phone, await asked(db, phone), kept=False)
    clock.move(timedelta(hours=4, minutes=1))
    assert await session_of(db, guest.token) is None
    assert await session_of(db, kept.token) is not None
    clock.move(timedelta(days=90))
    assert await session_of(db, kept.token) is None


async def test_signing_out_ends_this_session_alone(db):
    phone = world.phone_number()
    here = await sign_in(db, phone, await asked(db, phone), device="here")
    clock.move(timedelta(minutes=1))
    there = await sign_in(db, phone, await asked(db, phone), device="there")
    await db.run(accounts.sign_out, here.token)
    assert await session_of(db, here.token) is None
    assert [device.device for device in await db.read(accounts.devices, there.account_id)] == ["there"]


async def test_signing_out_everywhere_reaches_all_accounts_of_the_person(db):
    mei, mei_again, li = [await world.traveller(db) for _ in range(3)]
    await world.same_person(db, mei, mei_again)
    assert len(await db.read(accounts.devices, mei.account_id)) == 2
    assert await db.run(accounts.sign_out_everywhere, mei_again.account_id) == 2
    assert [await session_of(db, person.token) is None for person in (mei, mei_again, li)] == [True, True, False]


async def test_a_token_nobody_was_given_speaks_for_nobody(db):
    for token in ("", "x", "x" * 10_000, "日本"):
        assert await session_of(db, token) is None


async def test_the_database_holds_neither_token_nor_phone(db):
    phone = world.phone_number()
    token = (await sign_in(db, phone, await asked(db, phone))).token
    for table in ("codes", "sessions", "identifiers", "accounts"):
        rows = await world.value(db, f"select coalesce(string_agg(t::text, ' '), '') from accounts.{table} t")
        for secret in (token, phone, phone.encode().hex(), token.encode().hex()):
            assert secret not in rows


async def test_the_doorkeeper_asks_once_for_many_and_again_after_a_while(db):
    mei = await world.traveller(db)
    door = accounts.Doorkeeper(db, fresh_s=0.2)
    found = await asyncio.gather(*(door(mei.token) for _ in range(50)))
    assert {session.account_id for session in found} == {mei.account_id}
    assert await door("nobody") is None
    await db.run(accounts.sign_out, mei.token)
    assert await door(mei.token) is not None, "an answer counts for a moment"
    await world.until(lambda: _is_nobody(door, mei.token), timeout_s=3)


async def _is_nobody(door: accounts.Doorkeeper, token: str) -> bool:
    return await door(token) is None


async def test_the_doorkeeper_forgets_at_once_what_it_is_told_to_forget(db):
    door = accounts.Doorkeeper(db, fresh_s=60)
    mei, li = await world.traveller(db), await world.traveller(db)
    for person, forget in ((mei, lambda: door.forget(mei.token)), (li, door.forget_all)):
        assert await door(person.token) is not None
        await db.run(accounts.sign_out, person.token)
        forget()
        assert await door(person.token) is None


async def test_the_doorkeeper_knows_when_a_session_runs_out(db):
    phone = world.phone_number()
    guest = await sign_in(db, phone, await asked(db, phone), kept=False)
    door = accounts.Doorkeeper(db, fresh_s=60)
    assert await door(guest.token) is not None
    clock.move(timedelta(hours=4, seconds=1))
    assert await door(guest.token) is None


async def test_the_doorkeepers_memory_is_bounded(db):
    door = accounts.Doorkeeper(db, fresh_s=60, size=10)
    for n in range(25):
        assert await door(f"nobody-{n}") is None
    assert len(door._known) <= 10


async def test_a_request_sent_again_may_use_its_code_again_and_no_other_may(db):
    phone = world.phone_number()
    code = await asked(db, phone)
    first = await accounts.sign_in(db, phone, code, kept=False, device="d", request="form-1")
    again = await accounts.sign_in(db, phone, code, kept=False, device="d", request="form-1")
    assert again.account_id == first.account_id
    for other in ("form-2", ""):
        with pytest.raises(accounts.CodeExpired):
            await accounts.sign_in(db, phone, code, kept=False, device="d", request=other)


async def test_a_session_of_the_release_before_still_opens_and_has_no_fresh_proof(db):
    """As that release wrote it: a bare token, no form, no facts."""
    mei = await world.traveller(db)

    async def write(tx: Tx) -> None:
        await tx.execute(
            """insert into accounts.sessions (token_hash, account_id, kept, device, created_at, expires_at)
               values (%(hash)s, %(account)s, true, 'old', %(at)s, %(ends)s)""",
            hash=crypto.digest("a-token-of-43-characters"), account=mei.account_id, at=clock.now(),
            ends=clock.now() + timedelta(days=80),
        )  # fmt: skip

    await db.run(write)
    for found in (
        await session_of(db, "a-token-of-43-characters"),
        await accounts.Doorkeeper(db)("a-token-of-43-characters"),
    ):
        assert (found.account_id, found.methods) == (mei.account_id, ())
        assert not accounts.is_fresh(found)
    assert {device.device for device in await db.read(accounts.devices, mei.account_id)} == {"old", "test"}


@pytest.mark.parametrize(
    "facts", ["{}", '{"methods": "passkey"}', '{"methods": [{"a": 1}], "shape": 9}', "[1]", '{"methods": null}']
)
async def test_a_session_of_a_later_release_is_read_as_far_as_it_is_understood(db, facts):
    mei = await world.traveller(db)

    async def rewrite(tx: Tx) -> None:
        await tx.execute("update accounts.sessions set format = 9, facts = %(facts)s::jsonb", facts=facts)

    await db.run(rewrite)
    assert (await session_of(db, mei.token)).account_id == mei.account_id
    assert len(await db.read(accounts.devices, mei.account_id)) == 1


async def test_the_release_before_reads_the_sessions_of_this_one(db):
    """Its very query."""
    mei = await world.traveller(db)
    row = await world.value(
        db,
        """select row(s.account_id, s.kept)::text from accounts.sessions s
           where s.token_hash = any(%(hashes)s) and s.ended_at is null and s.expires_at > %(now)s""",
        hashes=[crypto.digest(mei.token)], now=clock.now(),
    )  # fmt: skip
    assert row == f"({mei.account_id},t)"


async def test_one_device_is_signed_out_by_a_name_that_opens_nothing(db):
    phone = world.phone_number()
    here = await sign_in(db, phone, await asked(db, phone), device="here")
    clock.move(timedelta(minutes=1))
    there = await sign_in(db, phone, await asked(db, phone), device="there")
    li = await world.traveller(db)
    listed = {device.device: device.id for device in await db.read(accounts.devices, here.account_id)}
    assert await session_of(db, listed["there"]) is None
    assert not await db.run(accounts.sign_out_device, li.account_id, listed["there"])
    assert await db.run(accounts.sign_out_device, here.account_id, listed["there"])
    assert not await db.run(accounts.sign_out_device, here.account_id, listed["there"])
    assert [await session_of(db, one.token) is None for one in (here, there)] == [False, True]


async def test_devices_say_when_they_were_last_used(db):
    mei = await world.traveller(db)
    clock.move(timedelta(hours=1))
    await accounts.Doorkeeper(db)(mei.token)
    [device] = await db.read(accounts.devices, mei.account_id)
    assert device.seen_at - device.created_at >= timedelta(minutes=59)
