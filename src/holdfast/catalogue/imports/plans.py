"""Bringing a catalogue in: read the file, say what would change, change exactly that.

Nothing is deleted. What a file no longer names is left as it is, or retired on request. Tables that belong to higher
domains (policies to inventory) are handled by them: they register a part here, and an import is still one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files as packaged
from pathlib import Path
from typing import Any

import msgspec

from holdfast.catalogue import store
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.catalogue.search import search_text
from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.i18n import both

from . import contradictions, differences, entries
from .differences import Change, Plan, Warned
from .entries import Entries, Entry
from .fields import TABLES
from .files import Loaded, load, parse
from .mistakes import Place, error

RETIRED = "now"
"""Stands for the moment of the import in a plan, so that a dry run and the import itself are equal."""
Stored = dict[tuple[str, tuple[str, ...]], Entry]


class CatalogueFile(msgspec.Struct, frozen=True):
    """A file without mistakes of its own. `tables` are those it has, even when they are empty."""

    entries: list[Entry]
    tables: frozenset[str]

    def of(self, table: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.table == table]


class PartPlan(msgspec.Struct, frozen=True):
    """What a part adds to a plan, and the mistakes it found."""

    changes: list[Change] = []
    unchanged: int = 0
    warnings: list[Warned] = []
    errors: list[dict[str, Any]] = []


class Part(msgspec.Struct, frozen=True):
    """How a higher domain takes its share of an import: it plans with all rows as they will be, and applies."""

    plan: Callable[[ReadTx, CatalogueFile, Entries], Awaitable[PartPlan]]
    apply: Callable[[Tx, Actor, Plan], Awaitable[None]]


PARTS: dict[str, Part] = {}
"""Table of the file → the part that a higher domain registered for it."""


def read(path: Path | str) -> CatalogueFile:
    """The .json file, .csv file or folder of .csv files. CatalogueFileUnreadable (an InvalidInput) lists every mistake:
    ``{"file", "at", "field", "code", "message": {"zh", "en"}}``."""
    return _checked(load(Path(path)))


def read_upload(content: bytes, name: str) -> CatalogueFile:
    """The same for one uploaded file."""
    return _checked(parse(content, name))


def demo() -> CatalogueFile:
    """The demo catalogue that comes with the program: 25 real attractions, every figure with its provenance, and
    invented hotels and restaurants, every figure of them marked as illustrative."""
    folder = packaged("holdfast.catalogue") / "demo"
    loaded = Loaded()
    for name in ("attractions.json", "establishments.json"):
        part = parse((folder / name).read_bytes(), name)
        loaded.records += part.records
        loaded.errors += part.errors
        loaded.tables |= part.tables
    return _checked(loaded)


async def plan(tx: ReadTx, file: CatalogueFile, *, retire_missing: bool = False) -> Plan:
    """What `apply` would change, and what deserves a look first. Raises like `read` when the file does not fit what is
    stored. With `retire_missing`, what the file's tables no longer name at its venues is retired."""
    stored = await _stored(tx, file)
    laid = _laid_over(file, stored, retire_missing=retire_missing)
    errors = [*_moved(file, stored), *contradictions.find(laid)]
    changes, unchanged = differences.between((e for e in file.entries if e.table not in PARTS), stored)
    changes += await _missing(tx, file, stored, retire_missing=retire_missing)
    warnings = _warnings(laid)
    if set(file.tables) - set(PARTS) - set(store.TABLES):
        raise AssertionError("nobody has registered for the policies of a catalogue file; import holdfast.inventory")
    for part in PARTS.values():
        found = await part.plan(tx, file, laid)
        changes, unchanged = changes + found.changes, unchanged + found.unchanged
        warnings, errors = warnings + found.warnings, errors + found.errors
    if errors:
        raise CatalogueFileUnreadable(errors=errors)
    order = list(TABLES)
    return Plan(sorted(changes, key=lambda change: (order.index(change.table), change.key)), unchanged, warnings)


async def apply(tx: Tx, actor: Actor, file: CatalogueFile, *, retire_missing: bool = False) -> Plan:
    """Imports the file and returns the plan it carried out. Run again, it changes nothing."""
    await lock(tx, "catalogue.import")
    made = await plan(tx, file, retire_missing=retire_missing)
    now = clock.now()
    for table in store.TABLES:
        rows = [
            row_to_write(change, now.isoformat())
            for change in made.changes
            if change.table == table and change.kind != "left"
        ]
        if rows:
            await store.write(tx, table, rows, now)
    for part in PARTS.values():
        await part.apply(tx, actor, made)
    if not made.changes_nothing:
        await audit.record(tx, actor, "catalogue.import", "catalogue", changes=_for_audit(made))
    return made


