"""The form of a campaign: what was typed, read as a content, and a content as it would have been typed. Nothing typed is lost.

Conditions are rows of field, operator and value: every row holds, except that a row may be an alternative to the one above.
What rows cannot say (deeper groups, cases with several lines) stands as JSON in a field of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.campaigns import codes, facts, model, nodes
from holdfast.campaigns.catalogued import Ticket
from holdfast.campaigns.facts import Level
from holdfast.campaigns.model import Content
from holdfast.campaigns.nodes import Condition
from holdfast.kit.money import parse_major
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form

from . import campaigns_cases as cases

ROWS, ROWS_MAX = 2, 12
CHANNELS = ("web", "api", "desk")
EFFECTS = ("amount", "percent", "fixed_price", "gift")
LEVELS: Mapping[str, Level] = {"scope": "line", "when": "basket"}
MODES = ("rows", "everything", "json")
OPERATORS: Mapping[str, type[nodes.Leaf]] = {
    nodes.op_of(kind): kind
    for kind in (
        nodes.In, nodes.NotIn, nodes.Eq, nodes.Gte, nodes.Lt, nodes.Between, nodes.DateBetween, nodes.LocalTimeBetween, nodes.IsTrue,
        nodes.IsFalse, nodes.CountLt,
    )
}  # fmt: skip
MONEY_FORM = "Write an amount in yuan, such as 20 or 12.50."


def read(form: Form, priced: Mapping[str, Ticket]) -> Content | None:
    """The content of a form, or None with what is wrong beside its fields. `priced`: tickets of the catalogue by price id."""
    before = len(form.errors)
    parts: dict[str, Any] = {
        "names": _texts(form, "name", 60), "sentence": _texts(form, "sentence", 200), "effect": _effect(form),
        "limits": _limits(form), "schedule": _schedule(form), "envelope_id": _envelope(form), "stacking": _stacking(form),
        "channels": [one for one in CHANNELS if form.value(f"channel.{one}")], "codes": _codes(form),
        "priority": _whole(form, "priority", 0, 1000, otherwise=100), "template": form.value("template") or None,
        "scope": _condition(form, "scope"), "when": _condition(form, "when"), "cases": cases.read(form, priced),
    }  # fmt: skip
    if not parts["channels"]:
        form.add("channels", "Choose at least one channel.")
    if len(form.errors) > before:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(parts), Content)
    except msgspec.ValidationError as problem:
        form.add("name_en", "Something here does not fit: {problem}", problem=str(problem))
        return None


def _texts(form: Form, name: str, most: int) -> dict[str, str]:
    found = {}
    for tongue in ("zh", "en"):
        text = " ".join(form.value(f"{name}_{tongue}").split())
        if not 2 <= len(text) <= most:
            form.add(f"{name}_{tongue}", "Write 2 to {most} characters.", most=most)
        found[tongue] = text
    return found


def money(form: Form, name: str, *, needed: bool) -> int | None:
    """An amount in yuan as minor units; None when nothing or nonsense was typed (the latter is an error)."""
    typed = form.value(name).strip().replace(",", "")
    if not typed:
        if needed:
            form.add(name, MONEY_FORM)
        return None
    try:
        minor = parse_major(typed).amount_minor
    except ValueError:
        minor = -1
    if not 0 <= minor <= 100_000_000_00:
        form.add(name, MONEY_FORM)
        return None
    return minor


def _whole(form: Form, name: str, least: int, most: int, *, otherwise: int | None = None) -> int | None:
    typed = form.value(name).strip().replace(",", "")
    if not typed:
        return otherwise
    if not (typed.isascii() and typed.isdigit() and len(typed) < 13 and least <= int(typed) <= most):
        form.add(name, "Write a whole number from {least} to {most}.", least=least, most=most)
        return None
    return int(typed)


def _effect(form: Form) -> dict[str, Any]:
    kind = form.value("effect")
    if kind not in EFFECTS:
        form.add("effect", "Choose what is given.")
        return {}
    if kind == "gift":
        if form.value("benefit") not in model.BENEFITS:
            form.add("benefit", "Choose the gift.")
        return {"type": kind, "benefit": form.value("benefit"), "quantity": _whole(form, "amount", 1, 10, otherwise=1)}
    amount, cap = money(form, "amount", needed=True), money(form, "cap", needed=False)
    if amount == 0 and kind != "fixed_price":
        form.add("amount", "Write more than 0.")
    if cap == 0:
        form.add("cap", "Write more than 0, or leave it empty.")
    found: dict[str, Any] = {"type": kind, "cap_minor": cap}
    if kind == "amount":
        return found | {"amount_minor": amount, "per": "ticket" if form.value("per") == "ticket" else "order"}
    if kind == "fixed_price":
        return found | {"price_minor": amount}
    if amount is not None and amount > 10_000:
        form.add("amount", "At most 100 percent.")
    if cap is None and not form.value("uncapped") and not form.errors_of("cap"):
        form.add("cap", "A percentage needs a cap, or say that none is meant.")
    return found | {"share_bp": amount, "uncapped": bool(form.value("uncapped")) and cap is None}


def _limits(form: Form) -> dict[str, Any]:
    budget, day = money(form, "budget", needed=True), money(form, "per_day", needed=False)
    if budget == 0 or day == 0:
        form.add("budget" if budget == 0 else "per_day", "Write more than 0.")
    return {
        "budget_minor": budget, "per_day_minor": day, "budget_count": _whole(form, "budget_count", 1, 10**9),
        "per_person": _whole(form, "per_person", 1, 1000),
    }  # fmt: skip


def moment(form: Form, name: str) -> datetime | None:
    """A moment on the clocks of Shanghai, as ``2027-01-31T09:00`` is typed."""
    try:
        found = datetime.fromisoformat(form.value(name).strip())
    except ValueError:
        form.add(name, "Write day and time, such as 2027-01-31 09:00.")
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(HOME_ZONE))


def _schedule(form: Form) -> dict[str, Any]:
    first, last = moment(form, "from"), moment(form, "until")
    if first and last and first >= last:
        form.add("until", "It ends after it begins.")
    weekdays = [n for n in range(1, 8) if form.value(f"weekday.{n}")]
    hours = None
    if form.value("hours_since").strip() or form.value("hours_until").strip():
        try:
            hours = {name: time.fromisoformat(form.value(f"hours_{name}").strip()) for name in ("since", "until")}
        except ValueError:
            form.add("hours_since", "Write clock times, such as 09:00 and 18:00, or leave both empty.")
    return {"from_at": first, "until_at": last, "weekdays": weekdays or None, "hours": hours, "time_zone": HOME_ZONE}


def _envelope(form: Form) -> UUID | None:
    chosen = sessions.read_id(form.value("envelope"))
    if chosen is None:
        form.add("envelope", "Choose an envelope: it says who pays and how much is allowed.")
    return chosen


def _stacking(form: Form) -> dict[str, Any]:
    group = form.value("group").strip() or "general"
    if (
        not all(part.isascii() and (part.isalnum() or part == "-") and part == part.lower() for part in group)
        or len(group) > 40
    ):
        form.add("group", "Use small letters, digits and hyphens.")
    return {"group": group, "combines": "groups" if form.value("combines") == "groups" else "alone"}


def _codes(form: Form) -> dict[str, Any]:
    kind = form.value("codes") or "none"
    if kind != "single":
        return {"type": kind if kind == "bulk" else "none"}
    code = codes.read(form.value("code"))
    if code is None:
        form.add("code", "Use 4 to 32 letters and digits.")
    return {"type": kind, "code": code}


# Conditions


def _condition(form: Form, name: str) -> Any:
    mode = form.value(f"{name}.mode") or "rows"
    if mode == "everything":
        return nodes.Everything()
    if mode == "json":
        try:
            found = msgspec.json.decode(form.value(f"{name}.json"), type=Condition)
        except msgspec.MsgspecError as problem:
            form.add(f"{name}.json", "This JSON cannot be read as a condition: {problem}", problem=str(problem))
            return None
        _note(form, nodes.check(found, LEVELS[name], ""), f"{name}.json")
        return found
    groups: list[list[Any]] = []
    for n in range(rows_of(form, name)):
        row = _row(form, f"{name}.{n}", LEVELS[name])
        if row is not None:
            if groups and form.value(f"{name}.{n}.join") == "or":
                groups[-1].append(row)
            else:
                groups.append([row])
    if not groups:
        if not any(error.field.startswith(f"{name}.") for error in form.errors):
            form.add(
                f"{name}.mode",
                "Without a condition nobody gets anything. Fill in a row, or choose “everything” if that is meant.",
            )
        return None
    parts = [group[0] if len(group) == 1 else nodes.AnyOf(group) for group in groups]
    return parts[0] if len(parts) == 1 else nodes.AllOf(parts)


def rows_of(form: Form, name: str) -> int:
    """How many rows a builder shows: as many as were asked for or filled in."""
    asked = form.value(f"{name}.rows")
    filled = [n for n in range(ROWS_MAX) if form.value(f"{name}.{n}.field")]
    return min(
        ROWS_MAX, max(int(asked) if asked.isdigit() and len(asked) < 3 else ROWS, (filled[-1] + 1) if filled else 0)
    )


def _note(form: Form, findings: Sequence[nodes.Finding], field: str) -> None:
    for one in findings:
        said = {tongue: f"{one.message[tongue]} {one.next_step[tongue]}" for tongue in one.message}
        form.add_found([{"field": field, "code": one.code, "message": said, "severity": "error"}])


def _row(form: Form, row: str, level: Level) -> Any:
    field, op, typed = form.value(f"{row}.field"), form.value(f"{row}.op"), form.value(f"{row}.value").strip()
    if not field:
        if typed:
            form.add(f"{row}.field", "Choose what this is about.")
        return None
    known, kind = facts.FIELDS[level].get(field), OPERATORS.get(op)
    if known is None or kind is None:
        form.add(f"{row}.field", "Choose what this is about and how it is compared.")
        return None
    try:
        leaf = _leaf(kind, known, typed)
    except ValueError:
        form.add(f"{row}.value", HINTS.get(op, "This value cannot be read."))
        return None
    findings = nodes.check(leaf, level, "")
    _note(form, findings, f"{row}.value")
    return None if findings else leaf


ENDS: Mapping[type[nodes.Leaf], tuple[tuple[str, str], Callable[[str], Any] | None]] = {
    nodes.Between: (("least", "most"), None),
    nodes.DateBetween: (("first", "last"), date.fromisoformat),
    nodes.LocalTimeBetween: (("since", "until"), time.fromisoformat),
}
"""Tests of a range → what its ends are called, and how they are read."""
HINTS = {
    "between": "Write two values with “to” between them, such as 10 to 20.",
    "date_between": "Write two days, such as 2027-01-01 to 2027-02-01.",
    "local_time_between": "Write two clock times, such as 09:00 to 18:00.",
    "gte": "Write a number.", "lt": "Write a number.", "count_lt": "Write a number.", "eq": "Write one value.",
}  # fmt: skip


def _leaf(kind: type[nodes.Leaf], field: facts.Field, typed: str) -> Condition:
    """ValueError when the value cannot be read."""
    parts: dict[str, Any] = {"op": nodes.op_of(kind), "field": field.name}
    if kind in (nodes.In, nodes.NotIn):
        listed = typed.replace("\uff0c", ",").replace("\u3001", ",").split(",")
        parts["values"] = [_value(field, one.strip()) for one in listed if one.strip()]
    elif kind in ENDS:
        first, found, last = typed.replace("至", " to ").replace("到", " to ").partition(" to ")
        if not found:
            raise ValueError
        names, reading = ENDS[kind]
        parts |= {
            name: reading(one.strip()) if reading else _value(field, one.strip())
            for name, one in zip(names, (first, last), strict=True)
        }
    elif kind not in (nodes.IsTrue, nodes.IsFalse):
        parts["value"] = _value(field, typed)
    made: Condition = msgspec.convert(msgspec.to_builtins(parts), Condition)  # a ValidationError is a ValueError
    return made


def _value(field: facts.Field, typed: str) -> Any:
    if field.type == "text":
        return typed
    if field.type == "minor":
        return parse_major(typed.replace(",", "")).amount_minor
    return int(typed)


# A content as it would have been typed


def typed(content: Content) -> dict[str, str]:
    """The form that reads as this content."""
    limits, schedule, effect = content.limits, content.schedule, content.effect
    amount, _unit, cap = model.figures(effect)
    found = {
        "template": content.template or "", "envelope": str(content.envelope_id), "effect": str(effect.__struct_config__.tag),
        "amount": str(amount) if isinstance(effect, model.Gift) else major(amount), "cap": "" if cap is None else major(cap),
        "per": effect.per if isinstance(effect, model.AmountOff) else "", "priority": str(content.priority),
        "uncapped": "on" if isinstance(effect, model.PercentOff) and effect.uncapped else "",
        "benefit": effect.benefit if isinstance(effect, model.Gift) else "",
        "budget": major(limits.budget_minor), "per_day": "" if limits.per_day_minor is None else major(limits.per_day_minor),
        "budget_count": str(limits.budget_count or ""), "per_person": str(limits.per_person or ""),
        "from": _moment(schedule.from_at), "until": _moment(schedule.until_at),
        "hours_since": f"{schedule.hours.since:%H:%M}" if schedule.hours else "",
        "hours_until": f"{schedule.hours.until:%H:%M}" if schedule.hours else "",
        "group": content.stacking.group, "combines": content.stacking.combines,
        "codes": str(content.codes.__struct_config__.tag), "code": getattr(content.codes, "code", ""),
    }  # fmt: skip
    for tongue in ("zh", "en"):
        found |= {
            f"name_{tongue}": content.names.get(tongue, ""),
            f"sentence_{tongue}": content.sentence.get(tongue, ""),
        }
    found |= {f"channel.{one}": "on" for one in content.channels} | {
        f"weekday.{n}": "on" for n in schedule.weekdays or []
    }
    found |= (
        _typed_condition(content.scope, "scope") | _typed_condition(content.when, "when") | cases.typed(content.cases)
    )
    return {name: value for name, value in found.items() if value}


def major(minor: int) -> str:
    """1250 → ``12.5``; 2000 → ``20``."""
    whole, rest = divmod(minor, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)


def _moment(at: datetime) -> str:
    return at.astimezone(ZoneInfo(HOME_ZONE)).strftime("%Y-%m-%dT%H:%M")


def _typed_condition(condition: Any, name: str) -> dict[str, str]:
    if condition is None:
        return {}
    if isinstance(condition, nodes.Everything):
        return {f"{name}.mode": "everything"}
    groups = condition.parts if isinstance(condition, nodes.AllOf) else [condition]
    rows: list[tuple[str, nodes.Leaf]] = []
    is_flat = True
    for group in groups:
        alternatives = group.parts if isinstance(group, nodes.AnyOf) else [group]
        rows += [("or" if n else "and", one) for n, one in enumerate(alternatives) if isinstance(one, nodes.Leaf)]
        is_flat = is_flat and all(isinstance(one, nodes.Leaf) for one in alternatives)
    if len(rows) > ROWS_MAX or not is_flat:
        return {
            f"{name}.mode": "json",
            f"{name}.json": msgspec.json.format(msgspec.json.encode(condition), indent=1).decode(),
        }
    found = {f"{name}.mode": "rows"}
    for n, (join, leaf) in enumerate(rows):
        found |= {
            f"{name}.{n}.join": join, f"{name}.{n}.field": leaf.field, f"{name}.{n}.op": nodes.op_of(type(leaf)),
            f"{name}.{n}.value": _typed_value(leaf),
        }  # fmt: skip
    return found


def _typed_value(leaf: nodes.Leaf) -> str:
    def plain(value: Any) -> str:
        is_money = nodes.ALL_FIELDS[leaf.field].type == "minor" if leaf.field in nodes.ALL_FIELDS else False
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return major(value) if is_money and isinstance(value, int) else str(value)

    values = getattr(leaf, "values", None)
    if values is not None:
        return ", ".join(plain(one) for one in values)
    ends = [getattr(leaf, name) for name in leaf.__struct_fields__ if name != "field"]
    return " to ".join(plain(one) for one in ends)
