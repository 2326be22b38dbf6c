"""Reconciliation: a provider's bill, our payments and the ledger, compared three ways for each of the provider's days.

What can be mended by itself is: money that only the bill knows is taken over like any other news, a second receipt goes
back, fees are booked, and what a later bill brings is settled. What is left stands in a queue with its evidence until a
person settles it. Comparing again notes nothing twice.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

from holdfast import ledger
from holdfast.kit import clock, log
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import Problem

from . import bills, bills_store, channels, reconciliation_store
from . import reconciliation_inquiries as inquiries
from . import reconciliation_matching_store as matching
from .reconciliation_model import BillUnknown, DayReport, DaySummary, Evidence, Item, ItemUnknown

ROUNDS = 3
"""What is mended may show something else, such as a second receipt of a payment that was just taken over."""
AT_ONCE = 100
"""Differences taken up at once, and questions asked for one day in one round: the largest sums first, others next time."""
LANES = 4
"""Differences that are mended at the same time."""
AGAIN_AFTER = timedelta(hours=1)
YOUNG_DAYS = 4
"""So long a day with open differences is compared again and its questions are asked again, each hour."""
SHOWN = 500


async def run_all(db: Db) -> None:
    """One round for every provider of this installation; one that fails does not keep the others from being compared."""
    for provider in channels.configured():
        try:
            await run(db, provider)
        except Exception as error:
            log.get().error("reconciliation.failed", provider=provider, exc_info=error)


async def run(db: Db, provider: str) -> list[date]:
    """Fetches the bills of a provider that are due and compares the days that are due; which those were."""
    await bills.fetch_due(db, provider)
    now = clock.now()
    last = bills.last_ready(provider, now)
    due = await db.read(
        reconciliation_store.due_days, provider, last=last, ready_after=bills.ready_after(provider),
        young_since=last - timedelta(days=YOUNG_DAYS), now=now,
    )  # fmt: skip
    for day in due:
        if day < last:
            await _look_again(db, provider, day)
        await compare(db, provider, day)
    return due


async def _look_again(db: Db, provider: str, day: date) -> None:
    """On the second morning a stored bill is fetched once more: providers do change them."""
    known = await db.read(bills_store.bill, provider, day)
    second_morning = bills.ready_at(provider, day + timedelta(days=1))
    if known and known.fetched_at and (known.looked_again_at or known.fetched_at) < second_morning:
        await bills.fetch(db, provider, day)


async def reconcile(db: Db, provider: str, day: date) -> DayReport:
    """Fetches the bill of a day, if it is not there, and compares it; what came out. BillNotReady before its time."""
    known = await db.read(bills_store.bill, provider, day)
    if known is None or known.state != "fetched":
        await bills.fetch(db, provider, day)
    await compare(db, provider, day)
    return await db.read(day_report, provider, day)


async def compare(db: Db, provider: str, day: date) -> None:
    """Compares a day whose bill was fetched, or is missing for good: differences are noted, mended, and booked."""
    known = await db.read(bills_store.bill, provider, day)
    if known is None:
        raise BillUnknown(provider=provider, day=day.isoformat())
    if known.state == "wanted":
        return
    if known.state == "fetched":
        for _round in range(ROUNDS):
            await db.run(_note, provider, day)
            if not await _mend(db, provider, day):
                break
        await db.run(_book_fees, provider, day)
    await db.run(_conclude, provider, day)


async def _note(tx: Tx, provider: str, day: date) -> None:
    await bills_store.brace(tx)
    await lock(tx, f"payments.bill:{provider}:{day}")
    start, end = bills.window(provider, day)
    await matching.note_differences(tx, provider, day, start, end, clock.now())


async def _mend(db: Db, provider: str, day: date) -> int:
    """Takes over what the bill teaches, then asks about what it leaves unclear; how many differences were taken up."""
    total = 0
    while taken := await _take(db, provider, day, inquiries.LEARNING):
        total += taken
    return total + await _take(db, provider, day, inquiries.ASKING)


async def _take(db: Db, provider: str, day: date, steps: inquiries.Steps) -> int:
    """Up to a hundred open differences, each once an hour."""
    due = await db.read(
        reconciliation_store.to_be_taken, provider, day, list(steps), clock.now() - AGAIN_AFTER, AT_ONCE
    )
    lanes = asyncio.Semaphore(LANES)

    async def one(item_id: UUID) -> None:
        async with lanes:
            await inquire(db, item_id)

    await asyncio.gather(*(one(item_id) for item_id in due))
    return len(due)


async def inquire(db: Db, item_id: UUID) -> Item:
    """Does by itself what can be done about a difference; the difference as it is then. What fails is noted, and tried again."""
    item = await db.read(require, item_id)
    step = inquiries.LEARNING.get(item.kind) or inquiries.ASKING.get(item.kind)
    if step is not None and item.is_open:
        try:
            await step(db, item)
        except Problem as problem:
            log.get().warning("reconciliation.postponed", item=str(item_id), reason=problem.code)
            await db.run(reconciliation_store.note_answer, item_id, f"not possible now: {problem.code}", clock.now())
    return await db.read(require, item_id)


async def _book_fees(tx: Tx, provider: str, day: date) -> None:
    """What the provider kept of our payments, one journal a currency: each row's fee is booked once."""
    await bills_store.brace(tx)
    await lock(tx, f"payments.bill:{provider}:{day}")
    _start, end = bills.window(provider, day)
    for currency, kept, back, first in await bills_store.fees_owed(tx, provider, day):
        owes = ledger.clearing(provider, UUID(int=0), currency)
        cost = ledger.Account("5020", provider, currency)
        legs = [ledger.debit(cost, kept), ledger.credit(owes, kept)] if kept else []
        legs += [ledger.debit(owes, back), ledger.credit(cost, back)] if back else []
        journal_id = await ledger.record(
            tx, "payment.fees", f"fees:{provider}:{day}:{currency}:{first}", legs, subject=f"bill:{provider}:{day}",
            at=end - timedelta(microseconds=1), details={"provider": provider, "day": day.isoformat()},
        )  # fmt: skip
        await bills_store.mark_fees(tx, provider, day, currency, journal_id)


