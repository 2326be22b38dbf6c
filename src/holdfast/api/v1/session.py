"""Signing in with a code sent to a phone, and signing out here or everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from holdfast import accounts
from holdfast.api import findings
from holdfast.api.endpoint import Call
from holdfast.kit.i18n import Locale


class CodeWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send a sign-in code, and in which language."""

    phone: Annotated[str, msgspec.Meta(description="as dialled in mainland China, or with + and country code")]
    locale: Locale = "zh"


class CodeSent(msgspec.Struct, frozen=True):
    """A code is on its way."""

    phone_masked: str
    expires_at: datetime


class NewSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone and the code that was sent to it. `kept` sessions last 90 days, others four hours."""

    phone: str
    code: Annotated[str, msgspec.Meta(max_length=40)]
    kept: bool = False
    device: Annotated[str, msgspec.Meta(max_length=200, description="shown in the owner's list of devices")] = ""
    locale: Locale = "zh"


class SessionBegun(msgspec.Struct, frozen=True):
    """The token is shown once; send it as ``Authorization: Bearer <token>``."""

    token: str
    phone_masked: str
    expires_at: datetime


class SessionAnswer(msgspec.Struct, frozen=True):
    """Who the token speaks for."""

    phone_masked: str
    kept: bool
    expires_at: datetime


class SessionsEnded(msgspec.Struct, frozen=True):
    """How many sessions there were."""

    ended: int


async def request_code(call: Call) -> CodeSent:
    """Sends a six-digit code to a phone."""
    body: CodeWanted = call.body
    sent = await accounts.request_code(call.db, findings.phone(body.phone), body.locale, call.source)
    return CodeSent(sent.phone_masked, sent.expires_at)


async def sign_in(call: Call) -> SessionBegun:
    """Begins a session; the first one opens the account."""
    body: NewSession = call.body
    begun = await accounts.sign_in(
        call.db, findings.phone(body.phone), body.code, kept=body.kept, device=body.device, locale=body.locale,
        source=call.source,
    )  # fmt: skip
    return SessionBegun(begun.token, begun.phone_masked, begun.expires_at)


async def session(call: Call) -> SessionAnswer:
    """Who is signed in."""
    return SessionAnswer(call.session.phone_masked, call.session.kept, call.session.expires_at)


async def sign_out(call: Call) -> None:
    """Ends this session."""
    await call.db.run(accounts.sign_out, call.token)
    call.state.doorkeeper.forget(call.token)


async def sign_out_everywhere(call: Call) -> SessionsEnded:
    """Ends every session of the person, this one too."""
    ended = await call.db.run(accounts.sign_out_everywhere, call.session.account_id)
    call.state.doorkeeper.forget_all()
    return SessionsEnded(ended)
