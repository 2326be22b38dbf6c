"""Nothing that people were given, and nothing that staff have made, is deleted: what may be is listed here, with why."""

from __future__ import annotations

import re
from pathlib import Path

import holdfast

PACKAGE = Path(holdfast.__file__).parent
MAY_BE_DELETED = {
    "kit.outbox": "news that was delivered",
    "campaigns.seen_marks": "how many orders there were when: marks that nothing which runs counts from any more",
    "kit.replies": "remembered answers whose time is over",
    "notices.attachments": "files of messages, with whoever is erased",
    "notices.events": "webhooks long delivered",
    "orders.one_time_links": "links that are over",
    "orders.wait_leftovers": "clocks that have run out",
    "orders.demand": "figures for planning, which are made anew from the orders",
    "orders.demand_rounds": "the same",
    "admission.windows": "counters of limits",
    "accounts.codes": "one-time codes",
    "accounts.proofs": "proofs that last for minutes",
    "accounts.proof_codes": "their codes",
    "accounts.devices": "signed out, or erased at their owner's wish",
    "accounts.sessions": "the same",
    "accounts.failures": "counters of failed tries",
    "accounts.sign_ins": "figures of sign-ins, after their time",
    "accounts.sign_in_hours": "the same",
    "accounts.spent_challenges": "challenges that are over",
    "accounts.passkeys": "removed or erased at their owner's wish",
    "accounts.passwords": "the same",
    "accounts.identifiers": "the same",
}
"""Table → why its rows may go. Orders, lines, payments, the ledger, slots, policies, the catalogue and trails are not here."""
DELETES = re.compile(r"\bdelete\s+from\s+(?:only\s+)?([a-z_]+\.[a-z_]+)", re.IGNORECASE)
KEPT = (
    "orders.orders",
    "orders.lines",
    "inventory.slots",
    "inventory.policies",
    "catalogue.products",
    "catalogue.prices",
)


def deletions() -> dict[str, set[str]]:
    """Table → the files in which its rows are deleted. The simulators of providers forget what they like."""
    found: dict[str, set[str]] = {}
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sql")]:
        if "simulator" in path.parts:
            continue
        for table in DELETES.findall(path.read_text()):
            found.setdefault(table.lower(), set()).add(str(path.relative_to(PACKAGE)))
    return found


def test_rows_are_deleted_from_the_listed_tables_alone() -> None:
    found = deletions()
    assert "kit.outbox" in found, "the search itself is broken"
    unlisted = {table: files for table, files in found.items() if table not in MAY_BE_DELETED}
    assert not unlisted, f"end, retire or supersede it instead: {unlisted}"
    assert not set(KEPT) & set(MAY_BE_DELETED)


def test_foreign_keys_delete_in_passing_only_what_belongs_to_messages() -> None:
    cascade = re.compile(r"references\s+([a-z_]+)\.[a-z_]+\s*\([^)]*\)\s+on\s+delete\s+cascade", re.IGNORECASE)
    found = {schema for path in PACKAGE.rglob("*.sql") for schema in cascade.findall(path.read_text())}
    assert found == {"notices"}


def test_no_table_is_emptied_at_once() -> None:
    emptied = [
        path.name
        for path in PACKAGE.rglob("*_store.py")
        if re.search(r"\btruncate\s+(table\s+)?[a-z]+\.", path.read_text())
    ]
    assert not emptied
