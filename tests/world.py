"""A small named cast, made by calling the real commands: slots, people, baskets, orders, payments.

    slot = await world.open_slot(db, places=3)
    mei = await world.traveller(db)
    placed = await world.place(db, world.request(mei, world.basket(slot, people=2)))

`Problem`s are raised as the commands raise them. Ids, phones and identity numbers are new with every call.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from psycopg.types.json import Jsonb

from holdfast import accounts, notices, orders, payments
from holdfast.kit import clock, ids, jobs
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem
from holdfast.payments import resolver, store
from holdfast.payments.providers.base import CallRecord, OutcomeClass

ZONE = ZoneInfo("Asia/Shanghai")
ACCEPTED = ("cn_resident_id", "hkmo_travel_permit", "passport")
_numbers = itertools.count(1)


class SlotWorld(msgspec.Struct, frozen=True):
    """A slot on sale, and what it is a slot of."""

    slot_id: UUID
    price_id: str
    venue_id: str
    product_id: str
    code: str
    price_minor: int
    starts_at: datetime


class Person(msgspec.Struct, frozen=True):
    """Somebody who is signed in."""

    account_id: UUID
    token: str
    phone: str

    @property
    def actor(self) -> Actor:
        return Actor("traveller", self.account_id)


class Payer(Protocol):
    """The simulator's process, as far as paying needs it."""

    def pay(self, number: str, **amounts: int) -> dict[str, object]: ...


# Places


async def open_slot(
    db: Db,
    *,
    places: int = 10,
    price_minor: int = 6000,
    currency: str = "CNY",
    real_name: bool = True,
    once_per_document: bool = True,
    per_account_day: int | None = None,
    max_per_order: int = 5,
    documents: Sequence[str] = ACCEPTED,
    uses_place: bool = True,
    starts_in: timedelta = timedelta(days=1),
    opens_in: timedelta = timedelta(hours=-1),
    closes_in: timedelta | None = None,
    state: str = "open",
    beside: SlotWorld | None = None,
) -> SlotWorld:
    """A slot of two hours: of a new venue and product, or one more slot that day `beside` another of the same product."""

    async def make(tx: Tx) -> SlotWorld:
        """Rows as an import and `inventory.generate` make them; the slot's own capacity stands in its timeslot."""
        n, now = next(_numbers), clock.now()
        venue_id, product_id = f"venue-{n}", f"product-{n}"
        if beside:
            venue_id, product_id, starts_at = beside.venue_id, beside.product_id, beside.starts_at
        else:
            starts_at = (now + starts_in).replace(microsecond=0)
            await tx.execute(
                """insert into catalogue.venues (id, name, city, kind, updated_at)
                   values (%(id)s, %(name)s, %(city)s, 'museum', %(at)s)""",
                id=venue_id, name=Jsonb({"zh": f"博物馆{n}", "en": f"Museum {n}"}), city=Jsonb({"zh": "南京", "en": "Nanjing"}),
                at=now,
            )  # fmt: skip
            await tx.execute(
                """insert into catalogue.openings (venue_id, season, from_day, to_day, opens, closes, last_entry)
               values (%(id)s, 'year', '01-01', '12-31', '00:00', '00:00', '00:00')""",
                id=venue_id,
            )
            await tx.execute(
                """insert into catalogue.products (id, venue_id, name, real_name, documents, max_per_order,
                                                   once_per_document_day, per_account_day, updated_at)
                   values (%(id)s, %(venue)s, %(name)s, %(real)s, %(documents)s, %(most)s, %(once)s, %(quota)s, %(at)s)""",
                id=product_id, venue=venue_id, name=Jsonb({"zh": "门票", "en": "Admission"}), real=real_name,
                documents=list(documents), most=max_per_order, once=once_per_document, quota=per_account_day, at=now,
            )  # fmt: skip
        code, slot_id, price_id = f"t{n}", ids.uuid7(), f"price-{n}"
        local, ends_at = starts_at.astimezone(ZONE), starts_at + timedelta(hours=2)
        await tx.execute(
            """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp, capacity)
               values (%(product)s, %(code)s, %(starts)s, %(ends)s, 10000, %(places)s)""",
            product=product_id, code=code, starts=local.time(), ends=ends_at.astimezone(ZONE).time(), places=places,
        )  # fmt: skip
        await add_price(tx, price_id, product_id, price_minor, currency=currency, uses_place=uses_place)
        await tx.execute(
            """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at,
                                            sale_closes_at, state, reason, capacity)
               values (%(id)s, %(product)s, %(venue)s, %(day)s, %(code)s, %(starts)s, %(ends)s, %(opens)s, %(closes)s,
                       %(state)s, %(reason)s, %(places)s)""",
            id=slot_id, product=product_id, venue=venue_id, day=local.date(), code=code, starts=starts_at, ends=ends_at,
            opens=now + opens_in, closes=ends_at if closes_in is None else now + closes_in, state=state,
            reason=Jsonb({} if state == "open" else {"zh": "维护", "en": "Maintenance"}), places=places,
        )  # fmt: skip
        return SlotWorld(slot_id, price_id, venue_id, product_id, code, price_minor, starts_at)

    return await db.run(make)


