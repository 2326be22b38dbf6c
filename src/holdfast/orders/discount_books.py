"""The books of discounts: who bears what an order did not have to pay, and where it stands while a mistake is undecided.

A discount (2060) and the order's money (2010) are together the price of the order. Against it stands whoever bears it:

* platform: coupon subsidy (5010), which lowers what the platform earns;
* merchant: the supplier payable (2020) of each venue, which is so much less;
* government: subsidies receivable (1060) by agreement;
* a version that was stopped, until it is decided: campaigns to be decided (1095). No false claim stays in the books;
* a mistake that is honoured: campaign loss (5040), never the campaign's own budget.

`settle` brings the books to what the order is now, by one journal for each version that differs; again: nothing. So a
partial cancellation, another date, a refund, a stop and a decision are all the same act.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from holdfast import ledger
from holdfast.kit import clock
from holdfast.kit.db import Tx

from . import discounts_store, store
from .discounts_store import Bearing, Booked

DISCOUNTS, SUBSIDY, PAYABLE, RECEIVABLE = "2060", "5010", "2020", "1060"
UNDECIDED, LOSS = "1095", "5040"
Name = tuple[str, str]
"""Code and owner of an account."""


def borne_by(one: Bearing) -> Name:
    """The account that bears a discount now."""
    if one.trip_id is not None and one.verdict is None:
        return UNDECIDED, f"trip:{one.trip_id}"
    if one.verdict == "honour" and one.since is not None and one.made_at >= one.since:
        return LOSS, f"trip:{one.trip_id}"
    if one.payer == "merchant":
        return PAYABLE, f"venue:{one.venue_id}"
    if one.payer == "government":
        return RECEIVABLE, f"agreement:{one.agreement}"
    return SUBSIDY, f"campaign:{one.campaign_id}"


async def settle(tx: Tx, order_id: UUID) -> int:
    """Books what is missing of an order's discounts, and takes back what is too much; how many journals."""
    row = await store.locked(tx, order_id)
    if row is None:
        return 0
    wanted: dict[UUID, dict[Name, int]] = defaultdict(lambda: defaultdict(int))
    about: dict[UUID, Bearing] = {}
    for one in await discounts_store.bearings(tx, order_id):
        wanted[one.version_id][borne_by(one)] += one.minor
        about[one.version_id] = one
    before: dict[UUID, dict[Name, int]] = defaultdict(dict)
    for has in await discounts_store.booked(tx, order_id):
        before[has.version_id][has.code, has.owner] = has.minor
    done = 0
    for version_id in sorted({*wanted, *before}):
        after, old = wanted[version_id], before[version_id]
        moved = {name: after.get(name, 0) - old.get(name, 0) for name in sorted({*after, *old})}
        moved = {name: minor for name, minor in moved.items() if minor}
        if moved:
            await _book(tx, order_id, row.currency, version_id, moved, about.get(version_id), kind=_kind(old, after))
            done += 1
    return done


def _kind(before: dict[Name, int], after: dict[Name, int]) -> str:
    codes = {code for code, _owner in after}
    if sum(before.values()) == sum(after.values()) and UNDECIDED in codes:
        return "discount.suspended"
    if sum(before.values()) == sum(after.values()):
        return "discount.honoured" if LOSS in codes else "discount.confirmed"
    if not before:
        return "discount.granted"
    return "discount.changed" if after else "discount.reversed"


async def _book(
    tx: Tx, order_id: UUID, currency: str, version_id: UUID, moved: dict[Name, int], about: Bearing | None, *, kind: str
) -> None:  # fmt: skip
    """One journal: who bears more is debited, who bears less is credited, the order's discounts follow by the sum."""
    legs = [
        (ledger.debit if minor > 0 else ledger.credit)(ledger.Account(code, owner, currency), abs(minor))
        for (code, owner), minor in moved.items()
    ]
    if more := sum(moved.values()):
        account = ledger.Account(DISCOUNTS, f"order:{order_id}", currency)
        legs.append((ledger.credit if more > 0 else ledger.debit)(account, abs(more)))
    now = clock.now()
    n = await discounts_store.journals(tx, order_id, version_id) + 1
    details = {"version": str(version_id), "order": str(order_id)}
    if about is not None:
        said = {"campaign": about.campaign_id, "trip": about.trip_id, "approved_by": about.approved_by}
        details |= {name: str(value) for name, value in said.items() if value}
    journal_id = await ledger.record(
        tx, kind, f"discount:{order_id}:{version_id}:{n}", legs, subject=f"order:{order_id}", at=now, details=details
    )
    rows = [Booked(version_id, code, owner, minor) for (code, owner), minor in moved.items()]
    await discounts_store.note(tx, order_id, rows, journal_id, now)
