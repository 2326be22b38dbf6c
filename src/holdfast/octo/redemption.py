"""Redemption (octo/redemption, as Ventrata defines it): for those who run the gates. Look up, let in, take back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from holdfast.kit import ids
from holdfast.kit.db import Tx
from holdfast.kit.problems import Problem
from holdfast.orders import resale_gates
from holdfast.orders.resale_gates import Target

from . import bodies, errors
from .bodies import Long, Short, malformed
from .bookings import shown
from .surface import Call

CODES_MAX = 100
NO_CODE = "Name at least one code, and at most a hundred."
NO_MOMENT = "This is not a moment of the form 2026-12-01T09:30:00Z."


class RedeemBody(msgspec.Struct, rename="camel", frozen=True):
    redemption_code: Long | list[Long] | None = None
    timestamp: Short | None = None
    notes: Long | None = None


async def lookup(call: Call) -> Any:
    """The bookings that a code or number stands for."""
    resale_gates.require_gate(call.seller)
    asked = dict(parse_qsl(call.scope["query_string"].decode("latin-1"), max_num_fields=20))
    reference = asked.get("reference", "").replace("\0", "").strip()
    if not reference:
        raise malformed("reference", NO_CODE)
    async with call.db.reading() as tx:
        found = await resale_gates.find(tx, call.seller, reference)
    return [_told(target, reference, call) for target in found]


async def validate(call: Call) -> Any:
    """Whether codes admit now, by what is known; nobody is let in."""

    async def look(tx: Tx, code: str, given: RedeemBody) -> Target:
        return await resale_gates.require(tx, call.seller, code)

    return await _each(call, look)


async def redeem(call: Call) -> Any:
    """Lets in; `timestamp` says that it happened before, at a gate without a network."""

    async def let_in(tx: Tx, code: str, given: RedeemBody) -> Target:
        return await resale_gates.redeem(tx, call.seller, code, _moment(given.timestamp))

    return await _each(call, let_in)


async def unredeem(call: Call) -> Any:
    """It was a mistake: the ticket admits again."""

    async def take_back(tx: Tx, code: str, given: RedeemBody) -> Target:
        return await resale_gates.undo(tx, call.seller, code, given.notes or "")

    return await _each(call, take_back)


async def _each(call: Call, act: Callable[[Tx, str, RedeemBody], Awaitable[Target]]) -> Any:
    """One code, one answer; of several codes each has its own, an error beside its neighbours' bookings."""
    resale_gates.require_gate(call.seller)
    given = bodies.read(RedeemBody, call.body)
    if isinstance(given.redemption_code, str) and given.redemption_code:
        target = await call.db.run(act, given.redemption_code, given)
        return _told(target, given.redemption_code, call)
    codes = given.redemption_code if isinstance(given.redemption_code, list) else []
    if not 1 <= len(codes) <= CODES_MAX:
        raise malformed("redemptionCode", NO_CODE)
    _moment(given.timestamp)
    answers: list[Any] = []
    for code in codes:
        try:
            answers.append(_told(await call.db.run(act, code, given), code, call))
        except Problem as problem:
            answers.append({**errors.body(problem, call.locale), "redemptionCode": code})
    return answers


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 2000 <= moment.year < 2100:
            raise ValueError(text)
    except ValueError as error:
        raise malformed("timestamp", NO_MOMENT) from error
    return moment


def _told(target: Target, code: str, call: Call) -> dict[str, Any]:
    """What a code stands for; of a package's or card's number, each visit under its own."""
    by_number = target.booking.include_id and ids.read_code(code)
    named = ids.show_code(target.booking.row.number) if by_number else code
    return {**shown(target.booking, call), "redemptionCode": named, "redeemable": target.redeemable}
