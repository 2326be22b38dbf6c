"""What a day may hold: dated policies and slot shares give the capacity of every slot. Pure.

A venue's smallest absolute figure limits all its products together; a product's own figure limits that product. When
the products may sell more than the venue holds, each gets its proportion. A percentage applies to the smallest
absolute figure. A day without any figure takes the slots' own capacities; without those it holds nobody. A policy of
one slot limits or stops that slot alone; nothing else gets what it loses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Protocol
from uuid import UUID

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
    """A product's day: what decided, the places of the day if anybody named a figure, and the places of each slot.

    `stops` are the slots that a policy of their own closes or pauses.
    """

    limit: Limit
    places: int | None
    slots: dict[str, int]
    stops: dict[str, Limit] = {}


class Divisible(Protocol):
    """A product as far as capacity is concerned."""

    @property
    def id(self) -> str: ...
    @property
    def timeslots(self) -> list[Timeslot]: ...


def applying(
    policies: Iterable[Policy], day: date, product_id: str | None = None, code: str | None = None
) -> list[Policy]:
    """The policies in force that day for the venue and, if named, this product; superseded ones are left out.

    With a `code` those of that slot alone. What a policy superseded holds again where that policy is lifted.
    """
    due = [policy for policy in policies if policy.product_id in (None, product_id) and _covers(policy, day)]
    lifts: dict[UUID, list[Policy]] = {}
    for policy in due:
        if policy.kind == "lifted" and policy.supersedes:
            lifts.setdefault(policy.supersedes, []).append(policy)

    def is_lifted(policy: Policy) -> bool:
        return any(not is_lifted(lift) for lift in lifts.get(policy.id, []))

    standing = [policy for policy in due if policy.kind != "lifted" and not is_lifted(policy)]
    superseded = {policy.supersedes for policy in standing}
    return [policy for policy in standing if policy.id not in superseded and policy.code == code]


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
        product.id: _own_limits(
            ProductDay(
                limits[product.id], known.get(product.id), _slots(product, known.get(product.id), limits[product.id])
            ),
            {slot.code: limit(applying(policies, day, product.id, slot.code)) for slot in product.timeslots},
        )
        for product in products
    }


def _own_limits(found: ProductDay, own: dict[str, Limit]) -> ProductDay:
    """The day with what policies of single slots make of it."""
    places = {
        code: count * own[code].percent_bp // WHOLE_BP
        if own[code].places is None
        else min(count, own[code].places or 0)
        for code, count in found.slots.items()
    }
    stops = {code: one for code, one in own.items() if one.state != "open"} if found.limit.state == "open" else {}
    return ProductDay(found.limit, found.places, places, stops)


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
    marked = policy.day_type is None or day in policy.days
    return started and marked and (not policy.weekdays or day.isoweekday() in policy.weekdays)


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
