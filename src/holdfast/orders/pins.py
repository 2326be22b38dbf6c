"""PINs: eight characters beside an order's number that open it without signing in, printed with the tickets.

A PIN is the first 40 bits of an HMAC-SHA-256 of the order's number in Crockford's base 32: nothing is stored, so nothing can
be copied from the database, and every order has one. Five wrong ones an hour count for an order and for a source: who guesses
at one order for two hundred years finds it with a chance of one in a hundred thousand.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from holdfast import admission
from holdfast.kit import crypto, ids
from holdfast.kit.db import Db, Tx

from . import lookup, store
from .finding_model import PinWrong
from .model import LookupTooOften, Order

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O and U."""
CHARACTERS = 8
TRIES = 5
WINDOW_S = 3600
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})


def pin(number: str) -> str:
    """The PIN of an order: 8 characters, 40 bits."""
    bits = int.from_bytes(hmac.digest(crypto.derived("links", "order-pin"), number.encode(), "sha256")[:5])
    return "".join(ALPHABET[bits >> 5 * at & 31] for at in reversed(range(CHARACTERS)))


def show(number: str) -> str:
    """The PIN of an order in two groups, for eyes and ears: ``7K3Q-90XM``."""
    return ids.show_code(pin(number))


def read(text: str) -> str | None:
    """What a person typed, as a PIN; None when it cannot be one. Forgives case, spaces, dashes and look-alikes."""
    typed = re.sub(r"[\s\-–—]", "", text[:64]).upper().translate(_LOOKALIKES)
    return typed if len(typed) == CHARACTERS and all(character in ALPHABET for character in typed) else None


def fits(number: str, typed: str) -> bool:
    """Whether a typed PIN is that of an order; constant time."""
    return hmac.compare_digest(pin(number), read(typed) or "-" * CHARACTERS)


async def by_pin(db: Db, number: str, typed: str, source: str) -> Order:
    """The whole order that a number and its PIN open.

    PinWrong when they do not belong together, also for a number that does not exist. LookupTooOften after five wrong ones in
    an hour, for the order or from the source; a right one does not count.
    """
    code = ids.read_code(number)
    if code is None or not await holding(db, [code], typed, source):
        raise PinWrong
    async with db.reading() as tx:
        row = await store.by_number(tx, code)
        if row is None:
            raise PinWrong
        return await lookup.whole(tx, row)


async def holding(db: Db, codes: Sequence[str], typed: str, source: str) -> list[str]:
    """Which of these orders a PIN fits, counted for each of them when it fits none. LookupTooOften as `by_pin` says.

    A try is counted before it is judged, so that many at once are no more than five.
    """
    subjects = sorted({f"source:{source}", *(f"order:{code}" for code in codes)})
    for left in await db.run(_spend, subjects):
        if not left.allowed:
            raise LookupTooOften(retry_after_s=left.resets_in_s)
    fitting = [code for code in codes if fits(code, typed)]
    if fitting:
        await db.run(_give_back, subjects)
    return fitting


async def _spend(tx: Tx, subjects: list[str]) -> list[admission.Left]:
    return [await admission.spend(tx, "order-pin", one, uses=TRIES, per_s=WINDOW_S) for one in subjects]


async def _give_back(tx: Tx, subjects: list[str]) -> None:
    for one in subjects:
        await admission.give_back(tx, "order-pin", one)