def row_to_write(change: Change, now: str) -> dict[str, Any]:
    """The row to write: what the plan says, with the moment of the import and the venue's search text."""
    row = change.row | ({"retired_at": now} if change.kind == "retired" else {})
    return row | {"search_text": search_text(row)} if change.table == "venues" else row


def _checked(loaded: Loaded) -> CatalogueFile:
    found, errors = entries.read(loaded.records)
    errors = [*loaded.errors, *errors, *contradictions.duplicates(found)]
    known: dict[str, set[str]] = {table: set() for table in ("sources", "venues", "products") if table in loaded.tables}
    for record in loaded.records:
        if record.table in known:
            known[record.table].add(str(record.given.get("id")))
    errors += contradictions.find(Entries(found, known))
    if errors:
        raise CatalogueFileUnreadable(errors=errors)
    return CatalogueFile(found, frozenset(loaded.tables))


async def _stored(tx: ReadTx, file: CatalogueFile) -> Stored:
    """What is stored of all that the file speaks of."""
    products = {e.key[0] for e in file.of("products")} | _named(file, "product_id")
    owners = await store.venues_of(tx, sorted(products), [entry.key[0] for entry in file.of("prices")])
    venue_ids = {e.key[0] for e in file.of("venues")} | _named(file, "venue_id") | set(owners)
    found: Stored = {}
    for table, row in await store.stored(tx, sorted(venue_ids)):
        columns = {field.stored for field in TABLES[table].fields} | {"retired_at"}
        values = {name: value for name, value in row.items() if name in columns}
        key = tuple(str(row[name]) for name in TABLES[table].key)
        found[table, key] = Entry(table, key, values, place=Place("", f"stored: {table} {'/'.join(key)}"))
    return found


def _named(file: CatalogueFile, field: str) -> set[str]:
    return {str(entry.values[field]) for entry in file.entries if entry.values.get(field)}


def _laid_over(file: CatalogueFile, stored: Stored, *, retire_missing: bool) -> Entries:
    """All rows on offer as they will be after the import; every reference can be checked against them."""
    rows = {(entry.table, entry.key): entry for entry in file.entries}
    for key, known in stored.items():
        entry = rows.get(key)
        if entry:
            values = differences.laid_over(entry, known)
            rows[key] = Entry(entry.table, entry.key, values, entry.given, entry.place)
        elif not known.values.get("retired_at") and not (retire_missing and _is_missing(known, file)):
            rows[key] = known
    return Entries(rows.values(), {"sources": (), "venues": (), "products": ()})


def _moved(file: CatalogueFile, stored: Stored) -> Iterable[dict[str, Any]]:
    for entry in file.entries:
        known = stored.get((entry.table, entry.key))
        field = {"products": "venue_id", "prices": "product_id"}.get(entry.table)
        if known and field and known.values[field] != entry.values[field]:
            yield error(entry.place, field, "MOVED", name=entry.key[0], owner=known.values[field])


def _is_missing(known: Entry, file: CatalogueFile) -> bool:
    """A price that is paid with a card is no business of files: it comes and goes with the cards."""
    return known.table in file.tables and known.table != "sources" and not known.values.get("with_card")


async def _missing(tx: ReadTx, file: CatalogueFile, stored: Stored, *, retire_missing: bool) -> list[Change]:
    """What is on offer at the file's venues without being in the file: retired, or named as left alone."""
    named = {(entry.table, entry.key) for entry in file.entries}
    rows = {key: known for key, known in stored.items() if not known.values.get("retired_at")}
    if retire_missing and "venues" in file.tables:
        others = await store.stored(tx, await store.venues_on_offer(tx))
        columns = {field.stored for field in TABLES["venues"].fields} | {"retired_at"}
        for table, row in others:
            if table == "venues":
                values = {name: value for name, value in row.items() if name in columns}
                rows["venues", (row["id"],)] = Entry("venues", (row["id"],), values)
    changes = []
    for key, known in rows.items():
        if key in named or not _is_missing(known, file):
            continue
        if retire_missing:
            row = known.values | {"retired_at": RETIRED}
            changes.append(Change(known.table, known.key, "retired", {"retired_at": (None, RETIRED)}, row))
        else:
            changes.append(Change(known.table, known.key, "left"))
    return changes


def _warnings(laid: Entries) -> list[Warned]:
    found = contradictions.warnings(laid)
    return [Warned(str(place), both(sentence, **values)) for place, sentence, values in found if place.file]


def _for_audit(made: Plan) -> list[dict[str, Any]]:
    """What changed, for the trail: new things by name, changed ones with old and new."""
    return [
        {"table": change.table, "key": "/".join(change.key), "kind": change.kind}
        | ({"fields": change.fields} if change.kind == "changed" else {})
        for change in made.changes
        if change.kind != "left"
    ]
