"""``holdfast ticket keys | verify``: what a gate needs, and what it does, without a network."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdfast import orders
from holdfast.kit import clock, ids


def register(commands: Any) -> None:
    """The subcommands of this file."""
    ticket = commands.add_parser("ticket", help="public keys of tickets, and offline verification")
    actions = ticket.add_subparsers(dest="action", required=True)
    actions.add_parser("keys", help="print the keys a gate loads before it goes offline").set_defaults(run=print_keys)
    verify = actions.add_parser("verify", help="check the code of a ticket against a file of keys; no network")
    verify.add_argument("code", help="what the QR code says, or - to read it from standard input")
    verify.add_argument("--keys", required=True, help="a file written by `holdfast ticket keys`")
    verify.set_defaults(run=verify_code)


def print_keys(given: argparse.Namespace) -> int:
    """The current public keys, as ``/.well-known/holdfast-ticket-keys.json`` gives them."""
    keys = [{"id": name, "algorithm": "Ed25519", "public_key": key} for name, key in orders.public_keys().items()]
    print(json.dumps({"keys": keys}))
    return 0


def verify_code(given: argparse.Namespace) -> int:
    """Says what the code admits; exit 1 when it is not ours or not valid now."""
    code = sys.stdin.read() if given.code == "-" else given.code
    keys = {key["id"]: key["public_key"] for key in json.loads(Path(given.keys).read_text())["keys"]}
    try:
        admission = orders.verify(code, keys)
    except orders.TicketInvalid as reason:
        print(f"not valid: {reason}")
        return 1
    start, end = (
        datetime.fromtimestamp(moment, UTC).isoformat() for moment in (admission.not_before, admission.not_after)
    )
    print(
        f"signed by us: order {ids.show_code(admission.number)}, ticket {admission.ticket}, admits {admission.admits}"
    )
    print(f"venue {admission.venue_id}, from {start} to {end}")
    verdict = orders.admits_at(admission, clock.now())
    print(f"now: {verdict}")
    return 0 if verdict == "ok" else 1
