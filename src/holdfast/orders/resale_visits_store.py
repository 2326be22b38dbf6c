"""SQL of the visits that are chosen with a package."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .resale_package_model import Visit

_VISIT: LiteralString = """select partner_id, uuid, parent_id, order_id, include_id, reseller_reference, chosen_at, cancelled_at
    from orders.resale_visits """


async def of_uuid(tx: ReadTx, partner_id: str, uuid: UUID) -> Visit | None:
    return await tx.maybe(
        Visit, _VISIT + "where partner_id = %(partner)s and uuid = %(uuid)s", partner=partner_id, uuid=uuid
    )


async def of_parents(tx: ReadTx, parent_ids: Sequence[UUID]) -> list[Visit]:
    """The visits of packages, in the order in which they were chosen; those that were given back too."""
    return await tx.rows(
        Visit, _VISIT + "where parent_id = any(%(ids)s) order by parent_id, chosen_at, uuid", ids=list(parent_ids)
    )


async def insert(tx: Tx, visit: Visit) -> None:
    await tx.execute(
        """insert into orders.resale_visits (partner_id, uuid, parent_id, order_id, include_id, reseller_reference, chosen_at)
           values (%(partner_id)s, %(uuid)s, %(parent_id)s, %(order_id)s, %(include_id)s, %(reseller_reference)s, %(chosen_at)s)""",
        **msgspec.structs.asdict(visit),
    )


async def update(tx: Tx, visit: Visit) -> None:
    """Writes the order as which a visit is booked now, what it is called, and whether it was given back."""
    await tx.execute(
        """update orders.resale_visits set order_id = %(order_id)s, reseller_reference = %(reseller_reference)s,
                  cancelled_at = %(cancelled_at)s where partner_id = %(partner_id)s and uuid = %(uuid)s""",
        **msgspec.structs.asdict(visit),
    )


class PartyLine(msgspec.Struct, frozen=True):
    """A line for all who come on one card: a place each, or one room."""

    seq: int
    quantity: int


async def enter(
    tx: Tx, order_id: UUID, slot_id: UUID, price_id: str, lines: Sequence[PartyLine], *, live: bool
) -> None:
    """New lines in a slot that the caller has locked; where they are live they take their places."""
    await tx.execute(
        """insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor, live)
           select %(id)s, t.seq, %(slot)s, %(price)s, t.quantity, t.quantity, 0, %(live)s
             from unnest(%(seqs)s::int[], %(quantities)s::int[]) as t (seq, quantity)""",
        id=order_id, slot=slot_id, price=price_id, live=live, seqs=[line.seq for line in lines],
        quantities=[line.quantity for line in lines],
    )  # fmt: skip
    if live:
        await tx.value(
            "select inventory.take_many(array[%(slot)s::uuid], array[%(places)s::int])",
            slot=slot_id, places=sum(line.quantity for line in lines),
        )  # fmt: skip


class Seat(msgspec.Struct, frozen=True):
    """Which line of a visit a card pays, by the number of its holder among the people of the package."""

    order_id: UUID
    line_seq: int
    holder_seq: int


async def seats(tx: ReadTx, order_ids: Sequence[UUID]) -> list[Seat]:
    """The lines of these visits that cards pay."""
    return await tx.rows(
        Seat,
        """select u.order_id, u.line_seq, k.holder_seq from passes.uses u join passes.cards k on k.id = u.card_id
            where u.order_id = any(%(ids)s) and u.state <> 'released' order by u.order_id, u.line_seq""",
        ids=list(order_ids),
    )


async def hold_longer(tx: Tx, parent_id: UUID, until: datetime) -> None:
    """The visits of a package are held as long as the package."""
    await tx.execute(
        """update orders.orders o set expires_at = %(until)s from orders.resale_visits v
            where v.parent_id = %(parent)s and o.id = v.order_id and o.state = 'held'""",
        parent=parent_id, until=until,
    )  # fmt: skip


async def other_name(tx: ReadTx, partner_id: str, uuids: Sequence[UUID], parent_id: UUID | None) -> UUID | None:
    """One of these names that is already that of a booking of the partner, or of a visit of another package of it."""
    found: UUID | None = await tx.value(
        """select n.uuid from unnest(%(uuids)s::uuid[]) as n (uuid)
            where exists (select 1 from orders.resales r where r.partner_id = %(partner)s and r.uuid = n.uuid)
               or exists (select 1 from orders.resale_visits v where v.partner_id = %(partner)s and v.uuid = n.uuid
                             and v.parent_id is distinct from %(parent)s::uuid)
            limit 1""",
        uuids=list(uuids), partner=partner_id, parent=parent_id,
    )  # fmt: skip
    return found
