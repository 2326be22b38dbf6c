"""Bills: what a provider says it took and gave on one of its days, fetched until it is there and kept as it came.

A day is the provider's: it begins at midnight in Beijing for the Chinese providers, in UTC for Stripe; the times of our
orders play no part. A bill that was changed afterwards does not replace what was stored: its new rows are added, and
the change is a difference for a person to explain.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from hashlib import sha256
from typing import NamedTuple

import msgspec

from holdfast.kit import clock, log
from holdfast.kit.db import Db, Tx, lock

from . import bills_store, channels, health_store, reconciliation_store
from .providers.base import Bill, BillRow, CallRecord, OutcomeClass, Provider
from .reconciliation_model import BillDay, BillNotReady, Totals

BEIJING = timezone(timedelta(hours=8))
"""China has one time, without daylight saving."""


class Calendar(NamedTuple):
    """When a provider's day begins, and when its bill is made on the day after."""

    zone: timezone
    ready: time


CALENDARS = {
    "wechatpay": Calendar(BEIJING, time(10)),
    "alipay": Calendar(BEIJING, time(10)),
    "stripe": Calendar(UTC, time(2)),
}
KEPT_DAYS = 89
"""How far back bills are fetched: the Chinese providers keep them for three months."""
PAUSES = (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20), timedelta(hours=1))
"""Between tries for a bill that is not there."""
MISSING_AFTER = timedelta(days=3)
"""A bill that the provider still does not have so long after it was due is not tried any more: the day is empty, or asked for."""
DAYS_AT_ONCE = 7


def day_of(provider: str, moment: datetime) -> date:
    """The provider's day in which a moment lies."""
    return moment.astimezone(CALENDARS[provider].zone).date()


def window(provider: str, day: date) -> tuple[datetime, datetime]:
    """A provider's day as moments, the end excluded."""
    zone = CALENDARS[provider].zone
    start = datetime.combine(day, time(), zone)
    return start, start + timedelta(days=1)


def ready_at(provider: str, day: date) -> datetime:
    """From when on the bill of a day can be had."""
    calendar = CALENDARS[provider]
    return datetime.combine(day + timedelta(days=1), calendar.ready, calendar.zone)


def ready_after(provider: str) -> timedelta:
    """From midnight (UTC) after a day until its bill can be had, the same for every day."""
    calendar = CALENDARS[provider]
    any_day = date(2026, 1, 1)
    return datetime.combine(any_day, calendar.ready, calendar.zone) - datetime.combine(any_day, time(), UTC)


def last_ready(provider: str, now: datetime) -> date:
    """The newest day whose bill can be had."""
    yesterday = day_of(provider, now) - timedelta(days=1)
    return yesterday if now >= ready_at(provider, yesterday) else yesterday - timedelta(days=1)


