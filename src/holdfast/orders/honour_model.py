"""Types and problems of honouring the mistake of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid, NotFound

Verdict = Literal["honour", "right"]


class Incident(msgspec.Struct, frozen=True):
    """A stop of a version with what it had granted by then. `account`: whom the books charged before the stop."""

    trip_id: UUID
    version_id: UUID
    campaign_id: str
    version: int
    reason: str
    at: datetime
    by: str
    evidence: dict[str, Any]
    payer: str
    agreement: str | None
    label: dict[str, str]
    first_at: datetime | None
    granted: int
    granted_minor: int
    people: int
    currency: str


class Standing(msgspec.Struct, frozen=True):
    """What came of an incident's orders: paid or waiting, put right, and told."""

    redeemed: int
    redeemed_minor: int
    held: int
    released: int
    undecided_minor: int
    loss_minor: int
    put_right: int
    told: int


class Decision(msgspec.Struct, frozen=True):
    """What was decided of an incident, by whom."""

    trip_id: UUID
    verdict: Verdict
    since: datetime
    false_label: bool
    reason: str
    proposal_id: UUID
    proposed_by: str
    approved_by: str
    decided_at: datetime
    ended_at: datetime | None


class Gainer(msgspec.Struct, frozen=True):
    """An account and what it got in an incident: evidence for people to look at, never a verdict."""

    account_id: UUID
    orders: int
    amount_minor: int
    first_at: datetime
    last_at: datetime
    told: bool
    abuse_at: datetime | None


class IncidentUnknown(NotFound):
    """No campaign was stopped under this number."""

    next_step = "Look at the list of incidents."


class AlreadyDecided(Conflict):
    """It is decided already what becomes of this."""

    safe = "Nothing was changed; what was decided first stands."
    next_step = "Look at the decision; what was granted and told to people is never taken back."


class EvidenceNeeded(Invalid):
    """A decision on one account needs evidence of bad faith."""

    safe = "Nothing was changed."
    next_step = "Say in at least 20 characters what shows that this account used the mistake knowingly."


class NotInIncident(Invalid):
    """This account got nothing in this incident, or got it before the mistake began."""

    safe = "Nothing was changed."
    next_step = "Choose an account from the list of those that got something."


class AlreadyTold(Conflict):
    """This person was told already that the benefit is theirs."""

    safe = "Nothing was changed. What we told people stays true."
    next_step = "Nothing can be taken back from them any more."
