"""Templates: where a campaign may begin. They hold no payer and no label, and are part of the program: a version of their own
each (``percent@1``), so that what was approved can be compared with what it began from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

TEMPLATES: Mapping[str, dict[str, Any]] = MappingProxyType({
    "amount@1": {
        "effect": {"type": "amount", "amount_minor": 1000, "per": "order", "currency": "CNY"},
        "limits": {"budget_minor": 1_000_000, "per_day_minor": 100_000, "per_person": 1},
        "stacking": {"group": "general", "combines": "alone"},
    },
    "percent@1": {
        "effect": {"type": "percent", "share_bp": 500, "cap_minor": 3000, "uncapped": False, "currency": "CNY"},
        "limits": {"budget_minor": 1_000_000, "per_day_minor": 100_000, "per_person": 1},
        "stacking": {"group": "general", "combines": "alone"},
    },
    "price@1": {
        "effect": {"type": "fixed_price", "price_minor": 5000, "cap_minor": 10_000, "currency": "CNY"},
        "limits": {"budget_minor": 1_000_000, "per_day_minor": 100_000, "per_person": 1},
        "stacking": {"group": "general", "combines": "alone"},
    },
    "gift@1": {
        "effect": {"type": "gift", "benefit": "free_change", "quantity": 1},
        "limits": {"budget_minor": 100_000, "budget_count": 1000, "per_person": 1},
        "stacking": {"group": "gifts", "combines": "groups"},
    },
})  # fmt: skip
"""Name with its version → the values it gives."""
NAMES: Mapping[str, str] = MappingProxyType({
    "amount@1": "An amount off an order",
    "percent@1": "A percentage off, with a cap",
    "price@1": "A fixed price per ticket",
    "gift@1": "A gift with the order",
})  # fmt: skip
