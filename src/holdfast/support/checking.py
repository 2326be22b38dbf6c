"""Checking and reporting texts that claim to come from us: limits on guessing codes, and what a report keeps.

A code that is none of ours counts against a limit for each network, so that nobody finds messages by trying; a text without
a code, or with a real one, does not, so that many people behind one address can check what they got.
"""

from __future__ import annotations

from uuid import UUID

from holdfast import accounts, admission, notices
from holdfast.kit.db import Db
from holdfast.kit.problems import TooMany

MISSES, MISSES_WINDOW_S = 10, 60
CHECKS, CHECKS_WINDOW_S = 60, 60
REPORTS, REPORTS_WINDOW_S = 10, 3600
_MISSES, _CHECKS, _REPORTS = "message-codes", "message-checks", "message-reports"


class ChecksTooOften(TooMany):
    """Too many codes or texts were checked from your network."""

    safe = "What you pasted is still there; nothing of it was kept."
    next_step = "Wait a moment and check again. Until then, do nothing that the text asks."


class ReportsTooOften(TooMany):
    """Too many texts were reported from your network."""

    safe = "What was reported before is kept."
    next_step = "Wait an hour; one report of each text is enough."


async def check(db: Db, source: str, text: str, *, sender: str = "", account_id: UUID | None = None) -> notices.Checked:
    """Compares a text, or a code, with what we sent; keeps nothing. InvalidInput; ChecksTooOften."""
    text, place = notices.checking.read_text(text), accounts.network(source)
    await _spend(db, _CHECKS, place, CHECKS, CHECKS_WINDOW_S)
    codes = notices.checking.codes_of(text)
    for _code in codes:
        await _spend(db, _MISSES, place, MISSES, MISSES_WINDOW_S)
    async with db.reading() as tx:
        own = await accounts.reached(tx, account_id) if account_id else {}
        found = await notices.checking.check(tx, text, sender=sender[: notices.checking.SENDER_MAX], own=own)
    if found.message is not None and codes:  # one of them is real; the others may be guesses that hide behind it
        await db.run(admission.give_back, _MISSES, place)
    return found


async def report(db: Db, source: str, text: str, *, sender: str, locale: str) -> UUID:
    """Keeps a text because somebody reports it; the heap it lies on. InvalidInput; ReportsTooOften."""
    text, place = notices.checking.read_text(text), accounts.network(source)
    left = await db.run(admission.spend, _REPORTS, place, uses=REPORTS, per_s=REPORTS_WINDOW_S)
    if not left.allowed:
        raise ReportsTooOften(retry_after_s=left.resets_in_s)
    sender = sender.strip()[: notices.checking.SENDER_MAX]
    found = await db.read(notices.checking.check, text, sender=sender)
    return await db.run(notices.reports.add, text, sender=sender, source=place, verdict=found.verdict, locale=locale)


async def _spend(db: Db, name: str, place: str, uses: int, per_s: int) -> None:
    left = await db.run(admission.spend, name, place, uses=uses, per_s=per_s)
    if not left.allowed:
        raise ChecksTooOften(retry_after_s=left.resets_in_s)
