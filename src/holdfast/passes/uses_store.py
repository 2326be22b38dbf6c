"""SQL of the uses of cards, of what is left of each entitlement, and of the ledger of uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .card_model import Use, UseState

if TYPE_CHECKING:
    from .entitlements import Hold

_USE: LiteralString = """select card_id, id, item, state, order_id, order_number, line_seq, product_id, visit_date, starts_at,
    ends_at, people, list_minor from passes.uses """


class _Owned(Use, frozen=True, kw_only=True):
    card_id: UUID


def _pairs(rows: list[_Owned]) -> list[tuple[UUID, Use]]:
    return [(row.card_id, row) for row in rows]


async def of_order(
    tx: ReadTx, order_id: UUID, state: UseState, line_seqs: Sequence[int] | None
) -> list[tuple[UUID, Use]]:
    """The uses of an order, or of some of its lines, that are in a state, each with its card."""
    return _pairs(
        await tx.rows(
            _Owned,
            _USE
            + """where order_id = %(id)s and state = %(state)s
               and (%(lines)s::int[] is null or line_seq = any(%(lines)s::int[])) order by card_id, id""",
            id=order_id, state=state, lines=None if line_seqs is None else list(line_seqs),
        )
    )  # fmt: skip


async def of_line(tx: ReadTx, order_number: str, line_seq: int) -> list[tuple[UUID, Use]]:
    """The use that a line of an order is, with its card; none where no card paid for it."""
    return _pairs(
        await tx.rows(
            _Owned,
            _USE + "where order_number = %(number)s and line_seq = %(line)s",
            number=order_number,
            line=line_seq,
        )
    )


async def of_number(tx: ReadTx, order_number: str) -> list[tuple[UUID, Use]]:
    """The uses that an order is, each with its card."""
    return _pairs(
        await tx.rows(_Owned, _USE + "where order_number = %(number)s order by card_id, id", number=order_number)
    )


async def cards_of_order(tx: ReadTx, order_id: UUID) -> list[str]:
    """The numbers of the cards that pay visits of an order."""
    return await tx.values(
        """select distinct c.number from passes.uses u join passes.cards c on c.id = u.card_id
           where u.order_id = %(id)s order by 1""",
        id=order_id,
    )


async def was_admitted(tx: ReadTx, order_number: str, line_seq: int) -> bool:
    """Whether a gate has let in anybody of a line, as it stands now."""
    return bool(
        await tx.value(
            """select exists (select 1 from passes.admissions where order_number = %(number)s and line_seq = %(line)s
                               and counts and undone_at is null)""",
            number=order_number, line=line_seq,
        )
    )  # fmt: skip


async def past(tx: ReadTx, before: datetime, limit: int) -> list[tuple[str, int, datetime]]:
    """Held uses whose visits ended before that: order, line, end."""
    return await tx.tuples(
        """select order_number, line_seq, ends_at from passes.uses where state = 'held' and ends_at < %(before)s
           order by ends_at limit %(limit)s""",
        before=before, limit=limit,
    )  # fmt: skip


async def insert(tx: Tx, use_id: UUID, card_id: UUID, order_id: UUID, order_number: str, wanted: Hold) -> None:
    """A new use, held."""
    await tx.execute(
        """insert into passes.uses (id, card_id, item, order_id, order_number, line_seq, product_id, slot_id, visit_date,
                                    starts_at, ends_at, people, list_minor)
           values (%(id)s, %(card)s, %(item)s, %(order)s, %(number)s, %(line)s, %(product)s, %(slot)s, %(day)s,
                   %(starts)s, %(ends)s, %(people)s, %(list)s)""",
        id=use_id, card=card_id, item=wanted.item, order=order_id, number=order_number, line=wanted.line_seq,
        product=wanted.product_id, slot=wanted.slot_id, day=wanted.visit_date, starts=wanted.starts_at,
        ends=wanted.ends_at, people=wanted.people, list=wanted.list_minor,
    )  # fmt: skip


async def set_state(tx: Tx, use_id: UUID, state: UseState) -> None:
    await tx.execute("update passes.uses set state = %(state)s where id = %(id)s", id=use_id, state=state)


async def move(tx: Tx, use_id: UUID, line_seq: int, slot_id: UUID) -> None:
    """The use is another line in another slot now."""
    await tx.execute(
        """update passes.uses u set line_seq = %(line)s, slot_id = s.id, visit_date = s.visit_date, starts_at = s.starts_at,
                  ends_at = s.ends_at
           from inventory.slots s where u.id = %(id)s and s.id = %(slot)s""",
        id=use_id, line=line_seq, slot=slot_id,
    )  # fmt: skip


async def count(tx: Tx, card_id: UUID, item: str, counters: Sequence[str], *, held: int = 0, used: int = 0) -> None:
    """Adds to what is held and used of an item and of the numbers it shares; the table refuses more than there is."""
    await tx.execute(
        """with shared as (
             update passes.counters set held = held + %(held)s, used = used + %(used)s
              where card_id = %(card)s and code = any(%(counters)s))
           update passes.entitlements set held = held + %(held)s, used = used + %(used)s
            where card_id = %(card)s and item = %(item)s""",
        card=card_id, item=item, counters=list(counters), held=held, used=used,
    )  # fmt: skip


async def add_event(tx: Tx, use_id: UUID, kind: str, at: datetime, actor: str, details: dict[str, Any]) -> None:
    """Adds a line to the ledger of a use, whose card the caller has locked."""
    await tx.execute(
        """insert into passes.use_events (use_id, seq, kind, at, actor, details)
           select %(id)s, coalesce(max(seq), 0) + 1, %(kind)s, %(at)s, %(actor)s, %(details)s
           from passes.use_events where use_id = %(id)s""",
        id=use_id, kind=kind, at=at, actor=actor, details=Jsonb(details),
    )  # fmt: skip
