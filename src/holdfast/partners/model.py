"""What a partner is, and what can be wrong about one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Text
from holdfast.kit.problems import Conflict, Denied, NotFound


class Partner(msgspec.Struct, frozen=True):
    """A supplier, a reseller, or both. `account_id`: the account that a reseller's orders are written to."""

    id: str
    name: Text
    email: str
    phone: str
    created_at: datetime
    account_id: UUID | None = None
    disabled_at: datetime | None = None
    disabled_reason: str = ""

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None


class PartnerToken(msgspec.Struct, frozen=True):
    """A token of one of a partner's programs, without its secret."""

    id: UUID
    partner_id: str
    name: str
    created_at: datetime
    used_at: datetime | None


class PartnerUnknown(NotFound):
    """There is no partner of this name."""

    next_step = "Check the partner's short name in the list of partners."


class PartnerTokenUnknown(NotFound):
    """This partner has no such token."""

    next_step = "Look at the partner's page: it lists the tokens that count."


class PartnerExists(Conflict):
    """There is a partner of this name already."""

    next_step = "Choose another short name, or change the partner that is there."


class PartnerSignInNeeded(Denied):
    """This is for programs of partners, with a token that counts."""

    status = 401
    safe = "Nothing was changed."
    next_step = "Send the token as Authorization: Bearer hfp_…; we make you a new one where it was ended."
