"""Home and venue: what is searched is found, and nothing from the database becomes markup."""

from __future__ import annotations

import httpx2
import pytest
from psycopg.types.json import Jsonb

from holdfast.kit.db import Db, Tx
from tests import world

from .conftest import sign_in, text_of
from .test_looks import furnish

pytestmark = pytest.mark.anyio
ATTACK = '<script>alert("x")</script>'


async def test_home_lists_venues_with_their_days_and_lowest_price(db: Db, reader: httpx2.AsyncClient) -> None:
    await furnish(db)
    answer = await reader.get("/")
    said = text_of(answer)
    assert answer.text.count('class="card venue"') >= 25
    assert "The Palace Museum" in said
    assert "from ¥40" in said or "from ¥60" in said
    assert "places left" in said


async def test_search_narrows_by_words_city_and_day(db: Db, reader: httpx2.AsyncClient) -> None:
    await furnish(db)
    assert (await reader.get("/?text=长城")).text.count('class="card venue"') == 2
    assert (await reader.get("/", params={"city": "西安"})).text.count('class="card venue"') == 3
    none = await reader.get("/?text=nothing-like-it")
    assert "Nothing fits this search." in text_of(none)


@pytest.mark.parametrize(
    "query", ["people=-3", "people=99999", "date=2026-99-99", "date=0001-01-01", "text=%00%FF", "city=" + "x" * 900]
)
async def test_a_search_that_makes_no_sense_is_still_answered(db: Db, reader: httpx2.AsyncClient, query: str) -> None:
    assert (await reader.get(f"/?{query}")).status_code == 200


async def test_a_venue_shows_calendar_slots_prices_and_where_its_figures_come_from(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    await furnish(db)
    answer = await reader.get("/venues/palace-museum")
    said = text_of(answer)
    assert '<table class="month">' in answer.text
    assert 'type="radio" name="slot"' in answer.text
    assert "Where these figures come from" in said
    assert "sourced" in said
    assert 'rel="noreferrer' in answer.text


@pytest.mark.parametrize(
    "query", ["month=2026-99", "month=1999-01", "month=9999-12", "date=x", "people=x", "date=2099-01-01"]
)
async def test_a_calendar_asked_for_strange_days_is_still_shown(db: Db, reader: httpx2.AsyncClient, query: str) -> None:
    slot = await world.open_slot(db)
    assert (await reader.get(f"/venues/{slot.venue_id}?{query}")).status_code == 200


async def test_an_unknown_venue_says_what_to_do(reader: httpx2.AsyncClient) -> None:
    answer = await reader.get("/venues/atlantis")
    assert answer.status_code == 404
    assert "What to do next" in text_of(answer)


async def test_nothing_from_the_database_becomes_markup(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)

    async def poison(tx: Tx) -> None:
        texts = Jsonb({"zh": ATTACK, "en": ATTACK})
        await tx.execute(
            """update catalogue.venues set name = %(texts)s, city = %(texts)s, summary = %(texts)s, facts = %(facts)s
                where id = %(id)s""",
            id=slot.venue_id,
            texts=texts,
            facts=Jsonb(
                [
                    {
                        "fact": "x",
                        "label": {"zh": ATTACK, "en": ATTACK},
                        "value": ATTACK,
                        "status": "sourced",
                        "source": "S",
                    }
                ]
            ),
        )
        await tx.execute(
            "insert into catalogue.sources (id, what, url) values ('S', %(what)s, 'javascript:alert(1)')", what=ATTACK
        )
        await tx.execute(
            "update catalogue.prices set name = %(texts)s where id = %(id)s", texts=texts, id=slot.price_id
        )

    await db.run(poison)
    sign_in(reader, await world.traveller(db))
    for path in ("/", f"/venues/{slot.venue_id}", f"/?text={ATTACK}&city={ATTACK}"):
        answer = await reader.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert 'href="javascript:' not in answer.text


async def test_the_type_of_a_problem_is_a_page_that_explains_it(reader):
    page = await reader.get("/problems/slot-full")
    assert page.status_code == 200
    assert "There are not enough places left in this slot." in page.text
    assert "Nothing was booked and nothing was charged." in page.text
    assert (await reader.get("/problems/no-such-thing")).status_code == 404
