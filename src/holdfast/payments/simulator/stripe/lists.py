"""Lists and searches: pages of at most 100, newest first, and objects in the place of their ids."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import msgspec

from holdfast.payments.simulator import times

from . import account, forms
from .account import Obj
from .forms import Form
from .refusals import invalid, missing

PAGING = ("limit", "starting_after", "ending_before", "created", "expand")
SEARCH_LAG_S = 60.0
"""What is younger is not yet found by a search."""
CLAUSE = re.compile(r"""\s*metadata\[(['"])(?P<name>[^'"\[\]]+)\1\]\s*:\s*(['"])(?P<value>(?:\\.|(?!\3).)*)\3\s*\Z""")


def page(db: sqlite3.Connection, kind: str, url: str, form: Form, filters: dict[str, str]) -> Obj:
    """``GET /v1/…``: those whose fields are as the filters say."""
    limit = forms.integer(form, "limit", 1, 100) or 10
    start, end = forms.period(form)
    sign, order, edge = "<", "desc", forms.text(form, "starting_after")
    if edge is None and (edge := forms.text(form, "ending_before")) is not None:
        sign, order = ">", "asc"
    query = "select json from objects where kind = ? and created >= ? and created < ?"
    values: list[Any] = [kind, start, end]
    for name, value in filters.items():
        query += f" and json_extract(json, '$.{name}') = ?"
        values.append(value)
    if edge is not None:
        if account.get(db, kind, edge) is None:
            raise missing(kind, edge, "starting_after" if sign == "<" else "ending_before")
        query += f" and seq {sign} (select seq from objects where id = ?)"
        values.append(edge)
    rows = db.execute(f"{query} order by seq {order} limit ?", (*values, limit + 1)).fetchall()
    found: list[Obj] = [msgspec.json.decode(row["json"]) for row in rows[:limit]]
    if order == "asc":
        found.reverse()
    return {"object": "list", "data": found, "has_more": len(rows) > limit, "url": url}


def searched(db: sqlite3.Connection, form: Form) -> Obj:
    """``GET /v1/payment_intents/search``: by one clause about metadata. Behind the truth by a minute, as theirs may be."""
    query, limit = forms.required(form, "query"), forms.integer(form, "limit", 1, 100) or 10
    clause = CLAUSE.match(query)
    if clause is None:
        raise invalid("We were unable to parse your search query.", param="query")
    value = re.sub(r"\\(.)", r"\1", clause["value"])
    rows = db.execute(
        "select json from objects where kind = 'payment_intent' and created <= ? order by seq desc",
        (times.now() - SEARCH_LAG_S,),
    )
    every: list[Obj] = [msgspec.json.decode(row["json"]) for row in rows]
    found = [thing for thing in every if thing["metadata"].get(clause["name"]) == value]
    return {
        "object": "search_result",
        "data": found[:limit],
        "has_more": len(found) > limit,
        "next_page": None,
        "url": "/v1/payment_intents/search",
    }


def expanded(db: sqlite3.Connection, thing: Obj, paths: list[str]) -> Obj:
    """The object with whole objects where the paths lead."""
    for path in paths:
        _expand(db, thing, path.split("."), path)
    return thing


def _expand(db: sqlite3.Connection, here: Any, steps: list[str], path: str) -> None:
    if isinstance(here, list):
        for item in here:
            _expand(db, item, steps, path)
        return
    if not isinstance(here, dict) or steps[0] not in here:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    inner = here[steps[0]]
    if isinstance(inner, str) and (found := account.anything(db, inner)) is not None:
        inner = here[steps[0]] = found
    if len(steps) > 1 and inner is not None:
        _expand(db, inner, steps[1:], path)
