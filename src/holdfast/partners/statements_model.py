"""A partner's statement as values: its lines and its months."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec


class Line(msgspec.Struct, frozen=True):
    """One thing that was charged (`net_minor` above zero) or credited. `tickets`: how many more, or fewer, are sold."""

    kind: str
    subject: str
    journal_key: str
    at: datetime
    retail_minor: int
    net_minor: int
    kept_minor: int
    currency: str
    tickets: int
    details: dict[str, Any]


class Month(msgspec.Struct, frozen=True):
    """What a month came to. `sold_minor` is charged and `cancelled_minor` credited, net; `owed_minor` stood at its end."""

    first: date
    currency: str
    bookings: int
    tickets: int
    retail_minor: int
    sold_minor: int
    cancelled_minor: int
    kept_minor: int
    paid_minor: int
    owed_minor: int
