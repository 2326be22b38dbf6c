"""The page of a campaign's codes: made, taken out, brought in after a dry run, looked up, ended; and none of it enlarges what was approved."""

from __future__ import annotations

import csv
import io

import httpx2
import msgspec
import pytest
from psycopg.types.json import Jsonb

from holdfast import accounts, orders
from holdfast.campaigns import codes, codes_store, conditions, drafts_store, model, start
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import offers
from tests import staff, world
from tests.campaigns.running import write
from tests.orders import discounting
from tests.web.conftest import hidden, text_of
from tests.web.test_looks import is_well_made

from .ground import come_as

pytestmark = pytest.mark.anyio
HERE = "/console/campaigns/spring/codes"
BATCH = {"batch": "letters", "pattern": "spring-####-####", "number": "5", "uses": "1"}


@pytest.fixture
def db(its_own: Db) -> Db:
    """These pages need no provider of payments."""
    return its_own


@pytest.fixture
async def spring(db: Db) -> None:
    """A campaign of which nothing is approved yet."""
    await db.run(drafts_store.insert_campaign, "spring", {"zh": "春节", "en": "Spring"}, "test", clock.now())


def upload(content: str, into: str = "bank", act: str = "try") -> dict:
    return {"files": {"file": ("codes.csv", content.encode(), "text/csv")}, "data": {"into": into, "act": act}}


async def every(db: Db, batch: str | None = None) -> list[codes_store.CodeRow]:
    async with db.reading() as tx:
        return [row async for row in codes_store.of_batch(tx, "spring", batch)]


async def trail(db: Db) -> list[tuple[str, dict]]:
    async with db.reading() as tx:
        found = await accounts.trail(tx, subject="campaign:spring", limit=20)
    return [(one.action, one.details) for one in found]


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "No version of this campaign was approved yet."), ("zh", "还没有获批的版本")]
)
async def test_an_empty_page_says_what_codes_are_worth(
    db: Db, reader: httpx2.AsyncClient, spring, locale, words
) -> None:
    await come_as(reader, db, "marketing")
    page = await reader.get(HERE, headers={"Accept-Language": locale})
    is_well_made(page.text)
    assert words in page.text
    assert (await reader.get("/console/campaigns/nothing/codes")).status_code == 404


async def test_a_batch_is_made_filled_up_and_taken_out_and_the_trail_says_who(
    db: Db, reader: httpx2.AsyncClient, spring
) -> None:
    await come_as(reader, db, "marketing")
    made = await reader.post(HERE, data=BATCH)
    assert made.headers["location"] == f"{HERE}?done=made&new=5"
    more = await reader.post(HERE, data=BATCH | {"number": "7"})
    page = await reader.get(more.headers["location"])
    assert "2 codes are new, 5 were there." in text_of(page)
    is_well_made(page.text)
    rows = await every(db)
    assert [row.batch for row in rows] == ["letters"] * 7
    assert all(row.code.startswith("SPRING") for row in rows)
    file = await reader.get(f"{HERE}/letters.csv")
    assert file.headers["content-disposition"] == 'attachment; filename="spring-letters.csv"'
    listed = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [one["code"] for one in listed] == [row.code for row in rows]
    assert (await reader.get(f"{HERE}/nothing.csv")).status_code == 404
    assert (await trail(db))[0] == ("campaign.codes-exported", {"batch": "letters", "codes": 7})


async def test_what_is_wrong_is_said_beside_each_field_and_nothing_typed_is_lost(
    db: Db, reader: httpx2.AsyncClient, spring
) -> None:
    await come_as(reader, db, "marketing")
    wrong = await reader.post(HERE, data={"batch": "Letters!", "pattern": "SPRING-##", "number": "many", "uses": "0"})
    said = text_of(wrong)
    assert wrong.status_code == 422
    assert "Name the batch with 1 to 40 small letters" in said
    assert "Make 1 to 1,000,000 codes at a time." in said
    assert "Each code can be used 1 to 1,000 times." in said
    assert 'value="Letters!"' in wrong.text
    assert 'value="SPRING-##"' in wrong.text
    is_well_made(wrong.text)
    guessable = await reader.post(HERE, data=BATCH | {"pattern": "SPRING-##"})
    assert "Such codes can be guessed" in text_of(guessable)
    assert await every(db) == []


