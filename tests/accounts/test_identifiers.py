"""Identifiers: several for one account, each proven, never the last removed, never another's taken over; fresh proofs before."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from holdfast import accounts
from holdfast.accounts import identifiers
from holdfast.kit import clock
from tests import world

from . import people

pytestmark = pytest.mark.anyio


async def add_email(db, session: accounts.Session, address: str, at: accounts.Place | None = None) -> None:
    at = at or people.place()
    await identifiers.request_identifier_code(db, session, "email", address, "en", at)
    await identifiers.add_identifier(db, session, "email", address, await people.code_to(db, address), at)


async def kinds(db, session: accounts.Session) -> list[str]:
    return [one.kind for one in (await db.read(identifiers.credentials, session.account_id)).identifiers]


async def test_an_account_is_opened_and_found_by_an_e_mail_address(db):
    address = people.address()
    await accounts.request_code(db, address, "en", "198.51.100.7", channel="email")
    code = await people.code_to(db, address)
    begun = await accounts.sign_in(db, address, code, kept=True, device="d", channel="email")
    assert begun.phone_masked == "t***@example.org"
    session = await people.session_of(db, begun.token)
    assert await kinds(db, session) == ["email"]
    assert await db.read(accounts.phone_of, session.account_id) is None


async def test_one_account_has_several_and_each_opens_it(db):
    person, session = await people.signed_in(db)
    address = people.address()
    await add_email(db, session, address)
    clock.move(timedelta(minutes=1))
    await accounts.request_code(db, address, "en", "198.51.100.7", channel="email")
    begun = await accounts.sign_in(
        db, address, await people.code_to(db, address), kept=False, device="d", channel="email"
    )
    assert begun.account_id == person.account_id
    assert await kinds(db, session) == ["phone", "email"]


async def test_a_code_counts_for_what_it_was_asked_for_and_nothing_else(db):
    _person, session = await people.signed_in(db)
    address, at = people.address(), people.place()
    await accounts.request_code(db, address, "en", at.source, channel="email")
    with pytest.raises(accounts.CodeExpired):
        await identifiers.add_identifier(db, session, "email", address, await people.code_to(db, address), at)
    clock.move(timedelta(minutes=1))
    await identifiers.request_identifier_code(db, session, "email", address, "en", at)
    code = await people.code_to(db, address)
    other, _session = await people.signed_in(db)
    for attempt in (
        identifiers.add_identifier(db, await people.session_of(db, other.token), "email", address, code, at),
        accounts.sign_in(db, address, "000000", kept=False, device="d", channel="email", source=at.source),
    ):
        with pytest.raises((accounts.CodeExpired, accounts.CodeWrong)):
            await attempt
    await identifiers.add_identifier(db, session, "email", address, code, at)


async def test_what_belongs_to_another_account_is_never_taken_over(db):
    (_mei, mine), (li, theirs) = await people.signed_in(db), await people.signed_in(db)
    at = people.place()
    clock.move(timedelta(minutes=1))
    await identifiers.request_identifier_code(db, mine, "phone", li.phone, "zh", at)
    with pytest.raises(accounts.IdentifierTaken):
        await identifiers.add_identifier(db, mine, "phone", li.phone, await people.code_to(db, li.phone), at)
    assert await kinds(db, mine) == await kinds(db, theirs) == ["phone"]


async def test_the_last_way_in_stays(db):
    _person, session = await people.signed_in(db)
    [phone] = (await db.read(identifiers.credentials, session.account_id)).identifiers
    with pytest.raises(accounts.LastWayIn):
        await db.run(identifiers.remove_identifier, session, phone.id)
    await people.with_password(db)
    with pytest.raises(accounts.LastWayIn):
        await db.run(identifiers.remove_identifier, session, phone.id)
    await add_email(db, session, people.address())
    await db.run(identifiers.remove_identifier, session, phone.id)
    assert await kinds(db, session) == ["email"]
    with pytest.raises(accounts.LastWayIn):
        await db.run(identifiers.remove_identifier, session, uuid4())


async def test_every_change_is_told_to_every_contact_also_to_the_one_that_goes(db):
    person, session = await people.signed_in(db)
    address = people.address()
    await add_email(db, session, address)
    credentials = await db.read(identifiers.credentials, session.account_id)
    await db.run(identifiers.remove_identifier, session, credentials.identifiers[0].id)
    for contact in (person.phone, address):
        told = [message.template for message in await world.messages(db, contact)]
        assert told[0] == "credential-removed"
        assert "credential-added" in told
    lines = await world.value(
        db, "select array_agg(action order by id) from kit.audit where starts_with(action, 'account.')"
    )
    assert lines == ["account.credential-added", "account.credential-removed"]


async def test_dangerous_acts_ask_for_a_fresh_proof(db):
    person, session = await people.signed_in(db)
    await identifiers.set_password(db, session, people.PASSWORD)
    [phone] = (await db.read(identifiers.credentials, session.account_id)).identifiers
    clock.move(timedelta(minutes=5, seconds=1))
    assert not accounts.is_fresh(session)
    for act in (
        lambda s: db.run(identifiers.remove_identifier, s, phone.id),
        lambda s: db.run(identifiers.remove_password, s),
        lambda s: identifiers.set_password(db, s, people.PASSWORD),
        lambda s: db.run(accounts.add_passkey, s, "{}", ""),
        lambda s: db.run(accounts.remove_passkey, s, uuid4()),
        lambda s: identifiers.add_identifier(db, s, "email", people.address(), "123456", people.place()),
    ):
        with pytest.raises(accounts.FreshProofNeeded):
            await act(session)
    await accounts.confirm_with_password(db, session, people.PASSWORD, people.place())
    again = await people.session_of(db, person.token)
    assert accounts.is_fresh(again)
    await db.run(identifiers.remove_password, again)


async def test_a_code_confirms_and_only_in_the_session_of_its_account(db):
    person, session = await people.signed_in(db)
    _other, theirs = await people.signed_in(db)
    [phone] = (await db.read(identifiers.credentials, session.account_id)).identifiers
    clock.move(timedelta(minutes=10))
    at = people.place()
    with pytest.raises(accounts.CredentialUnknown):
        await accounts.send_confirmation_code(db, theirs, phone.id, "en", at)
    await accounts.send_confirmation_code(db, session, phone.id, "en", at)
    code = await people.code_to(db, person.phone)
    with pytest.raises(accounts.CodeWrong):
        await accounts.confirm_with_code(db, session, phone.id, f"{(int(code) + 1) % 1_000_000:06d}", at)
    await accounts.confirm_with_code(db, session, phone.id, code, at)
    assert accounts.is_fresh(await people.session_of(db, person.token))


async def test_strangers_cannot_use_up_the_codes_or_the_tries_of_a_known_device(db):
    phone, at = world.phone_number(), people.place(token="mei's phone")
    await accounts.request_code(db, phone, "zh", at.source)
    code = await people.code_to(db, phone)
    await accounts.sign_in(db, phone, code, kept=True, device="d", source=at.source, device_token=at.token)
    for _ in range(5):
        clock.move(timedelta(seconds=31))
        await accounts.request_code(db, phone, "zh", people.place().source)
    with pytest.raises(accounts.TooManyCodes):
        await accounts.request_code(db, phone, "zh", people.place().source)
    await accounts.request_code(db, phone, "zh", at.source, device=at.token)
    code = await people.code_to(db, phone)
    for _ in range(5):
        with pytest.raises(accounts.CodeWrong):
            await accounts.sign_in(
                db, phone, f"{(int(code) + 1) % 1_000_000:06d}", kept=False, device="d", source=people.place().source
            )
    with pytest.raises(accounts.CodeExpired):
        await accounts.sign_in(db, phone, code, kept=False, device="d", source=people.place().source)
    assert await accounts.sign_in(
        db, phone, code, kept=False, device="d", source=people.place().source, device_token=at.token
    )


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Mei.Li@Example.ORG ", "mei.li@example.org"),
        ("ｍｅｉ＠example.org", "mei@example.org"),
        ("mei@例子.中国", "mei@xn--fsqu00a.xn--fiqs8s"),
        ("o'neill+tickets@example.co.uk", "o'neill+tickets@example.co.uk"),
    ],
)
def test_addresses_are_read_forgivingly(typed, stored):
    assert accounts.check_email(typed) == (stored, [])


@pytest.mark.parametrize(
    "typed",
    ["", " ", "mei", "mei@", "@example.org", "mei@example", "me i@example.org", "mei@example..org", "mei@-a.org", "a@b.1",
     ".mei@example.org", "me..i@example.org", "mei@example.org\nbcc: x@y.z", "x" * 65 + "@example.org", "mei@" + "a" * 300 + ".org",
     "<mei@example.org>", "mei@[127.0.0.1]"],
)  # fmt: skip
def test_what_no_message_can_reach_is_said(typed):
    address, findings = accounts.check_email(typed)
    assert address is None
    assert findings[0].code in ("EMAIL_EMPTY", "EMAIL_FORM")
