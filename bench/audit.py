"""The check that goes with every figure: all invariants, and what the client was told against what is written."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import pkgutil
from collections import Counter

import msgspec
import psycopg

import holdfast
from holdfast.kit import checks
from holdfast.kit.db import Db

from .ground import Ground
from .load import Load


class Audit(msgspec.Struct):
    """What was found; nothing is wrong when all numbers but the first two are zero."""

    acknowledged: int = 0
    written: int = 0
    missing: int = 0
    """Acknowledged, not in the database."""
    unknown: int = 0
    """In the database, acknowledged to nobody, though every request was answered."""
    twice: int = 0
    """Acknowledged to more than one request; every request had its own key."""
    incomplete: int = 0
    """Lines, travellers, events or replies too many or too few."""
    refused: int = 0
    lost: int = 0
    invariants: int = 0
    """How many were asked."""
    broken: int = 0
    """How many of them do not hold."""
    words: list[str] = []

    @property
    def passed(self) -> bool:
        return self.invariants > 0 and not any(
            (self.missing, self.unknown, self.twice, self.incomplete, self.refused, self.lost, self.broken)
        )


COUNTS = """
with fresh as (select id from orders.orders where placed_at >= %(since)s)
select (select count(*) from orders.lines where order_id in (select id from fresh)),
       (select count(*) from orders.travellers where order_id in (select id from fresh)),
       (select count(*) from orders.events where order_id in (select id from fresh) and kind = 'placed'),
       (select count(*) from kit.replies where created_at >= %(since)s)
"""


def load_checks() -> None:
    """Every domain's invariants, as `holdfast check` knows them."""
    for domain in pkgutil.iter_modules(holdfast.__path__):
        if domain.ispkg and importlib.util.find_spec(f"holdfast.{domain.name}.checks"):
            importlib.import_module(f"holdfast.{domain.name}.checks")


def audit(ground: Ground, load: Load, since: str) -> Audit:
    """After a measurement that began at `since`, before the next one."""
    told = Counter(number.replace("-", "") for number in load.numbers)
    with psycopg.connect(ground.url) as connection:
        rows = connection.execute("select number from orders.orders where placed_at >= %s", [since]).fetchall()
        counts = connection.execute(COUNTS, {"since": since}).fetchone()
    written = {row[0] for row in rows}
    lines, travellers, events, replies = counts or (0, 0, 0, 0)
    found = Audit(
        acknowledged=len(load.numbers),
        written=len(rows),
        missing=len(told.keys() - written),
        unknown=len(written - told.keys()),
        twice=sum(count - 1 for count in told.values()),
        incomplete=sum(abs(len(rows) - count) for count in (lines, events, replies))
        + abs(load.travellers - travellers),
        refused=sum(count for status, count in load.statuses.items() if status != "201"),
        lost=load.lost,
    )
    load_checks()
    results = asyncio.run(_invariants(ground.url))
    found.invariants = len(results)
    for result in results:
        if not result.holds:
            found.broken += 1
            found.words.append(f"broken: {result.sentence}: {result.offenders[:2]}")
    if load.refusal:
        found.words.append(f"the client was told: {load.refusal[:500]}")
    return found


async def _invariants(url: str) -> list[checks.Result]:
    db = await Db(url, size=1).open()
    try:
        return await checks.run_all(db)
    finally:
        await db.close()
