"""What a campaign is watched by, from the forecast that was approved with it. Pure: no clock, no database.

The watches themselves run in the booking's transaction (`campaigns.watch` in the database); this module says with which numbers.

* **Share** of orders that match, of those placed while it is offered: a campaign of some hours is not asked about the others,
  neither by the forecast (`simulation.Tally`) nor by the watch (`closed` of `Meter.match`, ``campaigns.not_offered``). Page's cumulative sum of log-likelihood ratios (E. S. Page, Continuous inspection schemes,
  Biometrika 41, 1954) of "three times the forecast" against "at least half of all". No test with as few false alarms finds a
  change with fewer orders on average (G. Lorden, Ann. Math. Statist. 42, 1971; G. V. Moustakides, Ann. Statist. 14, 1986).
  By Wald's bound a false alarm takes e^20 orders on average.
* **Size** of a discount: the same for the logarithm of the amount, normal with the forecast's mean and spread against a mean
  five times as large.
* **Pace** of money: a token bucket, filled three times as fast as the forecast of the hour says. Empty means stop, not wait.
  The forecast of an hour is of the days on which it is offered then, and of the seconds of the hour in which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import msgspec

SHARE_SLACK, SHARE_LEAST = 3.0, 0.001
"""So many times the forecast is still normal; a forecast below a thousandth counts as a thousandth."""
SHARE_MOST, SHARE_WRONG, SHARE_SURELY_WRONG = 0.5, 0.5, 0.98
SHARE_LIMIT, SIZE_LIMIT = 20.0, 12.0
SIZE_TIMES = 5.0
SPREAD_LEAST = 1.0
PACE_FACTOR, PACE_SECONDS, PACE_CAPS = 3.0, 30.0, 20
HOURS, HOUR_S = 24, 3600
QUIET = 20
"""An hour counts with at least this part (1/n) of the busiest one."""


class Forecast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a campaign is expected to do, from its backtest.

    `share` of orders that match, of those placed while it is offered (0 to 1); mean and standard deviation of ln(discount in minor
    units), null when no discount was given; `hourly_minor`: minor units in each hour of a day in Shanghai on which it is offered
    then, 24 of them; `cap_minor`: the most one order gets; `open_s`: for how many seconds of each hour it is offered on such a
    day, empty when at all times.
    """

    share: float
    log_mean: float | None
    log_sd: float | None
    hourly_minor: list[int]
    cap_minor: int
    open_s: list[int] = []


class Watch(msgspec.Struct, frozen=True):
    """The numbers of a row of ``campaigns.running``; null: not watched."""

    share_up: float | None
    share_down: float | None
    share_limit: float | None
    size_mean: float | None
    size_gain: float | None
    size_shift: float | None
    size_limit: float | None
    pace_minor: list[int] | None
    pace_factor: float
    pace_depth: int | None


def watch(forecast: Forecast, *, is_gift: bool) -> Watch:
    """The watches of a campaign. A gift costs no money of the order: neither size nor pace are watched then.

    What more than half of all orders (placed while it is offered) are to get is not watched by its share: everything that matches would look like an
    accident, and a day as foreseen would stop it. Its envelope, the size and the pace remain.
    """
    shared: tuple[float | None, float | None, float | None] = (None, None, None)
    if forecast.share <= SHARE_MOST:
        shared = (*share_steps(forecast.share), SHARE_LIMIT)
    if is_gift:
        return Watch(*shared, None, None, None, None, None, PACE_FACTOR, None)
    hours, depth = pace(forecast.hourly_minor, forecast.cap_minor, forecast.open_s)
    if forecast.log_mean is None:
        return Watch(*shared, None, None, None, None, hours, PACE_FACTOR, depth)
    gain, shift = size_steps(forecast.log_mean, forecast.log_sd or 0.0)
    return Watch(*shared, forecast.log_mean, gain, shift, SIZE_LIMIT, hours, PACE_FACTOR, depth)


