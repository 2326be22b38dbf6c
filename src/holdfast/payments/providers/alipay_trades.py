"""Trades and refunds of Alipay as observations. What is not documented or lacks its facts is `unknown`."""

from __future__ import annotations

import msgspec

from .alipay_protocol import RefundFound, Trade, TradeNotice, minor, moment
from .base import Observation, PaymentState, RefundObservation, RefundState, Source


class _Facts(msgspec.Struct, frozen=True):
    """What a query and a callback tell alike."""

    trade: Trade | TradeNotice
    paid_at: str
    paid: bool
    """Some field says that money came, whatever the status."""


def payment(found: Trade, digest: str | None) -> Observation:
    """A trade as a query shows it."""
    paid = bool(found.send_pay_date or _positive(found.receipt_amount) or found.fund_bill_list)
    return _observed(Source.QUERY, _Facts(found, found.send_pay_date, paid), digest)


def notified_payment(found: TradeNotice, digest: str | None) -> Observation:
    """A trade as a callback shows it that is not about a refund."""
    return _observed(Source.CALLBACK, _Facts(found, found.gmt_payment, bool(found.gmt_payment)), digest)


def _observed(source: Source, facts: _Facts, digest: str | None) -> Observation:
    found = facts.trade
    paid = facts.paid or _positive(found.buyer_pay_amount)
    amount, code = minor(found.total_amount, found.trans_currency), None
    state = _state(found.trade_status, paid=paid)
    if state is PaymentState.UNKNOWN:
        code = f"trade-state:{found.trade_status[:32]}"
    elif amount is None or not found.trade_no:
        state, code = PaymentState.UNKNOWN, "incomplete"
    return Observation(
        source=source,
        state=state,
        merchant_ref=found.out_trade_no,
        provider_txn=found.trade_no or None,
        amount_minor=amount,
        payer_minor=minor(found.buyer_pay_amount, found.trans_currency) if paid else None,
        currency=found.trans_currency,
        occurred_at=moment(facts.paid_at),
        error_code=code,
        raw_digest=digest,
        refunded=state is PaymentState.SUCCEEDED and found.trade_status == "TRADE_CLOSED",
    )


def _state(status: str, *, paid: bool) -> PaymentState:
    """TRADE_CLOSED is said of what nobody paid in time and of what was paid and given back in full; FINISHED is paid
    too, but can be refunded no more."""
    if status in ("TRADE_SUCCESS", "TRADE_FINISHED") or (status == "TRADE_CLOSED" and paid):
        return PaymentState.SUCCEEDED
    return {"WAIT_BUYER_PAY": PaymentState.AWAITING_USER, "TRADE_CLOSED": PaymentState.CLOSED}.get(
        status, PaymentState.UNKNOWN
    )


def _positive(text: str) -> bool:
    """Whether it is an amount above nothing."""
    return bool(minor(text))


def refund(found: RefundFound, refund_ref: str, digest: str | None) -> RefundObservation:
    """A refund as its query shows it: REFUND_SUCCESS is the one documented status, none means not (yet) refunded."""
    if not found.refund_status:
        state, code = RefundState.NOT_FOUND, None
    elif found.refund_status == "REFUND_SUCCESS":
        state, code = RefundState.SUCCEEDED, None
    else:
        state, code = RefundState.UNKNOWN, f"refund-status:{found.refund_status[:32]}"
    amount = minor(found.refund_amount)
    return RefundObservation(
        source=Source.QUERY,
        state=state,
        refund_ref=refund_ref,
        merchant_ref=found.out_trade_no or None,
        amount_minor=amount,
        currency=None if amount is None else "CNY",
        occurred_at=moment(found.gmt_refund_pay),
        error_code=code,
        raw_digest=digest,
    )


def notified_refund(found: TradeNotice, digest: str | None) -> RefundObservation:
    """A refund as its callback shows it. The amount there is of all refunds together, hence not told here."""
    return RefundObservation(
        source=Source.CALLBACK,
        state=RefundState.SUCCEEDED if found.out_biz_no else RefundState.UNKNOWN,
        refund_ref=found.out_biz_no,
        merchant_ref=found.out_trade_no,
        occurred_at=moment(found.gmt_refund),
        error_code=None if found.out_biz_no else "incomplete",
        raw_digest=digest,
    )
