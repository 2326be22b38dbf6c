"""Staff: two proofs, short sessions, no account that a stranger can lock, tokens with fewer rights, a trail of it all."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import psycopg
import pytest

from holdfast import accounts
from holdfast.accounts import staff_passwords, staff_sessions
from holdfast.kit import clock, crypto, settings
from holdfast.kit.problems import InvalidInput
from tests import staff, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(shared):
    """These tests share a database: none of them disturbs another."""
    return shared


async def enter(db, person, *, password=staff.PASSWORD, code=None, source=None) -> accounts.StaffSignedIn:
    """A sign-in, by default right in everything."""
    return await accounts.staff_sign_in(
        db, person.login, password, code or staff.next_code(person), device="Firefox · Linux",
        source=source or staff.address(),
    )  # fmt: skip


async def trail_of(db, login, action=""):
    return await db.read(accounts.trail, subject=f"staff:{login}", action=action)


# Setting up


async def test_a_set_up_link_counts_once_and_begins_a_session(db):
    link = await staff.invited(db, "finance")
    setup = await db.read(accounts.staff_setup_of, link.code)
    assert (setup.login, setup.secret) == (link.login, (await db.read(accounts.staff_setup_of, link.code)).secret)
    code = staff_passwords.code_at(setup.secret, clock.now())
    begun = await accounts.staff_set_up(db, link.code, staff.PASSWORD, code, device="phone", source=staff.address())
    found = await accounts.staff_of_token(db, begun.token)
    assert found is not None
    assert (found.staff.login, found.staff.roles) == (link.login, (accounts.Role.FINANCE,))
    with pytest.raises(accounts.SetupOver):
        await db.read(accounts.staff_setup_of, link.code)
    with pytest.raises(accounts.SetupOver):
        await accounts.staff_set_up(db, link.code, staff.PASSWORD, code, device="phone", source=staff.address())


async def test_of_two_who_use_a_link_at_once_one_succeeds(db):
    link = await staff.invited(db)
    secret = (await db.read(accounts.staff_setup_of, link.code)).secret
    code = staff_passwords.code_at(secret, clock.now())
    use = [
        accounts.staff_set_up(db, link.code, staff.PASSWORD, code, device="phone", source=staff.address())
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(*use, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["SetupOver", "StaffSignedIn"]


async def test_a_link_is_over_after_a_day_or_when_a_newer_one_was_made(db):
    link = await staff.invited(db)
    member = await db.read(accounts.staff_named, link.login)
    newer = await db.run(accounts.reset_staff, staff.TEST, member.id, reason="lost")
    with pytest.raises(accounts.SetupOver):
        await db.read(accounts.staff_setup_of, link.code)
    await db.read(accounts.staff_setup_of, newer.code)
    clock.move(timedelta(hours=24, seconds=1))
    with pytest.raises(accounts.SetupOver):
        await db.read(accounts.staff_setup_of, newer.code)


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "ababababababab", "x" * 201, "lin wen is my name", "abc"]
)
async def test_a_weak_password_is_refused_and_the_link_still_counts(db, password):
    link = await staff.invited(db, name="Lin Wen")
    secret = (await db.read(accounts.staff_setup_of, link.code)).secret
    code = staff_passwords.code_at(secret, clock.now())
    with pytest.raises(accounts.PasswordUnfit) as refused:
        await accounts.staff_set_up(db, link.code, password, code, device="phone", source=staff.address())
    assert refused.value.errors[0]["field"] == "password"
    await accounts.staff_set_up(db, link.code, staff.PASSWORD, code, device="phone", source=staff.address())


async def test_a_wrong_first_code_is_refused_and_the_link_still_counts(db):
    link = await staff.invited(db)
    with pytest.raises(accounts.SetupCodeWrong):
        await accounts.staff_set_up(db, link.code, staff.PASSWORD, "000 000x", device="phone", source=staff.address())
    await db.read(accounts.staff_setup_of, link.code)


async def test_secrets_are_not_in_the_database(db):
    person = await staff.colleague(db)
    token = await staff.api_token(db, person, "support")
    with psycopg.connect(db.url) as connection:
        rows = str([
            connection.execute(f"select t::text from accounts.{table} t").fetchall()
            for table in ("staff", "staff_setups", "staff_sessions", "staff_tokens")
        ])  # fmt: skip
    for secret in (staff.PASSWORD, person.secret, person.token, token):
        assert secret not in rows
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in rows


# Signing in


async def test_password_and_code_open_a_session_and_the_code_counts_once(db):
    person = await staff.colleague(db)
    code = staff.next_code(person)
    assert (await enter(db, person, code=code)).staff.login == person.login
    with pytest.raises(accounts.StaffSignInWrong):
        await enter(db, person, code=code)


async def test_of_two_sign_ins_with_one_code_one_succeeds(db):
    person = await staff.colleague(db)
    code = staff.next_code(person)
    outcomes = await asyncio.gather(*(enter(db, person, code=code) for _ in range(2)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["StaffSignInWrong", "StaffSignedIn"]


async def test_the_code_of_the_step_before_and_after_still_counts_and_no_other(db):
    person = await staff.colleague(db)
    clock.move(timedelta(minutes=5))
    for steps, fits in ((-2, False), (2, False), (-1, True), (1, True)):
        code = staff_passwords.code_at(person.secret, clock.now() + timedelta(seconds=steps * 30))
        if fits:
            await enter(db, person, code=code)
        else:
            with pytest.raises(accounts.StaffSignInWrong):
                await enter(db, person, code=code)


async def test_whatever_is_wrong_the_answer_is_the_same_and_the_trail_knows(db):
    person, gone = await staff.colleague(db), await staff.colleague(db)
    await db.run(accounts.disable_staff, staff.TEST, gone.id, reason="left")
    nobody = msgspec.structs.replace(person, login="nobody@example.org")
    for who, changes in (
        (person, {"password": "not the password"}), (person, {"code": "000000"}), (person, {"code": "."}), (nobody, {}), (gone, {}),
    ):  # fmt: skip
        with pytest.raises(accounts.StaffSignInWrong) as refused:
            await enter(db, who, **changes)
        assert refused.value.fields == {}
    wrong = [entry.details["wrong"] for entry in await trail_of(db, person.login, "staff.sign-in-refused")]
    assert wrong == ["code", "code", "password"]
    [entry] = await trail_of(db, gone.login, "staff.sign-in-refused")
    assert entry.details["wrong"] == "switched off"
    typed = await world.value(db, "select count(*) from kit.audit a where a::text like '%%nobody@example%%'")
    assert typed == 0, "what a stranger types may be a password"


async def test_an_unknown_login_takes_as_long_as_a_known_one(db):
    async def took(login):
        began = asyncio.get_running_loop().time()
        with pytest.raises(accounts.StaffSignInWrong):
            await accounts.staff_sign_in(db, login, "not the password", "123456", device="", source=staff.address())
        return asyncio.get_running_loop().time() - began

    person = await staff.colleague(db)
    known = min([await took(person.login) for _ in range(3)])
    unknown = min([await took("nobody@example.org") for _ in range(3)])
    assert unknown > known / 3


async def test_wrong_passwords_from_elsewhere_never_lock_the_owner_out(db):
    person, stranger = await staff.colleague(db), staff.address()
    for _ in range(staff_sessions.TRIES[0][0]):
        with pytest.raises(accounts.StaffSignInWrong):
            await enter(db, person, password="guess", code="123456", source=stranger)
    with pytest.raises(accounts.StaffSignInPaused) as paused:
        await enter(db, person, source=stranger)
    assert 0 < paused.value.fields["retry_after_s"] <= 60
    await enter(db, person)
    clock.move(timedelta(seconds=61))
    await enter(db, person, source=stranger)


async def knock(db, login, source):
    """What comes before a password is looked at: a pause in seconds, or 0 when it may be tried."""
    outcome = await db.run(staff_sessions._knock, login, source)
    return outcome.fields["retry_after_s"] if isinstance(outcome, accounts.StaffSignInPaused) else 0


async def test_pauses_grow_with_the_tries_from_one_place(db):
    stranger, login, waits = staff.address(), staff.new_login(), []
    for _ in range(4):
        while not (wait_s := await knock(db, login, stranger)):
            assert len(waits) < 4
        waits.append(wait_s)
        clock.move(timedelta(seconds=wait_s + 1))
    assert waits[0] <= 60
    assert 60 < waits[2] <= 900, waits
    paused = await db.read(accounts.trail, action="staff.sign-in-paused")
    assert len([entry for entry in paused if entry.details["source"] == stranger]) == 4


async def test_many_logins_from_one_address_are_paused_too(db):
    """All addresses of an IPv6 /64 are one customer's."""
    uses = staff_sessions.TRIES_OF_SOURCE[0][0]
    waits = [await knock(db, staff.new_login(), f"2001:db8:7::{number:x}") for number in range(1, uses + 2)]
    assert waits[:-1] == [0] * uses
    assert waits[-1] > 0
    assert await knock(db, staff.new_login(), "2001:db8:8::1") == 0


