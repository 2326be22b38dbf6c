"""News of suppliers, one by one: what is wrong with it, and what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import catalogue, inventory
from holdfast.kit import clock, ids, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.ids import read_code

from . import asks, asks_store, bars, feeds_store
from .feeds_model import News, Result, Supply

DAYS_MAX = 400
AHEAD_DAYS_MAX = 730
PLACES_MAX = 1_000_000
AMOUNT_MAX = 10**11
NOTE_MAX = 300
WHOLE_BP = 10_000
Known = Mapping[str, Supply]
Wrong = tuple[str, str, str]


class PriceTold(msgspec.Struct, frozen=True):
    """A price that was told, and what it was."""

    price_id: str
    was_minor: int
    amount_minor: int
    state: str


async def check(tx: ReadTx, partner_id: str, known: Known, news: Sequence[News]) -> list[dict[str, Any]]:
    """Everything that is wrong, each with a path such as ``news[0].from``."""
    found: list[dict[str, Any]] = []
    prices = await catalogue.supplier_prices.of(tx, sorted(known))
    asked = await asks_store.open_numbers(tx, partner_id)
    for at, one in enumerate(news):
        wrong = [*_wrong_product(one, known), *_wrong_days(one, known)]
        if one.kind == "places":
            wrong += _wrong_places(one)
        if one.kind == "price":
            wrong += _wrong_price(one, set(prices))
        if one.kind == "answer":
            wrong += _wrong_answer(one, asked)
        if len(one.note) > NOTE_MAX or "\0" in one.note:
            wrong.append(("note", "NOTE_LONG", "Write at most 300 characters."))
        found += [
            {"field": f"news[{at}].{field}", "code": code, "message": both(text), "severity": "error", "suggestion": None}
            for field, code, text in wrong
        ]  # fmt: skip
    return found


def _wrong_product(one: News, known: Known) -> list[Wrong]:
    if one.kind in ("price", "answer"):
        return []
    if not known:
        return [("product_id", "NOTHING_SUPPLIED", "Nothing is registered as supplied by you yet. Ask us.")]
    if one.product_id is None:
        return [("product_id", "PRODUCT_MISSING", "Say which product.")] if one.kind == "places" else []
    if one.product_id not in known:
        return [("product_id", "NOT_YOURS", "This product is not supplied by you.")]
    if one.code is not None and one.code not in known[one.product_id].codes:
        return [("code", "SLOT_UNKNOWN", "The product has no such time.")]
    return []


def _wrong_days(one: News, known: Known) -> list[Wrong]:
    if one.kind not in ("open", "stop", "places"):
        return []
    if one.code is not None and one.product_id is None:
        return [("code", "CODE_ALONE", "Say which product the time is of.")]
    if one.to_date is not None and one.from_date is None:
        return [("from", "FROM_MISSING", "Say from which day.")]
    if one.kind == "places" and one.from_date is None:
        return [("from", "FROM_MISSING", "Say from which day.")]
    first, last = one.from_date, one.to_date or one.from_date
    if first is None or last is None:
        return []
    today = _today(known.get(one.product_id or ""))
    if last < first:
        return [("to", "DATES_REVERSED", "The last day lies before the first.")]
    if (last - first).days >= DAYS_MAX or (last - today).days > AHEAD_DAYS_MAX:
        return [("to", "DAYS_MANY", "Name at most 400 days, none more than two years ahead.")]
    return [("to", "DAYS_PAST", "These days are over.")] if last < today - timedelta(days=1) else []


def _wrong_places(one: News) -> list[Wrong]:
    if (one.places is None) == (one.left is None):
        return [("places", "PLACES_OR_LEFT", "Say either how many places there are or how many are left.")]
    figures = (("places", one.places), ("left", one.left), ("known", one.known))
    wrong = [
        (field, "PLACES_RANGE", "Enter a whole number from 0 to 1,000,000.")
        for field, value in figures
        if value is not None and not 0 <= value <= PLACES_MAX
    ]
    if one.known is not None and one.left is None:
        wrong.append(("known", "KNOWN_ALONE", "This goes with the places that are left."))
    return wrong


def _wrong_price(one: News, prices: set[str]) -> list[Wrong]:
    wrong = []
    if one.price_id not in prices:
        wrong.append(("price_id", "PRICE_UNKNOWN", "This is no ticket of a product that you supply."))
    if one.amount_minor is None or not 0 <= one.amount_minor <= AMOUNT_MAX:
        wrong.append(
            ("amount_minor", "AMOUNT_RANGE", "Enter the price in the smallest unit, such as 12000 for 120 yuan.")
        )
    return wrong


def _wrong_answer(one: News, asked: set[str]) -> list[Wrong]:
    wrong = []
    if one.answer is None:
        wrong.append(("answer", "ANSWER_MISSING", 'Say "have" or "cannot".'))
    if (read_code(one.order or "") or "") not in asked:
        wrong.append(("order", "NOT_ASKED", "You are not asked about such a booking, or have answered already."))
    return wrong


def _today(supply: Supply | None) -> date:
    return clock.now().astimezone(ZoneInfo(supply.time_zone if supply else "Asia/Shanghai")).date()


async def apply(
    tx: Tx, actor: Actor, partner_id: str, known: Known, news: Sequence[News], at: datetime
) -> tuple[list[Result], list[PriceTold]]:
    """Carries out what `check` found right, in its order. Prices are given back: they are kept with their message."""
    results: list[Result] = []
    prices: list[PriceTold] = []
    for one in news:
        if one.kind == "price":
            told = await _price(tx, actor, known, one, at)
            prices += [told] if told else []
            results.append(Result("price", "older" if told is None else msgspec.convert(told.state, Any)))
        elif one.kind == "answer":
            number = read_code(one.order or "") or ""
            count = await asks.answer(tx, actor, partner_id, number, one.answer or "", note=one.note)
            results.append(Result("answer", "applied" if count else "older", count))
        else:
            results.append(await _about_places(tx, actor, partner_id, known, one, at))
    return results, prices


async def _about_places(tx: Tx, actor: Actor, partner_id: str, known: Known, one: News, at: datetime) -> Result:
    products = [one.product_id] if one.product_id else sorted(known)
    touched = 0
    for product_id in products if one.kind != "heartbeat" else ():
        first = one.from_date or _today(known[product_id])
        last = one.to_date or one.from_date or first + timedelta(days=DAYS_MAX - 1)
        if one.kind == "places":
            places, left = one.places, one.left
            if one.known is not None and left is not None:
                places, left = one.known + left, None
            touched += await inventory.vouching.limit(
                tx, actor, product_id, first, last, one.code, places=places, left=left, at=at
            )
        else:
            touched += await inventory.vouching.stop(
                tx, actor, product_id, first, last, one.code, stopped=one.kind == "stop", at=at,
                reason=_reason(one) if one.kind == "stop" else None,
            )  # fmt: skip
        if touched and one.kind in ("stop", "places"):
            await jobs.emit(
                tx, "supply.stopped" if one.kind == "stop" else "supply.lowered",
                {"partner_id": partner_id, "product_id": product_id, "first": str(first), "last": str(last), "code": one.code, "at": at.isoformat()},
            )  # fmt: skip
    if one.kind != "stop":
        moved = await inventory.vouching.vouch(tx, products, at)
        touched = touched or len(moved)
    if one.kind == "open":
        await bars.end(tx, actor, products, ["refused"], reason=one.note)
    return Result(one.kind, "applied" if touched else "older", touched)


def _reason(one: News) -> dict[str, str] | None:
    """What the page says where sale is stopped: the supplier's own words, if there are any."""
    note = " ".join(one.note.split())
    return both("Stopped by the supplier: {note}", note=note) if note else None