def add_up(rows: Iterable[BillRow]) -> dict[str, Totals]:
    """The sums of a bill's rows by currency."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        found = sums.setdefault(row.currency, [0, 0, 0, 0, 0])
        at, sign = (2, -1) if row.is_refund else (0, 1)
        found[at] += 1
        found[at + 1] += row.amount_minor
        found[4] += sign * row.fee_minor
    return {currency: Totals(*found) for currency, found in sorted(sums.items())}


def content_of(rows: Iterable[BillRow]) -> str:
    """SHA-256, hex, of what rows say in whatever order; the status of a refund is a snapshot and does not count."""
    facts = sorted(
        msgspec.json.encode(
            (row.merchant_ref, row.provider_txn, row.refund_ref, row.amount_minor, row.currency, row.fee_minor)
        )
        for row in rows
    )
    return sha256(b"\n".join(facts)).hexdigest()


async def fetch(db: Db, provider: str, day: date) -> BillDay:
    """Asks for the bill of a day and stores it; the day as it stands then. A stored bill is compared with what comes.

    BillNotReady, with `ready_at`, for a day whose bill is not made yet. What the provider does not give is tried again.
    """
    ready = ready_at(provider, day)
    if clock.now() < ready:
        raise BillNotReady(provider=provider, day=day.isoformat(), ready_at=ready.isoformat())
    await db.run(bills_store.want, provider, day, day, clock.now())
    adapter = await channels.current().get(provider)
    found, call = await adapter.bill(day)
    await db.run(_note_call, adapter, call)
    if found is None:
        await db.run(_note_absence, provider, day, call)
    else:
        await db.run(store, found)
    bill = await db.read(bills_store.bill, provider, day)
    assert bill is not None
    return bill


async def _note_call(tx: Tx, adapter: Provider, call: CallRecord) -> None:
    await health_store.insert_call(
        tx, call, provider=adapter.name, method=adapter.methods[0], version=adapter.version
    )  # fmt: skip


async def _note_absence(tx: Tx, provider: str, day: date, call: CallRecord) -> None:
    """None without an error: the provider says that there is no bill. Otherwise it could not be had now."""
    known = await bills_store.bill_locked(tx, provider, day)
    assert known is not None
    missing, now = call.outcome_class is OutcomeClass.OK, clock.now()
    is_over = missing and now >= ready_at(provider, day) + MISSING_AFTER
    pause = PAUSES[min(known.tries, len(PAUSES) - 1)]
    await bills_store.note_try(
        tx, provider, day, missing=missing, error=call.error_code, next_try_at=None if is_over else now + pause
    )
    if not missing:
        log.get().warning("bill.not_had", provider=provider, day=day.isoformat(), error_code=call.error_code)


async def store(tx: Tx, bill: Bill) -> None:
    """Keeps a bill. The same content again changes nothing; another content adds its new rows and is a difference."""
    await bills_store.brace(tx)
    await lock(tx, f"payments.bill:{bill.provider}:{bill.day}")
    await bills_store.want(tx, bill.provider, bill.day, bill.day, clock.now())
    known = await bills_store.bill_locked(tx, bill.provider, bill.day)
    assert known is not None
    content, totals = content_of(bill.rows), add_up(bill.rows)
    if known.state == "fetched":
        await bills_store.note_looked_again(tx, bill.provider, bill.day, clock.now())
        if known.content != content:
            await _changed(tx, known, bill, content, totals)
        return
    await bills_store.insert_rows(tx, bill.provider, bill.day, bill.rows, 1)
    await bills_store.note_fetched(
        tx, bill.provider, bill.day, digest=bill.digest, content=content, rows=len(bill.rows), totals=totals,
        at=clock.now(),
    )  # fmt: skip


async def _changed(tx: Tx, known: BillDay, bill: Bill, content: str, totals: dict[str, Totals]) -> None:
    """Another bill for a stored day: what it has in addition is taken up, and a person is to say why."""
    stored = await bills_store.keys(tx, bill.provider, bill.day)
    had, told = set(stored), {(row.merchant_ref, row.provider_txn, row.refund_ref) for row in bill.rows}
    added = [row for row in bill.rows if (row.merchant_ref, row.provider_txn, row.refund_ref) not in had]
    is_news = await reconciliation_store.note_bill(
        tx, known, "bill_changed", f"bill:{content[:16]}", theirs=totals, at=clock.now(),
        answer=f"{len(added)} rows added, {len(had - told)} gone, {len(bill.rows)} now, {known.row_count} before",
    )  # fmt: skip
    if is_news and added:
        await bills_store.insert_rows(tx, bill.provider, bill.day, added, len(stored) + 1)
    if is_news:
        log.get().warning("bill.changed", provider=bill.provider, day=bill.day.isoformat(), added=len(added))


async def fetch_due(db: Db, provider: str) -> list[date]:
    """Fetches every bill of a provider that is due, up to a week of them; the days that are there now."""
    now = clock.now()
    await db.run(_want_due, provider, now)
    there = []
    for day in await db.read(bills_store.due, provider, now, DAYS_AT_ONCE):
        bill = await fetch(db, provider, day)
        if bill.state == "fetched":
            there.append(day)
    return there


async def _want_due(tx: Tx, provider: str, now: datetime) -> None:
    """From the first charge on, every day has a bill."""
    first = await bills_store.first_activity(tx, provider)
    if first is None:
        return
    last = last_ready(provider, now)
    begin = max(day_of(provider, first), last - timedelta(days=KEPT_DAYS))
    await bills_store.want(tx, provider, begin, last, now)
