"""What Stripe's refusals mean to us, by status, code and type."""

from __future__ import annotations

import anyio
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast.kit import http
from holdfast.payments.providers.base import OutcomeClass, PaymentState
from holdfast.payments.providers.stripe import StripeCards, load_config

from .conftest import QUICK, free_port
from .merchant import charge, number

UNKNOWN, TECHNICAL = OutcomeClass.UNKNOWN_OUTCOME, OutcomeClass.TECHNICAL


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "error", "code", "outcome"),
    [
        (400, {"type": "invalid_request_error", "code": "unheard_of"}, "unheard_of", OutcomeClass.CONFIG),
        (402, {"type": "card_error", "code": "card_declined", "decline_code": "new"}, "new", OutcomeClass.DECLINE),
        (409, {"type": "invalid_request_error", "code": "unheard_of"}, "unheard_of", UNKNOWN),
        (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, "idempotency_key_in_use", UNKNOWN),
        (429, {"type": "invalid_request_error"}, "invalid_request_error", OutcomeClass.RATE_LIMIT),
        (429, {"type": "invalid_request_error", "code": "lock_timeout"}, "lock_timeout", TECHNICAL),
        (400, {"type": "unheard_of_error"}, "unheard_of_error", UNKNOWN),
        (500, {"type": "invalid_request_error"}, "invalid_request_error", UNKNOWN),
        (404, None, "http-404", UNKNOWN),
        (302, None, "http-302", UNKNOWN),
    ],
)
async def test_refusals_have_the_class_of_their_code_else_of_their_type(status, error, code, outcome):
    """Statuses that the simulator does not give, from a server of our own."""

    async def refuse(request: Request) -> Response:
        return JSONResponse({"error": error} if error else {}, status)

    port = free_port()
    app = Starlette(routes=[Route("/v1/payment_intents", refuse, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", ws="none", lifespan="off"))
    async with anyio.create_task_group() as group, http.client() as client:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.01)
        config = load_config(b'{"secret_key":"sk_test_x","publishable_key":"pk_test_y","webhook_secret":"whsec_z"}')
        pointed = msgspec.structs.replace(config, api_base=f"http://127.0.0.1:{port}")
        seen, call = await StripeCards(pointed, client, QUICK).create(charge(number()))
        server.should_exit = True
    assert (seen.error_code, call.outcome_class, call.http_status) == (code, outcome, status)
    refused = outcome in (OutcomeClass.CONFIG, OutcomeClass.DECLINE)
    assert seen.state is (PaymentState.FAILED if refused else PaymentState.UNKNOWN)


def test_the_dictionary_has_a_sentence_for_every_code() -> None:
    for code, rule in StripeCards.errors.items():
        assert rule.says.endswith("."), code
