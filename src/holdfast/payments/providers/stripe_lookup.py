"""Finding what Stripe has of ours when its own number for it is unknown: the answer that told it was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from holdfast.kit import clock

from . import stripe_protocol as protocol
from .stripe_wire import Calls, Reply

PAGE = 100
"""The most a list gives at once."""
SEARCH_LAG = timedelta(hours=1)
"""A search may miss what is younger (API reference, "Search PaymentIntents"); a list misses nothing."""
PAGES_MAX = 50


async def payment(
    calls: Calls, merchant_ref: str, operation: str = "query"
) -> tuple[protocol.PaymentIntent | None, Reply]:
    """The payment intent that bears our reference, and the last reply. None without an error code: there is none.

    The search knows all but the last hour, the list knows the last hour. ``too-many``: that hour had more than 5,000
    payments; ask again when the search has caught up, usually within a minute.
    """
    found, reply, _ = await _page(calls, operation, merchant_ref, {"query": _query(merchant_ref)})
    since, after = int((clock.now() - SEARCH_LAG).timestamp()), None
    for _ in range(PAGES_MAX):
        if found is not None or reply.error_code is not None:
            return found, reply
        asked: dict[str, object] = {"created": {"gte": since}}
        if after is not None:
            asked["starting_after"] = after
        found, reply, after = await _page(calls, operation, merchant_ref, asked)
        if after is None:
            return found, reply
    return None, reply.refuted("too-many")


async def refund(calls: Calls, payment_intent: str, refund_ref: str) -> tuple[protocol.Refund | None, Reply]:
    """The refund of a payment intent that bears our reference, and the last reply. None without an error code: none."""
    after: str | None = None
    while True:
        asked: Any = {"payment_intent": payment_intent, "limit": PAGE} | ({"starting_after": after} if after else {})
        reply = await _refunds(calls, asked)
        page = protocol.read(reply.body, protocol.Refunds) if reply.error_code is None else None
        if page is None:
            return None, reply.refuted("unreadable")
        found = next((one for one in page.data if one.labels.refund_ref == refund_ref), None)
        if found is not None or not (page.has_more and page.data):
            return found, reply
        after = page.data[-1].id


async def _page(
    calls: Calls, operation: str, merchant_ref: str, asked: dict[str, object]
) -> tuple[protocol.PaymentIntent | None, Reply, str | None]:
    """What a page of a search or a list has of ours; the last value is where the next page begins, None on the last."""
    parameters: Any = {**asked, "limit": PAGE, "expand": ["data.latest_charge"]}
    searching = "query" in asked
    reply = await calls.ask(
        operation,
        lambda sdk: (
            sdk.v1.payment_intents.search_async(parameters)
            if searching
            else sdk.v1.payment_intents.list_async(parameters)
        ),
    )
    page = protocol.read(reply.body, protocol.PaymentIntents) if reply.error_code is None else None
    if page is None:
        return None, reply.refuted("unreadable"), None
    after = page.data[-1].id if page.has_more and page.data else None
    return protocol.foremost(page.data, merchant_ref), reply, after


async def _refunds(calls: Calls, asked: Any) -> Reply:
    return await calls.ask("query_refund", lambda sdk: sdk.v1.refunds.list_async(asked))


def _query(merchant_ref: str) -> str:
    quoted = merchant_ref.replace("\\", "\\\\").replace('"', '\\"')
    return f'metadata["merchant_ref"]:"{quoted}"'
