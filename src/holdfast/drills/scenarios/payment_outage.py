"""Every way to pay fails for a minute while thousands are in the middle of paying; then everything comes back.

Site, worker, simulator and a durable PostgreSQL run as real processes. Travellers hold orders, pay at three providers,
click, switch, insist, promise, leave; some pay while we cannot hear it, some twice. The worker is killed once. In the
end no order is lost, nobody is charged for nothing or twice, and the books agree with what the providers know.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from holdfast.drills import auditor, books, people, store
from holdfast.drills import payment_outage_report as telling
from holdfast.drills.diary import Diary
from holdfast.drills.disturbance import Disturbance
from holdfast.drills.door import Door
from holdfast.drills.instance import Instance
from holdfast.drills.payment_outage_report import Seen
from holdfast.drills.report import Options, Report, begun
from holdfast.drills.workload import Crowd
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.kit.problems import Unavailable

NAME = "payment-outage"
SIZE, SECONDS = 3000, 60.0
SHORT_S = 30.0
"""Below it, patience and pauses are shortened too, so that a short drill sees the same stages."""
AFTER_S = 150.0
"""So long after the return people may still be at it."""
REST_S = 150.0
COMMANDS = (("payments", "reconcile", "--json"), ("ledger", "verify", "--json"), ("check", "--json"))
"""What staff would run afterwards; each says by its exit whether it found something."""


def settings_for(seconds: float) -> dict[str, str]:
    """The installation's settings: those of a real one, unless the drill is shorter than their pauses."""
    short = {"HOLDFAST_PROVIDER_PATIENCE_S": "2", "HOLDFAST_CHANNEL_STEP_S": "2"}
    return {"HOLDFAST_LOG_LEVEL": "WARNING"} | (short if seconds < SHORT_S else {})


def main(options: Options) -> Report:
    """Runs the drill; the report's goals say what must hold."""
    size, seconds = options.size or SIZE, options.seconds or SECONDS
    report = begun(NAME, telling.TITLE, telling.LEAD, options)
    began = time.monotonic()
    given = settings_for(seconds)
    with Instance(demo=False, settings=given, keep=options.keep) as here:
        here.start()
        report.home = str(here.home) if options.keep else ""
        try:
            asyncio.run(_drill(here, report, options, size, seconds))
        finally:
            clock.reset()
    report.versions |= {name.removeprefix("HOLDFAST_").lower(): value for name, value in given.items()}
    report.elapsed_s = report.figures["elapsed_s"] = round(time.monotonic() - began, 1)
    return report


async def _drill(here: Instance, report: Report, options: Options, size: int, seconds: float) -> None:
    diary = Diary()
    door = Door(here.url, here.simulator_url, diary)
    db = await Db(here.database_url, size=12).open()
    try:
        crowd = Crowd(people.gather(size, seconds, options.seed), door, db, diary, seed=options.seed)
        say = _speaker(options)
        say(f"{size} people take orders")
        await crowd.place(await db.run(store.make_ground, size * 2))
        say(f"those who pay early begin: {diary.now_s():.0f} s")
        await crowd.begin_before()
        say(f"all ways to pay fail for {seconds:g} s")
        seen, disturbance = await _disturb(here, door, db, diary, crowd, seconds, options.seed)
        say(f"people are done {diary.now_s() - seconds:.0f} s after the return; waiting for rest")
        await _examine(here, door, db, crowd, seen)
        say(f"days passed, bills compared, audited: {len(seen.last.findings)} findings")
        await telling.tell(report, db, crowd, diary, disturbance, seen)
    finally:
        await db.close()
        await door.close()


async def _disturb(
    here: Instance, door: Door, db: Db, diary: Diary, crowd: Crowd, seconds: float, seed: int
) -> tuple[Seen, Disturbance]:
    """The disturbance and everything people do in it and after it."""
    disturbance = Disturbance(here, door, diary, seconds, seed)
    await disturbance.begin()
    seen = Seen(
        zero_at=clock.now() - timedelta(seconds=diary.now_s()), placed=sum(bool(one.number) for one in crowd.travellers)
    )
    watching = asyncio.create_task(_watch(db, diary, disturbance, seen))
    playing = asyncio.create_task(disturbance.play())
    try:
        await crowd.act(seconds + AFTER_S)
        await playing
        seen.returned_s = disturbance.returned_s
        seen.rested = await books.quiet(db, REST_S) is not None
        await asyncio.sleep(1.5)  # so that the last look sees it
    finally:
        playing.cancel()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    gone = [at for at, now in seen.open_by_second if at >= seen.returned_s and now.doubts_before == 0]
    seen.drained_s = gone[0] - seen.returned_s if gone else None
    return seen, disturbance


async def _watch(db: Db, diary: Diary, disturbance: Disturbance, seen: Seen) -> None:
    """Once a second: what is not final."""
    while True:
        before = clock.now()
        if disturbance.returned_s:
            before = seen.zero_at + timedelta(seconds=disturbance.returned_s)
        with suppress(Unavailable):
            seen.open_by_second.append((round(diary.now_s(), 1), await db.read(store.still_open, before)))
        await asyncio.sleep(1)


async def _examine(here: Instance, door: Door, db: Db, crowd: Crowd, seen: Seen) -> None:
    """The auditor, that day and days later; then the commands that staff have for it."""
    promised = [one.number for one in crowd.travellers if one.number]
    seen.truth = (await door.provider("GET", "/truth")).json()
    seen.first = await auditor.audit(db, seen.truth, promised)
    seen.rested &= await books.close(here, db, REST_S)
    seen.truth = (await door.provider("GET", "/truth")).json()
    seen.last = await auditor.audit(db, seen.truth, promised)
    seen.bills = await books.reconciled(db)
    for arguments in COMMANDS:
        try:
            told = json.loads(await asyncio.to_thread(here.command, *arguments))
            failed = not told["passed"]
        except (subprocess.CalledProcessError, ValueError) as error:
            failed, told = True, {"error": str(error)}
        if failed:
            seen.commands_failed.append(f"holdfast {' '.join(arguments)}: {told}")
    seen.errors = _errors(here)


def _errors(here: Instance) -> dict[str, int]:
    """What our processes logged as errors."""
    found: dict[str, int] = {}
    for name in ("site", "worker"):
        for line in here.log(name).splitlines():
            if '"level": "error"' in line or '"level": "critical"' in line:
                with suppress(ValueError):
                    event = f"{name}: {json.loads(line).get('event', '?')}"
                    found[event] = found.get(event, 0) + 1
            elif line.startswith("Traceback"):
                found[f"{name}: traceback"] = found.get(f"{name}: traceback", 0) + 1
    return found


def _speaker(options: Options) -> Any:
    def say(words: str) -> None:
        if not options.quiet:
            sys.stderr.write(f"holdfast drill: {words}\n")
            sys.stderr.flush()

    return say
