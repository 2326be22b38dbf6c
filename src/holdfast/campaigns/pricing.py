"""Pricing: what the versions on offer take off a basket. Pure: the same facts and versions give the same price, in any order.

    priced = price(basket, versions)       # priced.total_minor is shown, and is what is charged

1. A version counts if its scope chooses a line, its basket condition holds and nothing else stands against it (`Outcome`).
2. Every discount is reckoned from list prices, in minor units, rounded down, and spread over the chosen lines by largest
   remainder, so that the parts add up.
3. Of the versions that combine, one of each group counts: whatever takes most off. They are taken off by priority, higher first.
   Whoever stands alone is granted instead if it takes more off than all those together.
4. One more is left out where the lines of some envelope would fall below that envelope's floor.

What a version says is never made smaller to fit its own envelope: the guard in the booking's transaction must see it as it is,
refuse it and stop the campaign. So whoever alone breaks its envelope is never left out by rule 4, and comes first in 3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from . import conditions, effects, facts, hours
from .conditions import Compiled
from .effects import BP
from .facts import Basket, Line
from .model import Content, Gift, Grant, Schedule, SingleCode, Version
from .stacking import Candidate, Outcome, stack

READY_MAX = 2000


class Told(msgspec.Struct, frozen=True):
    """What became of one version, and the trace of its conditions: `scope` by lines, `when` if some line was chosen."""

    version_id: UUID
    campaign_id: str
    outcome: Outcome
    amount_minor: int
    trace: dict[str, Any]


class Priced(msgspec.Struct, frozen=True):
    """A basket with its price. `grants` stand in the order of version ids; `traces` are there when they were asked for."""

    grants: list[Grant]
    list_minor: int
    total_minor: int
    traces: list[Told] = []

    @property
    def discount_minor(self) -> int:
        return self.list_minor - self.total_minor

    @property
    def by_line(self) -> dict[int, int]:
        """Line → minor units off, all grants together; lines that get nothing are missing."""
        found: dict[int, int] = {}
        for grant in self.grants:
            for seq, minor in grant.lines.items():
                if minor:
                    found[seq] = found.get(seq, 0) + minor
        return found


class _Ready(msgspec.Struct):
    """A content made ready for many baskets. `needs`: fields of which some line must have one of these values."""

    content: Content
    scope: Compiled
    when: Compiled
    needs: list[tuple[str, frozenset[Any]]]
    channels: frozenset[str]
    currency: str | None
    is_automatic: bool
    is_gift: bool
    from_at: datetime
    until_at: datetime
    has_clock: bool


_ready: dict[UUID, _Ready] = {}
_near: dict[int, _Ready] = {}
"""The same by the identity of the content, which the entry keeps alive."""


def _made_ready(version: Version) -> _Ready:
    near = _near.get(id(version.content))
    if near is not None and near.content is version.content:
        return near
    if len(_ready) + len(_near) >= READY_MAX:
        _ready.clear()
        _near.clear()
    known = _ready.get(version.id)
    if known is not None and known.content == version.content:
        made = msgspec.structs.replace(known, content=version.content)
    else:
        made = _ready[version.id] = _prepared(version.content)
    _near[id(version.content)] = made
    return made


def _prepared(content: Content) -> _Ready:
    schedule = content.schedule
    return _Ready(
        content, conditions.prepare(content.scope, "line"), conditions.prepare(content.when, "basket"),
        list(conditions.needs(content.scope)), frozenset(content.channels),
        None if isinstance(content.effect, Gift) else content.effect.currency, content.is_automatic,
        isinstance(content.effect, Gift),
        schedule.from_at, schedule.until_at,
        hours.has_clock(schedule) or not facts.is_zone(schedule.time_zone),
    )  # fmt: skip


class _Picked(NamedTuple):
    """Some lines of the basket: themselves, their list prices, and the facts of the basket with what they come to."""

    lines: list[Line]
    listed: list[int]
    facts: dict[str, Any]


class _Pricing:
    """One basket on its way: its facts, made once for all versions."""

    def __init__(self, basket: Basket, *, past: bool) -> None:
        self.basket, self.past = basket, past
        self._clocks: dict[str, datetime] = {}
        self.lines = sorted(basket.lines, key=lambda line: line.seq)
        if len({line.seq for line in self.lines}) < len(self.lines):
            raise ValueError("two lines of a basket have the same number")
        self.listed = [line.quantity * line.unit_minor for line in self.lines]
        self.line_facts = [facts.of_line(line, basket.now, self._clocks) for line in self.lines]
        self.general = facts.of_basket(basket)
        self._have: dict[str, set[Any]] = {}
        self._known: dict[tuple[int, ...], _Picked] = {}

    def lacks(self, needs: list[tuple[str, frozenset[Any]]]) -> bool:
        """No line can be chosen, whatever else the condition asks. Spares looking at every line for most versions."""
        for name, values in needs:
            have = self._have.get(name)
            if have is None:
                have = self._have[name] = {found[name] for found in self.line_facts}
            if values.isdisjoint(have):
                return True
        return False

    def candidate(self, at: int, version: Version) -> Candidate | Outcome:
        """What a version would give by itself, or what stands against it."""
        ready, basket = _made_ready(version), self.basket
        content = ready.content
        if basket.channel not in ready.channels:
            return "channel"
        if ready.currency is not None and ready.currency != basket.currency:
            return "currency"
        if not (self.past or ready.from_at <= basket.now < ready.until_at):
            return "schedule"
        if ready.has_clock and not self._is_hour(content.schedule):
            return "schedule"
        if not ready.is_automatic and not self._has_code(version):
            return "code"
        if self.lacks(ready.needs):
            return "scope"
        chosen = ready.scope.chosen(self.line_facts)
        if not chosen:
            return "scope"
        lines, listed, scoped = self._picked(chosen)
        about = facts.for_campaign(scoped, basket, version.campaign_id)
        if ready.when.test(about) is not True:
            return "when"
        weights = effects.weights(content.effect, lines, listed)
        amount, listed_minor = effects.total(content.effect, sum(weights)), about["scope_minor"]
        if amount == 0 and not ready.is_gift:
            return "nothing"
        most = content.limits.per_person
        if most is not None and (about["redemptions"] is None or about["redemptions"] >= most):
            return "person"
        inside = _fits(version, lines, listed_minor, amount, basket.channel)
        return Candidate(at, version, ready.is_gift, lines, listed, listed_minor, weights, amount, inside, about)

    def _picked(self, chosen: list[int]) -> _Picked:
        """Lines by their positions. Most campaigns that choose any choose the same."""
        key = tuple(chosen)
        found = self._known.get(key)
        if found is None:
            lines = [self.lines[at] for at in chosen]
            found = _Picked(lines, [self.listed[at] for at in chosen], facts.of_scope(self.general, lines))
            self._known[key] = found
        return found

    def about(self, version: Version) -> dict[str, Any] | None:
        """The facts of the basket as a version sees them; None when it chooses no line."""
        chosen = _made_ready(version).scope.chosen(self.line_facts)
        return facts.for_campaign(self._picked(chosen).facts, self.basket, version.campaign_id) if chosen else None

    def _is_hour(self, schedule: Schedule) -> bool:
        """Whether clocks of the schedule's zone show a weekday and an hour at which it is offered."""
        if not facts.is_zone(schedule.time_zone):
            return False
        return hours.is_open(schedule, facts.now_in(schedule.time_zone, self.basket.now, self._clocks))

    def _has_code(self, version: Version) -> bool:
        typed, codes = self.basket.code, version.content.codes
        if typed is None or typed.campaign_id != version.campaign_id or not typed.usable:
            return False
        return not isinstance(codes, SingleCode) or codes.code == typed.code

    def trace(self, version: Version, about: dict[str, Any] | None, chosen: Collection[int] | None) -> dict[str, Any]:
        """What every node of the conditions says: of the lines in `chosen`, which the scope chose (None: of all). Lines that fare alike are joined."""
        ready = _made_ready(version)
        alike: dict[tuple[bool | None, ...], list[int]] = {}
        known = ready.scope.surely if chosen is not None else None
        for at, line in enumerate(self.lines):
            if chosen is None or line.seq in chosen:
                found = ready.scope.found(self.line_facts[at]) if known is None else known
                alike.setdefault(found, []).append(at)
        scope = [
            {"lines": [self.lines[at].seq for at in here],
             **ready.scope.tell(iter(found), [self.line_facts[at] for at in here])}
            for found, here in alike.items()
        ]  # fmt: skip
        return {"scope": scope} if about is None else {"scope": scope, "when": ready.when.trace(about)}


