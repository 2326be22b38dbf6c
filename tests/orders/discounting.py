"""What tests of discounts need: a campaign that runs, bookings that it granted something to, and what the books say."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Json, Jsonb

from holdfast import ledger, orders
from holdfast.accounts import staff_store
from holdfast.campaigns import model
from holdfast.kit import clock, ids, jobs
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.orders import checkout
from tests import staff, world

from .after_sale import take

_numbers = itertools.count(1)
LABELS = {
    "platform": {"zh": "平台优惠", "en": "Offer of the platform"},
    "merchant": {"zh": "商家优惠", "en": "Offer of the house"},
    "government": {"zh": "政府补贴", "en": "Government subsidy"},
}
EVERYTHING = {"op": "everything"}
TENTH = {"type": "percent", "share_bp": 1000, "cap_minor": None}


class Running(msgspec.Struct, frozen=True):
    """A version that runs."""

    version_id: UUID
    campaign_id: str
    payer: str
    label: dict[str, str]

    def grant(self, *amounts: int, gift: dict[str, Any] | None = None) -> dict[str, Any]:
        """So much off each line, in their order."""
        return {
            "version_id": str(self.version_id), "campaign_id": self.campaign_id, "amount_minor": sum(amounts),
            "lines": [{"seq": seq, "amount_minor": minor} for seq, minor in enumerate(amounts, 1)],
            "label": self.label, "gift": gift, "code": None, "trace": {"says": "test"},
        }  # fmt: skip


async def campaign(db: Db, payer: str = "platform", effect: dict[str, Any] = TENTH, **content: Any) -> Running:
    """A version that runs without watches, in an envelope as wide as it needs. Without `scope` and `when` it grants nothing by itself."""
    n = next(_numbers)
    version_id, envelope_id, campaign_id, now = ids.uuid7(), ids.uuid7(), f"campaign-{n}", clock.now()
    said = model.Content(
        names={"zh": f"活动{n}", "en": f"Campaign {n}"}, sentence={"zh": "秋游优惠", "en": "The autumn offer"},
        effect=msgspec.convert(effect, model.Effect), limits=model.Limits(10_000_000),
        schedule=model.Schedule(now - timedelta(days=1), now + timedelta(days=30)), envelope_id=envelope_id,
        stacking=model.Stacking(f"group-{n}", "groups"), channels=["web", "desk", "api"],
    )  # fmt: skip
    said = msgspec.structs.replace(said, **content)

    async def make(tx: Tx) -> None:
        await tx.execute(
            """insert into campaigns.envelopes (id, name, payer, agreement, label, max_minor, max_bp, kinds, channels, budget_minor,
                                                valid_until, content_hash, proposal_id, made_at)
               values (%(id)s, '{}', %(payer)s, %(agreement)s, %(label)s, 1000000, 10000, '{museum,card}', '{web,desk,api}', 10000000,
                       %(until)s, '\\x00', %(id)s, %(at)s)""",
            id=envelope_id, payer=payer, agreement="2026-17" if payer == "government" else None, label=Jsonb(LABELS[payer]),
            until=now + timedelta(days=90), at=now,
        )  # fmt: skip
        await tx.execute(
            "insert into campaigns.campaigns (id, name, made_by, made_at) values (%(id)s, '{}', 'test', %(at)s)",
            id=campaign_id, at=now,
        )  # fmt: skip
        await tx.execute(
            """insert into campaigns.versions (id, campaign_id, n, content, content_hash, envelope_id, made_by, made_at)
               values (%(id)s, %(campaign)s, 1, %(content)s, '\\x00', %(envelope)s, 'test', %(at)s)""",
            id=version_id, campaign=campaign_id, content=Jsonb(msgspec.to_builtins(said)), envelope=envelope_id, at=now,
        )  # fmt: skip
        await tx.execute(
            """insert into campaigns.running (version_id, campaign_id, state, state_since, starts_at, ends_at, max_minor, max_bp,
                                              kinds, channels, budget_minor, stage_since)
               values (%(id)s, %(campaign)s, 'live', %(at)s, %(from)s, %(until)s, 1000000, 10000, '{museum,card}',
                       '{web,desk,api}', 10000000, %(at)s)""",
            id=version_id, campaign=campaign_id, at=now, until=now + timedelta(days=30), **{"from": now - timedelta(days=1)},
        )  # fmt: skip
        await tx.execute("update campaigns.epoch set epoch = epoch + 1")

    await db.run(make)
    return Running(version_id, campaign_id, payer, LABELS[payer])


async def place(db: Db, wanted: orders.PlaceRequest, *grants: dict[str, Any]) -> orders.Placed:
    """Decides a booking that was priced with these grants; the guards of the database decide as they do in a batch."""
    head = msgspec.to_builtins(wanted)
    lines, people = head.pop("lines"), head.pop("travellers")

    async def run(tx: Tx) -> str:
        answer: str = await tx.value(
            "select orders.place_many(%(heads)s, %(lines)s, %(people)s, %(at)s, interval '15 min', %(subscribers)s)::text",
            heads=Json([{**head, "n": 1, "offer": 1 if grants else None, "grants": list(grants) or None}]), lines=Json([{"n": 1, **one} for one in lines]),
            people=Json([{"n": 1, **one} for one in people]), at=clock.now(),
            subscribers=list(jobs.SUBSCRIBERS["order.confirmed"]),
        )  # fmt: skip
        return answer

    [placed] = msgspec.json.decode(await db.run(run))
    assert "problem" not in placed, placed
    return msgspec.convert(placed, orders.Placed)


async def held(
    db: Db, grants: Sequence[dict[str, Any]], *slots: world.SlotWorld, people: int = 1
) -> tuple[world.Person, orders.Order]:
    """Somebody with a discounted order that waits to be paid."""
    mei = await world.traveller(db)
    placed = await place(db, world.request(mei, world.basket(*slots, people=people)), *grants)
    return mei, await world.order_of(db, mei, placed.number)


async def paid(
    db: Db, grants: Sequence[dict[str, Any]], *slots: world.SlotWorld, people: int = 1
) -> tuple[world.Person, orders.Order]:
    """The same, paid in cash and confirmed."""
    mei, order = await held(db, grants, *slots, people=people)
    await take(db, await db.run(checkout._begin, mei.actor, order.row.id))
    order = await world.order_of(db, mei, order.number)
    assert order.state is orders.State.CONFIRMED
    return mei, order


async def trip(db: Db, running: Running, reason: str = "envelope") -> UUID:
    """The guard stops a version: what it granted until now is an incident."""

    async def stop(tx: Tx) -> UUID:
        epoch = await tx.value(
            """update campaigns.running set state = 'tripped', state_since = %(at)s, epoch = epoch + 1 where version_id = %(id)s
               returning epoch""",
            at=clock.now(), id=running.version_id,
        )  # fmt: skip
        found: UUID = await tx.value(
            """insert into campaigns.trips (version_id, epoch, reason, at, by, evidence)
               values (%(id)s, %(epoch)s, %(reason)s, %(at)s, 'guard', '{}') returning id""",
            id=running.version_id, epoch=epoch, reason=reason, at=clock.now(),
        )  # fmt: skip
        return found

    return await db.run(stop)


async def colleague(db: Db, *roles: str) -> staff.Colleague:
    """Somebody of a name of their own who has had these roles for long enough to agree to things."""
    made = await staff.colleague(db, *roles, name=f"Lin Wen {next(_numbers)}")
    await db.run(staff_store.set_roles_since, made.id, clock.now() - timedelta(days=2))
    return made


async def on(db: Db, code: str, owner: str) -> int:
    """What stands on an account, on its normal side."""
    return (await db.read(ledger.balance, ledger.Account(code, owner, "CNY"))).amount_minor


async def codes(db: Db) -> dict[str, int]:
    """All that stands on the accounts of discounts, by code; what is nothing is left out."""
    await jobs.drain(db)

    async def ask(tx: ReadTx) -> dict[str, int]:
        totals = await ledger.totals(tx)
        return {
            one.code: one.amount_minor for one in totals if one.code in ("1060", "1095", "2020", "2060", "5010", "5040")
        }

    return {code: minor for code, minor in (await db.read(ask)).items() if minor}


async def kinds(db: Db, order: orders.Order) -> list[str]:
    """The journals of an order's discounts, oldest first."""

    async def ask(tx: ReadTx) -> list[str]:
        return [one.kind for one in await ledger.story(tx, f"order:{order.row.id}")]

    return await db.read(ask)


