"""What is counted when accounts are joined or parted, in words: for travellers and for staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from starlette.requests import Request

from holdfast import accounts
from holdfast.accounts import Crossed, Excess, Row
from holdfast.kit import ids, money

from . import words
from .render import language, speaker

KINDS = {
    "orders": "Orders",
    "cards": "City cards",
    "visits": "Tickets for visits to come",
    "holds": "Places held, not paid yet",
    "paid": "Payments that arrived",
    "payments": "Payments under way",
    "refunds": "Refunds done",
    "identifiers": "Ways to sign in",
    "sessions": "Devices signed in",
}
"""Kind of a row → its title, in the order shown."""
REFUNDS = {"done": "Refunds done", "on-the-way": "Refunds under way"}
IDENTIFIERS = {"phone": "Phones", "email": "E-mail addresses", "external": "Identities elsewhere"}
LIMITS = {
    "per-account-day": "Tickets for {what}: {count} together, {allowed} allowed per person and day.",
    "promises": "Orders to be paid later: {count} together, {allowed} allowed per person.",
}
DONE = {
    "payment_started": "started the payment",
    "cancelled": "cancelled it",
    "refund_requested": "asked for money back",
}


class Shown(NamedTuple):
    """A row as both cards show it. `sum_minor` is None where nothing is added up."""

    label: str
    counts: tuple[int, int]
    sums: tuple[int, int] | None
    currency: str

    def of(self, side: int) -> tuple[int, int | None]:
        """How many, and what they add up to, on one side."""
        return self.counts[side], self.sums[side] if self.sums else None


class Side(NamedTuple):
    """One card: the accounts of a side, and what they have."""

    title: str
    known: Sequence[accounts.Known]
    rows: list[tuple[str, int, int | None, str]]


def sides(
    request: Request, left: Sequence[accounts.Known], right: Sequence[accounts.Known], rows: Sequence[Row], titles: tuple[str, str]
) -> list[Side]:  # fmt: skip
    """Both cards. A row that both lack is left out; what only one has is nought on the other."""
    shown = _shown(request, rows)
    cards = []
    for at, known in enumerate((left, right)):
        if known:
            cards.append(Side(titles[at], known, [(row.label, *row.of(at), row.currency) for row in shown]))
    return cards


def _shown(request: Request, rows: Sequence[Row]) -> list[Shown]:
    _ = speaker(request)
    order = {kind: at for at, kind in enumerate(KINDS)}
    return [
        Shown(
            _(_label(row)), (row.left_count, row.right_count),
            (row.left_minor, row.right_minor) if row.currency else None, row.currency,
        )
        for row in sorted(rows, key=lambda row: (order.get(row.kind, len(order)), row.name))
        if row.count
    ]  # fmt: skip


def _label(row: Row) -> str:
    """An English word for a row."""
    by_name = {"orders": words.STATES, "refunds": REFUNDS, "identifiers": IDENTIFIERS}.get(row.kind, {})
    return by_name.get(row.name) or KINDS.get(row.kind, row.kind)


def limits(request: Request, exceeded: Sequence[Excess]) -> list[str]:
    """A sentence for each limit that both together exceed."""
    _ = speaker(request)
    return [
        _(LIMITS[one.limit], what=one.subject, count=one.count, allowed=one.allowed)
        if one.limit in LIMITS
        else f"{one.limit} {one.subject}: {one.count} > {one.allowed}"
        for one in exceeded
    ]


def crossings(
    request: Request, crossed: Sequence[Crossed], tell: Callable[[Crossed], str]
) -> list[tuple[Crossed, str, str]]:
    """What was done across the sides: with the order's number for eyes, and what was done. `tell` says who."""
    _ = speaker(request)
    return [
        (one, ids.show_code(one.subject), f"{tell(one)}{_(': ')}{_(DONE.get(one.did, one.did))}") for one in crossed
    ]


def differences(request: Request, preview: accounts.MergePreview) -> list[str]:
    """What will look different, as sentences."""
    _ = speaker(request)
    return [_(accounts.DIFFERENCES[one]) for one in preview.differences if one in accounts.DIFFERENCES]


def together(request: Request, preview: accounts.MergePreview) -> str:
    """How many orders that makes, and what came for them."""
    _ = speaker(request)
    orders = sum(row.count for row in preview.rows if row.kind == "orders")
    paid = [str(money.Money(row.minor, row.currency)) for row in preview.rows if row.kind == "paid" and row.minor]
    said = _("Together: {count} orders.", count=orders)
    gap = "" if language(request) == "zh" else " "
    return said + (gap + _("Paid: {sum}.", sum=", ".join(paid)) if paid else "")


def as_preview(stored: dict[str, object]) -> accounts.MergePreview:
    """The preview that a proposal holds."""
    return msgspec.convert(stored, accounts.MergePreview)
