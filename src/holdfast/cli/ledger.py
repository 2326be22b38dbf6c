"""``holdfast ledger balances | verify``: where all money is, and whether every balance is the sum of its entries."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import msgspec

from holdfast import ledger
from holdfast.kit.db import Db
from holdfast.kit.money import Money
from holdfast.kit.server import database_url


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("ledger", help="all money by account, and the proof that it adds up")
    actions = noun.add_subparsers(dest="action", required=True)
    balances = actions.add_parser("balances", help="what stands on each code of the chart, by currency")
    balances.set_defaults(run=print_balances)
    verify = actions.add_parser("verify", help="recompute every balance from all entries; exit 1 with what differs")
    verify.set_defaults(run=verify_balances)
    for action in (balances, verify):
        action.add_argument("--json", action="store_true", help="amounts in minor units")


def print_balances(given: argparse.Namespace) -> int:
    """Prints each code with what is posted on its normal side, and what of it is leaving."""
    totals = asyncio.run(_ask(database_url()))[0]
    if given.json:
        figures = {f"{total.code}_{total.currency}": total.amount_minor for total in totals}
        _write({"name": "ledger balances", "passed": True, "figures": figures})
        return 0
    print(f"{'code':4}  {'account':28}  {'':3}  {'posted':>18}  {'leaving':>18}  {'accounts':>9}")
    for total in totals:
        posted, leaving = (Money(minor, total.currency).decimal for minor in (total.amount_minor, total.leaving_minor))
        print(f"{total.code:4}  {total.name_en:28}  {total.currency}  {posted:>18}  {leaving:>18}  {total.accounts:9,}")
    return 0


def verify_balances(given: argparse.Namespace) -> int:
    """Compares every balance with its entries; exit 1 when one differs."""
    totals, differences = asyncio.run(_ask(database_url(), recompute=True))
    accounts = sum(total.accounts for total in totals)
    if given.json:
        figures = {"accounts": accounts, "differences": len(differences)}
        _write({"name": "ledger verify", "passed": not differences, "figures": figures, "differences": differences})
    else:
        for found in differences:
            where = f"{found.account.code} {found.account.owner} {found.account.currency} {found.counter}"
            print(f"DIFFERS  {where}: kept {found.kept_minor}, entries {found.entries_minor}")
        print(f"{accounts:,} accounts recomputed from their entries, {len(differences)} counters differ")
    return 1 if differences else 0


async def _ask(url: str, *, recompute: bool = False) -> tuple[list[ledger.Total], list[ledger.Difference]]:
    db = await Db(url, size=1).open()
    try:
        async with db.reading() as tx:
            return await ledger.totals(tx), await ledger.verify(tx) if recompute else []
    finally:
        await db.close()


def _write(report: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
