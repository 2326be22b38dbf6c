"""``python -m holdfast.payments.simulator``: run the simulator as its own process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from holdfast.kit import settings

from .app import make_app
from .simulation import Options


def main() -> int:
    """Run until stopped; refuses to run in production."""
    parser = argparse.ArgumentParser(prog="holdfast.payments.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--state-dir", type=Path, help="default: $HOLDFAST_HOME/simulator")
    parser.add_argument("--speed", type=float, default=1.0, help="callbacks are repeated this many times faster")
    parser.add_argument("--refund-delay", type=float, default=0.5, help="seconds a refund is in processing")
    parser.add_argument("--seed", type=int, default=1, help="of the dice of scenarios")
    parser.add_argument(
        "--qps", type=float, help="requests per second a provider takes of each operation; default: all"
    )
    given = parser.parse_args()
    if settings.current().is_production:
        parser.error("HOLDFAST_ENV is prod: a simulator has no place there")
    if given.speed <= 0:
        parser.error("--speed must be above 0")
    if given.qps is not None and given.qps <= 0:
        parser.error("--qps must be above 0")
    options = Options(
        state_dir=given.state_dir or settings.current().home / "simulator",
        speed=given.speed,
        refund_delay_s=given.refund_delay,
        seed=given.seed,
        qps=given.qps,
    )
    sys.stderr.write(f"payment simulator: http://{given.host}:{given.port}/wallet (no real money)\n")
    uvicorn.run(
        make_app(options),
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
