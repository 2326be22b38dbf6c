"""Types, sums, the check of a credit code, and the problems of invoices."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from holdfast.accounts import emails
from holdfast.kit.i18n import both
from holdfast.kit.problems import Conflict, InvalidInput

BuyerKind = Literal["person", "company"]
TITLE_MAX = 100
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V, Z (GB 32100-2015, table 1)."""


class Buyer(msgspec.Struct, frozen=True):
    """Whom an invoice names, and where it is sent. A company has a unified social credit code."""

    kind: BuyerKind
    title: str
    email: str
    code: str = ""


class InvoiceLine(msgspec.Struct, frozen=True):
    """A line with its tax: `total_minor` = net + tax. Names are Chinese, as the tax authority wants them."""

    name: str
    quantity: int
    net_minor: int
    tax_minor: int
    total_minor: int
    tax_bp: int


class Invoice(msgspec.Struct, frozen=True):
    """Blue for money that came, red (negative sums) for what went back of it. `number` is there once it is issued."""

    id: UUID
    order_id: UUID
    seq: int
    kind: Literal["blue", "red"]
    reverses: UUID | None
    state: Literal["requested", "issued"]
    issuer: str
    number: str | None
    buyer_kind: BuyerKind
    buyer_title: str
    buyer_code: str
    seller_title: str
    seller_code: str
    email: bytes
    email_masked: str
    lines: list[InvoiceLine]
    net_minor: int
    tax_minor: int
    total_minor: int
    currency: str
    requested_by: str
    requested_at: datetime
    issued_at: datetime | None


class Issuer(Protocol):
    """Whoever makes an invoice of a request. Asked again under the same id it must answer the same number."""

    name: str

    async def issue(self, invoice: Invoice, reverses: Invoice | None) -> str:
        """The number of the issued invoice. Unavailable: it is tried again. `reverses` is the blue one of a red one."""
        ...


class NothingToInvoice(Conflict):
    """There is no money of this order that could be invoiced."""

    safe = "The order stands as it was."
    next_step = "Ask for the invoice once the order is paid. What went back is not invoiced."


class InvoiceExists(Conflict):
    """All of this order is invoiced already, to another title."""

    safe = "The invoice there is stands as it is."
    next_step = "If its title is wrong, contact us with the order number: it has to be reversed first."


def check_buyer(kind: str, title: str, code: str, email: str) -> Buyer:
    """A buyer as typed. InvalidInput with every finding at once; fields are ``kind``, ``title``, ``code``, ``email``."""
    title = " ".join(title.split())
    address, found = emails.check_email(email)
    code = re.sub(r"[\s\-]", "", code).upper()
    errors: list[dict[str, Any]] = []
    if kind not in ("person", "company"):
        errors.append(_finding("kind", "BUYER_KIND", "Choose a person or a company."))
    if not title:
        errors.append(_finding("title", "TITLE_MISSING", "Enter the name that the invoice is for."))
    elif len(title) > TITLE_MAX or not title.isprintable():
        errors.append(_finding("title", "TITLE_SHAPE", "Use at most 100 characters for the name."))
    if kind == "company" and (message := code_mistake(code)):
        errors.append(_finding("code", "CREDIT_CODE", message))
    errors += [msgspec.to_builtins(one) for one in found if one.severity == "error"]
    if errors or address is None:
        raise InvalidInput(errors=errors)
    return Buyer("company" if kind == "company" else "person", title, address, code if kind == "company" else "")


def code_mistake(code: str) -> str:
    """Empty when this is a unified social credit code (GB 32100-2015); else what is wrong with it, in English."""
    if not code:
        return "A company's invoice needs its unified social credit code."
    if len(code) != 18:
        return "The unified social credit code has 18 characters; please compare it with the business licence."
    if any(character not in _ALPHABET for character in code):
        return "The unified social credit code has digits and capital letters, but never I, O, S, V or Z."
    if check_character(code[:17]) != code[17]:
        return "One character of the unified social credit code is wrong; please compare it with the business licence."
    return ""


def check_character(body: str) -> str:
    """The 18th character of a credit code: weights 3^(i-1) mod 31 over the 17 before it (GB 32100-2015, §5)."""
    total = sum(_ALPHABET.index(character) * pow(3, at, 31) for at, character in enumerate(body))
    return _ALPHABET[(31 - total % 31) % 31]


def line(name: str, quantity: int, total_minor: int, tax_bp: int) -> InvoiceLine:
    """A line of a price that contains its tax; the net is rounded half up, so net and tax add up by themselves."""
    sign = -1 if total_minor < 0 else 1
    net = sign * ((abs(total_minor) * 20_000 + 10_000 + tax_bp) // (2 * (10_000 + tax_bp)))
    return InvoiceLine(name, quantity, net, total_minor - net, total_minor, tax_bp)


def _finding(field: str, code: str, message: str) -> dict[str, Any]:
    return {"field": field, "code": code, "message": both(message), "severity": "error", "suggestion": None}
