"""One venue with everything a page, an API answer or the slot generator needs to know about it."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.kit.db import ReadTx

from . import store
from .model import Venue, VenueCard, VenueUnknown


async def get(tx: ReadTx, venue_id: str) -> Venue:
    """The venue with products, prices, hours, facts and their sources. VenueUnknown when it never was in the catalogue.

    A retired venue is still found (`retired_at` says so), because orders and old links lead to it.
    """
    venue = await store.venue(tx, venue_id)
    if venue is None:
        raise VenueUnknown(venue_id=venue_id)
    return venue


async def many(tx: ReadTx, venue_ids: Iterable[str]) -> dict[str, VenueCard]:
    """The cards of these venues by id; unknown ids are left out, retired venues are not."""
    return {card.id: card for card in await store.many(tx, sorted(set(venue_ids)))}
