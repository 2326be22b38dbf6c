"""What a content says differently from another: field by field, numbers with how many times as much they are."""

from __future__ import annotations

from typing import Any

import msgspec

from .model import Content

CONDITIONS = ("scope", "when")
LEFT_OUT = ("cases", "template")
"""Parts of a content that give nothing to anybody."""


class Difference(msgspec.Struct, frozen=True):
    """A field (``effect.cap_minor``) before and after, null where it was or is not there. `times`: after ÷ before, of numbers."""

    field: str
    before: Any
    after: Any
    times: float | None = None


def differences(before: Content | None, after: Content) -> list[Difference]:
    """What changed, in the order of the fields; everything when there was nothing before.

    A condition is one field: reviewers read it as a sentence. Equal contents have no difference.
    """
    old, new = flat(before), flat(after)
    return [
        Difference(field, old.get(field), new.get(field), _times(old.get(field), new.get(field)))
        for field in sorted(old.keys() | new.keys(), key=_place)
        if old.get(field) != new.get(field)
    ]


def from_template(template: dict[str, Any], after: Content) -> list[Difference]:
    """What was changed of the values that a template gives."""
    old, new = _flatten(template, ""), flat(after)
    return [
        Difference(field, value, new.get(field), _times(value, new.get(field)))
        for field, value in sorted(old.items(), key=lambda one: _place(one[0]))
        if new.get(field) != value
    ]


def flat(content: Content | None) -> dict[str, Any]:
    """Every field of a content by its path; conditions whole."""
    if content is None:
        return {}
    plain: dict[str, Any] = msgspec.to_builtins(content)
    whole = {name: plain.pop(name) for name in CONDITIONS if plain.get(name) is not None}
    for name in (*CONDITIONS, *LEFT_OUT):
        plain.pop(name, None)
    return whole | _flatten(plain, "")


def _flatten(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, inner in value.items():
            found |= _flatten(inner, f"{path}.{name}" if path else name)
        return found
    return {} if value is None else {path: value}


def _times(before: Any, after: Any) -> float | None:
    if isinstance(before, bool) or isinstance(after, bool):
        return None
    if isinstance(before, int) and isinstance(after, int) and before > 0:
        return round(after / before, 4)
    return None


_ORDER = (
    "effect",
    "envelope_id",
    "limits",
    "scope",
    "when",
    "codes",
    "stacking",
    "priority",
    "schedule",
    "channels",
    "names",
    "sentence",
)


def _place(field: str) -> tuple[int, str]:
    """Money first, then who gets it, then the rest."""
    head = field.partition(".")[0]
    return (_ORDER.index(head) if head in _ORDER else len(_ORDER), field)
