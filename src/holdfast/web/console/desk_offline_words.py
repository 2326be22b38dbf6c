"""What the offline page of a desk says; the page carries both languages, since a device without a network changes between them."""

from __future__ import annotations

from typing import Any

from holdfast.accounts import documents
from holdfast.accounts.documents import LABELS
from holdfast.kit import i18n
from holdfast.orders import imports_files
from holdfast.orders.imports_model import CONFLICTS

WORDS: dict[str, str] = {
    "title": "Desk without a network",
    "online": "Online",
    "offline": "Offline: everything is kept on this device",
    "waiting": "{count} to upload",
    "all-sent": "everything is uploaded",
    "of": "Desk {desk}. Places as of {time}.",
    "practice": "Practice: nothing of this is booked.",
    "load": "Load a desk",
    "load-how": "With a network, before you need it: the places of the day and the next two come onto this device, and 100 numbers.",
    "desk": "Desk",
    "day": "First day",
    "load-do": "Load places and numbers",
    "loaded": "Loaded. From now on this page works without a network.",
    "loaded-only": "Loaded, but this browser cannot keep the page itself. Leave it open; without a network it cannot be opened again.",
    "no-network": "No network. Try again when it is back; what is kept here stays.",
    "sign-in": "Sign in at the console first",
    "refused": "The server refused it: {why}",
    "called-back": "These numbers were called back. Save the list as a file and hand it to a supervisor.",
    "new": "A booking",
    "visit": "Place and time",
    "left": "{count} left for this desk",
    "none-left": "none left for this desk",
    "ticket": "Ticket",
    "people": "People",
    "person": "Person {count}",
    "name": "Name as on the document",
    "document-type": "Document",
    "document": "Document number",
    "phone": "Mobile phone",
    "phone-how": "May stay empty.",
    "pay": "Payment",
    "pay-later": "Later, before the visit",
    "pay-cash": "In cash, taken now: {amount}",
    "free": "Free of charge",
    "note": "Note",
    "slip": "Number of a paper slip",
    "slip-how": "Leave it empty for the next number of this device. Else type number and seal from the slip.",
    "slip-wrong": "This is no number of a slip. Compare it with the paper.",
    "slip-used": "This number was used on this device already.",
    "seal-wrong": "The seal has six characters.",
    "take": "Take it down",
    "choose": "Choose a place and time.",
    "people-wrong": "Write how many people as a number from 1 to 50.",
    "needed": "This place wants a name and document for each person.",
    "over": "This is more than the desk has left. If a supervisor agrees, tick here: it is decided when the network is back.",
    "taken": "Taken down. Number for the visitor:",
    "taken-how": "Write it on the visitor's slip, with the seal. It is their booking.",
    "next": "Next booking",
    "no-numbers": "No number is left on this device. Load new ones, or use paper slips.",
    "list": "Taken on this device",
    "list-none": "Nothing yet.",
    "kept": "kept here",
    "booked": "booked, order {number}",
    "same": "there already, order {number}",
    "conflict": "to be decided: {why}",
    "practised": "practice",
    "send": "Upload now",
    "export": "Save all as a file (CSV)",
    "clear": "Remove what is uploaded",
    "print": "Print",
    "back": "Paper slips",
    "places": "for {count}",
}
"""Name → English sentence; Chinese in zh.po."""


def both() -> dict[str, Any]:
    """All of them by language, with what findings, conflicts and documents are called, and the headers of the file."""
    return {
        locale: {
            "say": {name: i18n.translate(text, locale) for name, text in WORDS.items()},
            "findings": {code: _message(code, locale) for code in documents.MESSAGES},
            "conflicts": {code: i18n.translate(way.title, locale) for code, way in CONFLICTS.items()},
            "documents": {kind.value: i18n.translate(label, locale) for kind, label in LABELS.items()},
            "headers": imports_files.headers(locale),
        }
        for locale in i18n.LOCALES
    }


def _message(code: str, locale: str) -> str:
    return i18n.translate(documents.MESSAGES[code], locale)
