"""Slips: what their numbers look like, the pads they come in, and what became of each."""

from __future__ import annotations

import hmac
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import crypto, ids
from holdfast.kit.problems import Conflict, Denied, InvalidInput, NotFound

CODE_CHARACTERS = 7
"""Two of the desk and five digits; a check character follows."""
SEAL_CHARACTERS = 6
SERIAL_MAX = 99_999
PAD_MAX = 500
PREFIX = "HFS1"
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "Z": "2"})


class Pad(msgspec.Struct, frozen=True):
    """Numbers `first` to `last` of a desk that are out. `came` of them are back, `void` of those were spoiled."""

    id: UUID
    desk: str
    first: int
    last: int
    kind: str
    day: date | None
    is_drill: bool
    note: str
    made_by: str
    made_at: datetime
    revoked_at: datetime | None
    came: int = 0
    void: int = 0

    @property
    def out(self) -> int:
        """How many have not come back."""
        return self.last - self.first + 1 - self.came


class Slip(msgspec.Struct, frozen=True):
    """A slip that came back, with its outcome; what was written on it is sealed and not here."""

    id: UUID
    desk: str
    number: str
    pad_id: UUID | None
    state: str
    problem: str
    details: dict[str, Any]
    warnings: list[dict[str, Any]]
    allowed: list[str]
    content_hash: bytes
    visit_date: date | None
    is_drill: bool
    order_id: UUID | None
    order_number: str | None
    taken_at: datetime | None
    arrived_at: datetime
    decision: str
    reason: str
    decided_by: str
    decided_at: datetime | None
    has_content: bool


class SlipUnknown(NotFound):
    """No such slip has come back."""

    next_step = "Look at the list of slips; what is still out is not in it."


class PadUnknown(NotFound):
    """There is no such pad of slips."""

    next_step = "Look at the list of pads of the desk."


class PadInvalid(InvalidInput):
    """This pad cannot be made as it is."""

    safe = "No number was given out."
    next_step = "Correct the marked fields."


class SlipsExhausted(Conflict):
    """This desk has given out all of its numbers."""

    safe = "Slips that are out keep counting."
    next_step = "Make another desk with a code of its own, and give out its numbers."


class PadRevoked(Denied):
    """The numbers of this device were called back."""

    safe = "What was taken is still on the device."
    next_step = "Save the list as a file on the device and hand it to a supervisor, who can import it."


class SlipDecided(Conflict):
    """This slip is decided already."""

    safe = "Nothing was changed."
    next_step = "Look at the slip: it says what was decided, and by whom."


def number(desk: str, serial: int) -> str:
    """The number of a slip: desk, five digits, check character."""
    return ids.with_check(f"{desk}{serial:05d}")


def read(text: str) -> str | None:
    """What was typed or scanned, as a number; None when it cannot be one. A scanned code begins with ``HFS1.``"""
    parts = text.strip().split(".")
    typed = parts[1] if len(parts) == 3 and parts[0].upper() == PREFIX else text
    found = ids.read_code(typed, CODE_CHARACTERS)
    return found if found and found[2:CODE_CHARACTERS].isdigit() else None


def read_seal(text: str, typed_number: str) -> str:
    """The seal as typed, or as it stands in a scanned code; look-alikes are forgiven."""
    parts = typed_number.strip().split(".")
    typed = text or (parts[2] if len(parts) == 3 and parts[0].upper() == PREFIX else "")
    plain = "".join(character for character in typed.upper() if character.isalnum())
    return plain.translate(_LOOKALIKES)


def show(code: str) -> str:
    """``GG-00042-K``; what is no number as it is."""
    whole, slash, rest = code.partition("/")
    if len(whole) != CODE_CHARACTERS + 1 or not whole[2:7].isdigit():
        return code
    return f"{whole[:2]}-{whole[2:7]}-{whole[7]}{slash}{rest}"


def serial_of(code: str) -> int:
    """The serial of a number that `read` gave."""
    return int(code[2:CODE_CHARACTERS])


def seal(code: str) -> str:
    """The signature on a slip: 29 bits of an HMAC of its number, so that a number nobody printed is found out."""
    value = int.from_bytes(hmac.digest(crypto.derived("links", "desk-slip"), code.encode(), "sha256")[:8])
    found = ""
    for _ in range(SEAL_CHARACTERS):
        value, digit = divmod(value, len(ids.ALPHABET))
        found += ids.ALPHABET[digit]
    return found


def seal_fits(code: str, typed: str) -> bool:
    """Whether a typed seal is that of a number; constant time."""
    return hmac.compare_digest(seal(code).encode(), typed.encode("utf-8", "replace"))


def scanned(code: str) -> str:
    """What the QR code of a slip says."""
    return f"{PREFIX}.{code}.{seal(code)}"


def pad_token(pad_id: UUID) -> str:
    """What lets a device hand in the slips of its own pad, also when nobody is signed in any more."""
    return crypto.link_token("desk-pad", str(pad_id))


def pad_token_fits(pad_id: UUID, token: str) -> bool:
    return crypto.link_token_fits("desk-pad", str(pad_id), token)
