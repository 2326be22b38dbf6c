"""Watching: minutes at their places, levels backwards, and who serves how many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.kit import clock
from holdfast.payments import watching
from holdfast.payments.health_store import Rollout
from holdfast.payments.watching import Minute


def rollout(mode: str, percent: int = 0, *, tripped: bool = False) -> Rollout:
    now = clock.now()
    return Rollout(
        "wechatpay", "apiv3.2", "apiv3.1", mode, percent, now, "staff:x", "test", now if tripped else None, None
    )


@pytest.mark.parametrize(
    ("given", "old", "new"),
    [
        (None, 100, 0), (rollout("off"), 100, 0), (rollout("shadow"), 100, 0), (rollout("canary", 5), 95, 5), (rollout("primary"), 0, 100),
        (rollout("primary", tripped=True), 100, 0), (rollout("canary", 50, tripped=True), 100, 0),
    ],
)  # fmt: skip
def test_each_version_serves_its_share_and_a_tripped_one_nobody(given: Rollout | None, old: int, new: int) -> None:
    assert watching.serves_of(given, "wechatpay", "apiv3.1") == old
    assert watching.serves_of(given, "wechatpay", "apiv3.2") == new


def test_minutes_stand_at_their_places_and_the_present_one_is_last() -> None:
    now = clock.now()
    this = now.replace(second=0, microsecond=0)

    def minute(back: int, calls: int, failed: int = 0) -> Minute:
        return Minute("alipay", "qr", "openapi.1", this - timedelta(minutes=back), calls, failed, 80)

    hours = watching.by_channel([minute(60, 9), minute(59, 4), minute(3, 5, 2), minute(0, 7, 7)], now)
    hour = hours["alipay", "qr", "openapi.1"]
    assert (hour.calls[0], hour.calls[56], hour.calls[59], sum(hour.calls)) == (4, 5, 7, 16)
    assert (hour.failed[56], hour.failed[59]) == (2, 7)
    assert (hour.p95_ms[0], hour.p95_ms[1], hour.worst_ms) == (80, None, 80)


def test_levels_are_the_last_one_less_what_came_after() -> None:
    assert watching.backwards(3, [0, 5, -2, 0]) == [0, 5, 3, 3]
    assert watching.backwards(0, [1, -1]) == [1, 0]
    assert watching.backwards(0, [0, 3]) == [0, 0], "never below nothing, whatever is missing"
