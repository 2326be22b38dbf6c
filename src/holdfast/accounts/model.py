"""Types and problems of accounts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit import crypto
from holdfast.kit.problems import Denied, Invalid, TooMany


class Challenge(msgspec.Struct, frozen=True):
    """A code is on its way to a phone, or to an e-mail address: `phone_masked` is where."""

    phone_masked: str
    expires_at: datetime


class SignedIn(msgspec.Struct, frozen=True):
    """A session has begun. The token is shown once and stored only as its digest."""

    token: str
    account_id: UUID
    phone_masked: str
    expires_at: datetime


class Session(msgspec.Struct, frozen=True):
    """Who a token speaks for. `phone_masked` is an e-mail address or an identity elsewhere when there is no phone."""

    account_id: UUID
    phone_masked: str
    kept: bool
    expires_at: datetime
    proven_at: datetime | None = None
    """When the person last proved who they are in this session; None: before we kept that."""
    methods: tuple[str, ...] = ()
    """How: code, password, passkey, external."""
    token_hash: bytes = b""


class Device(msgspec.Struct, frozen=True):
    """A live session as its owner sees it in the list of devices."""

    device: str
    kept: bool
    created_at: datetime
    expires_at: datetime
    token_hash: bytes
    seen_at: datetime
    methods: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A name for the session that opens nothing."""
        return crypto.digest(bytes(self.token_hash)).hex()[:32]


class SignInNeeded(Denied):
    """Please sign in first."""

    status = 401
    safe = "Nothing is lost by signing in."
    next_step = "Sign in with the code we send you, or another way you have used before."


class CodeWrong(Invalid):
    """This code is not the one we sent."""

    safe = "Everything you typed is still there."
    next_step = "Compare it with the newest message; older codes no longer count."


class CodeExpired(Invalid):
    """This code is no longer valid."""

    safe = "Everything you typed is still there."
    next_step = "Ask for a new code; it arrives within a minute."


class TooManyCodes(TooMany):
    """Too many codes were asked for."""

    safe = "Your account is not locked; the last code still counts."
    next_step = "Use the newest code, or ask again after the time shown."
