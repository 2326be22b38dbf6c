"""The nouns of campaigns: what a version says word for word, the envelope it runs in, and what it grants.

A content chooses lines of a basket (`scope`), decides by the whole basket (`when`), and says what these lines get (`effect`).
Both conditions are needed: without either of them nobody gets anything. Money is in minor units, percent in basis points.
A content never says who pays, nor what that is called: label and payer come from the envelope, which finance approves by itself.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.kit.problems import Conflict, NotFound

from .conditions import Condition
from .facts import HOME, Basket

Text = dict[str, str]
Payer = Literal["platform", "merchant", "government"]
Minor = Annotated[int, msgspec.Meta(ge=1, le=100_000_000_00)]
Bp = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
FREE_CHANGE = "free_change"
BENEFITS: dict[str, str] = {FREE_CHANGE: "free change of the visit"}
"""Gifts that a campaign may give → their English names. `orders.benefits` makes them good."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part of a content: unknown fields are mistakes."""


class _Effect(_Part, frozen=True, tag_field="type"):
    """What the chosen lines get."""


class AmountOff(_Effect, frozen=True, tag="amount"):
    """So much less: once for the order, or for each chosen ticket; never more than a ticket costs.

    `cap_minor`: the most that one order gets by tickets.
    """

    amount_minor: Minor
    per: Literal["order", "ticket"]
    currency: Currency = "CNY"
    cap_minor: Minor | None = None


class PercentOff(_Effect, frozen=True, tag="percent"):
    """A part of the price, rounded down to whole minor units for the order. Without `cap_minor` only if `uncapped` says so."""

    share_bp: Bp
    cap_minor: Minor | None = None
    uncapped: bool = False
    currency: Currency = "CNY"


class FixedPrice(_Effect, frozen=True, tag="fixed_price"):
    """Each chosen ticket costs so much; cheaper ones stay as they are. `cap_minor`: the most that one order gets."""

    price_minor: Annotated[int, msgspec.Meta(ge=0, le=100_000_000_00)]
    currency: Currency = "CNY"
    cap_minor: Minor | None = None


class Gift(_Effect, frozen=True, tag="gift"):
    """A benefit that comes with the order and costs it nothing."""

    benefit: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1


Effect = AmountOff | PercentOff | FixedPrice | Gift


class Stacking(_Part, frozen=True):
    """At most one of a group is granted: the one that takes most off. Groups combine, or the campaign stands `alone`."""

    group: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
    combines: Literal["groups", "alone"] = "alone"


class _Codes(_Part, frozen=True, tag_field="type"):
    """Whether a code must be typed."""


class NoCode(_Codes, frozen=True, tag="none"):
    """Whoever fits gets it."""


class SingleCode(_Codes, frozen=True, tag="single"):
    """Everybody types the same code."""

    code: Annotated[str, msgspec.Meta(min_length=4, max_length=32)]


class BulkCodes(_Codes, frozen=True, tag="bulk"):
    """Many codes, each with its own number of uses."""


Codes = NoCode | SingleCode | BulkCodes


class Limits(_Part, frozen=True):
    """How much: in all, a day (of Shanghai), a person over all linked accounts. None: not limited by this."""

    budget_minor: Minor
    budget_count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    per_day_minor: Minor | None = None
    per_person: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class Hours(_Part, frozen=True):
    """Clock times of a zone, `until` not included; `until` at or before `since`: over midnight."""

    since: time
    until: time


class Schedule(_Part, frozen=True):
    """When it is offered: between two moments, on some weekdays (1 = Monday), at some hours. None: on all, at all."""

    from_at: Annotated[datetime, msgspec.Meta(tz=True)]
    until_at: Annotated[datetime, msgspec.Meta(tz=True)]
    weekdays: list[Annotated[int, msgspec.Meta(ge=1, le=7)]] | None = None
    hours: Hours | None = None
    time_zone: str = HOME


