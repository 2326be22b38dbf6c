"""Types and problems of accounts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.problems import Denied, Invalid, TooMany


class Challenge(msgspec.Struct, frozen=True):
    """A code is on its way to a phone."""

    phone_masked: str
    expires_at: datetime


class SignedIn(msgspec.Struct, frozen=True):
    """A session has begun. The token is shown once and stored only as its digest."""

    token: str
    account_id: UUID
    phone_masked: str
    expires_at: datetime


class Session(msgspec.Struct, frozen=True):
    """Who a token speaks for."""

    account_id: UUID
    phone_masked: str
    kept: bool
    expires_at: datetime


class Device(msgspec.Struct, frozen=True):
    """A live session as its owner sees it in the list of devices."""

    device: str
    kept: bool
    created_at: datetime
    expires_at: datetime
    token_hash: bytes


class SignInNeeded(Denied):
    """Please sign in first."""

    status = 401
    safe = "Nothing is lost by signing in."
    next_step = "Sign in with the code we send to your phone; there is no password."


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
