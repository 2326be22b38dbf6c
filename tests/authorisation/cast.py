"""Who asks, and for what: one of each kind of asker, and an owner who has one of everything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx2
import msgspec
import structlog
from starlette.applications import Starlette

from holdfast import accounts, api, main, orders, support
from holdfast.accounts import Role, exports, merging, rights
from holdfast.kit import ids
from holdfast.kit.db import Db, Tx
from holdfast.passes import CardProduct
from holdfast.support.model import NewCase
from holdfast.web import assets
from tests import cards, staff, world

ABSENT = "0192d2c0-0000-7000-8000-000000000000"
WRONG = "AAAAAAAAAAAAAAAAAAAAAA"
HOST = "http://holdfast.test"
_ON_SALE: WeakKeyDictionary[Db, CardProduct] = WeakKeyDictionary()
ENDPOINTS = {(endpoint.method, endpoint.path): endpoint for endpoint in api.endpoints()}


class Owner(msgspec.Struct, frozen=True):
    """Somebody with an order, a case, a copy of their data and a joined account; and the other account of theirs."""

    person: world.Person
    member: world.Person
    stale: world.Person
    """The owner in a session in which they proved who they are an hour ago."""
    things: dict[str, str]
    tokens: dict[str, str]
    """Signed links by the beginning of the address they open."""


class Crew(msgspec.Struct, frozen=True):
    """Those who own nothing here: another traveller, and a colleague for each role."""

    other: world.Person
    colleagues: dict[str, staff.Colleague]
    api_tokens: dict[str, str]


def built() -> Any:
    """The application of a process. What it settles for the whole process, how to log, is taken back: others test that."""
    before = structlog.get_config()
    app = main.app()
    structlog.configure(**before)
    return app


def program(db: Db) -> tuple[Any, Starlette]:
    """The application of a process as it is served, on this database; and the site within."""
    app = built()
    site: Starlette = app.app._site  # type: ignore[attr-defined]
    site.state.db = db
    site.state.place = orders.group_commit(db, lanes=1)
    site.state.doorkeeper = accounts.Doorkeeper(db, fresh_s=0)
    return app, site


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that follows no redirects; what the program does not handle is a 500, as for everybody."""
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 40000), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
        client.headers["Accept-Language"] = "en"
        yield client


async def owner(db: Db) -> Owner:
    """New with every call."""
    mei, member = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, member)
    slot = await world.open_slot(db)
    wanted = world.basket(slot)
    placed = await world.place(db, world.request(mei, wanted))
    order = await world.order_of(db, mei, placed.number)
    case = await support.cases.open_case(db, mei.actor, _case(mei))
    wait = await _wait(db, mei)
    card = await _card(db, mei)
    copy = await exports.ask(db, mei.actor)
    await exports.build(db, copy.id)
    [link] = await db.read(accounts.joined, mei.account_id)

    things = {
        "/orders/{number}": order.number, "/help/cases/{number}": case.number, "/console/cases/{number}": case.number,
        "/account/cards/{number}": card, "/console/cards/{number}": card, "/api/v1/cards/{card}": card,
        "/api/v1/cases/{case}": case.number, "/console/merges/links/{id}": str(link.id),
        "/account/privacy/exports/{id}": str(copy.id), "/account/merging/links/{id}": str(link.id),
        "/account/merging/not-me/{id}": str(link.id), "/waitlist/{id}": str(wait), "/venues/{id}": slot.venue_id, "{venue_id}": slot.venue_id,
        "{slot}": str(slot.slot_id), "{side}": "a",
        "day": slot.starts_at.astimezone(world.ZONE).date().isoformat(), "price": slot.price_id, "phone": wanted.phone,
    }  # fmt: skip
    things |= await _ids(db, mei)
    stale = msgspec.structs.replace(mei, token=await _again(db, mei))
    return Owner(mei, member, stale, things, _tokens(order.number, case.number, link.id))


async def _card(db: Db, person: world.Person) -> str:
    """The number of a card that is active. It is put on sale once: each time brings all slots of the database in step."""
    if db not in _ON_SALE:
        _ON_SALE[db] = await cards.on_sale(db, [await world.open_slot(db)], a_day=10_000)
    _person, found = await cards.active(db, _ON_SALE[db], person)
    return found.number


async def _wait(db: Db, person: world.Person) -> UUID:
    """A place on a waiting list."""
    slot = await world.open_slot(db, places=1)
    await world.held_order(db, slot)
    found = await db.run(
        orders.waitlist.join, person.actor, person.account_id, ids.uuid7().hex, [world.line(slot)], locale="en", channel="web"
    )  # fmt: skip
    assert not isinstance(found, orders.Placed)
    return found.wait.id


def _case(person: world.Person) -> NewCase:
    return NewCase(
        kind="other", words="Please help.", phone=person.phone, locale="en", channel="web", key=ids.uuid7().hex,
        account_id=person.account_id,
    )  # fmt: skip


