"""What is still to be had: by month for one venue, by slot for one day, by week for many venues, by party for a date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.catalogue import calendars
from holdfast.catalogue.model import VenueUnknown
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import both
from holdfast.kit.money import Money

from . import store
from .model import Day, SaleState, Slot, SlotView
from .store import DayTotals, SlotOnSale, VenueDays

UNCONFIRMED = "The supplier has not confirmed its places lately, so sale is stopped. What is booked stays booked."
SAID = {"over": "Sale for this time is over.", "unconfirmed": UNCONFIRMED}
"""Sale state of a slot → why, where the slot has no reason of its own."""


async def month(
    tx: ReadTx, venue_id: str, first: date, today: date | None = None, *, now: datetime | None = None
) -> list[Day]:
    """The days of the calendar month that `first` lies in. VenueUnknown when there is no such venue.

    `today` defaults to the venue's own date, `now` to the present moment.
    """
    begin = first.replace(day=1)
    end = (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    at = now or clock.now()
    found = await store.days(tx, [venue_id], begin, end, at)
    if not found:
        raise VenueUnknown(venue_id=venue_id)
    return _days(found[0], begin, end, today, at)


async def outlook(
    tx: ReadTx, venue_ids: Iterable[str], today: date, days: int = 7, *, now: datetime | None = None
) -> dict[str, list[Day]]:
    """The next days of many venues, today first, in one query; unknown ids are left out."""
    at = now or clock.now()
    last = today + timedelta(days=days - 1)
    found = await store.days(tx, sorted(set(venue_ids)), today, last, at)
    return {venue.venue_id: _days(venue, today, last, today, at) for venue in found}


async def day(tx: ReadTx, venue_id: str, date: date, now: datetime | None = None) -> list[SlotView]:
    """The slots of one date in the order of product and clock, each with its sale state and the prices of that day."""
    at = now or clock.now()
    return [_view(found, at) for found in await store.slots_on_sale(tx, venue_id, date)]


async def room(tx: ReadTx, date: date, people: int, now: datetime | None = None) -> dict[str, int]:
    """The venues where so many people find places together on that date → the most places left in one slot."""
    return await store.room(tx, date, max(1, people), now or clock.now())


def sale_state(slot: Slot, now: datetime) -> SaleState:
    """Whether a traveller can book the slot at that moment, and if not, why."""
    if now >= slot.sale_closes_at:
        return "over"
    if slot.state != "open":
        return slot.state
    if now < slot.sale_opens_at:
        return "not-yet"
    if not slot.is_vouched(now):
        return "unconfirmed"
    return "open" if slot.places_left else "sold-out"


def _days(venue: VenueDays, first: date, last: date, today: date | None, now: datetime) -> list[Day]:
    here = today or now.astimezone(ZoneInfo(venue.time_zone)).date()
    totals = {found.date: found for found in venue.days}
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [_day(venue, date, totals.get(date), here) for date in dates]


def _day(venue: VenueDays, date: date, totals: DayTotals | None, today: date) -> Day:
    if date < today:
        return Day(date, "past")
    if totals is None or not (totals.on_sale or totals.coming or totals.stopped):
        hours = calendars.hours_on(venue.openings, venue.special_days, date)
        if isinstance(hours, calendars.Closed):
            return Day(date, "closed", reason=hours.reason)
        return Day(date, "past" if totals else "not-yet")
    lowest = None if totals.lowest_minor is None else Money(totals.lowest_minor, totals.currency or "CNY")
    if totals.on_sale:
        return Day(date, "open" if totals.selling else "sold-out", totals.places_left, lowest)
    if totals.coming:
        return Day(date, "not-yet", 0, lowest, totals.opens_at)
    if totals.unconfirmed:
        return Day(date, "unconfirmed", reason=both(UNCONFIRMED))
    return Day(date, "closed", reason=totals.reason)


def _view(found: SlotOnSale, now: datetime) -> SlotView:
    slot, zone = found.slot, ZoneInfo(found.time_zone)
    sale = sale_state(slot, now)
    return SlotView(
        id=slot.id,
        product_id=slot.product_id,
        product_name=found.product_name,
        code=slot.code,
        name=found.slot_name,
        date=slot.visit_date,
        starts_at=slot.starts_at.astimezone(zone),
        ends_at=slot.ends_at.astimezone(zone),
        places_left=slot.places_left if slot.state == "open" else 0,
        capacity=slot.capacity,
        sale=sale,
        sale_opens_at=slot.sale_opens_at.astimezone(zone),
        sale_closes_at=slot.sale_closes_at.astimezone(zone),
        reason=slot.reason or (both(SAID[sale]) if sale in SAID else {}),
        prices=found.prices,
    )
