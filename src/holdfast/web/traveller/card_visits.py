"""Booking visits with a card: days for several places, their times, who comes, and one press for all of them or none.

Works without JavaScript: first the days are chosen, then the times; both stand in the address or the form, so nothing
typed is lost. The form carries its own key: sent twice, it books once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import inventory, orders, passes
from holdfast.catalogue.model import Text
from holdfast.kit import clock, i18n
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem, Unavailable
from holdfast.orders.card_visits import VISITS_MAX, VisitWish, Wish
from holdfast.passes.card_model import ZONE, Entitlement
from holdfast.web import card_words, sessions
from holdfast.web.render import language, page, speaker

from .home import read_date
from .my_cards import require
from .venues import SALE_WORDS

DAYS = 30


class ShownTime(msgspec.Struct, frozen=True):
    """A slot to choose, or the words why it cannot be chosen."""

    slot: inventory.SlotView
    can_choose: bool
    says: str


class ShownPart(msgspec.Struct, frozen=True):
    """One item of the basket: the chosen day, its times by product, and the card's reasons against that day."""

    ref: str
    name: Text
    says: str
    left: int | None
    day: date | None
    reasons: list[Text]
    products: list[tuple[Text, list[ShownTime]]]
    chosen: str
    people: list[int]
    complaints: list[Text]
    is_room: bool


async def show(request: Request) -> Response:
    """``GET /account/cards/{number}/visits?day.palace-museum=2026-12-01&…``: choose days, then times."""
    _known, card = await require(request)
    return await _page(request, card, dict(request.query_params), str(uuid4()))


async def book(request: Request) -> Response:
    """``POST /account/cards/{number}/visits``: all of them or none."""
    known, card = await require(request)
    typed = await sessions.typed(request)
    key = typed.get("key", "")[:200] or str(uuid4())
    refs = [one.item for one in card.entitlements if typed.get(f"slot.{one.item}", "") not in ("", "-")]
    wishes = [
        VisitWish(slot, _people(typed, ref, card)) for ref in refs if (slot := sessions.read_id(typed[f"slot.{ref}"]))
    ]
    if not wishes:
        return await _page(request, card, typed, key, notice=True)
    try:
        placed = await sessions.database(request).run(
            orders.card_visits.reserve, sessions.as_traveller(known.account_id), known.account_id, card.number,
            Wish(wishes, f"visits-{key}", language(request)),
        )  # fmt: skip
    except Problem as problem:
        key = key if isinstance(problem, Unavailable) else str(uuid4())
        return await _page(request, card, typed, key, problem=problem, refs=refs)
    return sessions.see(f"/orders/{placed.number}")


def _people(typed: Mapping[str, str], ref: str, card: passes.Card) -> list[int] | None:
    """Who of the party comes to an item, by the boxes that are ticked; None where there are none to tick."""
    if len(card.people) == 1:
        return None
    return [person.seq for person in card.people if typed.get(f"with.{ref}.{person.seq}")]


async def _page(
    request: Request, card: passes.Card, values: Mapping[str, str], key: str, *, problem: Problem | None = None,
    refs: list[str] | None = None, notice: bool = False,
) -> Response:  # fmt: skip
    now = clock.now()
    today = now.astimezone(ZONE).date()
    async with sessions.database(request).reading() as tx:
        card = await passes.cards.by_number(tx, card.number)
        parts = [
            await _part(tx, request, card, one, values, _complaints(problem, refs or [], one.item))
            for one in card.entitlements
        ]
    chosen = [part for part in parts if part.day]
    return page(
        request,
        "traveller/card_visits.html",
        status=problem.status if problem else 422 if notice else 200,
        here=f"/account/cards/{card.number}/visits",
        card=card,
        until=card_words.until(request, card),
        parts=parts,
        chosen=chosen,
        days=_days(card, today),
        key=key,
        problem=problem,
        problem_says=_says(request, problem, parts),
        can_try_again=isinstance(problem, Unavailable),
        notice=notice,
        most=VISITS_MAX,
        can_book=any(time.can_choose for part in chosen for _name, times in part.products for time in times),
    )


