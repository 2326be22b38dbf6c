"""The door: keys, headers, languages, paths with and without a slash, terms, trials, and whatever a client may send."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import partners
from holdfast.kit.db import Db
from tests import world

from . import specification
from .conftest import TEST, Reseller, partner_of

pytestmark = pytest.mark.anyio
GUARDED = [
    ("GET", "supplier"), ("GET", "products"), ("GET", "products/x"), ("POST", "availability"), ("POST", "availability/calendar"),
    ("POST", "bookings"), ("GET", "bookings"), ("GET", "bookings/x"), ("PATCH", "bookings/x"), ("DELETE", "bookings/x"),
    ("POST", "bookings/x/confirm"), ("POST", "bookings/x/extend"), ("POST", "bookings/x/cancel"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_key_nothing_is_answered(reseller: Reseller, method: str, path: str) -> None:
    for headers, code in (
        ({}, "UNAUTHORIZED"), ({"Authorization": "Basic x"}, "UNAUTHORIZED"), ({"Authorization": "Bearer hfp_nobody"}, "FORBIDDEN"),
    ):  # fmt: skip
        answer = await reseller.client.request(method, f"/octo/{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, code)
        assert answer.headers["content-type"] == "application/json"


async def test_a_key_that_ended_and_a_partner_that_is_switched_off_are_refused(db: Db, reseller: Reseller) -> None:
    await reseller.ask("GET", "supplier")
    await reseller.terms(selling=False)
    await reseller.refused("FORBIDDEN", "GET", "supplier")
    await reseller.terms(selling=True)
    await db.run(partners.disable, TEST, reseller.partner_id, reason="test")
    await reseller.refused("FORBIDDEN", "GET", "supplier")
    await db.run(partners.enable, TEST, reseller.partner_id, reason="test")
    [token] = await db.read(partners.tokens, reseller.partner_id)
    await db.run(partners.end_token, TEST, reseller.partner_id, token.id, reason="test")
    await reseller.refused("FORBIDDEN", "GET", "supplier")


async def test_every_path_answers_with_and_without_a_slash(reseller: Reseller, slot: world.SlotWorld) -> None:
    held = await reseller.reserve(slot)
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()
    span = {"productId": slot.product_id, "optionId": "DEFAULT", "localDateStart": day, "localDateEnd": day}
    for method, path, body in (
        ("GET", "supplier", None), ("GET", "products", None), ("GET", f"products/{slot.product_id}", None),
        ("POST", "availability", span), ("POST", "availability/calendar", span), ("GET", "capabilities", None),
        ("GET", f"bookings/{held['uuid']}", None), ("POST", f"bookings/{held['uuid']}/extend", {}),
        ("PATCH", f"bookings/{held['uuid']}", {"notes": "x"}), ("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}}),
        ("POST", f"bookings/{held['uuid']}/cancel", {}),
    ):  # fmt: skip
        for slash in ("", "/"):
            assert (await reseller.send(method, path + slash, body)).status_code == 200, (method, path, slash)
    assert (await reseller.send("GET", f"bookings/?localDate={day}")).status_code == 200
    for method, path in (("GET", "nothing"), ("PUT", "supplier"), ("GET", ""), ("POST", "products")):
        answer = await reseller.send(method, path)
        assert (answer.status_code, answer.json()["error"]) == (400, "BAD_REQUEST"), (method, path)


@pytest.mark.parametrize(
    ("asked", "applied"),
    [
        ("", ""), ("octo/pricing", "octo/pricing"), ("pricing", "octo/pricing"), ("octo/pricing,octo/content", "octo/pricing, octo/content"),
        ("octo/content , octo/unheard", "octo/content"), ("OCTO/PRICING", "octo/pricing"),
    ],
)  # fmt: skip
async def test_the_answer_says_which_capabilities_it_has(reseller: Reseller, asked: str, applied: str) -> None:
    answer = await reseller.send("GET", "supplier", Octo_Capabilities=asked)
    assert answer.headers["octo-capabilities"] == applied


async def test_capabilities_are_open_to_all_and_absent_ones_are_none(reseller: Reseller, slot: world.SlotWorld) -> None:
    answer = await reseller.client.get("/octo/capabilities")
    assert answer.status_code == 200
    specification.validate("get", "/capabilities/", 200, answer.json())
    assert {one["id"] for one in answer.json()} >= {"octo/pricing", "octo/content"}
    del reseller.headers["Octo-Capabilities"]
    assert "pricingPer" not in (await reseller.ask("GET", "products"))[0]


async def test_languages_are_those_of_the_header(reseller: Reseller, slot: world.SlotWorld) -> None:
    for asked, said, title in (("zh-CN", "zh", "博物馆"), ("en-GB", "en", "Museum"), ("fr", "en", "Museum")):
        answer = await reseller.send("GET", "products", Octo_Capabilities="octo/content", Accept_Language=asked)
        assert answer.headers["content-language"] == said
        assert "en" in answer.headers["available-languages"]
        assert title in answer.json()[0]["title"]
        specification.validate("get", "/products/", 200, answer.json())
    english, chinese = [
        (await reseller.refused("INVALID_PRODUCT_ID", "GET", "products/x", Accept_Language=language))["errorMessage"]
        for language in ("en", "zh")
    ]
    assert english.isascii()
    assert not chinese.isascii()


async def test_prices_are_the_travellers_and_the_partners(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    await reseller.terms(commission_bp=1250)
    reseller.headers["Octo-Capabilities"] = "octo/pricing"
    one = await reseller.ask("GET", f"products/{slot.product_id}")
    assert (one["defaultCurrency"], one["availableCurrencies"], one["pricingPer"]) == ("CNY", ["CNY"], "UNIT")
    price = {
        "original": 6000,
        "retail": 6000,
        "net": 5250,
        "currency": "CNY",
        "currencyPrecision": 2,
        "includedTaxes": [],
    }
    assert one["options"][0]["units"][0]["pricingFrom"] == [price]
    there = await reseller.availability(slot, units=[{"id": "adult", "quantity": 2}], currency="CNY")
    assert there["unitPricing"] == [{"unitId": "adult", **price}]
    assert there["pricing"] == price | {"original": 12000, "retail": 12000, "net": 10500}
    day = there["localDateTimeStart"][:10]
    [calendar] = await reseller.ask(
        "POST",
        "availability/calendar",
        {"productId": slot.product_id, "optionId": "DEFAULT", "localDateStart": day, "localDateEnd": day},
    )
    assert calendar["unitPricingFrom"] == there["unitPricing"]
    booked = await reseller.book(slot, 2, currency="CNY")
    assert booked["pricing"] == there["pricing"]
    assert [item["pricing"] for item in booked["unitItems"]] == [price, price]
    assert await reseller.owed() == 10500
    await reseller.terms(commission_bp=0)
    assert (await reseller.ask("GET", f"bookings/{booked['uuid']}"))["pricing"]["net"] == 10500
    more = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"unitItems": [{"unitId": "adult"}] * 3})
    assert more["pricing"]["net"] == 15750
    assert await reseller.owed() == 15750
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", await reseller.wish(slot, currency="USD"))


async def test_content_says_what_we_know(reseller: Reseller, slot: world.SlotWorld) -> None:
    reseller.headers["Octo-Capabilities"] = "octo/content, octo/pricing"
    for path in ("supplier", "products", f"products/{slot.product_id}"):
        await reseller.ask("GET", path)
    one = await reseller.ask("GET", f"products/{slot.product_id}")
    assert one["categoryLabels"] == ["museums", "history"]
    assert one["durationMinutesFrom"] == 120
    assert (await reseller.availability(slot))["title"] is None
    assert (await reseller.book(slot))["option"]["title"]


async def test_a_partner_sees_and_sells_what_its_terms_name(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    other = await world.open_slot(db, real_name=False)
    await reseller.terms(product_ids=[other.product_id])
    assert [one["id"] for one in await reseller.ask("GET", "products")] == [other.product_id]
    await reseller.refused("INVALID_PRODUCT_ID", "GET", f"products/{slot.product_id}")
    wish = await reseller.wish(other)
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "bookings", wish | {"productId": slot.product_id})
    await reseller.terms(product_ids=[])
    assert await reseller.ask("GET", "products") == []


async def test_holds_places_credit_and_pace_are_limited(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    await reseller.terms(holds_max=2, places_per_slot=5, credit_minor=2 * slot.price_minor)
    held = [await reseller.reserve(slot) for _ in range(2)]
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", await reseller.wish(slot))
    for one in held:
        await reseller.ask("POST", f"bookings/{one['uuid']}/confirm", {"contact": {}})
    assert (await reseller.availability(slot))["vacancies"] == 3
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", await reseller.wish(slot, 4))
    third = await reseller.reserve(slot, 3)
    refusal = await reseller.refused(
        "UNPROCESSABLE_ENTITY", "POST", f"bookings/{third['uuid']}/confirm", {"contact": {}}
    )
    assert "owe" in refusal["errorMessage"]
    await reseller.terms(credit_minor=None, requests_per_s=2)
    answers = [await reseller.send("GET", "supplier") for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}  # kept waiting, not refused


async def test_a_trial_takes_nothing_costs_nothing_and_opens_no_gate(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    reseller.headers["Octo-Env"] = "test"
    wish = await reseller.wish(slot, 2)
    answer = await reseller.send("POST", "bookings", wish)
    assert answer.headers["octo-env"] == "test"
    held = answer.json()
    specification.validate("post", "/bookings/", 200, held)
    assert (held["testMode"], held["status"]) == (True, "ON_HOLD")
    longer = await reseller.ask("POST", f"bookings/{held['uuid']}/extend", {"expirationMinutes": 60})
    assert longer["utcExpiresAt"] > held["utcExpiresAt"]
    await reseller.ask("PATCH", f"bookings/{held['uuid']}", {"unitItems": [{"unitId": "adult"}] * 3})
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})
    assert (booked["status"], len(booked["unitItems"])) == ("CONFIRMED", 3)
    codes = [item["ticket"]["deliveryOptions"][0]["deliveryValue"] for item in booked["unitItems"]]
    assert all(code.startswith("TEST-") for code in codes)
    assert await world.places_left(db, slot) == 10
    assert await reseller.owed() == 0
    gone = await reseller.ask("POST", f"bookings/{held['uuid']}/cancel", {"reason": "trial"})
    assert gone["cancellation"]["reason"] == "trial"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["productId", "optionId", "availabilityId", "unitItems", "unitId", "uuid", "contact", "notes", "localDate", "availabilityIds",
         "localDateStart", "localDateEnd", "units", "expirationMinutes", "fullName", "locales", "reason", "force", "currency"]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip
PLACES = st.sampled_from(["availability", "availability/calendar", "bookings", "bookings/{uuid}/confirm", "bookings/{uuid}/extend",
                          "bookings/{uuid}/cancel", "bookings/{uuid}"])  # fmt: skip


async def test_whatever_is_sent_is_answered_with_200_or_an_error_of_the_standard(
    reseller: Reseller, slot: world.SlotWorld
) -> None:
    await reseller.terms(requests_per_s=10_000)
    good = await reseller.wish(slot)
    held = await reseller.reserve(slot)
    seen: list[tuple[str, Any]] = []

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(PLACES, JSON)
    def collect(place: str, body: Any) -> None:
        seen.append((place, body))

    collect()
    for place, body in seen:
        path = place.replace("{uuid}", held["uuid"])
        for sent in (body, {**good, **body} if isinstance(body, dict) else body):
            answer = await reseller.client.request(
                "PATCH" if path == f"bookings/{held['uuid']}" else "POST", f"/octo/{path}", headers=reseller.headers,
                content=json.dumps(sent).encode(),
            )  # fmt: skip
            assert answer.status_code in (200, 400), (path, sent, answer.text)
            assert answer.status_code == 200 or answer.json()["error"] != "INTERNAL_SERVER_ERROR", (path, sent)


async def test_what_is_no_text_in_a_path_or_query_is_answered_too(reseller: Reseller) -> None:
    for path in ("products/%00", "products/%ff%fe", "bookings/%F0%9F", "bookings?resellerReference=%00", "bookings?localDate=0001-01-01",
                 "bookings?" + "&".join(f"a{n}=1" for n in range(60))):  # fmt: skip
        answer: httpx2.Response = await reseller.send("GET", path)
        assert answer.status_code == 400, path
        assert answer.json()["error"] != "INTERNAL_SERVER_ERROR"
    ids = {
        "productId": "x",
        "optionId": "y",
        "availabilityIds": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
    }
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "availability", ids)


async def test_availability_ids_at_the_ends_of_time_name_nothing(reseller: Reseller, slot: world.SlotWorld) -> None:
    ids = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z", "", "2026-12-01"]
    body = {"productId": slot.product_id, "optionId": "DEFAULT", "availabilityIds": ids}
    assert await reseller.ask("POST", "availability", body) == []


async def test_the_program_serves_it_behind_its_own_guards(db: Db, slot: world.SlotWorld) -> None:
    """The real application with its middleware: no cookie, no origin, and a body are enough."""
    from starlette.applications import Starlette

    from holdfast import main

    partner_id, secret = await partner_of(db)
    app = main.app()
    site = app
    while not isinstance(site, Starlette):
        site = getattr(site, "app", None) or site._site
    site.state.db = db
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://holdfast.test") as client:
        one = Reseller(client, db, partner_id, secret)
        booked = await one.book(slot)
        assert (await one.ask("PATCH", f"bookings/{booked['uuid']}", {"notes": "x"}))["notes"] == "x"
        assert (await one.send("DELETE", f"bookings/{booked['uuid']}/", {})).json()["status"] == "CANCELLED"
