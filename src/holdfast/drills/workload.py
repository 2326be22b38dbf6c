"""The travellers of a drill: they hold an order, pay or try to, look at their page, and act as their temper says.

All goes over real HTTP; paying at the provider happens there, whether we can hear of it or not.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.problems import Unavailable

from . import store
from .diary import Diary
from .door import Door, Heard
from .people import WAYS, Person

PLACING_AT_ONCE = 32
BEGINNING_AT_ONCE = 16
FIRST_LOOK_S, SLOWER, SELDOM_S = 2.0, 1.15, 8.0
"""The page's own pace: after two seconds, ever more seldom, at the least every eight; anew when something changed."""
CROWD = 1000
"""Up to so many pages look at the page's own pace; more share the machine, and look that much more seldom."""
AGAIN_S = 6.0
"""Nobody presses a button again sooner."""
INSIST_AFTER_S = 21.0
CHOOSING = frozenset({"choose", "outage", "failed", "mismatch"})
PAYABLE = frozenset({"waiting", "leaving", "card"})
ENDED = frozenset({"paid", "cancelled", "expired", "returned", "unpaid"})
PROVIDERS = tuple(dict.fromkeys(provider for provider, *_ in WAYS))


@dataclass
class Traveller:
    """A person, and how far they are."""

    person: Person
    token: str
    dice: random.Random
    number: str = ""
    end: str = ""
    """How it ended: the last stage, or what the person did."""
    current: str = ""
    """The provider that was taken last."""
    begun_s: float | None = None
    pressed_s: float = -1e9
    refusals: int = 0
    promised: bool = False
    offered: list[str] = field(default_factory=list)
    stage: str = ""
    """What their page told last."""
    shows: str = ""
    shown: str = ""
    """The charge that can be paid now: the provider's number for it."""
    links: dict[str, str] = field(default_factory=dict)
    """Of charges that are paid on a page of the provider: its address."""
    seen: dict[str, float] = field(default_factory=dict)
    """Charges that were shown, and when."""
    paid: dict[str, float] = field(default_factory=dict)
    """Charges whose money the provider has, and since when."""


