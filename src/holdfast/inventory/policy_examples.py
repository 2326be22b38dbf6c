"""Examples: events of the past as they were published, each with its source, as plans for other days.

A percentage, a figure for a kind of day (which may be more than usual: then it supersedes the usual figure on those days), a
closure, a pause of entry.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from holdfast.kit.db import ReadTx

from . import policies_store
from .policies import Mark, Plan, Wish

DAYS = 7


def every() -> list[dict[str, Any]]:
    """The events, as the file has them."""
    return list(json.loads((files("holdfast.catalogue") / "demo" / "policy_events.json").read_text("utf-8")))


async def plan_of(tx: ReadTx, event: dict[str, Any], first: date) -> Plan:
    """The same event from `first` on, for as long as it was, at most a week where it had no end."""
    venues = await policies_store.venues(tx)
    scope = [one.id for one in venues if event["scope"] == "all" or one.id in event["scope"]]
    days = DAYS - 1
    if event.get("to"):
        days = (date.fromisoformat(event["to"]) - date.fromisoformat(event["from"])).days
    last = first + timedelta(days=days)
    reason = {"zh": event["note"], "en": event["note"]}
    kind = event["kind"]
    if kind == "policy_percent":
        return Plan([Wish(one, "percent", first, last, event["percent"] * 100, reason=reason) for one in scope])
    if kind == "closure":
        return Plan([Wish(one, "closed", first, last, reason=reason) for one in scope])
    if kind == "pause_entry":
        return Plan([Wish(one, "entry_paused", first, first, minutes=event["minutes"], reason=reason) for one in scope])
    dates = [first + timedelta(days=n) for n in range(days + 1)]
    rules, marks = [], []
    for one in scope:
        usual = [p for p in await policies_store.of_venue(tx, one) if p.kind == "absolute" and p.product_id is None]
        least = min(usual, key=lambda p: p.value, default=None)
        more = least is not None and least.value < event["cap"]
        rules.append(
            Wish(
                one, "absolute", first, last, event["cap"], day_type=event["day_type"], reason=reason,
                supersedes=least.id if more and least else None,
            )
        )  # fmt: skip
        marks.append(Mark(one, event["day_type"], dates))
    return Plan(rules, marks=marks)
