"""Invoices: over the money that stays, once, and taken back in red when money goes back."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import notices, orders
from holdfast.kit import jobs
from holdfast.kit.problems import InvalidInput
from holdfast.orders import invoice_documents, invoices
from holdfast.orders.changes import Wish
from holdfast.orders.invoices_model import Buyer, InvoiceExists, NothingToInvoice, check_buyer, code_mistake, line
from tests import world

from .after_sale import other_day, paid, take

pytestmark = pytest.mark.anyio
COMPANY = Buyer("company", "华为技术有限公司", "books@example.com", "914403001922038216")


async def asked(db, mei, order, buyer=COMPANY):
    found = await db.run(invoices.request, mei.actor, order, buyer)
    await jobs.drain(db)
    return found


async def of_order(db, order):
    return await db.read(invoices.of_order, order)


async def mails(db):
    return [one for one in await db.read(notices.recent, 100) if one.channel == "email"]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000802100433B", "914403001922038216"])
def test_a_right_credit_code_is_accepted(code):
    assert code_mistake(code) == ""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "needs its"),
        ("91350100M000100Y4", "18 characters"),
        ("91350100M000100Y44", "One character"),
        ("91350100M000100Y34", "One character"),
        ("9135010OM000100Y43", "never I, O, S, V or Z"),
    ],
)
def test_what_is_wrong_with_a_credit_code_is_said(code, says):
    assert says in code_mistake(code)


def test_every_single_slip_in_a_credit_code_is_found():
    right = "91350100M000100Y43"
    for at in range(18):
        for other in "0123456789ABCDEFGHJKLMNPQRTUWXY":
            if other != right[at]:
                assert code_mistake(right[:at] + other + right[at + 1 :])


def test_all_that_is_wrong_with_a_buyer_is_said_at_once_and_spelling_is_forgiven():
    with pytest.raises(InvalidInput) as raised:
        check_buyer("company", " ", "1", "nobody@")
    assert [one["field"] for one in raised.value.errors] == ["title", "code", "email"]
    with pytest.raises(InvalidInput):
        check_buyer("other", "A", "", "a@example.com")
    found = check_buyer("company", "  A   B ", "91350100 m000100y 43", " a@example.com ")
    assert found == Buyer("company", "A B", "a@example.com", "91350100M000100Y43")
    assert check_buyer("person", "Mei", "91", "a@example.com").code == ""


@pytest.mark.parametrize("total", [1, 99, 100, 6000, 12_345, -12_345, 999_999_999])
@pytest.mark.parametrize("rate", [0, 100, 300, 600, 1300])
def test_net_and_tax_add_up_to_the_price_and_the_tax_is_right_to_the_fen(total, rate):
    found = line("Entry", 1, total, rate)
    assert found.net_minor + found.tax_minor == total
    assert abs(found.tax_minor * (10_000 + rate) - total * rate) <= (10_000 + rate) / 2


async def test_an_invoice_is_issued_and_sent_once_however_often_it_is_asked_for(db):
    mei, order = await paid(db, await world.open_slot(db), people=2)
    first = await asked(db, mei, order)
    again = await asyncio.gather(*(asked(db, mei, order) for _ in range(3)))
    assert {one.id for one in again} == {first.id}
    [made] = await of_order(db, order)
    assert (made.state, made.total_minor, made.tax_minor, made.lines[0].quantity) == ("issued", 12_000, 679, 2)
    [mail] = await mails(db)
    assert (mail.recipient, mail.template) == ("books@example.com", "invoice-issued")
    [file] = await db.read(notices.attachments, mail.id)
    content = file.content.decode()
    assert made.number in content
    assert "914403001922038216" in content
    assert "¥120.00" in content


async def test_another_title_or_an_unpaid_order_gets_no_second_invoice(db):
    slot = await world.open_slot(db)
    mei, order = await paid(db, slot)
    await asked(db, mei, order)
    with pytest.raises(InvoiceExists):
        await asked(db, mei, order, Buyer("person", "Mei", "mei@example.com"))
    li, unpaid = await world.held_order(db, slot)
    with pytest.raises(NothingToInvoice):
        await asked(db, li, unpaid)


async def test_what_goes_back_is_taken_back_in_red_and_the_rest_stays_invoiced(db):
    mei, order = await paid(db, await world.open_slot(db), people=3)
    blue = await asked(db, mei, order)
    await orders.cancel(db, mei.actor, order, [1], 6000)
    await orders.cancel(db, mei.actor, order, quoted_minor=12_000)
    await jobs.drain(db)
    found = await of_order(db, order)
    assert [(one.kind, one.total_minor, one.state) for one in found] == [
        ("blue", 18_000, "issued"),
        ("red", -6000, "issued"),
        ("red", -12_000, "issued"),
    ]
    assert {one.reverses for one in found[1:]} == {blue.id}
    assert sum(one.net_minor for one in found) == sum(one.tax_minor for one in found) == 0
    assert [one.template for one in await mails(db)].count("invoice-reversed") == 2
    with pytest.raises(NothingToInvoice):
        await asked(db, mei, order)


async def test_what_a_dearer_change_cost_can_be_invoiced_as_well(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await paid(db, slot)
    await asked(db, mei, order)
    begun = await orders.changes.change(db, mei.actor, order, Wish(there.slot_id, 3000))
    await take(db, begun.intent_id)
    assert await db.read(invoices.open_minor, order) == 3000
    await asked(db, mei, order, Buyer("person", "Mei", "mei@example.com"))
    assert [one.total_minor for one in await of_order(db, order)] == [6000, 3000]


async def test_an_issuer_that_does_not_answer_is_asked_again_under_the_same_id(db, monkeypatch):
    class Slow:
        name = "slow"
        asked: list = []  # noqa: RUF012

        async def issue(self, invoice, reverses):
            self.asked.append(invoice.id)
            if len(self.asked) == 1:
                raise notices.model.GatewayDown
            return "N-1"

    monkeypatch.setitem(invoices.ISSUERS, "document", Slow())
    mei, order = await paid(db, await world.open_slot(db))
    made = await asked(db, mei, order)
    assert (await of_order(db, order))[0].state == "requested"
    await world.hurry(db)
    await jobs.drain(db)
    assert (await of_order(db, order))[0].number == "N-1"
    assert Slow.asked == [made.id, made.id]


async def test_nothing_typed_becomes_markup_in_the_document(db):
    mei, order = await paid(db, await world.open_slot(db))
    made = await asked(db, mei, order, Buyer("person", "<script>x</script>", "mei@example.com"))
    assert "<script>" not in invoice_documents.html(made, order.number, None)
