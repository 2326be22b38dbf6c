"""A release breaks the verifier of passwords: it says no to everybody. Then nobody must be locked out, and one command undoes the rest.

Two rounds against real records. In the first, many people in many networks try their right passwords: the breaker opens at
`TRIES_MIN` tries, and those that were on their way, and nothing is restricted. In the second, devices have failed all night and everybody stands one failure before
a restriction: no more than the cap are written before the breaker opens, and they are voided with one command after a preview.
After each the verifier is mended, and everybody gets in.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from holdfast import accounts
from holdfast.accounts import Method, Place, Selection, breaker, password_proofs, passwords, restrictions, verification
from holdfast.accounts.attempts_model import CAP_MIN, FAILURES_MAX, TRIES_MIN
from holdfast.drills import mass_lock_store as store
from holdfast.drills.report import Goal, Options, Report, Table, begun
from holdfast.kit import actor, clock, embedded, faults, schema
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem

NAME = "mass-lock"
TITLE = "A verifier of passwords says no to everybody"
LEAD = (
    "A release breaks the check of passwords. Hundreds of people try their right password from as many networks. "
    "Nobody must be locked out, and what was written in error is voided by one command."
)
TILES = (
    ("people", "people"),
    ("tries until the breaker opened, worst round", "worst_tries_until_open"),
    ("restrictions written, at most", "worst_restrictions"),
    ("got in afterwards", "back_in"),
)
ROUNDS = (
    ("tries until the breaker opened", "tries_until_open"),
    ("tries in all", "tries"),
    ("let in by the broken verifier", "wrongly_let_in"),
    ("restrictions written", "restrictions"),
    ("seconds", "seconds"),
)
OPEN_WITHIN = 200
PEOPLE, AT_ONCE = 400, 32
PASSWORD = "kelp anchors seven boats"  # noqa: S105 - of people who do not exist
DRILL = actor.system("mass-lock drill")
QUIET = timedelta(minutes=16)
"""After so long without tries a breaker closes."""


class Someone(NamedTuple):
    """A person with a password, and the network they try from."""

    account_id: UUID
    phone: str
    source: str


def main(options: Options) -> Report:
    """Runs both rounds on a PostgreSQL of its own, with `size` people (at least 250), each in a network of their own."""
    report = begun(NAME, TITLE, LEAD, options)
    began = time.monotonic()
    size = max(options.size or PEOPLE, TRIES_MIN + AT_ONCE)
    with embedded.temporary(durable=False) as url:
        schema.apply(url)
        report.figures = found = asyncio.run(_both(url, size, options.seed))
    report.goals = _goals(found)
    report.tiles = [(title, figure, "") for title, figure in TILES]
    rounds: list[list[str | float]] = [[says, found[f"plain_{name}"], found[f"worst_{name}"]] for says, name in ROUNDS]
    report.tables = [Table("The two rounds", ["", "Everybody tries", "One failure before a restriction"], rounds)]
    report.elapsed_s = found["elapsed_s"] = round(time.monotonic() - began, 1)
    return report


async def _both(url: str, size: int, seed: int) -> dict[str, float]:
    db = await Db(url, size=20).open()
    try:
        people = await furnished(db, size, seed)
        plain = await _round(db, people, failed_before=0)
        await settled(db)
        worst = await _round(db, people, failed_before=FAILURES_MAX - 1)
        undone = await undo(db)
        back = await everybody(db, people)
    finally:
        faults.arm("")
        clock.reset()
        await db.close()
    figures = {f"plain_{name}": value for name, value in plain.items()}
    figures |= {f"worst_{name}": value for name, value in worst.items()}
    figures |= {f"undo_{name}": value for name, value in undone.items()}
    figures |= {"people": size, "cap": CAP_MIN, "back_in": back["in"], "back_refused": back["refused"]}
    return figures


def _goals(found: dict[str, float]) -> list[Goal]:
    """Nobody is locked out, the breaker opens in time, one command undoes what little was written, all get in."""
    tries = max(found["plain_tries_until_open"], found["worst_tries_until_open"])
    not_voided = found["worst_restrictions"] - found["undo_voided"]
    return [
        Goal("tries_until_open", "The breaker opens within 200 tries", tries, OPEN_WITHIN),
        Goal("plain_restrictions", "People who only try are not restricted", found["plain_restrictions"]),
        Goal(
            "worst_restrictions", "No more restrictions are written than the cap", found["worst_restrictions"], CAP_MIN
        ),
        Goal(
            "undo_previewed",
            "The preview counts what is there",
            abs(found["undo_previewed"] - found["worst_restrictions"]),
        ),
        Goal("not_voided", "One command voids them all", not_voided),
        Goal(
            "wrongly_let_in",
            "The broken verifier lets nobody in",
            found["plain_wrongly_let_in"] + found["worst_wrongly_let_in"],
        ),
        Goal("back_in", "Everybody gets in afterwards", found["back_in"], found["people"], least=True),
        Goal(
            "worst_restricted_some", "The second round restricts somebody", found["worst_restrictions"], 1, least=True
        ),
    ]


async def furnished(db: Db, size: int, seed: int) -> list[Someone]:
    """People with the same password, so that one hash serves for all; each in a network of their own."""
    dice = random.Random(seed)
    password_hash = await passwords.hashed(PASSWORD)
    people = []
    for n in range(size):
        phone = f"+86138{n:04d}{dice.randrange(10_000):04d}"
        account_id = await db.run(store.open_person, phone, password_hash, clock.now())
        people.append(Someone(account_id, phone, f"10.{n // 62_500}.{n // 250 % 250}.{n % 250 + 1}"))
    return people


async def _round(db: Db, people: Sequence[Someone], *, failed_before: int) -> dict[str, float]:
    """Breaks the verifier, lets everybody try twice, and tells what came of it."""
    if failed_before:
        keys = [password_proofs.subject_of(one.account_id, "") for one in people]
        await db.run(store.fail_before, keys, failed_before, clock.now())
    faults.arm(f"{verification.VERIFY}=error@1+")
    began = time.monotonic()
    refused = await everybody(db, [*people, *people])
    elapsed = time.monotonic() - began
    faults.arm("")
    opened = [one for one in await db.read(breaker.states) if one.method == Method.PASSWORD and one.is_open]
    tries = await db.read(store.tries_until, opened[0].changed_at) if opened else float("inf")
    return {
        "tries_until_open": tries,
        "tries": float(sum(refused.values())),
        "wrongly_let_in": float(refused["in"]),
        "restrictions": float((await db.read(restrictions.preview, Selection())).written),
        "seconds": round(elapsed, 2),
    }


async def everybody(db: Db, people: Sequence[Someone]) -> dict[str, int]:
    """All try their right password, some at once: how many got in and how many did not."""
    counts, gate = {"in": 0, "refused": 0}, asyncio.Semaphore(AT_ONCE)

    async def one(who: Someone) -> None:
        async with gate:
            try:
                await accounts.sign_in_with_password(
                    db, "phone", who.phone, PASSWORD, kept=False, place=Place("drill", who.source)
                )
            except Problem:
                counts["refused"] += 1
            else:
                counts["in"] += 1

    await asyncio.gather(*(one(who) for who in people))
    return counts


async def settled(db: Db) -> None:
    """Between the rounds the breaker rests closed, as after a quiet while, and old tries are out of its windows."""
    clock.move(QUIET)
    await breaker.watch(db)
    await db.run(store.forget_tries)


async def undo(db: Db) -> dict[str, Any]:
    """What one command does: preview, then void all that this release wrote."""
    chosen = Selection(release=accounts.attempts.release())
    preview = await db.read(restrictions.preview, chosen)
    began = time.monotonic()
    voided = await db.run(restrictions.void, DRILL, chosen, reason="the release was broken", most=preview.in_force)
    return {
        "previewed": float(preview.in_force),
        "voided": float(voided),
        "seconds": round(time.monotonic() - began, 3),
    }
