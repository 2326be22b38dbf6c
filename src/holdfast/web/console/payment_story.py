"""One payment's story as one time line: everything that is kept of it, in words, in the order in which we learnt it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from starlette.requests import Request

from holdfast import accounts, ledger, orders
from holdfast.payments import dictionary
from holdfast.payments.story import Call, Sight, Story
from holdfast.web import formats
from holdfast.web.render import language, speaker
from holdfast.web.traveller.money import said

from . import wording

OPERATION_OF = {"response": "create", "query": "query", "close": "close"}
"""Source of an observation → the call that brought it."""


class Leg(NamedTuple):
    """One entry of a journal in words."""

    side: str
    account: str
    owner: str
    amount: str


class Moment(NamedTuple):
    """One thing that happened. `times` and `until`: it happened so often, until then, each time the same."""

    at: datetime
    title: str
    tone: str = ""
    says: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    """Codes and numbers, as they are."""
    legs: tuple[Leg, ...] = ()
    same: tuple[object, ...] = ()
    """What must be equal for two moments in a row to be told as one; empty: never."""
    times: int = 1
    until: datetime | None = None

    @property
    def clock(self) -> str:
        """``20:31:07`` at home."""
        return _clock(self.at)

    @property
    def until_clock(self) -> str:
        return _clock(self.until or self.at)


def _clock(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(formats.HOME_ZONE)).strftime("%H:%M:%S")


class Day(NamedTuple):
    """The moments of one day at home."""

    day: date
    moments: list[Moment]


def told(
    request: Request, story: Story, order: orders.Order | None, acts: Sequence[accounts.TrailEntry], names: dict[str, str]
) -> list[Day]:  # fmt: skip
    """The whole story by days. `names`: actors by what the records call them."""
    teller = _Teller(request, story, names)
    moments = [
        *teller.begun(),
        *teller.talks(),
        *teller.callbacks(),
        *teller.returns(),
        *teller.journals(),
        *teller.acts(acts),
    ]
    if order is not None:
        moments += teller.order(order)
    moments.sort(key=lambda moment: moment.at)
    return _by_day(_joined(moments))


def _joined(moments: list[Moment]) -> list[Moment]:
    """Equal moments in a row become one."""
    found: list[Moment] = []
    for moment in moments:
        if found and moment.same and found[-1].same == moment.same:
            found[-1] = found[-1]._replace(times=found[-1].times + 1, until=moment.at, says=moment.says)
        else:
            found.append(moment)
    return found


def _by_day(moments: list[Moment]) -> list[Day]:
    days: list[Day] = []
    for moment in moments:
        day = moment.at.astimezone(ZoneInfo(formats.HOME_ZONE)).date()
        if not days or days[-1].day != day:
            days.append(Day(day, []))
        days[-1].moments.append(moment)
    return days


def pairs(calls: Sequence[Call], sights: Sequence[Sight]) -> list[tuple[Call | None, Sight | None]]:
    """Each observation with the call that brought it: the last one of its kind before it. What is left stands alone."""
    left = list(calls)
    found: list[tuple[Call | None, Sight | None]] = []
    for sight in sights:
        operation = OPERATION_OF.get(sight.source)
        mine = [
            call for call in left
            if (call.attempt_id, call.operation) == (sight.attempt_id, operation) and call.started_at <= sight.seen_at
        ]  # fmt: skip
        call = max(mine, key=lambda one: one.started_at, default=None)
        if call is not None:
            left.remove(call)
        found.append((call, sight))
    return found + [(call, None) for call in left]


class _Teller:
    """Puts the facts of one story into words."""

    def __init__(self, request: Request, story: Story, names: dict[str, str]) -> None:
        self._, self.locale, self.story, self.names = speaker(request), language(request), story, names
        self.attempts = {one.id: one for one in story.attempts}

    def begun(self) -> Iterator[Moment]:
        """The intent and its attempts."""
        _, intent = self._, self.story.intent
        until = formats.moment(self.locale, intent.expires_at)
        amount = self.sum(intent.amount_minor, intent.currency)
        yield Moment(intent.created_at, _("{amount} wanted, to be paid until {time}", amount=amount, time=until))
        for attempt in self.story.attempts:
            way = self.way(attempt.provider, attempt.method)
            plan = self.story.plans.get(attempt.id)
            why = tuple(self.why(plan.route)) if plan else ()
            yield Moment(
                attempt.created_at, _("Attempt begun: {way}", way=way), says=why,
                marks=(attempt.merchant_ref, attempt.adapter_version),
            )  # fmt: skip
            if attempt.abandoned_at:
                yield Moment(
                    attempt.abandoned_at, _("Another way was begun while this one could still be paid"), "warn",
                    (_("If both are paid, one goes back by itself."),), (attempt.merchant_ref,),
                )  # fmt: skip

    def why(self, route: dict[str, Any]) -> Iterator[str]:
        """Why an attempt went this way."""
        _ = self._
        if route.get("by"):
            yield _("Recorded by {name}.", name=self.actor(route["by"]))
        elif route.get("least_bad"):
            yield _("No way to pay answered; this one failed least.")
        elif state := route.get("state"):
            tone_words = wording.CHANNELS.get(state, ("", state))
            yield _("The channel was: {state}.", state=_(tone_words[1]))
        if offered := route.get("offered"):
            providers = dict.fromkeys(name.partition("/")[0] for name in offered)
            ways = _(", ").join(_(wording.PROVIDERS.get(name, name)) for name in providers)
            yield _("Offered were: {ways}.", ways=ways)

    def talks(self) -> Iterator[Moment]:
        """Every call, with what was learnt by it; and what was learnt otherwise."""
        for call, sight in pairs(self.story.calls, self.story.sights):
            if call is None:
                assert sight is not None
                yield self.sight(sight)
            else:
                yield self.call(call, sight)

    def call(self, call: Call, sight: Sight | None) -> Moment:
        _, attempt = self._, self.attempts[call.attempt_id]
        tone, outcome = wording.CLASSES.get(call.outcome_class, ("", call.outcome_class))
        title = _("{operation} at {provider}", operation=_(wording.OPERATIONS.get(call.operation, call.operation)),
                  provider=_(wording.PROVIDERS.get(attempt.provider, attempt.provider)))  # fmt: skip
        says = [
            _(
                "{outcome}, after {count} ms.",
                outcome=said(_(outcome)),
                count=formats.number(self.locale, call.elapsed_ms),
            )
        ]
        if call.error_code:
            says.append(self.meaning(attempt.provider, call.error_code))
        marks = [
            call.error_code,
            f"HTTP {call.http_status}" if call.http_status else None,
            call.adapter_version,
            call.host,
        ]
        if sight is not None:
            says += self.learnt(sight)
            if sight.after_state == "succeeded" and sight.before_state != "succeeded":
                tone = "ok"
        same = (call.attempt_id, call.operation, call.outcome_class, call.error_code, call.http_status, call.host)
        seen = (sight.state, sight.note, sight.before_state, sight.after_state) if sight else ()
        moved = sight is not None and sight.before_state != sight.after_state
        told = seen[0] if seen else ""
        title = f"{title}{_(': ')}{_(wording.SEEN.get(told, told))}" if told and call.outcome_class == "ok" else title
        return Moment(
            call.started_at, title, "" if tone == "ok" and not moved else tone, tuple(says), tuple(filter(None, marks)),
            same=() if moved else (*same, *seen),
        )  # fmt: skip

    def sight(self, sight: Sight) -> Moment:
        """Learnt without a call of ours: by callback, bill or the desk."""
        _ = self._
        source = _(wording.SOURCES.get(sight.source, sight.source))
        title = f"{source}{_(': ')}{_(wording.SEEN.get(sight.state, sight.state))}"
        marks = (sight.provider_txn, sight.error_code)
        tone = "ok" if sight.after_state == "succeeded" and sight.before_state != "succeeded" else ""
        same = (
            () if sight.before_state != sight.after_state else (sight.attempt_id, sight.source, sight.state, sight.note)
        )
        return Moment(
            sight.seen_at, title, "warn" if sight.note else tone, tuple(self.learnt(sight)), tuple(filter(None, marks)),
            same=same,
        )  # fmt: skip

    def learnt(self, sight: Sight) -> Iterator[str]:
        """What an observation made of its attempt."""
        _ = self._
        if sight.state == "succeeded" and sight.amount_minor is not None:
            yield _("It tells of {amount}.", amount=self.sum(sight.amount_minor, sight.currency or ""))
        if sight.note:
            yield _("Not applied: {note}", note=_(sight.note))
        elif sight.before_state != sight.after_state:
            before, after = (
                _(wording.ATTEMPTS.get(one, ("", one))[1]) for one in (sight.before_state, sight.after_state)
            )
            yield _("The attempt: {before} → {after}.", before=before, after=after)

    def meaning(self, provider: str, code: str) -> str:
        """The dictionary's sentence."""
        found = dictionary.meaning(provider, code)
        return self._(found.says, word=found.word) if found.word else self._(found.says)

    def callbacks(self) -> Iterator[Moment]:
        _ = self._
        for one in self.story.callbacks:
            tone, state = wording.CALLBACKS.get(one.state, ("", one.state))
            provider = _(wording.PROVIDERS.get(one.provider, one.provider))
            note = (_(wording.PARKED.get(one.note, one.note)),) if one.note else ()
            yield Moment(
                one.received_at, _("Callback from {provider} came", provider=provider), "" if tone == "ok" else tone,
                (_(state), *note), (one.kind,),
            )  # fmt: skip

    def returns(self) -> Iterator[Moment]:
        """Refunds and second receipts, at their begin and at their end."""
        _ = self._
        for refund in self.story.refunds:
            amount = self.sum(refund.amount_minor, refund.currency)
            why = _(wording.REFUND_REASONS.get(refund.reason, refund.reason))
            says = (_("Begun by {name}.", name=self.actor(refund.requested_by)), _("Reason: {reason}", reason=why))
            yield Moment(
                refund.created_at, _("Refund of {amount} promised", amount=amount), "warn", says, (refund.refund_ref,)
            )
            if refund.finished_at:
                tone, state = wording.REFUNDS.get(refund.state, ("", refund.state))
                marks = tuple(filter(None, (refund.refund_ref, refund.provider_refund, refund.error_code)))
                yield Moment(
                    refund.finished_at,
                    _("Refund of {amount}: {state}", amount=amount, state=_(state)),
                    tone,
                    marks=marks,
                )
        for receipt in self.story.receipts:
            tone, state = wording.RECEIPTS.get(receipt.state, ("", receipt.state))
            amount = self.sum(receipt.amount_minor, receipt.currency)
            yield Moment(
                receipt.seen_at, _("A second receipt of {amount} was told of: {state}", amount=amount, state=_(state)), tone,
                marks=(receipt.provider_txn,),
            )  # fmt: skip

    def journals(self) -> Iterator[Moment]:
        _ = self._
        for journal in self.story.journals:
            kind, phase = wording.JOURNALS.get(journal.kind, journal.kind), wording.PHASES[journal.phase]
            legs = tuple(self.leg(entry) for entry in journal.entries)
            title = _("In the books: {kind}, {phase}", kind=_(kind), phase=_(phase))
            yield Moment(journal.recorded_at, title, "info", marks=(f"№ {journal.number}",), legs=legs)

    def leg(self, entry: ledger.Entry) -> Leg:
        _, account = self._, entry.account
        name = _(wording.ACCOUNTS[account.code]) if account.code in wording.ACCOUNTS else ""
        side = _("debit") if entry.side == "D" else _("credit")
        return Leg(
            side, f"{account.code} {name}".strip(), account.owner, self.sum(entry.amount_minor, account.currency)
        )

    def acts(self, acts: Sequence[accounts.TrailEntry]) -> Iterator[Moment]:
        """What staff did, from the audit trail."""
        _ = self._
        for act in acts:
            kept = act.details.get("reason") or act.details.get("note") or ""
            says = (_("Reason: {reason}", reason=kept),) if kept else ()
            yield Moment(act.at, _("By staff: {name}", name=act.name or act.actor), "info", says, (act.action,))

    def order(self, order: orders.Order) -> Iterator[Moment]:
        """How the order took it."""
        _ = self._
        for event in order.events:
            if event.kind in ("confirmed", "cancelled", "expired", "promise_kept", "promise_not_kept", "used"):
                state = _(ORDER_EVENTS[event.kind])
                yield Moment(event.at, state, "ok" if event.kind in ("confirmed", "promise_kept") else "")

    def sum(self, minor: int, currency: str) -> str:
        return formats.money(self.locale, minor, currency) if minor else "0"

    def way(self, provider: str, method: str) -> str:
        _ = self._
        name = _(wording.PROVIDERS.get(provider, provider))
        how = _(wording.METHODS.get(method, method))
        return name if provider == method else f"{name} · {how}"

    def actor(self, recorded: str) -> str:
        """A member of staff by name; the program as itself."""
        if recorded.startswith("system"):
            return self._("the program itself")
        return self.names.get(recorded, recorded)


ORDER_EVENTS = {
    "confirmed": "The order was confirmed",
    "cancelled": "The order was cancelled, its places went back on sale",
    "expired": "The order was not paid in time, its places went back on sale",
    "promise_kept": "The promise to pay was kept",
    "promise_not_kept": "The promise to pay was not kept: the order was cancelled",
    "used": "The tickets were used",
}


def subjects(story: Story) -> list[str]:
    """Under which the audit trail keeps acts on this payment."""
    return [str(story.intent.id), *(str(one.id) for one in story.refunds)]
