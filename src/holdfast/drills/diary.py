"""The diary of a drill: every answer that travellers got, by kind, stage and second, as its clients saw it."""

from __future__ import annotations

import re
import time
from collections import Counter

import msgspec

BUSY = re.compile("系统繁忙|系统正忙|system\\s+(?:is\\s+)?busy|服务器繁忙", re.IGNORECASE)
"""The words of the published outage: no answer to a traveller may hold them."""


class Waits(msgspec.Struct, frozen=True):
    """How long one kind of request took, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    slowest: float


class Diary:
    """Times are seconds since `zero`, which the scenario sets when the disturbance begins."""

    def __init__(self) -> None:
        self.zero = time.monotonic()
        self.stages: dict[int, Counter[str]] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        self.problems: Counter[str] = Counter()
        self.unanswered = 0
        self.busy = 0
        self.busy_example = ""
        self.unexpected: list[str] = []
        """Answers no traveller should ever get (500, or what is not ours), a few of them whole."""
        self._took: dict[str, list[float]] = {}
        self._slowest: dict[int, float] = {}

    def now_s(self) -> float:
        return time.monotonic() - self.zero

    def heard(self, kind: str, status: int, body: bytes, took_s: float) -> None:
        """An answer came."""
        self.answers[kind, status] += 1
        self._took.setdefault(kind, []).append(took_s * 1000)
        second = int(self.now_s() // 1)
        self._slowest[second] = max(self._slowest.get(second, 0.0), took_s)
        text = body.decode("utf-8", "replace")
        if BUSY.search(text):
            self.busy += 1
            self.busy_example = self.busy_example or text[:400]
        if status >= 500 and b'"code"' not in body and len(self.unexpected) < 5:
            self.unexpected.append(f"{kind}: {status} {text[:400]}")

    def silence(self) -> None:
        """No answer at all."""
        self.unanswered += 1

    def saw(self, stage: str) -> None:
        """A look at the payment's page told this stage."""
        self.stages.setdefault(int(self.now_s() // 1), Counter())[stage] += 1

    def waits(self, *kinds: str) -> Waits:
        """Of these kinds of requests together."""
        took = sorted(one for kind in kinds for one in self._took.get(kind, ()))
        if not took:
            return Waits(0, 0, 0, 0, 0)
        middle, most, nearly_all = (took[min(len(took) - 1, int(len(took) * q))] for q in (0.5, 0.95, 0.99))
        return Waits(len(took), middle, most, nearly_all, took[-1])

    def slowest_by_second(self) -> list[tuple[float, float]]:
        """Seconds that the slowest answer took, by the second in which it came."""
        return [(float(second), round(took, 3)) for second, took in sorted(self._slowest.items())]

    def statuses(self, low: int, high: int = 600) -> int:
        """How many answers had a status from `low` to below `high`."""
        return sum(count for (_, status), count in self.answers.items() if low <= status < high)
