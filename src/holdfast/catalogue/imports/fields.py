"""The import format: which tables a catalogue file has, their fields, what each may hold and what an empty one means.

JSON nests (`venues` hold `openings`, `special_days`, `policies` and `products`; products hold `timeslots` and `prices`);
CSV has one file per table. A bilingual field ``name`` is ``{"zh", "en"}`` in JSON and the columns ``name_zh`` and
``name_en`` in CSV. A field that a file does not have stays as it is; an empty one takes its default.
"""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.accounts.documents import DocumentType
from holdfast.catalogue.model import KINDS

from . import values
from .mistakes import Mistake
from .values import Reader

PROVENANCE_COLUMNS = ("status", "source", "as_of", "note_zh", "note_en")
CANCEL_COLUMNS = (
    "cancel_text_zh",
    "cancel_text_en",
    "cancel_days_before",
    "cancel_time",
    "cancel_minutes_before_start",
    "cancel_later_kept_percent",
    "cancel_change_allowed",
    "cancel_change_minutes_before_start",
    "cancel_change_fee_minor",
)
PLACES_MAX = 5_000_000


class Field(msgspec.Struct, frozen=True):
    """One field: its reader, the database's column where that has another name, and the default of an empty one."""

    name: str
    read: Reader
    required: bool = False
    default: Any = None
    column: str = ""
    shape: str = "one"
    """``one`` cell, ``texts`` (two columns), ``provenance`` or ``cancel_rule`` (several), ``json`` (not in CSV)."""

    @property
    def stored(self) -> str:
        return self.column or self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The CSV columns of this field."""
        if self.shape == "texts":
            return (f"{self.name}_zh", f"{self.name}_en")
        return {"one": (self.name,), "provenance": PROVENANCE_COLUMNS, "cancel_rule": CANCEL_COLUMNS}.get(
            self.shape, ()
        )


class Table(msgspec.Struct, frozen=True):
    """One table of the format: its key, and the parent whose id a nested record takes over in JSON."""

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    parent: str = ""
    parent_field: str = ""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def defaults(self) -> dict[str, Any]:
        return {field.stored: field.default for field in self.fields if not field.required}


def provenance(raw: Any) -> dict[str, Any]:
    """``{"status", "source", "as_of", "note"}``; empty parts are left out."""
    if not isinstance(raw, dict):
        raise Mistake("JSON_SHAPE", expected='{"status", "source", "as_of", "note"}')
    return _object(
        raw, {"status": values.status, "source": values.text(40), "as_of": values.text(60), "note": values.texts(600)}
    )


def provenances(raw: Any) -> dict[str, Any]:
    """Field name → provenance."""
    if not isinstance(raw, dict) or not set(raw) <= {field.stored for field in PRODUCTS.fields}:
        raise Mistake("JSON_SHAPE", expected="{field: {status, source, as_of, note}}")
    found = {}
    for name, given in raw.items():
        try:
            found[name] = provenance(given)
        except Mistake as mistake:
            raise mistake.inside(name) from mistake
    return found


def facts(raw: Any) -> list[dict[str, Any]]:
    """A list of ``{"fact", "label", "value", "status", "source", "as_of", "note"}``."""
    if not isinstance(raw, list):
        raise Mistake("NOT_LIST")
    readers: dict[str, Reader] = {"fact": values.text(60), "label": values.texts(120), "value": _fact_value, "status": values.status,
               "source": values.text(40), "as_of": values.text(60), "note": values.texts(600)}  # fmt: skip
    found = []
    for position, given in enumerate(raw):
        try:
            if not isinstance(given, dict):
                raise Mistake("JSON_SHAPE", expected='{"fact", "label", "value", "status"}')
            for needed in ("fact", "label", "value", "status"):
                if given.get(needed) in (None, "", {}):
                    raise Mistake("MISSING", field=needed)
            found.append(_object(given, readers))
        except Mistake as mistake:
            raise mistake.inside(f"[{position}]") from mistake
    return found


def cancel_rule(raw: Any) -> dict[str, Any]:
    """When a ticket may be given back or changed: a text, and a time so many days before, or minutes before the slot starts.

    What is kept of the price after that, in percent, until the slot starts; the last minute and the fee of a change.
    """
    if not isinstance(raw, dict):
        raise Mistake("JSON_SHAPE", expected='{"text", "days_before", "time"}')
    return _object(
        raw,
        {
            "text": values.texts(300),
            "days_before": values.whole(0, 365),
            "time": values.clock_time,
            "minutes_before_start": values.whole(0, 60 * 24 * 365),
            "later_kept_percent": values.whole(0, 100),
            "change_allowed": values.yes_no,
            "change_minutes_before_start": values.whole(0, 60 * 24 * 365),
            "change_fee_minor": values.whole(0, 1_000_000),
        },
    )


def _object(raw: dict[str, Any], readers: dict[str, Reader]) -> dict[str, Any]:
    found = {}
    for name, given in raw.items():
        if name not in readers:
            raise Mistake("COLUMN_UNKNOWN", field=name, name=name, known=", ".join(readers))
        if given is None or given in ("", {}):
            continue
        try:
            found[name] = readers[name](given)
        except Mistake as mistake:
            raise mistake.inside(name) from mistake
    return {name: value for name, value in found.items() if value not in ("", {})}


def _fact_value(raw: Any) -> Any:
    if isinstance(raw, (bool, int, float)):
        return raw
    return values.texts(300)(raw) if isinstance(raw, dict) else values.text(300)(raw)


_CODE = values.identifier(31, 1)
_PROVENANCE = Field("provenance", provenance, default={}, shape="provenance")

SOURCES = Table("sources", ("id",), (
    Field("id", values.text(40), required=True),
    Field("what", values.text(500), required=True),
    Field("url", values.url, required=True),
    Field("quality", values.text(200), default=""),
    Field("as_of", values.text(60), default=""),
))  # fmt: skip
VENUES = Table("venues", ("id",), (
    Field("id", values.identifier(63), required=True),
    Field("name", values.texts(120), required=True, shape="texts"),
    Field("city", values.texts(60), required=True, shape="texts"),
    Field("province", values.text(60), default=""),
    Field("kind", values.choice(tuple(KINDS)), required=True),
    Field("summary", values.texts(600), default={}, shape="texts"),
    Field("latitude", values.number(-90, 90)),
    Field("longitude", values.number(-180, 180)),
    Field("time_zone", values.zone, default="Asia/Shanghai"),
    Field("position", values.whole(0, 1_000_000), default=0),
    Field("facts", facts, default=[], shape="json"),
))  # fmt: skip
OPENINGS = Table("openings", ("venue_id", "season"), (
    Field("venue_id", values.identifier(63), required=True),
    Field("season", _CODE, required=True),
    Field("from_day", values.day_of_year, default="01-01"),
    Field("to_day", values.day_of_year, default="12-31"),
    Field("opens", values.clock_time, required=True),
    Field("closes", values.clock_time, required=True),
    Field("last_entry", values.clock_time, required=True),
    Field("closed_weekdays", values.weekdays, default=[]),
    _PROVENANCE,
), parent="venues", parent_field="venue_id")  # fmt: skip
SPECIAL_DAYS = Table("special_days", ("venue_id", "day"), (
    Field("venue_id", values.identifier(63), required=True),
    Field("day", values.day, required=True),
    Field("is_open", values.yes_no, required=True),
    Field("opens", values.clock_time),
    Field("closes", values.clock_time),
    Field("last_entry", values.clock_time),
    Field("reason", values.texts(300), default={}, shape="texts"),
), parent="venues", parent_field="venue_id")  # fmt: skip
PRODUCTS = Table("products", ("id",), (
    Field("id", values.identifier(63), required=True),
    Field("venue_id", values.identifier(63), required=True),
    Field("name", values.texts(120), required=True, shape="texts"),
    Field("real_name", values.yes_no, default=True),
    Field("documents", values.documents, default=[str(kind) for kind in DocumentType]),
    Field("max_per_order", values.whole(1, 50), default=5),
    Field("once_per_document_day", values.yes_no, default=True),
    Field("per_account_day", values.whole(1, 1000)),
    Field("release_days", values.whole(0, 365), default=7),
    Field("release_time", values.clock_time, default="00:00:00"),
    Field("same_day_sale", values.yes_no, default=True),
    Field("notice_minutes", values.whole(0, 525_600)),
    Field("cancel_rule", cancel_rule, default={}, shape="cancel_rule"),
    Field("provenance", provenances, default={}, shape="json"),
), parent="venues", parent_field="venue_id")  # fmt: skip
TIMESLOTS = Table("timeslots", ("product_id", "code"), (
    Field("product_id", values.identifier(63), required=True),
    Field("code", _CODE, required=True),
    Field("name", values.texts(60), default={}, shape="texts"),
    Field("starts", values.clock_time, required=True),
    Field("ends", values.clock_time, required=True),
    Field("share_percent", values.basis_points, required=True, column="share_bp"),
    Field("capacity", values.whole(0, PLACES_MAX)),
    _PROVENANCE,
), parent="products", parent_field="product_id")  # fmt: skip
PRICES = Table("prices", ("id",), (
    Field("id", values.identifier(95), required=True),
    Field("product_id", values.identifier(63), required=True),
    Field("ticket", _CODE, required=True),
    Field("name", values.texts(120), required=True, shape="texts"),
    Field("amount", values.amount, required=True, column="amount_minor"),
    Field("currency", values.currency, default="CNY"),
    Field("from_day", values.day_of_year, default="01-01"),
    Field("to_day", values.day_of_year, default="12-31"),
    Field("uses_place", values.yes_no, default=True),
    Field("with_card", values.yes_no, default=False),
    Field("per_main", values.whole(1, 50)),
    Field("position", values.whole(0, 1_000_000), default=0),
    _PROVENANCE,
), parent="products", parent_field="product_id")  # fmt: skip
POLICIES = Table("policies", ("venue_id", "origin"), (
    Field("venue_id", values.identifier(63), required=True),
    Field("origin", values.identifier(95), required=True),
    Field("product_id", values.identifier(63)),
    Field("from_date", values.day, required=True),
    Field("to_date", values.day),
    Field("weekdays", values.weekdays, default=[]),
    Field("kind", values.choice(("absolute", "percent", "closed", "paused")), required=True),
    Field("value", values.number(0, PLACES_MAX), default=0),
    Field("reason", values.texts(300), default={}, shape="texts"),
    Field("authority", values.text(200), default=""),
    Field("supersedes", values.identifier(95)),
    _PROVENANCE,
), parent="venues", parent_field="venue_id")  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table for table in (SOURCES, VENUES, OPENINGS, SPECIAL_DAYS, PRODUCTS, TIMESLOTS, PRICES, POLICIES)
}
"""In the order in which they are written: what is referred to comes first."""
NESTED: dict[str, tuple[str, ...]] = {
    "": ("sources", "venues"),
    "venues": ("openings", "special_days", "policies", "products"),
    "products": ("timeslots", "prices"),
}
"""Which tables stand inside which in JSON."""
