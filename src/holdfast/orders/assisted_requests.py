"""Requests of people who book through somebody else: as any other, but a phone may be missing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from holdfast.kit.actor import Actor

from . import placing
from .model import Basket, BasketLine, PlaceRequest

_STAND_IN = "+8613800000000"
"""Passes the check of the form; it is taken out again before anything is written."""


def prepare(
    *,
    key: str,
    lines: Sequence[BasketLine],
    phone: str,
    locale: str,
    channel: str,
    actor: Actor,
    account_id: UUID,
    today: date,
    code: str = "",
    quoted_total_minor: int | None = None,
) -> PlaceRequest:
    """As `placing.prepare`; without a phone nobody is told by message, and nobody finds the order by phone."""
    made = placing.prepare(
        account_id=account_id, key=key, basket=Basket(list(lines), phone or _STAND_IN, code, quoted_total_minor), locale=locale,
        channel=channel, actor=actor, today=today,
    )  # fmt: skip
    if phone:
        return made
    return msgspec.structs.replace(made, phone=None, phone_index="\\x" + secrets.token_hex(32), phone_masked="")