async def test_who_has_the_password_cannot_go_through_the_codes(db):
    person = await staff.colleague(db)
    for _ in range(staff_sessions.CODES_PER_HOUR):
        with pytest.raises(accounts.StaffSignInWrong):
            await enter(db, person, code="000000")
    with pytest.raises(accounts.StaffSignInPaused):
        await enter(db, person, code="000000")
    clock.move(timedelta(hours=1))
    await enter(db, person)


# Sessions


async def test_a_session_ends_after_half_an_hour_without_use_and_after_twelve_hours(db):
    person = await staff.colleague(db)
    begun = await enter(db, person)
    for _ in range(25):
        clock.move(timedelta(minutes=28))
        assert await accounts.staff_of_token(db, begun.token) is not None
    clock.move(timedelta(minutes=21))
    assert await accounts.staff_of_token(db, begun.token) is None
    again = await enter(db, person)
    clock.move(timedelta(minutes=31))
    assert await accounts.staff_of_token(db, again.token) is None


async def test_signing_out_here_and_everywhere(db):
    person = await staff.colleague(db)
    here, there = await enter(db, person), await enter(db, person)
    assert len(await db.read(accounts.staff_devices, person.id)) == 3
    await db.run(accounts.staff_sign_out, person.actor, here.token)
    assert await accounts.staff_of_token(db, here.token) is None
    assert await accounts.staff_of_token(db, there.token) is not None
    assert await db.run(accounts.staff_sign_out_everywhere, there.staff) == 2
    assert await accounts.staff_of_token(db, there.token) is None
    assert [entry.action for entry in await trail_of(db, person.login)][:2] == [
        "staff.sign-out-everywhere",
        "staff.sign-out",
    ]