def price(basket: Basket, versions: Sequence[Version], *, explain: bool = False, past: bool = False) -> Priced:
    """The price of a basket with all that the versions give. ValueError when two lines have the same number.

    `explain`: with the trace of every version, also of those that give nothing. `past`: for orders of another time; first and
    last moment of a schedule are left aside, weekdays and hours are not.
    """
    pricing = _Pricing(basket, past=past)
    outcomes: dict[int, Outcome] = {}
    candidates: list[Candidate] = []
    for at, version in enumerate(versions):
        found = pricing.candidate(at, version)
        if isinstance(found, str):
            outcomes[at] = found
        else:
            candidates.append(found)
    stacked = stack(candidates, outcomes) if candidates else []
    grants = sorted((_grant(pricing, one, amounts) for one, amounts in stacked), key=lambda grant: grant.version_id.int)
    listed = basket.list_minor
    traces = _told(pricing, versions, outcomes, candidates) if explain else []
    return Priced(grants, listed, listed - sum(grant.amount_minor for grant in grants), traces)


def possible(basket: Basket, versions: Sequence[Version]) -> list[Version]:
    """Those that can give a basket of these lines something, whoever books it and whatever it comes to: the others need not be
    looked at for each of many baskets of the same lines, channel and currency."""
    pricing = _Pricing(basket, past=True)
    found = []
    for version in versions:
        ready = _made_ready(version)
        if (
            basket.channel in ready.channels
            and not pricing.lacks(ready.needs)
            and ready.scope.chosen(pricing.line_facts)
        ):
            found.append(version)
    return found


