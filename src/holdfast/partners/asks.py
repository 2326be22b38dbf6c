"""Asks: bookings that a supplier is to answer within its time. Two that nobody answers stop the sale, and so does one "cannot"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import ReadTx, Tx

from . import asks_store, bars, feeds_store
from .asks_model import Ask, Wanted

UNANSWERED_MAX = 1
"""More bookings than this that are past their time stop the sale."""
STANDING = timedelta(hours=4)
"""So long a partner has to confirm what was booked before it stopped a sale; less where the visit is sooner."""
SHOWN = 100


async def ask(tx: Tx, wanted: Iterable[Wanted]) -> int:
    """Asks those who supply these about them; what nobody supplies, or is not to be answered, is left out. How many are new."""
    now, every = clock.now(), list(wanted)
    known = {one.product_id: one for one in await feeds_store.supplies_of(tx, [one.product_id for one in every])}
    rows = []
    for one in every:
        supply = known.get(one.product_id)
        if supply is None or one.starts_at <= now:
            continue
        if one.kind == "standing":
            pause = STANDING
        elif supply.answer_minutes is not None:
            pause = timedelta(minutes=supply.answer_minutes)
        else:
            continue
        rows.append(asks_store.AskRow(ids.uuid7(), supply.partner_id, min(now + pause, one.starts_at), one))
    return await asks_store.insert(tx, rows, now) if rows else 0


async def withdraw(tx: Tx, order_numbers: Sequence[str]) -> None:
    """These bookings are over: nobody need answer."""
    for number in order_numbers:
        if touched := await asks_store.answer(tx, None, number, "withdrawn", "system:orders", "", clock.now()):
            await look(tx, touched)


async def answer(tx: Tx, actor: Actor, partner_id: str, order_number: str, said: str, *, note: str = "") -> int:
    """The partner's answer to all it is asked about an order: "have" or "cannot". How many asks it answered."""
    touched = await asks_store.answer(tx, partner_id, order_number, said, str(actor), note[:500], clock.now())
    if touched and said == "cannot":
        await bars.begin(tx, actor, partner_id, touched, "refused", note=f"{order_number} {note}".strip())
    if touched:
        await look(tx, touched)
    return len(touched)


async def look(tx: Tx, product_ids: Sequence[str] | None = None) -> None:
    """Bars what has too many unanswered bookings, and takes the bar away where they were answered meanwhile."""
    late = await asks_store.late(tx, clock.now())
    barred = {
        product_id
        for product_id, found in (await bars.standing(tx, product_ids)).items()
        if any(bar.kind == "unanswered" for bar in found)
    }
    looker = system("partners.asks")
    bad = [one for one, count in late.items() if count > UNANSWERED_MAX and (product_ids is None or one in product_ids)]
    for supply in await feeds_store.supplies_of(tx, sorted(set(bad) - barred)):
        note = str(late[supply.product_id])
        await bars.begin(tx, looker, supply.partner_id, [supply.product_id], "unanswered", note=note)
    if better := sorted(barred - set(bad)):
        await bars.end(tx, looker, better, ["unanswered"])


async def waiting(tx: ReadTx, partner_id: str) -> list[Ask]:
    """What the partner is to answer, the most urgent first."""
    return await asks_store.of_partner(tx, partner_id, is_open=True, limit=SHOWN)


async def answered(tx: ReadTx, partner_id: str) -> list[Ask]:
    """What was answered lately; "cannot" that is not settled comes first."""
    return await asks_store.of_partner(tx, partner_id, is_open=False, limit=SHOWN)


async def settle(tx: Tx, actor: Actor, partner_id: str, ask_id: UUID) -> bool:
    """Somebody has settled a "cannot" with the traveller; False when it was settled before."""
    if not await asks_store.settle(tx, ask_id, str(actor), clock.now()):
        return False
    await audit.record(tx, actor, "partner.ask-settled", f"partner:{partner_id}", ask=str(ask_id))
    return True
