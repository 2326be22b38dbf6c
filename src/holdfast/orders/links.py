"""One-time links: an order's number has a link sent to the phone it was booked with, which opens the order once.

A link is good for a quarter of an hour. Opening its page uses nothing up, because messengers look at links by themselves.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from holdfast import admission
from holdfast.kit import clock, crypto, ids, settings
from holdfast.kit.db import Db, ReadTx, Tx

from . import finding_store, messages, store
from .finding_model import OrderLinkOver
from .model import LookupTooOften

FRESH = timedelta(minutes=15)
SENDS = 5
WINDOW_S = 3600


async def send(db: Db, number: str, source: str) -> None:
    """Sends a link to the phone an order was booked with. The answer is the same whether there is such an order or not.

    LookupTooOften after five an hour, for the order or from the source.
    """
    code = ids.read_code(number)
    outcome = await db.run(_send, code, source)
    if outcome is not None:
        raise outcome


async def _send(tx: Tx, code: str | None, source: str) -> LookupTooOften | None:
    for subject in sorted([f"source:{source}", *([f"order:{code}"] if code else [])]):
        left = await admission.spend(tx, "order-link", subject, uses=SENDS, per_s=WINDOW_S)
        if not left.allowed:
            return LookupTooOften(retry_after_s=left.resets_in_s)
    row = await store.by_number(tx, code) if code else None
    if row is not None:
        token, now = secrets.token_urlsafe(16), clock.now()
        await finding_store.insert_link(tx, crypto.digest(token), row.id, now, now + FRESH)
        await messages.tell(tx, row, "order-link", link=f"{settings.current().base_url}/orders/link/{token}")
    return None


async def require(tx: ReadTx, token: str) -> None:
    """OrderLinkOver when a link would not open anything any more."""
    if not await finding_store.link_stands(tx, crypto.digest(token), clock.now()):
        raise OrderLinkOver


async def use(tx: Tx, token: str) -> str:
    """Uses a link up; the number of the order it opens. OrderLinkOver."""
    number = await finding_store.use_link(tx, crypto.digest(token), clock.now())
    if number is None:
        raise OrderLinkOver
    return number


async def forget(tx: Tx) -> int:
    """Deletes links that were over a day ago; how many."""
    return await finding_store.forget_links(tx, clock.now() - timedelta(days=1))
