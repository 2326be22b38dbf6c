"""``/supply/{token}``: still open, stop today, how much is left, answers to bookings. Made for a phone behind a counter."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import inventory, partners
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.problems import InvalidInput
from holdfast.partners import News
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import page, speaker

HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}
DONE = ("beat", "open", "stop", "stop-all", "left", "answer")


class Sitting(msgspec.Struct, frozen=True):
    """A coming night or sitting, and the name of its field."""

    field: str
    slot: inventory.vouching.Standing


async def show(request: Request) -> Response:
    """``GET /supply/{token}``: how the partner stands, and what it can say with one tap."""
    return await _page(request, _form(request, {}))


async def _page(request: Request, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        partner = await partners.links.by_link(tx, request.path_params["token"])
        found = await partners.health.standings(tx, partner.id)
        coming = [Sitting(_field(one), one) for one in await partners.health.coming(tx, partner.id)]
        waiting = await partners.asks.waiting(tx, partner.id)
    worst = partners.health.worst([one.state for one in found])
    for one in coming:
        form.labels[one.field] = f"{one.slot.visit_date:%m-%d} {one.slot.code}"
    days: dict[date, list[Sitting]] = {}
    for one in sorted(coming, key=lambda each: (each.slot.visit_date, each.slot.product_id, each.slot.starts_at)):
        days.setdefault(one.slot.visit_date, []).append(one)
    return page(
        request, "supplier/page.html", status=422 if form.wrong else 200, headers=HEADERS, here=_here(request), partner=partner,
        standings=found, worst=worst, state_words=partners.freshness.WORDS, days=days, waiting=waiting, form=form, key=str(uuid4()),
        until=min((one.until for one in found if one.until), default=None), zone=found[0].supply.time_zone if found else "",
        stopped=any(one.slot.is_stopped for one in coming), is_hotel=any(one.supply.venue_kind == "hotel" for one in found),
        refused=any(bar.kind == "refused" for one in found for bar in one.bars),
        unanswered=any(bar.kind == "unanswered" for one in found for bar in one.bars),
        done=sessions.asked(request, "done", 12), act_url=_here(request),
    )  # fmt: skip


async def tell(request: Request) -> Response:
    """``POST /supply/{token}``: what was tapped becomes a message of the partner's."""
    db = sessions.database(request)
    async with db.reading() as tx:
        partner = await partners.links.by_link(tx, request.path_params["token"])
        coming = await partners.health.coming(tx, partner.id)
        supplies = await partners.feeds.supplies(tx, partner.id)
    typed = await sessions.typed(request)
    form = _form(request, typed)
    act = typed.get("act", "")
    news = _news(form, act, typed, coming, partners.health.today(supplies[0]) if supplies else clock.now().date())
    if form.wrong:
        return await _page(request, form)
    if not news:
        return sessions.see(_here(request))
    key = form.key_for("act", "order", "answer", *(name for name in sorted(typed) if name.startswith("left.")))
    try:
        await partners.feeds.receive(db, Actor("partner", name=partner.id), partner.id, "tap", key, news)
    except InvalidInput as problem:
        form.add("act", "This is not so any more. Look at the page as it is now.", code=problem.code)
        return await _page(request, form)
    return sessions.see(_here(request), done=act if act in DONE else "")


def _news(
    form: Form, act: str, typed: dict[str, str], coming: list[inventory.vouching.Standing], today: date
) -> list[News]:
    """What was tapped, in the words of a message."""
    if act == "beat":
        return [News("heartbeat")]
    if act == "open":
        return [News("open")]
    if act == "stop":
        return [News("stop", from_date=today, to_date=today)]
    if act == "stop-all":
        return [News("stop", from_date=today, to_date=today + timedelta(days=365))]
    if act == "answer" and typed.get("answer") in ("have", "cannot"):
        note = " ".join(typed.get("note", "").split())[:300]
        return [News("answer", order=typed.get("order", "")[:40], answer=typed["answer"], note=note)]  # type: ignore[arg-type]
    return _left(form, typed, coming) if act == "left" else []


def _left(form: Form, typed: dict[str, str], coming: list[inventory.vouching.Standing]) -> list[News]:
    """The fields that were changed. What was sold when the page was shown counts as known."""
    news = []
    for one in coming:
        field = _field(one)
        text, known = typed.get(field, "").strip(), typed.get(f"known.{field}", "")
        was, _, taken = known.partition("-")
        if not text or text == was or not (taken.isascii() and taken.isdigit() and len(taken) < 7):
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            form.add(field, "Enter a whole number from 0 to 99,999.")
            continue
        news.append(
            News(
                "places", product_id=one.product_id, from_date=one.visit_date, code=one.code, left=int(text), known=int(taken)
            )
        )  # fmt: skip
    return news


def _field(one: inventory.vouching.Standing) -> str:
    return f"left.{one.product_id}.{one.visit_date}.{one.code}"


def _here(request: Request) -> str:
    return f"/supply/{request.path_params['token']}"


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"act": _("What you tapped")})


routes = [
    Route("/supply/{token}", show, methods=["GET"]),
    Route("/supply/{token}", tell, methods=["POST"]),
]
