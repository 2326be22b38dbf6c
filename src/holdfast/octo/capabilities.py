"""Capabilities: what is spoken here besides the core."""

from __future__ import annotations

from typing import Any

from .surface import CONTENT, PACKAGES, PRICING, Call

LISTED = (PRICING, CONTENT, PACKAGES)


async def capabilities(call: Call) -> Any:
    """Each with its revision; breaking changes would get another id."""
    return [
        {"id": one, "revision": 1, "required": False, "dependencies": [], "docs": "https://docs.octo.travel"}
        for one in LISTED
    ]