async def _again(db: Db, person: world.Person) -> str:
    """Another session of the same person, an hour old as far as proofs go."""

    async def begin(tx: Tx) -> str:
        begun = await accounts.sessions.begin(
            tx, person.account_id, accounts.Method.CODE, b"again", kept=True, place=accounts.Place("old")
        )
        await tx.execute(
            "update accounts.sessions set proven_at = proven_at - interval '1 hour' where device = 'old' and account_id = %(id)s",
            id=person.account_id,
        )  # fmt: skip
        return begun.token

    return await db.run(begin)


async def _ids(db: Db, person: world.Person) -> dict[str, str]:
    """A device and a phone of the owner, by the names that their pages give them."""
    [first, *_] = await db.read(accounts.devices, person.account_id)
    known = await db.read(accounts.identifiers.credentials, person.account_id)
    return {
        "/account/sessions/{id}": first.id,
        "/api/v1/devices/{device_id}": first.id,
        "/account/security/identifiers/{id}": str(known.identifiers[0].id),
    }


def _tokens(order: str, case: str, link_id: Any) -> dict[str, str]:
    return {
        "/orders/{number}": orders.link_token(order),
        "/help/cases/{number}": support.cases.link_token(case),
        "/api/v1/cases/{case}": support.cases.link_token(case),
        "/account/merging/not-me/{id}": merging.not_me_token(link_id, "a"),
    }


async def crew(db: Db) -> Crew:
    """One colleague for each role, each with a program of theirs, and a stranger."""
    people = {role.value: await staff.colleague(db, role.value) for role in Role}
    programs = {role: await staff.api_token(db, person, role) for role, person in people.items()}
    return Crew(await world.traveller(db), people, programs)


def address_of(path: str, things: dict[str, str]) -> str:
    """The address of something the owner has; of nothing where they have nothing like it."""
    address = path
    for begin in sorted(things, key=len, reverse=True):
        if "{" in begin and begin in address:
            name = begin[begin.rindex("{") :]
            address = address.replace(begin, begin.replace(name, things[begin]), 1)
    address = (
        address.replace("{seq:int}", "1").replace("{line:int}", "1").replace("/static/{name}", assets.url("site.css"))
    )
    address = re.sub(r"{(id|token|refund)}", ABSENT, address)
    address = address.replace("/problems/{code}", "/problems/order-unknown")
    return re.sub(r"{\w+(:\w+)?}", "nothing", address)


def token_of(path: str, tokens: dict[str, str]) -> str:
    """The token of the signed link to a page; empty for pages that have none."""
    return next((token for begin, token in tokens.items() if path.startswith(begin)), "")


async def send(
    client: httpx2.AsyncClient, method: str, path: str, things: dict[str, str], *, bearer: str = "", token: str = ""
) -> httpx2.Response:
    """A request in good form where that decides who is let in: see `typed` and `example`; else an empty one."""
    endpoint = ENDPOINTS.get((method, path))
    query = {"token": token} if token else {}
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    address = address_of(path, things)
    if endpoint is not None:
        query |= {"venue-calendar": {"month": "2026-12"}, "slots": {"date": "2026-12-01"}}.get(endpoint.name, {})
        headers["Idempotency-Key"] = ids.uuid7().hex
        return await client.request(method, address, params=query, json=example(endpoint, things), headers=headers)
    fields = typed(path, things)
    if method == "GET":
        query |= fields
    address = f"{address}?{urlencode(query)}" if query else address
    return await client.request(method, address, data=None if method == "GET" else fields, headers=headers)


def example(endpoint: api.Endpoint, things: dict[str, str]) -> Any:
    """A body that could be sent, about what the owner has or could have."""
    if endpoint.path == "/api/v1/lookups":
        return {"number": things["/orders/{number}"], "phone": things["phone"]}
    if (endpoint.method, endpoint.path) == ("POST", "/api/v1/orders"):
        visitor = msgspec.to_builtins(world.visitor())
        line = {"slot_id": things["{slot}"], "price_id": things["price"], "quantity": 1, "travellers": [visitor]}
        return {"lines": [line], "phone": things["phone"]}
    if endpoint.path == "/api/v1/quotes":
        return {"lines": [{"slot_id": things["{slot}"], "price_id": things["price"], "quantity": 1}]}
    return endpoint.example


def typed(path: str, things: dict[str, str]) -> dict[str, str]:
    """The fields of a form."""
    if path.startswith("/checkout"):
        what = {"venue": things["{venue_id}"], "date": things["day"], "slot": things["{slot}"]}
        return what | {f"price.{things['price']}": "1"}
    if path == "/account/confirm/code":
        return {"identifier": things["/account/security/identifiers/{id}"]}
    return {}


async def belongings(db: Db, found: Owner) -> str:
    """Everything that is held about the owner, to be compared; without what a look at it leaves behind."""
    data = await db.read(rights.collect, sorted([found.person.account_id, found.member.account_id]))
    data = {kind: rows for kind, rows in data.items() if kind not in ("messages", "audit")}
    whole = msgspec.json.encode(data).decode()
    return re.sub(r'"seen_at":"[^"]+"', "", whole)
