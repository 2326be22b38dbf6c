"""Limits: on which terms a partner sells what we have. What it may see, its commission, how much it may hold and owe."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast import admission
from holdfast.kit import audit, clock, i18n
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import InvalidInput

from . import limits_store, registration
from .limits_model import Terms

BOUNDS: dict[str, tuple[int, int]] = {
    "commission_bp": (0, 10_000),
    "requests_per_s": (1, 10_000),
    "holds_max": (1, 100_000),
    "places_per_slot": (1, 1_000_000),
    "hold_minutes": (1, 1_440),
    "hold_minutes_max": (1, 10_080),
    "credit_minor": (0, 10**15),
}
"""The least and the most of each term."""
OUT_OF_BOUNDS = "Enter a whole number from {least} to {most}."
HOLD_ORDER = "A hold cannot last longer at first than it may last at the most."


async def terms_of(tx: ReadTx, partner_id: str) -> Terms:
    """The terms of a partner; the usual ones where nobody has set others."""
    return await limits_store.terms(tx, partner_id) or Terms()


async def set_terms(tx: Tx, actor: Actor, partner_id: str, terms: Terms, *, reason: str) -> None:
    """From now on these terms hold; what is booked already keeps its price. InvalidInput lists what does not fit."""
    await registration.require(tx, partner_id)
    errors = [
        {"field": name, "code": "OUT_OF_BOUNDS", "message": i18n.both(OUT_OF_BOUNDS, least=least, most=most)}
        for name, (least, most) in BOUNDS.items()
        if (value := getattr(terms, name)) is not None and not least <= value <= most
    ]
    if not errors and terms.hold_minutes > terms.hold_minutes_max:
        errors.append({"field": "hold_minutes", "code": "HOLD_ORDER", "message": i18n.both(HOLD_ORDER)})
    if errors:
        raise InvalidInput(errors=errors)
    before = await terms_of(tx, partner_id)
    await limits_store.set_terms(tx, partner_id, terms, str(actor), clock.now())
    changed = {
        name: getattr(terms, name) for name in Terms.__struct_fields__ if getattr(terms, name) != getattr(before, name)
    }
    await audit.record(tx, actor, "partner.terms", f"partner:{partner_id}", reason=reason, **changed)


async def spend(db: Db, partner_id: str, requests_per_s: int) -> admission.Left:
    """Counts one request of a partner's programs in this second."""
    return await db.run_one(admission.spend, "octo-requests", partner_id, uses=requests_per_s, per_s=1)


def sees(terms: Terms, product_ids: Sequence[str]) -> list[str]:
    """Those of some products that a partner on these terms may see."""
    if terms.product_ids is None:
        return list(product_ids)
    return [one for one in product_ids if one in terms.product_ids]


def net_minor(retail_minor: int, commission_bp: int) -> int:
    """What a partner owes of a price: less its commission, which is rounded down."""
    return retail_minor - retail_minor * commission_bp // 10_000
