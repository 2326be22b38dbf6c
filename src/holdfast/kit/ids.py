"""Identifiers: UUIDv7 inside (RFC 9562 §5.7), readable codes with a check character outside."""

from __future__ import annotations

import os
import re
import secrets
import time
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY"
"""31 characters without I, L, O, U, Z, which are misread: a prime, so the check character misses no single slip."""
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "Z": "2"})


def uuid7() -> UUID:
    """A new time-ordered UUID: 48 bits of milliseconds, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def _check_character(body: str) -> str:
    """Positional sum with weights 2^n modulo 31: finds every single slip and every swap of neighbours."""
    total = 0
    for character in body:
        total = (total + ALPHABET.index(character)) * 2 % 31
    return ALPHABET[total]


def new_code(characters: int = 9) -> str:
    """A random readable code and its check character. Nine characters give 44 unguessable bits."""
    number, body = secrets.randbelow(31**characters), ""
    for _ in range(characters):
        number, digit = divmod(number, 31)
        body += ALPHABET[digit]
    return body + _check_character(body)


def with_check(body: str) -> str:
    """A text of the alphabet's characters and its check character, as `read_code` wants them."""
    return body + _check_character(body)


def read_code(text: str, characters: int = 9) -> str | None:
    """What a person typed, as a code; None when it cannot be one. Forgives case, spaces, dashes and look-alikes."""
    code = re.sub(r"[\s\-–—]", "", text[:64]).upper().translate(_LOOKALIKES)
    if len(code) != characters + 1 or any(character not in ALPHABET for character in code):
        return None
    return code if _check_character(code[:-1]) == code[-1] else None


def show_code(code: str) -> str:
    """The code in two groups, for eyes and ears: ``7K3QF-90XMA``."""
    return f"{code[: len(code) // 2]}-{code[len(code) // 2 :]}"
