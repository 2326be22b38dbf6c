"""A merge as a change that needs two people: proposed at the desk after a document was looked at, or sent there for review.

The payload is ``{"a": account, "b": account, "evidence": {"means": "document" | "proofs", …}}``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import links, merging, parting
from .merging_model import LinkOver

DOCUMENT_LENGTH_MIN, DOCUMENT_LENGTH_MAX = 4, 300


async def propose_merge(db: Db, actor: Actor, a: UUID, b: UUID, document: str, reason: str) -> changes.Proposal:
    """Staff ask for a merge after a document check, which `document` describes; another colleague approves it.

    Raises what merging would raise, and ReasonNeeded.
    """
    payload = {"a": str(a), "b": str(b), "evidence": {"means": "document", "document": document[:DOCUMENT_LENGTH_MAX]}}
    return await changes.propose(db, actor, merging.KIND, payload, reason)


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    evidence = {**draft.payload["evidence"], "proposal": str(draft.id)}
    done = await merging.merge(
        tx, actor, UUID(draft.payload["a"]), UUID(draft.payload["b"]), evidence=evidence, made_by=draft.proposed_by,
        approved_by=draft.approved_by,
    )  # fmt: skip
    return dict(msgspec.to_builtins(done))


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    left, right = ([UUID(one) for one in effects[side]] for side in ("left", "right"))
    return dict(msgspec.to_builtins((await merging.show(tx, left, right)).lasting))


async def _revert(tx: Tx, actor: Actor, draft: changes.Draft, effects: dict[str, Any], reason: str) -> None:
    """The link may have ended already, by its owner: then there is nothing left to take back."""
    try:
        await parting.undo(tx, actor, UUID(effects["link_id"]), reason)
    except LinkOver:
        return


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    """The accounts of both sides: whoever is joined or parted meanwhile makes it another merge."""
    sides = [await links.members(tx, UUID(payload[side])) for side in ("a", "b")]
    return " | ".join(",".join(str(one) for one in side) for side in sides)


changes.register(merging.KIND, apply=_apply, preview=_preview, revert=_revert, version=_version)
