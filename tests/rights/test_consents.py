"""Consents: off until given, in the version that was shown, as easy to take back, and never forgotten."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import accounts
from holdfast.accounts import Purpose, consents
from holdfast.kit import i18n
from tests import world

pytestmark = pytest.mark.anyio


async def test_nobody_gets_offers_who_has_not_asked_for_them(db):
    mei = await world.traveller(db)
    assert not await db.read(consents.stands, mei.account_id, Purpose.MARKETING)
    await db.run(consents.give, mei.account_id, Purpose.MARKETING, "privacy")
    assert await db.read(consents.stands, mei.account_id, Purpose.MARKETING)
    await db.run(consents.withdraw, mei.account_id, Purpose.MARKETING)
    assert not await db.read(consents.stands, mei.account_id, Purpose.MARKETING)
    await db.run(consents.give, mei.account_id, Purpose.MARKETING, "privacy")
    log = await db.read(consents.log, mei.account_id)
    assert [one.withdrawn_at is None for one in log] == [True, False]
    assert log[0].text_digest == consents.TEXTS[Purpose.MARKETING].digest


async def test_agreeing_again_or_at_once_from_everywhere_is_written_once(db):
    mei = await world.traveller(db)
    await asyncio.gather(*(db.run(consents.give, mei.account_id, Purpose.TERMS, "checkout") for _ in range(5)))
    assert len(await db.read(consents.log, mei.account_id)) == 1


async def test_only_the_text_that_is_shown_can_be_agreed_to(db):
    mei = await world.traveller(db)
    await db.run(consents.give, mei.account_id, Purpose.TERMS, "checkout", "1999-01")
    assert await db.read(consents.log, mei.account_id) == []


async def test_a_new_version_has_to_be_agreed_to_anew(db, monkeypatch):
    mei = await world.traveller(db)
    await db.run(consents.give, mei.account_id, Purpose.TERMS, "checkout")
    text = consents.TEXTS[Purpose.TERMS]
    monkeypatch.setitem(consents.TEXTS, Purpose.TERMS, text._replace(version="2027-01"))
    assert not await db.read(consents.stands, mei.account_id, Purpose.TERMS)
    await db.run(consents.give, mei.account_id, Purpose.TERMS, "checkout", "2027-01")
    assert [one.version for one in await db.read(consents.log, mei.account_id)] == ["2027-01", text.version]


async def test_what_one_account_agreed_to_counts_for_the_person_and_is_taken_back_for_all(db):
    mei, again = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, again)
    await db.run(consents.give, mei.account_id, Purpose.MARKETING, "privacy")
    assert await db.read(consents.stands, again.account_id, Purpose.MARKETING)
    await db.run(consents.withdraw, again.account_id, Purpose.MARKETING)
    assert not await db.read(consents.stands, mei.account_id, Purpose.MARKETING)


async def test_the_terms_cannot_be_taken_back_under_standing_orders(db):
    mei = await world.traveller(db)
    with pytest.raises(accounts.ConsentNeeded):
        await db.run(consents.withdraw, mei.account_id, Purpose.TERMS)


def test_every_text_is_there_in_both_languages():
    for text in consents.TEXTS.values():
        for sentence in (text.title, *text.sentences):
            assert sentence in i18n.catalogue(), sentence
