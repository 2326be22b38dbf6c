"""``holdfast card offer | show | suspend | resume | return``: cards from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from holdfast import inventory, orders, passes
from holdfast.kit import actor, clock
from holdfast.kit.db import Db

from .terminal import with_database

WHO = actor.system("command-line")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    card = commands.add_parser("card", help="cards: put on sale, look at, suspend, give back because of us")
    actions = card.add_subparsers(dest="action", required=True)
    offered = actions.add_parser("offer", help="put the cards of a file on sale, in the newest version of their rules")
    offered.add_argument("path", nargs="?", help="a JSON file (holdfast-cards/1); none: the four demo cards")
    offered.set_defaults(run=offer)
    shown = actions.add_parser("show", help="a card as it stands")
    shown.set_defaults(run=show)
    stopped = actions.add_parser("suspend", help="nothing more can be booked with it; what is booked stays booked")
    stopped.set_defaults(run=suspend)
    resumed = actions.add_parser("resume", help="a suspended card goes on")
    resumed.set_defaults(run=resume)
    returned = actions.add_parser("return", help="give a card back for its buyer, because of us: article 18 of the law")
    returned.set_defaults(run=give_back)
    for verb in (shown, stopped, resumed, returned):
        verb.add_argument("number", help="the card's number")
    for verb in (stopped, resumed, returned):
        verb.add_argument("--why", required=True, help="for the card's story and the audit trail")


def offer(given: argparse.Namespace) -> int:
    """Puts cards on sale and makes the days on which they are sold. Again: nothing."""
    file = passes.card_products.read(Path(given.path).read_bytes()) if given.path else passes.card_products.demo()

    async def work(db: Db) -> None:
        changed = await db.run(passes.card_products.load, WHO, file)
        await db.run(inventory.generate, WHO, today=clock.now().date())
        print(f"{len(file.cards)} cards on sale, {changed} of them new or changed")

    with_database(work)
    return 0


def show(given: argparse.Namespace) -> int:
    """What is left on it, until when, and what it is worth."""

    async def work(db: Db) -> None:
        card = await db.read(passes.cards.by_number, given.number)
        worth = await db.read(passes.cards.refund_of, card)
        days = f"{card.row.valid_from or '–'} to {card.row.valid_to or '–'}"
        print(
            f"{card.number}  {card.row.product_id} v{card.row.version}  {card.state}  order {card.row.order_number}  days {days}"
        )
        for one in card.entitlements:
            left = card.left(one.item)
            print(f"  {one.item}: {'no limit' if left is None else left} left, {one.held} booked, {one.used} used")
        for use in card.uses:
            print(f"  {use.state}: {use.item} on {use.visit_date}, order {use.order_number} line {use.line_seq}")
        print(f"  worth now {worth.refund_minor} of {worth.paid_minor} ({worth.ground} {worth.source})".rstrip())

    with_database(work)
    return 0


def suspend(given: argparse.Namespace) -> int:
    """Stops a card."""
    with_database(lambda db: db.run(passes.cards.suspend, WHO, given.number, given.why))
    return 0


def resume(given: argparse.Namespace) -> int:
    """Lets it go on."""
    with_database(lambda db: db.run(passes.cards.resume, WHO, given.number, given.why))
    return 0


def give_back(given: argparse.Namespace) -> int:
    """Ends the card and its visits; prints what goes back."""

    async def work(db: Db) -> None:
        print(await orders.card_returns.by_seller(db, WHO, given.number, given.why))

    with_database(work)
    return 0
