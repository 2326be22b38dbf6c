"""The simulation as one thing: the providers, what they share, and what happens outside the merchant's requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import msgspec
from starlette.routing import BaseRoute

from holdfast.kit import clock

from . import times
from .faults import Scenario, Script
from .journal import Journal


class Options(msgspec.Struct, frozen=True):
    """How to run."""

    state_dir: Path
    speed: float = 1.0
    """Callbacks are repeated this many times faster than the provider's schedule."""
    refund_delay_s: float = 0.5
    """A refund is in processing for so long."""
    seed: int = 1
    qps: float | None = None
    """Requests per second that each provider takes of each operation; a scenario may say otherwise. None: any number."""
    durable: bool = True
    """What is done is on disk before it is answered. Whoever keeps the simulator in their own process may spare the wait."""


class NotPayable(Exception):
    """`state`, in the provider's word, says why."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class ProviderSim(Protocol):
    """One simulated provider. It keeps its own file in `Options.state_dir` and shares no code with our adapter."""

    name: str
    routes: list[BaseRoute]
    """The protocol's endpoints, with paths below each of the `prefixes`."""
    pages: list[BaseRoute]
    """What a payer sees, mounted once at the root."""

    def __init__(self, options: Options, journal: Journal, scenario: Scenario) -> None: ...

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Where `routes` are mounted."""
        ...

    def config(self, base_url: str) -> dict[str, object]:
        """What our adapter's `load_config` reads; `base_url` is the simulator's origin."""
        ...

    def truth(self) -> list[dict[str, object]]:
        """Every order with its refunds; amounts in minor units, times as `times.shown`."""
        ...

    def callback_counts(self) -> dict[str, int]: ...

    def scanned(self, code: str) -> str | None:
        """The path of the payer's page for what a camera read, or None when this is not this provider's code."""
        ...

    def pay(
        self, number: str, amount: int | None = None, payer_amount: int | None = None, *, again: bool = False
    ) -> dict[str, object]:
        """The payer pays: ``transaction_id`` and ``amount``. KeyError, NotPayable.

        `again`: a second receipt under another transaction id, for an order that is paid.
        """
        ...

    def settle_refund(self, number: str, status: str) -> dict[str, object]:
        """A refund in processing becomes SUCCESS, CLOSED or ABNORMAL: its ``status``. KeyError."""
        ...

    def rotate_keys(self) -> dict[str, object] | None:
        """New keys sign from now on. None where a provider has none to change."""
        ...

    async def run(self) -> None:
        """Deliver callbacks and settle refunds whose time has come, until cancelled."""
        ...

    def wake(self) -> None:
        """The clock was moved: look at once."""
        ...

    def reset(self) -> None:
        """Forget everything but the identity."""
        ...

    def close(self) -> None: ...


class Simulation:
    """All providers. A number belongs to whoever knows it."""

    def __init__(self, options: Options, kinds: Sequence[type[ProviderSim]]) -> None:
        options.state_dir.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(options.state_dir)
        self.scenario = Scenario(options.seed)
        self.sims = {kind.name: kind(options, self.journal, self.scenario) for kind in kinds}
        self._advanced = timedelta()

    async def run(self) -> None:
        """All that happens by itself, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sim in self.sims.values():
                group.create_task(sim.run())

    def scanned(self, code: str) -> str | None:
        """The payer's page for a code, whichever provider made it."""
        return next((path for sim in self.sims.values() if (path := sim.scanned(code)) is not None), None)

    def pay(self, number: str, amount: int | None, payer_amount: int | None, *, again: bool) -> dict[str, object]:
        """KeyError when nobody knows the number; NotPayable."""
        for sim in self.sims.values():
            try:
                return sim.pay(number, amount, payer_amount, again=again)
            except KeyError:
                continue
        raise KeyError(number)

    def settle_refund(self, number: str, status: str) -> dict[str, object]:
        """KeyError when nobody knows the number."""
        for sim in self.sims.values():
            try:
                return sim.settle_refund(number, status)
            except KeyError:
                continue
        raise KeyError(number)

    def truth(self) -> dict[str, object]:
        """What really happened at every provider, and how many callbacks stand how."""
        counts: dict[str, int] = {}
        for sim in self.sims.values():
            for outcome, number in sim.callback_counts().items():
                counts[outcome] = counts.get(outcome, 0) + number
        return {"orders": [order for sim in self.sims.values() for order in sim.truth()], "callbacks": counts}

    async def advance(self, by: timedelta) -> timedelta:
        """Move the clock forward; the sum of all moves since the last reset."""
        await times.advance(by)
        self._advanced += by
        for sim in self.sims.values():
            sim.wake()
        return self._advanced

    def reset(self) -> None:
        """Forget everything but the identities; the clock goes back to where it was."""
        for sim in self.sims.values():
            sim.reset()
        self.scenario.play(Script([]))
        self.journal.clear()
        clock.move(-self._advanced)
        self._advanced = timedelta()

    def close(self) -> None:
        for sim in self.sims.values():
            sim.close()
        self.journal.close()
