"""What identifies the account, and the devices on which it is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from holdfast import accounts
from holdfast.accounts import identifiers as owned
from holdfast.api.endpoint import Call


class IdentifierAnswer(msgspec.Struct, frozen=True):
    """A phone, an e-mail address or an identity at another site; never in full."""

    id: UUID
    kind: Literal["phone", "email", "external"]
    masked: str
    verified_at: datetime


class IdentifierList(msgspec.Struct, frozen=True):
    """Phones first."""

    items: list[IdentifierAnswer]


class DeviceAnswer(msgspec.Struct, frozen=True):
    """A live session."""

    id: Annotated[str, msgspec.Meta(description="names the session and opens nothing")]
    device: str
    kept: bool
    current: Annotated[bool, msgspec.Meta(description="the session of this request")]
    methods: Annotated[list[str], msgspec.Meta(description="how its owner proved who they are")]
    created_at: datetime
    seen_at: Annotated[datetime, msgspec.Meta(description="last use, to about five minutes")]
    expires_at: datetime


class DeviceList(msgspec.Struct, frozen=True):
    """Last used first."""

    items: list[DeviceAnswer]


async def identifiers(call: Call) -> IdentifierList:
    """What identifies the account."""
    async with call.db.reading() as tx:
        found = await owned.credentials(tx, call.session.account_id)
    return IdentifierList(msgspec.convert(found.identifiers, list[IdentifierAnswer], from_attributes=True))


async def devices(call: Call) -> DeviceList:
    """Where the person is signed in."""
    found = await call.db.read(accounts.devices, call.session.account_id)
    this = call.session.token_hash
    return DeviceList(
        [
            DeviceAnswer(
                one.id, one.device, one.kept, one.token_hash == this, list(one.methods), one.created_at, one.seen_at,
                one.expires_at,
            )
            for one in found
        ]
    )  # fmt: skip


async def sign_out_device(call: Call) -> None:
    """Ends one session of the person."""
    if not await call.db.run(accounts.sign_out_device, call.session.account_id, call.path("device_id")):
        raise accounts.DeviceUnknown
    call.state.doorkeeper.forget_all()
