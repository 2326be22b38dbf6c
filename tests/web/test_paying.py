"""Paying without JavaScript: choosing, going over to another way, ways that rest, doubt, insisting, and paying later."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import clock, settings
from holdfast.kit.db import Db, Tx
from tests import world
from tests.payments.conftest import SimulatorProcess

from .conftest import sign_in, text_of
from .paying import DESK, EVERYTHING, PHONE, WECHAT, Payer, heal, methods, rest, rows, switch_off

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("channels")]


@pytest.fixture
async def db(its_own: Db) -> Db:
    """A database for each test: how channels are is the same for all payers of a database."""
    return its_own


@pytest.fixture
async def payer(db: Db, reader: httpx2.AsyncClient) -> Payer:
    owner, order = await world.held_order(db, await world.open_slot(db))
    sign_in(reader, owner)
    reader.headers["User-Agent"] = PHONE
    return Payer(db, reader, owner, order)


# Choosing


async def test_every_way_is_a_row_with_its_name_in_both_languages_and_the_best_is_chosen(payer: Payer) -> None:
    html = await payer.html()
    assert rows(html) == [("wechatpay", True, True), ("alipay", True, False), ("stripe", True, False)]
    said = await payer.sees()
    for name in ("WeChat Pay 微信支付", "Alipay 支付宝", "Bank card 银行卡"):
        assert name in said
    assert "Cards need JavaScript" in said


@pytest.mark.parametrize(
    ("agent", "wechatpay", "alipay"),
    [
        (PHONE, [("h5", True), ("native", False)], [("page", True), ("qr", False)]),
        (DESK, [("native", True), ("h5", False)], [("qr", True), ("page", False)]),
    ],
)
async def test_a_phone_pays_on_itself_and_a_desk_shows_a_code_and_both_are_in_reach(
    payer: Payer, agent: str, wechatpay: list[tuple[str, bool]], alipay: list[tuple[str, bool]]
) -> None:
    payer.reader.headers["User-Agent"] = agent
    html = await payer.html()
    assert methods(html, "wechatpay") == wechatpay
    assert methods(html, "alipay") == alipay
    assert methods(html, "stripe") == []


async def test_inside_a_wallets_own_browser_its_row_is_chosen_and_the_code_is_scanned_there(payer: Payer) -> None:
    payer.reader.headers["User-Agent"] = PHONE + " AlipayClient/10.5"
    html = await payer.html()
    assert [provider for provider, _, chosen in rows(html) if chosen] == ["alipay"]
    assert ("qr", True) in methods(html, "alipay")


async def test_a_code_is_shown_and_paying_it_confirms_the_order(payer: Payer, channels: SimulatorProcess) -> None:
    answer = await payer.chooses("wechatpay", "native")
    assert (answer.status_code, answer.headers["location"]) == (303, payer.path)
    said = await payer.sees()
    assert "Scan with WeChat" in said
    assert "Pay another way" in said
    view = await payer.view()
    channels.pay(view.merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    assert "Paid. Your visit is confirmed." in await payer.sees()
    assert "Paid with WeChat Pay" in text_of(await payer.reader.get(f"/orders/{payer.order.number}"))


async def test_a_page_of_the_provider_is_a_link_and_its_facts_are_taken_off_the_way_back(payer: Payer) -> None:
    await payer.chooses("alipay", "page")
    html = await payer.html()
    link = re.search(r'<a class="btn wide" href="([^"]+)" rel="noreferrer">', html)
    assert link
    assert "alipay.trade.page.pay" in unescape(link[1])
    assert "Pay with Alipay on this device" in await payer.sees()
    back = await payer.reader.get(f"{payer.path}?out_trade_no=1&trade_no=2&sign=3")
    assert (back.status_code, back.headers["location"]) == (303, payer.path)


async def test_a_way_that_does_not_exist_is_refused_with_the_page(payer: Payer) -> None:
    answer = await payer.chooses("paypal")
    assert answer.status_code == 422
    assert "We do not know this way to pay." in text_of(answer)
    assert "How would you like to pay?" in text_of(answer)


# The card page


async def test_the_card_page_alone_may_load_the_services_script(payer: Payer, channels: SimulatorProcess) -> None:
    answer = await payer.chooses("stripe")
    assert answer.headers["location"] == f"{payer.path}/card"
    page = await payer.reader.get(f"{payer.path}/card")
    assert page.status_code == 200
    view = await payer.view()
    assert view.client_secret
    assert view.client_secret in page.text
    assert f'<script src="{channels.url}/stripe/v3/"' in page.text
    policy = page.headers["content-security-policy"]
    assert f"script-src 'self' {channels.url};" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert page.headers["cache-control"] == "no-store"
    assert "Cards need JavaScript; the other ways work without." in page.text
    other = await payer.reader.get(payer.path)
    assert channels.url not in other.headers["content-security-policy"]
    assert view.client_secret not in other.text
    assert view.client_secret not in (await payer.reader.get(f"{payer.path}/status")).text


async def test_the_card_page_leads_back_when_no_card_is_waited_for(payer: Payer) -> None:
    assert (await payer.reader.get(f"{payer.path}/card")).headers["location"] == payer.path
    await payer.chooses("wechatpay", "native")
    assert (await payer.reader.get(f"{payer.path}/card")).headers["location"] == payer.path


# Going over to another way


async def test_from_a_code_that_nobody_scanned_one_goes_over_to_another_way(
    payer: Payer, channels: SimulatorProcess
) -> None:
    await payer.chooses("alipay", "qr")
    first = await payer.view()
    other = await payer.html("?other=1")
    assert [provider for provider, _, chosen in rows(other) if chosen] == ["wechatpay"]
    assert "What you began with Alipay is closed first" in await payer.sees("?other=1")
    assert "Back to the payment under way" in await payer.sees("?other=1")
    assert (await payer.chooses("wechatpay", "native")).status_code == 303
    second = await payer.view()
    assert (second.provider, second.merchant_ref != first.merchant_ref) == ("wechatpay", True)
    assert "Scan with WeChat" in await payer.sees()
    channels.pay(second.merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    assert await payer.state() == "confirmed"


async def test_what_was_closed_at_its_provider_can_no_longer_be_paid(payer: Payer, channels: SimulatorProcess) -> None:
    await payer.chooses("wechatpay", "native")
    first = await payer.view()
    await payer.chooses("alipay", "qr")
    assert channels.order(first.merchant_ref or "")["state"] == "CLOSED"
    assert "Money may still arrive through WeChat Pay" not in await payer.sees()


# Ways that rest


async def test_a_way_that_rests_stays_in_sight_with_the_reason(payer: Payer) -> None:
    await rest(payer.db, *WECHAT)
    html = await payer.html()
    assert rows(html) == [("alipay", True, True), ("stripe", True, False), ("wechatpay", False, False)]
    said = await payer.sees()
    assert re.search(
        r"WeChat Pay does not answer right now, since today \d\d:\d\d\. We try it every few seconds\.", said
    )
    assert (await payer.reader.get(f"{payer.path}/status")).json()["moves"] is True
    answer = await payer.chooses("wechatpay", "native")
    assert answer.status_code == 503
    assert "This way to pay does not answer at the moment, so we do not offer it." in text_of(answer)
    assert (await payer.chooses("alipay", "qr")).status_code == 303


async def test_one_method_may_rest_while_the_other_serves(payer: Payer) -> None:
    await rest(payer.db, ("wechatpay", "h5"))
    html = await payer.html()
    assert ("wechatpay", True) in [(provider, able) for provider, able, _ in rows(html)]
    assert methods(html, "wechatpay") == [("h5", False), ("native", True)]
    assert 'value="h5" disabled' in html


@pytest.mark.parametrize(
    ("state", "share", "says"),
    [
        ("degraded", 100, "WeChat Pay answers slowly at the moment, or not every time."),
        ("returning", 100, "WeChat Pay has just come back after a disturbance."),
        ("returning", 0, "WeChat Pay answers again. We offer it to a few payers first, and to more step by step."),
    ],
)
async def test_how_a_way_is_is_said_in_plain_words(payer: Payer, state: str, share: int, says: str) -> None:
    await rest(payer.db, *WECHAT, state=state, share=share)
    assert says in await payer.sees()


async def test_what_staff_switched_off_is_said_to_be_ours(payer: Payer) -> None:
    await switch_off(payer.db, "stripe")
    assert "We switched the card service off, today" in await payer.sees()


async def test_no_page_says_busy(payer: Payer, channels: SimulatorProcess) -> None:
    channels.script({"fault": "system_error"})
    await payer.chooses("wechatpay", "native")
    said = (await payer.sees()).lower()
    assert "busy" not in said
    assert "SYSTEM_ERROR".lower() not in said


# Doubt


async def test_in_doubt_the_page_says_who_is_asked_and_not_to_pay_again(
    payer: Payer, channels: SimulatorProcess
) -> None:
    channels.script({"fault": "lost_response"})
    await payer.chooses("wechatpay", "native")
    view = await payer.view()
    said = await payer.sees()
    assert "Checking with WeChat Pay" in said
    assert "Please do not pay again." in said
    assert "Your places stay held while we check." in said
    assert view.merchant_ref in said
    assert "If this takes longer than 20 seconds, you may pay another way." in said
    assert "all the same" not in said
    assert rows(await payer.html("?other=1")) == [], "not yet"
    refused = await payer.chooses("alipay", "qr")
    assert refused.status_code == 409
    assert "The payment you began may have been made" in text_of(refused)


async def test_after_a_while_one_may_insist_and_the_second_success_goes_back(
    payer: Payer, channels: SimulatorProcess
) -> None:
    lost, unheard = {"fault": "lost_response", "provider": "wechatpay"}, {"fault": "reset", "match": "close"}
    channels.script({**lost, "match": "create"}, {**lost, "match": "query"}, unheard)
    await payer.chooses("wechatpay", "native")
    first = await payer.view()
    await world.age(payer.db, first.merchant_ref or "", timedelta(seconds=21))
    assert "Pay another way all the same" in await payer.sees()
    other = await payer.html("?other=1")
    assert 'name="insist" value="1" required' in other
    assert "if both arrive, one goes back by itself" in await payer.sees("?other=1")
    assert (await payer.chooses("alipay", "qr")).status_code == 409, "it must be said"
    assert (await payer.chooses("alipay", "qr", insist="1")).status_code == 303
    assert "Money may still arrive through WeChat Pay, where you began first." in await payer.sees()
    second = await payer.view()
    assert second.provider == "alipay"
    channels.script()
    channels.pay(second.merchant_ref or "")
    channels.pay(first.merchant_ref or "")
    await world.until_quiet(payer.db)
    said = text_of(await payer.reader.get(f"/orders/{payer.order.number}"))
    assert "You paid twice; what came second goes back." in said
    assert re.search(r"¥60 was returned to (Alipay|WeChat Pay)\.", said)
    assert await payer.state() == "confirmed"


async def test_a_wrong_amount_is_explained_and_the_right_one_can_be_paid(
    payer: Payer, channels: SimulatorProcess
) -> None:
    await payer.chooses("wechatpay", "native")
    view = await payer.view()
    channels.pay(view.merchant_ref or "", amount=5999)
    await payer.works()
    await world.until_quiet(payer.db)
    said = await payer.sees()
    assert "Another amount than asked for arrived" in said
    assert "¥59.99 was returned to WeChat Pay." in said
    assert rows(await payer.html())
    assert (await payer.chooses("wechatpay", "native")).status_code == 303
    assert await payer.stage() == "waiting"


async def test_late_money_is_explained(payer: Payer, channels: SimulatorProcess) -> None:
    await payer.chooses("alipay", "qr")
    view = await payer.view()
    channels.pay(view.merchant_ref or "")

    async def end(tx: Tx) -> None:
        """As if the order had ended and somebody else had its place."""
        await tx.execute("update orders.orders set state = 'expired', expires_at = null")
        await tx.execute("update payments.intents set state = 'expired'")
        await tx.execute("update orders.lines set live = false")
        await tx.execute("update orders.travellers set live = false")
        await tx.execute("update inventory.slots set capacity = 0, taken = 0")

    await payer.db.run(end)
    await payer.works()
    await world.until_quiet(payer.db)
    said = await payer.sees()
    assert "Your payment came too late and goes back" in said
    assert "¥60 was returned to Alipay." in said


# Paying later


async def test_when_nothing_answers_the_visit_can_be_confirmed_now_and_paid_later(
    payer: Payer, channels: SimulatorProcess
) -> None:
    await rest(payer.db, *EVERYTHING)
    said = await payer.sees()
    assert "No way to pay answers right now" in said
    assert "Your places are held until" in said
    assert "Or confirm now and pay later" in said
    assert [able for _, able, _ in rows(await payer.html())].count(True) == 1, "the least bad way is offered"
    assert "does not answer reliably now" in said
    answer = await payer.reader.post(f"{payer.path}/promise")
    assert (answer.status_code, answer.headers["location"]) == (303, payer.path)
    assert await payer.state() == "confirmed"
    assert "Confirmed. To be paid later." in await payer.sees()
    here = f"/orders/{payer.order.number}"
    order = text_of(await payer.reader.get(here))
    assert "Confirmed, to be paid" in order
    assert "Pay now" not in order
    assert "No way to pay answers right now." in order
    assert "Confirmed without a payment, because no way to pay answered." in order
    assert "To be paid at the gate: ¥60" in text_of(await payer.reader.get(f"{here}/tickets"))
    await heal(payer.db)
    assert "Pay now" in text_of(await payer.reader.get(here))
    clock.move(timedelta(seconds=1))
    assert (await payer.chooses("wechatpay", "native")).status_code == 303
    assert await payer.stage() == "waiting"
    channels.pay((await payer.view()).merchant_ref or "")
    await payer.works()
    await world.until_quiet(payer.db)
    assert "Paid. Your visit is confirmed." in await payer.sees()
    assert "Payment received. Nothing more is to pay." in text_of(await payer.reader.get(here))
    assert "To be paid" not in text_of(await payer.reader.get(f"{here}/tickets"))


async def test_while_a_way_answers_nobody_pays_later(payer: Payer) -> None:
    await rest(payer.db, *WECHAT)
    assert "pay later" not in await payer.sees()
    answer = await payer.reader.post(f"{payer.path}/promise")
    assert answer.status_code == 409
    assert "Paying later is not possible for this order now." in text_of(answer)


async def test_the_limits_of_paying_later_are_explained(payer: Payer, monkeypatch: pytest.MonkeyPatch) -> None:
    await rest(payer.db, *EVERYTHING)
    monkeypatch.setenv("HOLDFAST_DEFERRAL_ORDER_MINOR", "5000")
    settings.current.cache_clear()
    assert "This order is larger than what may be paid later." in await payer.sees()
    monkeypatch.setenv("HOLDFAST_DEFERRAL_ORDER_MINOR", "6000")
    monkeypatch.setenv("HOLDFAST_DEFERRAL_PER_PERSON", "0")
    settings.current.cache_clear()
    answer = await payer.reader.post(f"{payer.path}/promise")
    assert answer.status_code == 409
    assert "You have visits that are confirmed and not paid yet." in text_of(answer)


async def test_in_doubt_with_nothing_answering_one_can_still_confirm_now(
    payer: Payer, channels: SimulatorProcess
) -> None:
    channels.script({"fault": "lost_response", "match": "create"})
    await payer.chooses("wechatpay", "native")
    await rest(payer.db, *EVERYTHING)
    said = await payer.sees()
    assert "Checking with WeChat Pay" in said
    assert "If the payment we are asking about has arrived, nothing more is to pay." in said
    await payer.reader.post(f"{payer.path}/promise")
    assert await payer.stage() == "promised"


# Who may


async def test_whoever_holds_the_link_may_pay_and_the_provider_never_learns_it(
    db: Db, reader: httpx2.AsyncClient, channels: SimulatorProcess
) -> None:
    _owner, order = await world.held_order(db, await world.open_slot(db))
    path, token = f"/orders/{order.number}/payment", orders.link_token(order.number)
    page = await reader.get(f"{path}?token={token}")
    assert page.status_code == 200
    assert "HttpOnly" in page.headers["set-cookie"]
    begun = await reader.post(f"{path}?token={token}", data={"provider": "alipay", "method.alipay": "page"})
    assert begun.headers["location"] == f"{path}?token={token}"
    waiting = await reader.get(begun.headers["location"])
    link = re.search(r'href="([^"]+)" rel="noreferrer"', waiting.text)
    assert link
    assert token not in unescape(link[1])
    back = await reader.get(path)
    assert (back.status_code, back.headers["location"]) == (303, f"{path}?token={token}")
    reader.cookies.clear()
    assert (await reader.get(path)).headers["location"].startswith("/session")


@pytest.mark.parametrize("part", ["", "/promise"])
async def test_a_stranger_can_neither_pay_nor_promise(db: Db, reader: httpx2.AsyncClient, part: str) -> None:
    _owner, order = await world.held_order(db, await world.open_slot(db))
    path = f"/orders/{order.number}/payment{part}"
    assert (await reader.post(path, data={"provider": "alipay"})).status_code == 401
    sign_in(reader, await world.traveller(db))
    assert (await reader.post(path, data={"provider": "alipay"})).status_code == 404
    assert (await reader.get(f"/orders/{order.number}/payment/card")).status_code == 404
