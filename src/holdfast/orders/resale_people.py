"""Who books and who comes, as a reseller says it: sealed, and a document's number only where documents are kept.

Where a product asks for names, a ticket's contact bears the visitor's name, and its notes the document: kind and number
(``passport E12345678``), or the number alone where its form tells the kind. What is shown afterwards is masked.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from holdfast.accounts import documents
from holdfast.kit import crypto, retention
from holdfast.kit.db import Tx

from . import resale_store
from .model import DocumentNotAccepted, TravellerView
from .resale_model import ContactGiven, Offered, VisitorInvalid, facts

BOOKER, VISITOR, NOTES = "orders.resales.contact", "orders.resale_items.contact", "orders.resales.notes"
_decode = msgspec.json.Decoder(ContactGiven).decode


def seal(column: str, contact: ContactGiven | None) -> bytes | None:
    return None if contact is None else crypto.seal(column, msgspec.json.encode(facts(contact)).decode())


def unseal(column: str, sealed: bytes | None) -> ContactGiven:
    """What was said; nothing where nothing was, or where it has been forgotten."""
    return ContactGiven() if sealed is None else _decode(crypto.unseal(column, bytes(sealed)))


def seal_notes(notes: str | None) -> bytes | None:
    return None if notes is None else crypto.seal(NOTES, notes)


def unseal_notes(sealed: bytes | None) -> str | None:
    return None if sealed is None else crypto.unseal(NOTES, bytes(sealed))


def shown(traveller: TravellerView) -> str:
    """A document as the reseller gets it back."""
    return f"{traveller.document_type} {traveller.document_masked}"


def without_document(contact: ContactGiven, visitor: documents.Traveller | None) -> ContactGiven:
    """What is kept of a visitor's contact: the document's number stands with the order's travellers alone."""
    if visitor is None:
        return contact
    masked = f"{visitor.document.type.value} ••••{visitor.document.last4}"
    return msgspec.structs.replace(contact, notes=masked)


def visitor_of(contact: ContactGiven, offered: Offered, today: date, nth: int) -> documents.Traveller | None:
    """The visitor a contact names, where the product asks for names; None when it is not all there yet.

    VisitorInvalid says what cannot be right; DocumentNotAccepted names what is accepted.
    """
    if not offered.product.real_name or not contact.name or not (contact.notes or "").strip():
        return None
    kind, number = _read(contact.notes or "", today)
    found, findings = documents.check_traveller(contact.name, kind, number, today, prefix=f"unitItems[{nth}].contact")
    if found is None:
        errors = [msgspec.to_builtins(one) for one in findings if one.severity == "error"]
        raise VisitorInvalid(errors=errors)
    if found.document.type not in offered.product.documents:
        raise DocumentNotAccepted(accepted=offered.product.documents)
    return found


def _read(notes: str, today: date) -> tuple[str, str]:
    """Kind and number of a document as written in the notes."""
    first, _, rest = notes.strip().replace(":", " ", 1).partition(" ")
    if first.lower() in documents.LABELS:
        return first.lower(), rest.strip()
    for kind in documents.LABELS:
        fits, findings = documents.check_document(kind, notes, today)
        if fits is not None and not findings:
            return kind, notes
    return "passport", notes


def sealed_traveller(visitor: documents.Traveller, seq: int, line_seq: int, slot_id: Any) -> dict[str, Any]:
    """A visitor as the table of travellers holds one."""
    document = visitor.document
    return {
        "seq": seq,
        "line_seq": line_seq,
        "slot_id": slot_id,
        "name": crypto.seal("orders.travellers.name", visitor.name),
        "name_masked": documents.mask_name(visitor.name),
        "document_type": document.type.value,
        "document": crypto.seal("orders.travellers.document", document.number),
        "document_index": crypto.blind_index("document", f"{document.type}|{document.person_key}"),
        "document_last4": document.last4,
    }


@retention.rule("what resellers say of their customers", "documents_kept_days")
async def forget_customers(tx: Tx, before: datetime, limit: int) -> int:
    """Contacts and notes, so long after the visit as documents are kept."""
    return await resale_store.forget_people(tx, before, limit)
