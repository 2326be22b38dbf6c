"""Words by kind of venue: people book rooms and nights, covers at a table, or tickets."""

from __future__ import annotations

from typing import NamedTuple

HOTEL, RESTAURANT = "hotel", "restaurant"


class Words(NamedTuple):
    """What pages call what is booked; English sentences, translated by the surface."""

    tickets: str = "Tickets"
    none_chosen: str = "Choose at least one ticket, then continue."
    left: str = "{count} places left"
    most: str = "At most {count} tickets in one order."
    entry: str = "Entry {from}–{to}"
    rule: str = "The attraction's own rule"
    change: str = "Change slot or tickets"
    other: str = "See other slots and days"
    held: str = "Your places are then held for {minutes} minutes while you pay."
    cancel: str = "You can cancel here yourself until your slot begins."
    last: str = "last entry {time}"
    rule_for: str = "The attraction's own rule for {ticket}"
    local: str = "All times are local time at the attraction."


SIGHT = Words()
_BY_KIND = {
    RESTAURANT: Words(
        tickets="People at the table", none_chosen="Choose for how many people, then continue.", left="{count} covers left",
        most="At most {count} people in one order.", entry="Table {from}–{to}", rule="The restaurant's own rule",
        change="Change time or people", other="See other times and days",
        held="Your table is then held for {minutes} minutes while you pay.",
        cancel="You can cancel here yourself until your table's time begins.", last="last guests {time}",
        rule_for="The restaurant's own rule for {ticket}", local="All times are local time at the restaurant.",
    ),
    HOTEL: Words(
        tickets="Rooms", none_chosen="Choose at least one room, then continue.", left="{count} rooms left",
        most="At most {count} rooms in one order.", entry="Arrive from {from}, leave until {to}.", rule="The hotel's own rule",
        change="Change dates or rooms", other="See other dates and rooms",
        held="Your rooms are then held for {minutes} minutes while you pay.",
        cancel="You can cancel here yourself until the day of arrival.", rule_for="The hotel's own rule for {ticket}",
        local="All times are local time at the hotel.",
    ),
}  # fmt: skip


def words(kind: str) -> Words:
    """What is said of a kind of venue."""
    return _BY_KIND.get(kind, SIGHT)
