"""Reconciliation for finance: the days of each provider, the queue of differences, and one difference from all sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.problems import Conflict, Invalid
from holdfast.payments import bills, reconciliation
from holdfast.payments import reconciliation_decisions as decisions
from holdfast.payments.reconciliation_model import KINDS, DaySummary
from holdfast.web import charts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, query, speaker

from . import access
from .pages import add_problem, page, read_reason

PAGE = 50
MONTH = 31
BASE = "/console/reconciliation"
PROVIDERS = {"wechatpay": "WeChat Pay", "alipay": "Alipay", "stripe": "Cards (Stripe)"}
SETTLED = {"auto": "settled by itself", "manual": "accepted", "forced": "booked"}
"""How a difference was settled → an English word."""
SAID = {
    "succeeded": "says that it was paid",
    "awaiting_user": "says that it was not paid",
    "closed": "says that it was closed",
    "failed": "says that it failed",
    "not_found": "knows nothing of it",
    "unknown": "gave no clear answer",
    "processing": "says that it is on its way",
    "abnormal": "says that it could not be given",
    "missing": "says that there is no bill",
    "fetched": "has the bill now",
    "wanted": "did not give the bill",
}
"""First word of an answer → an English sentence after the provider's name."""
REFUND_SAID = SAID | {"succeeded": "says that it was given"}
STANDING = {
    "requested": "requested",
    "processing": "on its way",
    "unknown": "in doubt",
    "succeeded": "given",
    "abnormal": "could not be given",
    "closed": "closed without effect",
    "suspected": "suspected",
    "confirmed": "confirmed",
    "refuted": "refuted",
    "pending": "pending",
    "post": "carried out",
    "void": "given up",
}
"""States of refunds and second receipts, and phases of journals → an English word."""
Act = Callable[[Request, access.Seen, UUID, str], Awaitable[object]]


async def calendar(request: Request) -> Response:
    """``GET /console/reconciliation``: a month of days, one column for each provider, and what stands open."""
    await access.require(request, Role.FINANCE, Role.SUPPORT)
    until = _date(sessions.asked(request, "until", 10)) or bills.day_of("wechatpay", clock.now())
    since = until - timedelta(days=MONTH - 1)
    async with sessions.database(request).reading() as tx:
        days = await reconciliation.calendar(tx, since, until)
        waiting = await reconciliation.open_counts(tx)
    cells = {(one.day, one.provider): one for one in days}
    shown = [until - timedelta(days=back) for back in range(MONTH)]
    shown = [day for day in shown if any(one.day == day for one in days)]
    older, newer = since - timedelta(days=1), until + timedelta(days=MONTH)
    return page(
        request, "reconciliation.html", days=shown, cells=cells, providers=_of(days), names=PROVIDERS, tone=_tone,
        chart=_chart(request, waiting), total=sum(waiting.values()), older=BASE + query(until=older),
        newer=BASE + query(until=newer) if until < bills.day_of("wechatpay", clock.now()) else "",
    )  # fmt: skip


def _of(days: list[DaySummary]) -> list[str]:
    """The providers with a bill in this time, in the usual order."""
    return [name for name in PROVIDERS if any(one.provider == name for one in days)]


def _tone(one: DaySummary) -> str:
    """The badge of a day: bad while differences stand open, warn while it is not compared."""
    if one.open_items:
        return "bad"
    return "ok" if one.reconciled_at else "warn"


def _chart(request: Request, waiting: dict[tuple[str, str], int]) -> Markup | None:
    """What stands open by kind."""
    _ = speaker(request)
    kinds = {kind: sum(n for (_p, k), n in waiting.items() if k == kind) for _provider, kind in waiting}
    rows = [
        charts.Bar(_(KINDS[kind].title), n, tone="bad") for kind, n in sorted(kinds.items(), key=lambda pair: -pair[1])
    ]
    return charts.bars(rows, title=_("Open differences by kind"), locale=language(request)) if rows else None


async def day(request: Request) -> Response:
    """``GET /console/reconciliation/{provider}/{day}``: one day's three sides and its differences."""
    await access.require(request, Role.FINANCE, Role.SUPPORT)
    provider, of_day = _provider_day(request)
    async with sessions.database(request).reading() as tx:
        report = await reconciliation.day_report(tx, provider, of_day)
    return page(
        request, "reconciliation_day.html", report=report, bill=report.bill, names=PROVIDERS, kinds=KINDS, settled=SETTLED,
        may_act=await _may_act(request), window=bills.window(provider, of_day),
    )  # fmt: skip


async def compare(request: Request) -> Response:
    """``POST /console/reconciliation/{provider}/{day}``: fetches the bill if it is not there, and compares again."""
    await access.require(request, Role.FINANCE)
    provider, of_day = _provider_day(request)
    await reconciliation.reconcile(sessions.database(request), provider, of_day)
    return sessions.see(f"{BASE}/{provider}/{of_day}")


