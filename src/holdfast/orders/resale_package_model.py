"""What a visit of a package is, and what can stand in the way of choosing it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid


class Visit(msgspec.Struct, frozen=True):
    """A visit of a package as its row holds it."""

    partner_id: str
    uuid: UUID
    parent_id: UUID
    order_id: UUID
    include_id: str
    reseller_reference: str | None
    chosen_at: datetime
    cancelled_at: datetime | None


class IncludeUnknown(Invalid):
    """This package has no such include."""

    next_step = "Take packageIncludeId from the includes of the package's option."


class IncludesUsedUp(Conflict):
    """These are more of one include, or of a group of them, than the package allows."""

    safe = "Nothing was booked or changed."
    next_step = "Look at count and limit of the package's includes, and choose fewer."


class ItemsDiffer(Invalid):
    """The visits of a package are for the same unit items as the package itself."""

    next_step = "Leave unitItems out of packageBookings, or send those of the package."


class PackageFixed(Conflict):
    """A package cannot become another one, and once confirmed its units, its people and its day stay."""

    safe = "The booking stands as it was."
    next_step = "Choose or change visits with packageBookings, or cancel the package and book anew."


class NoPackage(Invalid):
    """This product is not a package."""

    next_step = "Leave packageBookings out, or book a product that is a package."
