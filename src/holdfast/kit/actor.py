"""Who is asking. Every command gets an actor; the audit trail and the events of an order name them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["traveller", "staff", "partner", "system"]


class Actor(msgspec.Struct, frozen=True):
    """A traveller is the account of the credential used; the system names its job."""

    kind: Kind
    account_id: UUID | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.account_id or self.name}"


def system(name: str) -> Actor:
    """The program itself, doing `name`."""
    return Actor("system", name=name)
