"""What a reseller's booking is, what it may ask for, and what can stand in its way."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdfast import partners
from holdfast.catalogue.calendars import in_season
from holdfast.catalogue.model import ESTABLISHMENTS, Price, Product, Text
from holdfast.inventory.model import Slot
from holdfast.kit.actor import Actor
from holdfast.kit.problems import Conflict, Invalid, NotFound

from .model import Event, Line, OrderRow, TravellerView

OPTION = "DEFAULT"
"""Each product has one option."""
ITEMS_MAX = 50


class Offered(msgspec.Struct, frozen=True):
    """A product as a reseller sees it, with the venue it belongs to."""

    product: Product
    venue_id: str
    venue_name: Text
    city: Text
    province: str
    kind: str
    summary: Text
    latitude: float | None
    longitude: float | None
    time_zone: str
    groups: list[Group] = []
    """What a card is good for, as a package has it; filled by `resale_includes`."""

    @property
    def is_package(self) -> bool:
        return self.kind == "card"

    @property
    def id(self) -> str:
        return self.product.id

    @property
    def whole_day(self) -> bool:
        """One entry a day, within the opening hours; rooms and tables have times of their own."""
        return len(self.product.timeslots) == 1 and self.kind not in ESTABLISHMENTS

    @property
    def units(self) -> list[str]:
        """The kinds of ticket, in their order."""
        return list(dict.fromkeys(price.ticket for price in self.product.prices))

    def prices_of(self, unit: str) -> list[Price]:
        return [price for price in self.product.prices if price.ticket == unit]

    def price_on(self, unit: str, day: date) -> Price | None:
        """What a kind of ticket costs for a visit on that day; None when it is not sold for it."""
        return next((one for one in self.prices_of(unit) if in_season(day, one.from_day, one.to_day)), None)

    @property
    def currencies(self) -> list[str]:
        return list(dict.fromkeys(price.currency for price in self.product.prices))


class Include(msgspec.Struct, frozen=True):
    """A product that may be visited with a package, so often at most; its id is that of the product. `required`: it is part
    of the package in any case."""

    item: str
    offered: Offered
    required: bool
    limit: int
    validity_days: int | None

    @property
    def id(self) -> str:
        return self.offered.id


class Group(msgspec.Struct, frozen=True):
    """Includes of which so many may be chosen in all."""

    title: Text
    count: int
    includes: list[Include]


class SlotOffer(msgspec.Struct, frozen=True):
    """A slot for one reseller. `mine`: its places there now; `twin`: another slot of the product begins at the same moment."""

    slot: Slot
    twin: bool
    mine: int


class Seller(msgspec.Struct, frozen=True):
    """Who asks: a partner, its terms, and whether this is a trial that takes and costs nothing."""

    partner_id: str
    terms: partners.Terms
    locale: str = "en"
    is_test: bool = False
    packages: bool = False
    """Whether it knows what packages are."""

    @property
    def actor(self) -> Actor:
        return Actor("partner", name=self.partner_id)


class ContactGiven(msgspec.Struct, frozen=True, kw_only=True):
    """Who books or who comes, as the reseller says. Where names are asked for, `notes` of a ticket says the document."""

    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    postal_code: str | None = None
    country: str | None = None
    notes: str | None = None
    locales: list[str] = []

    @property
    def name(self) -> str:
        """The whole name: as given, else put together from its parts."""
        return self.full_name or " ".join(filter(None, (self.first_name, self.last_name)))


class ItemWish(msgspec.Struct, frozen=True):
    """One ticket that is wanted. With the `uuid` of one that is there it stays; `contact` None leaves what is known."""

    unit: str
    uuid: UUID | None = None
    reference: str | None = None
    contact: ContactGiven | None = None


class VisitWish(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that is chosen with a package; with the `uuid` of one that is there, that gets this time.

    Product, option and units follow from the package: what is said of them has to be so.
    """

    include_id: str = ""
    availability_id: str = ""
    uuid: UUID | None = None
    reference: str | None = None
    product_id: str | None = None
    option_id: str | None = None
    units: list[str] | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as a reseller asks for it."""

    product_id: str
    option_id: str
    availability_id: str
    items: list[ItemWish]
    uuid: UUID | None = None
    minutes: int | None = None
    notes: str | None = None
    reference: str | None = None
    contact: ContactGiven | None = None
    currency: str | None = None
    is_test: bool = False
    visits: list[VisitWish] = []


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; None leaves it."""

    product_id: str | None = None
    option_id: str | None = None
    availability_id: str | None = None
    items: list[ItemWish] | None = None
    minutes: int | None = None
    notes: str | None = None
    reference: str | None = None
    contact: ContactGiven | None = None
    visits: list[VisitWish] = []


class Status(StrEnum):
    """Where a booking stands, in the words of OCTO."""

    ON_HOLD = "ON_HOLD"
    CONFIRMED = "CONFIRMED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REDEEMED = "REDEEMED"


