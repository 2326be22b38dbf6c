"""Hotels and restaurants for travellers: nights from arrival to departure in one order, covers at a table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from holdfast import catalogue, inventory, partners
from holdfast.kit import actor, clock, ids
from holdfast.kit.db import Db
from holdfast.partners import News
from tests import world
from tests.partners.conftest import noon

from .conftest import hidden, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
BY = actor.system("test")
INN, ROOM, PRICE = "hotel-01", "hotel-01-std", "hotel-01-std-room"


@pytest.fixture
async def db(database_url: str):
    """The demo catalogue with its slots at noon; every hotel and restaurant has just confirmed."""
    noon()
    opened = await Db(database_url, size=5).open()
    await opened.run(catalogue.apply, BY, catalogue.demo())
    await opened.run(inventory.generate, BY)
    await partners.demo.furnish(opened)
    yield opened
    await opened.close()


def in_days(count: int) -> str:
    return str((clock.now().astimezone(world.ZONE) + timedelta(days=count)).date())


async def say(db: Db, partner_id: str, *news: News) -> None:
    await partners.feeds.receive(db, BY, partner_id, "console", ids.uuid7().hex, news)


def chosen(page: httpx2.Response, product: str) -> dict[str, Any]:
    """The hidden fields of the form of one room type."""
    form = next(part for part in page.text.split("<form ")[1:] if f'name="price.{product}-room"' in part)
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


async def test_three_nights_of_two_rooms_are_one_order_with_a_line_each(db, reader):
    person = await world.traveller(db)
    sign_in(reader, person)
    page = await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(8)}&rooms=2")
    is_well_made(page.text)
    said = text_of(page)
    assert "3 nights" in said
    assert "Arrive from 14:00, leave until 12:00." in said
    assert "¥2,880" in said, "480 a night, three nights, two rooms"
    assert "Confirmed by the supplier" in said
    fields = chosen(page, ROOM)
    assert (fields["depart"], fields[f"price.{PRICE}"]) == (in_days(8), "2")
    checkout = await reader.get("/checkout", params=fields)
    said = text_of(checkout)
    assert "3 nights" in said
    assert "The hotel's own rule" in said
    assert "Change dates or rooms" in said
    assert f"/venues/{INN}?arrive={in_days(5)}&amp;depart={in_days(8)}&amp;rooms=2" in checkout.text
    assert "Entry" not in said
    answer = await reader.post("/checkout", data=hidden(checkout) | {"terms": "x"})
    assert answer.status_code == 303, text_of(answer)
    number = answer.headers["location"].split("/")[2]
    order = await world.order_of(db, person, number)
    assert [(str(line.visit_date), line.quantity) for line in order.lines] == [(in_days(n), 2) for n in (5, 6, 7)]
    assert order.row.amount_minor == 288_000


async def test_one_full_night_and_nothing_is_booked(db, reader):
    person = await world.traveller(db)
    sign_in(reader, person)
    page = await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(8)}&rooms=2")
    checkout = await reader.get("/checkout", params=chosen(page, ROOM))
    await say(db, INN, News("places", product_id=ROOM, from_date=clock.now().date() + timedelta(days=6), left=1))
    answer = await reader.post("/checkout", data=hidden(checkout) | {"terms": "x"})
    assert answer.status_code == 409
    assert "Join the waiting list" not in answer.text
    assert await world.value(db, "select count(*) from orders.orders") == 0
    assert await world.value(db, "select sum(taken) from inventory.slots") == 0
    said = text_of(await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(8)}&rooms=2"))
    assert "1 rooms left" in said or "1 room left" in said


async def test_a_stop_sale_and_the_release_are_said_on_the_page(db, reader):
    await say(db, INN, News("stop", product_id=ROOM, from_date=clock.now().date() + timedelta(days=6), note="wedding"))
    said = text_of(await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(8)}"))
    assert "Stopped by the supplier: wedding" in said
    said = text_of(await reader.get(f"/venues/{INN}?arrive={in_days(1)}&depart={in_days(2)}"))
    assert "can no longer be booked for this day" in said, "two days' release"
    clock.move(timedelta(hours=25))
    said = text_of(await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(6)}"))
    assert "not confirmed by the supplier, not sold now" in said
    assert "The supplier has not confirmed its places since" in said


@pytest.mark.parametrize(
    ("arrive", "depart", "says"),
    [(-2, 1, "The day of arrival is over."), (5, 5, "lies after the day of arrival"), (5, 16, "at most 10 nights")],
)
async def test_dates_that_cannot_be_are_said_to_be_so(db, reader, arrive, depart, says):
    page = await reader.get(f"/venues/{INN}?arrive={in_days(arrive)}&depart={in_days(depart)}")
    assert page.status_code == 200
    assert says in text_of(page)


async def test_odd_addresses_are_no_fault(db, reader):
    for query in ("arrive=x&depart=y&rooms=z", "rooms=-1", "rooms=99999", "depart=2026-13-01", "date=2099-12-31"):
        assert (await reader.get(f"/venues/{INN}?{query}")).status_code == 200, query
    page = await reader.get(f"/venues/{INN}?arrive={in_days(5)}&depart={in_days(7)}")
    fields = chosen(page, ROOM)
    for wrong in ({"depart": "x"}, {"depart": in_days(400)}, {"depart": in_days(1)}):
        assert (await reader.get("/checkout", params=fields | wrong)).status_code == 200, "then it is one night"
    far = await reader.get("/checkout", params=fields | {"depart": in_days(40), "date": in_days(31)})
    assert far.status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_table_reads_like_a_table(db, reader, language):
    reader.headers["Accept-Language"] = language
    page = await reader.get(f"/venues/rest-02?date={in_days(3)}")
    is_well_made(page.text)
    said = text_of(page)
    words = (
        ["People at the table", "covers left", "At most 30 people"]
        if language == "en"
        else ["用餐人数", "每个订单最多30人"]
    )
    assert all(word in said for word in words)
    assert "ticket" not in said.lower().replace("tickets for", "")
    slot = re.search(r'name="slot" value="([^"]+)"', page.text)[1]
    checkout = await reader.get(f"/checkout?venue=rest-02&date={in_days(3)}&slot={slot}&price.rest-02-set-cover=4")
    said = text_of(checkout)
    assert ("Table 11:00–12:30" if language == "en" else "用餐时间 11:00–12:30") in said
    assert "¥752" in said


def test_the_words_of_every_kind_exist_in_chinese():
    from holdfast.kit import i18n
    from holdfast.web.traveller import kinds, stays

    known = {word for kind in ("museum", "hotel", "restaurant") for word in kinds.words(kind)} | set(
        stays.SALE_WORDS.values()
    )
    assert not sorted(word for word in known if word not in i18n.catalogue())
