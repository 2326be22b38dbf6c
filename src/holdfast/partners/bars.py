"""Bars: a product is not sold whatever its clock says, until what barred it is mended."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast import inventory
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import asks_store
from .asks_model import Bar


async def begin(
    tx: Tx, actor: Actor, partner_id: str, product_ids: Sequence[str], kind: str, *, note: str = ""
) -> list[str]:
    """Stops the sale of these products at once; bookings stay. Those that were not barred for this already."""
    now, begun = clock.now(), []
    for product_id in sorted(set(product_ids)):
        if await asks_store.begin_bar(tx, ids.uuid7(), product_id, partner_id, kind, note[:500], str(actor), now):
            begun.append(product_id)
    if begun:
        await _in_step(tx, begun)
        await audit.record(tx, actor, f"partner.barred.{kind}", f"partner:{partner_id}", products=begun, reason=note)
    return begun


async def end(tx: Tx, actor: Actor, product_ids: Sequence[str], kinds: Sequence[str], *, reason: str = "") -> list[str]:
    """Takes bars of these kinds away; the clocks count again where no other bar stands. The products concerned."""
    ended = await asks_store.end_bars(tx, product_ids, kinds, str(actor), clock.now())
    if ended:
        await _in_step(tx, ended)
        await audit.record(tx, actor, "partner.unbarred", "products", products=sorted(set(ended)), reason=reason)
    return ended


async def standing(tx: ReadTx, product_ids: Sequence[str] | None = None) -> dict[str, list[Bar]]:
    """Product → the bars that stand, the oldest first."""
    found: dict[str, list[Bar]] = {}
    for bar in await asks_store.standing_bars(tx, product_ids):
        found.setdefault(bar.product_id, []).append(bar)
    return found


async def _in_step(tx: Tx, product_ids: Sequence[str]) -> None:
    """The clocks of the inventory know the oldest bar of each."""
    known = await standing(tx, product_ids)
    for product_id in sorted(set(product_ids)):
        bars = known.get(product_id)
        await inventory.vouching.bar(tx, [product_id], bars[0].began_at if bars else None)
