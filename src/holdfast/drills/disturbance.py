"""The disturbance: every call to every payment provider fails, each provider in its own way, and the ways change."""

from __future__ import annotations

import asyncio
from typing import Any

from .diary import Diary
from .door import Door
from .instance import Instance
from .report import Moment

SICKNESSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("hang", {"seconds": 30}),  # no answer for half a minute; then it is done, whether anybody still listens or not
    ("system_error", {}),  # "系统繁忙", the published words
    ("lost_response", {}),  # done, and the answer lost
    ("html_502", {}),
    ("reset", {}),
)
PROVIDERS = ("wechatpay", "alipay", "stripe")
WORDS = {
    "hang": "no answer", "system_error": "system busy", "lost_response": "answers lost", "html_502": "gateway pages",
    "reset": "connections reset",
}  # fmt: skip
DROPPED = {"fault": "drop_callback"}
"""Callbacks of these minutes are never sent, not even later."""
ABSENT_S = 1.0
"""So long the killed worker is away: a supervisor starts it again."""


def script(turn: int) -> list[dict[str, Any]]:
    """The faults of one turn: each provider has another sickness than its neighbours, and all calls are struck."""
    steps: list[dict[str, Any]] = [DROPPED]
    for number, provider in enumerate(PROVIDERS):
        fault, more = SICKNESSES[(turn + 2 * number) % len(SICKNESSES)]
        steps.append({"fault": fault, "provider": provider, **more})
    return steps


class Disturbance:
    """Plays it, in as many turns as there are sicknesses, kills the worker once, and lets everything return."""

    def __init__(self, here: Instance, door: Door, diary: Diary, seconds: float, seed: int) -> None:
        self._here, self._door, self._diary = here, door, diary
        self._seconds, self._seed = seconds, seed
        self.struck: dict[str, int] = {}
        """How often each fault struck."""
        self.moments: list[Moment] = []
        self.returned_s = 0.0

    async def begin(self) -> None:
        """The first turn: from now on every call fails, and the diary's time begins."""
        await self._turn(0)
        self._diary.zero += self._diary.now_s()

    async def play(self) -> None:
        """From zero to the return of everything."""
        turns = len(SICKNESSES)
        killing = asyncio.create_task(self._kill_worker(self._seconds * 0.4))
        for turn in range(turns):
            if turn:
                await self._collect()
                await self._turn(turn)
            await asyncio.sleep(max(0.0, self._seconds * (turn + 1) / turns - self._diary.now_s()))
        await self._collect()
        self.returned_s = self._diary.now_s()
        await self._door.provider("DELETE", "/scenario")
        self._tell("Every provider answers again. The callbacks that were dropped never come.", mark=True)
        await killing

    async def _turn(self, turn: int) -> None:
        steps = script(turn)
        heard = await self._door.provider("POST", "/scenario", {"steps": steps, "seed": self._seed + turn})
        if not heard.ok:
            raise RuntimeError(f"the simulator does not play the scenario: {heard.status} {heard.body[:300]!r}")
        ills = {step["provider"]: WORDS[step["fault"]] for step in steps if "provider" in step}
        what = "WeChat Pay: {wechatpay}. Alipay: {alipay}. Cards: {stripe}."
        self.moments.append(Moment(round(self._seconds * turn / len(SICKNESSES), 1), what, ills))

    async def _collect(self) -> None:
        """Notes how often the steps in force have struck."""
        for step in (await self._door.provider("GET", "/scenario")).json().get("steps", []):
            self.struck[step["fault"]] = self.struck.get(step["fault"], 0) + int(step["struck"])

    async def _kill_worker(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._diary.now_s()))
        await asyncio.to_thread(self._here.kill, "worker")
        self._tell("The worker is killed in the middle of its work (kill -9).", mark=True)
        await asyncio.sleep(ABSENT_S)
        self._here.start_process("worker")
        self._tell("The worker is started again, as a supervisor would.")

    def _tell(self, what: str, values: dict[str, Any] | None = None, *, mark: bool = False) -> None:
        self.moments.append(Moment(round(self._diary.now_s(), 1), what, values or {}, mark))
