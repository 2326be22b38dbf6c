"""What a discount is once it was granted: shares by ticket that never change, and what is kept of it on another date.

Every ticket of a line has its share of the line's discount, the first ones a fen more where it does not divide. A share
stays with its ticket whoever else leaves, so what goes back is what was paid for that ticket, never the discount.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace


class LineDiscount(msgspec.Struct, frozen=True):
    """What a version took off a line, all its tickets together.

    `granted_minor` was granted for them when a ticket cost `granted_unit_minor`: the most that they keep on another date.
    """

    version_id: UUID
    amount_minor: int
    granted_minor: int
    granted_unit_minor: int


class Discount(msgspec.Struct, frozen=True):
    """A discount of an order as it stands, for whoever may see the order.

    `reason` is why, in words of both languages; `corrected`: the label that was shown at first was wrong.
    """

    version_id: UUID
    campaign_id: str
    version: int
    label: dict[str, str]
    amount_minor: int
    currency: str
    code: str | None
    reason: dict[str, str]
    gift: dict[str, Any] | None = None
    corrected: bool = False


def shares(amounts: Sequence[int], quantity: int) -> list[list[int]]:
    """Several discounts of a line of so many tickets, each by ticket. Sums hold; any two tickets differ by at most 1.

    Each goes on with its odd fens where the one before ended: together they take from no ticket more than it costs.
    """
    found, at = [], 0
    for amount in amounts:
        each, odd = divmod(amount, quantity)
        found.append([each + (1 if (place - at) % quantity < odd else 0) for place in range(quantity)])
        at = (at + odd) % quantity
    return found


def share_of(discounts: Sequence[LineDiscount], quantity: int, places: Sequence[int]) -> list[LineDiscount]:
    """What belongs to some tickets of a line, by their places in it."""
    taken = shares([one.amount_minor for one in discounts], quantity)
    beyond = shares([one.granted_minor - one.amount_minor for one in discounts], quantity)
    found = []
    for one, mine, more in zip(discounts, taken, beyond, strict=True):
        part = sum(mine[place] for place in places)
        granted = part + sum(more[place] for place in places)
        found.append(replace(one, amount_minor=part, granted_minor=granted))
    return found


def tickets_minor(unit_minor: int, discounts: Sequence[LineDiscount], quantity: int) -> list[int]:
    """What was asked for each ticket of a line."""
    taken = shares([one.amount_minor for one in discounts], quantity)
    return [unit_minor - sum(mine[place] for mine in taken) for place in range(quantity)]


class Keeps(msgspec.Struct, frozen=True):
    """How a benefit follows its tickets to another price: a part of it, down to a fixed price, or a sum."""

    share_bp: int | None = None
    price_minor: int | None = None


def carried(discounts: Sequence[tuple[LineDiscount, Keeps]], unit_minor: int, quantity: int) -> list[LineDiscount]:
    """The discounts of tickets that cost `unit_minor` each on their new date, in the same order.

    The same percentage, the same fixed price or the same sum; never more than was granted, because only that was ever
    checked against a budget and an envelope; never more than the tickets cost. Whoever comes back to the price for which
    it was granted has all of it again.
    """
    whole = left = unit_minor * quantity
    found = []
    for one, keeps in discounts:
        wanted = one.granted_minor
        if unit_minor >= one.granted_unit_minor:
            pass
        elif keeps.share_bp is not None:
            wanted = -(-whole * keeps.share_bp // 10_000)
        elif keeps.price_minor is not None:
            wanted = max(whole - keeps.price_minor * quantity, 0)
        amount = min(wanted, one.granted_minor, left)
        left -= amount
        found.append(replace(one, amount_minor=amount))
    return found


def raised(discounts: Sequence[LineDiscount], by_minor: int) -> list[LineDiscount]:
    """The same, greater by so much, each up to what was granted."""
    found = []
    for one in discounts:
        more = min(by_minor, one.granted_minor - one.amount_minor)
        by_minor -= more
        found.append(replace(one, amount_minor=one.amount_minor + more))
    return found
