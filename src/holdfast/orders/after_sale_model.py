"""Types and problems of what happens after the sale."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid, NotFound


class ChangeState(StrEnum):
    """Where a change to another slot stands. Only one of an order is under way, while its difference is to be paid."""

    AWAITING_PAYMENT = "awaiting_payment"
    DONE = "done"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Change(msgspec.Struct, frozen=True):
    """A change to another slot of the same product. `due_minor`: above zero it is to be paid, below it goes back."""

    id: UUID
    order_id: UUID
    seq: int
    state: ChangeState
    from_slot: UUID
    to_slot: UUID
    old_minor: int
    new_minor: int
    fee_minor: int
    due_minor: int
    currency: str
    benefit_id: UUID | None
    intent_id: UUID | None
    asked_by: str
    asked_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None


class Benefit(msgspec.Struct, frozen=True):
    """One benefit: of an order, or of an account and with it of the person behind it."""

    id: UUID
    kind: str
    order_id: UUID | None
    account_id: UUID | None
    reason: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime
    used_at: datetime | None


class QuoteChanged(Conflict):
    """The sum is not the one you were shown any more."""

    safe = "Nothing was changed and no money was moved."
    next_step = "Look at the sum as it is now, and confirm again if it suits you."


class PartNotPossible(Conflict):
    """Only the whole of this order can be cancelled at the moment."""

    safe = "The order stands as it was."
    next_step = "Pay it first, or finish the change that is under way; then some of its visitors can be taken off."


class TravellersUnknown(Invalid):
    """Some of these visitors are not in this order."""

    safe = "Nothing was changed."
    next_step = "Choose from the visitors that the order shows."


class NotChangeable(Conflict):
    """This order can not be changed to another date or time."""

    safe = "The order stands as it was."
    next_step = "Look at the order's page for what is possible now."


class ChangeUnderWay(Conflict):
    """Another change of this order waits to be paid."""

    safe = "Your visit stands as it was, and the new places are held for the time shown."
    next_step = "Pay the difference, or give that change up; then choose again."


class ChangeUnknown(NotFound):
    """There is no change of this order under way."""

    safe = "The order stands as it was."
    next_step = "Choose a new date or time on the order's page."


class BenefitInvalid(Invalid):
    """A benefit needs one order or one account, a reason, and a time in the future until which it may be used."""

    safe = "Nothing was granted."
    next_step = "Complete it and grant it again."
