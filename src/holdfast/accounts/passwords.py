"""Passwords of travellers, for those who want one: Argon2id as OWASP advises (19 MiB, two passes), rules of ASVS 6.2.

At least 8 characters and as long as anybody likes, no rules of composition, not one that everybody tries. A hash is made in
one of two threads with a short queue before them, so that a flood of tries takes neither the memory nor the site.
"""

from __future__ import annotations

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from holdfast.kit import i18n, txstate
from holdfast.kit.problems import Overloaded

from . import verification
from .credentials_model import PasswordWeak

LENGTH_MIN, LENGTH_MAX = 8, 200
THREADS, QUEUE = 2, 64
SHORT = "A password has at least 8 characters; four random words make a good one."
LONG = "A password has at most 200 characters."
COMMON = "This password is among the first that strangers try. Choose another; four random words make a good one."
OWN = "This password says who you are: it holds your phone number or address. Choose another."

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
_waiting = 0


def check(password: str, own: Collection[str] = (), field: str = "password") -> str:
    """The password as it is hashed (NFKC, NIST SP 800-63B §3.1.1.2). PasswordWeak says beside the field why not.

    `own` are words of the account itself, such as its phone number.
    """
    typed = unicodedata.normalize("NFKC", password)
    plain = typed.casefold()
    fault = ""
    if len(typed) < LENGTH_MIN:
        fault = SHORT
    elif len(typed) > LENGTH_MAX:
        fault = LONG
    elif plain in common() or len(set(plain)) < 4:
        fault = COMMON
    elif any(len(word) >= 4 and word.casefold() in plain for word in own):
        fault = OWN
    if fault:
        raise PasswordWeak(errors=[{"field": field, "code": "password-weak", "message": i18n.both(fault)}])
    return typed


@cache
def common() -> frozenset[str]:
    """Passwords that are tried first."""
    text = (files("holdfast.accounts") / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


async def hashed(password: str) -> str:
    """The encoded Argon2id hash of a checked password."""
    return await _in_thread(_hasher.hash, password)


async def fits(known: str | None, password: str) -> bool:
    """Whether a typed password has this hash. Without a hash to compare with, the answer takes as long and is no."""
    if not verification.stands():
        return False
    typed = unicodedata.normalize("NFKC", password[: 2 * LENGTH_MAX])
    return await _in_thread(_verify, known or _decoy(), typed) == "fits" and known is not None


def _verify(known: str, typed: str) -> str:
    try:
        return "fits" if _hasher.verify(known, typed) else ""
    except (VerificationError, InvalidHashError):
        return ""


@cache
def _decoy() -> str:
    """A hash of nothing anybody knows, with the cost of a real one."""
    salt, tag = (base64.b64encode(os.urandom(n)).decode().rstrip("=") for n in (_hasher.salt_len, _hasher.hash_len))
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${tag}"


async def _in_thread(work: Callable[..., str], *values: str) -> str:
    """Overloaded when more wait than will be answered soon."""
    global _waiting  # noqa: PLW0603 - one queue per process
    txstate.assert_none_open()
    if _waiting >= QUEUE:
        raise Overloaded(retry_after_s=5)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work, *values)
    finally:
        _waiting -= 1
