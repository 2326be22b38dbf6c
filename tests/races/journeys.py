"""Journeys: what travellers do over HTTP while things are killed. Whoever gets no answer asks again with the same key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from tests import world

from .rig import Rig, patiently

NO_ANSWER = (500, 502, 503)
PATIENCE_S = 45


@dataclass
class Client:
    """One traveller's program: remembers what it was promised and complains when it is told something else."""

    rig: Rig
    http: httpx2.AsyncClient
    person: world.Person
    promised: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, bytes] = field(default_factory=dict)
    unanswered: int = 0

    async def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx2.Response:
        """Asks until there is a definite answer."""
        headers |= {"Authorization": f"Bearer {self.person.token}", "Content-Type": "application/json"}
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                answer = await self.http.request(
                    method, f"{self.rig.url}/api/v1{path}", content=content, headers=headers
                )
            except httpx2.TransportError as error:
                said = repr(error)
            else:
                said = answer.text
                if answer.status_code not in NO_ANSWER:
                    return answer
            self.unanswered += 1
            assert asyncio.get_running_loop().time() < deadline, f"{method} {path}: no answer: {said}"
            await asyncio.sleep(0.1)

    async def place(self, slot: world.SlotWorld, key: str) -> str | None:
        """Books under a key; the order's number, or None when there is no place."""
        body = self.asked.setdefault(key, msgspec.json.encode(world.basket(slot)))
        answer = await self.ask("POST", "/orders", body, **{"Idempotency-Key": f'"{key}"'})
        found = answer.json()
        assert answer.status_code in (200, 201) or found["code"] == "slot-full", answer.text
        told = self.promised.setdefault(key, found)
        assert self._same(told, found), f"{key} was told {told} and then {found}"
        return found.get("number") if answer.status_code != 409 else None

    @staticmethod
    def _same(told: dict[str, Any], found: dict[str, Any]) -> bool:
        """The same order, or the same problem (whose instance may be another)."""
        names = ("number", "total", "expires_at", "state", "code", "type")
        return [told.get(name) for name in names] == [found.get(name) for name in names]

    async def code(self, number: str) -> str:
        """Presses the button until there is a code to scan."""
        while True:
            answer = await self.ask("POST", f"/orders/{number}/payment")
            assert answer.status_code == 200, answer.text
            if answer.json()["code_url"]:
                return str(answer.json()["code_url"])
            await asyncio.sleep(0.1)

    async def until(self, number: str, state: str) -> None:
        """Watches the order until it is what it must become."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while (found := (await self.ask("GET", f"/orders/{number}")).json())["state"] != state:
            assert asyncio.get_running_loop().time() < deadline, f"not {state}: {found}"
            await asyncio.sleep(0.1)


async def reference(db: Db, code_url: str) -> str:
    """The merchant's number of a charge, from its code."""
    return str(
        await patiently(
            lambda: world.value(db, "select merchant_ref from payments.attempts where code_url = %(c)s", c=code_url)
        )
    )


async def scan(client: Client, db: Db, code_url: str, **amounts: int) -> None:
    """The payer's phone."""
    ref = await reference(db, code_url)
    answer = await client.http.post(f"{client.rig.instance.simulator_url}/_sim/pay/{ref}", json=amounts)
    assert answer.status_code == 200, answer.text


async def buys(client: Client, db: Db, slot: world.SlotWorld) -> None:
    """Books, pays, gets tickets."""
    number = await client.place(slot, "buys")
    assert number is not None
    await scan(client, db, await client.code(number))
    await client.until(number, "confirmed")


async def pays_the_wrong_amount_and_cancels(client: Client, db: Db, slot: world.SlotWorld) -> None:
    """Books, pays one fen too little, gets it all back, cancels."""
    number = await client.place(slot, "errs")
    assert number is not None
    await scan(client, db, await client.code(number), amount=5999)
    while [refund["state"] for refund in (await client.ask("GET", f"/orders/{number}/payment")).json()["refunds"]] != [
        "succeeded"
    ]:
        await asyncio.sleep(0.1)
    answer = await client.ask("POST", f"/orders/{number}/cancellation")
    assert answer.status_code == 200, answer.text
    await client.until(number, "cancelled")


async def changes_its_mind(client: Client, db: Db, slots: tuple[world.SlotWorld, world.SlotWorld]) -> None:
    """Books and pays, goes over to a cheaper day, back to the dearer one for the difference, and cancels."""
    slot, cheaper = slots
    number = await client.place(slot, "moves")
    assert number is not None
    await scan(client, db, await client.code(number))
    await client.until(number, "confirmed")
    difference = slot.price_minor - cheaper.price_minor
    for target, due, state in ((cheaper, -difference, "done"), (slot, difference, "awaiting_payment")):
        body = msgspec.json.encode({"slot_id": target.slot_id, "quoted_minor": due})
        answer = await client.ask("POST", f"/orders/{number}/change", body)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    while not (code := (await client.ask("POST", f"/orders/{number}/change/payment")).json().get("code_url")):
        await asyncio.sleep(0.1)
    await scan(client, db, code)
    while (await client.ask("GET", f"/orders/{number}/change")).json()["items"][0]["state"] != "done":
        await asyncio.sleep(0.1)
    quote = (await client.ask("GET", f"/orders/{number}/cancellation")).json()["refund"]["amount_minor"]
    assert quote == slot.price_minor
    body = msgspec.json.encode({"quoted_minor": quote})
    answer = await client.ask("POST", f"/orders/{number}/cancellation", body)
    assert answer.status_code == 200, answer.text
    await client.until(number, "cancelled")


async def books_and_forgets(client: Client, db: Db, slot: world.SlotWorld) -> None:
    """Books and never pays; time passes."""
    number = await client.place(slot, "forgets")
    assert number is not None

    async def run_out(tx: Tx) -> None:
        await tx.execute(
            "update orders.orders set expires_at = %(past)s where number = %(number)s and state = 'held'",
            past=clock.now() - world.timedelta(seconds=1), number=number,
        )  # fmt: skip

    await patiently(lambda: db.run(run_out))
    await client.until(number, "expired")


async def wants_the_last_place(client: Client, db: Db, slot: world.SlotWorld) -> None:
    """Books, or is told that it is full; asks again, hears the same."""
    first = await client.place(slot, "last")
    assert await client.place(slot, "last") == first


async def time_flies(db: Db, stop: asyncio.Event) -> None:
    """What would be tried again in a while is tried again now."""

    async def timetable(tx: Tx) -> None:
        await tx.execute("update kit.timetable set due_at = %(now)s", now=clock.now())

    loop, next_turn = asyncio.get_running_loop(), 0.0
    while not stop.is_set():
        try:
            await world.hurry(db)
            if loop.time() >= next_turn:  # every second: all that is in the timetable at once is more than a day has
                await db.run(timetable)
                next_turn = loop.time() + 1
        except orders.placing.problems.Unavailable:
            pass
        await asyncio.sleep(0.3)
