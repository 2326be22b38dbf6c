"""Types and problems of cards: what a card holds, whom it is for, how long, and how each use of it stands.

A card holds named entitlements and no money: so many visits of these items, some of them out of a shared number. Days are
days on the clocks of `ZONE`; a use belongs to the day of its visit.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.catalogue.model import Text
from holdfast.kit.problems import Conflict, Invalid, NotFound

ZONE = ZoneInfo("Asia/Shanghai")


class CardState(StrEnum):
    """issued → active → suspended and back → exhausted | expired | refunded. Exhausted and expired may become refunded."""

    ISSUED = "issued"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class UseState(StrEnum):
    """A visit with a card: held while it is booked, used at the gate or when its time is over, released if given back."""

    HELD = "held"
    USED = "used"
    RELEASED = "released"


LIVE = (UseState.HELD, UseState.USED)


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something a card is good for: a venue, or some `products` of it.

    `uses`: most visits of it (nights of a hotel, sittings of a restaurant); None: only its `counters` limit it. A visit is
    one of the card's whole party. Of items that name the same `one_of`, only one may be chosen.
    """

    ref: str
    products: list[str] = []
    unit: Literal["visit", "night", "cover"] = "visit"
    uses: int | None = None
    per_day: int | None = None
    counters: list[str] = []
    one_of: str = ""
    extra: bool = False
    """Comes on top of what is to be chosen."""
    optional: bool = False


