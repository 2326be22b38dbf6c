"""Types of notices."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.problems import Unavailable


class Message(msgspec.Struct, frozen=True):
    """A message as its recipient gets it."""

    id: UUID
    channel: str
    recipient: str
    recipient_masked: str
    template: str
    locale: str
    body: str
    created_at: datetime
    sent_at: datetime | None


class Row(msgspec.Struct, frozen=True):
    """A message as its table holds it: recipient and body sealed."""

    id: UUID
    channel: str
    recipient: bytes
    recipient_masked: str
    template: str
    locale: str
    body: bytes
    created_at: datetime
    sent_at: datetime | None


class GatewayDown(Unavailable):
    """The text message could not be handed over."""

    next_step = "It is tried again by itself; you can also ask for a new code."
