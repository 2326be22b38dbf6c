"""The OpenAPI document of the standard as a judge: an answer is what it says, or the test says what differs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

FILE = Path(__file__).with_name("octo-openapi-2025-10.yaml")


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(FILE.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's schemas as JSON Schema: nullable is a type, references stand in $defs."""
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"].replace("#/components/schemas/", "#/$defs/")}
    made = {
        key: _as_json_schema(value)
        for key, value in node.items()
        if key not in ("example", "description", "nullable") and not key.startswith("x-")
    }
    if node.get("nullable") is True:
        return {"anyOf": [{"type": "null"}, made]}
    return made


@cache
def _validator(reference: str) -> Any:
    schemas = {name: _as_json_schema(schema) | {} for name, schema in document()["components"]["schemas"].items()}
    method, path, status = reference.split(" ")
    content = document()["paths"][path][method]["responses"][status]["content"]["application/json"]
    return jsonschema_rs.Draft202012Validator(
        {**_as_json_schema(content["schema"]), "$defs": schemas}, validate_formats=True
    )


def validate(method: str, path: str, status: int, body: Any) -> None:
    """The body of an answer to an operation of the document (its own writing of the path)."""
    faults = [
        f"{list(e.instance_path)}: {e.message}" for e in _validator(f"{method} {path} {status}").iter_errors(body)
    ]
    assert not faults, "\n".join(faults[:5])


def error_codes(method: str, path: str) -> set[str]:
    """The error schemas that the document names for an operation."""
    answer = document()["paths"][path][method]["responses"].get("400")
    if answer is None:
        return set()
    named = answer["content"]["application/json"]["schema"]["anyOf"]
    return {one["$ref"].rsplit("/", 1)[1] for one in named}
