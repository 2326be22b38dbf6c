"""For suppliers: news of what they sell through us, how we see them, and the bookings that they are to answer.

A supplier's program has a token (``hfp_…``), sent as ``Authorization: Bearer``. The same news may come signed, by webhook: see
`holdfast.api.supply_inbox`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from holdfast import partners
from holdfast.api.endpoint import Call, Endpoint
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.problems import InvalidInput
from holdfast.partners import feeds
from holdfast.partners.feeds_model import Kind, Outcome

from .texts import Text, text

ROOT = "/api/v1/supply"


class SupplyNews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier says, all or nothing. `at`: when, by its own clock; without it, now."""

    news: Annotated[list[partners.News], msgspec.Meta(min_length=1, max_length=feeds.NEWS_MAX)]
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class NewsResult(msgspec.Struct, frozen=True):
    """What came of one piece of news. older: newer news stood already. waiting: somebody of ours decides. `touched`: how much it changed."""

    kind: Kind
    outcome: Outcome
    touched: int


class NewsTaken(msgspec.Struct, frozen=True):
    """What came of a message. `repeated`: its key had been used before for the same words, and this is what came of them then."""

    id: UUID
    outcome: Outcome
    results: list[NewsResult]
    repeated: bool


class SuppliedProduct(msgspec.Struct, frozen=True):
    """A product and how it stands. `sold_today_until`, `sold_until`: then its sale ends by itself if nobody speaks."""

    product_id: str
    name: Text
    venue_id: str
    state: Literal["fresh", "stale", "silent", "barred", "never"]
    last_word_at: datetime | None
    sold_today_until: datetime | None
    sold_until: datetime | None
    word_minutes: int
    word_minutes_on_the_day: int
    answer_minutes: int | None
    stopped_because: list[str]
    codes: list[str]


class SupplierAnswer(msgspec.Struct, frozen=True):
    """A supplier as we see it."""

    partner_id: str
    name: Text
    now: datetime
    products: list[SuppliedProduct]
    bookings_waiting: int


class SupplyBooking(msgspec.Struct, frozen=True):
    """A booking that the supplier is to answer. standing: it was booked before the sale of its time was stopped."""

    order: str
    kind: Literal["booking", "standing"]
    product_id: str
    date: date
    code: str
    starts_at: datetime
    places: int
    asked_at: datetime
    answer_by: datetime


class SupplyBookings(msgspec.Struct, frozen=True):
    """The most urgent first."""

    bookings: list[SupplyBooking]


def actor_of(partner: partners.Partner) -> Actor:
    """Whom the audit trail names."""
    return Actor("partner", name=partner.id)


async def tell(call: Call) -> NewsTaken:
    """Still open, on sale again, stopped, places, prices, answers to bookings: kept, and in force when this returns."""
    given: SupplyNews = call.body
    receipt = await feeds.receive(
        call.db, actor_of(call.partner), call.partner.id, "api", call.key, given.news, said_at=given.at
    )
    return taken(receipt)


def taken(receipt: partners.Receipt) -> NewsTaken:
    """A receipt as the API has it."""
    results = [NewsResult(one.kind, one.outcome, one.touched) for one in receipt.results]
    return NewsTaken(receipt.id, receipt.outcome, results, receipt.repeated)


async def standing(call: Call) -> SupplierAnswer:
    """What I supply, how old my last word is, and until when it holds."""
    async with call.db.reading() as tx:
        found = await partners.health.standings(tx, call.partner.id)
        waiting = await partners.asks.waiting(tx, call.partner.id)
    products = [
        SuppliedProduct(
            one.supply.product_id, text(one.supply.product_name), one.supply.venue_id, one.state, one.supply.said_at, one.until,
            one.sold_until, one.supply.minutes, one.supply.day_minutes, one.supply.answer_minutes, [bar.kind for bar in one.bars],
            one.supply.codes,
        )
        for one in found
    ]  # fmt: skip
    return SupplierAnswer(call.partner.id, text(call.partner.name), clock.now(), products, len(waiting))


async def bookings(call: Call) -> SupplyBookings:
    """What waits for my answer: send it as news of the kind ``answer``."""
    async with call.db.reading() as tx:
        waiting = await partners.asks.waiting(tx, call.partner.id)
    return SupplyBookings(
        [
            SupplyBooking(
                one.order_number, one.kind, one.product_id, one.visit_date, one.code, one.starts_at, one.places, one.asked_at,
                one.due_at,
            )
            for one in waiting
        ]
    )  # fmt: skip


_NEWS = {
    "news": [
        {"kind": "heartbeat"},
        {"kind": "stop", "product_id": "rest-01-set", "from": "2026-12-24", "to": "2026-12-25", "note": "closed for a wedding"},
        {"kind": "places", "product_id": "rest-01-set", "from": "2026-12-23", "code": "dinner", "left": 12},
    ]
}  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path=f"{ROOT}/news", name="supply-news", summary="News of what I supply", who="partner", body=SupplyNews,
        answer=NewsTaken, needs_key=True, problems=(InvalidInput,), handler=tell, example=_NEWS,
    ),
    Endpoint(
        method="GET", path=ROOT, name="supply", summary="What I supply and how it stands", who="partner",
        answer=SupplierAnswer, handler=standing,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/bookings", name="supply-bookings", summary="Bookings that wait for my answer", who="partner",
        answer=SupplyBookings, handler=bookings,
    ),
)  # fmt: skip
