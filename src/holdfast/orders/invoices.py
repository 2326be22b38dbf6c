"""Invoices (数电票): asked for by the traveller, issued by whoever is set up to, sent by e-mail; red ones follow refunds.

The obligation is that of the E-commerce Law, article 14, and the Consumer Rights Protection Law, article 22. What may be
invoiced is the money that stays: what came, without what goes back. When more is invoiced than that, a red invoice takes
the difference back by itself. The built-in issuer writes readable documents and numbers of our own; a connection to the
tax authority's platform is another `Issuer`, registered in `ISSUERS` and named in the settings.
"""

from __future__ import annotations

from uuid import UUID

from msgspec.structs import replace

from holdfast import notices
from holdfast.accounts import emails
from holdfast.kit import clock, crypto, ids, jobs, settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import pick, translate
from holdfast.kit.money import Money

from . import discounts, invoice_documents, invoices_store, store
from .invoices_model import (
    Buyer,
    Invoice,
    InvoiceExists,
    InvoiceLine,
    Issuer,
    NothingToInvoice,
    check_buyer,
    line,
)
from .model import Order, OrderRow, OrderUnknown

__all__ = [
    "ISSUERS",
    "Buyer",
    "Invoice",
    "Issuer",
    "after_refund",
    "check_buyer",
    "correct",
    "issue",
    "of_order",
    "open_minor",
    "request",
]


class DocumentIssuer:
    """Issues at once, with a number made from the invoice's own id: a document, not yet one of the tax authority's."""

    name = "document"

    async def issue(self, invoice: Invoice, reverses: Invoice | None) -> str:
        return f"{invoice.requested_at:%Y%m%d}{invoice.id.int % 10**12:012d}"


ISSUERS: dict[str, Issuer] = {DocumentIssuer.name: DocumentIssuer()}
"""Issuers by the name that stands in the settings and with each invoice."""


async def of_order(tx: ReadTx, order: Order) -> list[Invoice]:
    """The invoices of an order, in the order in which they were asked for."""
    return await invoices_store.of_order(tx, order.row.id)


async def open_minor(tx: ReadTx, order: Order) -> int:
    """How much of an order could be invoiced now and is not."""
    made = await invoices_store.of_order(tx, order.row.id)
    return await invoices_store.retained_minor(tx, order.row.id) - sum(one.total_minor for one in made)


def document(invoice: Invoice, order: Order, reverses: Invoice | None) -> bytes:
    """The file of an issued invoice, as it is sent by e-mail."""
    return invoice_documents.html(invoice, order.number, reverses).encode()


async def request(tx: Tx, actor: Actor, order: Order, buyer: Buyer) -> Invoice:
    """Asks for an invoice over all that is not invoiced yet. Again with the same buyer: the invoice there is.

    NothingToInvoice when no money stays; InvoiceExists when all of it is invoiced to another title.
    """
    row = await store.locked(tx, order.row.id)
    if row is None:
        raise OrderUnknown
    made = await invoices_store.of_order(tx, row.id)
    open_sum = await invoices_store.retained_minor(tx, row.id) - sum(one.total_minor for one in made)
    if open_sum <= 0:
        blues = [one for one in made if one.kind == "blue"]
        if not blues or sum(one.total_minor for one in made) <= 0:
            raise NothingToInvoice
        if (blues[-1].buyer_title, blues[-1].buyer_code) != (buyer.title, buyer.code):
            raise InvoiceExists(title=blues[-1].buyer_title)
        return blues[-1]
    given = settings.current()
    invoice = _summed(
        Invoice(
            id=ids.uuid7(), order_id=row.id, seq=len(made) + 1, kind="blue", reverses=None, state="requested",
            issuer=given.invoice_issuer, number=None, buyer_kind=buyer.kind, buyer_title=buyer.title, buyer_code=buyer.code,
            seller_title=given.seller_title, seller_code=given.seller_code,
            email=crypto.seal("orders.invoices.email", buyer.email), email_masked=emails.mask_email(buyer.email),
            lines=await _lines(tx, row, open_sum, first=not made), net_minor=0, tax_minor=0, total_minor=0,
            currency=row.currency, requested_by=str(actor), requested_at=clock.now(), issued_at=None,
        )
    )  # fmt: skip
    await _ask(tx, row, invoice, str(actor))
    return invoice


async def _lines(tx: ReadTx, row: OrderRow, total_minor: int, *, first: bool) -> list[InvoiceLine]:
    """The tickets of the order and what was taken off by whom, where they are what is invoiced; else one line over the sum."""
    rate = settings.current().invoice_tax_bp
    if first and total_minor == row.amount_minor:
        off = [one for one in await discounts.of_order(tx, row.id) if one.amount_minor]
        return [
            line(
                f"{pick(one.product_name, 'zh')} {pick(one.ticket_name, 'zh')}",
                one.quantity,
                one.quantity * one.unit_minor,
                rate,
            )
            for one in (await store.lines(tx, [row.id]))[row.id]
            if one.unit_minor
        ] + [
            line(translate("Discount: {label}", "zh", label=pick(one.label, "zh")), 1, -one.amount_minor, rate)
            for one in off
        ]
    return [line(translate("Visit, what stays to be paid of it", "zh"), 1, total_minor, rate)]