class Resale(msgspec.Struct, frozen=True):
    """The row beside the order."""

    order_id: UUID
    partner_id: str
    uuid: UUID
    content: bytes
    is_test: bool
    test_state: str | None
    product_id: str
    commission_bp: int
    reseller_reference: str | None
    notes: bytes | None
    contact: bytes | None
    held_until: datetime
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    refund: str | None
    updated_at: datetime


class Item(msgspec.Struct, frozen=True):
    """One ticket as its row holds it."""

    order_id: UUID
    seq: int
    uuid: UUID
    line_seq: int
    unit: str
    retail_minor: int
    reseller_reference: str | None
    contact: bytes | None


class ItemView(msgspec.Struct, frozen=True):
    """One ticket: its line (None when it was taken off), who it is for, the code that admits, and when it did."""

    item: Item
    line: Line | None
    contact: ContactGiven
    traveller: TravellerView | None
    code: str
    redeemed_at: datetime | None


class Booking(msgspec.Struct, frozen=True):
    """A reseller's booking, whole."""

    row: OrderRow
    resale: Resale
    status: Status
    notes: str | None
    contact: ContactGiven
    items: list[ItemView]
    offered: Offered
    slot: SlotOffer
    events: list[Event]
    cancellable: bool
    visits: list[Booking] = []
    """Those that were chosen with a package."""
    include_id: str = ""
    """Of a visit of a package: as what it was chosen."""
    sold_as: Offered | None = None
    """Of a visit of a package: the package, whose units its tickets are of."""

    @property
    def redeemed_at(self) -> datetime | None:
        """When the last of its tickets was used, once all are."""
        moments = [one.redeemed_at for one in self.items if one.line is not None]
        known = [moment for moment in moments if moment is not None]
        return max(known) if known and len(known) == len(moments) else None

    @property
    def updated_at(self) -> datetime:
        return max([self.resale.updated_at, *(event.at for event in self.events)])


class ProductNotOffered(NotFound):
    """There is no such product for you."""

    next_step = "Take the ids from the list of products; it holds all that you may sell."


class OptionUnknown(NotFound):
    """This product has no such option."""

    next_step = "Take the id from the product's options."


class AvailabilityUnknown(NotFound):
    """This product has no such availability."""

    next_step = "Take the id from an availability check of this product and option."


class UnitUnknown(NotFound):
    """This option has no such unit."""

    next_step = "Take the ids from the option's units."


class BookingUnknown(NotFound):
    """You have no booking of this uuid."""

    next_step = "Use the uuid that the reservation answered."


class BookingUuidTaken(Conflict):
    """This uuid already names another booking of yours."""

    safe = "The booking that has this uuid stands as it is."
    next_step = "Use a new uuid for each booking; repeat an unchanged request with the same one."


class HoldOver(Conflict):
    """The time of this reservation is over, and its places are free again."""

    next_step = "Make a new reservation under a new uuid."


class BookingOver(Conflict):
    """This booking is over and cannot be changed any more."""

    next_step = "Look at the booking's status; make a new one if need be."


class NoItems(Invalid):
    """A booking needs at least one unit item."""

    next_step = "Send unitItems with one entry for each person."


class TooManyItems(Invalid):
    """These are more units than one booking may hold."""

    next_step = "Book fewer units at once; the option's restrictions say how many."


class CurrencyUnknown(Invalid):
    """This product is not sold in this currency."""

    next_step = "Use one of the product's available currencies, or name none."


class NotHeld(Conflict):
    """Only a reservation that is not confirmed yet can be extended."""


class HeldTooLong(Conflict):
    """This reservation cannot be held any longer."""

    next_step = "Confirm it, or let it go and reserve again."


class HoldsUsedUp(Conflict):
    """You hold as many unconfirmed reservations as your terms allow."""

    next_step = "Confirm or cancel some of them first."


class PlacesUsedUp(Conflict):
    """You have as many places in this slot as your terms allow."""

    next_step = "Choose another slot."


class CreditUsedUp(Conflict):
    """You owe as much as your terms allow."""

    next_step = "Pay what is open, or ask us for other terms."


class NamesMissing(Conflict):
    """This product needs the name and document of every visitor before it is confirmed."""

    safe = "The places stay held until the reservation expires."
    next_step = "Send unitItems with a contact each: the name, and in notes the kind and number of the document."


class ItemTwice(Invalid):
    """Two unit items have the same uuid."""


class VisitorInvalid(Invalid):
    """A visitor's name or document cannot be right."""

    next_step = "Correct the contact of the unit item that is named."


class TooManyFound(Invalid):
    """These are more bookings than one answer may hold."""

    next_step = "Ask for fewer days at once."


def facts(contact: ContactGiven) -> dict[str, Any]:
    """A contact without what it does not say."""
    return {name: value for name, value in msgspec.structs.asdict(contact).items() if value not in (None, [])}
