"""``holdfast capacity show | set | lift | mark | cuts | run | hold | try``: limits on the number of visitors, and cuts.

Every change prints its effect and does nothing more, unless ``--apply`` is given; what needs a second person is proposed
with ``--propose`` and approved at the console. ``run`` takes a cut on from where it stands.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from holdfast.inventory import policies, policies_store, policy_examples
from holdfast.inventory.policies import Mark, Plan, Wish
from holdfast.kit import actor, clock
from holdfast.kit.db import Db
from holdfast.kit.problems import NotFound
from holdfast.orders import displacement, displacement_capacity, displacement_run, displacement_store

from .terminal import verb

WHO = actor.system("command line")
MADE = ("absolute", "percent", "closed", "paused", "inside", "entry_paused")


class EventUnknown(NotFound):
    """There is no such example."""

    next_step = "Leave the name out to see all of them."


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser(
        "capacity", help="limits on visitors: rules by date, days of a type, cuts below what is sold"
    )
    actions = noun.add_subparsers(dest="action", required=True)
    show = _verb(actions, "show", "a venue's rules and days", _show)
    show.add_argument("venue")
    show.add_argument("--days", type=int, default=7)
    made = _verb(actions, "set", "a new rule; prints its effect", _set, changes=True)
    made.add_argument("venue")
    made.add_argument("kind", choices=MADE)
    made.add_argument("value", type=int, nargs="?", default=0, help="places, percent, people or minutes")
    made.add_argument("--from", dest="first", type=date.fromisoformat, help="first day (default: today)")
    made.add_argument("--to", dest="last", type=date.fromisoformat, help="last day (default: until lifted)")
    for name in ("product", "code", "day-type", "supersedes"):
        made.add_argument(f"--{name}")
    for name in ("ground-zh", "ground-en", "authority", "document"):
        made.add_argument(f"--{name}", default="")
    lift = _verb(actions, "lift", "end a rule; what it superseded holds again", _lift, changes=True)
    lift.add_argument("policy", type=UUID)
    mark = _verb(actions, "mark", "say that days of a venue are of a type", _mark, changes=True)
    mark.add_argument("venue")
    mark.add_argument("day_type")
    mark.add_argument("days", type=date.fromisoformat, nargs="+")
    mark.add_argument("--off", action="store_true", help="they are not any more")
    _verb(actions, "cuts", "cuts, and how far they are", _cuts)
    run = _verb(actions, "run", "take a cut on from where it stands", _run)
    run.add_argument("cut", type=UUID)
    hold = _verb(actions, "hold", "stop a running cut where it stands", _hold)
    hold.add_argument("cut", type=UUID)
    hold.add_argument("--go-on", action="store_true", help="let it go on instead")
    hold.add_argument("--reason", required=True)
    example = _verb(actions, "try", "what a published event of the past would do now; changes nothing", _try)
    example.add_argument("event", nargs="?", help="none: list them")


def _verb(
    actions: Any, name: str, text: str, do: Callable[[Db, argparse.Namespace], Awaitable[str]], *, changes: bool = False
) -> argparse.ArgumentParser:
    made = verb(actions, name, text, do)
    if changes:
        made.add_argument("--reason", required=True, help="kept in the audit trail")
        made.add_argument("--apply", action="store_true", help="do it, if one person may")
        made.add_argument("--propose", action="store_true", help="ask for a second person")
    return made


async def _show(db: Db, given: argparse.Namespace) -> str:
    today = clock.now().date()
    async with db.reading() as tx:
        rules = policies.standing(await policies.of_venue(tx, given.venue), today)
        slots = await policies_store.slots_between(tx, [given.venue], today, today + timedelta(days=given.days - 1))
    lines = [
        f"{one.id}  {one.kind:12} {one.value:7}  {one.from_date} – {one.to_date or ''}  {one.product_id or ''} {one.day_type or ''}"
        f"  {one.authority} {one.document_no}"
        for one in rules
    ]
    lines += [
        f"{one.visit_date}  {one.product_id:28} {one.code:8} {one.state:7} capacity {one.capacity:6}  sold {one.taken:6}"
        f"  set aside {one.set_aside:5}"
        for one in slots
    ]
    return "\n".join(lines) or "nothing is known of it"


async def _set(db: Db, given: argparse.Namespace) -> str:
    ground = given.ground_en or given.ground_zh or given.reason
    wish = Wish(
        venue_id=given.venue, kind=given.kind, from_date=given.first or clock.now().date(), to_date=given.last,
        value=given.value * 100 if given.kind == "percent" else 0 if given.kind == "entry_paused" else given.value,
        minutes=given.value if given.kind == "entry_paused" else 0, product_id=given.product, code=given.code,
        day_type=given.day_type, reason={"zh": given.ground_zh or ground, "en": given.ground_en or ground},
        authority=given.authority, document_no=given.document,
        supersedes=UUID(given.supersedes) if given.supersedes else None,
    )  # fmt: skip
    return await _change(db, given, Plan(policies=[wish]))


async def _lift(db: Db, given: argparse.Namespace) -> str:
    return await _change(db, given, Plan(lifts=[given.policy]))


async def _mark(db: Db, given: argparse.Namespace) -> str:
    return await _change(db, given, Plan(marks=[Mark(given.venue, given.day_type, given.days, is_on=not given.off)]))


async def _change(db: Db, given: argparse.Namespace, plan: Plan) -> str:
    shown = await displacement_capacity.try_out(db, WHO, plan, given.reason)
    said = _said(shown)
    if given.propose:
        made = await displacement_capacity.propose(db, WHO, plan, given.reason)
        return f"{said}\nproposed: {made.id}"
    if given.apply:
        done = await displacement_capacity.carry_out(db, WHO, plan, given.reason, shown.hash)
        return f"{said}\ndone: {', '.join(str(one) for one in done.policy_ids) or 'days marked'}"
    return f"{said}\nnothing was changed"


def _said(shown: displacement_capacity.Shown) -> str:
    effect, touched = shown.effect, shown.touched
    money = ", ".join(f"{minor / 100:,.2f} {currency}" for currency, minor in touched.money) or "nothing paid"
    days = f"days {len(effect.days)}, slots {len(effect.slots)}: places {-effect.lost:+,} {effect.gained:+,}"
    lines = [f"{days}, sale stops in {effect.stops}, opens in {effect.opens}"]
    if touched.over:
        lines.append(
            f"{touched.over:,} booked places too many, among {touched.places:,} places of {touched.orders:,} orders, {money}"
        )
    if shown.dangers:
        lines.append("needs a second person: " + ", ".join(shown.dangers))
    return "\n".join(lines)


async def _cuts(db: Db, given: argparse.Namespace) -> str:
    found = await db.read(displacement_store.newest, 50)
    return "\n".join(f"{one.id}  {one.step}{' (held)' if one.is_held else ''}  {one.made_at:%F %R}" for one in found)


async def _run(db: Db, given: argparse.Namespace) -> str:
    done = await displacement_run.run(db, given.cut)
    figures = displacement.tally(await db.read(displacement_store.waiting, given.cut))
    return f"{done.step}{' (held)' if done.is_held else ''}: {figures['orders']} orders wait"


async def _hold(db: Db, given: argparse.Namespace) -> str:
    await db.run(displacement.hold, WHO, given.cut, given.reason, is_held=not given.go_on)
    return "goes on" if given.go_on else "stopped where it stands"


async def _try(db: Db, given: argparse.Namespace) -> str:
    found = {one["id"]: one for one in policy_examples.every()}
    if given.event is None:
        return "\n".join(f"{name:14} {one['kind']:15} {one['note']}" for name, one in found.items())
    if given.event not in found:
        raise EventUnknown
    async with db.reading() as tx:
        plan = await policy_examples.plan_of(tx, found[given.event], clock.now().date() + timedelta(days=1))
    shown = await displacement_capacity.try_out(db, WHO, plan, f"example {given.event}")
    return f"{found[given.event]['note']}\n{found[given.event]['source']}\n{_said(shown)}"
