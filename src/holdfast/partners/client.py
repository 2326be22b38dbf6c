"""Asking a supplier's OCTO interface: what it offers, what is free, and bookings. One function for each operation of the standard.

What a supplier refuses is known, and so is what it grants; anything else, be it silence, a fault or nonsense, is in doubt and is
asked about again under the same uuid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from holdfast.kit import http
from holdfast.kit.problems import Conflict, Unavailable

T = TypeVar("T")
TIMEOUT_S = 6.0
OK, REFUSED = 200, (400, 404, 409, 422)
NOT_LET_IN = ("UNAUTHORIZED", "FORBIDDEN")
UNKNOWN_BOOKING = "INVALID_BOOKING_UUID"


class SupplierSilent(Unavailable):
    """The supplier of this does not answer now."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Try again in a few minutes, or choose something else."


class SupplierFull(Conflict):
    """The supplier has no places left for this."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Choose another time or day."


class Refused(Exception):
    """The supplier said no. `code`: its error."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class InDoubt(Exception):
    """No answer that says what is so. `reason`: a short word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Supplier(msgspec.Struct, frozen=True):
    """Where a supplier's interface is, and the token it gave us."""

    partner_id: str
    url: str
    token: str


class Unit(msgspec.Struct, rename="camel", frozen=True):
    id: str
    internal_name: str = ""


class Option(msgspec.Struct, rename="camel", frozen=True):
    id: str
    internal_name: str = ""
    units: list[Unit] = []


class Product(msgspec.Struct, rename="camel", frozen=True):
    """What a supplier offers."""

    id: str
    internal_name: str
    time_zone: str
    options: list[Option]


class Availability(msgspec.Struct, rename="camel", frozen=True):
    """One of a supplier's slots. `vacancies`: None where it does not say."""

    id: str
    local_date_time_start: str
    available: bool
    status: str
    vacancies: int | None = None

    @property
    def date(self) -> date:
        return datetime.fromisoformat(self.local_date_time_start).date()

    @property
    def left(self) -> int:
        """Places that can be had; none where the supplier does not count them or does not sell."""
        return max(0, self.vacancies or 0) if self.available else 0


class Held(msgspec.Struct, rename="camel", frozen=True):
    """A supplier's booking."""

    uuid: UUID
    status: str
    product_id: str
    option_id: str
    availability_id: str
    unit_items: list[Any]
    utc_expires_at: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        return self.utc_expires_at


async def products(client: http.Client, supplier: Supplier) -> list[Product]:
    """Everything the supplier offers us."""
    return await _ask(client, supplier, "GET", "products", None, list[Product])


async def availability(
    client: http.Client, supplier: Supplier, product_id: str, option_id: str, first: date, last: date
) -> list[Availability]:
    """Its slots between two dates, those that are sold out included."""
    body = {
        "productId": product_id, "optionId": option_id, "localDateStart": first.isoformat(), "localDateEnd": last.isoformat(),
    }  # fmt: skip
    return await _ask(client, supplier, "POST", "availability", body, list[Availability])


async def reserve(
    client: http.Client, supplier: Supplier, uuid: UUID, product_id: str, option_id: str, availability_id: str,
    unit_ids: Sequence[str], minutes: int,
) -> Held:  # fmt: skip
    """Holds places; with the same uuid the same booking. A grant of something else than was asked is in doubt."""
    body = {
        "uuid": str(uuid), "productId": product_id, "optionId": option_id, "availabilityId": availability_id,
        "expirationMinutes": minutes, "unitItems": [{"unitId": one} for one in unit_ids],
    }  # fmt: skip
    held = await _ask(client, supplier, "POST", "bookings", body, Held)
    same = (held.uuid, held.product_id, held.option_id, held.availability_id, len(held.unit_items))
    if same != (uuid, product_id, option_id, availability_id, len(unit_ids)) or held.status not in (
        "ON_HOLD",
        "CONFIRMED",
    ):
        raise InDoubt("another-booking")
    return held


async def confirm(client: http.Client, supplier: Supplier, uuid: UUID, reference: str) -> Held:
    """Makes a hold a booking; once more is the same."""
    body = {"contact": {"fullName": "Holdfast"}, "resellerReference": reference}
    held = await _ask(client, supplier, "POST", f"bookings/{uuid}/confirm", body, Held)
    if held.uuid != uuid or held.status not in ("CONFIRMED", "REDEEMED"):
        raise InDoubt("not-confirmed")
    return held


async def cancel(client: http.Client, supplier: Supplier, uuid: UUID, reason: str) -> Held:
    """Gives a booking back."""
    held = await _ask(client, supplier, "POST", f"bookings/{uuid}/cancel", {"reason": reason}, Held)
    if held.uuid != uuid or held.status not in ("CANCELLED", "EXPIRED"):
        raise InDoubt("not-cancelled")
    return held


async def booking(client: http.Client, supplier: Supplier, uuid: UUID) -> Held:
    """How a booking stands."""
    return await _ask(client, supplier, "GET", f"bookings/{uuid}", None, Held)


async def _ask(client: http.Client, supplier: Supplier, method: str, path: str, body: Any, kind: type[T]) -> T:
    """One request. Refused; InDoubt for everything that is neither a grant nor a refusal."""
    headers = {
        "authorization": f"Bearer {supplier.token}", "octo-capabilities": "", "accept": "application/json",
        "content-type": "application/json",
    }  # fmt: skip
    raw = b"" if body is None else msgspec.json.encode(body)
    try:
        answer = await http.send(
            client, method, f"{supplier.url}/{path}", body=raw, headers=headers, timeout_s=TIMEOUT_S
        )
    except http.NoAnswer as missing:
        raise InDoubt(missing.reason) from missing
    if answer.status in REFUSED:
        code = _code(answer.body)
        if code in NOT_LET_IN:  # our token's fault says nothing about the booking
            raise InDoubt(code.lower())
        raise Refused(code)
    if answer.status != OK:
        raise InDoubt(f"status-{answer.status}")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise InDoubt("unreadable") from error


def _code(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["error"])[:60]
    except (msgspec.DecodeError, KeyError, TypeError):
        return "REFUSED"
