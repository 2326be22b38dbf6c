"""Types and problems of credentials: what identifies an account and what proves it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Denied, Invalid, NotFound, Unavailable


class Identifier(msgspec.Struct, frozen=True):
    """A phone, an e-mail address or an identity elsewhere, as its owner sees it."""

    id: UUID
    kind: str
    masked: str
    verified_at: datetime


class Passkey(msgspec.Struct, frozen=True):
    """A passkey as its owner sees it. `synced`: it is kept by a service and works on more than one device."""

    id: UUID
    name: str
    synced: bool
    created_at: datetime
    used_at: datetime | None


class Credentials(msgspec.Struct, frozen=True):
    """All that lets a person in."""

    identifiers: list[Identifier]
    passkeys: list[Passkey]
    password_set_at: datetime | None

    @property
    def ways(self) -> int:
        """How many of them open the account by themselves: a password needs something to go with."""
        return len(self.identifiers) + len(self.passkeys)


class PasswordWeak(Invalid):
    """This password cannot be used."""

    safe = "Nothing was changed."
    next_step = "Choose another; four random words make a good one."


class PasswordWrong(Invalid):
    """Name and password do not fit together."""

    safe = "Nothing is locked by this."
    next_step = "Check both, or sign in with a code."


class PasskeyRefused(Invalid):
    """This passkey did not open anything."""

    safe = "Nothing was changed."
    next_step = "Try again, or sign in another way; a passkey that was removed here opens nothing any more."


class PasskeyKnown(Conflict):
    """This passkey is already there."""

    safe = "Nothing was changed."
    next_step = "Use it to sign in, or add one from another device."


class IdentifierTaken(Conflict):
    """This belongs to another account."""

    safe = "Nothing was changed; both accounts are as they were."
    next_step = "If the other account is yours too, join the two: everything of both stays and is seen from either."


class IdentifierYours(Conflict):
    """This is already part of your account."""

    safe = "Nothing was changed."
    next_step = "Use it to sign in."


class LastWayIn(Conflict):
    """This is the last way into your account."""

    safe = "Nothing was removed."
    next_step = "Add another phone, e-mail address or passkey first."


class CredentialUnknown(NotFound):
    """Your account has no such way to sign in."""

    next_step = "Look at the list: it may have been removed already."


class DeviceUnknown(NotFound):
    """You are signed in on no such device."""

    next_step = "Look at the list of devices: it may be signed out already."


class FreshProofNeeded(Denied):
    """Please confirm that it is you."""

    safe = "Nothing was changed."
    next_step = "Confirm with a code, your password or a passkey; then go on where you were."


class ExternalRefused(Invalid):
    """The other site did not say who you are."""

    safe = "Nothing was changed."
    next_step = "Begin again, or sign in another way."


class ExternalUnavailable(Unavailable):
    """The other site does not answer."""

    safe = "Nothing was changed."
    next_step = "Sign in another way; your orders are found from each."


class ProviderUnknown(NotFound):
    """There is no such site to sign in with."""

    next_step = "Choose one of those on the sign-in page."
