"""Every command is found in the file that the table names, whether one is asked for or all are listed."""

from __future__ import annotations

import argparse
import importlib
import pkgutil

import pytest

from holdfast import cli


def registered(file: str) -> list[str]:
    commands = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(f"{cli.__name__}.{file}").register(commands)
    return list(commands.choices)


def test_the_table_names_every_command_of_every_file() -> None:
    files = [one.name for one in pkgutil.iter_modules(cli.__path__)]
    nouns = [name for name in files if hasattr(importlib.import_module(f"{cli.__name__}.{name}"), "register")]
    assert {command: file for file in nouns for command in registered(file)} == cli.COMMANDS


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(["--help"], "run       everything on one host"), (["staff", "--help"], "usage: holdfast staff")],
)
def test_help_lists_all_or_the_one_that_is_asked_for(capsys, arguments: list[str], wanted: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 0
    assert wanted in capsys.readouterr().out


def test_a_word_that_is_no_command_is_answered_with_those_that_are(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["nonsense"])
    assert end.value.code == 2
    assert "webhooks" in capsys.readouterr().err