def share_steps(share: float) -> tuple[float, float]:
    """What the sum goes up by with an order that matches, and (below zero) with one that does not."""
    normal = min(SHARE_SLACK * max(share, SHARE_LEAST), SHARE_MOST)
    wrong = max(SHARE_WRONG, min(SHARE_SURELY_WRONG, 2 * normal))
    return log(wrong / normal), log((1 - wrong) / (1 - normal))


def size_steps(log_mean: float, log_sd: float) -> tuple[float, float]:
    """Gain and shift: the sum goes up by ``gain × (ln(amount) − shift)``.

    The spread counts as at least 1 (a factor of e), so that a campaign of nearly equal amounts is not stopped by a larger one.
    """
    spread, distance = max(log_sd, SPREAD_LEAST), log(SIZE_TIMES)
    return distance / spread**2, log_mean + distance / 2


def pace(hourly_minor: list[int], cap_minor: int, open_s: Sequence[int] = ()) -> tuple[list[int], int]:
    """The forecast by hour with a floor (a twentieth of the busiest hour, at least one full discount), and the bucket's depth.

    An hour in which it is offered for a part only (`open_s` seconds) counts with the pace of that part.
    Depth: half a minute of three times the busiest hour, at least 20 full discounts.
    """
    assert len(hourly_minor) == HOURS, "one figure for each hour of the day"
    if open_s:
        hourly_minor = [
            round(one * HOUR_S / open_for) if 0 < open_for < HOUR_S else one
            for one, open_for in zip(hourly_minor, open_s, strict=True)
        ]
    peak = max(hourly_minor)
    least = max(peak // QUIET, cap_minor, 1)
    hours = [max(one, least) for one in hourly_minor]
    depth = max(PACE_SECONDS * PACE_FACTOR * max(hours) / 3600, PACE_CAPS * cap_minor, 1)
    return hours, round(depth)


def share_trips_after(share: float) -> int:
    """So many matching orders in a row stop it: what a reviewer is told."""
    up, _down = share_steps(share)
    return -int(-SHARE_LIMIT // up)


def pace_stop_minor(forecast: Forecast) -> int:
    """What can be spent at once, beyond any forecast, before the pace stops it: the depth of the bucket."""
    return pace(forecast.hourly_minor, forecast.cap_minor, forecast.open_s)[1]


class Meter(msgspec.Struct):
    """The watches of one campaign, order by order, as the database keeps them: for simulations of many days.

    ``campaigns.watch`` is what decides about bookings; a test holds the two together.
    """

    watch: Watch
    share_sum: float = 0.0
    seen: int = 0
    size_sum: float = 0.0
    tokens: float | None = None
    tokens_at_s: float | None = None

    def match(self, amount_minor: int, seen: int, hour: int, at_s: float, closed: int = 0) -> str | None:
        """An order matched, the `seen`-th of all orders, at a time in seconds: what stops the campaign now, if anything does.

        `closed`: so many of the orders since the last that matched were placed while it was not offered.
        """
        watch, verdict = self.watch, None
        if watch.share_limit is not None and watch.share_up is not None and watch.share_down is not None:
            gone = max(0, seen - self.seen - 1 - closed) * watch.share_down
            self.share_sum = max(0.0, self.share_sum + gone) + watch.share_up
            if self.share_sum >= watch.share_limit:
                verdict = "share"
        self.seen = max(self.seen, seen)
        if (
            watch.size_gain is not None
            and watch.size_shift is not None
            and watch.size_limit is not None
            and amount_minor
        ):
            step = watch.size_gain * (log(amount_minor) - watch.size_shift)
            self.size_sum = max(0.0, self.size_sum + max(-3.0, min(3.0, step)))
            if self.size_sum >= watch.size_limit:
                verdict = verdict or "size"
        if watch.pace_depth is not None and watch.pace_minor is not None:
            rate = watch.pace_factor * watch.pace_minor[hour] / 3600
            full, since = float(watch.pace_depth), at_s if self.tokens_at_s is None else self.tokens_at_s
            self.tokens = (
                min(full, (full if self.tokens is None else self.tokens) + rate * max(0.0, at_s - since)) - amount_minor
            )
            self.tokens_at_s = max(at_s, since)
            if self.tokens < 0:
                verdict = verdict or "pace"
        return verdict
