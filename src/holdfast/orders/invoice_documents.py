"""The document of an invoice: one page of HTML that stands for itself, to be read, printed or kept as PDF by any browser.

In Chinese, as the tax authority wants invoices; labels in both languages where there is room.
"""

from __future__ import annotations

from html import escape
from zoneinfo import ZoneInfo

from holdfast.kit import ids
from holdfast.kit.i18n import translate
from holdfast.kit.money import Money

from .invoices_model import Invoice, InvoiceLine

_STYLE = (
    "body{font:15px/1.6 'PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2rem auto;max-width:46rem;padding:0 1rem}"
    "h1{font-size:1.4rem;text-align:center}table{border-collapse:collapse;width:100%}th,td{border:1px solid #777;padding:.4rem .6rem;"
    "text-align:left}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.note{font-size:.85rem;color:#444}"
    "@media print{body{margin:0;max-width:none}@page{size:A4;margin:18mm}}"
)


def html(invoice: Invoice, order_number: str, reverses: Invoice | None) -> str:
    """The document, complete with its style; every value escaped."""
    title = "Invoice" if invoice.kind == "blue" else "Red invoice"
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_both(title)} {escape(invoice.number or '')}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{_both(title)}</h1>{_head(invoice, order_number, reverses)}{_table(invoice)}{_notes(invoice)}</body></html>\n"
    )


def _both(text: str) -> str:
    return escape(f"{translate(text, 'zh')} {text}")


def _head(invoice: Invoice, order_number: str, reverses: Invoice | None) -> str:
    at = invoice.issued_at or invoice.requested_at
    rows = [
        ("Invoice number", invoice.number or ""),
        ("Date", f"{at.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d}"),
        ("Order", ids.show_code(order_number)),
        ("Buyer", f"{invoice.buyer_title} {invoice.buyer_code}".strip()),
        ("Seller", f"{invoice.seller_title} {invoice.seller_code}".strip()),
    ]
    if reverses is not None:
        rows.append(("Takes back invoice", reverses.number or ""))
    cells = "".join(f"<tr><th>{_both(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table><tbody>{cells}</tbody></table><p></p>"


def _table(invoice: Invoice) -> str:
    names = ("What for", "Quantity", "Amount without tax", "Tax rate", "Tax", "Amount with tax")
    head = "".join(f'<th class="{"n" if at else ""}">{_both(name)}</th>' for at, name in enumerate(names))
    body = "".join(_row(one, invoice.currency) for one in invoice.lines)
    total = _row(
        InvoiceLine(_both("Total"), 0, invoice.net_minor, invoice.tax_minor, invoice.total_minor, 0),
        invoice.currency,
        total=True,
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{total}</tfoot></table>"


def _row(one: InvoiceLine, currency: str, *, total: bool = False) -> str:
    name = one.name if total else escape(one.name)
    cells = (
        "" if total else str(one.quantity),
        str(Money(one.net_minor, currency)),
        "" if total else f"{one.tax_bp / 100:g}%",
        str(Money(one.tax_minor, currency)),
        str(Money(one.total_minor, currency)),
    )
    return f"<tr><td>{name}</td>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _notes(invoice: Invoice) -> str:
    if invoice.issuer != "document":
        return ""
    note = (
        "This document was written by the seller's own system. It is not issued through the tax authority's platform."
    )
    return f'<p class="note">{escape(translate(note, "zh"))}<br>{escape(note)}</p>'
