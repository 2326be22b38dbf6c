"""Matching: which slot and ticket a slip means, and whom it names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from holdfast.accounts import documents
from holdfast.catalogue.model import Price

from .imports_model import Written
from .imports_reading import Read, error
from .imports_store import SlotFacts
from .model import BasketLine, TravellerInput

OPTIONS_MAX = 12


def begin_of(slot: SlotFacts) -> str:
    """``09:00`` on the venue's clocks."""
    return slot.starts_at.astimezone(ZoneInfo(slot.time_zone)).strftime("%H:%M")


def slot_words(slot: SlotFacts) -> dict[str, Any]:
    """A slot among others to choose from."""
    return {"id": str(slot.id), "code": slot.code, "begins": begin_of(slot), "product": slot.product_name}


def matching_slots(slots: Sequence[SlotFacts], typed: str) -> list[SlotFacts]:
    """The slots of that id, code, name or beginning; all of the day where nothing is written."""
    word = _plain(typed)
    begin = word.partition("-")[0].partition("–")[0].strip()
    found = []
    for slot in slots:
        starts = begin_of(slot)
        clocks = {starts, starts.lstrip("0"), starts.replace(":", "")}
        names = {str(slot.id), _plain(slot.code), *(_plain(text) for text in slot.name.values())}
        if not word or word in names or begin in clocks:
            found.append(slot)
    return found


def word_of(slots: Sequence[SlotFacts], slot_id: str) -> str:
    """How people name the slot of an id among those of its day: its beginning or code where that means no other; else the id."""
    slot = next((one for one in slots if str(one.id) == slot_id), None)
    words = (begin_of(slot), slot.code) if slot else ()
    return next((word for word in words if matching_slots(slots, word) == [slot]), slot_id)


def matching_price(slot: SlotFacts, typed: str) -> Price | None:
    """The ticket of that id, code or name; where nothing is written, the first that takes a place."""
    word = _plain(typed)
    for price in slot.prices:
        names = {_plain(price.id), _plain(price.ticket), *(_plain(text) for text in price.name.values())}
        if word in names if word else price.uses_place:
            return price
    return None


def _plain(text: str) -> str:
    return " ".join(text.split()).lower().replace("：", ":")


def judge_people(slot: SlotFacts, read: Read, today: date) -> tuple[list[TravellerInput], list[dict[str, Any]]]:
    """Those whose names and documents pass, and everything that is wrong with the others."""
    fine: list[TravellerInput] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for at, one in enumerate(read.persons):
        prefix = f"persons[{at}]"
        traveller, found = documents.check_traveller(one.name, one.document_type, one.document, today, prefix)
        wrong = [msgspec.to_builtins(finding) for finding in found if finding.severity == "error"]
        if traveller is not None and one.document_type not in slot.documents and slot.documents:
            accepted = ", ".join(slot.documents)
            wrong = [
                error(
                    f"{prefix}.document_type",
                    "DOCUMENT_NOT_ACCEPTED",
                    "This place does not accept this kind of document, but {accepted}.",
                    accepted=accepted,
                )
            ]
        elif traveller is not None and traveller.document.person_key in seen:
            wrong = [error(f"{prefix}.document", "DOCUMENT_TWICE", "The same document stands on this slip twice.")]
        if traveller is not None:
            seen.add(traveller.document.person_key)
        if wrong:
            errors += wrong
        else:
            fine.append(TravellerInput(one.name, one.document_type, one.document))
    return fine, errors


def warnings_of(read: Read, today: date) -> list[dict[str, Any]]:
    """What could not be checked by itself: the booking is made, and staff look at the document on entry."""
    found = []
    for at, one in enumerate(read.persons):
        _who, findings = documents.check_traveller(one.name, one.document_type, one.document, today, f"persons[{at}]")
        found += [msgspec.to_builtins(finding) for finding in findings if finding.severity == "warning"]
    return found


def lines_of(slot: SlotFacts, price: Price, people: int, named: Sequence[TravellerInput]) -> list[BasketLine]:
    """A line of those who are named, with a ticket each, and one of the others, who come as a party."""
    found = []
    if named:
        found.append(BasketLine(slot.id, price.id, len(named), list(named)))
    if people > len(named):
        found.append(BasketLine(slot.id, price.id, people - len(named)))
    return found


def about(slot: SlotFacts, price: Price, written: Written, read: Read) -> dict[str, Any]:
    """What a line of a report says of the visit: nothing of the people but their number."""
    return {
        "venue": slot.venue_name, "day": str(slot.visit_date), "begins": begin_of(slot), "ticket": price.name, "people": read.people,
        "total_minor": price.amount_minor * read.people, "currency": price.currency, "payment": read.payment,
    }  # fmt: skip
