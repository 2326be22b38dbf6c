"""Passkeys: made and used by a software authenticator; nothing but the right answer to our own question opens anything."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from holdfast import accounts
from holdfast.accounts import identifiers, passkeys
from holdfast.accounts.passkeys import Owner
from holdfast.kit import clock, settings
from tests import staff, world
from tests.authenticator import Authenticator, b64, unb64

from . import people

pytestmark = pytest.mark.anyio


async def with_passkey(db, phone: Authenticator) -> tuple[world.Person, accounts.Session]:
    """Somebody who added a passkey to their account."""
    person, session = await people.signed_in(db)
    await add(db, session, phone)
    return person, session


async def add(db, session: accounts.Session, phone: Authenticator, name: str = "Pixel") -> None:
    options = await db.read(accounts.passkey_creation_options, session)
    await db.run(accounts.add_passkey, session, phone.create(options), name)


async def sign_in(db, answer: str) -> accounts.SignedIn:
    return await accounts.sign_in_with_passkey(db, answer, kept=True, place=people.place())


async def test_a_passkey_opens_its_account_without_a_name_being_typed(db):
    phone = Authenticator()
    person, session = await with_passkey(db, phone)
    begun = await sign_in(db, phone.get(accounts.passkey_sign_in_options()))
    assert begun.account_id == person.account_id
    assert (await people.session_of(db, begun.token)).methods == ("passkey",)
    [kept] = (await db.read(identifiers.credentials, session.account_id)).passkeys
    assert (kept.name, kept.synced) == ("Pixel", False)
    assert kept.used_at is not None


async def test_a_synced_passkey_has_no_counter_and_works_again_and_again(db):
    phone = Authenticator(counts=False)
    person, session = await with_passkey(db, phone)
    for _ in range(3):
        assert (await sign_in(db, phone.get(accounts.passkey_sign_in_options()))).account_id == person.account_id
    assert [one.synced for one in (await db.read(identifiers.credentials, session.account_id)).passkeys] == [True]


async def test_options_say_what_makes_a_passkey_discoverable_and_verified_and_nothing_about_the_person(db):
    person, session = await people.signed_in(db)
    asked = json.loads(await db.read(accounts.passkey_creation_options, session))
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["rp"]["id"] == "localhost"
    assert asked["user"]["name"] == session.phone_masked
    assert person.account_id.bytes not in unb64(asked["user"]["id"])
    assert json.loads(accounts.passkey_sign_in_options()).get("allowCredentials", []) == []


async def test_an_answer_counts_once(db):
    phone = Authenticator(counts=False)
    await with_passkey(db, phone)
    answer = phone.get(accounts.passkey_sign_in_options())
    await sign_in(db, answer)
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, answer)


async def test_a_question_is_answered_within_ten_minutes(db):
    phone = Authenticator()
    await with_passkey(db, phone)
    answer = phone.get(accounts.passkey_sign_in_options())
    clock.move(timedelta(minutes=10, seconds=1))
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, answer)


async def test_a_question_for_one_thing_is_no_question_for_another(db):
    phone = Authenticator()
    _person, session = await with_passkey(db, phone)
    confirming = await db.read(accounts.passkey_confirmation_options, session)
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, phone.get(confirming))
    with pytest.raises(accounts.PasskeyRefused):
        await accounts.confirm_with_passkey(db, session, phone.get(accounts.passkey_sign_in_options()))
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, phone.get(passkeys.request_options("staff-sign-in")))


def _elsewhere(phone: Authenticator) -> None:
    phone.origin = "https://holdfast.example.evil"


def _unlocked_by_nobody(phone: Authenticator) -> None:
    phone.verifies = False


def _counted_back(phone: Authenticator) -> None:
    phone.counter = 0


@pytest.mark.parametrize("spoil", [_elsewhere, _unlocked_by_nobody, _counted_back])
async def test_what_does_not_fit_opens_nothing_and_is_written_down(db, spoil):
    phone = Authenticator()
    person, _session = await with_passkey(db, phone)
    await sign_in(db, phone.get(accounts.passkey_sign_in_options()))
    spoil(phone)
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, phone.get(accounts.passkey_sign_in_options()))
    [last, *_] = await db.read(accounts.attempts.recent, person.account_id)
    assert (last.method, last.succeeded, last.why) == ("passkey", False, "passkey-refused")


async def test_another_users_handle_a_forged_signature_and_a_question_of_our_own_making_are_refused(db):
    phone, other = Authenticator(), Authenticator()
    await with_passkey(db, phone)
    await with_passkey(db, other)
    options = accounts.passkey_sign_in_options()
    forged = json.loads(phone.get(options))
    forged["response"]["signature"] = b64(bytes(70))
    asked = json.loads(options)
    own = json.dumps(asked | {"challenge": b64(bytes(52))})
    for answer in (
        phone.get(options, handle=next(iter(other.handles.values()))),
        json.dumps(forged),
        phone.get(own),
        json.dumps(asked),
        Authenticator().create(await db.read(accounts.passkey_creation_options, (await people.signed_in(db))[1])),
    ):
        with pytest.raises(accounts.PasskeyRefused):
            await sign_in(db, answer)


@pytest.mark.parametrize(
    "answer",
    ["", "null", "[]", "{}", '{"response": 1}', '{"id": "x", "response": {"clientDataJSON": "////"}}', "x" * 40_000,
     '{"id": 7, "response": {"clientDataJSON": "e30"}}', "[" * 20_000],
)  # fmt: skip
async def test_nonsense_is_refused_and_breaks_nothing(shared, answer):
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(shared, answer)
    _person, session = await people.signed_in(shared)
    with pytest.raises(accounts.PasskeyRefused):
        await shared.run(accounts.add_passkey, session, answer, "x")


async def test_a_broken_attestation_is_refused_and_breaks_nothing(db):
    _person, session = await people.signed_in(db)
    for broken in (b"", b"\xff", bytes(500), b"\xa3" + bytes(40)):
        made = json.loads(Authenticator().create(await db.read(accounts.passkey_creation_options, session)))
        made["response"]["attestationObject"] = b64(broken)
        with pytest.raises(accounts.PasskeyRefused):
            await db.run(accounts.add_passkey, session, json.dumps(made), "x")


async def test_a_passkey_is_kept_once_and_a_device_is_told_what_it_has(db):
    phone = Authenticator()
    _person, session = await with_passkey(db, phone)
    options = await db.read(accounts.passkey_creation_options, session)
    assert [unb64(one["id"]) for one in json.loads(options)["excludeCredentials"]] == list(phone.keys)


async def test_a_removed_passkey_opens_nothing_and_the_last_way_in_stays(db):
    phone = Authenticator()
    _person, session = await with_passkey(db, phone)
    credentials = await db.read(identifiers.credentials, session.account_id)
    await db.run(accounts.remove_passkey, session, credentials.passkeys[0].id)
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, phone.get(accounts.passkey_sign_in_options()))
    await add(db, session, phone)
    await db.run(identifiers.remove_identifier, session, credentials.identifiers[0].id)
    [left] = (await db.read(identifiers.credentials, session.account_id)).passkeys
    with pytest.raises(accounts.LastWayIn):
        await db.run(accounts.remove_passkey, session, left.id)
    assert await sign_in(db, phone.get(accounts.passkey_sign_in_options()))


async def test_a_passkey_confirms_in_a_session_of_its_account_alone(db):
    phone, other = Authenticator(), Authenticator()
    person, session = await with_passkey(db, phone)
    await with_passkey(db, other)
    clock.move(timedelta(minutes=6))
    options = await db.read(accounts.passkey_confirmation_options, session)
    with pytest.raises(accounts.PasskeyRefused):
        await accounts.confirm_with_passkey(db, session, other.get(options, of=next(iter(other.keys))))
    options = await db.read(accounts.passkey_confirmation_options, session)
    await accounts.confirm_with_passkey(db, session, phone.get(options))
    assert accounts.is_fresh(await people.session_of(db, person.token))


def test_the_domain_is_the_configured_one_whatever_the_address(monkeypatch):
    for base_url, given, expected in (
        ("https://book.holdfast.example", "", "book.holdfast.example"),
        ("https://book.holdfast.example", "holdfast.example", "holdfast.example"),
        ("http://127.0.0.1:8000", "", "localhost"),
    ):
        here = msgspec.structs.replace(settings.current(), base_url=base_url, passkey_domain=given)
        monkeypatch.setattr(settings, "current", lambda here=here: here)
        assert passkeys.domain() == expected
        assert base_url in passkeys.origins()


# Staff


async def staff_with_passkey(db, phone: Authenticator) -> tuple[staff.Colleague, accounts.Staff]:
    lin = await staff.colleague(db, "engineer")
    member = (await db.read(accounts.staff_member, lin.id)).staff
    options = await db.read(accounts.staff_passkey_creation_options, member)
    await accounts.add_staff_passkey(db, member, phone.create(options), "laptop", staff.next_code(lin))
    return lin, member


async def test_a_passkey_stands_for_password_and_code_at_the_console(db):
    phone = Authenticator()
    lin, member = await staff_with_passkey(db, phone)
    begun = await accounts.staff_sign_in_with_passkey(
        db, phone.get(accounts.staff_passkey_sign_in_options()), device="d", source=staff.address()
    )
    assert begun.staff.id == lin.id
    [kept] = await db.read(accounts.staff_passkeys, lin.id)
    await db.run(accounts.remove_staff_passkey, member, kept.id)
    with pytest.raises(accounts.StaffSignInWrong):
        await accounts.staff_sign_in_with_passkey(
            db, phone.get(accounts.staff_passkey_sign_in_options()), device="d", source=staff.address()
        )


async def test_adding_one_to_a_staff_account_needs_the_code_of_the_authenticator(db):
    lin = await staff.colleague(db, "desk")
    member = (await db.read(accounts.staff_member, lin.id)).staff
    options = await db.read(accounts.staff_passkey_creation_options, member)
    for _ in range(2):
        with pytest.raises(accounts.SetupCodeWrong):
            await accounts.add_staff_passkey(db, member, Authenticator().create(options), "x", "000000")
    assert await db.read(accounts.staff_passkeys, lin.id) == []


async def test_a_reset_and_switching_off_end_it(db):
    for act in (accounts.reset_staff, accounts.disable_staff):
        phone = Authenticator()
        lin, _member = await staff_with_passkey(db, phone)
        await staff.colleague(db, "engineer")
        await db.run(act, staff.TEST, lin.id, reason="lost laptop")
        with pytest.raises(accounts.StaffSignInWrong):
            await accounts.staff_sign_in_with_passkey(
                db, phone.get(accounts.staff_passkey_sign_in_options()), device="d", source=staff.address()
            )


async def test_travellers_and_staff_never_use_each_others_passkeys(db):
    mine, theirs = Authenticator(), Authenticator()
    await with_passkey(db, mine)
    await staff_with_passkey(db, theirs)
    with pytest.raises(accounts.PasskeyRefused):
        await sign_in(db, theirs.get(accounts.passkey_sign_in_options()))
    with pytest.raises(accounts.StaffSignInWrong):
        await accounts.staff_sign_in_with_passkey(
            db, mine.get(accounts.staff_passkey_sign_in_options()), device="d", source=staff.address()
        )
    assert Owner(account_id=UUID(int=7)).handle != Owner(staff_id=UUID(int=7)).handle
