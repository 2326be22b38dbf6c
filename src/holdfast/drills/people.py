"""The people of a drill: who begins when, how they would pay, and what they do while they wait. Decided by the seed alone."""

from __future__ import annotations

import random

import msgspec

WAYS = (
    ("wechatpay", "native", 0.30), ("wechatpay", "h5", 0.16), ("alipay", "qr", 0.20), ("alipay", "page", 0.14),
    ("stripe", "card", 0.20),
)  # fmt: skip
TEMPERS = (
    ("patient", 0.38),  # pays what was begun and waits for the answer
    ("hasty", 0.20),  # asks for another way when it takes long
    ("insistent", 0.14),  # takes another way all the same as soon as that is allowed, and pays the first one too
    ("forgetful", 0.10),  # pays and closes the page
    ("doubled", 0.04),  # the wallet takes the money twice
    ("promising", 0.08),  # accepts to pay later, and does
    ("leaving", 0.03),  # cancels when nothing works
    ("gone", 0.03),  # begins and never comes back
)
BEFORE = 0.6
"""So many have begun to pay when the disturbance begins; the others begin during it."""


class Person(msgspec.Struct, frozen=True):
    """One traveller with one order. Times are seconds after the disturbance began."""

    number: int
    provider: str
    method: str
    temper: str
    begins_s: float
    """When they press the button; below zero: before the disturbance."""
    pays_s: float
    """Not before this moment they pay what they were shown."""
    switches_after_s: float
    """So long they wait before they try another way."""
    keeps_s: float
    """When somebody who promised to pay later comes back to do so."""
    reads_pages: bool
    """Looks at the page itself whenever it changes, not only at what its script asks."""
    tickets: int
    price: int

    @property
    def begins_before(self) -> bool:
        return self.begins_s < 0


def gather(count: int, seconds: float, seed: int) -> list[Person]:
    """So many people around a disturbance of so many seconds; the same for the same seed."""
    dice = random.Random(seed)
    return [_person(dice, number, seconds) for number in range(count)]


def _person(dice: random.Random, number: int, seconds: float) -> Person:
    way = dice.choices(WAYS, [share for *_, share in WAYS])[0]
    temper = dice.choices(TEMPERS, [share for _, share in TEMPERS])[0][0]
    before = dice.random() < BEFORE
    return Person(
        number=number,
        provider=way[0],
        method=way[1],
        temper=temper,
        begins_s=-1.0 if before else dice.uniform(0, seconds),
        pays_s=dice.uniform(0, seconds * 1.1),
        switches_after_s=dice.uniform(4, 12),
        keeps_s=seconds + dice.uniform(5, 30),
        reads_pages=dice.random() < 0.2,
        tickets=1 + (dice.random() < 0.4),
        price=dice.randrange(4),
    )
