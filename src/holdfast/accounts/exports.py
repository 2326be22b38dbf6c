"""Exports: a copy of everything held about a person, to read and to take elsewhere (PIPL art. 45).

Asked for with a fresh proof, made by a job from one snapshot, kept sealed for some days, fetched by whoever is signed in to
the accounts that are in it. The file is a zip: ``data.json`` for machines with its ``schema.json``, ``zh.html`` and
``en.html`` for people.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import admission
from holdfast.kit import audit, clock, crypto, ids, jobs, retention, settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx

from . import exports_page, exports_store, reaching, rights
from .links import members
from .rights_model import Export, ExportNotReady, ExportOver, ExportState, ExportTooOften, ExportUnknown

PER_DAY = 3
A_DAY_S = 24 * 3600
BUILDER = system("exports")
SEALED_AS = "accounts.exports.content"


async def ask(db: Db, actor: Actor) -> Export:
    """Asks for a copy for the person behind the actor's account; one that is being made is the answer to a second asking.

    ExportTooOften after three in a day. A fresh proof is the surface's matter.
    """
    assert actor.account_id
    waiting = [one for one in await db.read(listed, actor.account_id) if one.state is ExportState.ASKED]
    if waiting:
        return waiting[0]
    left = await db.run(admission.spend, "export", str(actor.account_id), uses=PER_DAY, per_s=A_DAY_S)
    if not left.allowed:
        raise ExportTooOften(retry_after_s=left.resets_in_s)
    return await db.run(_ask, actor)


async def _ask(tx: Tx, actor: Actor) -> Export:
    assert actor.account_id
    export_id = ids.uuid7()
    accounts = sorted(await members(tx, actor.account_id))
    if await exports_store.insert(tx, export_id, actor.account_id, accounts, clock.now()):
        await audit.record(tx, actor, "rights.export", f"account:{actor.account_id}", export=str(export_id))
        await jobs.emit(tx, "export.asked", {"export_id": str(export_id)})
    found = await exports_store.waiting(tx, actor.account_id)
    assert found
    return found


async def listed(tx: ReadTx, account_id: UUID) -> list[Export]:
    """The copies that the person behind an account asked for, newest first."""
    return await exports_store.of_person(tx, account_id)


async def build(db: Db, export_id: UUID) -> None:
    """Makes a copy that was asked for, and tells its owner. Again: nothing."""
    asked = await db.read(exports_store.one, export_id)
    if asked is None or asked.state is not ExportState.ASKED:
        return
    async with db.reading() as tx:
        found = await rights.collect(tx, asked.accounts)
    made_at = clock.now()
    content = packed(found, asked.accounts, made_at)
    sealed = crypto.seal(SEALED_AS, base64.b64encode(content).decode())
    await db.run(_finish, asked, sealed, len(content), made_at)


async def _finish(tx: Tx, asked: Export, sealed: bytes, size: int, made_at: datetime) -> None:
    expires_at = made_at + timedelta(days=retention.kept_days("exports_kept_days"))
    if not await exports_store.finish(tx, asked.id, sealed, size, made_at, expires_at):
        return
    await reaching.tell(
        tx, asked.account_id, "export-ready", days=str((expires_at - made_at).days),
        link=f"{settings.current().base_url}/account/privacy",
    )  # fmt: skip


def packed(found: dict[str, list[msgspec.Struct]], accounts: Sequence[UUID], made_at: datetime) -> bytes:
    """The zip file of what was found."""
    whole: dict[str, Any] = {"format": rights.FORMAT, "made_at": made_at, "accounts": list(accounts), "data": found}
    files = {
        "data.json": msgspec.json.format(msgspec.json.encode(whole), indent=2),
        "schema.json": msgspec.json.format(msgspec.json.encode(rights.schema()), indent=2),
        "zh.html": exports_page.page(found, made_at, "zh").encode(),
        "en.html": exports_page.page(found, made_at, "en").encode(),
    }
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, made_at.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return raw.getvalue()


async def fetch(tx: Tx, actor: Actor, export_id: UUID) -> bytes:
    """The zip file, for its owner; each time is written into the audit trail.

    ExportUnknown when it is somebody else's; ExportNotReady; ExportOver after its days, and when accounts whose data are in
    it are no longer this person's.
    """
    assert actor.account_id
    found = await exports_store.one(tx, export_id)
    mine = await members(tx, actor.account_id)
    if found is None or found.account_id not in mine:
        raise ExportUnknown
    if found.state is ExportState.ASKED:
        raise ExportNotReady
    sealed = await exports_store.content(tx, export_id)
    if sealed is None or found.expires_at is None or found.expires_at <= clock.now() or set(found.accounts) - set(mine):
        raise ExportOver
    await exports_store.count_fetch(tx, export_id)
    await audit.record(tx, actor, "rights.export-fetched", f"account:{found.account_id}", export=str(export_id))
    return base64.b64decode(crypto.unseal(SEALED_AS, sealed))


@retention.rule("copies of personal data", "exports_kept_days")
async def forget_exports(tx: Tx, before: datetime, limit: int) -> int:
    """The content goes; that there was a copy stays."""
    return await exports_store.end(tx, before, limit)