async def queue(request: Request) -> Response:
    """``GET /console/reconciliation/queue``: differences, narrowed by provider, kind and state."""
    await access.require(request, Role.FINANCE, Role.SUPPORT)
    asked = {name: sessions.asked(request, name, 40) for name in ("provider", "kind", "state")}
    state = "resolved" if asked["state"] == "resolved" else "open"
    after = sessions.asked(request, "from", 6)
    offset = int(after) if after.isascii() and after.isdigit() else 0
    found = await sessions.database(request).read(
        reconciliation.queue, provider=asked["provider"], kind=asked["kind"], state=state, limit=PAGE + 1, offset=offset
    )
    address = f"{BASE}/queue"
    return page(
        request, "reconciliation_queue.html", form=Form(asked | {"state": state}), items=found[:PAGE], names=PROVIDERS, kinds=KINDS,
        settled=SETTLED, state=state, narrowed=any(asked.values()),
        older=address + query(**asked, **{"from": offset + PAGE}) if len(found) > PAGE else "",
        newest=address + query(**asked) if offset else "",
    )  # fmt: skip


async def item(request: Request) -> Response:
    """``GET /console/reconciliation/items/{id}``: one difference, with bill, payment and ledger side by side."""
    await access.require(request, Role.FINANCE, Role.SUPPORT)
    return await _item(request, _form(request, {}))


async def _item(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    found = await sessions.database(request).read(reconciliation.evidence, sessions.id_in(request))
    word, _, rest = (found.item.answer or "").partition(" ")
    said = (REFUND_SAID if found.item.refund_id else SAID).get(word, "")
    return page(
        request, "reconciliation_item.html", status=422 if form.wrong else 200, here=f"{BASE}/items/{found.item.id}", found=found,
        item=found.item, kind=KINDS[found.item.kind], names=PROVIDERS, settled=SETTLED, standing=STANDING, said=said, form=form, wrong=wrong,
        answer=rest if said else found.item.answer, may_act=await _may_act(request),
        limit_minor=decisions.write_off_max_minor(),
    )  # fmt: skip


async def _may_act(request: Request) -> bool:
    session = await access.known(request)
    return session is not None and session.staff.may(Role.FINANCE)


def _acting(name: str, act: Act, *, with_reason: bool = True) -> Route:
    """``POST /console/reconciliation/items/{id}/NAME``: one act of finance, with a reason, and back to the difference."""

    async def handler(request: Request) -> Response:
        seen = await access.require(request, Role.FINANCE)
        form = _form(request, await sessions.typed(request))
        reason = read_reason(form) if with_reason else ""
        if form.wrong:
            return await _item(request, form, name)
        try:
            await act(request, seen, sessions.id_in(request), reason)
        except (Conflict, Invalid) as problem:
            add_problem(form, problem, "reason")
            return await _item(request, form, name)
        return sessions.see(f"{BASE}/items/{sessions.id_in(request)}")

    return Route(f"{BASE}/items/{{id}}/{name}", handler, methods=["POST"])


async def _ask(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await reconciliation.inquire(sessions.database(request), item_id)


async def _comment(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await sessions.database(request).run(decisions.comment, seen.actor, item_id, reason)


async def _accept(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await sessions.database(request).run(decisions.accept, seen.actor, item_id, reason)


async def _suspend(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await sessions.database(request).run(decisions.suspend, seen.actor, item_id, reason)


async def _write_off(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await sessions.database(request).run(decisions.write_off, seen.actor, item_id, reason)


async def _reopen(request: Request, seen: access.Seen, item_id: UUID, reason: str) -> object:
    return await sessions.database(request).run(decisions.reopen, seen.actor, item_id, reason)


def _form(request: Request, values: dict[str, str]) -> Form:
    return Form(values, labels={"reason": speaker(request)("Reason")})


def _provider_day(request: Request) -> tuple[str, date]:
    provider, of_day = request.path_params["provider"], _date(request.path_params["day"])
    if provider not in PROVIDERS or of_day is None:
        raise HTTPException(404)
    return provider, of_day


def _date(text: str) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(text)
        return day if 2000 <= day.year < 2200 else None
    return None


routes = [
    Route(BASE, calendar, methods=["GET"]),
    Route(f"{BASE}/queue", queue, methods=["GET"]),
    Route(f"{BASE}/items/{{id}}", item, methods=["GET"]),
    _acting("asking", _ask, with_reason=False),
    _acting("note", _comment),
    _acting("acceptance", _accept),
    _acting("suspense", _suspend),
    _acting("write-off", _write_off),
    _acting("reopening", _reopen),
    Route(f"{BASE}/{{provider}}/{{day}}", day, methods=["GET"]),
    Route(f"{BASE}/{{provider}}/{{day}}", compare, methods=["POST"]),
]
