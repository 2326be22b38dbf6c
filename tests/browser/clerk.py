"""A process of the installation that stays: it runs commands and signs people in without starting Python for each.

One question a line on standard input, as JSON; one answer a line on standard output. Its end is the end of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from typing import Any

from holdfast import cli
from holdfast.accounts import codes, sessions
from holdfast.accounts.attempts_model import Method
from holdfast.accounts.places import Place
from holdfast.kit import crypto
from holdfast.kit.db import Db, Tx


async def _newcomer(tx: Tx, phone: str, device: str) -> str:
    """What proving a new phone with a code leads to: an account, and a session that is kept."""
    account, shown = await sessions.open_account(tx, "en"), codes.masked("phone", phone)
    await sessions.identify(tx, account, "phone", phone, shown)
    subject, place = crypto.blind_index("phone", phone), Place(device)
    return (await sessions.begin(tx, account, Method.CODE, subject, kept=True, place=place, shown=shown)).token


async def _sign_in(url: str, phone: str, device: str) -> str:
    db = await Db(url, size=1).open()
    try:
        return await db.run(_newcomer, phone, device)
    finally:
        await db.close()


def _command(arguments: list[str]) -> dict[str, Any]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code: Any = cli.main(arguments)
        except SystemExit as ending:
            code = ending.code
    return {"code": code, "said": said.getvalue()}


def main(url: str) -> None:
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        if "command" in asked:
            answer = _command(asked["command"])
        else:
            answer = {"token": asyncio.run(_sign_in(url, asked["phone"], asked["device"]))}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
