"""``holdfast staff …``: the first account, roles, switching off and on, new links, tokens."""

from __future__ import annotations

import re

import msgspec
import psycopg
import pytest

from holdfast import cli
from holdfast.kit import settings
from tests import staff


@pytest.fixture
def holdfast(database_url, monkeypatch, capsys):
    """``holdfast("staff", "list")``: exit code and what was printed."""
    here = msgspec.structs.replace(settings.current(), database_url=database_url)
    monkeypatch.setattr(settings, "current", lambda: here)

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(list(arguments))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_a_link_opens_the_first_account_and_every_command_is_in_the_trail(holdfast, database_url):
    login = "lin@example.org"
    code, said = holdfast("staff", "add", login, "--name", "Lin Wen", "--role", "engineer", "--role", "finance")
    assert code == 0
    assert re.search(r"^http://127\.0\.0\.1:8000/console/setup/\S{32}$", said, re.MULTILINE)
    assert "not set up" in holdfast("staff", "list")[1]
    assert holdfast("staff", "roles", login, "--role", "desk", "--reason", "moved")[0] == 0
    code, said = holdfast("staff", "token", login, "--name", "gate", "--role", "desk", "--days", "7")
    assert (code, said.startswith("hfs_")) == (0, True)
    assert "/console/setup/" in holdfast("staff", "reset", login, "--reason", "lost phone")[1]
    assert holdfast("staff", "disable", login, "--reason", "left")[0] == 0
    assert " off " in holdfast("staff", "list")[1]
    assert holdfast("staff", "enable", login, "--reason", "came back")[0] == 0
    with psycopg.connect(database_url) as connection:
        lines = connection.execute("select actor, action from kit.audit order by id").fetchall()
    assert [action for _actor, action in lines] == [
        f"staff.{act}" for act in ("add", "roles", "token-made", "reset", "disable", "enable")
    ]
    assert all(actor.startswith("system:command line of ") for actor, _action in lines)


def test_a_demo_account_prints_its_secret(holdfast):
    code, said = holdfast(
        "staff", "add", "mei@example.org", "--name", "Mei", "--role", "desk", "--demo", staff.PASSWORD
    )
    assert code == 0
    assert re.search(r"authenticator secret: [A-Z2-7]{32}$", said, re.MULTILINE)
    assert "ready" in holdfast("staff", "list")[1]


def test_what_does_not_fit_is_said_and_nothing_is_made(holdfast):
    code, said = holdfast("staff", "add", "nonsense", "--name", "M", "--role", "desk")
    assert (code, "looks like an e-mail address" in said, "2 to 60 characters" in said) == (3, True, True)
    assert holdfast("staff", "add", "mei@example.org", "--name", "Mei", "--role", "desk", "--demo", "short")[0] == 3
    assert holdfast("staff", "reset", "mei@example.org", "--reason", "lost")[0] == 3
    assert holdfast("staff", "list") == (0, "")
