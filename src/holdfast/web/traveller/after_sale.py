"""What an order's page offers after the sale, and the words for rules, sums and reasons that its pages share."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from holdfast import accounts, orders
from holdfast.kit import clock, i18n
from holdfast.kit.db import ReadTx
from holdfast.web import card_words, formats, sessions
from holdfast.web.render import language, speaker

from .stages import is_promised

REASONS = {
    "not-allowed": "The attraction does not allow changes of this ticket.",
    "too-late": "It is too late to change this visit.",
    "unpaid": "This visit is not paid yet. Pay it first; then it can be changed.",
    "other-product": "That is another ticket than the one you have.",
    "same-slot": "That is the time you have already.",
    "several-slots": "This order has visits at several times. Choose the one to change on the order's page.",
    "paid": "The payment has arrived meanwhile. Look at the order: it shows what has happened.",
    "used": "Somebody has been let in with it already. What was used stays as it is; choose those who have not been there.",
    "is-card": "A card has no date. Its visits are booked and changed one by one.",
    "card": "The card that pays this visit cannot be used then.",
    "card-visits": "A visit that is booked with the card is still to come. Cancel it first; then the card can be given back.",
    "card-nothing-left": "By the rule that holds, nothing of the card is left to come back.",
    "started": "This visit has begun, so it cannot be cancelled any more.",
}
"""Why something is refused → sentence."""


class ShownChange(msgspec.Struct, frozen=True):
    """A change of the past in words."""

    says: str
    waits: bool


class Panel(msgspec.Struct, frozen=True):
    """The part of the order's page about changing and ending. An empty address: not offered."""

    rules: list[str]
    cancel_says: str
    can_cancel: bool
    change_urls: list[tuple[str, str]]
    """Where each visit of the order is changed, with its time where there are several."""
    change_says: str
    waiting: orders.Change | None
    waiting_says: str
    can_invoice: bool


