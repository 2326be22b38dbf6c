"""Kinds of changes, as the domains above register them.

    changes.register("accounts.merge", apply=_apply, preview=_preview, revert=_revert, version=_version)

`apply` and `revert` are commands, `preview` and `version` queries. `apply` answers its effects: what `revert` needs. The
preview is asked for right after `apply`, in the same transaction, and must be the same as long as applying would do the
same: no new ids and no present moments in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from .model import Demand, Proposal

Json = dict[str, Any]
TTL = timedelta(days=7)


class Draft(msgspec.Struct, frozen=True):
    """A change as its kind sees it. Without `approved_by` it is only being tried."""

    id: UUID
    payload: Json
    reason: str
    proposed_by: str
    approved_by: str | None


Apply = Callable[[Tx, Actor, Draft], Awaitable[Json]]
Preview = Callable[[ReadTx, Draft, Json], Awaitable[Json]]
Revert = Callable[[Tx, Actor, Draft, Json, str], Awaitable[None]]
Version = Callable[[ReadTx, Json], Awaitable[str]]
Demands = Callable[[Json, Json], Demand]
"""Payload and preview → whose agreement it needs."""
Approver = Callable[[ReadTx, Actor, Proposal], Awaitable[Collection[str]]]
"""Who wants to agree → the capacities in which they may; raises why they may not."""
Figures = Callable[[Json], Mapping[str, str]]
"""Payload → what whoever agrees types again, blind."""


class Kind(NamedTuple):
    """How one kind of change is tried, done and undone, whose agreement it needs, and how long it may wait."""

    apply: Apply
    preview: Preview
    revert: Revert | None
    version: Version | None
    ttl: timedelta
    demands: Demands | None
    approver: Approver | None
    approved_ttl: timedelta | None
    figures: Figures | None


KINDS: dict[str, Kind] = {}


def register(
    kind: str, *, apply: Apply, preview: Preview, revert: Revert | None = None, version: Version | None = None,
    ttl: timedelta = TTL, demands: Demands | None = None, approver: Approver | None = None, approved_ttl: timedelta | None = None,
    figures: Figures | None = None,
) -> None:  # fmt: skip
    """Makes a kind known. `revert(tx, actor, draft, effects, reason)`; `version` says what a proposal is based on.

    Without `demands` one other person suffices; without `approver` it may be anybody whom the surface lets in. `approved_ttl`:
    so long an approval counts, else until the proposal's own time is over. `figures`: what whoever agrees must type again without
    seeing it; a slip rejects the proposal.
    """
    assert kind not in KINDS, f"{kind} is registered twice"
    KINDS[kind] = Kind(apply, preview, revert, version, ttl, demands, approver, approved_ttl, figures)


def kind(name: str) -> Kind:
    """A registered kind. KeyError for one that nobody registered: a mistake of the program."""
    return KINDS[name]
