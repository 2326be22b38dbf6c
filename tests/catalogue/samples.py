"""A small catalogue to begin with: one garden, one product, two times, two prices, one policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from holdfast import catalogue, inventory
from holdfast.catalogue.imports import CatalogueFile
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.kit import actor

IMPORTER = actor.system("import")
assert inventory.imports  # takes its part of an import


def garden(**changes: Any) -> dict[str, Any]:
    """A venue as a catalogue file has it."""
    return {
        "id": "garden",
        "name": {"zh": "园林", "en": "Garden"},
        "city": {"zh": "苏州", "en": "Suzhou"},
        "kind": "garden",
        "openings": [opening()],
        "policies": [{"origin": "day-cap", "from_date": "2020-01-01", "kind": "absolute", "value": 100}],
        "products": [product()],
    } | changes


def opening(**changes: Any) -> dict[str, Any]:
    return {"season": "all-year", "opens": "08:00", "closes": "18:00", "last_entry": "17:00"} | changes


def product(**changes: Any) -> dict[str, Any]:
    return {
        "id": "garden-entry",
        "name": {"zh": "门票", "en": "Entry"},
        "release_days": 7,
        "timeslots": [
            {"code": "am", "starts": "08:00", "ends": "12:00", "share_percent": "60"},
            {"code": "pm", "starts": "12:00", "ends": "18:00", "share_percent": "40"},
        ],
        "prices": [price(), price(id="garden-child", ticket="child", amount="0", uses_place=False)],
    } | changes


def price(**changes: Any) -> dict[str, Any]:
    return {"id": "garden-adult", "ticket": "adult", "name": {"zh": "成人", "en": "Adult"}, "amount": "60.50"} | changes


def document(*venues: dict[str, Any], **parts: Any) -> bytes:
    return json.dumps({"venues": list(venues)} | parts, ensure_ascii=False).encode()


def file(*venues: dict[str, Any], **parts: Any) -> CatalogueFile:
    """A read file with these venues; the garden when none is given."""
    return catalogue.imports.read_upload(document(*(venues or (garden(),)), **parts), "catalogue.json")


def mistakes(content: bytes, name: str = "catalogue.json") -> list[tuple[str, str, str]]:
    """Where, field and code of every mistake of a file."""
    found = []
    try:
        catalogue.imports.read_upload(content, name)
    except CatalogueFileUnreadable as problem:
        found = problem.errors
    assert all(set(error["message"]) == {"zh", "en"} for error in found)
    return [(error["at"], error["field"], error["code"]) for error in found]


def folder(path: Path, **tables: str | bytes) -> Path:
    """A folder of CSV files."""
    path.mkdir(exist_ok=True)
    for name, content in tables.items():
        (path / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
