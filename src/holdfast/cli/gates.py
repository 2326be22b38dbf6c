"""``holdfast gate device | devices | conflicts``: gates from the command line, as the console shows them."""

from __future__ import annotations

import argparse
from typing import Any

from holdfast import catalogue, passes
from holdfast.kit import actor
from holdfast.kit.db import Db

from .terminal import with_database


def register(commands: Any) -> None:
    """The subcommands of this file."""
    gate = commands.add_parser("gate", help="devices at the entrances, and conflicts of those without a network")
    actions = gate.add_subparsers(dest="action", required=True)
    device = actions.add_parser("device", help="make a device; prints the link that makes a phone or tablet it, once")
    device.add_argument("venue", help="short name of the venue")
    device.add_argument("name", help="what the gate is called")
    device.set_defaults(run=make)
    actions.add_parser("devices", help="every device and when it was heard of").set_defaults(run=devices)
    actions.add_parser("conflicts", help="what was let in against the rules, and is not decided").set_defaults(
        run=conflicts
    )


def make(given: argparse.Namespace) -> int:
    """A new device and its link."""

    async def work(db: Db) -> None:
        venue = await db.read(catalogue.venues.get, given.venue)
        made = await db.run(passes.devices.make, actor.system("command-line"), venue.id, given.name)
        print(made.url)

    with_database(work)
    return 0


def devices(given: argparse.Namespace) -> int:
    """One line each."""

    async def work(db: Db) -> None:
        for one in await db.read(passes.devices.every):
            state = "off" if one.revoked_at else "ready" if one.enrolled_at else "new"
            seen = one.seen_at.isoformat(timespec="seconds") if one.seen_at else "never"
            print(f"{one.id}  {state:5}  {one.venue_id}  {one.name}  seen {seen}  let in today {one.today}")

    with_database(work)
    return 0


def conflicts(given: argparse.Namespace) -> int:
    """Both sides of each; exit 1 when there are any."""
    found: list[passes.Dispute] = []

    async def work(db: Db) -> None:
        found.extend(await db.read(passes.admissions.disputes))

    with_database(work)
    for one in found:
        rival = f"; counts: {one.rival.device_name} {one.rival.at.isoformat(timespec='seconds')}" if one.rival else ""
        late = one.late
        print(
            f"{late.verdict}: {late.order_number} ticket {late.ticket}, {late.device_name} {late.at.isoformat(timespec='seconds')}{rival}"
        )
    return 1 if found else 0
