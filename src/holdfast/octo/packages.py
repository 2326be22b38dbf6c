"""The packages capability (octo/packages, as Ventrata defines it): cards, with what may be chosen to be visited with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.kit.i18n import pick
from holdfast.orders.resale_model import OPTION, Include, Offered

from .surface import Call

HOLDER = "card"
"""The unit that is a card; the others come along on it."""


def groups(offered: Offered, call: Call, product: Callable[[Offered, Call], dict[str, Any]]) -> list[dict[str, Any]]:
    """The includes of a package in their groups; `product` shows one as it stands in the list of products."""
    return [
        {
            "title": pick(group.title, call.locale),
            "count": group.count,
            "includes": [_include(one, product(one.offered, call)) for one in group.includes],
        }
        for group in offered.groups
    ]


def accompanied_by(offered: Offered, ticket: str) -> list[str]:
    """Who comes along on a card comes with its holder."""
    return [one for one in offered.units if one == HOLDER] if offered.is_package and ticket != HOLDER else []


def _include(one: Include, shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one.id,
        "required": one.required,
        "limit": one.limit,
        "productId": one.offered.id,
        "product": shown,
        "optionId": OPTION,
        "option": shown["options"][0],
        "validityDays": one.validity_days,
    }
