"""Erasure: what identifies a person goes, what the law asks for stays without a name (PIPL art. 47; E-commerce Law art. 24, 31).

Asked for one account or for all that are one person; refused while a visit is still to come or money is in doubt. For some
days it can be taken back. Then the accounts are closed in one transaction, and a job erases kind after kind in small ones:
whatever stops it, it goes on where it was. An erased account stays as a tombstone, so that links and orders stay consistent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, faults, ids, log, retention, settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx

from . import erasure_store as store
from . import held, links, reaching, rights
from .rights_model import (
    Erased,
    Erasure,
    ErasureBlocked,
    ErasureOver,
    ErasureState,
    ErasureUnderWay,
    Obstacle,
    Preview,
    Progress,
    Scope,
)

BATCH = 200
"""Things of one kind in one transaction."""
SETTLE = timedelta(minutes=1)
"""Between closing and erasing: sessions that a surface still remembers for seconds are over, messages on their way arrive."""
AGAIN = timedelta(minutes=10)
"""When something cannot be erased yet."""
POSTPONED = timedelta(days=1)
"""When something stands in the way on the day itself."""
ERASER = system("erasure")
STEPPED = faults.declare("accounts.erasure.stepped", "a part of an erasure is committed, the next one is not begun")


async def preview(tx: ReadTx, account_id: UUID, scope: Scope) -> Preview:
    """What erasing would remove and keep now, and what stands in its way."""
    accounts, now = await _accounts(tx, account_id, scope), clock.now()
    found = await rights.foresee(tx, accounts, now)
    return Preview(
        scope, accounts, [one for one in found if not one.law], [one for one in found if one.law],
        await rights.obstacles(tx, accounts, now),
    )  # fmt: skip


async def _accounts(tx: ReadTx, account_id: UUID, scope: Scope) -> list[UUID]:
    return [account_id] if scope is Scope.ACCOUNT else sorted(await links.members(tx, account_id))


async def ask(tx: Tx, actor: Actor, scope: Scope) -> Erasure:
    """Asks for an erasure, which happens after the days of the setting; every phone of the accounts hears of it.

    ErasureBlocked lists what must be over first; ErasureUnderWay when one was asked for already. A fresh proof is the
    surface's matter.
    """
    assert actor.account_id
    await links.hold(tx, actor.account_id)
    accounts, now = await _accounts(tx, actor.account_id, scope), clock.now()
    if await store.open_of(tx, accounts):
        raise ErasureUnderWay
    _require_none(await rights.obstacles(tx, accounts, now))
    erasure_id, due_at = ids.uuid7(), now + timedelta(days=window_days())
    await store.insert(tx, erasure_id, actor.account_id, accounts, scope, now, due_at)
    await audit.record(
        tx, actor, "rights.erasure", f"account:{actor.account_id}", scope=scope, accounts=[str(one) for one in accounts]
    )
    for account in accounts:
        await reaching.tell(tx, account, "erasure-asked", day=f"{due_at:%Y-%m-%d}", link=page_url())
    found = await store.one(tx, erasure_id)
    assert found
    return found


def _require_none(found: Sequence[Obstacle]) -> None:
    if found:
        raise ErasureBlocked([msgspec.to_builtins(one) for one in found])


def window_days() -> int:
    """So many days one can change one's mind."""
    return retention.kept_days("erasure_window_days")


def page_url() -> str:
    """The page where an erasure is seen and taken back."""
    return f"{settings.current().base_url}/account/privacy"


async def current(tx: ReadTx, account_id: UUID) -> Erasure | None:
    """The erasure that an account of the person is in, while it is waiting or under way."""
    return await store.open_of(tx, await links.members(tx, account_id))


async def withdraw(tx: Tx, actor: Actor) -> None:
    """Takes back what was asked for, from any account of the person. ErasureOver when there is nothing to take back."""
    assert actor.account_id
    mine = await links.members(tx, actor.account_id)
    if not await store.withdraw(tx, mine, clock.now()):
        raise ErasureOver
    await audit.record(tx, actor, "rights.erasure-withdrawn", f"account:{actor.account_id}")


async def run(db: Db) -> None:
    """Carries on with every erasure whose time has come."""
    for erasure_id in await db.read(store.due, clock.now()):
        try:
            await _carry_on(db, erasure_id)
        except Exception as error:
            log.get().warning("erasure.failed", erasure=str(erasure_id), error=repr(error))
            await db.run(store.postpone, erasure_id, clock.now() + AGAIN)


async def _carry_on(db: Db, erasure_id: UUID) -> None:
    state = await db.run(_close, erasure_id)
    if state is not ErasureState.ERASING:
        return
    left = False
    for kind in rights.ERASERS:
        while (progress := await db.run(_step, erasure_id, kind)).done:
            faults.point(STEPPED)
        left = left or progress.waiting > 0
    if left:
        await db.run(store.postpone, erasure_id, clock.now() + AGAIN)
    else:
        await db.run(_finish, erasure_id)


async def _close(tx: Tx, erasure_id: UUID) -> ErasureState | None:
    """Closes the accounts when it is time; ERASING when the erasing may go on."""
    found, now = await store.locked(tx, erasure_id), clock.now()
    if found is None or found.state is not ErasureState.WAITING:
        return found.state if found else None
    await links.hold(tx, found.account_id)
    still_theirs = set(await links.members(tx, found.account_id))
    accounts = [one for one in found.accounts if one in still_theirs]
    if await rights.obstacles(tx, accounts, now):
        await _postpone(tx, found, accounts, now)
        return None
    for account in accounts:
        await reaching.tell(tx, account, "erasure-done")
    closed_at = clock.now()  # after the last message to them, which goes with the others
    contacts, counts = await held.forget(tx, accounts, closed_at)
    await store.close(tx, erasure_id, accounts, contacts, counts, closed_at, closed_at + SETTLE)
    await audit.record(
        tx, ERASER, "rights.erase", f"account:{found.account_id}", accounts=[str(one) for one in accounts]
    )
    return None


async def _postpone(tx: Tx, found: Erasure, accounts: Sequence[UUID], now: datetime) -> None:
    """Something stands in the way on the day itself: tomorrow again; the person hears of it once."""
    await store.put_off(tx, found.id, now + POSTPONED)
    if not found.postponed:
        for account in accounts:
            await reaching.tell(tx, account, "erasure-postponed", link=page_url())


async def _step(tx: Tx, erasure_id: UUID, kind: str) -> Progress:
    """Erases some things of a kind; with none left and none waiting the kind is done."""
    found = await store.locked(tx, erasure_id)
    if found is None or found.state is not ErasureState.ERASING or kind in found.done:
        return Progress(0)
    assert found.closed_at
    contacts = await store.contacts(tx, erasure_id)
    progress = await rights.ERASERS[kind](tx, Erased(found.accounts, contacts, found.closed_at), BATCH)
    is_done = not progress.done and not progress.waiting
    await store.note_step(tx, erasure_id, kind, progress.done, is_done=is_done)
    return progress


async def _finish(tx: Tx, erasure_id: UUID) -> None:
    """All is erased. What a request that overlapped the closing may have written to the accounts goes with it."""
    found, now = await store.locked(tx, erasure_id), clock.now()
    if found is None or found.state is not ErasureState.ERASING:
        return
    await held.forget(tx, found.accounts, now)
    await store.finish(tx, erasure_id, now)
    await audit.record(tx, ERASER, "rights.erased", f"account:{found.account_id}", **found.counts)
