"""Callbacks: sealed, signed, stored with the event they tell of, and sent until somebody answers 200 or 204."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

from holdfast.kit import http

from . import orders, refunds, state
from .keys import Keys

if TYPE_CHECKING:
    from .simulation import Simulator

RETRY_AFTER_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
"""Waits between tries, as the provider documents them: about 24 hours in all."""
TIMEOUT_S = 5.0
IN_FLIGHT_MAX = 64
SUMMARIES = {"TRANSACTION": "支付成功", "REFUND": "退款通知"}


class Callback(msgspec.Struct, frozen=True):
    """A row of `callbacks`. `due_at` (host time) None: done with."""

    seq: int
    id: str
    operation: str
    subject: str
    url: str
    body: bytes
    serial: str
    probe: int
    tries: int
    due_at: float | None
    outcome: str
    status: int | None


class Event(msgspec.Struct, frozen=True):
    """Something to tell the merchant; `subject` is the order or refund number, `serial` the key to sign with."""

    type: str
    subject: str
    url: str
    serial: str
    plain: dict[str, object]


def store(db: sqlite3.Connection, keys: Keys, event: Event, faults: dict[str, float]) -> None:
    """Put a callback where the deliverer finds it, inside the transaction of the event it tells of."""
    family = event.type.partition(".")[0]
    operation = "callback" if family == "TRANSACTION" else "refund_callback"
    event_id = str(uuid.uuid4())
    body = msgspec.json.encode(
        {
            "id": event_id,
            "create_time": state.beijing(state.now()),
            "resource_type": "encrypt-resource",
            "event_type": event.type,
            "summary": SUMMARIES[family],
            "resource": keys.sealed(family.lower(), msgspec.json.encode(event.plain)),
        }
    )
    dropped = "drop_callback" in faults
    due_at = None if dropped else time.time() + faults.get("late_callback", 0.0)
    probes = [1, 0] if "probe" in faults and not dropped else [0]
    for probe in [*probes, 0] if "double_callback" in faults else probes:
        db.execute(
            "insert into callbacks (id, operation, subject, url, body, serial, probe, due_at, outcome)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event_id,
                operation,
                event.subject,
                event.url,
                body,
                event.serial,
                probe,
                due_at,
                "dropped" if dropped else "waiting",
            ),
        )


class Deliverer:
    """Sends what is due and settles refunds whose time has come, until cancelled."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._in_flight: set[int] = set()
        self._client = http.client()

    async def run(self) -> None:
        async with self._client, asyncio.TaskGroup() as group:
            while True:
                for number in refunds.due(self._sim.state.db):
                    self._sim.settle_refund(number, "SUCCESS")
                for callback in self._due():
                    self._in_flight.add(callback.seq)
                    group.create_task(self._deliver(callback))
                self._sim.wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._sim.wake.wait(), 0.05)

    async def deliver_now(self, subject: str) -> None:
        """Try everything that waits about one order or refund, once, before going on."""
        query = "select * from callbacks where subject = ? and due_at is not null and tries = 0"
        for row in self._sim.state.db.execute(query, (subject,)).fetchall():
            callback = Callback(**dict(row))
            if callback.seq not in self._in_flight:
                self._in_flight.add(callback.seq)
                await self._deliver(callback)

    def _due(self) -> list[Callback]:
        room = IN_FLIGHT_MAX - len(self._in_flight)
        if room <= 0:
            return []
        query = "select * from callbacks where due_at <= ? order by due_at, seq limit ?"
        rows = self._sim.state.db.execute(query, (time.time(), IN_FLIGHT_MAX)).fetchall()
        return [Callback(**dict(row)) for row in rows if row["seq"] not in self._in_flight][:room]

    async def _deliver(self, callback: Callback) -> None:
        headers = self._sim.keys.platform_headers(callback.serial, callback.body)
        if callback.probe:
            headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{secrets.token_urlsafe(64)}"
        headers |= {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Mozilla/4.0", "Accept": "*/*"}
        status, reason = None, ""
        try:
            answer = await http.send(
                self._client, "POST", callback.url, body=callback.body, headers=headers, timeout_s=TIMEOUT_S
            )
            status = answer.status
        except http.NoAnswer as silence:
            reason = silence.reason
        finally:
            self._in_flight.discard(callback.seq)
        self._note(callback, status, reason)

    def _note(self, callback: Callback, status: int | None, reason: str) -> None:
        """Write down how a try went and when the next one is due."""
        due_at, outcome = None, "delivered" if status in (200, 204) else "given up"
        if callback.probe:
            outcome = "probe accepted" if status in (200, 204) else "probe refused"
        elif outcome == "given up" and callback.tries < len(RETRY_AFTER_S):
            due_at, outcome = time.time() + RETRY_AFTER_S[callback.tries] / self._sim.options.speed, "waiting"
        with self._sim.state.writing() as db:
            db.execute(
                "update callbacks set tries = tries + 1, due_at = ?, outcome = ?, status = ? where seq = ?",
                (due_at, outcome, status, callback.seq),
            )
        self._sim.journal.add(
            callback.operation,
            id=callback.id,
            subject=callback.subject,
            url=callback.url,
            attempt=callback.tries + 1,
            status=status,
            reason=reason,
            outcome=outcome,
        )


def of_payment(sim: Simulator, db: sqlite3.Connection, order: orders.Order) -> None:
    """Store the callback of a payment."""
    faults = sim.scenario.draw("callback")
    identity = sim.keys.identity
    plain = orders.transaction(order, identity.mchid, identity.appid, add=1 if "wrong_amount" in faults else 0)
    event = Event("TRANSACTION.SUCCESS", order.out_trade_no, order.notify_url, order.serial, plain)
    store(db, sim.keys, event, faults)


def of_refund(sim: Simulator, db: sqlite3.Connection, refund: refunds.Refund, order: orders.Order) -> None:
    """Store the callback of a settled refund, when the merchant asked for one."""
    if not refund.notify_url:
        return
    plain = refunds.notice(refund, order, sim.keys.identity.mchid)
    event = Event(f"REFUND.{refund.status}", refund.out_refund_no, refund.notify_url, refund.serial, plain)
    store(db, sim.keys, event, sim.scenario.draw("refund_callback"))