async def _conclude(tx: Tx, provider: str, day: date) -> None:
    """Bill against ledger, after all else; then the day's figures."""
    await bills_store.brace(tx)
    await lock(tx, f"payments.bill:{provider}:{day}")
    known = await bills_store.bill_locked(tx, provider, day)
    assert known is not None
    (start, end), now = bills.window(provider, day), clock.now()
    if known.state == "fetched":
        await matching.note_ledger_differences(tx, provider, day, start, end, now)
        await reconciliation_store.settle_kind(tx, provider, day, "bill_missing", "the bill has come", now)
    if known.state == "missing":
        movements, minor = await matching.untold(tx, provider, day, start, end)
        if movements:
            await reconciliation_store.note_bill(
                tx, known, "bill_missing", f"bill:{day}", theirs=None, at=now, answer=known.error or "there is no bill",
                ours_minor=minor,
            )  # fmt: skip
    figures = await matching.figures(tx, provider, day, start, end)
    await bills_store.note_reconciled(tx, provider, day, figures, now)


async def require(tx: ReadTx, item_id: UUID) -> Item:
    """One difference; ItemUnknown."""
    found = await reconciliation_store.item(tx, item_id)
    if found is None:
        raise ItemUnknown
    return found


async def queue(
    tx: ReadTx, *, provider: str = "", kind: str = "", state: str = "open", since: date | None = None,
    until: date | None = None, limit: int = 50, offset: int = 0,
) -> list[Item]:  # fmt: skip
    """Differences that stand open (the oldest day first) or are resolved (the newest first), narrowed as asked."""
    return await reconciliation_store.queue(
        tx, provider=provider, kind=kind, state=state, since=since, until=until, limit=limit, offset=offset
    )


async def open_counts(tx: ReadTx) -> dict[tuple[str, str], int]:
    """How many differences stand open, by provider and kind."""
    return await reconciliation_store.open_counts(tx)


async def calendar(tx: ReadTx, since: date, until: date, provider: str = "") -> list[DaySummary]:
    """The days of that time with a bill, the newest first."""
    return await reconciliation_store.days(tx, provider, since, until)


async def day_report(tx: ReadTx, provider: str, day: date) -> DayReport:
    """A day with its figures and its differences (at most 500, open ones first). BillUnknown when it has no bill yet."""
    bill = await bills_store.bill(tx, provider, day)
    if bill is None:
        raise BillUnknown(provider=provider, day=day.isoformat())
    return DayReport(
        bill=bill,
        items=await reconciliation_store.items_of_day(tx, provider, day, SHOWN),
        counts=await reconciliation_store.counts_of_day(tx, provider, day),
    )


async def evidence(tx: ReadTx, item_id: UUID) -> Evidence:
    """A difference from all three sides. ItemUnknown."""
    return await inquiries.evidence(tx, await require(tx, item_id))
