"""What suppliers say to us: news, messages, what came of them; and what can be wrong about it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Text
from holdfast.kit.problems import Conflict, NotFound

Kind = Literal["heartbeat", "open", "stop", "places", "price", "answer"]
Way = Literal["api", "webhook", "upload", "tap", "console", "pull", "demo"]
Outcome = Literal["applied", "older", "waiting", "refused"]
Reply = Literal["have", "cannot"]
KINDS: tuple[str, ...] = get_args(Kind)
SAID: dict[str, str] = {
    "heartbeat": "still open",
    "open": "on sale",
    "stop": "sale stopped",
    "places": "places",
    "price": "price",
    "answer": "answer to a booking",
}
"""Kind of news → English words, translated by the surface."""


class News(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One piece of news. Which fields it needs depends on its kind.

    heartbeat: all is as it was, for `product_id` or everything. open, stop: sale goes on or is stopped, from a day to a day
    (none: from today on), of one `code` or all. places: at most so many `places` of each, or so many still `left`, where
    `known` is how many of ours the supplier has counted. price: what the ticket `price_id` costs now. answer: to the booking
    `order`, "have" or "cannot".
    """

    kind: Kind
    product_id: str | None = None
    from_date: date | None = msgspec.field(default=None, name="from")
    to_date: date | None = msgspec.field(default=None, name="to")
    code: str | None = None
    places: int | None = None
    left: int | None = None
    known: int | None = None
    price_id: str | None = None
    amount_minor: int | None = None
    order: str | None = None
    answer: Reply | None = None
    note: str = ""


class Supply(msgspec.Struct, frozen=True):
    """A product that a partner vouches for, with its last word. Minutes: how long a word holds."""

    product_id: str
    product_name: Text
    venue_id: str
    venue_name: Text
    venue_kind: str
    time_zone: str
    partner_id: str
    minutes: int
    day_minutes: int
    answer_minutes: int | None
    price_band_bp: int
    since: datetime
    said_at: datetime | None
    barred_at: datetime | None
    codes: list[str]


class Result(msgspec.Struct, frozen=True):
    """What came of one piece of news. `touched`: nights, sittings or products that it changed."""

    kind: Kind
    outcome: Outcome
    touched: int = 0


class Message(msgspec.Struct, frozen=True):
    """A message as it was kept."""

    id: UUID
    partner_id: str
    way: Way
    key: str | None
    body: list[dict[str, Any]]
    said_at: datetime
    received_at: datetime
    outcome: Outcome
    results: list[dict[str, Any]]
    said_by: str


class Receipt(msgspec.Struct, frozen=True):
    """What came of a message. `repeated`: it had been sent before, and this is what came of it then."""

    id: UUID
    outcome: Outcome
    results: list[Result]
    repeated: bool = False


class PriceNews(msgspec.Struct, frozen=True):
    """A price as a supplier wants it. `waiting`: it is further from the present one than may take effect by itself."""

    id: UUID
    partner_id: str
    price_id: str
    price_name: Text
    product_name: Text
    currency: str
    was_minor: int
    amount_minor: int
    said_at: datetime
    state: Literal["waiting", "applied", "declined", "undone", "superseded"]
    decided_by: str
    decided_at: datetime | None
    reason: str


class NotSupplied(NotFound):
    """Nobody vouches for this product."""

    next_step = "Look at the partner's page: it lists what the partner supplies."


class SuppliedByOther(Conflict):
    """Another partner vouches for this product."""

    safe = "Nothing was changed."
    next_step = "End it on that partner's page first, if that is what is meant."


class PriceNewsOver(Conflict):
    """This price was decided already, or newer news replaced it."""

    safe = "Nothing was changed."
    next_step = "Look at the partner's page as it is now."
