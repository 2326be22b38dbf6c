"""Reveal: staff see orders with names, phones and documents masked; one field at a time is shown in clear, for a reason.

Each look is written into the audit trail in the transaction that reads the field, and the person whose order it is sees on
the page of their data that it was looked at, why, and by which part of the house (PIPL art. 51: access on a need to know).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdfast import admission
from holdfast.kit import audit, crypto, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Conflict, TooMany

from . import reveal_store, store
from .model import Order, OrderUnknown

REVEALS = 20
WINDOW_S = 3600
ACTION = "order.reveal"


class Field(StrEnum):
    """What can be shown in clear: of a visitor the name or the document's number, of the order its phone."""

    NAME = "name"
    DOCUMENT = "document"
    PHONE = "phone"


class Revealed(msgspec.Struct, frozen=True):
    """One field in clear. `traveller` is the visitor's number in the order, 0 for the order's phone."""

    field: Field
    traveller: int
    value: str


class RevealTooOften(TooMany):
    """You have looked at many people's data within an hour."""

    safe = "Nothing was shown by this request; it is in the audit trail that it was refused."
    next_step = "Wait until the time shown. If a case needs more, ask a colleague to look with you."


class NothingToReveal(Conflict):
    """This is no longer kept."""

    safe = "Nothing was looked at."
    next_step = "Document numbers go some weeks after the visit, everything when a person is erased. Compare the last four characters."


async def desk_view(tx: ReadTx, typed: str) -> Order:
    """An order as staff see it, by its number as somebody types it: everything, with people masked. OrderUnknown."""
    code = ids.read_code(typed)
    row = await store.by_number(tx, code) if code else None
    if row is None:
        raise OrderUnknown
    lines = await store.lines(tx, [row.id])
    return Order(row, lines[row.id], await store.travellers(tx, row.id), await store.events(tx, row.id))


async def reveal(
    db: Db, actor: Actor, number: str, field: Field, traveller: int, reason: str, roles: list[str]
) -> Revealed:
    """Shows one field in clear and writes down who looked, as what, and why.

    RevealTooOften after 20 in an hour by one colleague, also written down; NothingToReveal when it was removed; OrderUnknown.
    """
    left = await db.run(admission.spend, "order-reveal", str(actor), uses=REVEALS, per_s=WINDOW_S)
    if not left.allowed:
        await db.run(_refuse, actor, number, field, reason)
        raise RevealTooOften(retry_after_s=left.resets_in_s)
    return await db.run(_reveal, actor, number, field, traveller, reason, roles)


async def _refuse(tx: Tx, actor: Actor, number: str, field: Field, reason: str) -> None:
    await audit.record(tx, actor, f"{ACTION}-refused", f"order:{number}", field=field, reason=reason)


async def _reveal(
    tx: Tx, actor: Actor, number: str, field: Field, traveller: int, reason: str, roles: list[str]
) -> Revealed:
    row = await store.by_number(tx, number)
    if row is None:
        raise OrderUnknown
    if field is Field.PHONE:
        traveller, value = 0, await store.phone(tx, row.id)
    else:
        sealed = await reveal_store.sealed(tx, row.id, traveller, field)
        value = crypto.unseal(f"orders.travellers.{field}", sealed) if sealed else ""
    if not value:
        raise NothingToReveal
    await audit.record(
        tx, actor, ACTION, f"order:{row.number}", field=field, traveller=traveller, reason=reason, roles=roles
    )
    return Revealed(field, traveller, value)
