"""Merging, as orders sees it: what both sides have, limits they exceed together, and what one did with orders of the other.

Orders stay with the account they were placed with; `accounts.members` finds them from every account of the person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from holdfast import accounts, payments
from holdfast.accounts import Crossed, Excess, Groups, Tally
from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import merging_store

LOOKED_AT_MOST = 1000


@accounts.counted("orders")
async def counted(tx: ReadTx, groups: Groups) -> list[Tally]:
    """Orders by state, money, visits to come, holds and payments under way."""
    return await merging_store.tallies(tx, groups, clock.now())


@accounts.limited("per-account-day")
async def too_many_that_day(tx: ReadTx, left: list[UUID], right: list[UUID]) -> list[Excess]:
    """Tickets per person, venue and day. What was booked stays; the next booking of such a day is refused."""
    today = (clock.now() + timedelta(hours=8)).date()
    return await merging_store.too_many_that_day(tx, left, right, today, LOOKED_AT_MOST)


@accounts.limited("promises")
async def too_many_promises(tx: ReadTx, left: list[UUID], right: list[UUID]) -> list[Excess]:
    """Orders confirmed against the promise to pay."""
    of_each = [await merging_store.promises(tx, side) for side in (left, right)]
    most = payments.per_person()
    return [Excess("promises", "", sum(of_each), most)] if all(of_each) and sum(of_each) > most else []


@accounts.crossed("orders")
async def acted_across(tx: ReadTx, left: list[UUID], right: list[UUID], since: datetime) -> list[Crossed]:
    """Payments, cancellations and the like that one side asked for on orders of the other."""
    return await merging_store.acted_across(tx, left, right, since, LOOKED_AT_MOST)
