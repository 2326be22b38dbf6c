"""What resellers send, as types; what has another shape is a bad request that names the place."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from holdfast.kit import i18n
from holdfast.orders.resale_model import ContactGiven, ItemWish, VisitWish

from .errors import RequestMalformed

T = TypeVar("T")
Short = Annotated[str, Meta(max_length=255)]
Long = Annotated[str, Meta(max_length=4000)]
Minutes = Annotated[int, Meta(ge=1, le=1_000_000)]
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_DATE = re.compile(r"20\d\d-\d\d-\d\d").fullmatch
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+").fullmatch


class Contact(msgspec.Struct, rename="camel", frozen=True):
    """Who books, or who comes."""

    full_name: Short | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    email_address: Short | None = None
    phone_number: Short | None = None
    postal_code: Short | None = None
    country: Short | None = None
    notes: Long | None = None
    locales: list[Short] | None = None

    def given(self, field: str) -> ContactGiven:
        """As orders take it. RequestMalformed for what is no address of e-mail."""
        if self.email_address and not _EMAIL(self.email_address):
            raise malformed(f"{field}.emailAddress", "This is not an e-mail address.")
        return ContactGiven(
            full_name=self.full_name, first_name=self.first_name, last_name=self.last_name, email=self.email_address or None,
            phone=self.phone_number, postal_code=self.postal_code, country=self.country, notes=self.notes,
            locales=self.locales or [],
        )  # fmt: skip


class UnitItem(msgspec.Struct, rename="camel", frozen=True):
    """One ticket."""

    unit_id: Short = ""
    uuid: Short | None = None
    reseller_reference: Short | None = None
    contact: Contact | None = None


class Unit(msgspec.Struct, rename="camel", frozen=True):
    """So many of one kind of ticket."""

    id: Short
    quantity: Annotated[int, Meta(ge=0, le=10_000)]


class CalendarBody(msgspec.Struct, rename="camel", frozen=True):
    product_id: Short = ""
    option_id: Short = ""
    local_date_start: str | None = None
    local_date_end: str | None = None
    units: list[Unit] | None = None
    currency: Short | None = None


class AvailabilityBody(CalendarBody, rename="camel", frozen=True):
    local_date: str | None = None
    availability_ids: Annotated[list[Short], Meta(max_length=1000)] | None = None


class PackageBooking(msgspec.Struct, rename="camel", frozen=True):
    """A visit chosen with a package; whatever else a booking may say of itself, it has from the package."""

    uuid: Short | None = None
    package_include_id: Short = ""
    availability_id: Short = ""
    reseller_reference: Short | None = None
    product_id: Short | None = None
    option_id: Short | None = None
    unit_items: list[UnitItem] | None = None


PackageBookings = Annotated[list[PackageBooking], Meta(max_length=100)]


class ReserveBody(msgspec.Struct, rename="camel", frozen=True):
    uuid: Short | None = None
    product_id: Short | None = None
    option_id: Short | None = None
    availability_id: Short | None = None
    expiration_minutes: Minutes | None = None
    notes: Long | None = None
    unit_items: list[UnitItem] | None = None
    reseller_reference: Short | None = None
    contact: Contact | None = None
    currency: Short | None = None
    package_bookings: PackageBookings | None = None


class ConfirmBody(msgspec.Struct, rename="camel", frozen=True):
    contact: Contact | None = None
    email_receipt: bool | None = None
    reseller_reference: Short | None = None
    unit_items: list[UnitItem] | None = None
    package_bookings: PackageBookings | None = None


class UpdateBody(msgspec.Struct, rename="camel", frozen=True):
    reseller_reference: Short | None = None
    product_id: Short | None = None
    option_id: Short | None = None
    availability_id: Short | None = None
    expiration_minutes: Minutes | None = None
    notes: Long | None = None
    email_receipt: bool | None = None
    unit_items: list[UnitItem] | None = None
    contact: Contact | None = None
    package_bookings: PackageBookings | None = None


class ExtendBody(msgspec.Struct, rename="camel", frozen=True):
    expiration_minutes: Minutes | None = None


class CancelBody(msgspec.Struct, rename="camel", frozen=True):
    reason: Long | None = None
    force: bool | None = None


NOT_JSON = "The body is not a JSON object."
NUL = "A text must not contain the character U+0000."


def read(kind: type[T], raw: bytes, *, empty: bool = False) -> T:
    """A body as a value; `empty`: none at all is one in which everything is left out. RequestMalformed."""
    if not raw.strip() and empty:
        raw = b"{}"
    if b"\\u0000" in raw and _has_nul(raw):
        raise malformed("", NUL)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _misshaped(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed("", NOT_JSON) from error


def _misshaped(error: msgspec.ValidationError) -> RequestMalformed:
    text = str(error)
    what, _, where = text.partition(" - at `$")
    field = where.rstrip("`").lstrip(".")
    return RequestMalformed(errors=[{"field": field, "message": {"en": what, "zh": what}}])


def _has_nul(raw: bytes) -> bool:
    try:
        return _nul(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError):
        return False


def _nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _nul(one) for key, one in value.items())
    return isinstance(value, list) and any(map(_nul, value))


def malformed(field: str, message: str) -> RequestMalformed:
    """A bad request, and where. The message is an English sentence with its translation."""
    return RequestMalformed(errors=[{"field": field, "message": i18n.both(message)}])


def uuid_of(text: str | None, field: str) -> UUID | None:
    """A UUID as text; None for none. RequestMalformed."""
    if text is None:
        return None
    if not _UUID(text):
        raise malformed(field, "This is not a UUID.")
    return UUID(text)


def is_uuid(text: str) -> bool:
    return bool(_UUID(text))


def date_of(text: str, field: str) -> date:
    """``2026-12-01``. RequestMalformed."""
    try:
        if not _DATE(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise malformed(field, "This is not a date of the form 2026-12-01.") from error


def items_of(given: list[UnitItem] | None) -> list[ItemWish] | None:
    """Tickets as orders take them."""
    if given is None:
        return None
    return [
        ItemWish(
            unit=one.unit_id, uuid=uuid_of(one.uuid, f"unitItems[{n}].uuid"), reference=one.reseller_reference,
            contact=one.contact.given(f"unitItems[{n}].contact") if one.contact else None,
        )
        for n, one in enumerate(given)
    ]  # fmt: skip


def visits_of(given: list[PackageBooking] | None) -> list[VisitWish]:
    """Visits chosen with a package, as orders take them."""
    return [
        VisitWish(
            include_id=one.package_include_id, availability_id=one.availability_id, reference=one.reseller_reference,
            uuid=uuid_of(one.uuid, f"packageBookings[{n}].uuid"), product_id=one.product_id, option_id=one.option_id,
            units=None if one.unit_items is None else [item.unit_id for item in one.unit_items],
        )
        for n, one in enumerate(given or [])
    ]  # fmt: skip
