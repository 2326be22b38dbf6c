"""Pulling: what a supplier's OCTO interface says is free becomes its word here, kept and applied like all its news.

A supplier that does not answer says nothing, so its clock runs out and its sale ends by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.kit import actor, audit, clock, crypto, egress, http, i18n, ids, log, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import InvalidInput

from . import client, client_store, feeds, feeds_store, registration
from .client import Availability, InDoubt, Refused, Supplier
from .client_bookings import TOKEN, connected
from .client_store import Item, SupplierRow, Time
from .feeds_model import News

BY = actor.system("partners.pull")
ADDRESS_FORM = "This is no address of an OCTO interface that we can ask: it begins with https://."
NO_ANSWER = "There is no OCTO interface at this address that lets us in with this token ({reason})."
NOT_OFFERED = "The supplier offers us no such product, option and unit."


async def connect(db: Db, by: Actor, partner_id: str, url: str, token: str) -> int:
    """From now on the supplier is asked at this address; how many products it offers us. InvalidInput when it does not answer."""
    await db.read(registration.require, partner_id)
    url = url.strip().rstrip("/")
    try:
        await egress.examine(url, strict=settings.current().is_production)
    except egress.Refused as refused:
        raise _wrong("octo_url", ADDRESS_FORM) from refused
    try:
        async with http.client() as asking:
            offered = await client.products(asking, Supplier(partner_id, url, token.strip()))
    except (Refused, InDoubt) as doubt:
        raise _wrong("octo_token", NO_ANSWER, reason=str(doubt)) from doubt
    await db.run(_connect, by, partner_id, url, token.strip())
    return len(offered)


async def _connect(tx: Tx, by: Actor, partner_id: str, url: str, token: str) -> None:
    await client_store.set_supplier(tx, partner_id, url, crypto.seal(TOKEN, token))
    await audit.record(tx, by, "partner.octo-connected", f"partner:{partner_id}", url=url)


async def sell(
    db: Db,
    by: Actor,
    partner_id: str,
    product_id: str,
    octo_product: str,
    *,
    option_id: str = "DEFAULT",
    unit_id: str = "",
) -> None:
    """A product of ours is this one of the supplier's. InvalidInput when it offers no such thing; NotSupplied."""
    async with db.reading() as tx:
        await feeds.require_supply(tx, partner_id, product_id)
    async with connected(db, partner_id) as (asking, supplier):
        try:
            offered = await client.products(asking, supplier)
        except (Refused, InDoubt) as doubt:
            raise client.SupplierSilent(retry_after_s=60) from doubt
    option = next(
        (option for one in offered if one.id == octo_product for option in one.options if option.id == option_id), None
    )
    units = [unit.id for unit in option.units] if option else []
    if not units or (unit_id and unit_id not in units):
        raise _wrong("octo_product", NOT_OFFERED)
    await db.run(client_store.set_item, product_id, partner_id, octo_product, option_id, unit_id or units[0])


def _wrong(field: str, text: str, **values: str) -> InvalidInput:
    return InvalidInput(errors=[{"field": field, "code": "OCTO", "message": i18n.both(text, **values)}])


async def pull_all(db: Db) -> int:
    """Asks every supplier; how many answered."""
    return sum([await pull(db, partner_id) for partner_id in await db.read(client_store.active_suppliers)])


async def pull(db: Db, partner_id: str) -> bool:
    """Asks one supplier what is free of everything we sell of it; False when it did not say."""
    row = await db.read(client_store.supplier, partner_id)
    items = await db.read(client_store.items, partner_id)
    if row is None or not items:
        return False
    began = clock.now()
    news: list[News] = []
    seen: list[Time] = []
    try:
        async with connected(db, partner_id) as (asking, supplier):
            for item in items:
                found, changed = await _look(db, asking, supplier, row, item)
                seen += found
                news += [News("heartbeat", product_id=item.product_id), *changed]
    except (Refused, InDoubt) as doubt:
        await db.run(client_store.note_pull, partner_id, clock.now(), str(doubt)[:200] or "refused")
        log.get().info("octo.pull_failed", partner=partner_id, reason=str(doubt))
        return False
    await db.run(client_store.set_times, seen, began)
    for part in [news[at : at + feeds.NEWS_MAX] for at in range(0, len(news), feeds.NEWS_MAX)]:
        await feeds.receive(db, BY, partner_id, "pull", ids.uuid7().hex, part, said_at=began)
    await db.run(client_store.note_pull, partner_id, clock.now(), "")
    return True


async def _look(
    db: Db, asking: http.Client, supplier: Supplier, row: SupplierRow, item: Item
) -> tuple[list[Time], list[News]]:
    """Which of the supplier's slots are ours, and what is new about them."""
    first = await _today(db, item.product_id)
    last = first + timedelta(days=row.horizon)
    taken = await db.read(client_store.taken, item.product_id, first, last)
    before = {(one.visit_date, one.code): one.vacancies for one in await db.read(client_store.times, item.product_id)}
    offered = await client.availability(asking, supplier, item.octo_product_id, item.octo_option_id, first, last)
    seen = _matched(item, offered)
    changed = [one for one in seen if before.get((one.visit_date, one.code)) != one.vacancies]
    gone = [
        key
        for key, left in before.items()
        if left and first <= key[0] <= last and key not in {_key(one) for one in seen}
    ]
    news = [_places(item, *_key(one), one.vacancies, taken) for one in changed]
    news += [_places(item, day, code, 0, taken) for day, code in gone]
    return seen + [Time(item.product_id, day, code, "", 0) for day, code in gone], news


def _key(one: Time) -> tuple[date, str]:
    return one.visit_date, one.code


def _places(item: Item, day: date, code: str, left: int, taken: dict[tuple[date, str], int]) -> News:
    """So many are left beyond those of ours that the supplier knew when it was asked."""
    return News(
        "places", product_id=item.product_id, from_date=day, code=code, left=min(left, 1_000_000), known=taken.get((day, code), 0)
    )  # fmt: skip


def _matched(item: Item, offered: Sequence[Availability]) -> list[Time]:
    """The supplier's slots that begin when ours do; a product with one slot a day is matched by the day."""
    found = []
    for one in offered:
        at = datetime.fromisoformat(one.local_date_time_start)
        codes = [code for code, starts in item.slots.items() if starts == f"{at:%H:%M}"]
        if not codes and len(item.slots) == 1:
            codes = list(item.slots)
        if codes:
            found.append(Time(item.product_id, at.date(), codes[0], one.id, one.left))
    return found


async def _today(db: Db, product_id: str) -> date:
    [supply] = await db.read(feeds_store.supplies_of, [product_id])
    return clock.now().astimezone(ZoneInfo(supply.time_zone)).date()


__all__ = ["connect", "pull", "pull_all", "sell"]
