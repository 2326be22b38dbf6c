"""``/_sim/…``: scenarios, the truth, the journal, payments without a hand."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import orders
from .faults import Script
from .simulation import Simulator

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The optional body of ``POST /_sim/pay/{out_trade_no}``: amounts other than asked, in fen."""

    amount: Annotated[int, Meta(ge=1)] | None = None
    payer_amount: Annotated[int, Meta(ge=0)] | None = None


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sim/refunds/{out_refund_no}``."""

    status: Literal["SUCCESS", "CLOSED", "ABNORMAL"] = "SUCCESS"


def _sim(request: Request) -> Simulator:
    found: Simulator = request.app.state.sim
    return found


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _body(request: Request, kind: type[Shape]) -> Shape | Response:
    """The body as `kind`, or the answer that says what is wrong with it."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _json({"error": str(error)}, 422)


async def health(request: Request) -> Response:
    return _json({"ok": True})


async def config(request: Request) -> Response:
    """The merchant's configuration, secrets and all: they open nothing but this simulator."""
    return _json(_sim(request).keys.config(str(request.base_url).rstrip("/")))


async def scenario(request: Request) -> Response:
    sim = _sim(request)
    if request.method == "DELETE":
        sim.scenario.play(Script([]))
    elif request.method == "POST":
        script = await _body(request, Script)
        if isinstance(script, Response):
            return script
        sim.scenario.play(script)
    return _json({"steps": sim.scenario.shown()})


async def truth(request: Request) -> Response:
    return _json(_sim(request).truth())


async def journal(request: Request) -> Response:
    last = request.query_params.get("last", "")
    return _json({"entries": _sim(request).journal.last(*([int(last)] if last.isdigit() else []))})


async def pay(request: Request) -> Response:
    payment = await _body(request, Payment)
    if isinstance(payment, Response):
        return payment
    try:
        order = _sim(request).pay(request.path_params["out_trade_no"], payment.amount, payment.payer_amount)
    except KeyError:
        return _json({"error": "no such order"}, 404)
    except orders.NotPayable as refused:
        return _json({"error": "not payable", "state": refused.state}, 409)
    return _json({"transaction_id": order.transaction_id, "amount": order.paid_total})


async def settle(request: Request) -> Response:
    settlement = await _body(request, Settlement)
    if isinstance(settlement, Response):
        return settlement
    try:
        refund = _sim(request).settle_refund(request.path_params["out_refund_no"], settlement.status)
    except KeyError:
        return _json({"error": "no such refund"}, 404)
    return _json({"status": refund.status}, 200 if refund.status == settlement.status else 409)


async def reset(request: Request) -> Response:
    sim = _sim(request)
    sim.state.reset()
    sim.scenario.play(Script([]))
    sim.journal.clear()
    return _json({"ok": True})


ROUTES = [
    Route("/_sim/health", health),
    Route("/_sim/config", config),
    Route("/_sim/scenario", scenario, methods=["GET", "POST", "DELETE"]),
    Route("/_sim/truth", truth),
    Route("/_sim/journal", journal),
    Route("/_sim/pay/{out_trade_no}", pay, methods=["POST"]),
    Route("/_sim/refunds/{out_refund_no}", settle, methods=["POST"]),
    Route("/_sim/reset", reset, methods=["POST"]),
]
