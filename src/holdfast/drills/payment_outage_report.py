"""What the drill of a payment outage tells: its figures, its goals, and the pictures of what people saw."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

import msgspec

from holdfast.kit.db import Db
from holdfast.payments import resolver

from . import store
from .auditor import Audit, charges_of
from .books import Reconciled
from .diary import Diary
from .disturbance import Disturbance
from .report import Chart, Curve, Goal, Moment, Report, Span, Table
from .store import Open
from .workload import Crowd

TITLE = "All ways to pay fail at once"
LEAD = (
    "Thousands of people are in the middle of paying when every call to every payment provider fails. They go on clicking. "
    "Then everything comes back, but what was not delivered stays undelivered."
)
GROUPS: dict[str, tuple[str, ...]] = {
    "choosing how to pay": ("choose", "outage", "failed", "mismatch"),
    "something to pay": ("waiting", "leaving", "card", "starting"),
    "we are asking": ("checking", "late", "returned"),
    "confirmed, to be paid": ("promised", "unpaid"),
    "paid": ("paid", "arrived"),
}
"""Stages of the payment page, as the chart draws them together."""
STAGES = {
    "choose": "asked how to pay", "outage": "no way answers", "failed": "did not work", "mismatch": "another amount came",
    "starting": "asking the provider", "waiting": "a code to scan", "leaving": "a button to the wallet",
    "card": "fields for a card", "checking": "we are asking", "late": "money came late", "returned": "money goes back",
    "promised": "confirmed, to be paid", "unpaid": "was not paid", "paid": "paid and confirmed",
    "arrived": "money has arrived", "cancelled": "order cancelled", "expired": "time was over",
}  # fmt: skip
"""Stages of the payment page, and ends, in a few words each."""
PROVIDERS = {"wechatpay": "WeChat Pay", "alipay": "Alipay", "stripe": "Cards"}
TILES = (
    ("people", "people", ""),
    ("orders lost", "orders_lost", ""),
    ("charged twice and not refunded", "charged_twice", ""),
    ("paid while we could not hear it", "paid_unheard", ""),
    ("of these, the last one heard of after the return", "paid_unheard_heard_after_worst_s", " s"),
    ("doubts gone after the return", "drained_s", " s"),
    ("attempts into a dead way, at most", "attempts_before_hiding_worst", ""),
    ('answers that say "system busy"', "busy_words", ""),
)
PICKETS = 60
"""So many points has the curve of what people saw."""
FEW = 5
"""Fewer looks are no share."""
ON_THE_WAY = timedelta(seconds=1)
"""A call that begins so shortly before the return may reach its provider after it."""
ANSWERS = ("place", "pay", "look", "page", "payment", "promise", "cancel")
KINDS = {
    "place": "take an order", "pay": "press a way to pay", "look": "the page's script looks", "page": "the page itself",
    "payment": "read the code to pay", "promise": "promise to pay later", "cancel": "cancel",
}  # fmt: skip


class Seen(msgspec.Struct):
    """All that was observed from outside, for the report."""

    zero_at: datetime
    returned_s: float = 0
    open_by_second: list[tuple[float, Open]] = []
    drained_s: float | None = None
    """Seconds from the return until every doubt that began before it was gone."""
    rested: bool = False
    placed: int = 0
    truth: dict[str, Any] = {}
    first: Audit = msgspec.field(default_factory=Audit)
    """When all had come to rest, the same day."""
    last: Audit = msgspec.field(default_factory=Audit)
    """Days later, after holds and promises had run out and the bills were compared."""
    bills: Reconciled = Reconciled(0, 0, {}, {})
    commands_failed: list[str] = []
    """Of the commands that staff would run afterwards."""
    errors: dict[str, int] = {}
    """Lines at level error in the logs of our processes, by event."""


async def tell(report: Report, db: Db, crowd: Crowd, diary: Diary, disturbance: Disturbance, seen: Seen) -> None:
    """Fills the report."""
    figures = report.figures
    returned_at = seen.zero_at + timedelta(seconds=seen.returned_s)
    figures |= _of_people(crowd, diary, seen)
    figures |= await _of_money(db, seen, returned_at)
    report.figures |= figures
    await _of_channels(report, db, seen, returned_at)
    await _of_questions(report, db, seen, returned_at)
    report.figures["faults_struck"] = sum(disturbance.struck.values())
    report.figures |= {f"struck_{name}": count for name, count in sorted(disturbance.struck.items())}
    report.moments += disturbance.moments
    if seen.drained_s is not None:
        end = seen.returned_s + seen.drained_s
        report.moments.append(Moment(round(end, 1), "The last doubt of the outage is gone.", {}, mark=True))
    report.moments.sort(key=lambda moment: moment.at_s)
    report.spans.append(Span(0.0, round(seen.returned_s, 1), "every call fails"))
    await _of_refunds(report, db)
    _pictures(report, diary, seen)
    _tables(report, crowd, diary, disturbance, seen)
    report.findings += [*seen.last.findings, *seen.commands_failed]
    report.findings += [diary.busy_example] if diary.busy_example else []
    report.findings += diary.unexpected
    report.goals = _goals(report.figures, seen)
    report.tiles = list(TILES)


def _of_people(crowd: Crowd, diary: Diary, seen: Seen) -> dict[str, float]:
    """What they did and saw."""
    looks: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for second, stages in diary.stages.items():
        looks.update(stages)
        if 0 <= second < seen.returned_s:
            within.update(stages)
    pressed, looked, all_ = diary.waits("pay"), diary.waits("look", "page"), diary.waits(*ANSWERS)
    return {
        "people": len(crowd.travellers),
        "orders_placed": seen.placed,
        "page_pace": round(crowd.pace, 2),
        **{f"ended_{_flat(end)}": count for end, count in sorted(crowd.ends().items())},
        "answers": all_.count,
        "answers_per_s": round(all_.count / max(1.0, diary.now_s()), 1),
        "unanswered": diary.unanswered,
        "answers_500": diary.statuses(500, 501),
        "busy_words": diary.busy,
        "looks": sum(looks.values()),
        **{f"looks_in_outage_{_flat(name)}": count for name, count in sorted(within.items())},
        **{f"share_in_outage_{_flat(name)}": round(count / max(1, sum(within.values())), 4) for name, count in sorted(within.items())},
        "look_p50_ms": round(looked.p50, 1),
        "look_p95_ms": round(looked.p95, 1),
        "look_p99_ms": round(looked.p99, 1),
        "slowest_page_ms": round(looked.slowest),
        "press_p50_ms": round(pressed.p50, 1),
        "press_p99_ms": round(pressed.p99, 1),
        "slowest_press_ms": round(pressed.slowest),
    }  # fmt: skip


def _in_words(stage: str) -> str:
    """A stage or an end; what begins with ``still there:`` was not over when the drill was."""
    return STAGES.get(stage.removeprefix("still there: "), stage)


def _flat(words: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", words))


async def _of_money(db: Db, seen: Seen, returned_at: datetime) -> dict[str, float]:
    """What the providers took and gave back, when we heard of it, and what the auditor found."""
    counted = await db.read(store.counted)
    heard = await db.read(store.heard_at)
    unheard = [
        max(0.0, (heard[one.merchant_ref] - returned_at).total_seconds())
        for one in charges_of(seen.truth)
        if one.paid_at
        and seen.zero_at <= one.paid_at < returned_at
        and heard.get(one.merchant_ref, returned_at) >= returned_at
        and one.merchant_ref in heard
    ]
    last = seen.last
    return {
        **{name: float(count) for name, count in counted.items()},
        **{f"orders_{state}": count for state, count in (await db.read(store.orders_by_state)).items()},
        "charges": last.charges,
        "charges_paid": last.paid_charges,
        "orders_paid_more_than_once": last.double_paid,
        "taken_minor": last.taken_minor,
        "returned_minor": last.returned_minor,
        "paid_unheard": len(unheard),
        "paid_unheard_heard_after_p50_s": round(_quantile(unheard, 0.5), 1),
        "paid_unheard_heard_after_p95_s": round(_quantile(unheard, 0.95), 1),
        "paid_unheard_heard_after_worst_s": round(max(unheard, default=0.0), 1),
        **_audited("", seen.last),
        **_audited("that_day_", seen.first),
        "bills_compared": seen.bills.days,
        "bill_rows": seen.bills.rows,
        "reconciliation_breaks": sum(seen.bills.open.values()),
        "reconciliation_mended": sum(seen.bills.mended.values()),
        "commands_failed": len(seen.commands_failed),
        "error_lines": sum(seen.errors.values()),
    }  # fmt: skip


def _audited(prefix: str, found: Audit) -> dict[str, float]:
    """The same day, money of a second receipt whose callback was dropped is still there: the bill tells of it."""
    names = (
        "orders_lost", "charged_without", "charged_twice", "given_too_much", "refunds_differ", "unknown_charges",
        "ledger_differences", "unapplied_minor", "invariants", "invariants_broken",
    )  # fmt: skip
    return {f"{prefix}{name}": float(getattr(found, name)) for name in names}


def _quantile(values: list[float], share: float) -> float:
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[min(98, max(0, round(share * 100) - 1))]


async def _of_refunds(report: Report, db: Db) -> None:
    """What went back, and why."""
    found = await db.read(store.refunds_by_reason)
    report.figures |= {f"refunds_{_flat(reason)}": count for reason, count, _ in found}
    report.figures["refunds"] = sum(count for _, count, _ in found)
    rows: list[list[str | float]] = [[reason, count, minor / 100] for reason, count, minor in found]
    report.tables.append(Table("What went back", ["Reason", "Count", "Sum (CNY)"], rows))


async def _of_channels(report: Report, db: Db, seen: Seen, returned_at: datetime) -> None:
    """How soon each way to pay was hidden, and how many attempts had gone there."""
    hidden: dict[tuple[str, str], float] = {}
    for at_s, provider, method, operation, state, reason in await db.read(store.channel_events, seen.zero_at):
        if operation == "create" and state == "down" and at_s < seen.returned_s:
            hidden.setdefault((provider, method), at_s)
        if operation == "create" and at_s < seen.returned_s + 600:
            what = "{way}: {state} ({reason})"
            values = {"way": f"{provider}/{method}", "state": state, "reason": reason}
            report.moments.append(Moment(round(at_s, 1), what, values))
    sent = {}
    for (provider, method), at_s in hidden.items():
        until = seen.zero_at + timedelta(seconds=at_s)
        sent[provider, method] = await db.read(store.begun_between, provider, method, seen.zero_at, until)
    during = await db.read(store.calls, seen.zero_at, returned_at - ON_THE_WAY)
    report.figures |= {
        "ways_hidden": len(hidden),
        "first_hidden_s": round(min(hidden.values(), default=0.0), 1),
        "last_hidden_s": round(max(hidden.values(), default=0.0), 1),
        "attempts_before_hiding": sum(sent.values()),
        "attempts_before_hiding_worst": max(sent.values(), default=0),
        "calls_in_outage": sum(count for *_, count, _ in during),
        "calls_in_outage_well": sum(count for _, outcome, count, _ in during if outcome == "ok"),
        "slowest_provider_call_ms": max((longest for *_, longest in during), default=0),
    }
    report.findings += [
        f"{provider} {operation} came back well {at_s:.2f} s into the outage of {seen.returned_s:.2f} s, after {elapsed_ms} ms"
        for provider, operation, at_s, elapsed_ms in await db.read(
            store.calls_well, seen.zero_at, returned_at - ON_THE_WAY
        )
    ]
    rows: list[list[str | float]] = [
        [f"{provider}/{method}", round(at_s, 1), sent[provider, method]]
        for (provider, method), at_s in sorted(hidden.items())
    ]
    report.tables.append(
        Table("Ways to pay that were hidden", ["Way to pay", "Hidden after (s)", "Attempts sent there before"], rows)
    )


async def _of_questions(report: Report, db: Db, seen: Seen, returned_at: datetime) -> None:
    """The resolver's questions after the return, against its plan."""
    asked = await db.read(store.questions_by_second, seen.zero_at)
    until = seen.returned_s + (seen.drained_s or 0.0)
    curves = []
    for provider in resolver.RATES:
        by_second = {second: count for name, second, count in asked if name == provider}
        points = [(float(second), float(by_second.get(second, 0))) for second in range(round(until) + 60)]
        after = sum(count for second, count in points if seen.returned_s <= second <= until)
        most = max((sum(by_second.get(at + n, 0) for n in range(10)) for at in range(round(until))), default=0)
        rate, span = resolver.rate_of(provider), max(1.0, until - seen.returned_s)
        report.figures |= {
            f"questions_{provider}_per_s": round(after / span, 1),
            f"questions_{provider}_plan_per_s": rate,
            f"questions_{provider}_of_plan": round(after / span / rate, 2),
            f"questions_{provider}_most_in_10_s_of_plan": round(most / 10 / rate, 2),
        }
        curves.append(Curve(PROVIDERS[provider], points))
    report.figures["drained_s"] = round(seen.drained_s, 1) if seen.drained_s is not None else -1.0
    says = "The plan allows {wechatpay:g}, {alipay:g} and {stripe:g} questions a second: a fifth of what the providers document."
    rates = {provider: resolver.rate_of(provider) for provider in resolver.RATES}
    report.charts.append(Chart("Questions to the providers", "/s", curves, says, rates))


