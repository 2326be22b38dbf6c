"""The report of a cut: what was ordered by whom, what was done slot by slot, without anybody's name (Tourism Law, article 45)."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime

import msgspec

from holdfast.kit.db import ReadTx

from . import displacement, displacement_offers_store, displacement_store
from .displacement_model import Cut, Party
from .displacement_store import CutEvent, SlotOfCut, Visit


class SlotReport(msgspec.Struct, frozen=True):
    """One slot: limits, what was booked, what is booked now, and orders and places by outcome."""

    slot: SlotOfCut
    visit: Visit
    outcomes: dict[str, tuple[int, int]]


class Report(msgspec.Struct, frozen=True):
    """A cut as a whole. `outcomes`: orders and places by outcome, ``open`` for those that still wait."""

    cut: Cut
    slots: list[SlotReport]
    outcomes: dict[str, tuple[int, int]]
    refunds: list[tuple[str, int]]
    chosen: int
    asked: int
    told: int
    offers: dict[str, int]
    events: list[CutEvent]


async def report(tx: ReadTx, cut: Cut) -> Report:
    """How a cut stands now."""
    parties = await displacement_store.parties(tx, cut.id)
    slots = await displacement_store.slots(tx, cut.id)
    visits = await displacement_store.visits(tx, [one.slot_id for one in slots])
    refunds: Counter[str] = Counter()
    for one in parties:
        refunds[one.currency] += one.refund_minor
    return Report(
        cut=cut,
        slots=[
            SlotReport(slot, visits[slot.slot_id], _outcomes([one for one in parties if one.slot_id == slot.slot_id]))
            for slot in slots
        ],
        outcomes=_outcomes(parties),
        refunds=sorted((currency, minor) for currency, minor in refunds.items() if minor),
        chosen=sum(one.chosen and one.outcome in ("moved", "refunded") for one in parties),
        asked=sum(one.asked_at is not None for one in parties),
        told=sum(one.told_at is not None for one in parties),
        offers=await displacement_offers_store.of_cut(tx, cut.id),
        events=await displacement_store.events(tx, cut.id),
    )


def _outcomes(parties: list[Party]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for one in parties:
        orders, places = found.get(one.outcome or "open", (0, 0))
        found[one.outcome or "open"] = (orders + 1, places + one.places)
    return found


COLUMNS = ("venue", "product", "date", "begins", "limit_before", "limit_after", "booked_before", "booked_now")
ENDED = ("kept", "moved", "refunded", "freed", "gone", "open")


def as_csv(found: Report, locale: str) -> str:
    """One line for each slot, for spreadsheets (with a byte order mark): limits, bookings, orders and places by outcome."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([*COLUMNS, *(f"{name}_{what}" for name in ENDED for what in ("orders", "places"))])
    for one in found.slots:
        begins: datetime = one.visit.starts_at
        rows.writerow(
            [
                one.visit.venue_name.get(locale, ""), one.visit.product_name.get(locale, ""), one.visit.visit_date,
                begins.isoformat(timespec="minutes"), one.slot.capacity_before, one.slot.capacity_after,
                one.slot.taken_before, one.slot.taken,
                *(figure for name in ENDED for figure in one.outcomes.get(name, (0, 0))),
            ]
        )  # fmt: skip
    return "\ufeff" + out.getvalue()


recent = displacement_store.newest
page_of_parties = displacement_store.page_of_parties
require = displacement.require
