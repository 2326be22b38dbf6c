"""Envelopes, contents and baskets for tests: a museum in Hangzhou, Chinese New Year of 2027, five percent off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid5

from msgspec.structs import replace

from holdfast.campaigns.conditions import AllOf, CountLt, Everything, Gte, In
from holdfast.campaigns.facts import Basket, Line
from holdfast.campaigns.model import Content, Envelope, Limits, PercentOff, Schedule, Stacking, Version

NOW = datetime(2027, 2, 6, 2, 0, tzinfo=UTC)
"""Ten in the morning of a Saturday in Shanghai."""
SPACE = UUID("0190b2e0-0000-7000-8000-000000000000")
ENVELOPE = Envelope(
    uuid5(SPACE, "envelope"), {"zh": "春节立减额度", "en": "Spring envelope"}, "platform", None,
    {"zh": "平台立减", "en": "Platform discount"}, 3000, 2000, "CNY", ["museum", "heritage"], ["web", "api"], 50_000_00,
    datetime(2027, 12, 31, tzinfo=UTC),
)  # fmt: skip
CONTENT = Content(
    names={"zh": "春节博物馆", "en": "Museums in spring"},
    sentence={"zh": "杭州的博物馆减百分之五", "en": "Five percent off museums in Hangzhou"},
    effect=PercentOff(500, 3000),
    limits=Limits(10_000_00, per_day_minor=2_000_00, per_person=2),
    schedule=Schedule(NOW - timedelta(days=5), NOW + timedelta(days=20)),
    envelope_id=ENVELOPE.id,
    stacking=Stacking("spring", "groups"),
    channels=["web"],
    scope=AllOf([In("city", ["杭州"]), In("kind", ["museum"])]),
    when=AllOf([Gte("scope_minor", 2000), CountLt("redemptions", 2)]),
)


def version(name: str = "spring", *, envelope: Envelope = ENVELOPE, **changed) -> Version:
    """A version of a campaign of that name; fields of its content as given."""
    content = replace(CONTENT, envelope_id=envelope.id, **changed)
    return Version(uuid5(SPACE, name), name, 1, content, content.hash, envelope)


def envelope(**changed) -> Envelope:
    """The envelope with other figures."""
    return replace(ENVELOPE, **changed)


def line(seq: int = 1, **changed) -> Line:
    """Two tickets of ¥60 for the museum, twelve days ahead."""
    fields = {
        "product_id": "hz-museum-day", "venue_id": "hz-museum", "city": "杭州", "kind": "museum", "ticket": "adult",
        "price_id": "hz-museum-adult", "visit_date": date(2027, 2, 18), "starts_at": datetime(2027, 2, 18, 1, 0, tzinfo=UTC),
        "quantity": 2, "unit_minor": 6000,
    }  # fmt: skip
    return Line(seq, **(fields | changed))


def basket(*lines: Line, **changed) -> Basket:
    """A basket of somebody who has never ordered; without lines: the one line."""
    fields = {
        "now": NOW, "channel": "web", "locale": "zh", "earlier": 0, "redemptions": {}, "account_since": NOW - timedelta(days=40),
    }  # fmt: skip
    return Basket(list(lines) or [line()], **(fields | changed))


EVERYTHING = Everything()
OPENING = time(9)
