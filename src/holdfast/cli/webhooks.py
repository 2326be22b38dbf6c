"""``holdfast webhooks add | list | events | pause | resume | rotate | test | deliveries | resend | remove``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from holdfast import notices
from holdfast.kit import actor
from holdfast.kit.db import Db

from .terminal import with_database

T = TypeVar("T")
WHO = actor.system("command line")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("webhooks", help="tell programs of others what happens here (Standard Webhooks)")
    actions = noun.add_subparsers(dest="action", required=True)

    def verb(name: str, text: str, run: Callable[[argparse.Namespace], int], *, of: str = "") -> Any:
        made = actions.add_parser(name, help=text)
        made.set_defaults(run=run)
        if of:
            made.add_argument("id", metavar="ID", type=UUID, help=of)
        return made

    one = "the subscription's id, as `list` shows it"
    new = verb("add", "subscribe an address; prints the secret, this once", add)
    new.add_argument("url", help="where to POST: https://…")
    new.add_argument(
        "--events", required=True, help="comma-separated names, or `all`; `holdfast webhooks events` lists them"
    )
    new.add_argument("--description", default="", help="whose address it is")
    new.add_argument("--contact", default="", help="a phone (+86…) that hears of a pause nobody asked for")
    new.add_argument("--locale", choices=("zh", "en"), default="zh", help="the language of such a message")
    verb("list", "the subscriptions and how they fare", show).add_argument(
        "--all", action="store_true", help="ended ones too"
    )
    verb("events", "what can be subscribed to", show_events)
    verb("pause", "send nothing more until it is resumed; nothing is lost", pause, of=one).add_argument(
        "--reason", required=True
    )
    again = verb("resume", "go on, with what waited and what happened meanwhile", resume, of=one)
    again.add_argument("--skip-missed", action="store_true", help="without what happened meanwhile")
    turn = verb("rotate", "a new secret, printed this once; both sign for a while", rotate, of=one)
    turn.add_argument(
        "--overlap-hours", type=float, default=24, help="how long the old one signs too; 0: it has leaked"
    )
    verb("test", "send a webhook.test now and show what came of it", test, of=one)
    sent = verb("deliveries", "the latest deliveries", show_deliveries)
    sent.add_argument("id", metavar="ID", type=UUID, nargs="?", help="of one subscription")
    sent.add_argument("--state", choices=("waiting", "delivered", "failed", "ended"))
    sent.add_argument("--limit", type=int, default=20)
    verb("resend", "send a delivery again, under the same webhook-id", resend).add_argument("delivery", type=int)
    verb("remove", "end a subscription for good; its record stays", remove, of=one).add_argument(
        "--reason", required=True
    )


def add(given: argparse.Namespace) -> int:
    """Prints the id and the secret."""
    events = list(notices.EVENTS) if given.events == "all" else [name.strip() for name in given.events.split(",")]
    added = with_database(
        lambda db: notices.subscriptions.add(
            db, WHO, given.url, events, description=given.description, contact=given.contact, locale=given.locale
        )
    )
    print(f"{added.id}\nsecret: {added.secret}\nKeep the secret now: it is not shown again.")
    return 0


def show(given: argparse.Namespace) -> int:
    """One paragraph per subscription: address, events, state and why, health."""

    async def read(db: Db) -> tuple[list[notices.Subscription], dict[UUID, notices.Health]]:
        async with db.reading() as tx:
            return await notices.subscriptions.listed(tx, ended=given.all), await notices.subscriptions.health(tx)

    found, health = with_database(read)
    for subscription in found:
        print(f"{subscription.id}  {subscription.state:7} {subscription.url}  {subscription.description}".rstrip())
        print(f"    {', '.join(subscription.events)}")
        if subscription.reason:
            print(
                f"    {subscription.state} since {subscription.state_since:%Y-%m-%d %H:%M} UTC: {subscription.reason}"
            )
        if subscription.id in health:
            print(f"    {_fares(health[subscription.id])}")
    if not found:
        print("no subscription yet: holdfast webhooks add URL --events all")
    return 0


def _fares(health: notices.Health) -> str:
    tried = "nothing tried in the last hour"
    if health.share_bp is not None:
        tried = f"last hour: {health.delivered} of {health.tried} delivered ({health.share_bp / 100:.1f} %)"
    waits = f", oldest from {health.oldest_waiting_at:%Y-%m-%d %H:%M} UTC" if health.oldest_waiting_at else ""
    return f"{tried}; {health.waiting} waiting{waits}"


def show_events(given: argparse.Namespace) -> int:
    """Each event on a line, with what it says."""
    for name, kind in notices.EVENTS.items():
        print(f"{name:22} {kind.description}")
    return 0


def pause(given: argparse.Namespace) -> int:
    """Nothing is sent until it is resumed."""
    with_database(lambda db: db.run(notices.subscriptions.pause, WHO, given.id, given.reason))
    print("paused")
    return 0


def resume(given: argparse.Namespace) -> int:
    """Says how many deliveries are due now."""
    due = with_database(lambda db: db.run(notices.subscriptions.resume, WHO, given.id, catch_up=not given.skip_missed))
    print(f"active; {due} deliveries are due now")
    return 0


def rotate(given: argparse.Namespace) -> int:
    """Prints the new secret."""
    overlap = timedelta(hours=max(0, given.overlap_hours))
    secret = with_database(lambda db: db.run(notices.subscriptions.rotate, WHO, given.id, overlap=overlap))
    print(f"secret: {secret}\nThe old one signs too for {overlap}." if overlap else f"secret: {secret}")
    return 0


def test(given: argparse.Namespace) -> int:
    """Exit 1 when the receiver did not accept it."""
    attempt = with_database(lambda db: notices.webhooks.test(db, WHO, given.id)).attempt
    accepted = attempt.status is not None and 200 <= attempt.status < 300
    print(
        f"{'accepted' if accepted else 'not accepted'}: {attempt.error or attempt.status} after {attempt.elapsed_ms} ms"
    )
    if attempt.answer:
        print(attempt.answer)
    return 0 if accepted else 1


def show_deliveries(given: argparse.Namespace) -> int:
    """The newest first, each on a line."""
    found = with_database(
        lambda db: db.read(notices.webhooks.deliveries, given.id, state=given.state, limit=max(1, given.limit))
    )
    for row in found:
        last = row.last_error or row.last_status or ""
        due = f"  next {row.due_at:%m-%d %H:%M:%S} UTC" if row.state == "waiting" else ""
        print(f"{row.id:>8}  {row.created_at:%m-%d %H:%M:%S}  {row.state:9} {row.attempts:>2} tried  {last!s:16} {row.type:22} {row.subject}  {row.url}{due}")  # fmt: skip
    return 0


def resend(given: argparse.Namespace) -> int:
    """The worker sends it within a second or two."""
    delivery = with_database(lambda db: db.run(notices.webhooks.resend, WHO, given.delivery))
    print(f"{delivery.type} to {delivery.url} is due now")
    return 0


def remove(given: argparse.Namespace) -> int:
    """Ends the subscription."""
    with_database(lambda db: db.run(notices.subscriptions.end, WHO, given.id, given.reason))
    print("ended")
    return 0