async def test_changed_roles_count_at_once(db):
    person = await staff.colleague(db, "support")
    await db.run(accounts.change_roles, staff.TEST, person.id, ["finance", "desk"], reason="moved to finance")
    found = await accounts.staff_of_token(db, person.token)
    assert found is not None
    assert found.staff.roles == ("desk", "finance")
    [entry] = await trail_of(db, person.login, "staff.roles")
    assert entry.details == {"before": ["support"], "after": ["desk", "finance"], "reason": "moved to finance"}


async def test_switching_off_ends_sessions_tokens_and_links_and_switching_on_gives_none_back(db):
    person = await staff.colleague(db, "support")
    token = await staff.api_token(db, person, "support")
    await db.run(accounts.disable_staff, staff.TEST, person.id, reason="left")
    assert await accounts.staff_of_token(db, person.token) is None
    assert await accounts.staff_of_api_token(db, token) is None
    with pytest.raises(accounts.StaffInactive):
        await db.run(accounts.reset_staff, staff.TEST, person.id, reason="lost")
    await db.run(accounts.enable_staff, staff.TEST, person.id, reason="came back")
    assert await accounts.staff_of_token(db, person.token) is None
    assert await accounts.staff_of_api_token(db, token) is None
    await enter(db, person)


async def test_a_reset_ends_the_old_proofs_at_once(db):
    person = await staff.colleague(db)
    await db.run(accounts.reset_staff, staff.TEST, person.id, reason="lost phone")
    assert await accounts.staff_of_token(db, person.token) is None
    with pytest.raises(accounts.StaffSignInWrong):
        await enter(db, person)


# Accounts


async def test_all_that_is_wrong_with_a_new_account_is_said_at_once(db):
    with pytest.raises(InvalidInput) as refused:
        await db.run(accounts.add_staff, staff.TEST, login="not an address", name="X", roles=[])
    assert [error["field"] for error in refused.value.errors] == ["login", "name", "roles"]


async def test_a_login_is_taken_once_however_it_is_typed(db):
    link = await staff.invited(db)
    with pytest.raises(accounts.LoginTaken):
        await db.run(accounts.add_staff, staff.TEST, login=f"  {link.login.upper()} ", name="Else", roles=["desk"])


