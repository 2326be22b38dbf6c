"""The graph of accounts that are one person: pairs that somebody asserted, and the roots that follow from them.

A root is the oldest account of its component. It is written beside every account so that readers need no graph, and it
can be derived again from the active links at any time. Only what holds the lock of merges changes links or roots.
"""

from __future__ import annotations

from uuid import UUID

from holdfast.kit.db import ReadTx, Tx, lock

from . import merging_store as store
from .merging_model import Link, LinkOver, LinkUnknown, NoSuchAccount


async def hold(tx: Tx, *accounts: UUID) -> None:
    """Takes the lock of merges, then every account of these persons, in id order. NoSuchAccount.

    Whoever counts a limit per person holds the person's root (`accounts.lock_persons`), and so is never overtaken.
    """
    await lock(tx, "accounts.merging")
    held = await store.lock_persons(tx, list(accounts))
    if not set(accounts) <= set(held):
        raise NoSuchAccount


async def derive(tx: Tx, account_id: UUID) -> list[UUID]:
    """Writes the root of an account's component; its accounts."""
    found = await store.connected(tx, account_id)
    await store.set_root(tx, found, min(found))
    return found


async def members(tx: ReadTx, account_id: UUID) -> list[UUID]:
    """All accounts of the person behind an account."""
    return await store.members(tx, account_id)


async def same_person(tx: ReadTx, account_id: UUID, other: UUID) -> bool:
    """Whether two accounts are one person: what authorisation asks instead of comparing ids."""
    return other in await store.members(tx, account_id)


async def joined(tx: ReadTx, account_id: UUID) -> list[Link]:
    """The links that make the person behind an account one, the newest first."""
    return await store.links_of(tx, account_id)


async def recent_links(tx: ReadTx, limit: int = 50) -> list[Link]:
    """The latest links of anybody, ended ones too: for staff."""
    return await store.newest_links(tx, limit)


async def require(tx: ReadTx, link_id: UUID) -> Link:
    """An active link. LinkUnknown; LinkOver when it has ended."""
    found = await store.link(tx, link_id)
    if found is None:
        raise LinkUnknown
    if found.ended_at is not None:
        raise LinkOver
    return found


async def require_mine(tx: ReadTx, account_id: UUID, link_id: UUID) -> Link:
    """An active link of the person behind an account; LinkUnknown when it is somebody else's."""
    found = await require(tx, link_id)
    if found.a not in await store.members(tx, account_id):
        raise LinkUnknown
    return found
