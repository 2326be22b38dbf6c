"""Stripe's bill: the balance transactions of a UTC day, each of which must explain itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from holdfast.kit import clock, http
from holdfast.payments.providers import stripe_bills as bills
from holdfast.payments.providers.base import OutcomeClass, RefundState
from holdfast.payments.providers.stripe import StripeCards, load_config

from .conftest import QUICK
from .merchant import charge, number
from .test_stripe import paid, refund_of

pytestmark = pytest.mark.anyio
DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
async def cards(sim):
    async with http.client() as client:
        yield StripeCards(load_config(sim.config("stripe")), client, {**QUICK, "bill": 5})


def next_day(sim) -> date:
    """Let the present UTC day end; it."""
    today = clock.now().date()
    sim.advance(86_400 - clock.now().timestamp() % 86_400 + 1)
    return today


async def test_a_day_has_its_payments_with_fees_and_its_refunds(cards, sim):
    ref, provider_ref = await paid(cards, sim)
    other, _ = await paid(cards, sim)
    await cards.create(charge(number()))
    given, _ = await cards.refund(refund_of(ref, provider_ref=provider_ref))
    early, call = await cards.bill(clock.now().date())
    assert (early, call.outcome_class, call.error_code) == (None, OutcomeClass.OK, "day-not-over")
    sim.http.post(f"/_sim/refunds/R{ref}", json={"status": "SUCCESS"})

    day = next_day(sim)
    bill, call = await cards.bill(day)
    assert (bill.provider, bill.day, call.outcome_class, len(bill.digest)) == ("stripe", day, OutcomeClass.OK, 64)
    payments = {row.merchant_ref: row for row in bill.rows if not row.is_refund}
    assert set(payments) == {ref, other}
    row = payments[ref]
    assert (row.amount_minor, row.currency, row.fee_minor, row.status) == (12_800, "CNY", 401, None)
    assert row.provider_txn == sim.order(ref)["transaction_id"]
    [refund] = [row for row in bill.rows if row.is_refund]
    assert (refund.merchant_ref, refund.refund_ref, refund.provider_refund) == (ref, f"R{ref}", given.provider_refund)
    assert (refund.amount_minor, refund.fee_minor, refund.status) == (2_800, 0, RefundState.SUCCEEDED)
    assert refund.provider_txn == row.provider_txn

    nothing, call = await cards.bill(day - timedelta(days=1))
    assert (nothing, call.outcome_class, call.error_code) == (None, OutcomeClass.OK, None)


async def test_a_long_day_is_read_page_by_page(cards, sim):
    made = {(await paid(cards, sim))[0] for _ in range(103)}
    bill, _ = await cards.bill(next_day(sim))
    assert {row.merchant_ref for row in bill.rows} == made
    assert len([entry for entry in _billed(sim) if entry["status"] == 200]) == 2


def _billed(sim) -> list[dict[str, object]]:
    return [entry for entry in sim.http.get("/_sim/journal").json()["entries"] if entry["kind"] == "bill"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("html_502", "http-502"),
        ("system_error", "api_error"),
        ("rate_limit", "rate_limit"),
        ("truncated_json", "unreadable"),
        ("bill_wrong_total", "bill-inconsistent"),
    ],
)
async def test_a_bill_that_cannot_be_had_or_believed_is_refused(cards, sim, fault, code):
    await paid(cards, sim)
    day = next_day(sim)
    sim.script({"fault": fault, "match": "bill"})
    bill, call = await cards.bill(day)
    assert (bill, call.error_code) == (None, code)
    assert call.outcome_class in (OutcomeClass.TECHNICAL, OutcomeClass.RATE_LIMIT)


@pytest.mark.parametrize(
    ("fault", "amounts"),
    [
        ("bill_missing_row", [12_800]),
        ("bill_wrong_amount", [12_800, 12_801]),
        ("bill_double_row", [12_800, 12_800, 12_800]),
        ("bill_extra_row", [12_800, 12_800, 12_800]),
        ("no_statement", None),
    ],
)
async def test_a_bill_that_differs_from_the_truth_is_handed_on_as_it_is(cards, sim, fault, amounts):
    for _ in range(2):
        await paid(cards, sim)
    day = next_day(sim)
    sim.script({"fault": fault, "match": "bill"})
    bill, call = await cards.bill(day)
    assert call.outcome_class is OutcomeClass.OK
    assert (None if bill is None else sorted(row.amount_minor for row in bill.rows)) == amounts
    if fault == "bill_double_row":
        assert len({row.provider_txn for row in bill.rows}) == 2


async def test_a_refund_that_came_back_is_one_row_with_its_state(cards, sim):
    ref, provider_ref = await paid(cards, sim)
    sim.script({"fault": "refund_processing", "match": "refund"})
    await cards.refund(refund_of(ref, provider_ref=provider_ref))
    sim.http.post(f"/_sim/refunds/R{ref}", json={"status": "ABNORMAL"})
    bill, _ = await cards.bill(next_day(sim))
    [refund] = [row for row in bill.rows if row.is_refund]
    assert (refund.status, refund.amount_minor) == (RefundState.ABNORMAL, 2_800)


def booked(kind: str = "charge", **changes: object) -> bills.BalanceTransaction:
    source = {
        "id": "ch_1",
        "status": "succeeded",
        "amount": 1_000,
        "amount_captured": 1_000,
        "currency": "cny",
        "created": 1,
        "metadata": {"merchant_ref": "T1"},
    }
    fields = {
        "id": "txn_1",
        "type": kind,
        "amount": 1_000,
        "fee": 59,
        "net": 941,
        "currency": "cny",
        "created": int(NOON.timestamp()),
        "source": source,
        "fee_details": [{"amount": 59}],
    } | changes
    return msgspec.json.decode(msgspec.json.encode(fields), type=bills.BalanceTransaction)


REFUND = {"id": "re_1", "amount": 400, "currency": "cny", "created": 1, "status": "succeeded", "charge": "ch_1"}
GIVEN = {"amount": -400, "fee": 0, "net": -400, "fee_details": [], "source": REFUND}


def test_rows_that_contradict_themselves_spoil_the_bill() -> None:
    bills.compiled("stripe", DAY, [b""], [booked()])
    for wrong in (
        [booked(), booked()],
        [booked(net=942)],
        [booked(fee_details=[{"amount": 58}])],
        [booked(created=int(NOON.timestamp()) + 43_200)],
        [booked(created=int(NOON.timestamp()) - 43_201)],
        [booked(amount=1_001, net=942)],
        [booked(amount=-1_000, net=-1_059)],
        [booked(source="ch_1")],
        [booked(source=None)],
        [booked("refund", **{**GIVEN, "amount": -401, "net": -401})],
        [booked("refund", **{**GIVEN, "amount": 400, "net": 400})],
        [booked("refund", **{**GIVEN, "source": "re_1"})],
    ):
        with pytest.raises(bills.Inconsistent):
            bills.compiled("stripe", DAY, [b""], wrong)


def test_the_edges_of_the_day_belong_to_it_and_other_movements_are_no_rows() -> None:
    start, end = bills.bounds(DAY)
    assert (start, end) == (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    found = [
        booked(id="txn_1", created=int(start.timestamp())),
        booked(id="txn_2", created=int(end.timestamp()) - 1),
        booked("payout", id="txn_3", amount=-900, fee=0, net=-900, fee_details=[], source="po_1"),
        booked("adjustment", id="txn_4", amount=-1_000, fee=1_500, net=-2_500, fee_details=[], source=None),
        booked("refund", id="txn_5", **GIVEN),
    ]
    bill = bills.compiled("stripe", DAY, [b"{}"], found)
    assert [(row.is_refund, row.amount_minor) for row in bill.rows] == [(False, 1_000), (False, 1_000), (True, 400)]
    assert (bill.rows[2].merchant_ref, bill.rows[2].refund_ref) == ("", "")


def test_amounts_are_those_of_the_charge_when_the_balance_is_in_another_currency() -> None:
    exchanged = booked(currency="usd", amount=140, fee=8, net=132, fee_details=[{"amount": 8}])
    [row] = bills.compiled("stripe", DAY, [b""], [exchanged]).rows
    assert (row.amount_minor, row.currency, row.fee_minor) == (1_000, "CNY", 0)
