"""What a visitor chose on a venue's page, read from the address or form and looked up again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from holdfast import catalogue, inventory, orders
from holdfast.kit import clock, i18n
from holdfast.kit.db import Db
from holdfast.kit.problems import NotFound
from holdfast.web import formats, sessions, words

from . import kinds, stays
from .home import read_date

TICKETS_MAX = 50
Day = date


class ChoiceGone(NotFound):
    """We do not find the slot or ticket you chose."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Choose again from the calendar of the attraction."


class ChosenLine(msgspec.Struct, frozen=True):
    """So many tickets of one price; `first_person` numbers the visitors through the whole order."""

    price_id: str
    name: dict[str, str]
    quantity: int
    unit_minor: int
    first_person: int
    slot_id: UUID | None = None
    """The slot of this line, where it is not that of the choice: another night."""


class Choice(msgspec.Struct, frozen=True):
    """A slot and the tickets wanted in it."""

    venue_id: str
    venue_name: dict[str, str]
    date: date
    slot_id: UUID
    product_name: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    lines: list[ChosenLine]
    real_name: bool
    documents: list[str]
    cancel_rule: dict[str, Any]
    total_minor: int
    currency: str
    is_card: bool = False
    """A card is bought: there is no visit yet, and no time."""
    kind: str = ""
    depart: Day | None = None
    """The day of departure of a stay: a line for each night."""
    leave_at: datetime | None = None

    @property
    def venue_url(self) -> str:
        if self.is_card:
            return f"/cards/{self.venue_id}?"
        if self.depart:
            rooms = sum(line.quantity for line in self.lines if line.slot_id in (None, self.slot_id))
            stay = {"arrive": self.date, "depart": self.depart, "rooms": max(1, rooms)}
            return f"/venues/{self.venue_id}?{urlencode(stay)}"
        return f"/venues/{self.venue_id}?{urlencode({'date': self.date})}"

    @property
    def url(self) -> str:
        """The address that makes this choice again."""
        tickets: dict[str, object] = {f"price.{line.price_id}": line.quantity for line in self.lines}
        if self.depart:
            tickets["depart"] = self.depart
        return "/checkout?" + urlencode({"venue": self.venue_id, "date": self.date, "slot": self.slot_id, **tickets})

    @property
    def people_count(self) -> int:
        """How many tickets are wanted."""
        return sum(line.quantity for line in self.lines)

    def basket(self, typed: Mapping[str, str], phone: str) -> orders.Basket:
        """The choice with the travellers as typed and the prices as they were shown."""
        return orders.Basket([self._basket_line(at, line, typed) for at, line in enumerate(self.lines)], phone)

    def _basket_line(self, at: int, line: ChosenLine, typed: Mapping[str, str]) -> orders.BasketLine:
        quoted = typed.get(f"quoted.{line.price_id}", "")
        return orders.BasketLine(
            slot_id=line.slot_id or self.slot_id,
            price_id=line.price_id,
            quantity=line.quantity,
            quoted_minor=int(quoted) if quoted.isascii() and quoted.isdigit() and len(quoted) < 16 else None,
            travellers=[
                orders.TravellerInput(
                    typed.get(f"{prefix}.name", ""),
                    typed.get(f"{prefix}.document_type", ""),
                    typed.get(f"{prefix}.document", ""),
                )
                for prefix in self.people(at)
            ],
        )

    def people(self, at: int) -> list[str]:
        """The field prefixes of the visitors of one line; none when the tickets bear no names."""
        if not self.real_name:
            return []
        return [f"lines[{at}].travellers[{place}]" for place in range(self.lines[at].quantity)]


async def load(db: Db, typed: Mapping[str, str]) -> Choice:
    """The choice with its slot, prices and rules as they are now. ChoiceGone when slot or ticket is not there.

    A choice without tickets has no lines.
    """
    day, slot_id = read_date(typed.get("date", "")), sessions.read_id(typed.get("slot", ""))
    if day is None or slot_id is None:
        raise ChoiceGone
    async with db.reading() as tx:
        venue = await catalogue.venues.get(tx, typed.get("venue", "")[:64])
        slots = await inventory.availability.day(tx, venue.id, day, clock.now())
        depart = stays.read_depart(typed, day) if venue.kind == kinds.HOTEL else None
        later = [
            await inventory.availability.day(tx, venue.id, day + timedelta(days=n), clock.now())
            for n in range(1, (depart - day).days if depart else 1)
        ]
    slot = next((slot for slot in slots if slot.id == slot_id), None)
    product = venue.product(slot.product_id) if slot else None
    if slot is None or product is None:
        raise ChoiceGone
    lines = _lines(slot, typed)
    leave_at = slot.ends_at
    if depart and lines:
        lines, leave_at = _night_lines(slot, lines[0], later)
    return Choice(
        venue_id=venue.id,
        venue_name=venue.name,
        date=day,
        slot_id=slot.id,
        product_name=slot.product_name,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        time_zone=venue.time_zone,
        lines=lines,
        real_name=product.real_name,
        documents=[kind for kind in words.DOCUMENTS if kind in product.documents] or list(words.DOCUMENTS),
        cancel_rule=product.cancel_rule,
        total_minor=sum(line.unit_minor * line.quantity for line in lines),
        currency=slot.prices[0].currency if slot.prices else "CNY",
        is_card=venue.kind == "card",
        kind=venue.kind,
        depart=depart,
        leave_at=leave_at,
    )


def _night_lines(
    first: inventory.SlotView, chosen: ChosenLine, later: list[list[inventory.SlotView]]
) -> tuple[list[ChosenLine], datetime]:
    """A line for each night, and when to leave. ChoiceGone where a night is not offered."""
    ticket = next(price.ticket for price in first.prices if price.id == chosen.price_id)
    lines, leave_at = [_named(chosen, first)], first.ends_at
    for slots in later:
        found = stays.of_night(slots, first.product_id, ticket)
        if found is None:
            raise ChoiceGone
        slot, price = found
        line = ChosenLine(price.id, price.name, chosen.quantity, price.amount_minor, 1, slot.id)
        lines, leave_at = [*lines, _named(line, slot)], slot.ends_at
    return lines, leave_at


def _named(line: ChosenLine, slot: inventory.SlotView) -> ChosenLine:
    """The line with its night in its name."""
    name = {locale: f"{formats.day(locale, slot.date)} · {i18n.pick(line.name, locale)}" for locale in i18n.LOCALES}
    return msgspec.structs.replace(line, name=name)


def _lines(slot: inventory.SlotView, typed: Mapping[str, str]) -> list[ChosenLine]:
    lines, people = [], 0
    for price in slot.prices:
        text = typed.get(f"price.{price.id}", "")
        quantity = min(int(text), TICKETS_MAX - people) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if quantity > 0:
            lines.append(ChosenLine(price.id, price.name, quantity, price.amount_minor, people + 1))
            people += quantity
    return lines
