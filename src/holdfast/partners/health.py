"""Health of suppliers: how each stands, what it was told, whom to call; and switching one off."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from holdfast import inventory
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import asks, bars, feeds, feeds_store, freshness, registration
from .asks_model import Bar
from .feeds_model import Supply
from .model import Partner

DAY = timedelta(days=1)
NIGHTS_SHOWN, DAYS_SHOWN = 14, 3
"""So many days of a hotel's nights and of other slots are shown to those who look after them."""
ORDER: tuple[freshness.State, ...] = ("barred", "silent", "never", "stale", "fresh")
"""From worst to best."""


class Standing(msgspec.Struct, frozen=True):
    """A supply and how it stands."""

    supply: Supply
    state: freshness.State
    until: datetime | None
    sold_until: datetime | None
    bars: list[Bar]


class Overview(msgspec.Struct, frozen=True):
    """A partner in the list. `state`: of the supply that fares worst; None when it supplies nothing."""

    partner: Partner
    state: freshness.State | None
    supplies: int
    last_word: datetime | None
    messages_today: int
    waiting: int
    late: int


async def disable(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """From now on its programs are refused and nothing it supplies is sold; what is booked stays. PartnerUnknown."""
    await registration.disable(tx, actor, partner_id, reason=reason)
    await feeds.bar_all(tx, actor, partner_id, reason=reason)


async def enable(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """Its programs are let in again, and the clocks of what it supplies count. PartnerUnknown."""
    await registration.enable(tx, actor, partner_id, reason=reason)
    await feeds.unbar_all(tx, actor, partner_id, reason=reason)


async def overview(tx: ReadTx) -> list[Overview]:
    """All partners, those that need somebody first."""
    now = clock.now()
    by_partner: dict[str, list[Supply]] = {}
    for supply in await feeds_store.all_supplies(tx):
        by_partner.setdefault(supply.partner_id, []).append(supply)
    heard = await feeds_store.heard(tx, now - DAY)
    found = []
    for partner in await registration.every(tx):
        supplies = by_partner.get(partner.id, [])
        waiting = await asks.waiting(tx, partner.id) if supplies else []
        words = [one.said_at for one in supplies if one.said_at]
        beat = heard.get(partner.id)
        found.append(
            Overview(
                partner, worst([freshness.state_of(one, now) for one in supplies]), len(supplies), max(words, default=None),
                beat.today if beat else 0, len(waiting), sum(one.is_late(now) for one in waiting),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (not one.partner.is_active, _rank(one.state), one.partner.id))


def worst(states: list[freshness.State]) -> freshness.State | None:
    """The one that needs somebody most; None of none."""
    return min(states, key=ORDER.index, default=None)


def _rank(state: freshness.State | None) -> int:
    return len(ORDER) if state is None else ORDER.index(state)


async def standings(tx: ReadTx, partner_id: str, now: datetime | None = None) -> list[Standing]:
    """How each product stands that a partner supplies."""
    at = now or clock.now()
    supplies = await feeds_store.supplies(tx, partner_id)
    known = await bars.standing(tx, [one.product_id for one in supplies])
    return [
        Standing(
            one, freshness.state_of(one, at), freshness.holds_until(one), freshness.sold_until(one),
            known.get(one.product_id, []),
        )
        for one in supplies
    ]  # fmt: skip


async def coming(tx: ReadTx, partner_id: str, *, days: int | None = None) -> list[inventory.vouching.Standing]:
    """The coming nights and sittings of a partner: how many are sold, left, stopped."""
    supplies = await feeds_store.supplies(tx, partner_id)
    if not supplies:
        return []
    span = days or (NIGHTS_SHOWN if any(one.venue_kind == "hotel" for one in supplies) else DAYS_SHOWN)
    first = today(supplies[0])
    found = await inventory.vouching.standing(
        tx, [one.product_id for one in supplies], first, first + timedelta(days=span - 1)
    )
    now = clock.now()
    return [one for one in found if one.ends_at > now]


def today(supply: Supply) -> date:
    """The date where the supplier is."""
    return clock.now().astimezone(ZoneInfo(supply.time_zone)).date()


async def take_off(tx: Tx, actor: Actor, partner_id: str, product_id: str, *, reason: str) -> None:
    """Staff stop the sale of a product, whatever its supplier says. NotSupplied."""
    await feeds.require_supply(tx, partner_id, product_id)
    await bars.begin(tx, actor, partner_id, [product_id], "staff", note=reason)


async def put_on(tx: Tx, actor: Actor, partner_id: str, product_id: str, *, reason: str) -> None:
    """Staff let the supplier's word count again: what they stopped, and what a guest who was turned away stopped. NotSupplied."""
    await feeds.require_supply(tx, partner_id, product_id)
    await bars.end(tx, actor, [product_id], ["staff", "refused"], reason=reason)


async def turned_away(tx: Tx, actor: Actor, partner_id: str, product_id: str, *, note: str) -> None:
    """A guest with a booking was not let in: the sale stops until the partner says that it takes guests. NotSupplied."""
    await feeds.require_supply(tx, partner_id, product_id)
    await bars.begin(tx, actor, partner_id, [product_id], "refused", note=note)
