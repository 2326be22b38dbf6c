"""``holdfast partners …``: suppliers from the command line, as the console shows them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast import partners
from holdfast.kit import actor, ids
from holdfast.kit.db import Db

from .terminal import with_database

BY = actor.system("command-line")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("partners", help="suppliers: who is fresh, who is silent, what they say and are told")
    actions = noun.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every partner and how it stands; exit 1 when one needs somebody").set_defaults(
        run=every
    )
    show = _of_one(actions, "show", "what a partner supplies, how it stands, what it said and was told", show_one)
    show.add_argument("--messages", type=int, default=10, metavar="N", help="so many of the newest messages")
    add = _of_one(actions, "add", "register a partner", add_one)
    add.add_argument("--zh", default="", help="name in Chinese")
    add.add_argument("--en", default="", help="name in English")
    add.add_argument("--phone", default="")
    add.add_argument("--email", default="")
    supply = _of_one(actions, "supply", "a product is sold only while the partner's word holds", supply_one)
    supply.add_argument("product", help="short name in the catalogue")
    supply.add_argument("--minutes", type=int, help="a word holds so long for days to come")
    supply.add_argument("--day-minutes", type=int, help="and so long on the day itself")
    supply.add_argument(
        "--answer-minutes", type=int, help="bookings are to be answered within; without it they are not"
    )
    say = _of_one(actions, "say", "speak for a partner: what it said on the telephone", say_one)
    say.add_argument("kind", choices=("heartbeat", "open", "stop"))
    say.add_argument("--product", help="one product; without it all")
    upload = _of_one(actions, "upload", "a CSV file of its news; all or nothing", upload_one)
    upload.add_argument("file", type=Path)
    token = _of_one(actions, "token", "make a token for one of its programs; printed once", make_token)
    token.add_argument("name", help="what the program is called")
    octo = _of_one(actions, "octo", "ask a partner's OCTO interface; its token is read from standard input", connect)
    octo.add_argument("url", help="such as https://supplier.example/octo")
    sells = _of_one(
        actions,
        "octo-item",
        "a product of ours is one of the partner's, and is held there before it is booked",
        octo_item,
    )
    sells.add_argument("product", help="short name in the catalogue")
    sells.add_argument("theirs", help="the supplier's product id")
    sells.add_argument("--option", default="DEFAULT")
    sells.add_argument("--unit", default="", help="the supplier's unit; without it its first")
    _of_one(actions, "pull", "ask a partner's OCTO interface now what is free; exit 1 when it does not say", pull_one)
    _of_one(actions, "link", "print the address of its one-tap page", print_link)
    for name, says in (("off", "switch a partner off: nothing of it is sold"), ("on", "switch it on again")):
        switch = _of_one(actions, name, says, switch_off if name == "off" else switch_on)
        switch.add_argument("--reason", required=True)


def _of_one(actions: Any, name: str, says: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """A subcommand about one partner."""
    made: argparse.ArgumentParser = actions.add_parser(name, help=says)
    made.add_argument("partner", help="short name of the partner")
    made.set_defaults(run=run)
    return made


def every(given: argparse.Namespace) -> int:
    """One line each, those that need somebody first."""
    needy = 0

    async def work(db: Db) -> None:
        nonlocal needy
        for one in await db.read(partners.health.overview):
            state = "off" if not one.partner.is_active else one.state or "-"
            needy += state in ("silent", "barred")
            word = one.last_word.isoformat(timespec="seconds") if one.last_word else "never"
            print(
                f"{state:7} {one.partner.id:24} {one.supplies:3} products, last word {word}, {one.waiting} bookings to answer"
            )

    with_database(work)
    return 1 if needy else 0


def show_one(given: argparse.Namespace) -> int:
    """How one partner stands."""

    async def work(db: Db) -> None:
        partner = await db.read(partners.require, given.partner)
        print(partner.id, partner.name.get("en") or partner.name.get("zh", ""))
        for one in await db.read(partners.health.standings, partner.id):
            until = one.until.isoformat(timespec="minutes") if one.until else "-"
            print(f"  {one.state:7} {one.supply.product_id:24} today until {until}", *(bar.kind for bar in one.bars))
        for told in (await db.read(partners.freshness.told, partner.id))[:10]:
            print(f"  told {told.at.isoformat(timespec='seconds')} {told.kind}", *(way["way"] for way in told.ways))
        for said in await db.read(lambda tx: partners.feeds.messages(tx, partner.id, limit=given.messages)):
            kinds = ",".join(str(news.get("kind")) for news in said.body[:5])
            print(f"  said {said.received_at.isoformat(timespec='seconds')} {said.way:7} {said.outcome:8} {kinds}")

    with_database(work)
    return 0


def add_one(given: argparse.Namespace) -> int:
    """Registers a partner."""

    async def work(db: Db) -> None:
        name = {"zh": given.zh, "en": given.en}
        made = await db.run(
            partners.register, BY, partner_id=given.partner, name=name, phone=given.phone, email=given.email
        )
        print(made.id)

    with_database(work)
    return 0


def supply_one(given: argparse.Namespace) -> int:
    """A product and the times of its word."""

    async def work(db: Db) -> None:
        found = await db.run(
            partners.feeds.supply, BY, given.partner, given.product, minutes=given.minutes, day_minutes=given.day_minutes,
            answer_minutes=given.answer_minutes,
        )  # fmt: skip
        print(f"{found.product_id}: a word holds {found.day_minutes} min on the day, {found.minutes} min before")

    with_database(work)
    return 0


def say_one(given: argparse.Namespace) -> int:
    """Speaks for a partner."""

    async def work(db: Db) -> None:
        news = [partners.News(given.kind, product_id=given.product)]
        receipt = await partners.feeds.receive(db, BY, given.partner, "console", ids.uuid7().hex, news)
        print(receipt.outcome)

    with_database(work)
    return 0


def upload_one(given: argparse.Namespace) -> int:
    """A file of news."""

    async def work(db: Db) -> None:
        news = partners.uploads.read(given.file.read_bytes())
        receipt = await partners.feeds.receive(db, BY, given.partner, "upload", ids.uuid7().hex, news)
        print(f"{receipt.outcome}: {len(receipt.results)} rows")

    with_database(work)
    return 0


def make_token(given: argparse.Namespace) -> int:
    """A token, printed once."""

    async def work(db: Db) -> None:
        _made, secret = await db.run(partners.make_token, BY, given.partner, name=given.name)
        print(secret)

    with_database(work)
    return 0


def connect(given: argparse.Namespace) -> int:
    """The partner has an OCTO interface that we ask."""

    async def work(db: Db) -> None:
        count = await partners.client_pull.connect(db, BY, given.partner, given.url, sys.stdin.readline().strip())
        print(f"{count} products are offered to us")

    with_database(work)
    return 0


def octo_item(given: argparse.Namespace) -> int:
    """A product of ours is one of the partner's."""

    async def work(db: Db) -> None:
        await partners.client_pull.sell(
            db, BY, given.partner, given.product, given.theirs, option_id=given.option, unit_id=given.unit
        )

    with_database(work)
    return 0


def pull_one(given: argparse.Namespace) -> int:
    """What is free there."""
    answered: list[bool] = []

    async def work(db: Db) -> None:
        answered.append(await partners.client_pull.pull(db, given.partner))

    with_database(work)
    return 0 if answered == [True] else 1


def print_link(given: argparse.Namespace) -> int:
    """The one-tap page."""

    async def work(db: Db) -> None:
        await db.read(partners.require, given.partner)
        print(await db.read(partners.links.link, given.partner))

    with_database(work)
    return 0


def switch_off(given: argparse.Namespace) -> int:
    """Nothing of it is sold; what is booked stays."""
    with_database(lambda db: db.run(partners.disable, BY, given.partner, reason=given.reason))
    return 0


def switch_on(given: argparse.Namespace) -> int:
    """Its word counts again."""
    with_database(lambda db: db.run(partners.enable, BY, given.partner, reason=given.reason))
    return 0
