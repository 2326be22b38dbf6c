"""What a campaign is expected to do, and the most that it can: the figures that reviewers see and guards are made from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput

from . import guards, simulation
from .guards import Forecast
from .model import Content, Envelope, Gift
from .simulation_model import Simulation
from .worst import order_minor

CANARY_MINOR, CANARY_COUNT = 500_00, 20
"""The first stage: so much money, so many redemptions."""
PUSHES_MAX, PUSH_FACTOR_MAX = 20, 20


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A planned push (a message, an advertisement): for a while, so many times the usual pace."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]
    until: Annotated[datetime, msgspec.Meta(tz=True)]
    factor: Annotated[float, msgspec.Meta(gt=1, le=PUSH_FACTOR_MAX)]

    @property
    def wire(self) -> dict[str, Any]:
        """As ``campaigns.pace_per_s`` reads it."""
        return {"from": self.since.isoformat(), "until": self.until.isoformat(), "factor": self.factor}


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the past cannot know, declared by whoever proposes: the share of the orders placed while it is offered that will
    match, in basis points, if it differs from the past (a campaign with codes must say it), and planned pushes."""

    share_bp: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    pushes: Annotated[list[Push], msgspec.Meta(max_length=PUSHES_MAX)] = []


class Guarded(msgspec.Struct, frozen=True):
    """What can go out, in minor units, before a watch stops it although every order matches and gets the most.

    `first_stage`: before anybody looks; `share`, `pace`: until that watch trips; null: it is not watched by that.
    `orders`: matching orders in a row until the watch of the share trips.
    """

    first_stage_minor: int
    share_minor: int | None
    orders: int | None
    pace_minor: int | None
    minute_minor: int | None


def most_minor(content: Content, envelope: Envelope) -> int:
    """The most that one order gets: by the content, at most by the envelope. 0 for gifts."""
    own = order_minor(content)
    return envelope.max_minor if own is None else min(own, envelope.max_minor)


def forecast_of(content: Content, envelope: Envelope, made: Simulation, expected: Expected) -> Forecast:
    """What to expect: the backtest, and what was declared beside it."""
    return simulation.forecast(
        made.result, share_bp=expected.share_bp, cap_minor=most_minor(content, envelope), sample=made.scope.sample
    )


def guarded(content: Content, envelope: Envelope, forecast: Forecast) -> Guarded:
    """What reviewers are told of the guards, in figures."""
    most, budget = most_minor(content, envelope), content.limits.budget_minor
    watch = guards.watch(forecast, is_gift=isinstance(content.effect, Gift))
    orders = None if watch.share_limit is None else guards.share_trips_after(forecast.share)
    depth, minute = watch.pace_depth, None
    if depth is not None and watch.pace_minor is not None:
        minute = min(budget, depth + round(watch.pace_factor * max(watch.pace_minor) / 60))
    return Guarded(
        min(budget, CANARY_MINOR),
        None if orders is None else min(budget, orders * most),
        orders,
        None if depth is None else min(budget, depth),
        minute,
    )


def check(content: Content, expected: Expected) -> None:
    """InvalidInput when something is missing that the past cannot know."""
    errors = []
    if expected.share_bp is None and not content.is_automatic:
        errors.append(
            _error(
                "share",
                "The past cannot know how many will have a code: say which part of the orders placed while it is offered you expect.",
            )
        )
    if any(one.since >= one.until for one in expected.pushes):
        errors.append(_error("pushes", "A push ends after it begins."))
    if errors:
        raise InvalidInput(errors=errors)


def _error(field: str, text: str) -> dict[str, Any]:
    return {"field": field, "code": f"EXPECTED_{field.upper()}", "message": both(text), "severity": "error"}
