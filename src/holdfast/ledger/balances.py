"""Balances: what stands where, how it came about, and whether it is the sum of its entries."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit.db import ReadTx

from . import model, store
from .model import Account, AccountUnknown, Balance, Difference, Journal, OpenBalance, Total


def clearing(provider: str, of: UUID, currency: str) -> Account:
    """What a provider owes us (1010), on the row that serves this payment. Its refunds go there by the same id."""
    return Account("1010", model.shard(provider, of), currency)


async def balance(tx: ReadTx, account: Account) -> Balance:
    """The counters of one account; zeros when nothing was ever booked there. AccountUnknown for a foreign code."""
    found = await store.balance(tx, account)
    if found is None:
        raise AccountUnknown(code=account.code)
    return found


async def owned(tx: ReadTx, code: str, currency: str) -> list[Balance]:
    """The balances of a code by owner, an owner's shards (``wechatpay#07``) added up as ``wechatpay``."""
    return await store.owned(tx, code, currency)


async def totals(tx: ReadTx) -> list[Total]:
    """All money, by code and currency."""
    return await store.totals(tx)


async def open_balances(tx: ReadTx, code: str, limit: int = 100) -> list[OpenBalance]:
    """The accounts of a code with posted money still on them, the oldest money first."""
    return await store.open_balances(tx, code, limit)


async def story(tx: ReadTx, subject: str, *, newest_first: bool = False, limit: int = 500) -> list[Journal]:
    """All that was booked about a subject, with entries, in the order in which it took effect."""
    return await store.story(tx, subject, newest_first=newest_first, limit=limit)


async def verify(tx: ReadTx) -> list[Difference]:
    """Recomputes every balance from all entries; the counters that differ (at most 1,000)."""
    return await store.differences(tx, 1000)
