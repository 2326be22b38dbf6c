"""Money: integer minor units with a currency (ISO 4217). No floats come near it."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

EXPONENTS = {"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "MOP": 2, "TWD": 2, "GBP": 2, "JPY": 0, "KRW": 0}
SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "HKD": "HK$", "GBP": "£", "JPY": "JP¥"}


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units (fen, cents) and its currency."""

    amount_minor: int
    currency: str = "CNY"

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.amount_minor * times, self.currency)

    @property
    def decimal(self) -> str:
        """``12.50``: digits after the point as the currency has them."""
        digits = EXPONENTS.get(self.currency, 2)
        return str(Decimal(self.amount_minor).scaleb(-digits).quantize(Decimal(1).scaleb(-digits)))

    def __str__(self) -> str:
        sign = SIGNS.get(self.currency)
        return f"{sign}{self.decimal}" if sign else f"{self.decimal} {self.currency}"


def parse_major(text: str, currency: str = "CNY") -> Money:
    """``"60"`` or ``"60.50"`` as Money. ValueError when it is not an exact amount of the currency."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", text):
        raise ValueError(text)
    minor = Decimal(text).scaleb(EXPONENTS.get(currency, 2))
    if minor != minor.to_integral_value():
        raise ValueError(text)
    return Money(int(minor), currency)