async def add_price(
    tx: Tx, price_id: str, product_id: str, amount_minor: int, *, currency: str = "CNY", uses_place: bool = True,
    from_day: str = "01-01", to_day: str = "12-31",
) -> None:  # fmt: skip
    """One more ticket of a product."""
    await tx.execute(
        """insert into catalogue.prices (id, product_id, ticket, name, amount_minor, currency, from_day, to_day, uses_place)
           values (%(id)s, %(product)s, 'adult', %(name)s, %(amount)s, %(currency)s, %(from)s, %(to)s, %(uses)s)""",
        id=price_id, product=product_id, name=Jsonb({"zh": "成人票", "en": "Adult"}), amount=amount_minor,
        currency=currency, uses=uses_place, **{"from": from_day, "to": to_day},
    )  # fmt: skip


async def set_slot(db: Db, slot: SlotWorld, **columns: Any) -> None:
    """What a capacity policy or a closure makes of a slot: its `state` or its `capacity`."""
    await db.run(_set_slot, slot, columns.get("state"), columns.get("capacity"))


async def _set_slot(tx: Tx, slot: SlotWorld, state: str | None, capacity: int | None) -> None:
    await tx.execute(
        """update inventory.slots set state = coalesce(%(state)s, state), capacity = coalesce(%(capacity)s, capacity),
                  reason = %(reason)s where id = %(id)s""",
        id=slot.slot_id, state=state, capacity=capacity, reason=Jsonb({"zh": "维护", "en": "Maintenance"}),
    )  # fmt: skip
    await tx.execute(
        "update catalogue.timeslots set capacity = coalesce(%(capacity)s, capacity) where product_id = %(p)s and code = %(c)s",
        capacity=capacity, p=slot.product_id, c=slot.code,
    )  # fmt: skip


async def places_left(db: Db, slot: SlotWorld) -> int:
    """What the slot's counters say."""
    return int(await value(db, "select capacity - taken from inventory.slots where id = %(id)s", id=slot.slot_id))


# People


def phone_number() -> str:
    """A mainland mobile nobody else has, in E.164 form."""
    return f"+86139{next(_numbers):08d}"


