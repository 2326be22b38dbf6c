"""Backtests: what a campaign would have given to the orders of the last weeks, by the very code that prices bookings.

    made = await backtest.run(db, actor, campaign_id, content)      # kept by the hashes of content and orders

Orders are read in a transaction that cannot write, in batches, as they were when they were placed; pricing runs beside the event
loop, so that pages go on being answered.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.campaigns import checking, conditions, envelopes, hours, pricing, simulation
from holdfast.campaigns.facts import BASKET_FIELDS, LINE_FIELDS, Basket, Code, Line, local
from holdfast.campaigns.model import BulkCodes, Content, NoCode, SingleCode, Version
from holdfast.campaigns.nodes import AllOf, AnyOf, Condition, Leaf
from holdfast.campaigns.pricing import Priced, Told
from holdfast.campaigns.simulation_model import Case, Scope, Simulation
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx

from . import backtest_store as store
from . import offers
from .backtest_store import Recorded

DAYS, DAYS_MAX = 30, 366
BATCH = 1000
ORDERS_MAX = 100_000
"""Of more orders a sample of people is taken: one in two, in three, and so on, with all that they ordered."""
_DATED = frozenset(name for name, field in {**LINE_FIELDS, **BASKET_FIELDS}.items() if field.type == "date")


async def run(db: Db, actor: Actor, campaign_id: str, content: Content, *, days: int = DAYS) -> Simulation:
    """Tries a content on the orders of the last `days` and keeps what came of it. EnvelopeUnknown."""
    days = min(max(days, 1), DAYS_MAX)
    until_at = clock.now()
    from_at = until_at - timedelta(days=days)
    async with db.reading() as tx:
        envelope = await envelopes.require(tx, content.envelope_id)
        tried = checking.as_version(campaign_id, content, envelope)
        others = [one for one in await checking.offered(tx) if one.campaign_id != campaign_id]
        after = _before(from_at)
        sample = -(-await store.count(tx, after, from_at, until_at) // ORDERS_MAX) or 1
        scope = Scope(days, sample, _weeks(content, from_at), not isinstance(content.codes, NoCode))
        trial = _Trial(tried, others, scope, from_at, until_at)
        await _read_all(tx, trial, after, from_at, until_at)
    result = trial.tally.result()
    made = Simulation(
        ids.uuid7(), content.hash, trial.digest.digest(), simulation.ENGINE, scope, from_at, until_at, result.orders, result,
        changes.hashed(result), str(actor), clock.now(),
    )  # fmt: skip
    await db.run(simulation.keep, made)
    return made


async def _read_all(tx: ReadTx, trial: _Trial, after: UUID, from_at: datetime, until_at: datetime) -> None:
    """One batch after the other; the next is asked for when the last is priced."""
    while batch := await store.recorded(tx, after, from_at, until_at, sample=trial.scope.sample, limit=BATCH):
        await asyncio.to_thread(trial.take, batch)
        after = batch[-1].id


def _before(from_at: datetime) -> UUID:
    """An id smaller than that of any order placed since (UUIDv7 begins with milliseconds); two days for clocks that differ."""
    return UUID(int=max(0, int((from_at - timedelta(days=2)).timestamp() * 1000)) << 80)


def _weeks(content: Content, from_at: datetime) -> int:
    """By how many whole weeks past orders are moved on, so that conditions over dates find the days they speak of; else 0."""
    if not any(_speaks_of_dates(one) for one in (content.scope, content.when)):
        return 0
    return max(0, -((from_at - content.schedule.from_at) // timedelta(weeks=1)))


def _speaks_of_dates(condition: Condition | None) -> bool:
    if isinstance(condition, AllOf | AnyOf):
        return any(_speaks_of_dates(part) for part in condition.parts)
    return isinstance(condition, Leaf) and condition.field in _DATED


class _Trial:
    """A version on its way through the orders."""

    def __init__(
        self, tried: Version, others: Sequence[Version], scope: Scope, from_at: datetime, until_at: datetime
    ) -> None:
        self.tried, self.others, self.scope = tried, list(others), scope
        self.tally = simulation.Tally(
            from_at.astimezone(simulation.HOME).date(), until_at.astimezone(simulation.HOME).date(),
            hours.opened(tried.content.schedule, from_at, until_at) if hours.has_clock(tried.content.schedule) else None,
        )  # fmt: skip
        self.digest = hashlib.sha256(msgspec.json.encode([scope, sorted(str(one.id) for one in others)]))

    def take(self, batch: Sequence[Recorded]) -> None:
        """Prices a batch of orders, in their order."""
        self.digest.update(msgspec.json.encode(batch))
        for order in batch:
            if order.lines and order.list_minor > 0:
                self._take(order)

    def _take(self, order: Recorded) -> None:
        basket = self._basket(order)
        priced = pricing.price(basket, [self.tried], explain=True, past=True)
        [told] = priced.traces
        if told.outcome != "granted":
            case = _case(order, 0, told.outcome, _missed(told))
            self.tally.add(
                case,
                order.person,
                matches=False,
                is_limited=told.outcome == "person",
                is_offered=self._is_offered(basket),
            )
            return
        case = _case(order, priced.discount_minor)
        self.tally.add(case, order.person, matches=True, is_limited=False)
        if not _is_inside(self.tried, basket, priced):
            self.tally.note_outside(msgspec.structs.replace(case, stood="envelope"))
        if self.others:
            together = pricing.price(basket, [self.tried, *self.others], past=True)
            if len(together.grants) > 1:
                self.tally.note_stacked(_case(order, together.discount_minor))

    def _is_offered(self, basket: Basket) -> bool:
        """Whether its weekday and hour are among those of the schedule, whatever else stood against it."""
        schedule = self.tried.content.schedule
        return not hours.has_clock(schedule) or hours.is_open(schedule, local(basket.now, schedule.time_zone))

    def _basket(self, order: Recorded) -> Basket:
        """The order's facts as they were. A code counts as typed; the person has used what this trial would have given."""
        moved = timedelta(weeks=self.scope.weeks_moved)
        content, campaign_id = self.tried.content, self.tried.campaign_id
        code = None
        if self.scope.with_code:
            typed = content.codes.code if isinstance(content.codes, SingleCode) else "ANY"
            assert isinstance(content.codes, SingleCode | BulkCodes)
            code = Code(typed, campaign_id)
        lines = [
            Line(
                seq=seq, product_id=line.product_id, venue_id=line.venue_id, city=line.city.get("zh"), kind=line.kind,
                ticket=line.ticket or None, price_id=line.price_id, visit_date=line.visit_date + moved,
                starts_at=line.starts_at + moved, time_zone=line.time_zone, quantity=line.quantity, unit_minor=line.unit_minor,
            )
            for seq, line in enumerate(order.lines, 1)
        ]  # fmt: skip
        return Basket(
            lines=lines, now=order.placed_at + moved, channel=offers.SOLD_AS.get(order.channel, order.channel),
            currency=order.currency, locale=order.locale,
            earlier=order.earlier, redemptions={campaign_id: self.tally.used_by(order.person)},
            account_since=order.account_since + moved, code=code,
        )  # fmt: skip


