"""Whatever people, providers, workers and bad luck do in whatever order: no money is lost, none is kept twice."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .ground import Ground
from .machine import PaymentMachine

SEED = int(os.environ.get("HOLDFAST_MACHINE_SEED", "1"))
EXAMPLES = int(os.environ.get("HOLDFAST_MACHINE_EXAMPLES", "5"))
STEPS = int(os.environ.get("HOLDFAST_MACHINE_STEPS", "20"))
SHRINKS = os.environ.get("HOLDFAST_MACHINE_SHRINKS", "yes") == "yes"


def play(
    ground: Ground, *, drawn_from: int = SEED, examples: int = EXAMPLES, steps: int = STEPS, shrinks: bool
) -> None:
    """So many examples of so many steps, drawn from a seed. What fails is raised, with the steps that led to it."""

    @seed(drawn_from)
    class Machine(PaymentMachine):
        pass

    Machine.ground = ground
    given = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Machine, settings=given)
    except BaseException as failure:
        size = f"HOLDFAST_MACHINE_EXAMPLES={examples} HOLDFAST_MACHINE_STEPS={steps}"
        failure.add_note(f"replay with: HOLDFAST_MACHINE_SEED={drawn_from} {size} make machine")
        raise


def test_whatever_happens_in_whatever_order_every_fen_is_where_it_belongs(ground):
    play(ground, shrinks=SHRINKS)
