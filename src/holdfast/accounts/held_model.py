"""What accounts holds about a person, as a copy of their data tells it. The types are the documentation of the form."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class HeldAccount(msgspec.Struct, frozen=True):
    """An account. Accounts with the same `person_id` are one person; an erased one is a name without anybody behind it."""

    account_id: UUID
    person_id: UUID
    locale: str
    created_at: datetime
    erased_at: datetime | None


class Contact(msgspec.Struct, frozen=True):
    """Something that identifies an account, sealed, with its blind index."""

    account_id: UUID
    kind: str
    value: bytes
    value_index: bytes
    verified_at: datetime


class HeldIdentifier(msgspec.Struct, frozen=True):
    """A phone (E.164), an e-mail address, or an identity elsewhere."""

    account_id: UUID
    kind: str
    value: str
    verified_at: datetime


class HeldPasskey(msgspec.Struct, frozen=True):
    """A passkey; its key tells nothing about anybody."""

    account_id: UUID
    passkey_name: str
    synced: bool
    created_at: datetime
    used_at: datetime | None


class HeldPassword(msgspec.Struct, frozen=True):
    """That there is a password; it cannot be told, because only what it is compared with is kept."""

    account_id: UUID
    set_at: datetime


class HeldSession(msgspec.Struct, frozen=True):
    """A sign-in on a device, until it ended."""

    account_id: UUID
    device: str
    kept: bool
    created_at: datetime
    seen_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None


class HeldDevice(msgspec.Struct, frozen=True):
    """A device that has signed in; what is kept of it is a digest of a random number."""

    account_id: UUID
    method: str
    first_at: datetime
    last_at: datetime


class HeldSignIn(msgspec.Struct, frozen=True):
    """An attempt to sign in, and why it failed if it did."""

    account_id: UUID
    at: datetime
    method: str
    succeeded: bool
    why: str
    device: str


class HeldRestriction(msgspec.Struct, frozen=True):
    """A pause of one way to sign in, and who ended it early why."""

    account_id: UUID
    scope: str
    reason: str
    created_at: datetime
    expires_at: datetime
    voided_at: datetime | None
    void_reason: str | None


class HeldLink(msgspec.Struct, frozen=True):
    """That two accounts are one person, by what proof, until when."""

    link_id: UUID
    one_account: UUID
    other_account: UUID
    proven_by: str
    made_at: datetime
    ended_at: datetime | None
    end_reason: str | None


class HeldConsent(msgspec.Struct, frozen=True):
    """What was agreed to, where, and when it was taken back. `text_digest`: SHA-256 of the text in both languages, hex."""

    account_id: UUID
    purpose: str
    version: str
    text_digest: str
    place: str
    given_at: datetime
    withdrawn_at: datetime | None


class HeldMessage(msgspec.Struct, frozen=True):
    """A message we sent. Codes in it are blotted out: they prove who somebody is."""

    channel: str
    recipient: str
    template: str
    subject: str
    text: str
    created_at: datetime
    sent_at: datetime | None


class HeldAct(msgspec.Struct, frozen=True):
    """A line of the audit trail about the person, their accounts, orders or payments."""

    at: datetime
    done_by: str
    action: str
    subject: str
    details: dict[str, Any]


class HeldExport(msgspec.Struct, frozen=True):
    """A copy that was asked for, and how often it was fetched."""

    account_id: UUID
    state: str
    asked_at: datetime
    built_at: datetime | None
    expires_at: datetime | None
    fetched: int


class HeldErasure(msgspec.Struct, frozen=True):
    """An erasure that was asked for, and what became of it."""

    account_id: UUID
    scope: str
    state: str
    asked_at: datetime
    due_at: datetime
    finished_at: datetime | None
