"""All SQL of codes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal, LiteralString

import msgspec

from holdfast.kit.db import ReadTx, Tx

State = Literal["left", "used", "ended"]
_STATE: LiteralString = "case when ended_at is not null then 'ended' when uses >= uses_max then 'used' else 'left' end"
PAGE = 10_000


class CodeRow(msgspec.Struct, frozen=True):
    """A code as its table holds it. left: it can be used; used: as often as it may; ended: by somebody of ours.

    `late`: of its uses, those of orders that had run out or were cut, and stand after all; `uses` may go beyond `uses_max` by these.
    """

    code: str
    campaign_id: str
    batch: str
    uses_max: int
    uses: int
    state: State
    made_at: datetime
    late: int = 0


class Counts(msgspec.Struct, frozen=True):
    """Codes of a batch (None: of a campaign) by state, and how often they were used; `late`: by orders that had run out and were
    paid for after all. `made_at`: of the first one."""

    batch: str | None
    codes: int
    left: int
    used: int
    ended: int
    uses: int
    made_at: datetime | None
    late: int = 0


_ROW: LiteralString = (
    "select code, campaign_id, batch, uses_max, uses, " + _STATE + " as state, made_at, late from campaigns.codes "
)
_COUNTS: LiteralString = (
    "count(*) as codes, count(*) filter (where ended_at is null and uses < uses_max) as left, "
    "count(*) filter (where ended_at is null and uses >= uses_max) as used, count(*) filter (where ended_at is not null) as ended, "
    "coalesce(sum(uses), 0)::bigint as uses, min(made_at) as made_at, coalesce(sum(late), 0)::bigint as late from campaigns.codes "
)


async def name_of(tx: ReadTx, campaign_id: str) -> dict[str, str] | None:
    """What a campaign is called; None when there is no such campaign."""
    found: dict[str, str] | None = await tx.value(
        "select name from campaigns.campaigns where id = %(id)s", id=campaign_id
    )
    return found


async def insert(
    tx: Tx, campaign_id: str, batch: str, codes: Sequence[str], uses_max: Sequence[int], at: datetime
) -> int:  # fmt: skip
    """Writes codes; those that exist are left as they are. How many are new."""
    return await tx.execute(
        """insert into campaigns.codes (code, campaign_id, batch, uses_max, made_at)
           select c, %(campaign)s, %(batch)s, u, %(at)s from unnest(%(codes)s::text[], %(uses)s::int[]) as t (c, u)
            order by c on conflict (code) do nothing""",
        campaign=campaign_id, batch=batch, codes=list(codes), uses=list(uses_max), at=at,
    )  # fmt: skip


async def find(tx: ReadTx, codes: Sequence[str]) -> list[CodeRow]:
    """Those of these codes that exist."""
    return await tx.rows(CodeRow, _ROW + "where code = any (%(codes)s)", codes=list(codes))


async def counts(tx: ReadTx, campaign_id: str, batch: str | None) -> Counts:
    """The codes of a campaign or of one of its batches, counted."""
    found = await tx.maybe(
        Counts,
        "select %(batch)s::text as batch, " + _COUNTS + "where campaign_id = %(id)s and (%(batch)s::text is null or batch = %(batch)s)",
        id=campaign_id, batch=batch,
    )  # fmt: skip
    assert found is not None, "an aggregate has a row"
    return found


async def batches(tx: ReadTx, campaign_id: str) -> list[Counts]:
    """The batches of a campaign, the newest first."""
    return await tx.rows(
        Counts, "select batch, " + _COUNTS + "where campaign_id = %(id)s group by batch order by min(made_at) desc, batch",
        id=campaign_id,
    )  # fmt: skip


async def end(tx: Tx, campaign_id: str, batch: str | None, code: str | None, at: datetime) -> int:
    """Ends what is not ended yet; how many."""
    return await tx.execute(
        """update campaigns.codes set ended_at = %(at)s
            where campaign_id = %(id)s and ended_at is null and (%(batch)s::text is null or batch = %(batch)s)
              and (%(code)s::text is null or code = %(code)s)""",
        id=campaign_id, batch=batch, code=code, at=at,
    )  # fmt: skip


async def of_batch(tx: ReadTx, campaign_id: str, batch: str | None) -> AsyncIterator[CodeRow]:
    """Every code of a campaign or batch in their order, ten thousand at a time."""
    after = ""
    while True:
        rows = await tx.rows(
            CodeRow,
            _ROW + """where campaign_id = %(id)s and (%(batch)s::text is null or batch = %(batch)s) and code > %(after)s
                order by code limit %(limit)s""",
            id=campaign_id, batch=batch, after=after, limit=PAGE,
        )  # fmt: skip
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].code
