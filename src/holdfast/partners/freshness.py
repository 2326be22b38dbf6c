"""Freshness: how old a partner's word is, what it is told about that, and when somebody should call it.

The clock of a slot closes its sale without anything running. What runs here only tells: fresh → stale (to be confirmed before
the end) → silent, or barred; once for each episode, by message, e-mail and webhook. Recovery needs nobody either.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import accounts, notices
from holdfast.kit import clock, i18n, ids
from holdfast.kit.db import Db, ReadTx, Tx, lock

from . import asks, asks_store, bars, feeds_store, freshness_store, links, registration
from .asks_model import Ask
from .feeds_model import Supply
from .freshness_store import Call, Feed, Told

State = Literal["fresh", "stale", "silent", "barred", "never"]
WORDS: dict[str, str] = {
    "fresh": "fresh",
    "stale": "to be confirmed",
    "silent": "silent, sale rests",
    "barred": "stopped, not sold",
    "never": "not heard of yet, not sold",
}
"""State of a supply → English words, translated by the surface."""
STALE_PART = 4
"""A word is stale in the last such part of its time."""
AWAKE = (7, 22)
"""People are told between these hours of theirs; programs at any hour."""


def holds_until(supply: Supply) -> datetime | None:
    """When the sale of this very day ends if nobody speaks; None when nobody ever spoke."""
    return supply.said_at + timedelta(minutes=supply.day_minutes) if supply.said_at else None


def sold_until(supply: Supply) -> datetime | None:
    """When the sale of all days to come ends if nobody speaks."""
    return supply.said_at + timedelta(minutes=max(supply.minutes, supply.day_minutes)) if supply.said_at else None


def state_of(supply: Supply, now: datetime) -> State:
    """How a supply stands, by the shorter of its times: what is sold today."""
    if supply.barred_at is not None and supply.barred_at <= now:
        return "barred"
    until = holds_until(supply)
    if until is None:
        return "never"
    if until <= now:
        return "silent"
    return "stale" if until - timedelta(minutes=supply.day_minutes) / STALE_PART <= now else "fresh"


class Confirmed(msgspec.Struct, frozen=True):
    """What travellers are told of a supplied product: when it was confirmed, and how it stands."""

    state: State
    said_at: datetime | None
    until: datetime | None


async def of_products(tx: ReadTx, product_ids: Sequence[str], now: datetime | None = None) -> dict[str, Confirmed]:
    """How these products stand; those that nobody vouches for are left out."""
    at = now or clock.now()
    found = await feeds_store.supplies_of(tx, product_ids)
    return {one.product_id: Confirmed(state_of(one, at), one.said_at, holds_until(one)) for one in found}


class Episode(NamedTuple):
    """Something a partner is told once: what, and about which products."""

    kind: Literal["stale", "silent", "barred"]
    name: str
    supplies: list[Supply]


def episodes(supplies: Sequence[Supply], now: datetime) -> list[Episode]:
    """What there is to tell one partner: products of the same last word and time are told of together."""
    found: dict[tuple[str, str], list[Supply]] = {}
    for one in supplies:
        state = state_of(one, now)
        if state in ("stale", "silent"):
            found.setdefault((state, f"{one.said_at}|{one.day_minutes}"), []).append(one)
        elif state == "barred":
            found.setdefault((state, f"{one.barred_at}"), []).append(one)
    return [Episode(kind, name, group) for (kind, name), group in found.items()]  # type: ignore[arg-type]


async def watch(db: Db) -> int:
    """Looks at every supply, tells partners what they were not told yet, and whom to call; how many were told something."""
    await db.run(asks.look)
    told = 0
    for partner in await db.read(registration.every):
        told += await db.run(_watch_one, partner.id)
    return told


async def _watch_one(tx: Tx, partner_id: str) -> int:
    await lock(tx, f"partners.told:{partner_id}")
    now, told = clock.now(), 0
    partner = await registration.require(tx, partner_id)
    supplies = await feeds_store.supplies(tx, partner_id)
    if not supplies:
        return 0
    if partner.is_active:
        known = await freshness_store.told_names(tx, partner_id)
        for episode in episodes(supplies, now):
            if (episode.kind, episode.name) not in known and _may_tell(episode.kind, supplies[0], now):
                told += await _tell_episode(tx, partner_id, episode, now)
        told += await _tell_asks(tx, partner_id, supplies[0], now)
    return told + await _tell_recovered(tx, partner_id, {one.product_id: one for one in supplies}, now)


def _may_tell(kind: str, supply: Supply, now: datetime) -> bool:
    """Not at night: the sale rests by itself, and is spoken of in the morning. That a booking was refused does not wait."""
    return kind == "barred" or AWAKE[0] <= now.astimezone(ZoneInfo(supply.time_zone)).hour < AWAKE[1]


async def _tell_episode(tx: Tx, partner_id: str, episode: Episode, now: datetime) -> int:
    first = episode.supplies[0]
    until = holds_until(first)
    values = {
        "place": "", "link": await links.link(tx, partner_id), "until": _moment(until, first), "since": _moment(first.said_at, first)
    }  # fmt: skip
    data = {
        "product_ids": [one.product_id for one in episode.supplies],
        "last_word_at": first.said_at.isoformat() if first.said_at else None,
        "holds_until": until.isoformat() if until else None,
    }
    told = await _tell(tx, partner_id, episode.kind, episode.name, episode.supplies, values, data)
    if told is not None and episode.kind != "stale":
        await freshness_store.open_call(tx, ids.uuid7(), told, partner_id, now)
    return int(told is not None)


async def _tell_recovered(tx: Tx, partner_id: str, supplies: dict[str, Supply], now: datetime) -> int:
    """Whoever was told that their sale rests is told once that it goes on; and need not be called any more."""
    count = 0
    for before in await freshness_store.not_recovered(tx, partner_id):
        about = [supplies[one] for one in before.product_ids if one in supplies]
        if not about or any(state_of(one, now) in ("silent", "barred", "never") for one in about):
            continue
        data = {
            "product_ids": before.product_ids,
            "last_word_at": about[0].said_at.isoformat() if about[0].said_at else None,
            "holds_until": until.isoformat() if (until := holds_until(about[0])) else None,
        }
        told = await _tell(tx, partner_id, "recovered", str(before.id), about, {"place": ""}, data)
        await freshness_store.end_call(tx, before.id, "system:partners.freshness", "heard of again", now)
        count += int(told is not None)
    return count


async def _tell_asks(tx: Tx, partner_id: str, supply: Supply, now: datetime) -> int:
    """Bookings that the partner has not heard of yet, all in one message."""
    fresh: list[Ask] = await asks_store.take_untold(tx, partner_id, now)
    if not fresh:
        return 0
    until = min(one.due_at for one in fresh)
    values = {
        "place": "", "count": str(len({one.order_number for one in fresh})), "until": _moment(until, supply),
        "link": await links.link(tx, partner_id),
    }  # fmt: skip
    data = {"bookings": sorted({one.order_number for one in fresh}), "due_at": until.isoformat()}
    return int(await _tell(tx, partner_id, "asked", str(fresh[0].id), [supply], values, data) is not None)


async def _tell(
    tx: Tx,
    partner_id: str,
    kind: str,
    name: str,
    supplies: Sequence[Supply],
    values: dict[str, str],
    data: dict[str, Any],
) -> UUID | None:
    """Tells a partner by every way there is, and writes down which; None when it was told before."""
    partner = await registration.require(tx, partner_id)
    feed = await freshness_store.feed(tx, partner_id)
    values = values | {"place": i18n.pick(supplies[0].venue_name, feed.locale)}
    template, ways = f"supply-{kind}", []
    phone = _dialled(partner.phone)
    if phone:
        await notices.send(tx, phone, accounts.mask_phone(phone), template, feed.locale, **values)
        ways.append({"way": "sms", "to": accounts.mask_phone(phone)})
    if "@" in partner.email:
        masked = accounts.mask_email(partner.email)
        await notices.send_mail(tx, partner.email, masked, template, feed.locale, attachments=(), **values)
        ways.append({"way": "email", "to": masked})
    event = await notices.publish(
        tx, f"supply.{kind}", {"partner_id": partner_id, **data}, subject=f"partner:{partner_id}",
        withheld=await freshness_store.subscriptions_of_others(tx, partner_id),
    )  # fmt: skip
    if feed.subscription_id is not None:
        ways.append({"way": "webhook", "to": notices.message_id(event)})
    told_id = ids.uuid7()
    about = [one.product_id for one in supplies]
    await freshness_store.keep_told(tx, told_id, partner_id, kind, name, about, clock.now(), ways)
    return told_id


def _dialled(phone: str) -> str:
    """The partner's number in E.164 form; empty when it is none that gets text messages."""
    found, errors = accounts.check_phone(phone)
    return found if found and not any(one.severity == "error" for one in errors) else ""


def _moment(at: datetime | None, supply: Supply) -> str:
    return f"{at.astimezone(ZoneInfo(supply.time_zone)):%m-%d %H:%M}" if at else "–"


async def told(tx: ReadTx, partner_id: str, *, limit: int = 50) -> list[Told]:
    """What a partner was told, the newest first."""
    return await freshness_store.told(tx, partner_id, limit)


async def calls(tx: ReadTx) -> list[Call]:
    """Whom to call, the longest silent first."""
    return await freshness_store.calls(tx)


async def end_call(tx: Tx, actor: str, call_id: UUID, outcome: str) -> bool:
    """Somebody called; False when that was done already."""
    return await freshness_store.end_one_call(tx, call_id, actor, outcome, clock.now())


async def feed(tx: ReadTx, partner_id: str) -> Feed:
    """How we hear from a partner and tell it."""
    return await freshness_store.feed(tx, partner_id)


__all__ = [
    "WORDS",
    "Confirmed",
    "State",
    "bars",
    "calls",
    "episodes",
    "feed",
    "holds_until",
    "of_products",
    "sold_until",
    "state_of",
    "told",
    "watch",
]
