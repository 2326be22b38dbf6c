"""SQL of invoices."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .invoices_model import Invoice

_INVOICE: LiteralString = """select id, order_id, seq, kind, reverses, state, issuer, number, buyer_kind, buyer_title, buyer_code,
    seller_title, seller_code, email, email_masked, lines, net_minor, tax_minor, total_minor, currency, requested_by,
    requested_at, issued_at from orders.invoices """


async def of_order(tx: ReadTx, order_id: UUID) -> list[Invoice]:
    """The invoices of an order, in their order."""
    return await tx.rows(Invoice, _INVOICE + "where order_id = %(id)s order by seq", id=order_id)


async def one(tx: ReadTx, invoice_id: UUID) -> Invoice | None:
    return await tx.maybe(Invoice, _INVOICE + "where id = %(id)s", id=invoice_id)


async def retained_minor(tx: ReadTx, order_id: UUID) -> int:
    """What came for an order, without what goes back of it: the sum that may be invoiced."""
    return int(
        await tx.value(
            """select coalesce(sum(p.amount_minor - coalesce(g.amount, 0)), 0)
               from orders.intents i join payments.intents p on p.id = i.intent_id and p.state = 'paid'
               left join orders.changes c on c.intent_id = i.intent_id
               left join lateral (select sum(r.amount_minor) as amount from payments.refunds r
                                  join payments.attempts a on a.id = r.attempt_id
                                  where a.intent_id = i.intent_id and r.source = 'order' and r.state <> 'closed') g on true
               where i.order_id = %(id)s and (i.seq = 0 or c.state = 'done')""",
            id=order_id,
        )
    )


async def insert(tx: Tx, invoice: Invoice) -> None:
    values = {name: getattr(invoice, name) for name in Invoice.__struct_fields__}
    values["lines"] = Jsonb(msgspec.to_builtins(invoice.lines))
    await tx.execute(
        """insert into orders.invoices (id, order_id, seq, kind, reverses, state, issuer, number, buyer_kind, buyer_title,
                                        buyer_code, seller_title, seller_code, email, email_masked, lines, net_minor, tax_minor,
                                        total_minor, currency, requested_by, requested_at, issued_at)
           values (%(id)s, %(order_id)s, %(seq)s, %(kind)s, %(reverses)s, %(state)s, %(issuer)s, %(number)s, %(buyer_kind)s,
                   %(buyer_title)s, %(buyer_code)s, %(seller_title)s, %(seller_code)s, %(email)s, %(email_masked)s, %(lines)s,
                   %(net_minor)s, %(tax_minor)s, %(total_minor)s, %(currency)s, %(requested_by)s, %(requested_at)s,
                   %(issued_at)s)""",
        **values,
    )


async def issued(tx: Tx, invoice_id: UUID, number: str, at: datetime) -> bool:
    """Writes the number of an invoice; False when it had one."""
    return bool(
        await tx.execute(
            """update orders.invoices set state = 'issued', number = %(number)s, issued_at = %(at)s
               where id = %(id)s and state = 'requested'""",
            id=invoice_id, number=number, at=at,
        )
    )  # fmt: skip