def _summed(invoice: Invoice) -> Invoice:
    return replace(
        invoice,
        net_minor=sum(one.net_minor for one in invoice.lines),
        tax_minor=sum(one.tax_minor for one in invoice.lines),
        total_minor=sum(one.total_minor for one in invoice.lines),
    )


async def _ask(tx: Tx, row: OrderRow, invoice: Invoice, by: str) -> None:
    await invoices_store.insert(tx, invoice)
    kind = "invoice_requested" if invoice.kind == "blue" else "invoice_reversed"
    amount = str(Money(abs(invoice.total_minor), invoice.currency))
    await store.add_event(tx, row.id, kind, clock.now(), by, {"amount": amount})
    await jobs.emit(tx, "invoice.requested", {"invoice_id": str(invoice.id)})


async def after_refund(tx: Tx, row: OrderRow) -> None:
    """More is invoiced than stays: red invoices take the difference back, the newest blue one first.

    The caller has locked the order and promised the refund in this transaction.
    """
    made = await invoices_store.of_order(tx, row.id)
    if not made:
        return
    over = sum(one.total_minor for one in made) - await invoices_store.retained_minor(tx, row.id)
    seq = len(made)
    for blue in reversed([one for one in made if one.kind == "blue"]):
        standing = blue.total_minor + sum(one.total_minor for one in made if one.reverses == blue.id)
        part = min(over, standing)
        if part > 0:
            over, seq = over - part, seq + 1
            await _ask(tx, row, _red(blue, part, seq), str(system("invoices")))


async def correct(tx: Tx, row: OrderRow) -> int:
    """Invoices that name a discount are taken back and made again as the discount is called now; how many.

    For a label that was wrong. The caller has locked the order. Those that are called so already stay.
    """
    made = await invoices_store.of_order(tx, row.id)
    seq, done = len(made), 0
    for blue in [one for one in made if one.kind == "blue" and any(part.total_minor < 0 for part in one.lines)]:
        standing = blue.total_minor + sum(one.total_minor for one in made if one.reverses == blue.id)
        lines = await _lines(tx, row, standing, first=True) if standing > 0 else blue.lines
        if [one.name for one in lines] == [one.name for one in blue.lines]:
            continue
        await _ask(tx, row, _red(blue, standing, seq + 1), str(system("invoices")))
        again = replace(
            blue, id=ids.uuid7(), seq=seq + 2, state="requested", number=None, lines=lines, requested_at=clock.now(),
            requested_by=str(system("invoices")), issued_at=None,
        )  # fmt: skip
        await _ask(tx, row, _summed(again), str(system("invoices")))
        seq, done = seq + 2, done + 1
    return done


def _red(blue: Invoice, part_minor: int, seq: int) -> Invoice:
    """Part or all of a blue invoice with its sums negative; all of it line by line."""
    if part_minor == blue.total_minor:
        lines = [line(one.name, -one.quantity, -one.total_minor, one.tax_bp) for one in blue.lines]
    else:
        lines = [line(translate("Money that goes back", "zh"), -1, -part_minor, blue.lines[0].tax_bp)]
    return _summed(
        replace(
            blue, id=ids.uuid7(), seq=seq, kind="red", reverses=blue.id, state="requested", number=None, lines=lines,
            requested_by=str(system("invoices")), requested_at=clock.now(), issued_at=None,
        )
    )  # fmt: skip


async def issue(db: Db, invoice_id: UUID) -> None:
    """Has the issuer make it, and sends it by e-mail, once. Unavailable from the issuer: the outbox tries again."""
    invoice = await db.read(invoices_store.one, invoice_id)
    if invoice is None or invoice.state == "issued":
        return
    blue = await db.read(invoices_store.one, invoice.reverses) if invoice.reverses else None
    number = await ISSUERS[invoice.issuer].issue(invoice, blue)
    await db.run(_issued, invoice_id, number)


async def _issued(tx: Tx, invoice_id: UUID, number: str) -> None:
    if not await invoices_store.issued(tx, invoice_id, number, clock.now()):
        return
    invoice = await invoices_store.one(tx, invoice_id)
    assert invoice is not None
    row = await store.locked(tx, invoice.order_id)
    assert row is not None
    blue = await invoices_store.one(tx, invoice.reverses) if invoice.reverses else None
    content = invoice_documents.html(invoice, row.number, blue)
    file = notices.Attachment(f"invoice-{number}.html", "text/html; charset=utf-8", content.encode())
    email = crypto.unseal("orders.invoices.email", invoice.email)
    if not email:
        return  # whoever ordered had themselves erased
    await notices.send_mail(
        tx, email, invoice.email_masked,
        "invoice-issued" if invoice.kind == "blue" else "invoice-reversed", row.locale, attachments=[file],
        number=ids.show_code(row.number), invoice=number, amount=str(Money(abs(invoice.total_minor), invoice.currency)),
    )  # fmt: skip
