"""Vouching: products that a supplier answers for. Its word holds for a while; silence closes their sale by itself.

A booking compares the clock of the slot (`fresh_until`), so nothing has to run for sale to end. What a supplier says of a
night or sitting only lowers what the policies allow. Older news never overwrites newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from holdfast.catalogue.model import Text
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both

from . import slots, vouching_store
from .vouching_store import Standing, Word

STOPPED = "The supplier has stopped the sale of this time. What is booked stays booked."

__all__ = ["STOPPED", "Standing", "Word", "bar", "limit", "set_clock", "standing", "stop", "vouch", "words"]


async def set_clock(tx: Tx, product_id: str, *, minutes: int, day_minutes: int, anew: bool = False) -> None:
    """From now on the product is sold only while somebody's word for it holds. `anew`: what was said before is void."""
    await vouching_store.set_clock(tx, product_id, minutes, day_minutes, anew=anew)
    await vouching_store.wind(tx, [product_id], clock.now())


async def vouch(tx: Tx, product_ids: Sequence[str], at: datetime) -> list[str]:
    """The supplier spoke at that moment: the clocks run anew from there. The products for which this was news."""
    moved = await vouching_store.say(tx, product_ids, at)
    if moved:
        await vouching_store.wind(tx, moved, clock.now())
    return moved


async def bar(tx: Tx, product_ids: Sequence[str], at: datetime | None) -> None:
    """Nothing of these is sold from `at` on, whatever is said; None: their clocks count again."""
    await vouching_store.bar(tx, product_ids, at)
    await vouching_store.wind(tx, product_ids, clock.now())


async def stop(
    tx: Tx, actor: Actor, product_id: str, first: date, last: date, code: str | None = None, *, stopped: bool = True,
    reason: Text | None = None, at: datetime,
) -> int:  # fmt: skip
    """Stops the sale of nights or sittings, or lets it go on; bookings stay. 0 when newer news stands already."""
    said = reason or (both(STOPPED) if stopped else {})
    touched = await vouching_store.stop(tx, product_id, first, last, code, stopped=stopped, reason=said, at=at)
    await _in_step(tx, actor, product_id, touched)
    return touched


async def limit(
    tx: Tx, actor: Actor, product_id: str, first: date, last: date, code: str | None = None, *, places: int | None = None,
    left: int | None = None, at: datetime,
) -> int:  # fmt: skip
    """At most so many `places` of each night or sitting, or so many `left` beyond what is sold. 0 when newer news stands already."""
    assert (places is None) != (left is None)
    touched = await vouching_store.limit(tx, product_id, first, last, code, places=places, left=left, at=at)
    await _in_step(tx, actor, product_id, touched)
    return touched


async def _in_step(tx: Tx, actor: Actor, product_id: str, touched: int) -> None:
    """The slots follow at once."""
    for venue_id in await vouching_store.venues_of(tx, [product_id]) if touched else []:
        await slots.generate(tx, actor, venue_id=venue_id)


async def words(tx: ReadTx, product_ids: Sequence[str]) -> dict[str, Word]:
    """The words on these products; those that nobody vouches for are left out."""
    return {word.product_id: word for word in await vouching_store.words(tx, product_ids)}


async def standing(tx: ReadTx, product_ids: Sequence[str], first: date, last: date) -> list[Standing]:
    """The coming nights and sittings of these products as they are sold now."""
    return await vouching_store.standing(tx, product_ids, first, last)
