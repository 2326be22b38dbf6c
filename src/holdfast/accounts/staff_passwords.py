"""Passwords and one-time codes of staff: Argon2id (RFC 9106) and TOTP (RFC 6238).

A hash takes 64 MiB and a tenth of a second: it is made in one of two threads, so that a flood of tries cannot take all
memory, and never while a transaction is open.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from holdfast.kit import i18n, txstate

from .staff_model import PasswordUnfit

PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 12, 200
STEP_S = 30
SHORT = "A password has at least 12 characters; four random words make a good one."
LONG = "A password has at most 200 characters."
GUESSABLE = "This password is too easy to guess: use more different characters, and neither your name nor your login."

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")


def check_password(password: str, login: str, name: str) -> str:
    """The password as it is hashed (NFKC, NIST SP 800-63B §3.1.1.2). PasswordUnfit says beside the field why not."""
    typed = unicodedata.normalize("NFKC", password)
    own = {part for part in (login, login.partition("@")[0], name.casefold()) if len(part) > 3}
    fault = ""
    if len(typed) < PASSWORD_LENGTH_MIN:
        fault = SHORT
    elif len(typed) > PASSWORD_LENGTH_MAX:
        fault = LONG
    elif len(set(typed)) < 6 or any(part in typed.casefold() for part in own):
        fault = GUESSABLE
    if fault:
        raise PasswordUnfit(errors=[{"field": "password", "code": "password-unfit", "message": i18n.both(fault)}])
    return typed


async def hashed(password: str) -> str:
    """The encoded Argon2id hash of a checked password."""
    return await _in_thread(_hasher.hash, password)


async def fits(known: str | None, password: str) -> bool:
    """Whether a typed password has this hash. Without a hash to compare with, the answer takes as long and is no."""
    typed = unicodedata.normalize("NFKC", password[: 2 * PASSWORD_LENGTH_MAX])
    return await _in_thread(_verify, known or _decoy(), typed) == "fits"


def _verify(known: str, typed: str) -> str:
    try:
        return "fits" if _hasher.verify(known, typed) else ""
    except (VerificationError, InvalidHashError):
        return ""


def _decoy() -> str:
    """A hash of nothing anybody knows, with the cost of a real one."""
    salt, tag = (
        base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (_hasher.salt_len, _hasher.hash_len)
    )
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${tag}"


async def _in_thread(work: object, *values: str) -> str:
    txstate.assert_none_open()
    assert callable(work)
    return str(await asyncio.get_running_loop().run_in_executor(_threads, work, *values))


def new_secret() -> str:
    """A fresh authenticator secret: 160 bits, base32 (RFC 4226 §4 R6)."""
    return pyotp.random_base32()


def code_at(secret: str, moment: datetime) -> str:
    """The six digits an authenticator shows at that moment."""
    return pyotp.TOTP(secret).at(moment)


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The 30-second step whose code this is: the present one or a neighbour, and later than the last that counted."""
    typed = "".join(str(unicodedata.decimal(character, "")) for character in code[:40])
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    for step in (present, present - 1, present + 1):
        if step > after and secrets.compare_digest(totp.at(step * STEP_S), typed):
            return step
    return None
