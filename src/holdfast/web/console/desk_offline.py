"""The offline page of a desk: it installs itself, works without a network, numbers what it takes, and hands it in later.

(Web App Manifest, Service Workers: W3C.) Who loads it is signed in; what it took is accepted with the token of its numbers,
too, so that nothing stays on a device because a session is over.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import accounts, catalogue, inventory, orders
from holdfast.inventory.allotments_model import AllottedSlot
from holdfast.kit import clock, i18n
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.problems import Invalid, Problem
from holdfast.orders import slips_model
from holdfast.orders.imports_model import Report, Row, Written
from holdfast.orders.slips_model import Pad, PadRevoked
from holdfast.web import assets, render, sessions
from holdfast.web.formats import HOME_ZONE

from . import access, desk_offline_words
from .desk_slips import READERS

HERE = "/console/desk/offline"
FILES = ("site.css", "desk.css", "desk_checks.js", "desk_store.js", "desk_offline.js", "icon.svg")
DAYS = 3
BODY_MAX = 512 * 1024
LINES_MAX = 100


class UploadUnreadable(Invalid):
    """This is not what the offline page sends."""

    safe = "Nothing was changed; what was taken is still on the device."
    next_step = "Load the page again with a network, or save the list as a file and import that."


class PackWish(msgspec.Struct, frozen=True):
    """What a device asks for: the places of a desk from a day on, and new numbers unless it has some (`pad`) left."""

    desk: str
    day: str
    pad: UUID | None = None
    token: str = ""


class Line(msgspec.Struct, frozen=True):
    """One booking as the device took it down."""

    written: Written
    over: bool = False


class Upload(msgspec.Struct, frozen=True):
    """Lines that were numbered from a pad, or on paper slips beside it."""

    pad: UUID
    token: str
    lines: list[Line]


async def show(request: Request) -> Response:
    """``GET /console/desk/offline``: the page. Everything else happens in the browser."""
    await access.require(request, *READERS)
    words = desk_offline_words.both()
    async with sessions.database(request).reading() as tx:
        desks = [(desk.code, desk.name) for desk in await inventory.allotments.desks(tx)]
    data = json.dumps({"words": words, "desks": desks}, ensure_ascii=False)
    said = words[render.language(request)]["say"]
    today = clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    shown = {"data": data, "said": said, "desks": desks, "today": today}
    return render.page(request, "console/desk_offline.html", headers={"X-Robots-Tag": "noindex"}, **shown)


async def manifest(request: Request) -> Response:
    """``GET /console/desk/offline/manifest.webmanifest``: what a device needs to install it."""
    await access.require(request)
    locale = render.language(request)
    name = i18n.translate("Desk", locale)
    return JSONResponse(
        {
            "name": f"Holdfast · {name}", "short_name": name, "start_url": HERE, "scope": HERE, "display": "standalone", "lang": locale,
            "background_color": "#0c3f47", "theme_color": "#0c3f47",
            "icons": [{"src": assets.url("icon.svg"), "type": "image/svg+xml", "sizes": "any"}],
        },
        media_type="application/manifest+json", headers={"Cache-Control": "no-cache"},
    )  # fmt: skip


async def worker(request: Request) -> Response:
    """``GET /console/desk/offline/sw.js``: the service worker, with the names of this release's files in it."""
    await access.require(request)
    files = [assets.url(name) for name in FILES]
    version = hashlib.sha256("".join(files).encode()).hexdigest()[:12]
    body = assets.text("desk_sw.js").replace("{version}", version).replace("{files}", json.dumps([HERE, *files]))
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": HERE}
    return Response(body, media_type=assets.TYPES["js"], headers=headers)


async def load(request: Request) -> Response:
    """``POST /console/desk/offline/packs``: the places of a desk for some days, and numbers with their seals."""
    seen = await access.require(request, *READERS)
    wish = await _read(request, PackWish)
    try:
        day = date.fromisoformat(wish.day)
    except ValueError as reason:
        raise UploadUnreadable from reason
    pack = await sessions.database(request).run(_pack, seen.actor, wish, day)
    return JSONResponse(pack, headers={"Cache-Control": "no-store"})


async def _pack(tx: Tx, actor: Actor, wish: PackWish, day: date) -> dict[str, Any]:
    desk = await inventory.allotments.require(tx, wish.desk)
    pad = await _kept_pad(tx, wish, desk.code, is_drill=desk.is_drill)
    fresh = pad is None
    if pad is None:
        pad = await orders.slips.device_pad(tx, actor, desk.code, day)
    slots = [
        slot
        for ahead in range(DAYS)
        for slot in await inventory.allotments.of_day(tx, desk.code, day + timedelta(days=ahead))
    ]
    return {
        "desk": {"code": desk.code, "name": desk.name}, "made_at": clock.now().isoformat(), "is_drill": desk.is_drill,
        "pad": {"id": str(pad.id), "token": slips_model.pad_token(pad.id)},
        "numbers": [{"number": one, "seal": orders.slips.seal(one)} for one in orders.slips.numbers(pad)] if fresh else [],
        "slots": await _slots(tx, slots),
    }  # fmt: skip


