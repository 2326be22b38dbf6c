"""The link by which whoever got the message may choose: it opens the choice and nothing else."""

from __future__ import annotations

from holdfast.kit import crypto, ids, settings
from holdfast.kit.db import ReadTx

from . import lookup, store
from .model import Order, OrderUnknown


def choice_link(number: str) -> str:
    """The address that a message names."""
    return f"{settings.current().base_url}/orders/{number}/choice?token={choice_token(number)}"


def choice_token(number: str) -> str:
    """Other than the link of an order, this one is not passed on to companions: it acts."""
    return crypto.link_token("cut-choice", number)


async def by_choice_link(tx: ReadTx, number: str, token: str) -> Order:
    """The order whose choice the link opens. OrderUnknown."""
    code = ids.read_code(number)
    if code is None or not crypto.link_token_fits("cut-choice", code, token):
        raise OrderUnknown
    return await lookup.whole(tx, await store.by_number(tx, code))
