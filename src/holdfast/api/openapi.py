"""The OpenAPI 3.1 document: written from the table of endpoints and the types they name, never by hand."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any

import msgspec

import holdfast
from holdfast.kit import settings
from holdfast.kit.problems import Problem

from .endpoint import Endpoint, problems_of
from .problems import MEDIA_TYPE, described

Schema = dict[str, Any]
_REF = "#/components/schemas/{name}"


class Message(msgspec.Struct, frozen=True):
    """A sentence in both languages."""

    zh: str
    en: str


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: its path in the body, or the name of the parameter."""

    field: str
    code: str
    message: Message
    severity: str = "error"
    suggestion: str | None = None


class ProblemAnswer(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457). `detail` says what is safe and what to do next, in the language of Accept-Language."""

    type: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri"})]
    title: str
    status: int
    detail: str
    instance: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri-reference"})]
    code: str
    errors: list[FieldError] = []
    retry_after_s: int | None = None


PARAMETERS: dict[str, Schema] = {
    "number": {"description": "The order's number, with or without its dash.", "example": "7K3QF90XMA"},
    "venue_id": {"description": "The venue's identifier.", "example": "palace-museum"},
    "case": {"description": "The case's number, with or without its dash.", "example": "7K3QF90"},
}
_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "zh or en, for the words of problems.",
    "schema": {"type": "string", "default": "zh"},
    "example": "en",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new random key for each thing wanted; the same key repeats the same request. Kept for as long as the order.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]([ -~]*[!-~])?$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
_SCHEMES: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token from POST /api/v1/sessions."},
    "gate": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hfg_…",
        "description": "The token of a device at a gate, from POST /api/v1/gate/devices.",
    },
    "partner": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hfp_…",
        "description": "The token of a partner's program, from the partner's page at the console.",
    },
    "staff": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hfs_…",
        "description": "An API token made with `holdfast staff token` for a member of staff who answers for the program. "
        "The names in a requirement are roles; one of those listed is needed.",
    },
}
_RATE_HEADERS: dict[str, Schema] = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": "The limits (draft-ietf-httpapi-ratelimit-headers).",
    },
}


@lru_cache(maxsize=4)
def document(endpoints: Sequence[Endpoint]) -> bytes:
    """The document as JSON."""
    kinds = [kind for e in endpoints for kind in (e.body, e.query, e.answer) if kind not in (None, str, dict)]
    schemas, components = msgspec.json.schema_components([*kinds, ProblemAnswer], ref_template=_REF)
    schema_of = {id(kind): schema for kind, schema in zip([*kinds, ProblemAnswer], schemas, strict=True)}
    queries = {kind.__name__ for kind in kinds if any(kind is e.query for e in endpoints)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of, components)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Holdfast API",
                "version": holdfast.__version__,
                "summary": "Reservation and payment for travel",
                "description": "Times are RFC 3339, money is integer minor units, texts come in Chinese and English. "
                "Answers may gain fields; requests with unknown fields are refused.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": settings.current().base_url}],
            "paths": paths,
            "components": {
                "schemas": {name: schema for name, schema in components.items() if name not in queries},
                "securitySchemes": _SCHEMES,
            },
        }
    )


def _operation(endpoint: Endpoint, schema_of: dict[int, Schema], components: dict[str, Any]) -> Schema:
    """One method of one path."""
    operation: Schema = {
        "operationId": f"{endpoint.method.lower()}-{endpoint.name}",
        "summary": endpoint.summary,
        "description": inspect.getdoc(endpoint.handler) or "",
        "security": _security(endpoint),
        "parameters": _parameters(endpoint, components),
        "responses": _responses(endpoint, schema_of),
    }
    if endpoint.body:
        content: Schema = {"schema": schema_of[id(endpoint.body)]}
        if endpoint.example is not None:
            content["example"] = endpoint.example
        operation["requestBody"] = {"required": not endpoint.body_optional, "content": {"application/json": content}}
    return operation


def _security(endpoint: Endpoint) -> list[Schema]:
    """Nothing, a traveller's token, that of a gate or a partner, or a staff token with one of these roles."""
    if endpoint.who in ("gate", "partner"):
        return [{str(endpoint.who): []}]
    return [{"bearer": []}] if endpoint.who == "traveller" else [{"staff": [role]} for role in endpoint.roles]


def _parameters(endpoint: Endpoint, components: dict[str, Any]) -> list[Schema]:
    found: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **PARAMETERS[name]}
        for name in endpoint.parameters
    ]
    if endpoint.query:
        shape = components[endpoint.query.__name__]
        for name, given in shape["properties"].items():
            schema = _without_null(given)
            description = schema.pop("description", "")
            required = name in shape.get("required", [])
            found.append(
                {"name": name, "in": "query", "required": required, "description": description, "schema": schema}
            )
    if endpoint.needs_key:
        found.append(_KEY)
    return [*found, _LANGUAGE]


def _without_null(given: Schema) -> Schema:
    """A query parameter is there or not; it is never null."""
    schema = {name: value for name, value in given.items() if not (name == "default" and value is None)}
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    return schema | choices[0] if choices else schema


def _responses(endpoint: Endpoint, schema_of: dict[int, Schema]) -> Schema:
    """The answer, and by status every problem that may come instead of it."""
    good: Schema = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer is not None:
        schema = schema_of.get(id(endpoint.answer), {"type": "string" if endpoint.answer is str else "object"})
        good["content"] = {endpoint.media_type: {"schema": schema}}
    if endpoint.limits:
        good["headers"] = _RATE_HEADERS
    found: Schema = {str(endpoint.status): good}
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems_of(endpoint):
        by_status.setdefault(problem.status, []).append(problem)
    for status, kinds in sorted(by_status.items()):
        found[str(status)] = _refusal(status, kinds)
    return found


def _refusal(status: int, kinds: list[type[Problem]]) -> Schema:
    codes = [kind.code for kind in kinds]
    refusal: Schema = {
        "description": " ".join(kind.title for kind in kinds),
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": _REF.format(name=ProblemAnswer.__name__)},
                        {"type": "object", "properties": {"code": {"enum": codes}, "status": {"const": status}}},
                    ]
                },
                "examples": {kind.code: {"value": described(kind, "en") | {"instance": "/api/v1"}} for kind in kinds},
            }
        },
    }
    if status in (429, 503):
        refusal["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return refusal