class Validity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long a card serves.

    ``days_since_first_use``: calendar days, the day of the first visit being the first. ``hours_since_first_use``: from the
    moment of the first visit. ``calendar_days_from_activation``: from the day it is activated. ``fixed_window``: so many
    days from one that is chosen at the activation, or the days `from_date` to `to_date`. It has to be activated, and where
    the first use counts begun, within `activate_within_days` of the purchase.
    """

    kind: Literal["days_since_first_use", "hours_since_first_use", "calendar_days_from_activation", "fixed_window"]
    days: int = 0
    hours: int = 0
    from_date: date | None = None
    to_date: date | None = None
    activate_within_days: int = 365

    @property
    def by_first_use(self) -> bool:
        return self.kind in ("days_since_first_use", "hours_since_first_use")


class Blackout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Days of every year (``MM-DD``, inclusive, also over the turn of the year) on which these items, or all, are left out."""

    from_day: str
    to_day: str
    items: list[str] = []
    reason: Text = {}


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom one card admits: so many adults, its holder among them, and children below an age."""

    adults: int = 1
    children_max: int = 0
    children_under: int = 14
    must_enter_together: bool = True

    @property
    def size(self) -> int:
        return self.adults + self.children_max


class OwnTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the seller promises on returning the card, beyond what the law gives anyway.

    ``none``: nothing. ``unused``: all of it while nothing was used. ``before_first_use``: all of it until so many `hours`
    before the first visit. ``share``: what was not used, by its share of the list prices.
    """

    kind: Literal["none", "unused", "before_first_use", "share"] = "none"
    hours: int = 0
    says: Text = {}


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that a version of a card product says. `counters`: name → most uses of the items that name it together."""

    model: Literal["fixed_list", "n_of_m", "unlimited"]
    items: list[Item]
    validity: Validity
    counters: dict[str, int] = {}
    blackout: list[Blackout] = []
    party: Party = Party()
    person_bound: bool = True
    cooldown_days: int = 0
    """So many days lie between two visits of the same item."""
    own_terms: OwnTerms = OwnTerms()

    def item(self, ref: str) -> Item:
        return next(item for item in self.items if item.ref == ref)


class CardProduct(msgspec.Struct, frozen=True):
    """A card on sale: the newest version of its rules."""

    id: str
    version: int
    rules: Rules


class Companion(msgspec.Struct, frozen=True):
    """Somebody a card is for, masked. The holder is number 1."""

    seq: int
    kind: str
    name_masked: str
    document_type: str
    document_last4: str


class Entitlement(msgspec.Struct, frozen=True):
    """What a card holds of one item: `prices` are products it covers → list price of one visit of the whole party."""

    item: str
    venue_id: str
    venue_name: Text
    prices: dict[str, int]
    uses_max: int | None
    held: int
    used: int

    @property
    def left(self) -> int | None:
        return None if self.uses_max is None else self.uses_max - self.held - self.used


class Counter(msgspec.Struct, frozen=True):
    """A number of uses that several items share."""

    code: str
    uses_max: int
    held: int
    used: int

    @property
    def left(self) -> int:
        return self.uses_max - self.held - self.used


class Use(msgspec.Struct, frozen=True):
    """One visit with a card, booked as a line of an order."""

    id: UUID
    item: str
    state: UseState
    order_id: UUID
    order_number: str
    line_seq: int
    product_id: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    people: int
    list_minor: int


class CardRow(msgspec.Struct, frozen=True):
    """A card as its table holds it, with the rules it was bought under."""

    id: UUID
    number: str
    product_id: str
    name: Text
    version: int
    rules: Rules
    order_id: UUID
    order_number: str
    holder_seq: int
    account_id: UUID
    state: CardState
    paid_minor: int
    list_minor: int
    currency: str
    issued_at: datetime
    activate_by: date | None
    activated_at: datetime | None
    valid_from: date | None
    valid_to: date | None
    first_used_at: datetime | None
    valid_until: datetime | None
    suspended_why: str
    ended_at: datetime | None


class Card(msgspec.Struct, frozen=True):
    """A card with all that decides what it may still be used for."""

    row: CardRow
    people: list[Companion]
    entitlements: list[Entitlement]
    counters: list[Counter]
    uses: list[Use]

    @property
    def number(self) -> str:
        return self.row.number

    @property
    def state(self) -> CardState:
        return self.row.state

    @property
    def rules(self) -> Rules:
        return self.row.rules

    @property
    def live(self) -> list[Use]:
        """What is booked or was used, in the order of the visits."""
        return sorted((use for use in self.uses if use.state in LIVE), key=lambda use: use.starts_at)

    def counter(self, code: str) -> Counter:
        return next(counter for counter in self.counters if counter.code == code)

    def covering(self, product_id: str) -> Entitlement | None:
        return next((one for one in self.entitlements if product_id in one.prices), None)

    def left(self, item: str) -> int | None:
        """How many more visits of an item could be booked, days and choices aside; None without a limit."""
        one = next(found for found in self.entitlements if found.item == item)
        limits = [one.left, *(self.counter(code).left for code in self.rules.item(item).counters)]
        known = [limit for limit in limits if limit is not None]
        return min(known) if known else None


class CardUnknown(NotFound):
    """We find no such card for you."""

    safe = "Cards are never deleted. If you bought one, it exists."
    next_step = "Look at your cards while signed in with the phone you bought it with."


class CardProductUnknown(NotFound):
    """There is no such card on sale."""

    next_step = "Look at the cards that are on sale."


class CardRefuses(Conflict):
    """The card cannot be used for this."""

    safe = "Nothing was booked, and nothing was taken from the card."
    next_step = "Each reason is listed; choose another day or another visit."


class NotActivatable(Conflict):
    """This card cannot be activated."""

    safe = "The card is as it was."
    next_step = "Look at the card's page: it says how the card stands."


class StartImpossible(Invalid):
    """The card cannot begin on that day."""

    safe = "The card is not activated yet."
    next_step = "Choose a day from today on, not later than the last day to activate it."


class CardNotSuspendable(Conflict):
    """Only an active card can be suspended, and only a suspended one goes on."""

    safe = "The card is as it was."
    next_step = "Look at how the card stands now."


class CardRulesInvalid(Invalid):
    """This description of a card does not hold together."""

    safe = "No card was made or changed."
    next_step = "Correct what is listed and try again."