async def test_a_file_is_tried_row_by_row_and_taken_as_it_was_tried(db: Db, reader: httpx2.AsyncClient, spring) -> None:
    await come_as(reader, db, "marketing")
    bad = await reader.post(
        f"{HERE}/file", **upload("code,uses\nBANK-1234-5678,1\n!,1\nBANK-2345,none\nbank 1234 5678,1\n")
    )
    said = text_of(bad)
    assert bad.status_code == 422
    assert "A code has 4 to 32 letters and digits." in said
    assert "Write a whole number from 1 to 1,000" in said
    assert "This code stands in row 2 as well." in said
    assert 'value="import"' not in bad.text, "while a row is wrong nothing can be taken"
    forced = await reader.post(f"{HERE}/file", **upload("code\n!\n", act="import"))
    assert (forced.status_code, await every(db)) == (422, [])
    tried = await reader.post(f"{HERE}/file", **upload("code,uses\nBANK-1234-5678,1\nBANK-2345-6789,3\n"))
    is_well_made(tried.text)
    assert (tried.status_code, await every(db)) == (200, [])
    taken = await reader.post(f"{HERE}/file", data=hidden(tried) | {"act": "import"}, files={"nothing": b""})
    assert taken.headers["location"] == f"{HERE}?done=brought&new=2", text_of(taken)
    assert [(row.code, row.uses_max) for row in await every(db, "bank")] == [("BANK12345678", 1), ("BANK23456789", 3)]
    unnamed = await reader.post(f"{HERE}/file", **upload("code\nBANK9999\n", into="Bank"))
    assert (unnamed.status_code, 'value="Bank"' in unnamed.text) == (422, True)
    assert "names no column code" in text_of(await reader.post(f"{HERE}/file", **upload("a,b\n1,2\n")))
    assert "Choose a CSV file" in text_of(
        await reader.post(f"{HERE}/file", data={"into": "bank"}, files={"nothing": b""})
    )


async def test_one_code_is_looked_up_and_ended_and_a_batch_with_a_reason(
    db: Db, reader: httpx2.AsyncClient, spring
) -> None:
    await come_as(reader, db, "operations")
    await codes.make(db, staff.TEST, "spring", "SPRING-####-####", 3, batch="letters")
    first = (await every(db))[0].code
    page = await reader.get(HERE, params={"find": codes.show(first).lower()})
    is_well_made(page.text)
    assert codes.show(first) in text_of(page)
    assert "Make codes" not in text_of(page), "whoever only reads"
    silent = await reader.post(f"{HERE}/ending", data={"find": first, "reason": ""})
    assert (silent.status_code, "Say why" in text_of(silent)) == (422, True)
    ended = await reader.post(f"{HERE}/ending", data={"find": first, "reason": "stolen letter"})
    assert ended.headers["location"] == f"{HERE}?done=ended&new=1"
    assert [row.state for row in await every(db)] == ["ended", "left", "left"]
    assert "ended" in text_of(await reader.get(HERE, params={"find": first}))
    nothing = await reader.post(f"{HERE}/ending", data={"reason": "all of them"})
    assert (nothing.status_code, "Say which code." in text_of(nothing)) == (422, True)
    unknown = await reader.post(f"{HERE}/ending", data={"find": "NOSUCHCODE", "reason": "stolen"})
    assert unknown.status_code in (404, 422)
    assert "We do not know this code." in text_of(unknown)
    rest = await reader.post(f"{HERE}/ending", data={"ended": "letters", "reason": "the letters were lost"})
    assert rest.headers["location"] == f"{HERE}?done=ended&new=2"
    assert {row.state for row in await every(db)} == {"ended"}
    assert (
        "campaign.codes-ended",
        {"batch": "letters", "code": None, "ended": 2, "reason": "the letters were lost"},
    ) in await trail(db)


async def test_a_code_of_another_campaign_is_not_ended_from_here(db: Db, reader: httpx2.AsyncClient, spring) -> None:
    await db.run(drafts_store.insert_campaign, "autumn", {"zh": "秋", "en": "Autumn"}, "test", clock.now())
    await codes.make(db, staff.TEST, "autumn", "AUTUMN-####-####", 1, batch="letters")
    async with db.reading() as tx:
        [row] = [one async for one in codes_store.of_batch(tx, "autumn", None)]
    await come_as(reader, db, "marketing")
    assert "It belongs to another campaign" in text_of(await reader.get(HERE, params={"find": row.code}))
    refused = await reader.post(f"{HERE}/ending", data={"find": row.code, "reason": "by mistake"})
    assert "We do not know this code." in text_of(refused)
    [after] = await db.read(codes_store.find, [row.code])
    assert after.state == "left"


async def test_more_codes_do_not_enlarge_what_was_approved(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, real_name=False)
    twice = await discounting.campaign(
        db, scope=conditions.Eq("venue_id", slot.venue_id), when=conditions.Everything(), codes=model.BulkCodes()
    )
    await discounting.change(db, twice, budget_count=2)
    await write(
        db, "update campaigns.campaigns set name = %(name)s where id = %(id)s", id=twice.campaign_id,
        name=Jsonb({"zh": "春节", "en": "Spring"}),
    )  # fmt: skip
    here = f"/console/campaigns/{twice.campaign_id}/codes"
    await come_as(reader, db, "marketing")
    await reader.post(here, data=BATCH | {"number": "100"})
    async with db.reading() as tx:
        made = [row.code async for row in codes_store.of_batch(tx, twice.campaign_id, "letters")]
    place = orders.group_commit(db, lanes=1)

    async def book(code: str) -> orders.Placed:
        basket = msgspec.structs.replace(world.basket(slot), code=code)
        return await place(world.request(await world.traveller(db), basket))

    for code in made[:2]:
        assert (await book(code)).amount_minor == 5400
    with pytest.raises((BenefitOver, offers.CodeRefused)):
        await book(made[2])
    said = text_of(await reader.get(here))
    assert "More codes do not make the campaign larger" in said
    one = await db.read(start.running, twice.campaign_id)
    assert one is not None
    assert (one.used_count, one.used_minor) == (2, 1200)
    assert "¥99,988" in said
