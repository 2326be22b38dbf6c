"""What is on offer now: the versions that run, and the number that moves whenever that changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import live_store
from .facts import BASKET_FIELDS
from .model import Content, Envelope, Version
from .nodes import AllOf, AnyOf, Condition, Leaf

HOME = timedelta(hours=8)
KNOWN_MAX = 2000


class Live(msgspec.Struct, frozen=True):
    """What is on offer. `epoch` goes with every booking that is priced with it; on another `day` it is read again.

    Of who books, no more is read than some version looks at. `asks_person`: anything; `asks_orders`: how many orders they had
    before; `asks_uses`: how often they have used these campaigns, and from how many uses on it matters. `asks_code`: some version wants a code. `possible`: what pricing
    remembers of baskets that are alike.
    """

    epoch: int
    day: date
    versions: list[Version]
    asks_person: bool
    asks_orders: bool
    asks_uses: dict[str, int]
    asks_code: bool
    possible: dict[Any, list[Version]] = msgspec.field(default_factory=dict)

    def telling(self, uses: dict[str, int]) -> list[tuple[str, int]]:
        """Those uses that change what somebody is granted."""
        return sorted((name, n) for name, n in uses.items() if name in self.asks_uses and n >= self.asks_uses[name])


ORDERS = {"first_order", "earlier_orders"}

_known: dict[UUID, Version] = {}
"""Versions never change, so a process reads each of them once."""


def today() -> date:
    """The day by which money of a day is counted."""
    return (clock.now() + HOME).date()


async def load(tx: ReadTx) -> Live:
    """What is on offer, as the database has it now. The number is read first: what moves meanwhile is noticed later."""
    day = today()
    epoch = await live_store.epoch(tx)
    ids = await live_store.running(tx, day)
    missing = [one for one in ids if one not in _known]
    if missing:
        if len(_known) + len(missing) > KNOWN_MAX:
            _known.clear()
            missing = ids
        for row in await live_store.versions(tx, missing):
            content, envelope = msgspec.convert(row.content, Content), msgspec.convert(row.envelope, Envelope)
            _known[row.id] = Version(row.id, row.campaign_id, row.n, content, row.content_hash, envelope)
    versions = [_known[one] for one in ids]
    asked = {one.campaign_id: personal(one.content) for one in versions}
    return Live(
        epoch, day, versions, any(asked.values()), any(fields & ORDERS for fields in asked.values()),
        {one.campaign_id: _from_uses(one.content) for one in versions if "redemptions" in asked[one.campaign_id]},
        any(not one.content.is_automatic for one in versions),
    )  # fmt: skip


def _from_uses(content: Content) -> int:
    """From the first on, if a condition asks; else from the limit on."""
    return 0 if "redemptions" in _fields(content.when) else content.limits.per_person or 0


def personal(content: Content) -> set[str]:
    """The facts about who books that a content looks at: in conditions, or for a limit for each person."""
    asked = {field for field in _fields(content.when) if field in BASKET_FIELDS and BASKET_FIELDS[field].personal}
    return asked | ({"redemptions"} if content.limits.per_person is not None else set())


def _fields(condition: Condition | None) -> Iterator[str]:
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from _fields(part)
    elif isinstance(condition, Leaf):
        yield condition.field
