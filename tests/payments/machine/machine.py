"""Travellers, payers, staff, workers, providers, time and bad luck, in any order: the machine that looks for trouble.

What a step does may depend on what is there, but what is drawn for it never does: a seed replays the same deeds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from holdfast.kit import faults
from tests import world

from . import audit, people, weather
from .ground import Ground
from .people import WAYS, WORKERS, Booking

ORDERS_MAX = 10
POINTS = sorted(name for name in faults.POINTS if name.startswith(("payments.", "orders.")))
CALLBACK_POINTS = [name for name in POINTS if name.startswith("payments.notify.")]
BREAKABLE = [name for name in POINTS if not name.startswith(("payments.notify.", "orders.place."))]
OFTEN = {
    "pay": 5, "pay_there": 6, "pay_there_and_break_the_callback": 2, "pay_and_break": 2, "cancel": 2, "refund": 3,
    "seldom": 3, "work": 2, "work_all": 5, "work_and_break": 3, "pass_time": 4, "storm": 4,
}  # fmt: skip
"""How often each rule is played, compared with the others (1)."""
which, seeds = st.integers(0, 9), st.integers(0, 999)
ways = st.sampled_from(sorted(WAYS))
providers = st.sampled_from(["wechatpay", "alipay", "stripe", "*"])


def breaking(points: list[str]) -> st.SearchStrategy[str]:
    """A fault point that strikes: the request fails there, or its process dies."""
    return st.builds("{}={}@{}".format, st.sampled_from(points), st.sampled_from(["error", "crash"]), st.integers(1, 3))


class PaymentMachine(RuleBasedStateMachine):
    """One example: a morning that begins with two travellers and one order."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.bookings: list[Booking] = []
        self.broken = True
        self.ground.begin()
        self.db, self.simulation = self.ground.db, self.ground.simulation
        self.seen = audit.Seen({}, {}, {}, 0)

    def play(self, deed: Any, breaks: str = "") -> None:
        """A step: a deed, what came of it, and what must be true now."""
        self.broken = True
        note(f"  → {self.ground.do(deed, breaks)}")
        self.seen = self.ground.loop.run_until_complete(audit.step(self.db, self.seen))
        self.broken = False

    def booking(self, at: int) -> Booking:
        return self.bookings[at % len(self.bookings)]

    def teardown(self) -> None:
        try:
            if not self.broken:
                self.ground.loop.run_until_complete(audit.end(self.ground))
        except AssertionError:
            for entry in self.simulation.journal.last(40):
                note(f"  {bytes(entry).decode()[:300]}")
            raise
        finally:
            self.ground.end()

    @initialize(without=st.sets(st.sampled_from(sorted(OFTEN)), max_size=5))
    def open(self, without: set[str]) -> None:
        """Some things happen more often than others, and a few not at all in this example."""
        self._rules_strategy = st.one_of(
            [
                st.tuples(st.just(one), st.fixed_dictionaries(one.arguments))
                for one in self.rules
                if one.function.__name__ not in without
                for _ in range(OFTEN.get(one.function.__name__, 1))
            ]
        )
        self.play(self._open())

    async def _open(self) -> str:
        days = timedelta(days=20)
        self.slots = [
            await world.open_slot(self.db, places=4, price_minor=9900, starts_in=days),
            await world.open_slot(self.db, places=50, price_minor=6000, starts_in=days),
        ]
        self.travellers = [await world.traveller(self.db), await world.traveller(self.db)]
        return (await self._placed(0)).number

    async def _placed(self, at: int) -> Booking:
        """One more order: of one traveller or the other, in the small slot while it has room, for one or two."""
        person, small = self.travellers[at % 2], self.slots[0]
        slot = small if at % 3 == 0 and await world.places_left(self.db, small) > 1 else self.slots[1]
        wanted = world.request(person, world.basket(slot, people=1 + at // 4 % 2))
        self.bookings.append(Booking(person, (await world.place(self.db, wanted)).number))
        return self.bookings[-1]

    async def _payable(self, at: int) -> Booking:
        """An order that can still be paid; when that time is over, its traveller books anew."""
        booking = self.booking(at)
        if len(self.bookings) >= ORDERS_MAX or await people.wants_money(self.db, booking):
            return booking
        return await self._placed(at)

    # Travellers

    @rule(at=which)
    def place(self, at: int) -> None:
        if len(self.bookings) < ORDERS_MAX:
            self.play(self._placed(at))

    @rule(order=which, way=ways, insist=st.booleans())
    def pay(self, order: int, way: str, insist: bool) -> None:
        self.play(self._pay(order, way, insist=insist))

    @rule(order=which, way=ways, breaks=breaking(BREAKABLE))
    def pay_and_break(self, order: int, way: str, breaks: str) -> None:
        self.play(self._pay(order, way), breaks)

    async def _pay(self, order: int, way: str, *, insist: bool = False) -> str:
        return await people.pay(self.db, await self._payable(order), way, insist=insist)

    @rule(order=which, tabs=st.lists(ways, min_size=2, max_size=3))
    def press_in_several_tabs(self, order: int, tabs: list[str]) -> None:
        self.play(self._press(order, tabs))

    async def _press(self, order: int, tabs: list[str]) -> str:
        return await people.press_all(self.db, await self._payable(order), tabs)

    @rule(order=which, outage=st.booleans())
    def promise(self, order: int, outage: bool) -> None:
        """Also when no channel is offered, which alone makes it possible."""
        self.play(self._promise(order, outage=outage))

    async def _promise(self, order: int, *, outage: bool) -> None:
        if outage:
            await people.switch(self.db, "*", on=False)
        await people.promise(self.db, await self._payable(order))

    @rule(order=which)
    def cancel(self, order: int) -> None:
        self.play(people.cancel(self.db, self.booking(order)))

    # Payers

    @rule(charge=seeds, more=st.sampled_from([0, 0, 0, -7, 100]))
    def pay_there(self, charge: int, more: int) -> None:
        self.play(self._pay_there(charge, more))

    @rule(charge=seeds, breaks=breaking(CALLBACK_POINTS))
    def pay_there_and_break_the_callback(self, charge: int, breaks: str) -> None:
        self.play(self._told(charge), breaks.replace("crash", "error"))

    @rule(charge=seeds)
    def pay_there_again(self, charge: int) -> None:
        """A second time, under another number of the provider's."""
        self.play(people.pay_there(self.ground, charge, 0, again=True))

    async def _pay_there(self, charge: int, more: int = 0) -> str:
        """Somebody pays a charge that waits; when none does, one is begun first."""
        if not await people.charges(self.ground, paid=False):
            await self._pay(charge % 10, sorted(WAYS)[charge % len(WAYS)])
        return await people.pay_there(self.ground, charge, more)

    async def _told(self, charge: int) -> str:
        came = await self._pay_there(charge)
        await self.ground.settle()  # the callback comes while the point is still armed
        return came

    @rule(charge=seeds, declines=st.booleans())
    def look_there(self, charge: int, declines: bool) -> None:
        self.play(people.look(self.ground, charge, declines=declines))

    # Staff

    @rule(order=which)
    def take_at_desk(self, order: int) -> None:
        self.play(people.take_at_desk(self.db, self.booking(order)))

    @rule(order=which, amount=st.sampled_from([None, 1, 2500, 6000]))
    def refund(self, order: int, amount: int | None) -> None:
        self.play(people.refund(self.db, self.bookings, order, amount))

    @rule(deed=st.sampled_from(sorted(people.SELDOM)), at=which, provider=providers)
    def seldom(self, deed: str, at: int, provider: str) -> None:
        self.play(people.SELDOM[deed](self.db, self.simulation, at, provider))

    # Workers

    @rule(name=st.sampled_from(sorted(WORKERS)))
    def work(self, name: str) -> None:
        self.play(WORKERS[name](self.db))

    @rule()
    def work_all(self) -> None:
        """A round of everything that is due within seconds."""
        self.play(people.one_after_another(self.db, ["outbox", "resolver", "health", "expiry", "promises", "outbox"]))

    @rule(name=st.sampled_from(sorted(WORKERS)), breaks=breaking(BREAKABLE))
    def work_and_break(self, name: str, breaks: str) -> None:
        self.play(WORKERS[name](self.db), breaks)

    @rule(names=st.lists(st.sampled_from(["outbox", "resolver", "expiry", "promises"]), min_size=2, max_size=3))
    def work_side_by_side(self, names: list[str]) -> None:
        self.play(people.side_by_side(self.db, names))

    # Providers, time, bad luck

    @rule(seconds=st.sampled_from([1, 5, 5, 30, 30, 60, 300, 900, 7200, 86400]))
    def pass_time(self, seconds: int) -> None:
        self.play(self.ground.pass_time(timedelta(seconds=seconds)))

    @rule(order=which)
    def run_out(self, order: int) -> None:
        self.play(people.run_out(self.db, self.booking(order)))

    @rule(
        fault=seeds,
        provider=providers,
        count=st.sampled_from([1, 2, 5, None]),
        length=st.integers(0, 2),
        share=st.sampled_from([1.0, 0.5]),
        seed=seeds,
    )
    def storm(self, fault: int, provider: str, count: int | None, length: int, share: float, seed: int) -> None:
        step = weather.step(fault, provider, count, length, share)
        note(f"  → {step.fault} at {step.match} of {step.provider}")
        self.ground.storm(step, seed)

    @rule()
    def clear_up(self) -> None:
        self.ground.clear_up()
