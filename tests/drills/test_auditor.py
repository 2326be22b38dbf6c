"""The auditor: whatever goes wrong with one charge is counted and named, and what is right is not."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.drills import auditor
from holdfast.drills.auditor import Audit
from holdfast.drills.store import Kept
from holdfast.kit import ids

COUNTS = ("charged_without", "charged_twice", "given_too_much", "refunds_differ", "unknown_charges")


def ours(ref: str = "HF1", *, number: str = "A", keep: int = 6000, back: int = 0, state: str = "confirmed") -> Kept:
    return Kept(ref, ids.uuid7(), number, state, 6000, keep, back)


def theirs(ref: str = "HF1", *, paid: int | None = 6000, back: int = 0, receipts: int = 1) -> dict[str, Any]:
    return {
        "provider": "alipay",
        "out_trade_no": ref,
        "paid_amount": paid,
        "paid_at": "2026-11-27T12:00:00+08:00" if paid else None,
        "receipts": [{}] * (receipts if paid else 0),
        "refunds": [
            {"amount": back, "status": "SUCCESS"},
            {"amount": 99, "status": "PROCESSING"},
        ]
        if back
        else [],
    }


def found(orders: list[dict[str, Any]], kept: list[Kept]) -> Audit:
    audit = Audit()
    auditor.compare(audit, auditor.charges_of({"orders": orders}), kept)
    return audit


def wrong(audit: Audit) -> dict[str, int]:
    return {name: getattr(audit, name) for name in COUNTS if getattr(audit, name)}


def test_a_charge_that_bought_its_order_is_right():
    audit = found([theirs()], [ours()])
    assert wrong(audit) == {}
    assert (audit.taken_minor, audit.returned_minor, audit.double_paid) == (6000, 0, 0)


def test_a_charge_that_went_back_is_right():
    assert wrong(found([theirs(back=6000)], [ours(keep=0, back=6000, state="expired")])) == {}


def test_a_charge_that_nobody_paid_is_right():
    assert wrong(found([theirs(paid=None)], [ours(keep=0, state="expired")])) == {}


def test_probes_of_channels_are_no_charges():
    assert wrong(found([theirs("HP77")], [])) == {}


@pytest.mark.parametrize("state", ["expired", "cancelled", "awaiting_payment"])
def test_money_without_an_order_is_named(state):
    audit = found([theirs()], [ours(keep=0, state=state)])
    assert wrong(audit) == {"charged_without": 1}
    assert f"order A, {state}" in audit.findings[0]


def test_an_order_that_keeps_two_payments_is_named():
    audit = found([theirs(), theirs("HF2")], [ours(), ours("HF2", keep=0)])
    assert wrong(audit) == {"charged_without": 1, "charged_twice": 1}
    assert audit.double_paid == 1


def test_an_order_that_was_paid_twice_and_refunded_once_is_right():
    audit = found([theirs(), theirs("HF2", back=6000)], [ours(), ours("HF2", keep=0, back=6000)])
    assert wrong(audit) == {}
    assert audit.double_paid == 1


def test_a_second_receipt_that_is_kept_is_named():
    audit = found([theirs(paid=12_000, receipts=2)], [ours()])
    assert wrong(audit) == {"charged_without": 1, "charged_twice": 1}
    assert audit.double_paid == 1


def test_a_refund_that_only_we_believe_in_is_named():
    audit = found([theirs()], [ours(keep=0, back=6000, state="cancelled")])
    assert wrong(audit) == {"charged_without": 1, "refunds_differ": 1}


def test_a_refund_of_earned_money_is_named():
    audit = found([theirs(back=6000)], [ours()])
    assert wrong(audit) == {"given_too_much": 1, "refunds_differ": 1}


def test_money_that_no_provider_has_is_named():
    assert wrong(found([], [ours()])) == {"given_too_much": 1}


def test_a_charge_under_a_foreign_number_is_named():
    assert wrong(found([theirs("XX1")], [])) == {"unknown_charges": 1}


def test_a_second_charge_under_one_number_is_named_even_when_nobody_paid_it():
    audit = found([theirs(), theirs(paid=None)], [ours()])
    assert wrong(audit) == {"unknown_charges": 1}
    assert "2 charges under one number" in audit.findings[0]


def test_two_payments_under_one_number_are_money_too_many():
    audit = found([theirs(), theirs()], [ours()])
    assert wrong(audit) == {"charged_without": 1, "charged_twice": 1, "unknown_charges": 1}
    assert audit.double_paid == 1