async def owned(request: Request) -> sessions.Seen:
    """The order in the path, for its owner alone: a link may have been passed on, and neither ends nor changes it."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    order = await sessions.database(request).read(orders.require, known.account_id, request.path_params["number"])
    return sessions.Seen(order, sessions.as_traveller(known.account_id), "")


async def panel(tx: ReadTx, request: Request, order: orders.Order) -> Panel | None:
    """What is offered; None where nothing can be done about the order, or it is seen through a passed-on link."""
    unpaid = order.state in (orders.State.HELD, orders.State.AWAITING_PAYMENT)
    if not unpaid and order.state not in (orders.State.CONFIRMED, orders.State.CANCELLED, orders.State.USED):
        return None
    invoiced = bool(await orders.invoices.of_order(tx, order))
    can_invoice = invoiced or await orders.invoices.open_minor(tx, order) > 0
    if not unpaid and order.state is not orders.State.CONFIRMED:
        return Panel([], "", False, [], "", None, "", can_invoice) if can_invoice else None
    found = await orders.quote(tx, order)
    begun = has_begun(found, order)
    promised = is_promised(await orders.payment_of(tx, order), order)
    waiting = next(
        (one for one in await orders.changes.of_order(tx, order) if one.expires_at and not one.ended_at), None
    )
    urls, says = ([], "") if unpaid or waiting or order.is_card else await _changes(tx, request, order)
    return Panel(
        rules=[] if promised else [*_card_now(request, found), *rules(request, order, found)],
        cancel_says=_cancel_says(request, unpaid=unpaid, promised=promised, begun=begun),
        can_cancel=not begun,
        change_urls=urls,
        change_says="" if promised and begun else says,
        waiting=waiting,
        waiting_says=_waiting(request, order, waiting) if waiting else "",
        can_invoice=can_invoice,
    )


def _cancel_says(request: Request, *, unpaid: bool, promised: bool, begun: bool) -> str:
    """How an order ends for which no money came; of a paid one its rules say it."""
    _ = speaker(request)
    if unpaid:
        return _("You can cancel here; nothing is charged. For another day or slot, cancel and book again.")
    if promised and begun:
        return _(REASONS["started"])
    return _("You can cancel here. Nothing is charged, and nothing is to pay any more.") if promised else ""


def _card_now(request: Request, found: orders.Quote) -> list[str]:
    """What giving the cards back would bring now."""
    if not found.cards:
        return []
    amount = formats.money(language(request), found.refund_minor, found.currency) if found.refund_minor else ""
    _ = speaker(request)
    return [_("Given back now, {amount} comes back.", amount=amount) if amount else _("Nothing comes back any more.")]


async def _changes(tx: ReadTx, request: Request, order: orders.Order) -> tuple[list[tuple[str, str]], str]:
    """Where the visits of an order can be changed, or why none of them can be."""
    slots = {line.slot_id: line for line in order.lines}
    found, says = [], ""
    for slot_id, line in slots.items():
        allowed = await orders.changes.allowed(tx, order, slot_id)
        if isinstance(allowed, orders.NotChangeable):
            says = say_reason(request, allowed)
            continue
        several = len(slots) > 1
        when = f"{formats.day(language(request), line.visit_date)} {formats.time('', line.starts_at, line.time_zone)}"
        found.append((change_url(order.number, str(slot_id) if several else ""), when if several else ""))
    return found, says


def change_url(number: str, from_slot: str = "") -> str:
    return f"/orders/{number}/change" + (f"/from/{from_slot}" if from_slot else "")


def card_whys(request: Request, found: orders.Quote) -> list[str]:
    """Why cards give back what they do, each once; empty for an order without cards."""
    return list(dict.fromkeys(says for card in found.cards for says in card_words.back(request, card)))


def blocked(request: Request, found: orders.Quote) -> str:
    """Why a card cannot be given back now; empty when it can."""
    _ = speaker(request)
    if any(card.open_visits for card in found.cards):
        return _(REASONS["card-visits"])
    if found.cards and not found.refund_minor and any(card.paid_minor for card in found.cards):
        return _(REASONS["card-nothing-left"])
    return ""


def has_begun(found: orders.Quote, order: orders.Order) -> bool:
    """Whether a part of it has begun and by its rule gives nothing back."""
    starts = {line.seq: line.starts_at for line in order.lines}
    now = clock.now()
    return any(share.why is orders.Why.OVER and starts[share.line_seq] <= now for share in found.shares)


def _waiting(request: Request, order: orders.Order, change: orders.Change) -> str:
    _ = speaker(request)
    assert change.expires_at is not None
    return _(
        "Your new places are held until {time}. Until the difference of {amount} is paid, your visit stays as it is.",
        time=formats.moment(language(request), change.expires_at, order.lines[0].time_zone),
        amount=formats.money(language(request), change.due_minor, change.currency),
    )


def rules(request: Request, order: orders.Order, found: orders.Quote) -> list[str]:
    """The rules that decide, each once: in the attraction's words, and in moments. Of cards only the seller's words."""
    if order.is_card:
        own = {i18n.pick(share.terms.says, language(request)) for share in found.shares if share.terms.says}
        return [speaker(request)("The seller's own terms: {rule}", rule=says) for says in sorted(own)]
    if order.with_card:
        return [speaker(request)("Cancelled before it begins, a visit comes back to your card.")]
    zones = {line.seq: line.time_zone for line in order.lines}
    said = [say_terms(request, share.terms, zones[share.line_seq]) for share in found.shares]
    return list(dict.fromkeys(sentence for sentences in said for sentence in sentences))


def say_terms(request: Request, terms: orders.Terms, zone: str) -> list[str]:
    """A rule in words: as published, then what it means for this visit."""
    _ = speaker(request)
    locale = language(request)
    says = []
    if terms.says:
        says.append(_("The attraction's own rule: {rule}", rule=i18n.pick(terms.says, locale)))
    free, part = (formats.moment(locale, at, zone) for at in (terms.free_until, terms.part_until))
    if terms.part_until > terms.free_until:
        says.append(
            _(
                "Until {free} the whole price goes back. From then until {part} we keep {percent}% of it; after that nothing goes back.",
                free=free, part=part, percent=terms.kept_percent,
            )
        )  # fmt: skip
    else:
        says.append(_("Until {free} the whole price goes back; after that nothing does.", free=free))
    return says


def say_reason(request: Request, problem: orders.NotChangeable | orders.NotCancellable) -> str:
    """Why it was refused, where there is more to say than the problem's own title."""
    sentence = REASONS.get(str(problem.fields.get("reason", "")))
    return speaker(request)(sentence) if sentence else ""
