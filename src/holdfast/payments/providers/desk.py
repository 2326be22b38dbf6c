"""The desk: the channel that needs nobody. Money is taken by hand and recorded by staff; nothing leaves this program.

It answers like any provider, from what a desk is: a charge waits for its payer until staff say that it was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from holdfast.kit import clock

from .base import (
    Acknowledgement,
    Bill,
    CallRecord,
    Charge,
    ErrorRule,
    Forged,
    Notification,
    Observation,
    OutcomeClass,
    PaymentState,
    Refund,
    RefundObservation,
    RefundState,
    Source,
)


def _record(operation: str) -> CallRecord:
    return CallRecord(
        operation=operation, started_at=clock.now(), elapsed_ms=0, http_status=None, outcome_class=OutcomeClass.OK
    )


class Desk:
    """The desk as a provider."""

    name = "desk"
    version = "1"
    methods = ("desk",)
    acknowledgement = Acknowledgement(404)
    exists_when_placed = True
    found_by_resending = False
    errors: Mapping[str, ErrorRule] = {}

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """The payer may come."""
        seen = Observation(source=Source.RESPONSE, state=PaymentState.AWAITING_USER, merchant_ref=charge.merchant_ref)
        return seen, _record("create")

    async def query(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Nothing new: staff tell us, we do not ask them."""
        seen = Observation(source=Source.QUERY, state=PaymentState.AWAITING_USER, merchant_ref=merchant_ref)
        return seen, _record("query")

    async def query_txn(self, provider_txn: str) -> tuple[Observation, CallRecord]:
        """A drawer knows no numbers of its own."""
        seen = Observation(source=Source.QUERY, state=PaymentState.NOT_FOUND, merchant_ref="")
        return seen, _record("query")

    async def close(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """From now on the desk takes no money for it: staff see that it is over."""
        seen = Observation(source=Source.CLOSE, state=PaymentState.CLOSED, merchant_ref=merchant_ref)
        return seen, _record("close")

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Waits until staff have handed it over."""
        seen = RefundObservation(source=Source.REFUND, state=RefundState.PROCESSING, refund_ref=refund.refund_ref)
        return seen, _record("refund")

    async def query_refund(
        self, refund_ref: str, merchant_ref: str = "", provider_refund: str | None = None
    ) -> tuple[RefundObservation, CallRecord]:
        """Nothing new."""
        seen = RefundObservation(source=Source.QUERY, state=RefundState.PROCESSING, refund_ref=refund_ref)
        return seen, _record("query_refund")

    async def bill(self, day: date) -> tuple[Bill | None, CallRecord]:
        """There is none: the drawer is counted by people."""
        return None, _record("bill")

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """Nobody calls back from a desk."""
        raise Forged("no-callbacks")
