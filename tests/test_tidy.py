"""House rules that a linter cannot know: each is one test, and says what to do instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast

PACKAGE = Path(holdfast.__file__).parent
ROOT = PACKAGE.parent.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
DOMAINS = (
    "ledger",
    "changes",
    "notices",
    "admission",
    "accounts",
    "catalogue",
    "inventory",
    "passes",
    "payments",
    "campaigns",
    "partners",
    "orders",
    "support",
)
LADDER = (
    "kit",
    "ledger",
    "changes",
    "notices",
    "admission",
    "accounts",
    "catalogue",
    "inventory",
    "passes",
    "payments",
    "campaigns",
    "partners",
    "orders",
    "support",
)
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{_name(path)} needs a docstring"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX, f"{_name(path)}: split it by feature noun"
    long = [f.name for f in _functions(path) if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES_MAX]
    assert not long, f"{_name(path)}: {long} are longer than {FUNCTION_LINES_MAX} lines"


@pytest.mark.parametrize("path", sorted((PACKAGE / "web" / "templates").rglob("*.html")), ids=lambda p: p.name)
def test_templates_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 150, "split it into partials"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_time_comes_from_the_clock(path: Path) -> None:
    if _name(path) == "kit/clock.py":
        return
    banned = re.findall(r"\b(?:datetime\.now|datetime\.utcnow|date\.today)\(", path.read_text())
    assert not banned, f"{_name(path)}: use kit.clock.now()"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_names_say_what_a_thing_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    vague = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and re.search(r"(Manager|Helper|Util|Utils|Service|Impl|Processor|DTO)$", node.name)
    ]
    assert not vague, f"{_name(path)}: {vague}: if a thing has no noun, it is not yet understood"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_transaction_comes_first_and_never_beside_a_database(path: Path) -> None:
    for function in _functions(path):
        names = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
        if "tx" in names:
            assert names[0] == "tx", f"{_name(path)}: {function.name}: tx comes first"
            assert "db" not in names, f"{_name(path)}: {function.name}: tx or db, not both"


def _sql(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip().lower()
            if re.match(r"(select|insert into|update|delete from|with)\s", text) and re.search(
                r"\b[a-z]+\.[a-z_]+\b", text
            ):
                yield text


def _domain(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", [path for path in MODULES if _domain(path) in LADDER], ids=_name)
def test_sql_obeys_the_ladder(path: Path) -> None:
    domain = _domain(path)
    if path.parent.name == "simulator":
        return
    allowed = LADDER[: LADDER.index(domain) + 1]
    for statement in _sql(path):
        schemas = set(re.findall(r"\b(" + "|".join(LADDER) + r")\.[a-z_]+", statement))
        above = schemas - set(allowed)
        assert not above, f"{_name(path)} reads {above}, which is above {domain}"
        written = set(re.findall(r"(?:insert into|update|delete from)\s+(?:only\s+)?([a-z]+)\.[a-z_]+", statement))
        assert written <= {domain}, f"{_name(path)} writes {written - {domain}}: that schema belongs to another domain"


@pytest.mark.parametrize("path", [path for path in MODULES if _domain(path) in DOMAINS], ids=_name)
def test_sql_lives_in_store_and_checks(path: Path) -> None:
    if (
        path.name in ("store.py", "checks.py")
        or path.stem.endswith(("_store", "_checks"))
        or path.parent.name == "simulator"
    ):
        return
    assert not list(_sql(path)), f"{_name(path)}: SQL belongs into the domain's store.py"


def test_surfaces_hold_no_sql() -> None:
    for surface in ("web", "api", "cli"):
        for path in (PACKAGE / surface).rglob("*.py"):
            assert not list(_sql(path)), f"{_name(path)}: a surface has no SQL"


def test_migrations_begin_with_a_lock_timeout_and_name_what_they_follow() -> None:
    files = sorted((PACKAGE / "migrations").glob("*.sql"))
    assert files
    for before, path in zip([None, *files], files, strict=False):
        text = path.read_text()
        statements = [line for line in text.splitlines() if line and not line.startswith("--")]
        assert statements[0].startswith("set lock_timeout"), path.name
        depends = re.search(r"^-- depends:(.*)$", text, re.MULTILINE)
        assert depends, path.name
        assert depends[1].strip() == (before.stem if before else ""), path.name


def test_the_text_of_the_repository_speaks_of_the_product_alone() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|root)/")
    for path in [*MODULES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        assert not machine.search(path.read_text()), f"{path.name} names a path of one machine"
