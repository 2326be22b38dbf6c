"""Uploads: catalogue files sent to the console are kept as they came, and an import of one can be taken back."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import Conflict, NotFound

from . import store, uploads_store
from .imports import CatalogueFile, Change, plan, read_upload
from .imports.plans import row_to_write
from .uploads_store import Upload


class UploadUnknown(NotFound):
    """There is no such file."""

    next_step = "Send the file again."


class ChangedSince(Conflict):
    """What this file brought has been changed again since."""

    safe = "Nothing was changed."
    next_step = "Send a file with the values that are wanted now."


async def keep(tx: Tx, actor: Actor, name: str, content: bytes) -> Upload:
    """Keeps a file that can be read. CatalogueFileUnreadable lists every mistake."""
    read_upload(content, name)
    made = Upload(ids.uuid7(), name[:200], content, hashlib.sha256(content).digest(), str(actor), clock.now())
    await uploads_store.insert(tx, made)
    await audit.record(tx, actor, "catalogue.upload", f"upload:{made.id}", name=made.name, sha256=made.sha256.hex())
    return made


async def file_of(tx: ReadTx, upload_id: UUID) -> CatalogueFile:
    """What a kept file says. UploadUnknown."""
    found = await uploads_store.find(tx, upload_id)
    if found is None:
        raise UploadUnknown
    return read_upload(found.content, found.name)


async def undo(tx: Tx, actor: Actor, file: CatalogueFile, made: list[Change], *, retire_missing: bool) -> None:
    """Writes back what an import changed: new things are retired, retired ones are on offer, values are as they were.

    ChangedSince when any of them is not as the import left it. Tables of higher domains are theirs to take back.
    """
    own = [change for change in made if change.table in store.TABLES and change.kind != "left"]
    keys = {(change.table, change.key) for change in own}
    again = await plan(tx, file, retire_missing=retire_missing)
    if any((change.table, change.key) in keys for change in again.changes if change.kind != "left"):
        raise ChangedSince
    now = clock.now()
    for table in store.TABLES:
        rows = [row_to_write(_before(change), now.isoformat()) for change in own if change.table == table]
        if rows and table != "sources":
            await store.write(tx, table, rows, now)
    await audit.record(tx, actor, "catalogue.undo", "catalogue", things=["/".join((c.table, *c.key)) for c in own])


def _before(change: Change) -> Change:
    """The change that takes it back."""
    if change.kind == "created":
        return msgspec.structs.replace(change, kind="retired")
    old: dict[str, Any] = {name: before for name, (before, _after) in change.fields.items()}
    return msgspec.structs.replace(change, kind="changed", row=change.row | old)