def _pictures(report: Report, diary: Diary, seen: Seen) -> None:
    """What people saw, what was not final, and how long they waited, over time."""
    named = {stage: group for group, stages in GROUPS.items() for stage in stages}
    width = max(1, round(max(diary.stages, default=0) / PICKETS))
    looks: dict[int, Counter[str]] = {}
    for second, stages in diary.stages.items():
        for stage, count in stages.items():
            looks.setdefault(second // width, Counter())[named.get(stage, stage)] += count

    def share(group: str) -> list[tuple[float, float]]:
        enough = ((at, seen_then, sum(seen_then.values())) for at, seen_then in sorted(looks.items()))
        return [(float(at * width), round(100 * now[group] / count, 1)) for at, now, count in enough if count >= FEW]

    def curve(name: str, of: Callable[[Open], int]) -> Curve:
        return Curve(name, [(at, float(of(now))) for at, now in seen.open_by_second])

    report.charts = [
        Chart("What people saw", "%", [Curve(group, share(group)) for group in GROUPS],
              "Of the looks of each moment, how many were told what."),
        Chart("What was not final", "", [
            curve("payments in doubt", lambda now: now.doubts), curve("shown, not paid yet", lambda now: now.waiting),
            curve("refunds under way", lambda now: now.refunds), curve("news on its way", lambda now: now.outbox)],
            "Everything here must come to rest."),
        *report.charts,
        Chart("Slowest answer of each second", "s", [Curve("slowest", diary.slowest_by_second())],
              "A press of a button waits for the provider as long as patience lasts; a look waits for nobody."),
    ]  # fmt: skip


def _tables(report: Report, crowd: Crowd, diary: Diary, disturbance: Disturbance, seen: Seen) -> None:
    waits = [(KINDS[kind], diary.waits(kind)) for kind in ANSWERS]
    ends = sorted(crowd.ends().items(), key=lambda pair: -pair[1])
    report.tables += [
        Table("Answers that people got", ["Request", "Count", "Middle (ms)", "95 of 100 within (ms)", "Slowest (ms)"],
              [[name, one.count, round(one.p50), round(one.p95), round(one.slowest)] for name, one in waits if one.count]),
        Table("How it ended for people", ["How it ended", "People"], [[_in_words(end), count] for end, count in ends]),
        Table("What they were refused", ["Refusal", "Times"], [[code, n] for code, n in diary.problems.most_common()]),
        Table("What struck", ["Fault", "Times"], [[name, n] for name, n in sorted(disturbance.struck.items())]),
    ]  # fmt: skip
    names = [stage for stage, _ in Counter({s: n for c in diary.stages.values() for s, n in c.items()}).most_common()]
    rows: list[list[str | float]] = [
        [second, *(diary.stages[second].get(name, 0) for name in names)] for second in sorted(diary.stages)
    ]
    report.tables.append(
        Table("Looks by second and stage", ["Second", *(_in_words(name) for name in names)], rows, folded=True)
    )
    if seen.errors:
        report.tables.append(
            Table("Errors in the logs", ["Event", "Lines"], [[event, n] for event, n in sorted(seen.errors.items())])
        )
    if seen.bills.open or seen.bills.mended:
        found = [[f"{kind} (open)", n] for kind, n in sorted(seen.bills.open.items())]
        found += [[kind, n] for kind, n in sorted(seen.bills.mended.items())]
        report.tables.append(Table("Differences with the bills", ["Kind", "Count"], found))  # type: ignore[arg-type]


def _goals(figures: dict[str, float], seen: Seen) -> list[Goal]:
    """What must hold. The last ones hold that the drill was one."""
    zero = {
        "orders_lost": "No order is lost that somebody was told they have",
        "charged_without": "Nobody is charged without an order or a refund",
        "charged_twice": "Nobody is charged twice without a refund",
        "given_too_much": "Nothing goes back that was earned",
        "refunds_differ": "Every refund we believe in is one, and no other",
        "unknown_charges": "No provider holds a charge that we do not know",
        "ledger_differences": "Every balance of the ledger is the sum of its entries",
        "unapplied_minor": "Nothing is left on the account of money that nobody asked for",
        "invariants_broken": "Every invariant holds",
        "reconciliation_breaks": "Our payments, the ledger and the providers' bills agree",
        "parked": "No news was given up",
        "busy_words": "No answer says that the system is busy",
        "answers_500": "No answer is an unexpected failure",
        "unanswered": "Every request is answered",
        "calls_in_outage_well": "Not one call to a provider succeeds in the outage",
        "commands_failed": 'The commands "holdfast payments reconcile", "ledger verify" and "check" find nothing',
    }
    goals = [Goal(name, sentence, figures[name]) for name, sentence in zero.items()]
    least = {
        "orders_placed": ("Everybody holds an order when it begins", figures["people"]),
        "paid_unheard": ("Some pay while we cannot hear it", 1),
        "orders_paid_more_than_once": ("Some pay more than once", 1),
    }
    goals += [Goal(name, sentence, figures[name], wanted, least=True) for name, (sentence, wanted) in least.items()]
    facts = {
        "rested": ("Everything comes to rest", seen.rested),
        "drained": ("Every doubt of the outage is resolved", seen.drained_s is not None),
    }
    goals += [Goal(name, says, float(holds), 1, least=True, is_fact=True) for name, (says, holds) in facts.items()]
    return goals
