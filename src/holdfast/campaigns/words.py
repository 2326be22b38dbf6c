"""Conditions as sentences, in Chinese and English: what a reviewer reads and a trace keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time

from babel.dates import format_date, get_day_names

from holdfast.catalogue.model import KINDS
from holdfast.kit.i18n import LOCALES, translate
from holdfast.kit.money import Money

from .nodes import (
    ALL_FIELDS,
    DEPTH_MAX,
    AllOf,
    AnyOf,
    Between,
    Condition,
    CountLt,
    DateBetween,
    Eq,
    Everything,
    Gte,
    In,
    IsFalse,
    IsTrue,
    Leaf,
    LocalTimeBetween,
    Lt,
    NotIn,
    Value,
)

Names = Mapping[str, Mapping[str, str]]
"""Value as it stands in a condition (an id) → what it is called, by language."""
SHOWN = 12
"""Of a long list so many values are written out."""

CHANNELS = {"web": "website", "api": "app and interface", "desk": "counter"}
LANGUAGES = {"zh": "Chinese", "en": "English"}
FLAGS: dict[tuple[str, bool], str] = {
    ("first_order", True): "it is the person's first order",
    ("first_order", False): "the person has ordered before",
    ("has_code", True): "a code of the campaign was typed",
    ("has_code", False): "no code of the campaign was typed",
}


def words(condition: Condition | None, locale: str, names: Names | None = None) -> str:
    """A condition as a sentence. `names`: what ids are called, where somebody knows."""
    if condition is None:
        return translate("nobody, because nothing is said", locale)
    return _words(condition, locale, names or {}, depth=0)


def says(condition: Condition) -> dict[str, str]:
    """The same in both languages."""
    return {locale: words(condition, locale) for locale in LOCALES}


def _words(node: Condition, locale: str, names: Names, *, depth: int) -> str:
    if depth > DEPTH_MAX:
        return "…"
    if isinstance(node, Everything):
        return translate("everything, without any restriction", locale)
    if isinstance(node, AllOf | AnyOf):
        if not node.parts:
            return translate("nobody, because nothing is said", locale)
        between = translate("; and " if isinstance(node, AllOf) else "; or ", locale)
        said = between.join(_words(part, locale, names, depth=depth + 1) for part in node.parts)
        return translate("({said})", locale, said=said) if depth and len(node.parts) > 1 else said
    return _leaf(node, locale, names)


def _leaf(node: Leaf, locale: str, names: Names) -> str:
    field = ALL_FIELDS.get(node.field)
    name = translate(field.words, locale) if field else node.field

    def value(one: Value | date | time) -> str:
        return _value(node.field, one, locale, names)

    def tell(sentence: str, **values: str) -> str:
        return translate(sentence, locale, field=name, **values)

    match node:
        case In(values=values):
            return tell("{field} is one of {values}", values=_list([value(one) for one in values], locale))
        case NotIn(values=values):
            return tell("{field} is known and none of {values}", values=_list([value(one) for one in values], locale))
        case Eq(value=one):
            return tell("{field} is {value}", value=value(one))
        case Gte(value=one):
            return tell("{field} is at least {value}", value=value(one))
        case Lt(value=one) | CountLt(value=one):
            return tell("{field} is below {value}", value=value(one))
        case Between(least=first, most=last) | DateBetween(first=first, last=last):
            return tell("{field} is from {first} to {last}", first=value(first), last=value(last))
        case LocalTimeBetween(since=since, until=until):
            return tell("{field} is from {since} until before {until}", since=value(since), until=value(until))
        case IsTrue() | IsFalse():
            flag = FLAGS.get((node.field, isinstance(node, IsTrue)))
            return (
                translate(flag, locale) if flag else tell("{field}: yes" if isinstance(node, IsTrue) else "{field}: no")
            )
    raise AssertionError(f"no words for {node}")


def _list(values: list[str], locale: str) -> str:
    shown = translate(", ", locale).join(values[:SHOWN])
    more = len(values) - SHOWN
    return translate("{shown} and {more} more", locale, shown=shown, more=more) if more > 0 else shown


def _value(field: str, value: Value | date | time, locale: str, names: Names) -> str:
    known = ALL_FIELDS.get(field)
    kind = known.type if known else "text"
    if isinstance(value, time):
        return f"{value:%H:%M}" if not value.second else f"{value:%H:%M:%S}"
    if isinstance(value, date):
        return format_date(value, "long", locale=locale)
    if isinstance(value, int):
        if kind == "minor":
            return str(Money(value))
        return weekday(value, locale) if kind == "weekday" and 1 <= value <= 7 else str(value)
    if value in names:
        return names[value].get(locale) or value
    table = {"kind": KINDS, "channel": CHANNELS, "locale": LANGUAGES}.get(field, {})
    return translate(table[value], locale) if value in table else value


def weekday(number: int, locale: str) -> str:
    """1 → Monday · 星期一."""
    return str(get_day_names("wide", locale=locale)[number - 1])
