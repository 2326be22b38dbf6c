"""Discounts after pricing: what was granted stays with its tickets, is shown with its reason, and follows another date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import LOCALES, both, translate

from . import discounts_store
from .changes_store import Move
from .discounts_model import Discount, Keeps, LineDiscount, carried, raised
from .policies import Item

BORNE = "Borne by the platform"
"""The label of what was granted by mistake under the name of somebody who does not pay it."""


IDS = ("venue_id", "product_id", "price_id")
"""Facts that only we can read."""


async def of_order(tx: ReadTx, order_id: UUID) -> list[Discount]:
    """The discounts and gifts of an order as it stands, each with its label and why it was given."""
    return (await of_orders(tx, [order_id]))[order_id]


async def of_orders(tx: ReadTx, order_ids: Sequence[UUID]) -> dict[UUID, list[Discount]]:
    """The same of several orders; an empty list where nothing was granted."""
    found: dict[UUID, list[Discount]] = {order_id: [] for order_id in order_ids}
    for one in await discounts_store.granted(tx, order_ids):
        label = both(BORNE) if one.corrected else one.label
        found[one.order_id].append(
            Discount(
                one.version_id, one.campaign_id, one.version, label, one.amount_minor, one.currency, one.code,
                reason(one.trace, one.content.get("sentence"), one.code),
                one.gift, one.corrected,
            )
        )  # fmt: skip
    return found


async def sentences(tx: ReadTx, version_ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """What these versions say to travellers, in both languages."""
    return await discounts_store.sentences(tx, version_ids) if version_ids else {}


def reason(trace: Any, sentence: Any, code: str | None) -> dict[str, str]:
    """Why it was given, in both languages: what was true of the order, the sentence of the campaign, and the code if one was typed.

    Conditions are told from the trace that was kept with the grant, so this is what decided then and not what holds now.
    """
    texts = [*([sentence] if isinstance(sentence, dict) else []), *_true(trace)]
    found: dict[str, str] = {}
    for locale in LOCALES:
        parts = list(dict.fromkeys(str(text[locale]) for text in texts if text.get(locale)))
        if code:
            parts.append(translate("Code {code}", locale, code=code))
        found[locale] = translate("; ", locale).join(parts) or translate("Your order fits the campaign.", locale)
    return found


def _true(trace: Any) -> Iterator[dict[str, Any]]:
    """The words of each condition of a trace that was found true: the innermost ones that have any.

    Those over ids of ours are left out: they say nothing to a traveller that the sentence of the campaign does not.
    """
    if isinstance(trace, list):
        for one in trace:
            yield from _true(one)
    elif isinstance(trace, dict) and trace.get("verdict", "true") == "true" and trace.get("op") != "everything":
        inner = [text for key, part in trace.items() if key != "says" for text in _true(part)]
        says = None if trace.get("field") in IDS else trace.get("says")
        yield from inner or ([says] if isinstance(says, dict) else [])


async def carry(tx: ReadTx, items: Sequence[Item], moves: Sequence[Move], *, at_most: bool = False) -> list[Move]:
    """The moves of lines to another slot with what they keep of their benefits there.

    `at_most`: the house is the cause of the move, so that no line may cost more than it did.
    """
    versions = {one.version_id for item in items for one in item.discounts}
    if not versions:
        return list(moves)
    effects = await discounts_store.effects(tx, sorted(versions))
    found = []
    for item, move in zip(items, moves, strict=True):
        most = item.price_minor if at_most else None
        parts = follow(item.discounts, effects, move.unit_minor, item.quantity, most)
        found.append(replace(move, discounts=parts))
    return found


def follow(
    discounts: Sequence[LineDiscount], effects: dict[UUID, dict[str, Any]], unit_minor: int, quantity: int,
    most_minor: int | None,
) -> list[LineDiscount]:  # fmt: skip
    """What the tickets of a line keep where one costs `unit_minor`. `most_minor`: they may cost no more together; None: they may."""
    parts = carried([(one, keeps(effects[one.version_id])) for one in discounts], unit_minor, quantity)
    if most_minor is None:
        return parts
    over = unit_minor * quantity - sum(one.amount_minor for one in parts) - most_minor
    return raised(parts, over) if over > 0 else parts


def keeps(effect: dict[str, Any]) -> Keeps:
    """How a benefit follows its tickets to another price, by what its version gives."""
    match effect.get("type"):
        case "percent":
            return Keeps(share_bp=int(effect["share_bp"]))
        case "fixed_price":
            return Keeps(price_minor=int(effect["price_minor"]))
        case _:
            return Keeps()