async def on_offer(db: Db, effect: dict[str, Any], **more: Any) -> Running:
    """A campaign that runs with a content that pricing understands."""
    made = await campaign(db)

    async def say(tx: Tx) -> None:
        envelope = await tx.value("select envelope_id from campaigns.versions where id = %(id)s", id=made.version_id)
        content = {
            "names": {"zh": "试", "en": "Test"}, "sentence": {"zh": "试", "en": "Test"}, "effect": effect, "envelope_id": str(envelope),
            "limits": {"budget_minor": 1_000_000}, "stacking": {"group": "test"}, "channels": ["web", "api"],
            "schedule": {"from_at": "2020-01-01T00:00:00Z", "until_at": "2099-01-01T00:00:00Z"},
            "scope": EVERYTHING, "when": EVERYTHING, **more,
        }  # fmt: skip
        await tx.execute("alter table campaigns.versions disable trigger versions_stay")
        await tx.execute(
            "update campaigns.versions set content = %(content)s where id = %(id)s", content=Jsonb(content), id=made.version_id
        )  # fmt: skip
        await tx.execute("alter table campaigns.versions enable trigger versions_stay")
        await tx.execute("update campaigns.epoch set epoch = epoch + 1")

    await db.run(say)
    return made


async def change(db: Db, version: Running, **columns: Any) -> None:
    """Other figures for what runs, as if it had been started with them."""

    async def write(tx: Tx) -> None:
        for name, value in columns.items():
            await tx.execute(
                f"update campaigns.running set {name} = %(value)s where version_id = %(id)s",  # type: ignore[arg-type]
                value=value, id=version.version_id,
            )  # fmt: skip
        await tx.execute("update campaigns.epoch set epoch = epoch + 1")

    await db.run(write)
