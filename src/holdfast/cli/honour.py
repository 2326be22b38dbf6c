"""``holdfast honour list | show | propose | account | run``: what becomes of the discounts of stopped campaigns.

A decision is proposed here or at the console, and always approved at the console by a second person of finance: a
terminal is nobody in particular. ``run`` takes what was decided on from where it stands, as the worker does.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast import orders
from holdfast.kit import actor
from holdfast.kit.db import Db
from holdfast.kit.money import Money

from .terminal import verb

WHO = actor.system("command line")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("honour", help="discounts of stopped campaigns: who bears them, and telling people")
    actions = noun.add_subparsers(dest="action", required=True)
    verb(actions, "list", "the newest stops, and what was decided", _list)
    show = verb(actions, "show", "one stop: what was given, where it is booked, what waits", _show)
    show.add_argument("stop", type=UUID)
    propose = verb(actions, "propose", "propose what becomes of it", _propose)
    propose.add_argument("stop", type=UUID)
    propose.add_argument("verdict", choices=("honour", "right"))
    propose.add_argument("--since", type=datetime.fromisoformat, help="when the mistake began, with its offset")
    propose.add_argument("--false-label", action="store_true", help="receipts are to say that the platform bears it")
    propose.add_argument("--reason", required=True)
    account = verb(actions, "account", "propose that one account acted in bad faith", _account)
    account.add_argument("stop", type=UUID)
    account.add_argument("account", type=UUID)
    account.add_argument("--evidence", required=True)
    account.add_argument("--reason", required=True)
    verb(actions, "run", "carry out what was decided, and keep what was not out of the books", _run)


async def _list(db: Db, given: argparse.Namespace) -> str:
    lines = []
    for one, decided in await db.read(orders.honour.incidents):
        total = Money(one.granted_minor, one.currency)
        state = decided.verdict if decided else "not decided"
        lines.append(
            f"{one.trip_id}  {one.at:%Y-%m-%d %H:%M}  {one.campaign_id}  {one.reason:8}  {one.granted} orders  {total}  {state}"
        )
    return "\n".join(lines) or "No campaign was stopped."


async def _show(db: Db, given: argparse.Namespace) -> str:
    async with db.reading() as tx:
        one = await orders.honour.incident(tx, given.stop)
        now = await orders.honour.standing(tx, given.stop)
        decided = await orders.honour.decision(tx, given.stop)
        waiting = [found for found in await orders.honour.of_incident(tx, given.stop) if found.is_open]
    lines = [
        f"{one.campaign_id} version {one.version}, stopped {one.at:%Y-%m-%d %H:%M:%S} ({one.reason}) by {one.by}",
        f"given: {one.granted} orders of {one.people} people, {Money(one.granted_minor, one.currency)}, paid by {one.payer}",
        f"now: {now.redeemed} paid, {now.held} waiting, {now.released} over",
        f"books: undecided {Money(now.undecided_minor, one.currency)}, loss {Money(now.loss_minor, one.currency)}",
        f"put right: {now.put_right} orders; told: {now.told} people",
    ]
    if decided:
        lines.append(
            f"decided {decided.decided_at:%Y-%m-%d %H:%M}: {decided.verdict}, approved by {decided.approved_by}"
        )
    lines += [f"waits at the console: {found.kind} {found.id}, proposed by {found.proposed_by}" for found in waiting]
    return "\n".join(lines)


async def _propose(db: Db, given: argparse.Namespace) -> str:
    made = await orders.honour.propose(
        db,
        WHO,
        given.stop,
        verdict=given.verdict,
        since=given.since,
        false_label=given.false_label,
        reason=given.reason,
    )
    return _waits(given.stop, made.id)


async def _account(db: Db, given: argparse.Namespace) -> str:
    made = await orders.abuse.propose(db, WHO, given.stop, given.account, given.evidence, given.reason)
    return _waits(given.stop, made.id)


def _waits(stop: UUID, proposal_id: UUID) -> str:
    return (
        f"Proposed as {proposal_id}. A colleague of finance approves it: /console/campaigns/incidents/{stop}/decision"
    )


async def _run(db: Db, given: argparse.Namespace) -> str:
    done = ended = 0
    while step := await orders.honour.run(db):
        done += step
    while step := await orders.abuse.run(db):
        ended += step
    return f"{done} orders put right, {ended} ended"
