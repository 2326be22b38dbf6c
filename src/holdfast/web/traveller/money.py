"""What became of an order's money, in sentences: paid with what, on its way back to where and why, still to be paid."""

from __future__ import annotations

from starlette.requests import Request

from holdfast import orders, payments
from holdfast.payments import search
from holdfast.web import formats, words
from holdfast.web.render import language, speaker


def service(request: Request, provider: str | None) -> str:
    """A provider inside a sentence, as who answers or is asked."""
    return speaker(request)(words.SERVICES.get(provider or "", "the payment provider"))


def said(text: str) -> str:
    """A sentence that may begin with a name in small letters."""
    return text[:1].upper() + text[1:]


def sentences(
    request: Request, order: orders.Order, payment: payments.PaymentView | None, detail: search.Detail | None
) -> list[str]:
    """The whole story of the money. `detail` tells which provider a refund goes through, and why it was begun."""
    _ = speaker(request)
    if order.row.amount_minor == 0:
        return [_("Nothing is to pay.")]
    says = []
    if payment and payment.paid_at:
        at = formats.moment(language(request), payment.paid_at, order.lines[0].time_zone)
        sentence = words.PAID_WITH.get(payment.provider or "", "Paid, {time}.")
        says.append(_(sentence, time=at))
    elif payment and payment.in_doubt:
        name = service(request, payment.provider)
        says.append(_("We are asking {provider} whether money came. Please do not pay again.", provider=name))
    elif payment and payment.state is payments.IntentState.DEFERRED:
        says.append(_("Not paid yet. Nothing was charged."))
    elif not payment or not payment.refunds:
        says.append(_("Nothing was charged."))
    return says + returns(request, detail) + doubts(request, payment)


def returns(request: Request, detail: search.Detail | None, *, why: bool = True) -> list[str]:
    """Each refund with where it goes; before the first of each kind, unless it is said already, why it goes back by itself."""
    _, locale = speaker(request), language(request)
    says: list[str] = []
    of = {attempt.id: attempt for attempt in detail.attempts} if detail else {}
    for refund in detail.refunds if detail else []:
        attempt = of[refund.attempt_id]
        reason = _why(refund, attempt) if why else ""
        if reason and _(words.RETURNS[reason]) not in says:
            says.append(_(words.RETURNS[reason]))
        says.append(
            _(
                words.REFUNDS.get(refund.state, words.REFUNDS["requested"]),
                amount=formats.money(locale, refund.amount_minor, refund.currency),
                where=_(words.BACK_TO.get(attempt.provider, "to where it came from")),
            )
        )
    return says


def _why(refund: search.RefundRow, attempt: search.Attempt) -> str:
    """A word of `words.RETURNS` for money that nobody asked for; empty for what an order earned and gives back."""
    if refund.source == "order":
        return ""
    if refund.receipt_id is not None:
        return "duplicate"
    return "excess" if attempt.role == "winner" else str(attempt.role or "")


def doubts(request: Request, payment: payments.PaymentView | None) -> list[str]:
    """What may still arrive by a payment that was given up for another."""
    if payment is None or not payment.abandoned:
        return []
    _ = speaker(request)
    names = _(", ").join(service(request, provider) for provider in payment.abandoned)
    return [
        _(
            "Money may still arrive through {provider}, where you began first. If both arrive, one goes back by itself.",
            provider=names,
        )
    ]
