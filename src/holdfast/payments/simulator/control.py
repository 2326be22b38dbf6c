"""``/_sim/…``: scenarios, the truth, the journal, the clock, payments without a hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import serving, times
from .faults import Script
from .simulation import NotPayable, ProviderSim, Simulation

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The optional body of ``POST /_sim/pay/{number}``: amounts other than asked, in minor units; a second receipt."""

    amount: Annotated[int, Meta(ge=1)] | None = None
    payer_amount: Annotated[int, Meta(ge=0)] | None = None
    again: bool = False


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sim/refunds/{number}``."""

    status: Literal["SUCCESS", "CLOSED", "ABNORMAL"] = "SUCCESS"


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sim/clock``."""

    advance_s: Annotated[float, Meta(ge=0, le=10 * 366 * 86400)]


def _simulation(request: Request) -> Simulation:
    found: Simulation = request.app.state.simulation
    return found


def _provider(request: Request) -> ProviderSim | None:
    return _simulation(request).sims.get(request.query_params.get("provider", "wechatpay"))


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _unknown(what: str) -> Response:
    return _json({"error": f"no such {what}"}, 404)


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
    sim = _provider(request)
    return _unknown("provider") if sim is None else _json(sim.config(serving.origin(request)))


async def scenario(request: Request) -> Response:
    playing = _simulation(request).scenario
    if request.method == "DELETE":
        playing.play(Script([]))
    elif request.method == "POST":
        script = await _body(request, Script)
        if isinstance(script, Response):
            return script
        playing.play(script)
    return _json({"steps": playing.shown()})


async def truth(request: Request) -> Response:
    return _json(_simulation(request).truth())


async def journal(request: Request) -> Response:
    last = request.query_params.get("last", "")
    return _json({"entries": _simulation(request).journal.last(*([int(last)] if last.isdigit() else []))})


async def pay(request: Request) -> Response:
    payment = await _body(request, Payment)
    if isinstance(payment, Response):
        return payment
    try:
        paid = _simulation(request).pay(
            request.path_params["number"], payment.amount, payment.payer_amount, again=payment.again
        )
    except KeyError:
        return _unknown("order")
    except NotPayable as refused:
        return _json({"error": "not payable", "state": refused.state}, 409)
    return _json(paid)


async def settle(request: Request) -> Response:
    settlement = await _body(request, Settlement)
    if isinstance(settlement, Response):
        return settlement
    try:
        refund = _simulation(request).settle_refund(request.path_params["number"], settlement.status)
    except KeyError:
        return _unknown("refund")
    return _json(refund, 200 if refund["status"] == settlement.status else 409)


async def move_clock(request: Request) -> Response:
    move = await _body(request, Move)
    if isinstance(move, Response):
        return move
    advanced = await _simulation(request).advance(timedelta(seconds=move.advance_s))
    return _json({"now": times.beijing(times.now()), "advanced_s": advanced.total_seconds()})


async def rotate(request: Request) -> Response:
    sim = _provider(request)
    changed = None if sim is None else sim.rotate_keys()
    return _unknown("key to change") if changed is None else _json(changed)


async def reset(request: Request) -> Response:
    _simulation(request).reset()
    return _json({"ok": True})


ROUTES = [
    Route("/_sim/health", health),
    Route("/_sim/config", config),
    Route("/_sim/scenario", scenario, methods=["GET", "POST", "DELETE"]),
    Route("/_sim/truth", truth),
    Route("/_sim/journal", journal),
    Route("/_sim/pay/{number}", pay, methods=["POST"]),
    Route("/_sim/refunds/{number}", settle, methods=["POST"]),
    Route("/_sim/clock", move_clock, methods=["POST"]),
    Route("/_sim/keys/rotate", rotate, methods=["POST"]),
    Route("/_sim/reset", reset, methods=["POST"]),
]
