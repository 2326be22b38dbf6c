"""Whatever people, providers, workers and bad luck do in whatever order: no money is lost, none is kept twice."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .ground import Ground
from .machine import PaymentMachine

SEED = int(os.environ.get("HOLDFAST_MACHINE_SEED", "1"))
EXAMPLES = int(os.environ.get("HOLDFAST_MACHINE_EXAMPLES", "10"))
STEPS = int(os.environ.get("HOLDFAST_MACHINE_STEPS", "25"))


def play(
    ground: Ground, *, number: int = SEED, examples: int = EXAMPLES, steps: int = STEPS, shrink: bool = True
) -> None:
    """So many examples of so many steps, drawn from the seed alone. AssertionError with the steps that led to it."""

    @seed(number)
    class Machine(PaymentMachine):
        pass

    Machine.ground = ground
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    given = settings(
        max_examples=examples, stateful_step_count=steps, phases=phases, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    run_state_machine_as_test(Machine, settings=given)


def test_whatever_happens_in_whatever_order_every_fen_is_where_it_belongs(ground):
    play(ground)
