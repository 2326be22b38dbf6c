"""Types of attendance: what devices ask and are answered, the list they keep, and the list on paper."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.passes import Verdict


class Scan(msgspec.Struct, frozen=True):
    """What a device asks or reports: an entry by a code, or by an order's number and the number of the ticket; or an exit.

    `offline`: the device has decided alone and somebody has gone in. `insisted`: staff let in outside the entry window.
    """

    counter: int
    kind: str = "entry"
    code: str = ""
    number: str = ""
    ticket: int = 0
    people: int = 0
    at: datetime | None = None
    offline: bool = False
    insisted: bool = False
    shift: UUID | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the gate says, and whether it is written down. `used_at` and `used_where`: the admission that came first."""

    counter: int
    verdict: Verdict
    recorded: bool
    number: str = ""
    ticket: int = 0
    holder: str = ""
    people: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    of_venue: str = ""
    used_at: datetime | None = None
    used_where: str = ""


class Asked(msgspec.Struct, frozen=True):
    """One thing a device asks. `version` is None for a number typed by hand, where the ticket as it is now is meant."""

    n: int
    counter: int
    kind: str
    number: str | None
    ticket: int
    version: int | None
    tag: str
    of_venue: str | None
    people: int
    passed_at: datetime
    offline: bool
    insisted: bool
    shift: UUID | None


class GateTicket(msgspec.Struct, frozen=True):
    """A ticket as a device keeps it. Moments are unix seconds; `used`: when, and at which gate; `group`: enter together."""

    seq: int
    admits: int
    starts: int
    ends: int
    holder: str
    tag: str
    group: int
    used: tuple[int, str] | None


class GateOrder(msgspec.Struct, frozen=True):
    """An order as a device keeps it: codes of other versions than this are void, and tickets that are not there, too."""

    number: str
    version: int
    tickets: list[GateTicket]


class Printed(msgspec.Struct, frozen=True):
    """A line of the list on paper."""

    starts_at: datetime
    ends_at: datetime
    product_name: dict[str, str]
    number: str
    ticket: int
    admits: int
    holder: str
    document: str
    used_at: datetime | None


class GateList(msgspec.Struct, frozen=True):
    """What a device needs to decide alone. `since` is what to ask with the next time; `whole`: it replaces what was there."""

    since: datetime
    whole: bool
    orders: list[GateOrder]
