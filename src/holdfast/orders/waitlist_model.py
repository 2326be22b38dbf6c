"""Types, pure decisions and problems of the waiting list."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.kit.problems import Conflict, NotFound

OFFER_FOR = timedelta(hours=2)
OFFER_AT_LEAST = timedelta(minutes=15)
NIGHT_BEGINS, NIGHT_ENDS = time(22), time(8)
MORNING = time(9)
GATHER_FOR = timedelta(minutes=15)
"""So long places that are too few for anybody who waits are kept, in case more come free."""
PASS_AGAIN_AFTER = timedelta(minutes=5)
"""A party that could not be offered its places is asked again so much later."""
WAITS_MAX = 5
"""Lists that one person may wait in at a time."""


class WaitState(StrEnum):
    """Where a party stands. Offered places are held by an order; the other states are ends."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    LAPSED = "lapsed"
    DECLINED = "declined"
    LEFT = "left"
    OVER = "over"


WAIT_STATES: dict[WaitState, frozenset[WaitState]] = {
    WaitState.WAITING: frozenset({WaitState.OFFERED, WaitState.LEFT, WaitState.OVER}),
    WaitState.OFFERED: frozenset({WaitState.TAKEN, WaitState.LAPSED, WaitState.DECLINED}),
}
OF_ORDER = {
    "confirmed": WaitState.TAKEN, "used": WaitState.TAKEN, "expired": WaitState.LAPSED, "cancelled": WaitState.DECLINED,
}  # fmt: skip
"""State of the order that holds an offer → what became of the offer."""


class Wait(msgspec.Struct, frozen=True):
    """One party in one list. `place` is the order of arrival."""

    id: UUID
    place: int
    account_id: UUID
    slot_id: UUID
    tickets: list[dict[str, Any]]
    places: int
    locale: str
    state: WaitState
    order_id: UUID | None
    joined_at: datetime
    passed_at: datetime | None
    passed_why: str
    offered_at: datetime | None
    until_at: datetime | None
    ended_at: datetime | None


class WaitView(msgspec.Struct, frozen=True):
    """A party with what it waits for and its honest position: how many parties and people came before and still wait."""

    wait: Wait
    venue_id: str
    venue_name: dict[str, str]
    product_name: dict[str, str]
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    sale_closes_at: datetime
    is_open: bool
    ahead: int
    ahead_places: int
    behind: int
    offers_made: int
    order_number: str | None

    @property
    def quantity(self) -> int:
        return sum(int(ticket["quantity"]) for ticket in self.wait.tickets)


class Line(msgspec.Struct, frozen=True):
    """The list of one slot: places that may be offered now (`free`, of which `kept` came free for it), and when sale ends."""

    slot_id: UUID
    venue_id: str
    starts_at: datetime
    sale_closes_at: datetime
    time_zone: str
    is_open: bool
    free: int
    kept: int
    leftover_since: datetime | None


def offer_until(now: datetime, zone: str, sale_closes_at: datetime) -> datetime | None:
    """How long places are held for whoever is next: two hours, over the night until nine in the morning; never past the
    end of the sale. None when too little time is left to offer anything."""
    if sale_closes_at - now < OFFER_AT_LEAST:
        return None
    local, until = now.astimezone(ZoneInfo(zone)), now + OFFER_FOR
    if local.time() >= NIGHT_BEGINS or local.time() < NIGHT_ENDS:
        morning = local.date() + timedelta(days=int(local.time() >= NIGHT_BEGINS))
        until = datetime.combine(morning, MORNING, ZoneInfo(zone)).astimezone(now.tzinfo)
    return min(until, sale_closes_at)


def is_leftover_over(line: Line, now: datetime) -> bool:
    """Whether places that fit nobody have been kept long enough; in the last hour of the sale they are not kept at all."""
    if line.sale_closes_at - now < timedelta(hours=1):
        return True
    return line.leftover_since is not None and now - line.leftover_since >= GATHER_FOR


class WaitUnknown(NotFound):
    """We find no such place on a waiting list for you."""

    next_step = "Look at the lists you wait in; sign in with the phone you joined with."


class AlreadyWaiting(Conflict):
    """You are on the waiting list for this time already."""

    safe = "Your place on the list stands."
    next_step = "Look at your place; to change the number of people, leave the list and join it again, at its end."


class TooManyWaits(Conflict):
    """You are on as many waiting lists as one person may be."""

    safe = "Your places on the other lists stand."
    next_step = "Leave one of them, then join this one."


class WaitHopeless(Conflict):
    """Waiting makes no sense for this time: there is too little time left, or the slot is smaller than your party."""

    next_step = "Choose another time or day; the calendar shows where places are left."


class WaitOver(Conflict):
    """This place on the waiting list has ended."""

    next_step = "Look at its page: it says what happened. You may join again, at the end of the list."


class NoPhoneForOffers(Conflict):
    """Your account has no phone to which an offer could be sent."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Add a phone under Account, Security, then join the list."
