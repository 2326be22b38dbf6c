"""What a payer's browser gets: Stripe.js for the card page, and the bank's question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from holdfast.kit.money import Money
from holdfast.payments.simulator import wallet

from . import account, intents
from .account import Obj
from .cards import CARDS
from .events import News, number

if TYPE_CHECKING:
    from .sim import StripeSim

HERE = Path(__file__).parent
SCRIPT = (HERE / "stripe.js").read_text(encoding="utf-8")
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    (HERE / "challenge.html").read_text(encoding="utf-8")
)


async def script(request: Request) -> Response:
    """``/v3/``: loaded by the card page in place of https://js.stripe.com/v3/."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-store"})


def challenge(sim: StripeSim) -> list[BaseRoute]:
    """``/stripe/challenge/{token}``: where ``next_action`` sends the payer; the answer sends them back to the shop."""

    def _found(request: Request) -> tuple[Obj, Obj] | None:
        query = "select id from objects where kind = 'payment_intent' and json_extract(aside, '$.token') = ?"
        row = sim.memory.db.execute(query, (request.path_params["token"],)).fetchone()
        intent = None if row is None else account.get(sim.memory.db, "payment_intent", row["id"])
        return None if intent is None else (intent, account.aside(sim.memory.db, intent["id"]))

    async def show(request: Request) -> Response:
        found = _found(request)
        return _page("unknown", None, "", 404) if found is None else _page(_view(found[0]), *found, 200)

    async def decide(request: Request) -> Response:
        async with request.form() as form:
            action = str(form.get("action", ""))
        found = _found(request)
        if found is None:
            return _page("unknown", None, "", 404)
        intent, aside = found
        if intent["status"] != "requires_action":
            return _page(_view(intent), intent, aside, 409)
        with sim.memory.writing() as db:
            news = News(sim.scenario, db)
            if action == "complete":
                intents.take(news, intent, CARDS[aside["card"]])
            else:
                intents.refuse(news, intent, intents.UNAUTHENTICATED)
        sim.wake()
        sim.journal.add("challenge", provider=sim.name, number=number(intent), action=action, status=intent["status"])
        back = wallet.return_url(aside.get("return_url", ""))
        return RedirectResponse(_with(back, intent), 303) if back else _page(_view(intent), intent, aside, 200)

    path = "/stripe/challenge/{token}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


def _view(intent: Obj) -> str:
    return {"requires_action": "ask", "succeeded": "paid", "canceled": "closed"}.get(intent["status"], "declined")


def _with(back: str, intent: Obj) -> str:
    """The way back, with what Stripe adds to it."""
    facts = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
    }
    return back + ("&" if urlsplit(back).query else "?") + urlencode(facts)


def _page(view: str, intent: Obj | None, aside: Obj | str, status: int) -> Response:
    back = wallet.return_url(aside.get("return_url", "")) if isinstance(aside, dict) else ""
    amount = "" if intent is None else str(Money(intent["amount"], intent["currency"].upper()))
    about = "" if intent is None else intent["description"] or number(intent)
    html = _TEMPLATE.render(view=view, amount=amount, about=about, back=back, merchant=wallet.MERCHANT)
    parts = urlsplit(back)
    onward = f" {parts.scheme}://{parts.netloc}" if back else ""
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{onward}"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, status, headers=headers)
