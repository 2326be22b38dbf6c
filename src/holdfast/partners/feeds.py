"""Feeds: what a partner vouches for, and how it speaks to us.

Every message is kept, whatever became of it; the same key again is the same message; older news never overwrites newer, and
a message counts as a whole or not at all. Whoever speaks renews the clocks of what is named (`inventory.vouching`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast import catalogue, inventory
from holdfast.kit import audit, clock, crypto, i18n, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import InvalidInput

from . import bars, feeds_news, feeds_store, registration
from .feeds_model import (
    Message,
    News,
    NotSupplied,
    PriceNews,
    PriceNewsOver,
    Receipt,
    Result,
    SuppliedByOther,
    Supply,
    Way,
)

USUAL: dict[str, tuple[int, int]] = {"hotel": (24 * 60, 24 * 60), "restaurant": (24 * 60, 2 * 60)}
"""Kind of venue → for how many minutes a word holds for days to come, and on the day itself."""
USUAL_ELSEWHERE = (24 * 60, 4 * 60)
MINUTES = (1, 525_600)
BAND_BP = 2_000
NEWS_MAX = 1_000
MINUTES_FORM = "Enter whole minutes from 1 to 525,600."
BAND_FORM = "Enter a percentage from 0 to 100."
PRODUCT_FORM = "There is no such product in the catalogue."


async def supply(
    tx: Tx, actor: Actor, partner_id: str, product_id: str, *, minutes: int | None = None, day_minutes: int | None = None,
    answer_minutes: int | None = None, price_band_bp: int = BAND_BP,
) -> Supply:  # fmt: skip
    """From now on the product is sold only while this partner's word holds; nothing until it speaks for the first time.

    Again: other times for the same. InvalidInput; SuppliedByOther.
    """
    await registration.require(tx, partner_id)
    errors = [
        {"field": field, "code": "MINUTES_RANGE", "message": i18n.both(MINUTES_FORM)}
        for field, value in (("minutes", minutes), ("day_minutes", day_minutes), ("answer_minutes", answer_minutes))
        if value is not None and not MINUTES[0] <= value <= MINUTES[1]
    ]
    if not 0 <= price_band_bp <= 10_000:
        errors.append({"field": "price_band", "code": "BAND_RANGE", "message": i18n.both(BAND_FORM)})
    if not await feeds_store.product_known(tx, product_id):
        errors.append({"field": "product_id", "code": "PRODUCT_UNKNOWN", "message": i18n.both(PRODUCT_FORM)})
    if errors:
        raise InvalidInput(errors=errors)
    await lock(tx, f"partners.supplies:{product_id}")
    before = await feeds_store.supplies_of(tx, [product_id])
    if before and before[0].partner_id != partner_id:
        raise SuppliedByOther(product_id=product_id)
    if minutes is None or day_minutes is None:
        usual = await _usual(tx, product_id)
        minutes, day_minutes = minutes or usual[0], day_minutes or usual[1]
    await feeds_store.set_supply(
        tx, partner_id, product_id, minutes, day_minutes, answer_minutes, price_band_bp, clock.now()
    )
    await inventory.vouching.set_clock(
        tx, product_id, minutes=minutes, day_minutes=min(minutes, day_minutes), anew=not before
    )
    await audit.record(
        tx, actor, "partner.supplies", f"partner:{partner_id}", product=product_id, minutes=minutes, day_minutes=day_minutes,
        answer_minutes=answer_minutes, price_band_bp=price_band_bp,
    )  # fmt: skip
    return (await feeds_store.supplies_of(tx, [product_id]))[0]


async def _usual(tx: ReadTx, product_id: str) -> tuple[int, int]:
    kind = await feeds_store.kind_of(tx, product_id)
    return USUAL.get(kind, USUAL_ELSEWHERE)


async def require_supply(tx: ReadTx, partner_id: str, product_id: str) -> Supply:
    """NotSupplied when the partner does not vouch for it."""
    found = await feeds_store.supplies_of(tx, [product_id])
    if not found or found[0].partner_id != partner_id:
        raise NotSupplied(product_id=product_id)
    return found[0]


async def supplies(tx: ReadTx, partner_id: str) -> list[Supply]:
    """What a partner vouches for."""
    return await feeds_store.supplies(tx, partner_id)


async def receive(
    db: Db, actor: Actor, partner_id: str, way: Way, key: str, news: Sequence[News], *, said_at: datetime | None = None
) -> Receipt:
    """Takes a message: what was said is kept and takes effect, in one transaction. `said_at`: by the partner's clock.

    InvalidInput with every finding, a path such as ``news[0].from`` each; then the message is kept, too, and nothing else
    happens. KeyReused when the key was used for other words.
    """
    outcome = await db.run(_receive, actor, partner_id, way, key, list(news), said_at)
    if isinstance(outcome, InvalidInput):
        raise outcome
    return outcome


async def _receive(
    tx: Tx, actor: Actor, partner_id: str, way: Way, key: str, news: list[News], said_at: datetime | None
) -> Receipt | InvalidInput:
    await registration.require(tx, partner_id)
    await lock(tx, f"partners.messages:{partner_id}")
    body = [msgspec.to_builtins(one) for one in news]
    body_hash = crypto.digest(msgspec.json.encode([body, said_at]))
    before = await feeds_store.message(tx, partner_id, way, key)
    if before is not None:
        if before[1] != body_hash:
            raise KeyReused
        return Receipt(before[0].id, before[0].outcome, msgspec.convert(before[0].results, list[Result]), repeated=True)
    now, message_id = clock.now(), ids.uuid7()
    at = min(said_at or now, now)
    known = {one.product_id: one for one in await feeds_store.supplies(tx, partner_id)}
    errors = await feeds_news.check(tx, partner_id, known, news)

    def kept(outcome: str, results: list[object], message_key: str | None) -> Message:
        fields = {
            "id": message_id, "partner_id": partner_id, "way": way, "key": message_key, "body": body, "said_at": at,
            "received_at": now, "outcome": outcome, "results": results, "said_by": str(actor),
        }  # fmt: skip
        return msgspec.convert(fields, Message)

    if errors:
        await feeds_store.keep(tx, kept("refused", list(errors), None), body_hash)
        return InvalidInput(errors=errors)
    results, prices = await feeds_news.apply(tx, actor, partner_id, known, news, at)
    outcomes = {one.outcome for one in results}
    outcome = "waiting" if "waiting" in outcomes else "applied" if "applied" in outcomes else "older"
    await feeds_store.keep(tx, kept(outcome, [msgspec.to_builtins(one) for one in results], key), body_hash)
    await feeds_news.keep_prices(tx, partner_id, message_id, prices, at)
    return Receipt(message_id, msgspec.convert(outcome, str), results)


async def messages(tx: ReadTx, partner_id: str, *, before: UUID | None = None, limit: int = 50) -> list[Message]:
    """What a partner said, the newest first."""
    return await feeds_store.messages(tx, partner_id, before=before, limit=limit)


async def price_news(tx: ReadTx, partner_id: str) -> list[PriceNews]:
    """Prices that a partner sent; those that wait for a decision come first."""
    return await feeds_store.price_news(tx, partner_id)


async def decide_price(
    tx: Tx, actor: Actor, partner_id: str, news_id: UUID, decision: str, *, reason: str
) -> PriceNews:
    """``apply`` or ``decline`` a price that waits, ``undo`` one that took effect. PriceNewsOver; NotSupplied."""
    found = await feeds_store.one_price_news(tx, news_id)
    if found is None or found.partner_id != partner_id:
        raise NotSupplied
    state = {"apply": "applied", "decline": "declined", "undo": "undone"}[decision]
    if found.state != ("applied" if decision == "undo" else "waiting"):
        raise PriceNewsOver
    if decision == "undo":
        if await feeds_store.latest_price_news(tx, found.price_id) != found.said_at:
            raise PriceNewsOver
        await catalogue.supplier_prices.set_amount(tx, actor, found.price_id, found.was_minor, reason=reason)
    if decision == "apply":
        await catalogue.supplier_prices.set_amount(tx, actor, found.price_id, found.amount_minor, reason=reason)
    await feeds_store.decide_price_news(tx, news_id, state, str(actor), reason, clock.now())
    await audit.record(
        tx, actor, f"partner.price-{state}", f"partner:{partner_id}", price=found.price_id, amount=found.amount_minor, reason=reason
    )  # fmt: skip
    return found


async def bar_all(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """Nothing of this partner's is sold any more; what is booked stays."""
    every = [one.product_id for one in await feeds_store.supplies(tx, partner_id)]
    await bars.begin(tx, actor, partner_id, every, "off", note=reason)


async def unbar_all(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """The partner is on again; its clocks count."""
    every = [one.product_id for one in await feeds_store.supplies(tx, partner_id)]
    await bars.end(tx, actor, every, ["off"], reason=reason)
