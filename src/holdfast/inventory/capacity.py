"""What a day may hold: dated policies and slot shares give the capacity of every slot. Pure.

A venue's smallest absolute figure limits all its products together; a product's own figure limits that product. When
the products may sell more than the venue holds, each gets its proportion. A percentage applies to the smallest
absolute figure. A day without any figure takes the slots' own capacities; without those it holds nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Protocol

import msgspec

from holdfast.catalogue.model import Text, Timeslot

from .model import Policy, SlotState

WHOLE_BP = 10_000


class Limit(msgspec.Struct, frozen=True):
    """What the policies say of a venue's or a product's day. `places` None: nobody named a figure.

    `policy` decided: the closure or pause, else the percentage, else the smallest figure.
    """

    places: int | None
    percent_bp: int
    state: SlotState
    policy: Policy | None

    @property
    def reason(self) -> Text:
        return self.policy.reason if self.policy else {}


class ProductDay(msgspec.Struct, frozen=True):
    """A product's day: what decided, the places of the day if anybody named a figure, and the places of each slot."""

    limit: Limit
    places: int | None
    slots: dict[str, int]


class Divisible(Protocol):
    """A product as far as capacity is concerned."""

    @property
    def id(self) -> str: ...
    @property
    def timeslots(self) -> list[Timeslot]: ...


def applying(policies: Iterable[Policy], day: date, product_id: str | None = None) -> list[Policy]:
    """The policies in force that day for the venue and, if named, this product; superseded ones are left out."""
    due = [policy for policy in policies if policy.product_id in (None, product_id) and _covers(policy, day)]
    superseded = {policy.supersedes for policy in due}
    return [policy for policy in due if policy.id not in superseded]


def limit(policies: Iterable[Policy]) -> Limit:
    """The minimum of what applies. A closure outweighs a pause, both outweigh every figure."""
    found = list(policies)
    for kind in ("closed", "paused"):
        stop = next((policy for policy in found if policy.kind == kind), None)
        if stop:
            return Limit(places=0, percent_bp=0, state=kind, policy=stop)
    figure = min((p for p in found if p.kind == "absolute"), key=lambda p: p.value, default=None)
    part = min((p for p in found if p.kind == "percent"), key=lambda p: p.value, default=None)
    percent_bp = min(part.value, WHOLE_BP) if part else WHOLE_BP
    places = None if figure is None else figure.value * percent_bp // WHOLE_BP
    return Limit(places=places, percent_bp=percent_bp, state="open", policy=part or figure)


def venue_day(products: Sequence[Divisible], policies: Sequence[Policy], day: date) -> dict[str, ProductDay]:
    """The day of every product of a venue, by product id."""
    limits = {product.id: limit(applying(policies, day, product.id)) for product in products}
    whole = limit(applying(policies, day))
    bases = {product.id: _base(product, policies, day, limits[product.id]) for product in products}
    known = {product_id: base for product_id, base in bases.items() if base is not None}
    if whole.places is not None and sum(known.values()) > whole.places:
        known = divide(whole.places, known)
    return {
        product.id: ProductDay(
            limits[product.id], known.get(product.id), _slots(product, known.get(product.id), limits[product.id])
        )
        for product in products
    }


def divide(places: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole places in proportion to the weights; the parts add up exactly (largest remainder, ties in given order)."""
    total = sum(weights.values())
    if total == 0:
        return dict.fromkeys(weights, 0)
    exact = {name: Fraction(places * weight, total) for name, weight in weights.items()}
    parts = {name: int(part) for name, part in exact.items()}
    left = places - sum(parts.values())
    for name in sorted(exact, key=lambda name: parts[name] - exact[name])[:left]:
        parts[name] += 1
    return parts


def _covers(policy: Policy, day: date) -> bool:
    started = policy.from_date <= day and (policy.to_date is None or day <= policy.to_date)
    return started and (not policy.weekdays or day.isoweekday() in policy.weekdays)


def _base(product: Divisible, policies: Sequence[Policy], day: date, own: Limit) -> int | None:
    """What the product may sell that day if the others sold nothing: its own figure, else its part of the venue's."""
    figures = [p for p in applying(policies, day, product.id) if p.kind == "absolute" and p.product_id == product.id]
    share_bp = min(sum(slot.share_bp for slot in product.timeslots), WHOLE_BP)
    if own.state != "open":
        return 0
    if figures:
        return min(policy.value for policy in figures) * own.percent_bp // WHOLE_BP * share_bp // WHOLE_BP
    return None if own.places is None else own.places * share_bp // WHOLE_BP


def _slots(product: Divisible, places: int | None, own: Limit) -> dict[str, int]:
    if own.state != "open":
        return {slot.code: 0 for slot in product.timeslots}
    if places is None:
        return {slot.code: (slot.capacity or 0) * own.percent_bp // WHOLE_BP for slot in product.timeslots}
    parts = divide(places, {slot.code: slot.share_bp for slot in product.timeslots})
    return {
        slot.code: parts[slot.code] if slot.capacity is None else min(parts[slot.code], slot.capacity)
        for slot in product.timeslots
    }
