"""The simulator's Stripe.js in a real browser, on a card page with a strict content policy, as ours is."""

from __future__ import annotations

import threading
import time

import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser import browsing

from .conftest import free_port
from .merchant import number

pytestmark = pytest.mark.browser
stripe.enable_telemetry = False  # or the package writes into the home directory

PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Card</title>
<script src="{script}"></script><script src="/card.js" defer></script></head>
<body data-key="{key}" data-secret="{secret}"><form><div id="card"></div><p role="alert"></p><button>Pay</button></form></body></html>"""
SCRIPT = """
const form = document.querySelector("form"), { key, secret } = document.body.dataset;
const stripe = Stripe(key), elements = stripe.elements({ clientSecret: secret });
elements.create("payment").mount("#card");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: location.origin + "/back" } });
  if (error) document.querySelector("[role=alert]").textContent = error.message;
});
"""


class Shop:
    """A merchant's card page at an origin of its own."""

    def __init__(self, keys: dict[str, str], simulator: str) -> None:
        self.secret, self.lang, self._keys = "", "en", keys
        self.origin = f"http://127.0.0.1:{(port := free_port())}"
        self._policy = f"default-src 'none'; script-src 'self' {simulator}; connect-src {simulator}"
        routes = [Route("/pay", self._pay), Route("/card.js", self._script), Route("/back", self._back)]
        config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning", ws="none", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    async def _pay(self, request: Request) -> Response:
        filled = {"lang": self.lang, "script": self._keys["script_url"], "key": self._keys["publishable_key"]}
        html = PAGE.format(**filled, secret=self.secret)
        return HTMLResponse(html, headers={"Content-Security-Policy": self._policy})

    async def _script(self, request: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    async def _back(self, request: Request) -> Response:
        return HTMLResponse(f"<h1>{request.query_params['redirect_status']}</h1>")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture(scope="module")
def browser():
    path = browsing.find()
    if not path:
        pytest.skip(browsing.NO_BROWSER)
    with browsing.opened(path) as running:
        yield running


@pytest.fixture
def shop(sim):
    running = Shop(sim.http.get("/_sim/config", params={"provider": "stripe"}).json(), sim.url)
    yield running
    running.stop()


@pytest.fixture
def ref(sim, shop):
    """The number of a payment that the shop's page asks for."""
    keys = sim.http.get("/_sim/config", params={"provider": "stripe"}).json()
    sdk = stripe.StripeClient(keys["secret_key"], base_addresses={"api": keys["api_base"]})
    ref = number()
    shop.secret = sdk.v1.payment_intents.create(
        {"amount": 12_800, "currency": "cny", "metadata": {"merchant_ref": ref}}
    ).client_secret
    return ref


@pytest.fixture
def page(browser, shop, ref):
    """The card page; nothing may go wrong on it unseen."""
    context = browsing.context(browser, browsing.PHONE, "en")
    opened, wrong = context.new_page(), []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    opened.goto(f"{shop.origin}/pay")
    yield opened
    context.close()
    assert wrong == []


def fill(page, card: str, labels: tuple[str, str, str] = ("Card number", "Expiry", "Security code")) -> None:
    for label, value in zip(labels, (card, "12 / 34", "123"), strict=True):
        page.get_by_label(label).fill(value)
    page.get_by_role("button").click()


def test_a_card_pays_and_the_payer_comes_back(page, sim, shop, ref):
    fill(page, "4242 4242 4242 4242")
    page.wait_for_url(f"{shop.origin}/back?payment_intent=*redirect_status=succeeded")
    assert sim.order(ref)["state"] == "SUCCESS"


def test_a_decline_is_said_and_another_card_pays(page, sim, shop, ref):
    page.get_by_role("button").click()
    assert page.get_by_label("Card number").evaluate("field => !field.validity.valid")
    fill(page, "4000 0000 0000 0002")
    page.get_by_text("Your card was declined.").wait_for()
    assert sim.order(ref)["state"] == "NOTPAY"
    fill(page, "5555 5555 5555 4444")
    page.wait_for_url("**redirect_status=succeeded")


@pytest.mark.parametrize(("answer", "status"), [("Yes, pay", "succeeded"), ("No /", "failed")])
def test_the_bank_asks_and_the_payer_comes_back_with_its_answer(page, sim, shop, ref, answer, status):
    fill(page, "4000 0025 0000 3155")
    page.wait_for_url(f"{sim.url}/stripe/challenge/*")
    page.get_by_role("button", name=answer).click()
    page.wait_for_url(f"{shop.origin}/back?*redirect_status={status}")
    assert sim.order(ref)["state"] == ("SUCCESS" if status == "succeeded" else "NOTPAY")


def test_it_speaks_the_language_of_the_page(page, shop):
    shop.lang = "zh-CN"
    page.reload()
    fill(page, "4000 0000 0000 9995", ("卡号", "有效期", "安全码"))
    page.get_by_text("您的银行卡余额不足。").wait_for()
