"""Official positions as changes that need two people: publishing one, and setting its end.

The payload of `KIND` is ``{"says": {"zh", "en"}, "keywords": [[…], …], "is_urgent": bool, "valid_until": ISO 8601 or null}``, that
of `ENDING` ``{"position": id, "until": ISO 8601}``. Neither is taken back: what we stood by, we stood by; a new position says more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from holdfast import accounts, changes, notices
from holdfast.accounts import Role
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

KIND, ENDING = "official-position", "official-position-end"
ROLES = (Role.OPERATIONS, Role.MARKETING)
"""Who may propose, and who may agree."""
TTL = timedelta(days=2)
"""A position is wanted while people ask; one that nobody approved for so long is asked for anew."""
NOBODY_YET = "nobody yet"


async def propose(
    db: Db,
    actor: Actor,
    *,
    says: dict[str, str],
    keywords: str,
    is_urgent: bool,
    valid_until: datetime | None,
    reason: str,
) -> changes.Proposal:
    """Somebody wants us to stand by something. InvalidInput; PositionEndsBeforeNow; ReasonNeeded."""
    groups = notices.positions.read(says, keywords)
    payload = {
        "says": {locale: " ".join(text.split()) for locale, text in says.items()}, "keywords": groups, "is_urgent": is_urgent,
        "valid_until": valid_until.isoformat() if valid_until else None,
    }  # fmt: skip
    return await changes.propose(db, actor, KIND, payload, reason)


async def propose_end(db: Db, actor: Actor, position_id: UUID, until: datetime, reason: str) -> changes.Proposal:
    """Somebody wants a position to end then. PositionUnknown; PositionOver; PositionEndsBeforeNow; ReasonNeeded."""
    return await changes.propose(db, actor, ENDING, {"position": str(position_id), "until": until.isoformat()}, reason)


async def _publish(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    until = draft.payload["valid_until"]
    made = await notices.positions.publish(
        tx, says=draft.payload["says"], keywords=draft.payload["keywords"], is_urgent=draft.payload["is_urgent"],
        valid_until=datetime.fromisoformat(until) if until else None, proposal_id=draft.id, proposed_by=draft.proposed_by,
        approved_by=draft.approved_by or NOBODY_YET,
    )  # fmt: skip
    return {"position": str(made)}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    """What will stand in the register."""
    made = await notices.positions.require(tx, UUID(effects["position"]))
    until = made.valid_until.isoformat() if made.valid_until else None
    return {"says": made.says, "keywords": made.keywords, "is_urgent": made.is_urgent, "valid_until": until}


async def _end(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    position_id = UUID(draft.payload["position"])
    until = datetime.fromisoformat(draft.payload["until"])
    await notices.positions.end(tx, position_id, until=until, proposal_id=draft.id, why=draft.reason)
    return {"position": str(position_id)}


async def _preview_end(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    ended = await notices.positions.require(tx, UUID(effects["position"]))
    return {"says": ended.says, "until": ended.valid_until.isoformat() if ended.valid_until else None}


async def _approver(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    """A second person, not a second account. RoleMissing; RoleTooNew; NamesakeProposed."""
    return await accounts.reviewer(tx, actor, ROLES, [proposal.proposed_by])


changes.register(KIND, apply=_publish, preview=_preview, ttl=TTL, approver=_approver)
changes.register(ENDING, apply=_end, preview=_preview_end, approver=_approver)
