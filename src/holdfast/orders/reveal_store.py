"""SQL of the fields that are shown in clear for a reason."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit.db import ReadTx


async def sealed(tx: ReadTx, order_id: UUID, traveller: int, field: str) -> bytes | None:
    """The sealed name or document of a visitor; None when there is no such visitor or it was removed."""
    found = await tx.value(
        """select case %(field)s when 'name' then name when 'document' then document end from orders.travellers
           where order_id = %(id)s and seq = %(seq)s""",
        id=order_id, seq=traveller, field=field,
    )  # fmt: skip
    return bytes(found) if found is not None else None