async def test_the_last_engineer_stays(database_url):
    async with world.another_process(database_url) as db:
        lin, jun = await staff.colleague(db, "engineer"), await staff.colleague(db, "engineer")
        await staff.invited(db, "engineer")
        outcomes = await asyncio.gather(
            db.run(accounts.disable_staff, jun.actor, lin.id, reason="quarrel"),
            db.run(accounts.change_roles, lin.actor, jun.id, ["desk"], reason="quarrel"),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastEngineer", "NoneType"]


async def test_a_demo_account_is_ready_at_once_and_refused_in_production(db, monkeypatch):
    about = {"login": staff.new_login(), "name": "Lin Wen", "roles": ["desk"], "password": staff.PASSWORD}
    secret = await accounts.furnish_staff(db, staff.TEST, **about)
    code = staff_passwords.code_at(secret, clock.now())
    await accounts.staff_sign_in(db, about["login"], staff.PASSWORD, code, device="", source=staff.address())
    production = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: production)
    with pytest.raises(accounts.DemoRefused):
        await accounts.furnish_staff(db, staff.TEST, **about | {"login": staff.new_login()})


# Tokens of programs


async def test_a_token_has_the_roles_that_it_and_its_owner_share(db):
    person = await staff.colleague(db, "finance", "support")
    token = await staff.api_token(db, person, "finance")
    assert token.startswith("hfs_")
    found = await accounts.staff_of_api_token(db, token)
    assert found is not None
    assert (found.id, found.roles) == (person.id, ("finance",))
    await db.run(accounts.change_roles, staff.TEST, person.id, ["support"], reason="moved")
    found = await accounts.staff_of_api_token(db, token)
    assert found is not None
    assert found.roles == ()


async def test_a_token_cannot_have_roles_its_owner_lacks_nor_live_for_ever(db):
    person = await staff.colleague(db, "support")
    for roles, days, field in (
        (["finance"], 30, "roles"),
        ([], 30, "roles"),
        (["support"], 0, "days"),
        (["support"], 367, "days"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await staff.api_token(db, person, *roles, days=days)
        assert [error["field"] for error in refused.value.errors] == [field]


async def test_a_token_ends_on_its_day_or_when_it_is_ended(db):
    person = await staff.colleague(db, "support")
    first, second = [await staff.api_token(db, person, "support", days=days) for days in (1, 2)]
    [newest, _older] = await db.read(accounts.api_tokens, person.id)
    await db.run(accounts.end_token, staff.TEST, person.id, newest.id, reason="leaked")
    assert await accounts.staff_of_api_token(db, second) is None
    with pytest.raises(accounts.TokenUnknown):
        await db.run(accounts.end_token, staff.TEST, person.id, newest.id, reason="leaked")
    assert await accounts.staff_of_api_token(db, first) is not None
    clock.move(timedelta(days=1, seconds=1))
    assert await accounts.staff_of_api_token(db, first) is None
    for nonsense in ("", "hfs_", "nonsense", first[4:], person.token):
        assert await accounts.staff_of_api_token(db, nonsense) is None


async def test_a_token_of_one_kind_does_not_open_the_other_door(db):
    person, mei = await staff.colleague(db, "support"), await world.traveller(db)
    token = await staff.api_token(db, person, "support")
    assert await accounts.staff_of_token(db, token) is None
    assert await accounts.staff_of_token(db, mei.token) is None
    assert await db.read(accounts.session, person.token) is None
    assert await db.read(accounts.session, token) is None


# The trail


async def test_the_trail_is_searched_by_who_what_and_when(db):
    name = f"Trail {crypto.digest(staff.new_login()).hex()[:8]}"
    person = await staff.colleague(db, "support", name=name)
    begun = await enter(db, person)
    before = clock.now()
    await db.run(accounts.staff_sign_out, person.actor, begun.token)

    async def actions(**asked):
        return [entry.action for entry in await db.read(accounts.trail, **asked)]

    assert await actions(actor=name) == ["staff.sign-out", "staff.sign-in", "staff.set-up"]
    assert await actions(actor=name, action="staff.sign-in") == ["staff.sign-in"]
    assert await actions(actor=name, since=before) == ["staff.sign-out"]
    assert await actions(actor=name, until=before) == ["staff.sign-in", "staff.set-up"]
    [last] = await db.read(accounts.trail, actor=name, limit=1)
    assert (last.name, last.login, last.subject) == (name, person.login, f"staff:{person.login}")
    assert await actions(actor=name, before=last.id) == ["staff.sign-in", "staff.set-up"]
    assert await actions(actor="system:test", subject=f"staff:{person.login}") == ["staff.add"]
