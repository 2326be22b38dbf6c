"""``holdfast payments …``: how channels are, what is in doubt, bills, switches, rollouts and refunds, from the terminal."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.kit.money import Money, parse_major
from holdfast.payments import bills, bulk, channels, overview, reconciliation, resolver, rollouts, search, switches
from holdfast.payments.health_store import Switch
from holdfast.payments.reconciliation_model import KINDS, BillNotReady, DayReport, Item

from .terminal import who, with_database

WATCH_S = 2.0
Run = Callable[[Db, argparse.Namespace], Coroutine[Any, Any, int]]


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("payments", help="channels, payments in doubt, bills, switches, rollouts and refunds")
    actions = noun.add_subparsers(dest="action", required=True)
    _reports(actions)
    switch = actions.add_parser("switch", help="offer a channel to nobody for some time")
    switch.add_argument("channel", metavar="PROVIDER[/METHOD]")
    switch.add_argument("--hours", type=float, required=True, help="until then; at most seven days")
    switch.set_defaults(run=_command(_switch))
    actions.add_parser("switches", help="what is switched off now").set_defaults(run=_command(_switches))
    unswitch = actions.add_parser("unswitch", help="lift a switch before its end")
    unswitch.add_argument("id", type=int)
    unswitch.set_defaults(run=_command(_unswitch))
    rollout = actions.add_parser("rollout", help="how a new version of an adapter serves; also clears a trip")
    rollout.add_argument("provider")
    rollout.add_argument("version")
    rollout.add_argument("mode", choices=rollouts.MODES)
    rollout.add_argument("--percent", type=int, default=0, help="of payments, for a canary")
    rollout.set_defaults(run=_command(_rollout))
    refund = actions.add_parser("refund", help="give back a payment, or part of it; all of it ends its order")
    refund.add_argument("payment", type=UUID, metavar="PAYMENT-ID")
    refund.add_argument(
        "amount", nargs="?", type=_amount, metavar="AMOUNT", help="such as 60.50; without it, all that is left"
    )
    refund.set_defaults(run=_command(_refund))
    for action in (switch, rollout, refund):
        action.add_argument("--reason", required=True, help="kept in the audit trail")


def _reports(actions: Any) -> None:
    health = actions.add_parser("health", help="how each channel is: state, since when, why, failures and speed")
    health.set_defaults(run=_command(_health))
    resolve = actions.add_parser(
        "resolve", help="what is in doubt at each provider, how fast it is asked about, and how long it takes"
    )
    resolve.add_argument("--watch", action="store_true", help="again every two seconds, until interrupted")
    resolve.set_defaults(run=_command(_resolve))
    reconcile = actions.add_parser("reconcile", help="fetch and compare bills; exit 1 when differences stand open")
    reconcile.add_argument("--provider", choices=sorted(bills.CALENDARS), help="without it: all")
    reconcile.add_argument("--day", type=date.fromisoformat, help="the provider's day; without it: all that are due")
    reconcile.set_defaults(run=_command(_reconcile))
    for action in (health, resolve, reconcile):
        action.add_argument("--json", action="store_true", help="amounts in minor units")


def _amount(text: str) -> str:
    """An amount as typed. ValueError for what is none."""
    parse_major(text)
    return text


def _command(run: Run) -> Callable[[argparse.Namespace], int]:
    """A command line's function: opens the database and the channels around `run`."""
    return lambda given: with_database(lambda db: run(db, given))


def _write(name: str, passed: bool, **more: Any) -> None:
    report = {"name": f"payments {name}", "passed": passed, **more}
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


async def _health(db: Db, given: argparse.Namespace) -> int:
    async with db.reading() as tx:
        found = await overview.look(tx)
    well = all(one.state == "healthy" for one in found.channels)
    if given.json:
        _write("health", well, channels=found.channels, switches=found.switches, rollouts=found.rollouts)
        return 0 if well else 1
    print(f"{'channel':34} {'version':10} {'state':10} {'since':17} {'why':12} {'share':>5} {'failed':>11} {'p95':>8}")
    for one in found.channels:
        since = f"{one.since:%m-%d %H:%M:%S}Z" if one.since else ""
        failed = f"{one.failed} of {one.calls}" if one.calls else "no calls"
        p95 = f"{one.p95_ms:,} ms" if one.p95_ms is not None else ""
        name = f"{one.provider}/{one.method} {one.operation}"
        print(
            f"{name:34} {one.version:10} {one.state:10} {since:17} {one.reason:12} {one.share:4}% {failed:>11} {p95:>8}"
        )
    for rollout in found.rollouts:
        tripped = f", tripped {rollout.tripped_at:%m-%d %H:%M}Z: {rollout.trip_reason}" if rollout.tripped_at else ""
        share = f" {rollout.percent}%" if rollout.mode == "canary" else ""
        print(
            f"rollout  {rollout.provider} {rollout.version}: {rollout.mode}{share} (else {rollout.baseline}){tripped}"
        )
    for switch in found.switches:
        print(f"switch   {_switch_line(switch)}")
    return 0 if well else 1


