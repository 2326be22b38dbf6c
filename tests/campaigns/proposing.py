"""Makers for tests of campaigns: people with seasoned roles, an envelope, a content, a draft that was tried and proposed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from holdfast import changes
from holdfast.campaigns import drafts, envelopes, expecting, review, start
from holdfast.campaigns.facts import Basket, Line
from holdfast.campaigns.model import Case, Content, NoCode, PercentOff, Schedule, Stacking
from holdfast.campaigns.model import Limits as ContentLimits
from holdfast.campaigns.nodes import Gte, In
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.orders import backtest
from tests import staff, world

REASON = "spring in Nanjing"
LABEL = {"zh": "平台立减", "en": "Platform discount"}
_people = iter(range(1, 10_000))


async def person(db: Db, *roles: str) -> staff.Colleague:
    """A colleague with a name of their own, who has had the roles for long."""
    made = await staff.colleague(db, *roles, name=f"Colleague {next(_people)}")
    await db.run(_season, made.id)
    return made


async def _season(tx: Tx, staff_id: UUID) -> None:
    await tx.execute(
        """update accounts.staff set roles_since = (select jsonb_object_agg(r, now() - interval '30 days') from unnest(roles) r)
           where id = %(id)s""",
        id=staff_id,
    )


def wish(**changed: Any) -> envelopes.Wish:
    """What finance is asked for: at most 30 yuan and 20 percent, in museums."""
    fields: dict[str, Any] = {
        "name": {"zh": "博物馆春季", "en": "Museums in spring"}, "payer": "platform", "label": LABEL, "max_minor": 3000, "max_bp": 2000,
        "kinds": ["museum"], "channels": ["web", "api"], "budget_minor": 50_000_00,
        "valid_until": clock.now() + timedelta(days=90),
    }  # fmt: skip
    return envelopes.Wish(**(fields | changed))


def retyped_envelope(asked: envelopes.Wish) -> review.Retyped:
    """The figures of an envelope as a careful colleague types them."""
    return review.Retyped(f"{asked.max_minor / 100:.2f}", "most", f"{asked.max_bp / 100:g}%", asked.payer)


async def envelope(db: Db, maker: staff.Colleague, finance: staff.Colleague, **changed: Any) -> UUID:
    """An envelope that finance has approved."""
    asked = wish(**changed)
    proposal = await envelopes.propose(db, maker.actor, asked, REASON)
    await review.approve(db, finance.actor, proposal.id, proposal.shown, retyped_envelope(asked))
    await changes.apply(db, maker.actor, proposal.id)
    return proposal.id


def case(name: str, expected_minor: int, *, unit_minor: int = 10_000, kind: str = "museum", quantity: int = 1) -> Case:
    """A basket of one line, and what it gets."""
    line = Line(seq=1, kind=kind, quantity=quantity, unit_minor=unit_minor, price_id="p", product_id="x", venue_id="v")
    return Case(name, Basket([line], clock.now(), channel="web", redemptions={}, earlier=0), expected_minor)


def cases() -> list[Case]:
    """Of `content`: 10 percent of museum orders from 50 yuan, at most 20 yuan."""
    return [
        case("a hundred", 1000), case("capped", 2000, unit_minor=50_000), case("two", 1200, unit_minor=6000, quantity=2),
        case("a park", 0, kind="park"), case("too cheap", 0, unit_minor=4999), case("a show", 0, kind="show"),
    ]  # fmt: skip


def content(envelope_id: UUID, **changed: Any) -> Content:
    """10 percent off museum tickets in orders from 50 yuan, at most 20 yuan; a budget of 5,000 yuan."""
    fields: dict[str, Any] = {
        "names": {"zh": "春到博物馆", "en": "Spring at the museum"},
        "sentence": {"zh": "博物馆门票九折，最多减20元。", "en": "10% off museum tickets, at most 20 yuan."},
        "effect": PercentOff(1000, 2000),
        "limits": ContentLimits(budget_minor=5_000_00, per_day_minor=1_000_00, per_person=2),
        "schedule": Schedule(clock.now() - timedelta(hours=1), clock.now() + timedelta(days=20)), "envelope_id": envelope_id,
        "stacking": Stacking("general"), "channels": ["web"], "scope": In("kind", ["museum"]), "when": Gte("scope_minor", 5000),
        "codes": NoCode(), "cases": cases(),
    }  # fmt: skip
    return Content(**(fields | changed))


FIGURES = review.Retyped("10", "percent", "20", "platform")
"""What a careful colleague types for `content`."""


async def draft(db: Db, maker: staff.Colleague, said: Content, campaign_id: str = "spring") -> UUID:
    """A draft that says it."""
    return (await db.run(drafts.begin, maker.actor, campaign_id, {}, said)).id


async def proposal(
    db: Db,
    maker: staff.Colleague,
    said: Content,
    campaign_id: str = "spring",
    expected: expecting.Expected | None = None,
) -> changes.Proposal:
    """A draft that was tried on past orders and proposed."""
    draft_id = await draft(db, maker, said, campaign_id)
    await backtest.run(db, maker.actor, campaign_id, said)
    return await start.propose(db, maker.actor, draft_id, expected or expecting.Expected(), REASON)


async def started(
    db: Db, maker: staff.Colleague, others: list[staff.Colleague], said: Content, campaign_id: str = "spring"
) -> UUID:
    """A campaign that was approved by all of these and started: its version."""
    asked = await proposal(db, maker, said, campaign_id)
    for one in others:
        await review.approve(db, one.actor, asked.id, asked.shown, FIGURES)
    done = await changes.apply(db, maker.actor, asked.id)
    return UUID(str((done.effects or {})["version"]))


async def orders_of_the_past(db: Db, *prices_minor: int, days_ago: int = 3, paid: bool = True) -> list[UUID]:
    """One order of one new person for each price, placed some days ago."""
    found = []
    for minor in prices_minor:
        slot = await world.open_slot(db, places=50, price_minor=minor)
        mei = await world.traveller(db)
        placed = await world.place(db, world.request(mei, world.basket(slot)))
        found.append(placed.order_id)
    await db.run(_back, found, clock.now() - timedelta(days=days_ago), paid)
    return found


async def _back(tx: Tx, order_ids: list[UUID], at: datetime, paid: bool) -> None:
    await tx.execute(
        """update orders.orders set placed_at = %(at)s, confirmed_at = case when %(paid)s then %(at)s::timestamptz end
           where id = any (%(ids)s)""",
        ids=order_ids, at=at, paid=paid,
    )  # fmt: skip
