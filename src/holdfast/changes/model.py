"""Types, transitions and problems of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Denied, Invalid, NotFound


class State(StrEnum):
    """Where a proposal stands. Nothing is ever deleted."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"
    REVERTED = "reverted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.APPROVED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.APPROVED: frozenset({State.APPLIED, State.PROPOSED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.APPLIED: frozenset({State.REVERTED}),
    State.REJECTED: frozenset(),
    State.REVERTED: frozenset(),
    State.EXPIRED: frozenset(),
    State.WITHDRAWN: frozenset(),
}
OPEN = (State.PROPOSED, State.APPROVED)


class Demand(msgspec.Struct, frozen=True):
    """Whose agreement a proposal needs: so many people besides whoever proposed it, one of them in each capacity."""

    people: int = 1
    capacities: tuple[str, ...] = ()


class Proposal(msgspec.Struct, frozen=True):
    """A change somebody wants. `preview` is what applying it did when it was tried last; `effects` what it has done."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    content_hash: bytes
    base_version: str | None
    preview: dict[str, Any]
    preview_hash: bytes
    previewed_at: datetime
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    state: State
    state_since: datetime
    effects: dict[str, Any] | None
    approved_by: str | None
    people_needed: int = 1
    capacities_needed: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def shown(self) -> str:
        """The hash of the preview as forms carry it."""
        return self.preview_hash.hex()


class Review(msgspec.Struct, frozen=True):
    """One step of a proposal: who took it, on what they had seen."""

    by: str
    verdict: str
    content_hash: bytes
    preview_hash: bytes
    note: str
    at: datetime
    capacities: tuple[str, ...] = ()


def hashed(content: Any) -> bytes:
    """SHA-256 of the content as JSON with sorted keys: equal content, equal hash."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).digest()


def suffices(demand: Demand, given: Mapping[str, Collection[str]]) -> bool:
    """Whether these people, each with the capacities in which they agreed, are all that is needed."""
    named = {capacity for capacities in given.values() for capacity in capacities}
    return len(given) >= demand.people and set(demand.capacities) <= named


def may_become(state: State, wanted: State) -> bool:
    """Whether the transition table allows it."""
    return wanted in TRANSITIONS[state]


class ProposalUnknown(NotFound):
    """There is no such proposal."""

    next_step = "Look at the list of what waits for a decision."


class ProposalOver(Conflict):
    """This proposal has been decided already."""

    safe = "Nothing was changed by this request."
    next_step = "Look at the proposal: it says who decided what and when. Propose it again if it is still wanted."


class SamePerson(Denied):
    """Whoever proposed a change cannot approve it."""

    safe = "Nothing was changed; the proposal still waits."
    next_step = "Ask a colleague to look at it."


class AlreadyAgreed(Conflict):
    """You have agreed to this already; it still needs others."""

    safe = "Your agreement counts and stays."
    next_step = "Ask a colleague who has not agreed yet."


class FiguresDiffer(Conflict):
    """What you typed is not what was proposed, so the proposal has been rejected."""

    safe = "Nothing was started. Which figure differs is not said, so that nobody tries until it fits."
    next_step = "Ask whoever proposed it what was meant; it can be proposed again."


class PreviewStale(Conflict):
    """Applying this would now do something else than the preview showed."""

    safe = "Nothing was changed."
    next_step = "Look at the new preview; approve it if it is still right."


class BaseMoved(Conflict):
    """What this change was proposed for has changed since."""

    safe = "Nothing was changed."
    next_step = "Withdraw the proposal and make a new one for things as they are now."


class NotRevertible(Conflict):
    """This kind of change cannot be taken back by itself."""

    safe = "Nothing was changed."
    next_step = "Propose a change that does the opposite."


class ReasonNeeded(Invalid):
    """A proposal needs a reason."""

    safe = "Nothing was changed."
    next_step = "Say why, in 4 to 500 characters: it is kept in the audit trail."
