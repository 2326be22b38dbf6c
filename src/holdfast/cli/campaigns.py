"""``holdfast campaigns list | status | simulate | propose | approve | start | grow | stop | restart | envelope``.

Whoever proposes, approves or starts says who they are with an API token of theirs in ``HOLDFAST_STAFF_TOKEN``: it is the same person
as at the console, with the same roles. Stopping needs no token.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from holdfast import accounts, changes
from holdfast.campaigns import (
    checking,
    drafts,
    envelopes,
    expecting,
    incidents,
    restart,
    review,
    running,
    sentences,
    stages,
    start,
)
from holdfast.campaigns.model import Content
from holdfast.kit import actor
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db
from holdfast.kit.i18n import both
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput
from holdfast.orders import backtest

from .terminal import verb

TOKEN = "HOLDFAST_STAFF_TOKEN"  # noqa: S105 - the name of a variable
MAKERS = ("marketing", "finance")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("campaigns", help="campaigns: drafts, backtests, approval, starting, stopping")
    actions = noun.add_subparsers(dest="action", required=True)
    verb(actions, "list", "what was started, how it stands and what it has spent", _list)
    tried = verb(actions, "simulate", "try a content on past orders; keeps the result and nothing else", _simulate)
    made = verb(actions, "propose", "keep a content as a draft, try it on past orders, and propose it", _propose)
    for one in (tried, made):
        one.add_argument("campaign", help="short name, such as spring-2027")
        one.add_argument("file", help="a content as JSON; - reads from the terminal")
        one.add_argument("--days", type=int, default=backtest.DAYS)
    made.add_argument(
        "--share",
        type=float,
        help="expected share of the orders placed while it is offered, percent; needed with codes",
    )
    envelope = verb(actions, "envelope", "list envelopes, or ask finance for one with a file", _envelope)
    envelope.add_argument("file", nargs="?", help="an envelope as JSON")
    for one in (made, envelope):
        one.add_argument("--reason", default="", help="kept in the audit trail")
    approve = verb(actions, "approve", "agree to a proposal; asks for its figures, which are not shown", _approve)
    begin = verb(actions, "start", "start what was approved, or put an envelope into force", _start)
    for one in (approve, begin):
        one.add_argument("proposal", type=UUID)
    for name in ("amount", "unit", "cap", "payer"):
        approve.add_argument(f"--{name}", help="asked for if left out")
    _register_running(actions)
    stop = verb(actions, "stop", "stop a campaign for everybody, at once", _stop)
    stop.add_argument("campaign")
    stop.add_argument("--reason", default="")


def _register_running(actions: Any) -> None:
    told = verb(actions, "status", "how a campaign does, and what stands against its next stage", _status)
    grow = verb(actions, "grow", "go on to the next stage, if nothing stands against it", _grow)
    for one in (told, grow):
        one.add_argument("campaign")
    again = verb(
        actions, "restart", "ask others that a stopped campaign begins anew; they approve it like a start", _restart
    )
    again.add_argument("incident", type=UUID, help="the stop: `status` names it")
    again.add_argument("--reason", default="", help="kept in the audit trail")


async def _who(db: Db) -> Actor:
    """The member of staff whose token this is, with a role that makes campaigns. StaffSignInNeeded; RoleMissing."""
    found = await accounts.staff_of_api_token(db, os.environ.get(TOKEN, ""))
    if found is None:
        raise accounts.StaffSignInNeeded
    if not found.may(*MAKERS):
        raise accounts.RoleMissing(roles=list(MAKERS))
    return found.actor


def _here() -> Actor:
    name = "nobody"
    with suppress(OSError, KeyError):
        name = getpass.getuser()
    return actor.system(f"command line of {name}")


async def _list(db: Db, given: argparse.Namespace) -> str:
    return "\n".join(
        f"{one.campaign_id:24} v{one.n:<3} {one.state:8} {Money(one.used_minor)!s:>14} of {Money(one.budget_minor)!s:14}"
        f" {one.used_count:7} times  until {one.ends_at:%F %R}Z"
        for one in await db.read(start.newest)
    ) or "nothing was started yet"  # fmt: skip


def _read(path: str, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(_bytes(path), type=kind)
    except msgspec.MsgspecError as problem:
        raise _unreadable(problem) from problem


def _bytes(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as problem:
        raise _unreadable(problem) from problem


def _unreadable(problem: Exception) -> InvalidInput:
    text = both("This file cannot be read: {problem}", problem=str(problem))
    return InvalidInput(errors=[{"field": "file", "code": "FILE", "message": text}])


async def _simulate(db: Db, given: argparse.Namespace) -> str:
    content: Content = _read(given.file, Content)
    return await _tried(db, _here(), given, content)


async def _tried(db: Db, who: Actor, given: argparse.Namespace, content: Content) -> str:
    made = await backtest.run(db, who, given.campaign, content, days=given.days)
    async with db.reading() as tx:
        envelope = await envelopes.require(tx, content.envelope_id)
        report = await checking.check(tx, given.campaign, content, envelope)
    result = made.result
    said = [f"{name}: {text}" for name, text in sentences.content_words(content, "en").items()]
    said.append(
        f"{result.matched:,} of {result.offered:,} orders of {made.scope.days} days{' and its hours' if result.open_s else ''} fit ({result.share:.2%}), {Money(result.total_minor)} in all,"
        f" {Money(result.mean_minor)} on average, {Money(result.most_minor)} at most, {result.people:,} people"
    )
    if result.outside:
        said.append(f"{result.outside:,} orders would have got more than the envelope allows")
    said += [f"{one.severity}: {one.field}: {one.message['en']} {one.next_step['en']}" for one in report.findings]
    return "\n".join([*said, f"risk {report.grade}: {report.demand.people} other people must agree"])


async def _propose(db: Db, given: argparse.Namespace) -> str:
    who = await _who(db)
    content: Content = _read(given.file, Content)
    said = await _tried(db, who, given, content)
    draft = await db.run(drafts.begin, who, given.campaign, {}, content)
    expected = expecting.Expected(None if given.share is None else round(given.share * 100))
    made = await start.propose(db, who, draft.id, expected, given.reason)
    return f"{said}\nproposed: {made.id}, until {made.expires_at:%F %R}Z"


async def _envelope(db: Db, given: argparse.Namespace) -> str:
    if given.file:
        made = await envelopes.propose(db, await _who(db), _read(given.file, envelopes.Wish), given.reason)
        return f"proposed: {made.id}; somebody else of finance approves it"
    return "\n".join(
        f"{one.id}  {one.payer:10} {Money(one.max_minor, one.currency)!s:>10} {one.max_bp / 100:g}%  {','.join(one.kinds)}"
        f"  until {one.valid_until:%F}  {one.name.get('en', '')}"
        for one in await db.read(envelopes.newest)
    ) or "there is no envelope yet"  # fmt: skip


async def _approve(db: Db, given: argparse.Namespace) -> str:
    who = await _who(db)
    found = await db.read(changes.require, given.proposal)
    typed = review.Retyped(
        _asked(given.amount, "Amount (yuan, percent or number)"), _asked(given.unit, f"Unit ({', '.join(review.UNITS)})"),
        _asked(given.cap, "Cap (empty: none)"), _asked(given.payer, f"Who pays ({', '.join(envelopes.PAYERS)})"),
    )  # fmt: skip
    done = await review.approve(db, who, found.id, found.shown, typed)
    return (
        f"{done.state}: {done.people_needed} people are needed, {len(await db.read(changes.agreed, done))} have agreed"
    )


def _asked(given: str | None, question: str) -> str:
    return input(f"{question}: ") if given is None else given


async def _start(db: Db, given: argparse.Namespace) -> str:
    who = await _who(db)
    if (await db.read(changes.require, given.proposal)).kind not in review.KINDS:
        raise review.NotOfCampaigns
    done = await changes.apply(db, who, given.proposal)
    return f"started: {(done.effects or {}).get('version', 'the envelope is in force')}"


async def _status(db: Db, given: argparse.Namespace) -> str:
    async with db.reading() as tx:
        board = await running.board(tx, given.campaign)
        judged = await stages.latest(tx, board.row.version_id)
        stopped = await incidents.last_of(tx, board.row.version_id)
    row = board.row
    said = [
        f"{row.campaign_id} v{row.n} {row.state} since {row.state_since:%F %R}Z, stage {row.stage}, until {row.ends_at:%F %R}Z",
        f"{Money(row.used_minor)} of {Money(row.budget_minor)} in {row.used_count:,} orders; {row.matched:,} fitted",
    ]
    if row.late_count:
        said.append(
            f"of that {Money(row.late_minor)} in {row.late_count:,} orders paid too late or back after a cut: what was promised stands"
        )
    said += [f"{one.name:12} {one.part:7.1%} of the way to a stop" for one in board.watches]
    said += [f"{one.name:12} {one.part:7.1%} used" for one in board.bounds]
    if judged is not None:
        said += [f"next stage: {one['name']:8} {'holds' if one['holds'] else 'not yet'}" for one in judged.findings]
    if stopped is not None:
        said.append(f"incident {stopped}")
    return "\n".join(said)


async def _grow(db: Db, given: argparse.Namespace) -> str:
    made = await db.run(stages.step, await _who(db), given.campaign)
    most = "its budget" if made.minor is None else str(Money(made.minor))
    return f"stage {made.stage}: up to {most if made.count is None else f'{made.count} redemptions'}"


async def _restart(db: Db, given: argparse.Namespace) -> str:
    who, stop = await _who(db), await db.read(incidents.require, given.incident)
    await backtest.run(db, who, stop.campaign_id, msgspec.convert(stop.content, Content))
    made = await restart.propose(db, who, given.incident, given.reason)
    return f"proposed: {made.id}, until {made.expires_at:%F %R}Z"


async def _stop(db: Db, given: argparse.Namespace) -> str:
    version_id = await db.run(start.stop, _here(), given.campaign, given.reason)
    return f"stopped: {version_id}; nothing more is granted"
