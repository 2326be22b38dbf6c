"""``holdfast run | serve | worker | simulator``: the processes of an installation."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from holdfast.kit import schema
from holdfast.kit.db import Db
from holdfast.kit.server import database_url


def register(commands: Any) -> None:
    """The subcommands of this file."""
    run = commands.add_parser("run", help="everything on one host: database, demo catalogue, simulator, worker, site")
    run.add_argument("--port", type=int, default=8000)
    run.add_argument("--simulator-port", type=int, default=8090)
    run.set_defaults(run=run_all)
    serve = commands.add_parser("serve", help="the site and the API")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=1, help="processes; each has its own group commit")
    serve.set_defaults(run=serve_app)
    commands.add_parser("worker", help="background work: outbox, timetable").set_defaults(run=work)


def serve_app(given: argparse.Namespace) -> int:
    """Serves until stopped. The database's schema must be current: run ``holdfast migrate`` first."""
    url = database_url()
    missing = schema.pending(url)
    if missing:
        sys.stderr.write(f"holdfast: the database lacks {len(missing)} migrations; run `holdfast migrate` first\n")
        return 3
    uvicorn.run(
        "holdfast.main:app", factory=True, host=given.host, port=given.port, workers=given.workers, log_level="warning",
        access_log=False, loop="uvloop", http="httptools", timeout_keep_alive=30, backlog=4096,
        server_header=False, ws="none",
    )  # fmt: skip
    return 0


def work(given: argparse.Namespace) -> int:
    """Works until stopped."""
    from holdfast import worker

    asyncio.run(worker.work())
    return 0


def run_all(given: argparse.Namespace) -> int:
    """Sets up what is missing, then keeps site, worker and simulator running until Ctrl-C."""
    began = time.monotonic()
    url = database_url()
    applied = schema.apply(url)
    if applied:
        _say(f"database ready ({len(applied)} migrations applied)")
    asyncio.run(_furnish(url))
    os.environ.setdefault("HOLDFAST_BASE_URL", f"http://127.0.0.1:{given.port}")
    os.environ.setdefault("HOLDFAST_SIMULATOR_URL", f"http://127.0.0.1:{given.simulator_port}")
    python = [sys.executable, "-m"]
    wanted = {
        "simulator": [*python, "holdfast.payments.simulator", "--port", str(given.simulator_port)],
        "worker": [*python, "holdfast", "worker"],
        "site": [*python, "holdfast", "serve", "--port", str(given.port)],
    }
    return _supervise(wanted, f"http://127.0.0.1:{given.port}", began)


async def _furnish(url: str) -> None:
    """The demo catalogue and its slots, if this database has no venue yet; slots for the coming days in any case."""
    from holdfast import accounts, catalogue, inventory, partners
    from holdfast.kit import actor, clock

    db = await Db(url, size=2).open()
    try:
        async with db.reading() as tx:
            empty = not await catalogue.search(tx)
        if empty:
            plan = await db.run(catalogue.apply, actor.system("demo"), catalogue.demo())
            _say(f"demo catalogue: {plan.created} things created")
        await _offer_cards(db)
        today = (clock.now()).date()
        made = await db.run(inventory.generate, actor.system("slots"), today=today)
        _say(f"slots for the next 30 days: {made.created} created")
        suppliers = await partners.demo.furnish(db)
        if suppliers:
            _say(f"demo suppliers: {suppliers} hotels and restaurants, in whose name a demonstration speaks")
        if not await db.read(accounts.staff_members):
            _say(
                "no staff yet: `holdfast staff add you@example.org --name You --role engineer` opens the console to you"
            )
    finally:
        await db.close()


async def _offer_cards(db: Db) -> None:
    """The demo cards, if none is on sale yet and their venues are those of the demo catalogue."""
    from holdfast import passes
    from holdfast.kit import actor

    if await db.read(passes.card_products.on_sale):
        return
    with suppress(passes.CardRulesInvalid):  # another catalogue: its cards come with it
        made = await db.run(passes.card_products.load, actor.system("demo"), passes.card_products.demo())
        _say(f"demo cards: {made} on sale")


def _supervise(wanted: dict[str, list[str]], address: str, began: float) -> int:
    """Starts the processes, starts again whichever ends, stops all at SIGINT or SIGTERM."""
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: stopping.append(got))
    running = {name: subprocess.Popen(command, start_new_session=True) for name, command in wanted.items()}
    announced = False
    while not stopping:
        time.sleep(0.1)
        for name, process in running.items():
            if process.poll() is not None:
                _say(f"{name} ended with {process.returncode}; starting it again")
                time.sleep(0.5)
                running[name] = subprocess.Popen(wanted[name], start_new_session=True)
        if not announced and _answers(f"{address}/readyz"):
            announced = True
            _say(
                f"ready after {time.monotonic() - began:.1f} s: {address}   (Ctrl-C stops; the database keeps running)"
            )
    for process in running.values():
        process.terminate()
    for process in running.values():
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
    return 0


def _answers(url: str) -> bool:
    assert urlsplit(url).hostname == "127.0.0.1"
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def _say(text: str) -> None:
    sys.stderr.write(f"holdfast: {text}\n")
    sys.stderr.flush()
