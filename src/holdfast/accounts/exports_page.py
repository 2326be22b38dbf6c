"""The page for people in a copy of their data: every kind with its records, readable without us, on paper too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.kit.i18n import LOCALES, pick, translate
from holdfast.kit.money import Money

from . import consents
from .rights_model import Purpose

HOME = ZoneInfo("Asia/Shanghai")
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#16202a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:2px solid #0c3f47}
table{border-collapse:collapse;width:100%;margin:.75rem 0;background:#f6f8f8}th,td{padding:.3rem .6rem;text-align:start;vertical-align:top;
border-bottom:1px solid #dfe5e6;overflow-wrap:anywhere}th{width:12rem;font-weight:600}table table{background:#fff}.none{color:#5a6670}
@media(max-width:36rem){th{width:7rem}}"""


def label(name: str) -> str:
    """What a field or a kind is called in English: ``placed_at`` → ``Placed at``; its Chinese is in ``zh.po``."""
    return name.removesuffix("_minor").replace("_", " ").capitalize()


def page(found: Mapping[str, Sequence[msgspec.Struct]], made_at: datetime, locale: str) -> str:
    """All kinds, those of which there is nothing too: that there is nothing is an answer."""

    def _(text: str, **values: Any) -> str:
        return escape(translate(text, locale, **values))

    sections = "".join(
        f'<h2 id="{escape(kind)}">{_(label(kind))} ({len(rows)})</h2>'
        + ("".join(_record(row, locale) for row in rows) or f'<p class="none">{_("We hold nothing of this kind.")}</p>')
        for kind, rows in found.items()
    )
    consent = consents.TEXTS[Purpose.TERMS]
    return (
        f'<!doctype html><html lang="{"zh-CN" if locale == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{_("Your data at Holdfast")}</title>'
        f"<style>{STYLE}</style></head><body><h1>{_('Your data at Holdfast')}</h1>"
        f"<p>{_('Everything we held about you at {time} (Beijing time). The same for machines is in data.json.', time=_moment(made_at))}</p>"
        f"{sections}<h2>{_(consent.title)} ({escape(consent.version)})</h2>"
        f"<ol>{''.join(f'<li>{_(sentence)}</li>' for sentence in consent.sentences)}</ol></body></html>"
    )


def _record(row: msgspec.Struct, locale: str) -> str:
    """One thing as a table of its fields."""
    lines = "".join(
        f'<tr><th scope="row">{escape(translate(label(name), locale))}</th><td>{_value(row, name, locale)}</td></tr>'
        for name in row.__struct_fields__
        if getattr(row, name) not in (None, "", [], {})
    )
    return f"<table>{lines}</table>"


def _value(row: msgspec.Struct, name: str, locale: str) -> str:
    value = getattr(row, name)
    if name.endswith("_minor") and isinstance(value, int) and hasattr(row, "currency"):
        return escape(str(Money(value, row.currency)))
    return _shown(value, locale)


def _shown(value: Any, locale: str) -> str:
    """A value in words; whatever it is, it is shown."""
    if isinstance(value, msgspec.Struct):
        return _record(value, locale)
    if isinstance(value, bool):
        return escape(translate("yes" if value else "no", locale))
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Mapping):
        if value and set(value) <= set(LOCALES):
            return escape(pick(dict(value), locale))
        return "<br>".join(f"{escape(str(name))}: {_shown(inner, locale)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        joint = "" if any(isinstance(inner, msgspec.Struct) for inner in value) else "<br>"
        return joint.join(_shown(inner, locale) for inner in value)
    return f"<small>{value}</small>" if isinstance(value, UUID) else escape(str(value))


def _moment(when: datetime) -> str:
    return when.astimezone(HOME).strftime("%Y-%m-%d %H:%M:%S")
