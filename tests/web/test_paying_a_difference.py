"""Paying the difference of a change: the same choice, doubts and ways out as for an order, in words of their own."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from tests import world
from tests.orders.after_sale import held_minor, other_day, paid
from tests.payments.conftest import SimulatorProcess

from .conftest import sign_in, text_of
from .paying import EVERYTHING, PHONE, WECHAT, Payer, methods, rest, rows

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("channels")]


@pytest.fixture
async def db(its_own: Db) -> Db:
    """A database for each test: how channels are is the same for all payers of a database."""
    return its_own


@pytest.fixture
async def slots(db: Db) -> tuple[world.SlotWorld, world.SlotWorld]:
    """A slot, and one on the next day that costs 30 yuan more."""
    slot = await world.open_slot(db)
    return slot, await other_day(db, slot, price_minor=9000)


@pytest.fixture
async def payer(db: Db, reader: httpx2.AsyncClient, slots: tuple[world.SlotWorld, world.SlotWorld]) -> Payer:
    """Somebody in front of the page of a change that waits to be paid."""
    here, there = slots
    owner, order = await paid(db, here)
    sign_in(reader, owner)
    reader.headers["User-Agent"] = PHONE
    begun = await reader.post(f"/orders/{order.number}/change", data={"slot": str(there.slot_id), "quoted": "3000"})
    assert begun.headers["location"] == f"/orders/{order.number}/change/payment"
    return Payer(db, reader, owner, order, "change/payment")


async def visits(payer: Payer) -> set[str]:
    """The slots of the order as it is now."""
    return {str(line.slot_id) for line in (await world.order_of(payer.db, payer.owner, payer.order.number)).lines}


async def time_is_over(db: Db) -> None:
    """The time to pay has passed, and a worker has noticed."""

    async def age(tx: Tx) -> None:
        past = clock.now() - timedelta(seconds=1)
        await tx.execute("update orders.changes set expires_at = %(past)s where state = 'awaiting_payment'", past=past)
        await tx.execute("update payments.intents set expires_at = %(past)s where state = 'open'", past=past)
        await tx.execute("update payments.attempts set expires_at = %(past)s", past=past)

    await db.run(age)
    await orders.changes.sweep(db)


async def test_all_ways_are_offered_with_what_the_change_costs_and_how_long_its_places_are_held(payer: Payer) -> None:
    html, said = await payer.html(), await payer.sees()
    assert rows(html) == [("wechatpay", True, True), ("alipay", True, False), ("stripe", True, False)]
    assert methods(html, "alipay") == [("page", True), ("qr", False)]
    for words in (
        "Pay the difference", "How would you like to pay?", "Alipay 支付宝", "Pay ¥30", "Your new places are held until",
        "If the time passes, your visit stays as it was.", "Visit so far", "New visit", "Price so far ¥60", "New price ¥90",
        "The difference ¥30", "Give the change up",
    ):  # fmt: skip
        assert words in said, words
    for of_an_order in ("Cancel this order", "Book again", "pay later"):
        assert of_an_order not in said
    assert await payer.stage() == "choose"


@pytest.mark.parametrize(
    ("provider", "method", "says"),
    [("wechatpay", "native", "Scan with WeChat"), ("alipay", "qr", "Scan with Alipay")],
)
async def test_a_code_is_shown_and_paying_it_changes_the_visit(
    payer: Payer, channels: SimulatorProcess, slots: tuple[world.SlotWorld, world.SlotWorld],
    provider: str, method: str, says: str,
) -> None:  # fmt: skip
    answer = await payer.chooses(provider, method)
    assert (answer.status_code, answer.headers["location"]) == (303, payer.path)
    said = await payer.sees()
    assert says in said
    assert "To pay ¥30" in said
    assert ("WeChat" in said) == (provider == "wechatpay"), "nobody else's name"
    before = (await payer.reader.get(f"{payer.path}/status")).json()
    assert (before["stage"], before["moves"]) == ("waiting", True)
    assert f'data-shows="{before["shows"]}"' in await payer.html()
    channels.pay((await payer.view()).merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    after = (await payer.reader.get(f"{payer.path}/status")).json()
    assert (after["stage"], after["moves"], after["shows"] != before["shows"]) == ("paid", False, True)
    said = await payer.sees()
    assert "Paid. Your visit is changed." in said
    assert "Show the tickets" in said
    assert "Give the change up" not in said
    assert await visits(payer) == {str(slots[1].slot_id)}


async def test_a_page_of_the_provider_leads_back_here_without_its_facts(payer: Payer) -> None:
    await payer.chooses("alipay", "page")
    html = await payer.html()
    assert re.search(r'<a class="btn wide" href="[^"]*alipay.trade.page.pay[^"]*" rel="noreferrer">', html)
    assert f"%2Forders%2F{payer.order.number}%2Fchange%2Fpayment" in html
    back = await payer.reader.get(f"{payer.path}?out_trade_no=1&trade_no=2&sign=3")
    assert (back.status_code, back.headers["location"]) == (303, payer.path)


async def test_a_card_is_typed_on_a_page_of_its_own(payer: Payer, channels: SimulatorProcess) -> None:
    assert (await payer.reader.get(f"{payer.path}/card")).headers["location"] == payer.path
    answer = await payer.chooses("stripe")
    assert answer.headers["location"] == f"{payer.path}/card"
    page = await payer.reader.get(f"{payer.path}/card")
    assert f'data-return="http://127.0.0.1:9{payer.path}"' in page.text
    assert f"script-src 'self' {channels.url};" in page.headers["content-security-policy"]
    said = text_of(page)
    assert "To pay ¥30" in said
    assert "Your new places are held until" in said
    assert "The difference ¥30" in said
    waiting = await payer.sees()
    assert "Enter the card" in waiting
    assert (await payer.view()).client_secret not in waiting


async def test_one_goes_over_to_another_way_and_the_first_is_closed(payer: Payer, channels: SimulatorProcess) -> None:
    await payer.chooses("alipay", "qr")
    first = await payer.view()
    other = await payer.html("?other=1")
    assert [provider for provider, _, chosen in rows(other) if chosen] == ["wechatpay"]
    assert "What you began with Alipay is closed first" in await payer.sees("?other=1")
    assert (await payer.chooses("stripe")).headers["location"] == f"{payer.path}/card"
    assert (await payer.chooses("wechatpay", "native")).status_code == 303
    second = await payer.view()
    assert (second.provider, second.merchant_ref != first.merchant_ref) == ("wechatpay", True)
    channels.pay(second.merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    assert await payer.stage() == "paid"


async def test_a_way_that_does_not_exist_is_refused_with_the_page(payer: Payer) -> None:
    answer = await payer.chooses("paypal")
    assert answer.status_code == 422
    assert "We do not know this way to pay." in text_of(answer)
    assert rows(answer.text)


async def test_ways_that_rest_say_so_and_a_difference_cannot_be_promised(payer: Payer) -> None:
    await rest(payer.db, *WECHAT)
    assert "WeChat Pay does not answer right now" in await payer.sees()
    assert (await payer.chooses("wechatpay", "native")).status_code == 503
    await rest(payer.db, *EVERYTHING)
    said = await payer.sees()
    assert "No way to pay answers right now" in said
    assert "Your new places are held until" in said
    assert "pay later" not in said
    assert (await payer.reader.get(f"{payer.path}/status")).json()["moves"] is True


async def test_in_doubt_one_may_insist_after_a_while_and_what_comes_twice_goes_back(
    payer: Payer, channels: SimulatorProcess
) -> None:
    lost, unheard = {"fault": "lost_response", "provider": "wechatpay"}, {"fault": "reset", "match": "close"}
    channels.script({**lost, "match": "create"}, {**lost, "match": "query"}, unheard)
    await payer.chooses("wechatpay", "native")
    first = await payer.view()
    said = await payer.sees()
    assert "Checking with WeChat Pay" in said
    assert "Give the change up" not in said, "it may be paid"
    assert (await payer.chooses("alipay", "qr")).status_code == 409
    await world.age(payer.db, first.merchant_ref or "", timedelta(seconds=21))
    assert "Pay another way all the same" in await payer.sees()
    assert 'name="insist" value="1" required' in await payer.html("?other=1")
    assert (await payer.chooses("alipay", "qr", insist="1")).status_code == 303
    assert "Money may still arrive through WeChat Pay, where you began first." in await payer.sees()
    second = await payer.view()
    channels.script()
    channels.pay(second.merchant_ref or "")
    channels.pay(first.merchant_ref or "")
    await world.until_quiet(payer.db)
    said = await payer.sees()
    assert "Paid. Your visit is changed." in said
    assert re.search(r"You paid twice; what came second goes back. ¥30 was returned to (Alipay|WeChat Pay)\.", said)
    assert await held_minor(payer.db, payer.order) == 9000


async def test_while_it_is_in_doubt_a_change_cannot_be_given_up(payer: Payer, channels: SimulatorProcess) -> None:
    channels.script({"fault": "lost_response"})
    await payer.chooses("wechatpay", "native")
    answer = await payer.reader.post(f"/orders/{payer.order.number}/change/end")
    assert answer.status_code == 409
    assert "Checking with WeChat Pay" in text_of(answer)


async def test_a_change_that_was_paid_meanwhile_cannot_be_given_up_and_the_page_says_why(
    payer: Payer, channels: SimulatorProcess
) -> None:
    await payer.chooses("wechatpay", "native")
    channels.pay((await payer.view()).merchant_ref or "")
    answer = await payer.reader.post(f"/orders/{payer.order.number}/change/end")
    assert answer.status_code == 409
    assert "The payment has arrived meanwhile." in text_of(answer)
    assert "The difference is paid. Your visit is being changed." in text_of(answer)


async def test_a_wrong_amount_goes_back_and_the_right_one_can_be_paid(payer: Payer, channels: SimulatorProcess) -> None:
    await payer.chooses("wechatpay", "native")
    channels.pay((await payer.view()).merchant_ref or "", amount=2999)
    await payer.works()
    await world.until_quiet(payer.db)
    said = await payer.sees()
    assert "Another amount than asked for arrived" in said
    assert "¥29.99 was returned to WeChat Pay." in said
    assert (await payer.chooses("alipay", "qr")).status_code == 303
    assert await payer.stage() == "waiting"


async def test_what_comes_after_the_time_to_pay_goes_back_and_the_visit_stays(
    payer: Payer, channels: SimulatorProcess, slots: tuple[world.SlotWorld, world.SlotWorld]
) -> None:
    channels.script({"fault": "drop_callback"})
    await payer.chooses("alipay", "qr")
    view = await payer.view()

    async def end(tx: Tx) -> None:
        """As if the change had lapsed before the money was heard of."""
        await tx.execute("update orders.changes set state = 'lapsed', ended_at = now()")
        await tx.execute("update payments.intents set state = 'expired' where id = %(id)s", id=view.intent_id)

    await payer.db.run(end)
    channels.pay(view.merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    said = await payer.sees()
    assert "Your payment came too late and goes back" in said
    assert "The change was over by then, so your visit stays as it was." in said
    assert "¥30 was returned to Alipay." in said
    assert "Change date or time" in said
    assert await visits(payer) == {str(slots[0].slot_id)}


async def test_a_change_that_lapsed_or_was_given_up_or_whose_order_has_ended_says_so(
    payer: Payer, slots: tuple[world.SlotWorld, world.SlotWorld]
) -> None:
    await payer.chooses("alipay", "qr")
    await time_is_over(payer.db)
    said = await payer.sees()
    assert "The time to pay the difference is over" in said
    assert "This change did not take place. Your visit stays as it was." in said
    again = {"slot": str(slots[1].slot_id), "quoted": "3000"}
    await payer.reader.post(f"/orders/{payer.order.number}/change", data=again)
    assert await payer.stage() == "choose"
    await payer.reader.post(f"/orders/{payer.order.number}/change/end")
    assert "Nothing is charged for it." in await payer.sees()
    refused = await payer.chooses("alipay", "qr")
    assert refused.status_code == 404
    assert "There is no change of this order under way." in text_of(refused)
    await payer.reader.post(f"/orders/{payer.order.number}/change", data=again)
    await orders.cancel(payer.db, payer.owner.actor, payer.order, quoted_minor=6000)
    assert "This order is cancelled" in await payer.sees()


async def test_a_link_that_was_passed_on_pays_no_difference_not_even_for_somebody_signed_in(payer: Payer) -> None:
    number, link = payer.order.number, f"?token={orders.link_token(payer.order.number)}"
    sign_in(payer.reader, await world.traveller(payer.db))
    assert (await payer.reader.get(f"/orders/{number}{link}")).status_code == 200
    for part in (
        "/change/payment",
        "/change/payment/card",
        "/change/payment/status",
        "/change",
        "/cancellation",
        "/invoice",
    ):
        assert (await payer.reader.get(f"/orders/{number}{part}{link}")).status_code == 404, part
    for part in ("/change/payment", "/change/end", "/change", "/cancellation", "/invoice"):
        answer = await payer.reader.post(f"/orders/{number}{part}{link}", data={"quoted": "6000"})
        assert answer.status_code == 404, part
    assert await payer.state() == "confirmed"
