"""Baseline (c): what PostgreSQL can do at all: `orders.place_many` called with ready batches, no HTTP, no validation.

``python -m bench.limit`` is one client: reads a `Wish` as JSON from a line of standard input, prepares its batches, says
"ready", waits for a line, calls until time or batches are over, and writes a `Load` as JSON.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import psycopg

from holdfast import orders
from holdfast.kit import db, ids
from holdfast.kit.actor import Actor
from holdfast.orders.model import PlaceRequest

from .ground import PRICE
from .load import Load
from .processor import busy_s, spent_s
from .requests import bookings

BATCH = 256
SEALED = 512
"""So many bookings are really sealed; the others get a fresh id, number, key and document index, the same sizes."""
PER_S_MAX = 30_000
CALL = "select orders.place_many(%s::json, %s::json, %s::json, %s, %s, '{}')::text"


class Wish(msgspec.Struct, frozen=True):
    """What one client is to do."""

    url: str
    accounts: list[UUID]
    slots: list[str]
    measurement: int
    client: int
    clients: int
    seconds: float
    postgres_pids: list[int] = []


def _sealed(wish: Wish) -> list[PlaceRequest]:
    line = bookings(wish.measurement, wish.slots, start=wish.client * SEALED)
    today = date(2026, 1, 1)
    return [
        orders.prepare(
            account_id=wish.accounts[booking.account], key=booking.key, locale="zh", channel="api", today=today,
            actor=Actor("traveller", wish.accounts[booking.account]),
            basket=orders.Basket(
                [
                    orders.BasketLine(
                        UUID(booking.slot_id), PRICE, len(booking.travellers),
                        [orders.TravellerInput(*person) for person in booking.travellers],
                    )
                ],
                booking.phone,
            ),
        )
        for booking in itertools.islice(line, SEALED)
    ]  # fmt: skip


def batches(wish: Wish) -> list[tuple[str, str, str]]:
    """Ready parameters of the SQL function, as JSON, as the product sends them."""
    sealed = _sealed(wish)
    encode = msgspec.json.Encoder().encode
    made = []
    rate = PER_S_MAX / wish.clients if wish.clients > 1 else PER_S_MAX
    dice = itertools.count()
    for _ in range(max(1, int(wish.seconds * rate) // BATCH)):
        heads, lines, people = [], [], []
        for n in range(1, BATCH + 1):
            which = next(dice)
            request = sealed[which % SEALED]
            order_id = ids.uuid7()
            head = msgspec.structs.asdict(request)
            del head["lines"], head["travellers"]
            head |= {"n": n, "order_id": order_id, "number": ids.new_code(), "key": str(order_id)}
            heads.append(head)
            slot_id = wish.slots[(which * 7919) % len(wish.slots)]
            lines += [{"n": n, **msgspec.structs.asdict(line), "slot_id": slot_id} for line in request.lines]
            for person in request.travellers:
                index = "\\x" + os.urandom(32).hex()
                people.append({"n": n, **msgspec.structs.asdict(person), "slot_id": slot_id, "document_index": index})
        made.append((encode(heads).decode(), encode(lines).decode(), encode(people).decode()))
    return made


def work(wish: Wish) -> Load:
    """Calls as fast as the answers come."""
    ready = batches(wish)
    answers: list[str] = []
    with psycopg.connect(wish.url, options=db.SESSION, autocommit=True) as connection:
        cursor = connection.cursor()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began, start, cpu, postgres = time.time(), time.perf_counter(), time.process_time(), spent_s(wish.postgres_pids)
        busy = busy_s()
        for batch in ready:
            at = datetime.now(UTC)
            cursor.execute(CALL, [*batch, at, timedelta(minutes=15)], prepare=True)
            [answer] = cursor.fetchone() or [""]
            answers.append(answer)
            if time.perf_counter() - start > wish.seconds:
                break
        elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
        postgres, busy = spent_s(wish.postgres_pids) - postgres, busy_s() - busy
    placed = [answer for text in answers for answer in msgspec.json.decode(text)]
    numbers = [answer["number"] for answer in placed if "number" in answer]
    used = ready[: len(answers)]
    refused = [answer for answer in placed if "number" not in answer]
    return Load(
        counted=len(numbers), elapsed_s=elapsed, cpu_s=cpu, postgres_cpu_s=postgres, others_cpu_s=busy - postgres, began=began,
        sent=len(placed), numbers=numbers,
        travellers=sum(people.count('"document":') for _, _, people in used),
        statuses={"201": len(numbers), **({"409": len(refused)} if refused else {})},
        refusal=str(refused[:1]) if refused else "",
    )  # fmt: skip


if __name__ == "__main__":
    wished = msgspec.json.decode(sys.stdin.readline(), type=Wish)
    load = work(wished)
    sys.stdout.buffer.write(msgspec.json.encode(load))
