"""The inventory's part of a catalogue import: policies, and what an import does to days that have sold places."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from holdfast.catalogue import calendars
from holdfast.catalogue.imports import (
    PARTS,
    TABLES,
    CatalogueFile,
    Change,
    Entries,
    Entry,
    Part,
    PartPlan,
    Plan,
    Warned,
    between,
    error,
)
from holdfast.catalogue.model import Opening, SpecialDay, Timeslot
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both

from . import capacity, policies, slots, store
from .model import Policy

CLOSES = "“{venue}” will be closed on {day}, when {taken} places are sold."
CUTS = "“{product}” will have {places} places on {day}, when {taken} are sold; sale stops there."
DAYS_NAMED = 20


class _Product(msgspec.Struct, frozen=True):
    id: str
    timeslots: list[Timeslot]


async def plan(tx: ReadTx, file: CatalogueFile, laid: Entries) -> PartPlan:
    """Changes of policies, references between them, and warnings for days with sold places."""
    venue_ids = [entry.key[0] for entry in laid.by_table["venues"]]
    known: dict[tuple[str, ...], dict[str, Any]] = {
        (row["venue_id"], row["origin"]): row for row in await store.policy_rows(tx, venue_ids)
    }
    stored = {key: _entry(row) for key, row in known.items()}
    wanted = file.of("policies")
    errors = [
        error(entry.place, "supersedes", "NO_POLICIES", got=entry.values["supersedes"])
        for entry in wanted
        if entry.values.get("supersedes") and not _exists(entry, wanted, stored)
    ]
    changes, unchanged = between(wanted, {(entry.table, entry.key): entry for entry in stored.values()})
    rows = known | {change.key: known.get(change.key, {}) | change.row for change in changes}
    warnings = await _warnings(tx, venue_ids, laid, [_policy(row) for row in rows.values()])
    return PartPlan(changes, unchanged, warnings, errors)


async def apply(tx: Tx, actor: Actor, made: Plan) -> None:
    """Writes the policies of the plan and brings the slots in step at once: a closed day stops selling now."""
    rows = [change.row for change in made.changes if change.table == "policies" and change.kind != "left"]
    if rows:
        await store.write_policies(tx, [row | {"id": str(ids.uuid7())} for row in rows], clock.now())
    if not made.changes_nothing:
        await slots.generate(tx, actor)


async def undo(tx: Tx, actor: Actor, made: list[Change], reason: str) -> None:
    """Takes back what an import did to policies: new ones are lifted, changed ones are as they were."""
    own = [change for change in made if change.table == "policies"]
    old = [
        change.row | {name: before for name, (before, _after) in change.fields.items()}
        for change in own
        if change.kind == "changed"
    ]
    if old:
        await store.write_policies(tx, [row | {"id": str(ids.uuid7())} for row in old], clock.now())
    venues = sorted({change.key[0] for change in own})
    known = {(one.venue_id, one.origin): one.id for name in venues for one in await policies.of_venue(tx, name)}
    lifts = [known[change.key[0], change.key[1]] for change in own if change.kind == "created"]
    if lifts:
        await policies.carry_out(tx, actor, policies.Plan(lifts=lifts), reason)


PARTS["policies"] = Part(plan, apply)


def _entry(row: dict[str, Any]) -> Entry:
    columns = {field.stored for field in TABLES["policies"].fields}
    return Entry("policies", (row["venue_id"], row["origin"]), {name: row[name] for name in row if name in columns})


def _exists(entry: Entry, wanted: list[Entry], stored: dict[tuple[str, ...], Entry]) -> bool:
    key = (entry.key[0], entry.values["supersedes"])
    return key in stored or any(other.key == key for other in wanted)


def _policy(row: dict[str, Any]) -> Policy:
    """A planned row as a policy. Its id comes from its origin, so that supersession works before anything is written."""
    older = row.get("supersedes")
    made = {"id": _id(row["venue_id"], row["origin"]), "supersedes": _id(row["venue_id"], older) if older else None}
    return msgspec.convert(row | made, Policy)


def _id(venue_id: str, origin: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{venue_id}/{origin}"))


async def _warnings(tx: ReadTx, venue_ids: list[str], laid: Entries, policies: list[Policy]) -> list[Warned]:
    """The days with sold places that the import closes or cuts. What was over before is not named again."""
    since = (clock.now() - timedelta(hours=12)).date()
    sold: defaultdict[tuple[str, date], list[store.Sold]] = defaultdict(list)
    for row in await store.sold(tx, venue_ids, since):
        sold[row.venue_id, row.visit_date].append(row)
    openings, special_days = laid.of("openings", "venue_id"), laid.of("special_days", "venue_id")
    products, timeslots = laid.of("products", "venue_id"), laid.of("timeslots", "product_id")
    warnings = []
    for (venue_id, day), rows in sorted(sold.items()):
        hours = calendars.hours_on(
            [msgspec.convert(entry.values, Opening) for entry in openings[venue_id]],
            [msgspec.convert(entry.values, SpecialDay) for entry in special_days[venue_id]],
            day,
        )
        if isinstance(hours, calendars.Closed):
            taken = sum(row.taken for row in rows)
            warnings.append(Warned(venue_id, both(CLOSES, venue=venue_id, day=day, taken=taken)))
            continue
        offered = [
            _Product(entry.key[0], [msgspec.convert(slot.values, Timeslot) for slot in timeslots[entry.key[0]]])
            for entry in products[venue_id]
        ]
        decided = capacity.venue_day(offered, [policy for policy in policies if policy.venue_id == venue_id], day)
        warnings += _cuts(day, rows, {product_id: found.slots for product_id, found in decided.items()})
    return _first(warnings)


def _cuts(day: date, rows: list[store.Sold], places: dict[str, dict[str, int]]) -> list[Warned]:
    over = {row.product_id for row in rows if row.taken > places.get(row.product_id, {}).get(row.code, 0)}
    taken = {product_id: sum(row.taken for row in rows if row.product_id == product_id) for product_id in over}
    left = {product_id: sum(places.get(product_id, {}).values()) for product_id in over}
    return [
        Warned(product_id, both(CUTS, product=product_id, day=day, places=left[product_id], taken=taken[product_id]))
        for product_id in sorted(over)
    ]


def _first(warnings: list[Warned]) -> list[Warned]:
    if len(warnings) <= DAYS_NAMED:
        return warnings
    rest = len(warnings) - DAYS_NAMED
    return [*warnings[:DAYS_NAMED], Warned("", both("{count} more days with sold places are affected.", count=rest))]