def fits(version: Version, lines: Sequence[Line], amount: int, channel: str | None) -> bool:
    """Whether the envelope allows so much for these lines; else the guard refuses it and stops the campaign."""
    return _fits(version, lines, sum(line.quantity * line.unit_minor for line in lines), amount, channel)


def _fits(version: Version, lines: Sequence[Line], listed_minor: int, amount: int, channel: str | None) -> bool:
    envelope = version.envelope
    return (
        amount <= envelope.max_minor
        and amount * BP <= listed_minor * envelope.max_bp
        and channel in envelope.channels
        and {line.kind for line in lines}.issubset(envelope.kinds)
    )


def _grant(pricing: _Pricing, one: Candidate, amounts: list[int]) -> Grant:
    version, effect = one.version, one.version.content.effect
    typed = pricing.basket.code
    chosen = [line.seq for line in one.lines]
    return Grant(
        version.id, version.campaign_id, sum(amounts), dict(zip(chosen, amounts, strict=True)), version.envelope.label,
        typed.code if typed is not None and not version.content.is_automatic else None,
        pricing.trace(version, one.facts, chosen),
        {"benefit": effect.benefit, "quantity": effect.quantity} if isinstance(effect, Gift) else None,
    )  # fmt: skip


def _told(
    pricing: _Pricing, versions: Sequence[Version], outcomes: dict[int, Outcome], candidates: list[Candidate]
) -> list[Told]:
    known = {one.at: one for one in candidates}
    found = []
    for at, version in sorted(enumerate(versions), key=lambda pair: pair[1].id):
        one = known.get(at)
        about = one.facts if one else pricing.about(version)
        amount = one.amount_minor if one else 0
        trace = pricing.trace(version, about, None)
        found.append(Told(version.id, version.campaign_id, outcomes[at], amount, trace))
    return found
