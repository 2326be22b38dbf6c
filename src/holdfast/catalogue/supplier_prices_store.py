"""SQL of prices that suppliers set."""

from __future__ import annotations

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .model import Text


class SupplierPrice(msgspec.Struct, frozen=True):
    """A ticket that is offered for money, as a supplier knows it."""

    id: str
    product_id: str
    product_name: Text
    name: Text
    amount_minor: int
    currency: str


async def of(tx: ReadTx, product_ids: list[str]) -> list[SupplierPrice]:
    """The tickets of these products that are offered for money."""
    return await tx.rows(
        SupplierPrice,
        """select c.id, c.product_id, p.name as product_name, c.name, c.amount_minor, c.currency
             from catalogue.prices c join catalogue.products p on p.id = c.product_id
            where c.product_id = any(%(ids)s) and c.retired_at is null and not c.with_card order by p.id, c.position, c.id""",
        ids=product_ids,
    )


async def set_amount(tx: Tx, price_id: str, amount_minor: int) -> int:
    """What it cost before."""
    was = await tx.value("select amount_minor from catalogue.prices where id = %(id)s for no key update", id=price_id)
    await tx.execute(
        "update catalogue.prices set amount_minor = %(amount)s where id = %(id)s", id=price_id, amount=amount_minor
    )
    return int(was)
