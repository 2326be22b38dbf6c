"""Types, the published order and problems of cuts: capacity that falls below what is sold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from holdfast.inventory.policies import Plan
from holdfast.kit.problems import Conflict, NotFound

Step = Literal[
    "stopped", "freeing", "asking", "waiting", "deciding", "parting", "telling", "closing", "done", "given_up"
]
Outcome = Literal["kept", "moved", "refunded", "freed", "gone"]
Verdict = Literal["keeps", "gives_way"]

STEPS: dict[str, str] = {
    "stopped": "Sale is stopped; waits for approval",
    "freeing": "Freeing places nobody has paid for",
    "asking": "Asking for volunteers",
    "waiting": "Waiting for answers",
    "deciding": "Deciding by the published order",
    "parting": "Giving money back",
    "telling": "Telling those who keep their places",
    "closing": "Opening what may be sold again",
    "done": "Done",
    "given_up": "Given up before it was applied",
}
"""Step of a cut → its English name, translated by the surface. In this order, the last two apart."""
OUTCOMES: dict[str, str] = {
    "kept": "keep their places",
    "moved": "moved to another time",
    "refunded": "got everything back",
    "freed": "had not paid yet",
    "gone": "had left by themselves",
}
PROTECTED: dict[str, str] = {
    "inside": "has been let in already",
    "moved": "was moved by an earlier cut",
    "lodging": "has a hotel room for the same stay",
    "access": "comes with a ticket for people with a disability",
}
"""Why a party is asked to give way last → clause, translated by the surface."""
RULE = (
    "Parties stay whole.",
    "First keep their places: who has been let in already; then who was moved by an earlier cut, has a hotel room for the same stay, or comes with a ticket for people with a disability.",
    "Then whoever paid first. Whoever has not paid yet comes last.",
    "Between those who paid in the same moment, a number decides that was drawn beforehand and is made public afterwards.",
    "A party that no longer fits as a whole gives way; the next one that fits keeps its places.",
)
"""The published order, in sentences; translated by the surface."""
ASK_HOURS_MAX = 72


class CutWish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was ordered, and how long volunteers are waited for. No hours: nobody is asked, the order decides at once."""

    plan: Plan
    ask_hours: int = 12


class Cut(msgspec.Struct, frozen=True):
    """A cut as its table holds it."""

    id: UUID
    wish: CutWish
    stop_ids: list[UUID]
    seed: str
    made_by: str
    made_at: datetime
    proposal_id: UUID | None
    policy_ids: list[UUID]
    applied_at: datetime | None
    answer_until: datetime | None
    step: Step
    is_held: bool
    ended_at: datetime | None

    @property
    def seed_hash(self) -> str:
        """What is published before the seed is."""
        return hashlib.sha256(self.seed.encode()).hexdigest()

    @property
    def is_running(self) -> bool:
        return self.step not in ("stopped", "done", "given_up")

    @property
    def takes_answers(self) -> bool:
        """Whether a party that waits may still choose by itself."""
        return self.step in ("freeing", "asking", "waiting", "deciding", "parting")


class Booked(msgspec.Struct, frozen=True):
    """A party in a slot that is cut, as it is found."""

    order_id: UUID
    slot_id: UUID
    number: str
    places: int
    is_paid: bool
    since: datetime
    """When it was paid; of an unpaid one, when it was placed."""
    protected: str
    price_minor: int
    currency: str
    is_owed: bool
    """Its price has come: nothing is promised, and nothing went back before."""
    is_whole: bool
    """The order is for this slot alone."""


class Party(msgspec.Struct, frozen=True):
    """A party of a cut and what becomes of it."""

    cut_id: UUID
    order_id: UUID
    slot_id: UUID
    number: str
    position: int
    places: int
    is_paid: bool
    protected: str
    price_minor: int
    currency: str
    forecast: Verdict
    verdict: Verdict | None
    outcome: Outcome | None
    chosen: bool
    asked_at: datetime | None
    ended_at: datetime | None
    told_at: datetime | None
    refund_minor: int
    to_slot: UUID | None


class Tally(msgspec.Struct, frozen=True):
    """How many of something: orders, and their places."""

    orders: int
    places: int


def ranked(parties: Iterable[Booked], seed: str) -> list[Booked]:
    """The published order (`RULE`): who keeps first comes first. The same parties and seed give the same order."""

    def key(party: Booked) -> tuple[int, bool, datetime, bytes]:
        lot = hashlib.sha256(f"{seed}|{party.number}".encode()).digest()
        group = 0 if party.protected == "inside" else 1 if party.protected else 2
        return (group if party.is_paid else 3), not party.is_paid, party.since, lot

    return sorted(parties, key=key)


def verdicts(parties: Sequence[tuple[UUID, int, bool]], room: int, *, closed: bool) -> dict[UUID, Verdict]:
    """Who of one slot keeps and who gives way: (order, places, stays anyway) in the published order.

    Whoever is inside stays, whatever the room; a closed slot keeps nobody else.
    """
    left = room - sum(places for _order, places, stays in parties if stays)
    found: dict[UUID, Verdict] = {}
    for order_id, places, stays in parties:
        keeps = stays or (not closed and places <= left)
        if keeps and not stays:
            left -= places
        found[order_id] = "keeps" if keeps else "gives_way"
    return found


class CutUnknown(NotFound):
    """There is no such cut."""

    next_step = "Look at the list of cuts."


class CutOver(Conflict):
    """This cut is not at that point any more."""

    safe = "Nothing was changed by this request."
    next_step = "Look at the cut as it is now."


class NothingOver(Conflict):
    """Nobody who has booked is touched by this."""

    safe = "Nothing was changed."
    next_step = "Make it as an ordinary change of capacity."


class NoChoice(NotFound):
    """There is nothing to choose for this order."""

    safe = "The order stands as its page shows it."
    next_step = "Look at the order's page."


class ChoiceOver(Conflict):
    """This choice is over."""

    safe = "Nothing was changed by this request."
    next_step = "Look at the order's page: it shows how it stands now."


class OfferGone(Conflict):
    """These places are not to be had any more."""

    safe = "Your visit stands as it was before."
    next_step = "Choose another of the times shown, or ask for the money back."


def json_of(wish: CutWish) -> Any:
    return msgspec.to_builtins(wish)
