"""What a fault makes of an object before it is shown: the truth in the memory stays as it is."""

from __future__ import annotations

from typing import Any

from holdfast.payments.simulator import times

from .account import Obj


def told(thing: Obj, faults: dict[str, float], paid_at: float | None = None) -> Obj:
    """The object as the faults want it: ``query_lag``, ``wrong_amount``, ``wrong_currency``, ``new_enum``, ``renamed_field``."""
    if thing["object"] not in ("payment_intent", "charge"):
        return thing
    shown = dict(thing)
    lag_s = faults.get("query_lag", 0.0)
    if paid_at is not None and shown["object"] == "payment_intent" and times.now() - paid_at < lag_s:
        shown |= {"status": "requires_payment_method", "amount_received": 0, "latest_charge": None}
    if "wrong_amount" in faults:
        for name in ("amount_received", "amount_captured"):
            if shown.get(name):
                shown[name] += 1
    if "wrong_currency" in faults:
        shown["currency"] = "usd"
    if "new_enum" in faults:
        shown["status"] = "requires_blessing"
    if "renamed_field" in faults:
        shown["state"] = shown.pop("status")
    return shown


def bill(page: Obj, faults: dict[str, float]) -> Obj:
    """A page of balance transactions as the faults of bills want it. Sources are whole objects where they were asked for."""
    rows: list[Obj] = list(page["data"])
    if "no_statement" in faults:
        return {**page, "data": [], "has_more": False}
    first = next((at for at, row in enumerate(rows) if row["type"] == "charge"), None)
    if first is not None:
        row = rows[first]
        if "bill_wrong_amount" in faults:
            rows[first] = row = _raised(row, 1)
        if "bill_wrong_total" in faults:
            rows[first] = row = {**row, "net": row["net"] + 1}
        if "bill_double_row" in faults:
            rows.insert(first, {**row, "id": row["id"] + "Again"})
        if "bill_extra_row" in faults:
            rows.insert(first, _invented(row))
        if "bill_missing_row" in faults:
            rows.remove(row)
    return {**page, "data": rows}


def _raised(row: Obj, by: int) -> Obj:
    source: Any = row["source"]
    if isinstance(source, dict):
        source = {**source, "amount": source["amount"] + by, "amount_captured": source["amount_captured"] + by}
    return {**row, "amount": row["amount"] + by, "net": row["net"] + by, "source": source}


def _invented(row: Obj) -> Obj:
    source: Any = row["source"]
    if isinstance(source, dict):
        source = {**source, "id": source["id"] + "Extra", "metadata": {"merchant_ref": "NOBODYMADETHIS"}}
    else:
        source += "Extra"
    return {**row, "id": row["id"] + "Extra", "source": source}
