"""``holdfast accounts restrictions``: what rests for whom, and voiding all that a bad release wrote, after a look at it."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from holdfast.accounts import Method, Selection, breaker, restrictions
from holdfast.accounts.restrictions_model import Preview
from holdfast.kit.db import Db

from .terminal import who, with_database


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("accounts", help="travellers' accounts: restrictions of ways to sign in")
    actions = noun.add_subparsers(dest="action", required=True)
    action = actions.add_parser(
        "restrictions", help="counts those not voided; with --void ends all that were chosen, at once"
    )
    action.add_argument("--release", help="those that this release wrote")
    action.add_argument(
        "--from", dest="since", type=_moment, metavar="MOMENT", help="written from 2026-11-23T09:30 (UTC) on"
    )
    action.add_argument("--to", dest="until", type=_moment, metavar="MOMENT", help="written before")
    action.add_argument("--void", action="store_true", help="end them; needs --reason and a choice")
    action.add_argument("--reason", default="", help="kept in the audit trail")
    action.add_argument("--json", action="store_true")
    action.set_defaults(run=show_restrictions)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def show_restrictions(given: argparse.Namespace) -> int:
    """Prints the preview, and what was voided. Exit 2 when --void lacks its reason."""
    if given.void and not given.reason.strip():
        sys.stderr.write("holdfast: --void needs --reason: it is kept in the audit trail\n")
        return 2
    chosen = Selection(given.release, given.since, given.until)
    preview, open_ways, voided = with_database(lambda db: _look(db, chosen, given.reason.strip() if given.void else ""))
    figures = {
        "written": preview.written,
        "in_force": preview.in_force,
        "voided": voided or 0,
        "open_breakers": len(open_ways),
    }
    if given.json:
        sys.stdout.write(
            msgspec.json.encode({"name": "restrictions", "passed": True, "figures": figures}).decode() + "\n"
        )
        return 0
    for method in open_ways:
        print(f"the breaker of {method} is open: no failure counts and nothing is written")
    print(f"{preview.written} restrictions not voided, {preview.in_force} of them in force")
    for one in preview.groups:
        print(
            f"  {one.in_force:7} in force of {one.written:7}  {one.scope:9} release {one.release_id}  {one.accounts} people  "
            f"{one.first_at:%Y-%m-%d %H:%M}Z to {one.last_at:%Y-%m-%d %H:%M}Z  {one.reason}"
        )
    if voided is not None:
        print(f"voided {voided}")
    elif preview.in_force and chosen.is_narrow:
        print("add --void --reason … to end them all")
    return 0


async def _look(db: Db, chosen: Selection, reason: str) -> tuple[Preview, list[Method], int | None]:
    """The preview, and with a reason the deed: never more than the preview counted."""
    async with db.reading() as tx:
        preview = await restrictions.preview(tx, chosen)
        open_ways = await breaker.troubled(tx)
    voided = None
    if reason:
        voided = await db.run(restrictions.void, who(), chosen, reason=reason, most=preview.in_force)
    return preview, open_ways, voided