class Crowd:
    """All travellers of a drill."""

    def __init__(self, people: list[Person], door: Door, db: Db, diary: Diary, *, seed: int) -> None:
        self.travellers = [
            Traveller(person, f"drill-{seed}-{person.number:06d}-" + "x" * 24, random.Random(f"{seed}:{person.number}"))
            for person in people
        ]
        self._door, self._db, self._diary = door, db, diary
        self.pace = max(1.0, len(people) / CROWD)
        self.refused: Counter[str] = Counter()

    async def place(self, slots: list[UUID]) -> None:
        """Everybody signs in and holds an order."""
        await self._db.run(store.sign_in, [one.token for one in self.travellers])
        await self._side_by_side(PLACING_AT_ONCE, [self._place(one, slots) for one in self.travellers])

    async def begin_before(self) -> None:
        """Those who begin to pay before the disturbance."""
        early = [one for one in self.travellers if one.person.begins_before]
        await self._side_by_side(BEGINNING_AT_ONCE, [self._begin(one) for one in early])

    async def act(self, until_s: float) -> None:
        """All do what they do, until each has come to an end, at the latest so many seconds after the diary's zero."""
        tasks = [asyncio.create_task(self._live(one)) for one in self.travellers if not one.end]
        _, late = await asyncio.wait(tasks, timeout=max(0.0, until_s - self._diary.now_s()))
        for task in late:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        for one in self.travellers:
            one.end = one.end or f"still there: {one.stage or 'not begun'}"

    def ends(self) -> Counter[str]:
        """How it ended, and for how many."""
        return Counter(one.end for one in self.travellers)

    @staticmethod
    async def _side_by_side(lanes: int, doing: list[Any]) -> None:
        gate = asyncio.Semaphore(lanes)

        async def one(step: Any) -> None:
            async with gate:
                await step

        await asyncio.gather(*(one(step) for step in doing))

    async def _place(self, one: Traveller, slots: list[UUID]) -> None:
        number, person = one.person.number, one.person
        people = [
            {"name": "王小明", "document_type": "passport", "document": f"E{number * 2 + seat:08d}"}
            for seat in range(person.tickets)
        ]
        line = {
            "slot_id": str(slots[number % len(slots)]),
            "price_id": store.price_id(person.price),
            "quantity": person.tickets,
            "travellers": people,
        }
        body = {"lines": [line], "phone": f"139{number:08d}", "locale": "zh"}
        for _ in range(3):  # the same key: a second answer is the first one
            heard = await self._door.command("place", one.token, "/orders", body, key=f"drill-{number}")
            if heard.status == 201:
                one.number = str(heard.json()["number"])
                return
        self.refused[f"place {heard.status}"] += 1
        one.end = "no order"

    async def _begin(self, one: Traveller) -> None:
        if one.number:
            await self._press(one, one.person.provider, one.person.method)
            one.begun_s = self._diary.now_s()

    async def _press(self, one: Traveller, provider: str, method: str = "", *, insist: bool = False) -> Heard:
        """The button of a way to pay."""
        one.pressed_s = self._diary.now_s()
        wish = {"provider": provider, "method": method, "insist": insist, "return_url": "http://127.0.0.1/back"}
        heard = await self._door.command("pay", one.token, f"/orders/{one.number}/payment", wish)
        one.pressed_s = max(one.pressed_s, self._diary.now_s() - AGAIN_S / 2)
        if heard.ok:
            one.current = str(heard.json().get("provider") or provider)
        else:
            found = heard.json()
            self._diary.problems[str(found.get("code", heard.status))] += 1
            one.offered = list(found.get("offered") or [])
            one.refusals += 1
        return heard

    async def _live(self, one: Traveller) -> None:
        """One traveller, from the button to the end."""
        if one.begun_s is None:
            await asyncio.sleep(max(0.0, one.person.begins_s - self._diary.now_s()))
            await self._begin(one)
        else:
            await asyncio.sleep(one.dice.uniform(0, FIRST_LOOK_S * self.pace))
        wait = FIRST_LOOK_S
        while not one.end:
            await asyncio.sleep(wait * self.pace * one.dice.uniform(0.85, 1.15))
            stage, changed = await self._look(one)
            await self._react(one, stage, changed=changed)
            wait = FIRST_LOOK_S if changed else min(wait * SLOWER, SELDOM_S)

    async def _look(self, one: Traveller) -> tuple[str, bool]:
        """What the page tells now, and whether it looks otherwise than before. A reader then loads the page."""
        path = f"/orders/{one.number}/payment"
        heard = await self._door.page("look", one.token, f"{path}/status", "application/json")
        told = heard.json() if heard.ok else {}
        stage = str(told.get("stage", "no answer" if not heard.status else f"status {heard.status}"))
        self._diary.saw(stage)
        one.stage = stage
        shows = str(told.get("shows", one.shows))
        changed, one.shows = shows != one.shows, shows
        if changed and one.person.reads_pages:
            await self._door.page("page", one.token, path, "text/html")
        return stage, changed

    async def _react(self, one: Traveller, stage: str, *, changed: bool) -> None:
        if stage in ENDED:
            one.end = stage
        elif stage in CHOOSING:
            await self._choose(one)
        elif stage in PAYABLE:
            await self._payable(one, changed=changed)
        elif stage in ("checking", "starting"):
            await self._doubt(one)
        elif stage == "promised":
            await self._keep(one)

    def _may_press(self, one: Traveller) -> bool:
        return self._diary.now_s() - one.pressed_s >= AGAIN_S

    async def _choose(self, one: Traveller) -> None:
        """Nothing is under way: press, take what is offered, promise, or leave."""
        temper, tries = one.person.temper, one.refusals
        if temper == "gone" and tries >= 2:
            one.end = "gone"
            return
        if not self._may_press(one):
            return
        if temper == "leaving" and tries >= 3:
            heard = await self._door.command("cancel", one.token, f"/orders/{one.number}/cancellation")
            self._note(heard)
            one.pressed_s = self._diary.now_s()
            return
        if temper == "promising" and tries >= 1 and not one.promised:
            heard = await self._door.command("promise", one.token, f"/orders/{one.number}/promise")
            one.promised = heard.ok
            self._note(heard)
            if heard.ok:
                return
        others = [way for way in one.offered if not way.startswith(one.person.provider)]
        if others and (temper in ("hasty", "insistent") or tries >= 4):
            await self._press(one, *others[0].split("/", 1))
        else:
            await self._press(one, one.person.provider, one.person.method)

    def _note(self, heard: Heard) -> None:
        if not heard.ok:
            self._diary.problems[str(heard.json().get("code", heard.status))] += 1

    async def _payable(self, one: Traveller, *, changed: bool) -> None:
        """There is something to pay: pay it when the time has come; who has paid and sees no change grows uneasy."""
        if changed or not one.shown:
            await self._charge(one)
        now, temper = self._diary.now_s(), one.person.temper
        if not one.shown:
            return
        waited = now - one.seen[one.shown]
        if temper == "gone":
            one.end = "gone"
        elif one.shown not in one.paid:
            if temper == "insistent" and len(one.seen) < 2 and now < one.person.pays_s:
                await self._another(one, waited)  # what was begun looks stuck: another way, and in the end perhaps both
            elif now >= one.person.pays_s and (not one.paid or temper == "insistent"):
                await self._pay(one)
        elif temper in ("hasty", "insistent") and now - one.paid[one.shown] >= one.person.switches_after_s:
            await self._another(one, now - one.paid[one.shown])

    async def _charge(self, one: Traveller) -> None:
        """What the page shows to be paid, by the provider's number for it."""
        told = (await self._door.read("payment", one.token, f"/orders/{one.number}/payment")).json()
        shown = told.get("code_url") or told.get("pay_url") or told.get("client_secret")
        try:
            found = await self._db.read(store.charge_shown, one.number, shown) if shown else None
        except Unavailable:  # our own look into the database: again with the next look
            found = None
        one.shown = found.merchant_ref if found else ""
        if found:
            one.links[found.merchant_ref] = str(told.get("pay_url") or "")
            one.seen.setdefault(found.merchant_ref, self._diary.now_s())

    async def _pay(self, one: Traveller) -> None:
        """The payer's own app, at the provider. Who is insistent pays what was shown before as well."""
        earlier = [ref for ref in one.seen if ref not in one.paid] if one.person.temper == "insistent" else []
        for ref in dict.fromkeys([one.shown, *earlier]):
            await self._door.follow(one.links.get(ref, ""))
            heard = await self._door.provider("POST", f"/pay/{ref}", {})
            if heard.ok:
                one.paid[ref] = self._diary.now_s()
                if one.person.temper == "doubled":
                    await self._door.provider("POST", f"/pay/{ref}", {"again": True})
            else:
                self.refused[f"provider {heard.status}"] += 1
        if one.person.temper == "forgetful" and one.paid:
            one.end = "closed the page"

    async def _doubt(self, one: Traveller) -> None:
        """We said that we are checking: most wait; some try another way, and insist when they may."""
        if one.person.temper == "gone":
            one.end = "gone"
        elif one.person.temper in ("hasty", "insistent") and one.begun_s is not None:
            await self._another(one, self._diary.now_s() - one.begun_s)

    async def _another(self, one: Traveller, waited: float) -> None:
        """Another way than the one under way."""
        if waited < one.person.switches_after_s or not self._may_press(one):
            return
        current = one.current or one.person.provider
        ways = [way for way in one.offered if not way.startswith(current)]
        others = [provider for provider in PROVIDERS if provider != current]
        provider, _, method = (ways or [one.dice.choice(others)])[0].partition("/")
        insist = one.person.temper == "insistent" and waited >= INSIST_AFTER_S
        await self._press(one, provider, method, insist=insist)

    async def _keep(self, one: Traveller) -> None:
        """A promise to pay later is kept when its time has come, by whatever way answers."""
        if self._diary.now_s() < one.person.keeps_s or not self._may_press(one):
            return
        ways = one.offered or [f"{one.person.provider}/{one.person.method}"]
        await self._press(one, *ways[0].split("/", 1))
