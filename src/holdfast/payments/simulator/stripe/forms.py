"""Parameters: form-encoded with brackets for what is nested, checked name by name as Stripe does."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

from .refusals import invalid

Form = dict[str, Any]
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
DEPTH_MAX = 6
METADATA_MAX = 50


def parsed(text: str) -> Form:
    """``a[b][0]=x&c=y`` as ``{"a": {"b": ["x"]}, "c": "y"}``; all values are text."""
    form: Form = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise invalid("Invalid form encoding.") from error
    for name, value in pairs:
        found = KEY.fullmatch(name)
        steps = [] if found is None else [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        if not steps or len(steps) > DEPTH_MAX:
            raise invalid(f"Invalid parameter name: {name}", param=name)
        _put(form, steps, value, name)
    return {name: _listed(value) for name, value in form.items()}


def _put(form: Form, steps: list[str], value: str, name: str) -> None:
    here = form
    for step in steps[:-1]:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid parameter name: {name}", param=name)
        here = inner
    last = steps[-1] or str(len(here))
    here[last] = value


def _listed(value: Any) -> Any:
    """Hashes whose keys are all numbers are lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def only(form: Form, known: Collection[str]) -> None:
    """Whatever is not known is refused."""
    for name in form:
        if name not in known:
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def text(form: Form, name: str, longest: int = 5000) -> str | None:
    """A text, None when it is not given."""
    value = form.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", param=name)
    if not value:
        message = (
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter."
        )
        raise invalid(message, param=name, code="parameter_invalid_empty")
    if len(value) > longest:
        raise invalid(f"Invalid string: {name} must be at most {longest} characters", param=name)
    return value


def required(form: Form, name: str) -> str:
    """A text that must be there."""
    value = text(form, name)
    if value is None:
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return value


def integer(form: Form, name: str, least: int = 0, most: int = 99_999_999) -> int | None:
    """An integer within bounds, None when it is not given."""
    value = text(form, name)
    if value is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    number = int(value)
    if number < least:
        raise invalid(f"This value must be greater than or equal to {least}.", param=name, code=_bound(name, "small"))
    if number > most:
        raise invalid(f"This value must be less than or equal to {most}.", param=name, code=_bound(name, "large"))
    return number


def _bound(name: str, size: str) -> str:
    return f"amount_too_{size}" if name == "amount" else "parameter_invalid_integer"


def metadata(form: Form) -> dict[str, str]:
    """Up to 50 names of 40 characters with values of 500."""
    given = form.get("metadata", {})
    if not isinstance(given, dict) or any(not isinstance(value, str) for value in given.values()):
        raise invalid("Invalid hash", param="metadata")
    if len(given) > METADATA_MAX or any(len(name) > 40 or len(value) > 500 for name, value in given.items()):
        raise invalid("Metadata has too many keys, or keys or values that are too long.", param="metadata")
    return {name: value for name, value in given.items() if value}


def period(form: Form, name: str = "created") -> tuple[float, float]:
    """``created[gte]=…&created[lt]=…`` or ``created=…`` as [from, before)."""
    given = form.get(name, {})
    bounds = {"gte": given, "lte": given} if isinstance(given, str) else given
    if not isinstance(bounds, dict) or not set(bounds) <= {"gt", "gte", "lt", "lte"}:
        raise invalid(f"Invalid {name} filter", param=name)
    found = {sign: integer(bounds, sign, most=10**11) or 0 for sign in bounds}
    start = max(found.get("gte", 0), found["gt"] + 1 if "gt" in found else 0)
    end = min(found.get("lt", 10**11), found["lte"] + 1 if "lte" in found else 10**11)
    return float(start), float(end)


def expansions(form: Form) -> list[str]:
    """``expand[]=data.source``: what is wanted whole instead of its id."""
    wanted = form.get("expand", [])
    if not isinstance(wanted, list) or any(not isinstance(path, str) for path in wanted):
        raise invalid("Invalid array", param="expand")
    if any(path.count(".") >= 4 for path in wanted):
        raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
    return wanted
