"""Catalogue files as changes that need two people: prices, hours, slots, products, policies; with what they do to bookings.

The payload is ``{"upload": id, "name": …, "retire_missing": bool}``; the file itself is kept with its id.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from holdfast import catalogue, changes, inventory
from holdfast.catalogue import uploads
from holdfast.catalogue.imports import CatalogueFile, Change, Plan
from holdfast.inventory import policies, safety
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import displacement_capacity, displacement_returns, displacement_store

KIND = "catalogue.import"
SHOWN = 200
"""So many changes are shown one by one at most."""


async def propose(
    db: Db, actor: Actor, content: bytes, name: str, reason: str, *, retire_missing: bool
) -> changes.Proposal:
    """Keeps the file, tries it, and asks for a second person. CatalogueFileUnreadable lists every mistake; PlanEmpty."""
    upload = await db.run(uploads.keep, actor, name, content)
    payload = {"upload": str(upload.id), "name": upload.name, "retire_missing": retire_missing}
    return await changes.propose(db, actor, KIND, payload, reason)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    file = await uploads.file_of(tx, UUID(draft.payload["upload"]))
    retire = bool(draft.payload["retire_missing"])
    planned = await catalogue.plan(tx, file, retire_missing=retire)
    if planned.changes_nothing:
        raise policies.PlanEmpty
    venue_ids = await _venues(tx, file, planned)
    before = await safety.snapshot(tx, venue_ids)
    made = await catalogue.apply(tx, actor, file, retire_missing=retire)
    effect = safety.compare(before, await safety.snapshot(tx, venue_ids))
    touched = displacement_capacity.count(await displacement_store.booked(tx, effect.over_slots), effect.over_places)
    await displacement_returns.offer(tx, venue_ids)
    done = [change for change in made.changes if change.kind != "left"]
    return {
        "changes": done,
        "venues": venue_ids,
        "shown": _shown(made, effect, touched, done),
    }


async def _venues(tx: ReadTx, file: CatalogueFile, planned: Plan) -> list[str]:
    """The venues that a file speaks of and that are there already."""
    named = {entry.key[0] for entry in file.of("venues")}
    named |= {str(change.row.get("venue_id")) for change in planned.changes if change.row.get("venue_id")}
    named |= {change.key[0] for change in planned.changes if change.table == "venues"}
    products = {
        str(c.row["product_id"]) for c in planned.changes if c.row.get("product_id") and not c.row.get("venue_id")
    }
    owners = await displacement_store.venues_of_products(tx, sorted(products))
    known = {one.id for one in await policies.venues(tx)}
    return sorted((named | set(owners)) & known)


def _shown(
    made: Plan, effect: safety.Effect, touched: displacement_capacity.Touched, done: list[Change]
) -> dict[str, Any]:
    dangers = set(effect.dangers())
    dangers |= (
        {"prices"}
        if any(c.table == "prices" and "amount_minor" in c.fields and c.kind == "changed" for c in done)
        else set()
    )
    dangers |= {"retires"} if made.retired else set()
    return {
        "counts": {kind: len(made.of(kind)) for kind in ("created", "changed", "retired", "left")},
        "unchanged": made.unchanged,
        "changes": [
            {"table": c.table, "key": "/".join(c.key), "kind": c.kind, "fields": c.fields if c.kind == "changed" else {}}
            for c in done[:SHOWN]
        ],
        "warnings": made.warnings,
        "effect": displacement_capacity.summary(effect),
        "touched": touched,
        "dangers": sorted(dangers),
    }  # fmt: skip


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    return dict(effects["shown"])


async def _revert(tx: Tx, actor: Actor, draft: changes.Draft, effects: dict[str, Any], reason: str) -> None:
    """What was new is retired, what changed is as it was, and rules that came with the file are lifted or as before."""
    file = await uploads.file_of(tx, UUID(draft.payload["upload"]))
    made = msgspec.convert(effects["changes"], list[Change])
    await uploads.undo(tx, actor, file, made, retire_missing=bool(draft.payload["retire_missing"]))
    await inventory.imports.undo(tx, actor, made, reason)
    for venue_id in effects["venues"]:
        await inventory.generate(tx, actor, venue_id=venue_id)
    await displacement_returns.offer(tx, effects["venues"])


changes.register(KIND, apply=_apply, preview=_preview, revert=_revert)
