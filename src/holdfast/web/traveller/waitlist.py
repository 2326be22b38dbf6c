"""Waiting lists: joining one, the honest place on it, and leaving. Nothing typed is lost.

Names are asked for when joining, because the places are booked for them the moment they come free; they are kept sealed,
and go when the waiting ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, catalogue, inventory, orders
from holdfast.kit import clock
from holdfast.kit.problems import REGISTRY, InvalidInput, Problem, TooMany, Unavailable
from holdfast.orders.waitlist_model import AlreadyWaiting, WaitState, WaitUnknown, WaitView
from holdfast.web import sessions, words
from holdfast.web.forms import Form
from holdfast.web.render import language, page, speaker

from . import alternatives, checkout, choices
from .choices import Choice, ChoiceGone
from .home import read_date

BASE = "/waitlist"


class Wanted(NamedTuple):
    """The slot somebody wants to wait for, before they say how many they are."""

    venue: catalogue.Venue
    slot: inventory.SlotView
    max_per_order: int


async def mine(request: Request) -> Response:
    """``GET /waitlist``: every list of mine."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    waits = await sessions.database(request).read(orders.waitlist.mine, known.account_id)
    return page(request, "traveller/waitlist.html", waits=waits, base=BASE)


async def new(request: Request) -> Response:
    """``GET /waitlist/new?venue=…&date=…&slot=…``: how many; with ``price.<id>=2`` their names as well."""
    if await sessions.visitor(request) is None:
        raise accounts.SignInNeeded
    values = dict(request.query_params)
    choice = await choices.load(sessions.database(request), values)
    if not choice.lines:
        return await _ask_how_many(request, values)
    return _form_page(request, choice, checkout.form_of(request, choice, {}))


async def _ask_how_many(request: Request, values: dict[str, str]) -> Response:
    wanted = await _wanted(request, values)
    people = values.get("people", "")
    asked = int(people) if people.isascii() and people.isdigit() and len(people) < 3 else 1
    return page(
        request, "traveller/waitlist_people.html", venue=wanted.venue, slot=wanted.slot, max_per_order=wanted.max_per_order,
        asked=min(max(1, asked), wanted.max_per_order), base=BASE,
    )  # fmt: skip


async def _wanted(request: Request, values: dict[str, str]) -> Wanted:
    day = read_date(values.get("date", ""))
    if day is None:
        raise ChoiceGone
    async with sessions.database(request).reading() as tx:
        venue = await catalogue.venues.get(tx, values.get("venue", "")[:64])
        slots = await inventory.availability.day(tx, venue.id, day, clock.now())
    slot = next((slot for slot in slots if str(slot.id) == values.get("slot", "").lower()), None)
    product = venue.product(slot.product_id) if slot else None
    if slot is None or product is None:
        raise ChoiceGone
    return Wanted(venue, slot, min(product.max_per_order, 50))


async def join(request: Request) -> Response:
    """``POST /waitlist``: joins; or books, where places are there after all; or says everything that is wrong."""
    known = await sessions.visitor(request)
    values = await sessions.typed(request)
    choice = await choices.load(sessions.database(request), values)
    if not choice.lines:
        return await _ask_how_many(request, values)
    form = checkout.form_of(request, choice, values)
    if known is None:
        return _form_page(request, choice, form, problem=accounts.SignInNeeded(), status=401)
    lines = choice.basket(form.values, "").lines
    try:
        found = await sessions.database(request).run(
            orders.waitlist.join, sessions.as_traveller(known.account_id), known.account_id, form.key, lines,
            locale=language(request), channel="web",
        )  # fmt: skip
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return _form_page(request, choice, form, status=422)
    except AlreadyWaiting as problem:
        return sessions.see(f"{BASE}/{problem.fields['wait_id']}", again=1)
    except Problem as problem:
        if not isinstance(problem, Unavailable):
            form.key = str(uuid4())
        checkout.mark_person(choice, form, problem)
        others = await alternatives.instead(request, choice.slot_id, choice.people_count, problem)
        return _form_page(request, choice, form, problem=problem, status=problem.status, others=others)
    if isinstance(found, orders.Placed):
        return sessions.see(f"/orders/{found.number}" + ("/payment" if found.state == "held" else ""))
    return sessions.see(f"{BASE}/{found.wait.id}")


def _form_page(
    request: Request, choice: Choice, form: Form, *, problem: Problem | None = None, status: int = 200,
    others: orders.Alternatives | None = None,
) -> Response:  # fmt: skip
    _ = speaker(request)
    return page(
        request, "traveller/waitlist_new.html", status=status, here=choice.url.replace("/checkout", f"{BASE}/new", 1), choice=choice,
        form=form, problem=problem, problem_says=checkout.says_more(request, problem), base=BASE, others=others,
        people_count=choice.people_count, can_try_again=isinstance(problem, Unavailable | TooMany),
        needs_session=isinstance(problem, accounts.SignInNeeded),
        documents=[(kind, _(words.DOCUMENTS[kind])) for kind in choice.documents],
    )  # fmt: skip


async def show(request: Request) -> Response:
    """``GET /waitlist/{id}``: the place on the list, the offer, or what became of it."""
    known, wait_id = await sessions.visitor(request), _read_id(request)
    if known is None:
        raise accounts.SignInNeeded
    found = await sessions.database(request).read(orders.waitlist.view, known.account_id, wait_id)
    wait = found.wait
    left_s = max(0, int((wait.until_at - clock.now()).total_seconds())) if wait.until_at else 0
    return page(
        request, "traveller/waitlist_one.html", here=f"{BASE}/{wait.id}", view=found, wait=wait, base=BASE, left_s=left_s,
        why=_why(wait.passed_why), again_url=_again(found), is_open=wait.state in (WaitState.WAITING, WaitState.OFFERED),
        was_there=bool(sessions.asked(request, "again")),
    )  # fmt: skip


def _why(code: str) -> str:
    """Why places were not offered to this party, in a sentence."""
    return REGISTRY[code].title if code in REGISTRY else ""


def _again(found: WaitView) -> str:
    """Where one joins the same list again, at its end."""
    tickets: dict[str, Any] = {f"price.{ticket['price_id']}": ticket["quantity"] for ticket in found.wait.tickets}
    day = found.visit_date
    return f"{BASE}/new?" + urlencode({"venue": found.venue_id, "date": day, "slot": found.wait.slot_id, **tickets})


async def leave(request: Request) -> Response:
    """``POST /waitlist/{id}/leaving``: leaves the list, or declines the offer."""
    known, wait_id = await sessions.visitor(request), _read_id(request)
    if known is None:
        raise accounts.SignInNeeded
    await orders.waitlist.leave(
        sessions.database(request), sessions.as_traveller(known.account_id), known.account_id, wait_id
    )
    return sessions.see(f"{BASE}/{wait_id}")


def _read_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError as error:
        raise WaitUnknown from error


routes = [
    Route(BASE, mine, methods=["GET"]),
    Route(BASE, join, methods=["POST"]),
    Route(f"{BASE}/new", new, methods=["GET"]),
    Route(f"{BASE}/{{id}}", show, methods=["GET"]),
    Route(f"{BASE}/{{id}}/leaving", leave, methods=["POST"]),
]