async def _resolve(db: Db, given: argparse.Namespace) -> int:
    while True:
        async with db.reading() as tx:
            backlogs, by_bill = await resolver.progress(tx), {one.provider: one for one in await bulk.progress(tx)}
        if given.json:
            told = [
                msgspec.to_builtins(one) | {"eta_s": one.eta_s, "told_by_bill": by_bill[one.provider].told}
                for one in backlogs
            ]
            _write("resolve", passed=True, backlogs=told)
        else:
            print(
                f"{'provider':10} {'in doubt':>9} {'by bill':>8} {'refunds':>8} {'2nd':>5} {'waiting':>8} {'asked/min':>9} {'plan/s':>7}  ready in"
            )
            for one in backlogs:
                doubts = f"{one.in_doubt:9,} {by_bill[one.provider].told:8,} {one.refunds:8,} {one.second_receipts:5,}"
                print(
                    f"{one.provider:10} {doubts} {one.waiting:8,} {one.asked_last_minute:9,} {one.rate_per_s:7g}  {_eta(one)}"
                )
        if not given.watch:
            return 0
        sys.stdout.flush()
        await asyncio.sleep(WATCH_S)
        print(f"\n{time.strftime('%H:%M:%S', time.gmtime(clock.now().timestamp()))}Z")


def _eta(backlog: resolver.Backlog) -> str:
    if backlog.eta_s is None:
        return "does not answer"
    seconds = round(backlog.eta_s)
    return "nothing to ask" if seconds == 0 and not backlog.in_doubt else f"{seconds // 60} min {seconds % 60} s"


async def _reconcile(db: Db, given: argparse.Namespace) -> int:
    names = [given.provider] if given.provider else list(channels.configured())
    compared: list[tuple[str, date]] = []
    for provider in names:
        if given.day is None:
            compared += [(provider, day) for day in await reconciliation.run(db, provider)]
            continue
        try:
            await reconciliation.reconcile(db, provider, given.day)
            compared.append((provider, given.day))
        except BillNotReady as problem:
            if given.provider:
                raise
            sys.stderr.write(f"{provider}: not made before {problem.fields['ready_at']}\n")
    async with db.reading() as tx:
        reports = [await reconciliation.day_report(tx, provider, day) for provider, day in compared]
        waiting = [item for name in names for item in await reconciliation.queue(tx, provider=name, limit=100)]
    if given.json:
        days = [msgspec.to_builtins(report.bill) | {"items": report.items} for report in reports]
        _write("reconcile", not waiting, days=days, open=waiting)
        return 1 if waiting else 0
    for report in reports:
        _print_day(report)
    print(f"{len(reports)} days compared; {len(waiting)} differences stand open" + (":" if waiting else ""))
    for item in waiting:
        _print_item(item)
    return 1 if waiting else 0


def _print_day(report: DayReport) -> None:
    bill = report.bill
    print(f"{bill.provider} {bill.day} {bill.state}" + (f": {bill.error}" if bill.error else ""))
    for currency, one in bill.figures.items():
        sums = (
            Money(minor, currency).decimal
            for minor in (one.bill_minor, one.ours_minor, one.ledger_minor, one.fees_minor)
        )
        shown = "  ".join(
            f"{name} {value}" for name, value in zip(("bill", "ours", "ledger", "fees"), sums, strict=True)
        )
        print(f"  {currency}  {one.matched_rows:,} of {one.bill_rows:,} rows agree, {one.waiting_rows:,} wait  {shown}")


def _print_item(item: Item) -> None:
    sides = (("ours", item.ours_minor), ("bill", item.theirs_minor), ("ledger", item.ledger_minor))
    shown = "  ".join(
        f"{name} {Money(minor, item.currency or 'CNY').decimal}" for name, minor in sides if minor is not None
    )
    print(
        f"  {item.id}  {item.provider} {item.day}  {KINDS[item.kind].title}: {item.merchant_ref or item.subject}  {shown}"
    )


def _switch_line(switch: Switch) -> str:
    channel = switch.provider + (f"/{switch.method}" if switch.method else "")
    return f"{switch.id:5}  {channel:20} until {switch.until:%Y-%m-%d %H:%M}Z  by {switch.by}: {switch.reason}"


async def _switch(db: Db, given: argparse.Namespace) -> int:
    provider, _, method = given.channel.partition("/")
    number = await db.run(
        switches.turn_off, who(), provider, method or None, given.reason, timedelta(hours=given.hours)
    )
    print(f"{given.channel} is switched off; `holdfast payments unswitch {number}` lifts it")
    return 0


async def _switches(db: Db, given: argparse.Namespace) -> int:
    async with db.reading() as tx:
        found = (await overview.look(tx)).switches
    print("\n".join(_switch_line(switch) for switch in found) or "nothing is switched off")
    return 0


async def _unswitch(db: Db, given: argparse.Namespace) -> int:
    await db.run(switches.turn_on, who(), given.id)
    print(f"switch {given.id} is lifted")
    return 0


async def _rollout(db: Db, given: argparse.Namespace) -> int:
    await db.run(rollouts.change, who(), given.provider, given.version, given.mode, given.percent, given.reason)
    print(f"{given.provider} {given.version}: {given.mode}" + (f" {given.percent}%" if given.mode == "canary" else ""))
    return 0


async def _refund(db: Db, given: argparse.Namespace) -> int:
    money = await db.run(_give_back, given.payment, given.amount, given.reason)
    print(f"{money} is on its way back")
    return 0


async def _give_back(tx: Tx, payment_id: UUID, amount: str | None, reason: str) -> Money:
    """Through the order, whose places go when all its money goes."""
    currency = (await search.detail(tx, payment_id)).intent.currency
    if amount is None:
        money = Money(await payments.left_minor(tx, payment_id), currency)
        await orders.refund(tx, who(), payment_id, None, reason)
        return money
    money = parse_major(amount, currency)
    await orders.refund(tx, who(), payment_id, money.amount_minor, reason)
    return money