class Case(_Part, frozen=True):
    """A basket and exactly what it gets: the minor units taken off it, and how many gifts. 0 and 0: nothing."""

    name: str
    basket: Basket
    expected_minor: Annotated[int, msgspec.Meta(ge=0)]
    expected_gifts: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def is_positive(self) -> bool:
        return self.expected_minor > 0 or self.expected_gifts > 0


class Content(_Part, frozen=True):
    """What a version says, word for word. `sentence` is what the traveller reads, in Chinese and English.

    `priority`: of campaigns that combine, the higher is taken off first. `cases`: baskets that the content was tried on.
    """

    names: Text
    sentence: Text
    effect: Effect
    limits: Limits
    schedule: Schedule
    envelope_id: UUID
    stacking: Stacking
    channels: list[str]
    scope: Condition | None = None
    when: Condition | None = None
    codes: Codes = NoCode()
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 100
    template: str | None = None
    cases: list[Case] = []

    @property
    def hash(self) -> bytes:
        """SHA-256 of the content as JSON with sorted keys: equal content, equal hash."""
        return changes.hashed(self)

    @property
    def is_automatic(self) -> bool:
        """Nobody has to type anything for it."""
        return isinstance(self.codes, NoCode)


class Envelope(msgspec.Struct, frozen=True):
    """What finance allows. `max_minor` and `max_bp` of their price are the most that the chosen lines of one order get.

    Its floor: however many campaigns combine, of the lines it is used for at least 10,000 − `max_bp` basis points remain to pay.
    """

    id: UUID
    name: Text
    payer: Payer
    agreement: str | None
    label: Text
    max_minor: int
    max_bp: int
    currency: str
    kinds: list[str]
    channels: list[str]
    budget_minor: int
    valid_until: datetime


class Version(msgspec.Struct, frozen=True):
    """A version of a campaign with the envelope it runs in. None of it ever changes."""

    id: UUID
    campaign_id: str
    n: int
    content: Content
    content_hash: bytes
    envelope: Envelope


class Grant(msgspec.Struct, frozen=True):
    """What a version gives a basket: minor units by line (every line of its scope, also those that get 0), or a gift.

    `label` is the envelope's; `code` the one that is used up; `trace` says of every node of the conditions what was found.
    """

    version_id: UUID
    campaign_id: str
    amount_minor: int
    lines: dict[int, int]
    label: Text
    code: str | None
    trace: dict[str, Any]
    gift: dict[str, Any] | None = None

    def wire(self) -> dict[str, Any]:
        """As the database's door ``campaigns.grant`` takes it."""
        return {
            "version_id": str(self.version_id), "campaign_id": self.campaign_id, "amount_minor": self.amount_minor,
            "lines": [{"seq": seq, "amount_minor": minor} for seq, minor in self.lines.items()], "label": self.label,
            "gift": self.gift, "code": self.code, "trace": self.trace,
        }  # fmt: skip


def decode(raw: bytes | str) -> Content:
    """A content from JSON. msgspec.ValidationError names the path of what does not fit."""
    return msgspec.json.decode(raw, type=Content)


def figures(effect: Effect) -> tuple[int, str, int | None]:
    """Amount, unit and cap: what a reviewer types again. Units: order, ticket, percent (basis points), price, gift."""
    match effect:
        case AmountOff():
            return effect.amount_minor, effect.per, effect.cap_minor
        case PercentOff():
            return effect.share_bp, "percent", effect.cap_minor
        case FixedPrice():
            return effect.price_minor, "price", effect.cap_minor
        case Gift():
            return effect.quantity, "gift", None


class CampaignUnknown(NotFound):
    """There is no such campaign."""

    next_step = "Look at the list of campaigns; the address may be an old one."


class VersionUnknown(NotFound):
    """This campaign has no such version."""

    next_step = "Look at the campaign: it lists its versions."


class BenefitOver(Conflict):
    """A benefit that was shown is not available any more."""

    safe = "Nothing was booked and nothing was charged. Benefits that were granted with earlier orders stay."
    next_step = "Look at the new price and book again if it suits you."
