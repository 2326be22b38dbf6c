"""All SQL of backtests that were made."""

from __future__ import annotations

from typing import LiteralString

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .simulation_model import Simulation


async def insert(tx: Tx, made: Simulation) -> None:
    """Keeps a backtest; it is never changed."""
    await tx.execute(
        """insert into campaigns.simulations (id, content_hash, dataset_hash, engine, scope, from_at, until_at, orders, result,
                                              result_hash, made_by, made_at)
           values (%(id)s, %(content)s, %(dataset)s, %(engine)s, %(scope)s, %(first)s, %(last)s, %(orders)s, %(result)s, %(hash)s,
                   %(by)s, %(at)s)""",
        id=made.id, content=made.content_hash, dataset=made.dataset_hash, engine=made.engine, scope=Jsonb(msgspec.to_builtins(made.scope)),
        first=made.from_at, last=made.until_at, orders=made.orders, result=Jsonb(msgspec.to_builtins(made.result)),
        hash=made.result_hash, by=made.made_by, at=made.made_at,
    )  # fmt: skip


_SIMULATION: LiteralString = """select id, content_hash, dataset_hash, engine, scope, from_at, until_at, orders, result, result_hash,
    made_by, made_at from campaigns.simulations """


async def latest(tx: ReadTx, content_hash: bytes) -> Simulation | None:
    """The newest of a content."""
    return await tx.maybe(
        Simulation,
        _SIMULATION + "where content_hash = %(hash)s order by made_at desc, id desc limit 1",
        hash=content_hash,
    )


async def of_hash(tx: ReadTx, result_hash: bytes) -> Simulation | None:
    """By what it found; of equal ones the newest."""
    return await tx.maybe(
        Simulation,
        _SIMULATION + "where result_hash = %(hash)s order by made_at desc, id desc limit 1",
        hash=result_hash,
    )