def _is_inside(tried: Version, basket: Basket, priced: Priced) -> bool:
    """Whether the guard would let it pass (``campaigns.watch``)."""
    [grant] = priced.grants
    lines = [line for line in basket.lines if line.seq in grant.lines]
    envelope = tried.envelope
    listed = sum(line.list_minor for line in lines)
    return (
        grant.amount_minor <= envelope.max_minor
        and grant.amount_minor * 10_000 <= listed * envelope.max_bp
        and all(line.kind in envelope.kinds for line in lines)
        and basket.channel in envelope.channels
    )


def _case(order: Recorded, discount_minor: int, stood: str = "", missed: list[dict[str, object]] | None = None) -> Case:
    return Case(order.number, order.placed_at, order.is_paid, order.list_minor, discount_minor, stood, missed or [])


def _missed(told: Told) -> list[dict[str, object]]:
    """The tests that stood in the way: of the basket, else of the line that came nearest."""
    if told.outcome == "when":
        return [_brief(one) for one in conditions.missed(told.trace["when"])]
    if told.outcome == "scope" and told.trace["scope"]:
        return min(([_brief(one) for one in conditions.missed(line)] for line in told.trace["scope"]), key=len)
    return [{"says": {}, "op": told.outcome}]


def _brief(node: dict[str, object]) -> dict[str, object]:
    return {name: node[name] for name in ("op", "field", "says", "got") if name in node}