def identity_number() -> str:
    """A valid resident identity number that nobody else has (GB 11643: MOD 11-2 check character)."""
    n = next(_numbers)
    body = f"110105{date(1960, 1, 1) + timedelta(days=n // 900):%Y%m%d}{n % 900:03d}"
    total = sum(int(digit) * (1 << (17 - at)) for at, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def visitor(
    name: str = "王小明", document: str | None = None, document_type: str = "cn_resident_id"
) -> orders.TravellerInput:
    """A person at the gate, as typed."""
    return orders.TravellerInput(name, document_type, document or identity_number())


async def traveller(db: Db, phone: str | None = None) -> Person:
    """Somebody who asked for a code, read it in the mailbox and signed in."""
    phone = phone or phone_number()
    await accounts.request_code(db, phone, "zh", f"source-{phone}")
    signed_in = await accounts.sign_in(db, phone, await code_sent_to(db, phone), kept=True, device="test")
    return Person(signed_in.account_id, signed_in.token, phone)


async def code_sent_to(db: Db, phone: str) -> str:
    """The newest sign-in code in the mailbox."""
    message = next(m for m in await messages(db, phone) if m.template == "sign-in-code")
    found = re.search(r"\b\d{6}\b", message.body)
    assert found is not None, message.body
    return found[0]


async def messages(db: Db, phone: str) -> list[notices.Message]:
    """What a phone was sent, newest first."""
    return [message for message in await db.read(notices.recent, 500) if message.recipient == phone]


async def same_person(db: Db, *people: Person) -> None:
    """Several accounts are one person, by the real command; the proofs are the test's word."""
    for person in people[1:]:
        await db.run(
            accounts.merge, system("test"), people[0].account_id, person.account_id, evidence={"means": "test"}
        )


# Orders


def line(
    slot: SlotWorld, people: int = 1, *, visitors: Sequence[orders.TravellerInput] | None = None, price_id: str | None = None,
    quoted_minor: int | None = None,
) -> orders.BasketLine:  # fmt: skip
    """Tickets for `people` new visitors, or for these `visitors`; an empty list is a line without names."""
    named = [visitor() for _ in range(people)] if visitors is None else list(visitors)
    return orders.BasketLine(slot.slot_id, price_id or slot.price_id, len(named) or people, named, quoted_minor)


def basket(
    *slots: SlotWorld, people: int = 1, visitors: Sequence[orders.TravellerInput] | None = None
) -> orders.Basket:
    """One line in each slot, and a phone for the messages."""
    return orders.Basket([line(slot, people, visitors=visitors) for slot in slots], phone_number())


def request(
    person: Person, wanted: orders.Basket, key: str | None = None, *, locale: str = "en"
) -> orders.PlaceRequest:
    """A booking ready to be decided, under a new key unless one is given."""
    return orders.prepare(
        account_id=person.account_id, key=f"key-{next(_numbers)}" if key is None else key, basket=wanted, locale=locale, channel="web",
        actor=person.actor,
    )  # fmt: skip


async def place_many(db: Db, *requests: orders.PlaceRequest) -> list[orders.Placed | Problem]:
    """Decides a batch in one transaction."""
    return await db.run(orders.place_many, requests)


async def place(db: Db, wanted: orders.PlaceRequest) -> orders.Placed:
    """Decides one booking; raises its problem."""
    [outcome] = await place_many(db, wanted)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def outcomes(results: Sequence[orders.Placed | Problem]) -> list[str]:
    """A batch in words: the state of each order, or the code of its problem."""
    return [result.code if isinstance(result, Problem) else str(result.state) for result in results]


async def order_of(db: Db, person: Person, number: str) -> orders.Order:
    """An order as its owner sees it."""
    async with db.reading() as tx:
        return await orders.require(tx, person.account_id, number)


async def payment_of(db: Db, person: Person, order: orders.Order) -> payments.PaymentView:
    """The payment of an order as its owner sees it; it has been started."""
    async with db.reading() as tx:
        found = await orders.payment_of(tx, await orders.require(tx, person.account_id, order.number))
    assert found is not None
    return found


async def held_order(db: Db, slot: SlotWorld, people: int = 1) -> tuple[Person, orders.Order]:
    """A new person with a new order that waits to be paid."""
    person = await traveller(db)
    placed = await place(db, request(person, basket(slot, people=people)))
    return person, await order_of(db, person, placed.number)


async def paid_order(db: Db, payer: Payer, slot: SlotWorld, people: int = 1) -> tuple[Person, orders.Order]:
    """A new person with a confirmed order, paid through the simulator."""
    person, order = await held_order(db, slot, people)
    view = await orders.pay(db, person.actor, order)
    assert view.merchant_ref is not None
    payer.pay(view.merchant_ref)
    await until_quiet(db)
    order = await order_of(db, person, order.number)
    assert order.state is orders.State.CONFIRMED, order
    return person, order


# Time and work


async def hurry(db: Db) -> None:
    """Everything that waits for its next try is due now."""

    async def due(tx: Tx) -> None:
        await tx.execute(
            "update payments.attempts set next_query_at = %(at)s where next_query_at is not null", at=clock.now()
        )
        await tx.execute(
            "update payments.refunds set next_query_at = %(at)s where next_query_at is not null", at=clock.now()
        )
        await tx.execute(
            "update payments.second_receipts set next_query_at = %(at)s where next_query_at is not null", at=clock.now()
        )
        await tx.execute("update payments.pace set tokens = 100")
        await tx.execute("update kit.outbox set due_at = %(at)s where parked_at is null", at=clock.now())

    await db.run(due)


async def work_once(db: Db) -> None:
    """What a worker does in one round, without its waits."""
    await hurry(db)
    await resolver.resolve(db)
    await jobs.drain(db)


async def until_quiet(db: Db, *, timeout_s: float = 10) -> None:
    """Works until no attempt of an open intent may still bring news and no refund is on its way.

    Attempts that wait for their payer stay as they are: they are asked about in the last round all the same.
    """

    async def quiet() -> bool:
        await work_once(db)
        return not await value(
            db,
            """select (select count(*) from payments.attempts where state in ('created', 'submitted', 'unknown'))
                    + (select count(*) from payments.refunds where state not in ('succeeded', 'closed'))
                    + (select count(*) from payments.second_receipts where state = 'suspected')
                    + (select count(*) from kit.outbox where parked_at is null)""",
        )

    await until(quiet, timeout_s=timeout_s)


async def until(condition: Callable[[], Awaitable[Any]], *, timeout_s: float = 10) -> None:
    """Asks again and again until the condition holds; an AssertionError when it never does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not await condition():
        assert loop.time() < deadline, f"not so after {timeout_s} s: {condition}"
        await asyncio.sleep(0.03)


async def age(db: Db, merchant_ref: str, by: timedelta) -> None:
    """An attempt was begun so much earlier, for us."""

    async def back(tx: Tx) -> None:
        await tx.execute(
            "update payments.attempts set created_at = created_at - %(by)s where merchant_ref = %(ref)s",
            by=by, ref=merchant_ref,
        )  # fmt: skip

    await db.run(back)


async def promise_over(db: Db, order: orders.Order) -> None:
    """The time of a promise to pay is over, for us and for its attempts."""

    async def due(tx: Tx) -> None:
        past = clock.now() - timedelta(seconds=1)
        await tx.execute(
            "update payments.intents set due_at = %(past)s, expires_at = %(past)s where reference = %(ref)s",
            past=past, ref=f"order:{order.row.id}",
        )  # fmt: skip

    await db.run(due)


def call_record(operation: str, outcome: OutcomeClass, code: str | None = None) -> CallRecord:
    """A call as an adapter tells of it."""
    return CallRecord(
        operation=operation,
        started_at=clock.now(),
        elapsed_ms=20,
        http_status=200,
        outcome_class=outcome,
        error_code=code,
    )


async def lay_in_inbox(tx: Tx, provider: str, dedupe_key: str, content: dict[str, Any]) -> None:
    """A callback as it lies in the inbox, stored and not applied."""
    inbox_id = ids.uuid7()
    await store.insert_notification(
        tx, inbox_id=inbox_id, provider=provider, dedupe_key=dedupe_key, kind="TEST", content=content, at=clock.now()
    )
    await jobs.emit(tx, "payment.notified", {"inbox_id": str(inbox_id)})


async def run_out(db: Db, order: orders.Order) -> None:
    """An order's time is over, for us: the provider's clock and the signatures' stay as they are."""

    async def age(tx: Tx) -> None:
        past = clock.now() - timedelta(seconds=1)
        await tx.execute("update orders.orders set expires_at = %(past)s where id = %(id)s", past=past, id=order.row.id)
        await tx.execute(
            """update payments.intents set expires_at = %(past)s where reference = %(ref)s""",
            past=past,
            ref=f"order:{order.row.id}",
        )
        await tx.execute(
            """update payments.attempts set expires_at = %(past)s
               where intent_id in (select id from payments.intents where reference = %(ref)s)""",
            past=past, ref=f"order:{order.row.id}",
        )  # fmt: skip

    await db.run(age)


@asynccontextmanager
async def another_process(url: str, *, size: int = 5) -> AsyncIterator[Db]:
    """A second pool on the same database, as a second process has."""
    other = await Db(url, size=size).open()
    try:
        yield other
    finally:
        await other.close()


async def value(db: Db, sql: Any, **parameters: Any) -> Any:
    """The first column of the first row."""

    async def ask(tx: ReadTx) -> Any:
        return await tx.value(sql, **parameters)

    return await db.read(ask)
