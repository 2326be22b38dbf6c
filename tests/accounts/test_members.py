"""Every list, search and authorisation finds a person's things through `accounts.members`, never by one account's id alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast

PACKAGE = Path(holdfast.__file__).parent
BY_PERSON = re.compile(r"\baccount_id in \(select accounts\.members\(%\(\w+\)s\)\)", re.IGNORECASE)
RAW = re.compile(r"\baccount_id\s*(?:(?:=|<>|!=)(?!\s*\w+\.\w*id\b)|in\b|is\s+(?:not\s+)?distinct)", re.IGNORECASE)
"""A comparison with something given; columns of two tables may meet."""
REVERSED = re.compile(r"%\(\w+\)s\s*(?:=|<>|!=)\s*(?:any\()?\s*[\w.]*\baccount_id\b", re.IGNORECASE)
ALLOWED = {
    "orders/merging_store.py": "counts the two sides of a merge, whose accounts are named one by one",
    "orders/rights_store.py": "export and erasure name the accounts they are about: one, or all of the person, as asked",
    "support/rights_store.py": "the same",
    "support/feedback_store.py": "the same",
    "orders/waitlist_store.py": "the same, in its last functions",
    "passes/card_rights_store.py": "the same",
    "partners/store.py": "a partner has one account, which nobody signs in to",
    "orders/honour_store.py": "bad faith is decided of one account, on its own evidence",
    "orders/checks.py": "asks whether every order's account exists",
}
"""What may compare with an account itself, and why."""
OF_ITS_OWN = {
    "accounts": "credentials, proofs and sessions are those of one account; LISTS are by person",
    "drills": "show what happens to those who compare accounts",
    "ledger": "an account of the books is nobody's",
    "payments": "reads accounts of the books; a payment is its order's",
}
"""Domains whose accounts are something else, or the thing itself."""
LISTS = {"accounts/store.py": ("devices", "end_sessions")}


def functions(path: Path) -> Iterator[tuple[str, str]]:
    """Every function with its SQL in one line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            texts = [
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            yield node.name, " ".join(" ".join(texts).split())


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def raw_in(sql: str) -> list[str]:
    rest = BY_PERSON.sub("", sql)
    return [match[0] for pattern in (RAW, REVERSED) for match in pattern.finditer(rest)]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*store.py")) + sorted(PACKAGE.rglob("checks.py")), ids=name_of)
def test_sql_finds_things_by_person(path: Path) -> None:
    if name_of(path) in ALLOWED or name_of(path).partition("/")[0] in OF_ITS_OWN:
        return
    for name, sql in functions(path):
        assert not raw_in(sql), f"{name_of(path)}: {name}: use account_id in (select accounts.members(…)): {sql}"


@pytest.mark.parametrize(("file", "names"), LISTS.items())
def test_lists_of_accounts_are_by_person(file: str, names: tuple[str, ...]) -> None:
    found = dict(functions(PACKAGE / file))
    for name in names:
        assert BY_PERSON.search(found[name]), name


def test_no_program_compares_account_ids() -> None:
    """`accounts.same_person` knows; equal ids are only the beginning."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if name_of(path).startswith(tuple(f"{domain}/" for domain in OF_ITS_OWN)):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                named = [side for side in sides if isinstance(side, ast.Attribute) and side.attr == "account_id"]
                given = any(isinstance(side, ast.Constant) for side in sides)
                equality = any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
                assert not (named and equality) or given, (
                    f"{name_of(path)}:{node.lineno}: compare persons, not accounts"
                )


def test_the_scan_sees_what_it_looks_for() -> None:
    assert raw_in("select 1 from orders.orders o where o.account_id = %(account)s")
    assert raw_in("select 1 from orders.orders o where o.account_id = any(%(ids)s)")
    assert raw_in("select 1 from orders.orders o where %(account)s = o.account_id")
    assert not raw_in("select 1 from accounts.identifiers i join orders.orders o on o.account_id = i.account_id")
    assert not raw_in("select 1 from orders.orders where account_id in (select accounts.members(%(account)s))")
