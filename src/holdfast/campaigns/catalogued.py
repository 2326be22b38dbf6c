"""Tickets of the catalogue, as whoever writes a campaign chooses from them: for cases, and to name what conditions speak of."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.kit.db import ReadTx

from . import catalogued_store as store
from .catalogued_store import Ticket

SHOWN_MAX = 2000


async def tickets(tx: ReadTx) -> dict[str, Ticket]:
    """Every ticket on sale by the id of its price."""
    return {one.price_id: one for one in await store.tickets(tx, SHOWN_MAX)}


def names(found: Mapping[str, Ticket]) -> dict[str, dict[str, str]]:
    """What ids in conditions are called: venues, products, prices."""
    said: dict[str, dict[str, str]] = {}
    for one in found.values():
        said[one.venue_id] = one.venue_name
        said[one.product_id] = _joined(one.venue_name, one.product_name)
        said[one.price_id] = _joined(said[one.product_id], one.ticket_name)
    return said


def _joined(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    return {tongue: f"{first.get(tongue, '')} {text}".strip() for tongue, text in then.items()}


async def kinds(tx: ReadTx) -> dict[str, str]:
    """Product, price or venue (id) → kind of its venue."""
    return dict(await store.kinds(tx))


__all__ = ["Ticket", "kinds", "names", "tickets"]
