"""Who may agree to what a colleague proposed: somebody else, who has had the role for a day.

Person means person: the same staff account by page, API or command line is one, and so are two accounts of one name.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Denied

from . import staff_store
from .staff_model import Role, RoleMissing, StaffSignInNeeded

RIPE = timedelta(hours=24)
"""A role that is younger approves nothing: whoever could give it could else approve for themselves."""


class RoleTooNew(Denied):
    """You have had this role for less than a day."""

    safe = "Nothing was changed; the proposal still waits."
    next_step = "Ask a colleague who has had it for longer, or come back after the time shown."


class NamesakeProposed(Denied):
    """A colleague of your name has proposed this or agreed to it already."""

    safe = "Nothing was changed; the proposal still waits."
    next_step = "Two accounts of one name count as one person. Ask somebody else."


async def reviewer(tx: ReadTx, actor: Actor, roles: Sequence[Role], others: Sequence[str]) -> tuple[Role, ...]:
    """Those of `roles` in which somebody may agree now. `others` are actors who cannot be the same person.

    StaffSignInNeeded for whoever is no member of staff; RoleMissing; RoleTooNew; NamesakeProposed.
    """
    if actor.kind != "staff" or actor.account_id is None:
        raise StaffSignInNeeded
    found = await staff_store.standing(tx, actor.account_id)
    if found is None or not found.active:
        raise StaffSignInNeeded
    held = [role for role in roles if role in found.roles]
    if not held:
        raise RoleMissing(roles=list(roles))
    since = {role: found.roles_since.get(role) for role in held}
    ripe = tuple(role for role, at in since.items() if at is not None and at + RIPE <= clock.now())
    if not ripe:
        raise RoleTooNew(until=max(at + RIPE for at in since.values() if at is not None))
    namesakes = {str(Actor("staff", one)) for one in await staff_store.namesakes(tx, actor.account_id)}
    if (namesakes - {str(actor)}) & set(others):
        raise NamesakeProposed
    return ripe


async def name_of(tx: ReadTx, actor: str) -> str:
    """What a member of staff is called; what acted otherwise as the trail has it."""
    kind, _, staff_id = actor.partition(":")
    with suppress(ValueError):
        found = await staff_store.standing(tx, UUID(staff_id)) if kind == "staff" else None
        return found.name if found else actor
    return actor