async def _kept_pad(tx: ReadTx, wish: PackWish, desk: str, *, is_drill: bool) -> Pad | None:
    """The pad that the device has numbers of, if it may go on using them."""
    if wish.pad is None or not slips_model.pad_token_fits(wish.pad, wish.token):
        return None
    pad = await orders.slips.pad(tx, wish.pad)
    return pad if pad.desk == desk and pad.is_drill == is_drill and not pad.revoked_at else None


async def _slots(tx: ReadTx, slots: list[AllottedSlot]) -> list[dict[str, Any]]:
    """Slots with what their product asks for and costs, as the page needs them."""
    venues = {one: await catalogue.venues.get(tx, one) for one in sorted({slot.venue_id for slot in slots})}
    found = []
    for slot in slots:
        product = venues[slot.venue_id].product(slot.product_id)
        if product is None:
            continue
        zone = ZoneInfo(slot.time_zone)
        prices = {
            price.id: price for view in await inventory.availability.day(tx, slot.venue_id, slot.visit_date)
            if view.id == slot.slot_id for price in view.prices
        }  # fmt: skip
        found.append({
            "id": str(slot.slot_id), "venue": slot.venue_id, "venue_name": slot.venue_name, "product": slot.product_name,
            "date": str(slot.visit_date), "begins": f"{slot.starts_at.astimezone(zone):%H:%M}", "ends": f"{slot.ends_at.astimezone(zone):%H:%M}",
            "left": slot.left, "real_name": product.real_name, "documents": product.documents,
            "prices": [
                {"id": one.id, "name": one.name, "amount_minor": one.amount_minor, "currency": one.currency, "uses_place": one.uses_place}
                for one in prices.values()
            ],
        })  # fmt: skip
    return found


async def hand_in(request: Request) -> Response:
    """``POST /console/desk/offline/lines``: what the device took; again changes nothing. One answer for each line."""
    try:
        sent = await _read(request, Upload)
    except UploadUnreadable:
        await access.require(request, *READERS)
        raise
    if len(sent.lines) > LINES_MAX:
        raise UploadUnreadable
    db = sessions.database(request)
    if not slips_model.pad_token_fits(sent.pad, sent.token):
        await access.require(request, *READERS)
    pad = await db.read(orders.slips.pad, sent.pad)
    if pad.revoked_at:
        raise PadRevoked
    known = await access.known(request)
    actor = known.staff.actor if known else system(f"offline page of {pad.desk}")
    rows = [Row(at, line.written, pad.is_drill) for at, line in enumerate(sent.lines, 1)]
    report = await orders.imports.run(db, actor, pad.desk, _name(pad), rows, source="device")
    return JSONResponse({"items": _answers(report)}, headers={"Cache-Control": "no-store"})


def _name(pad: Pad) -> str:
    return f"{slips_model.show(slips_model.number(pad.desk, pad.first))} +"


def _answers(report: Report) -> list[dict[str, Any]]:
    return [
        {"result": one.result, "problem": one.problem, "order": one.order_number, "warnings": [w["message"] for w in one.warnings]}
        for one in report.outcomes
    ]  # fmt: skip


async def _read(request: Request, kind: type[Any]) -> Any:
    """The body of a request as `kind`. UploadUnreadable."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise UploadUnreadable
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise UploadUnreadable from reason


def _with_codes(handler: Any) -> Any:
    """A handler for the page's own requests: problems as JSON with title and next step in both languages."""

    async def answered(request: Request) -> Response:
        try:
            answer: Response = await handler(request)
        except Problem as problem:
            status = 401 if isinstance(problem, accounts.StaffSignInNeeded) else problem.status
            said = {
                "code": problem.code,
                "title": i18n.both(problem.title),
                "next": i18n.both(problem.next_step) if problem.next_step else {},
            }
            return JSONResponse(said, status, headers={"Cache-Control": "no-store"})
        return answer

    return answered


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE + "/manifest.webmanifest", manifest, methods=["GET"]),
    Route(HERE + "/sw.js", worker, methods=["GET"]),
    Route(HERE + "/packs", _with_codes(load), methods=["POST"]),
    Route(HERE + "/lines", _with_codes(hand_in), methods=["POST"]),
]