async def _price(tx: Tx, actor: Actor, known: Known, one: News, at: datetime) -> PriceTold | None:
    """A price within the band takes effect at once, another one waits; None for older news."""
    assert one.price_id is not None
    assert one.amount_minor is not None
    latest = await feeds_store.latest_price_news(tx, one.price_id)
    if latest is not None and latest > at:
        return None
    price = (await catalogue.supplier_prices.of(tx, sorted(known)))[one.price_id]
    band = known[price.product_id].price_band_bp
    if one.amount_minor == price.amount_minor:
        return PriceTold(price.id, price.amount_minor, price.amount_minor, "applied")
    if abs(one.amount_minor - price.amount_minor) * WHOLE_BP > price.amount_minor * band:
        return PriceTold(price.id, price.amount_minor, one.amount_minor, "waiting")
    await catalogue.supplier_prices.set_amount(tx, actor, price.id, one.amount_minor, reason="price news")
    return PriceTold(price.id, price.amount_minor, one.amount_minor, "applied")


async def keep_prices(tx: Tx, partner_id: str, message_id: UUID, prices: Sequence[PriceTold], at: datetime) -> None:
    """Prices that were told, with the message that told them."""
    for one in prices:
        await feeds_store.add_price_news(
            tx, ids.uuid7(), message_id, partner_id, one.price_id, one.was_minor, one.amount_minor, at, one.state, clock.now()
        )  # fmt: skip
