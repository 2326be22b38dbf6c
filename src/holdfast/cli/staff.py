"""``holdfast staff add | list | roles | disable | enable | reset | token``: the people at the desk and their programs."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from holdfast import accounts
from holdfast.kit import settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx

from .terminal import who, with_database

P = ParamSpec("P")
T = TypeVar("T")
ROLES = [role.value for role in accounts.Role]


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("staff", help="accounts of the people at the desk, and tokens for their programs")
    actions = noun.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="a new account; prints the link with which its owner sets it up")
    add.add_argument("login", help="looks like an e-mail address")
    add.add_argument("--name", required=True)
    _roles(add)
    add.add_argument(
        "--demo", metavar="PASSWORD", help="outside production: set this password and print the authenticator secret"
    )
    add.set_defaults(run=_command(_add))
    actions.add_parser("list", help="who there is").set_defaults(run=_command(_list))
    for verb, text, run in (
        ("roles", "give these roles and no others", _change_roles),
        ("disable", "switch an account off; its sessions and tokens end", _disable),
        ("enable", "switch an account on again", _enable),
        ("reset", "end password, authenticator and sessions; prints a new set-up link", _reset),
    ):
        action = actions.add_parser(verb, help=text)
        action.add_argument("login")
        if verb == "roles":
            _roles(action)
        action.add_argument("--reason", required=True, help="kept in the audit trail")
        action.set_defaults(run=_command(run))
    token = actions.add_parser("token", help="an API token for a program; printed once")
    token.add_argument("login", help="who answers for the program")
    token.add_argument("--name", required=True, help="which program")
    _roles(token)
    token.add_argument("--days", type=int, default=90)
    token.set_defaults(run=_command(_token))


def _roles(command: argparse.ArgumentParser) -> None:
    command.add_argument("--role", dest="roles", action="append", choices=ROLES, required=True, help="may be repeated")


def _command(run: Callable[[Db, argparse.Namespace], Coroutine[Any, Any, None]]) -> Callable[[argparse.Namespace], int]:
    """A command line's function: opens the database around `run`."""

    def command(given: argparse.Namespace) -> int:
        with_database(lambda db: run(db, given))
        return 0

    return command


async def _on(
    db: Db,
    login: str,
    command: Callable[Concatenate[Tx, Actor, Any, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Runs a command on the account with that login."""
    member = await db.read(accounts.staff_named, login)
    return await db.run(command, who(), member.id, *args, **kwargs)


async def _add(db: Db, given: argparse.Namespace) -> None:
    about = {"login": given.login, "name": given.name, "roles": given.roles}
    if given.demo is None:
        _print_link(await db.run(accounts.add_staff, who(), **about))
    else:
        secret = await accounts.furnish_staff(db, who(), **about, password=given.demo)
        print(f"{given.login} can sign in at {settings.current().base_url}/console\nauthenticator secret: {secret}")


async def _list(db: Db, given: argparse.Namespace) -> None:
    for member in await db.read(accounts.staff_members):
        state = "off" if not member.active else "ready" if member.ready else "not set up"
        last = f"last signed in {member.signed_in_at:%Y-%m-%d %H:%M}Z" if member.signed_in_at else "never signed in"
        print(f"{member.login:32} {state:10} {','.join(member.roles):30} {last}  {member.name}")


async def _change_roles(db: Db, given: argparse.Namespace) -> None:
    await _on(db, given.login, accounts.change_roles, given.roles, reason=given.reason)
    print(f"{given.login}: {', '.join(given.roles)}")


async def _disable(db: Db, given: argparse.Namespace) -> None:
    await _on(db, given.login, accounts.disable_staff, reason=given.reason)
    print(f"{given.login} is switched off; sessions and tokens have ended")


async def _enable(db: Db, given: argparse.Namespace) -> None:
    await _on(db, given.login, accounts.enable_staff, reason=given.reason)
    print(f"{given.login} is switched on")


async def _reset(db: Db, given: argparse.Namespace) -> None:
    _print_link(await _on(db, given.login, accounts.reset_staff, reason=given.reason))


async def _token(db: Db, given: argparse.Namespace) -> None:
    made = await _on(db, given.login, accounts.make_token, name=given.name, roles=given.roles, days=given.days)
    print(f"{made.token}\nshown once; valid until {made.expires_at:%Y-%m-%d}, for {', '.join(made.roles)}")


def _print_link(link: accounts.SetupLink) -> None:
    print(f"Give {link.login} this link; it counts once, until {link.expires_at:%Y-%m-%d %H:%M}Z:\n{link.url}")
