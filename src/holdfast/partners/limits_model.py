"""The terms on which a partner sells, as a value."""

from __future__ import annotations

import msgspec


class Terms(msgspec.Struct, frozen=True):
    """What a reseller may. Defaults are the usual terms: everything on sale at its price, on account
    up to 100,000 yuan.

    `product_ids` None: all that is on sale. `commission_bp`: basis points of the price that are its own. `holds_max`:
    bookings that are held and not confirmed. `places_per_slot`, `credit_minor` None: no bound. `redeem_venues`: at
    whose gates its programs may let people in; that is for those who run them.
    """

    selling: bool = True
    commission_bp: int = 0
    product_ids: list[str] | None = None
    requests_per_s: int = 50
    holds_max: int = 200
    places_per_slot: int | None = None
    hold_minutes: int = 30
    hold_minutes_max: int = 240
    credit_minor: int | None = 10_000_000
    redeem_venues: list[str] = []
