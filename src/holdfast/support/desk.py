"""What staff do with cases: look, take, answer, ask back, close. Every act is in the audit trail."""

from __future__ import annotations

from uuid import UUID

from holdfast import accounts, orders
from holdfast.kit import audit, clock, crypto, ids, log
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.orders import staff_lookup

from . import cases, evidence, priorities, store
from .model import STATES, Case, CaseClosed, CaseUnknown, State

QUEUE_MAX = 200
TEMPLATES: dict[str, str] = {
    "looking": "We are looking into it and write again here. You need not do anything.",
    "found": "Your order exists and is valid. The tickets are on its page; show them at the entrance.",
    "not-charged": "The provider says that no money came. If your bank shows an amount, it is reserved and goes back by itself.",
    "returned": "The money came after the order had ended and is on its way back to you. Providers take minutes to days.",
    "more": "To find it we need a little more: the transaction number from your wallet, and about when you paid.",
    "entry": "Go to the visitors' desk with your document: they see this case and let you in if the order is confirmed.",
}
"""Answers to begin from, in the language of the case."""


async def require(tx: ReadTx, number: str) -> Case:
    """A case as staff find it. CaseUnknown."""
    code = cases.read_number(number)
    found = await store.by_number(tx, code) if code else None
    if found is None:
        raise CaseUnknown
    return found


async def queue(tx: ReadTx, state: State | None = State.OPEN, assigned_to: UUID | None = None) -> list[Case]:
    """The cases in a state, whom to help first before; all states for None."""
    return await store.queue(tx, state, assigned_to, QUEUE_MAX)


async def counts(tx: ReadTx) -> dict[str, int]:
    """How many cases there are in each state but closed."""
    return await store.counts(tx)


async def find(tx: ReadTx, typed: str) -> list[Case]:
    """The cases with this number, about this order, or of this phone, as somebody says it on the telephone."""
    phone, _found = accounts.check_phone(typed)
    index = crypto.blind_index("phone", phone) if phone else None
    number, order = cases.read_number(typed) or "", ids.read_code(typed) or ""
    return await store.with_text(tx, number=number, order=order, phone_index=index, limit=QUEUE_MAX)


async def numbered(tx: ReadTx, typed: str) -> orders.Order | None:
    """The order of a number as somebody says it, without its people."""
    return await staff_lookup.numbered(tx, typed)


async def order_of(tx: ReadTx, case: Case) -> orders.Order | None:
    """The order that a case is about, as it is now, without its people."""
    return await staff_lookup.numbered(tx, case.order_number) if case.order_number else None


async def assign(tx: Tx, actor: Actor, case: Case, staff_id: UUID | None) -> None:
    """A colleague takes a case, or it is given to another; None: to nobody. StaffUnknown."""
    if staff_id is not None and not await store.staff_exists(tx, staff_id):
        raise accounts.StaffUnknown
    await store.locked(tx, case.id)
    await store.assign(tx, case.id, staff_id)
    await audit.record(tx, actor, "case.assign", cases.subject(case.number), to=str(staff_id or ""))


async def answer(tx: Tx, actor: Actor, case: Case, typed: str, *, key: str, asks_back: bool = False) -> None:
    """Answers a case, or asks its traveller something; they are told by message. The same key again: nothing.

    Who answers a case that nobody has takes it. CaseClosed; InvalidInput as `cases.read_words` says.
    """
    words, now = cases.read_words(typed, "answer"), clock.now()
    case = await store.locked(tx, case.id)
    wanted = State.WAITING_FOR_TRAVELLER if asks_back else State.ANSWERED
    if wanted not in STATES[case.state]:
        raise CaseClosed
    if not await cases.add(tx, case, "staff", actor, words, key=key):
        return
    await store.set_state(tx, case.id, wanted, waiting_since=None, sla_due_at=None, answered_at=now, closed_at=None)
    if case.assigned_to is None:
        await store.assign(tx, case.id, actor.account_id)
    await audit.record(tx, actor, "case.ask" if asks_back else "case.answer", cases.subject(case.number))
    await cases.tell(tx, case.id, case.number, case.locale, "case-answered")


async def close(tx: Tx, actor: Actor, case: Case) -> None:
    """Closes a case; again: nothing."""
    await cases.close(tx, actor, case, words="Our staff closed this case.")


async def bind(tx: Tx, actor: Actor, case: Case, order_number: str) -> None:
    """Notes which order a case turned out to be about, and what is known of it now. OrderUnknown."""
    order = await staff_lookup.numbered(tx, order_number)
    if order is None:
        raise orders.OrderUnknown
    await store.locked(tx, case.id)
    await store.bind_order(tx, case.id, order.row.id, order.row.intent_id)
    now = clock.now()
    await store.add_evidence(tx, case.id, "order", evidence.of_order(order), now)
    if order.row.intent_id:
        await store.add_evidence(tx, case.id, "payment", await evidence.of_payment(tx, order.row.intent_id), now)
    await audit.record(tx, actor, "case.bind", cases.subject(case.number), order=order.number)
    await weigh(tx, case.id)


async def weigh_all(db: Db) -> int:
    """Looks at every open case again: visits come nearer, money becomes certain, answers fall due. How many there were."""
    found = await db.read(queue)
    for case in found:
        await db.run(weigh, case.id)
    overdue = sum(1 for case in found if case.sla_due_at and case.sla_due_at < clock.now())
    if overdue:
        log.get().warning("support.overdue", cases=overdue)
    return len(found)


async def weigh(tx: Tx, case_id: UUID) -> None:
    """Writes the priority of one case as it is now."""
    case, now = await store.locked(tx, case_id), clock.now()
    trip_at, money = case.trip_at, case.money
    order = await order_of(tx, case)
    if order is not None:
        trip_at, money = evidence.next_visit([order]), await evidence.money_of(tx, [order])
    facts = priorities.Facts(trip_at, money, case.people)
    priority = priorities.of(facts, now, waiting_since=case.waiting_since, due_at=case.sla_due_at)
    await store.set_priority(tx, case.id, priority, trip_at, money)
