"""The auditor: what the providers know to be true, against what our database says, charge by charge."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import msgspec

from holdfast import ledger, orders, payments  # noqa: F401 - their invariants are asked
from holdfast.inventory import checks as _inventory  # noqa: F401
from holdfast.kit import checks
from holdfast.kit.db import Db, ReadTx
from holdfast.ledger import checks as _ledger  # noqa: F401
from holdfast.notices import checks as _notices  # noqa: F401
from holdfast.orders import checks as _orders  # noqa: F401
from holdfast.payments import checks as _payments  # noqa: F401
from holdfast.payments.model import PROBE

from . import store
from .store import Kept

SHOWN = 5


class Audit(msgspec.Struct):
    """What was found. Of the counts from `orders_lost` on, each is to be zero."""

    charges: int = 0
    """Charges of travellers that a provider knows."""
    paid_charges: int = 0
    taken_minor: int = 0
    returned_minor: int = 0
    double_paid: int = 0
    """Orders for which a provider took money more than once; none of them may keep more than its price."""
    orders_lost: int = 0
    charged_without: int = 0
    """Money kept for which there is neither a confirmed order nor a refund."""
    charged_twice: int = 0
    """Orders that keep more than their price."""
    given_too_much: int = 0
    """Charges of which more went back than should have."""
    refunds_differ: int = 0
    """Refunds that we believe in and the provider does not know, or the other way about."""
    unknown_charges: int = 0
    """Charges a provider knows under a number that is not ours, or under one that it has another charge for."""
    ledger_differences: int = 0
    unapplied_minor: int = 0
    invariants: int = 0
    invariants_broken: int = 0
    findings: list[str] = []
    """The first few of each kind, with numbers."""


class Charge(msgspec.Struct, frozen=True):
    """One charge as its provider knows it, in minor units."""

    provider: str
    merchant_ref: str
    paid_minor: int
    returned_minor: int
    paid_at: datetime | None
    receipts: int

    @property
    def holds(self) -> int:
        """What the provider has of it now."""
        return self.paid_minor - self.returned_minor


def charges_of(truth: dict[str, Any]) -> list[Charge]:
    """The simulator's ``/_sim/truth`` in our words, without the probes."""
    found = []
    for order in truth["orders"]:
        if str(order["out_trade_no"]).startswith(PROBE):
            continue
        given = [refund for refund in order["refunds"] if refund["status"] == "SUCCESS"]
        paid_at = order.get("paid_at")
        found.append(
            Charge(
                provider=order["provider"],
                merchant_ref=order["out_trade_no"],
                paid_minor=order["paid_amount"] or 0,
                returned_minor=sum(refund["amount"] for refund in given),
                paid_at=datetime.fromisoformat(paid_at) if paid_at else None,
                receipts=len(order.get("receipts") or ()) or (1 if order["paid_amount"] else 0),
            )
        )
    return found


async def audit(db: Db, truth: dict[str, Any], promised: list[str]) -> Audit:
    """Compares everything. `promised`: the numbers of the orders that travellers were told they have."""
    charges = charges_of(truth)
    async with db.reading() as tx:
        found = Audit(charges=len(charges), paid_charges=sum(one.paid_minor > 0 for one in charges))
        await _orders_lost(tx, found, promised)
        compare(found, charges, await store.kept(tx))
        differing = await ledger.verify(tx)
        found.ledger_differences = len(differing)
        found.findings += [f"the ledger differs: {one}" for one in differing[:SHOWN]]
        found.unapplied_minor = await store.unapplied_minor(tx)
    results = await checks.run_all(db)
    broken = [result for result in results if not result.holds]
    found.invariants, found.invariants_broken = len(results), len(broken)
    found.findings += [f"broken: {one.sentence}: {one.offenders[:2]}" for one in broken]
    return found


async def _orders_lost(tx: ReadTx, found: Audit, promised: list[str]) -> None:
    there = await store.numbers(tx)
    lost = [number for number in promised if number.replace("-", "") not in there]
    found.orders_lost = len(lost)
    found.findings += [f"order {number} was promised and is not there" for number in lost[:SHOWN]]


def compare(found: Audit, charges: list[Charge], ours: list[Kept]) -> None:
    """Charge by charge: what the provider holds, against what we may keep."""
    known = {one.merchant_ref: one for one in ours}
    by_number: dict[str, list[Charge]] = defaultdict(list)
    by_order: dict[str, list[Charge]] = defaultdict(list)
    for charge in charges:
        by_number[charge.merchant_ref].append(charge)
        found.taken_minor += charge.paid_minor
        found.returned_minor += charge.returned_minor
    for merchant_ref, several in by_number.items():
        attempt, provider = known.get(merchant_ref), several[0].provider
        if attempt is None:
            found.unknown_charges += len(several)
            _note(found, f"{provider} knows {merchant_ref}, which is not ours")
            continue
        by_order[attempt.number] += several
        where = f"{provider} {merchant_ref} (order {attempt.number}, {attempt.order_state})"
        if len(several) > 1:
            found.unknown_charges += len(several) - 1
            _note(found, f"{where}: {len(several)} charges under one number")
        holds, returned = sum(one.holds for one in several), sum(one.returned_minor for one in several)
        if holds > attempt.may_keep:
            found.charged_without += 1
            _note(found, f"{where}: the provider holds {holds}, we may keep {attempt.may_keep}")
        if holds < attempt.may_keep:
            found.given_too_much += 1
            _note(found, f"{where}: the provider holds {holds}, {attempt.may_keep} should be there")
        if returned != attempt.gave_back:
            found.refunds_differ += 1
            _note(found, f"{where}: {returned} went back, we say {attempt.gave_back}")
    for attempt in ours:
        if attempt.may_keep and attempt.merchant_ref not in by_number:
            found.given_too_much += 1
            _note(found, f"{attempt.merchant_ref}: we count on {attempt.may_keep}, no provider knows the charge")
    price = {one.number: one.amount_minor for one in ours}
    for number, several in by_order.items():
        if sum(one.receipts for one in several) > 1:
            found.double_paid += 1
        if sum(one.holds for one in several) > price[number]:
            found.charged_twice += 1
            _note(found, f"order {number} keeps more than its price of {price[number]}")


def _note(found: Audit, words: str) -> None:
    """A few are enough to find the rest."""
    if len(found.findings) < 8 * SHOWN:
        found.findings.append(words)