def _days(card: passes.Card, today: date) -> list[date]:
    """The days to choose from: those of the card, as far as places are shown."""
    first = max(today, card.row.valid_from or today)
    last = min(today + timedelta(days=DAYS - 1), card.row.valid_to or date.max)
    return [first + timedelta(days=n) for n in range(max((last - first).days + 1, 0))]


def _complaints(problem: Problem | None, refs: list[str], ref: str) -> list[Text]:
    """What the card said against one of the visits that were sent."""
    if problem is None:
        return []
    return [
        error["message"] for error in problem.errors if ref in refs and error["field"] == f"visits[{refs.index(ref)}]"
    ]


def _says(request: Request, problem: Problem | None, parts: list[ShownPart]) -> str:
    """Which of the visits a refusal is about."""
    slot_id = str(problem.fields.get("slot_id", "")) if problem else ""
    for part in parts:
        for _name, times in part.products:
            for time in times:
                if str(time.slot.id) == slot_id:
                    at = f"{time.slot.starts_at:%H:%M}"
                    return speaker(request)(
                        "It is about: {place}, {time}.", place=i18n.pick(part.name, language(request)), time=at
                    )
    return ""


async def _part(
    tx: ReadTx, request: Request, card: passes.Card, one: Entitlement, values: Mapping[str, str], complaints: list[Text]
) -> ShownPart:
    """An item with the times of its day; a day that the card has a reason against shows that instead."""
    now = clock.now()
    day = read_date(values.get(f"day.{one.item}", ""))
    item = card.rules.item(one.item)
    reasons: list[Text] = []
    found: list[inventory.SlotView] = []
    if day:
        product = next(iter(one.prices))
        reasons = [says for _code, says in passes.eligibility.possible(card, product, day, now)]
        slots = await inventory.availability.day(tx, one.venue_id, day, now)
        found = [] if reasons else [slot for slot in slots if slot.product_id in one.prices]
    is_room = item.unit == "night"
    needed = 1 if is_room else len(card.people)
    times: dict[str, list[ShownTime]] = {}
    names = {slot.product_id: slot.product_name for slot in found}
    for slot in found:
        times.setdefault(slot.product_id, []).append(_time(request, slot, needed))
    open_ids = [str(time.slot.id) for shown in times.values() for time in shown if time.can_choose]
    wanted = values.get(f"slot.{one.item}", "")
    ticked = [person.seq for person in card.people if values.get(f"with.{one.item}.{person.seq}")]
    return ShownPart(
        ref=one.item, name=one.venue_name, says=card_words.count_of(request, item, card.rules), left=card.left(one.item), day=day,
        reasons=reasons, products=[(names[product], shown) for product, shown in times.items()],
        chosen=wanted if wanted == "-" or wanted in open_ids else next(iter(open_ids), ""),
        people=ticked or [person.seq for person in card.people], complaints=complaints, is_room=is_room,
    )  # fmt: skip


def _time(request: Request, slot: inventory.SlotView, needed: int) -> ShownTime:
    _ = speaker(request)
    if slot.sale == "open" and slot.places_left >= 1:
        few = slot.places_left < needed
        says = _("{count} places left", count=slot.places_left)
        return ShownTime(slot, can_choose=True, says=says if slot.places_left < 20 or few else "")
    if slot.sale == "not-yet":
        return ShownTime(slot, can_choose=False, says=_("not on sale yet"))
    reason: Any = i18n.pick(slot.reason, language(request)) if slot.reason and slot.sale in ("paused", "closed") else ""
    return ShownTime(slot, can_choose=False, says=reason or _(SALE_WORDS.get(slot.sale, "closed")))


routes = [
    Route("/account/cards/{number}/visits", show, methods=["GET"]),
    Route("/account/cards/{number}/visits", book, methods=["POST"]),
]
