"""Asking as somebody, and what the answer means: the words of the table."""

from __future__ import annotations

import httpx2

from holdfast.web import sessions
from holdfast.web.console import access

from .cast import WRONG, Crew, Owner, send, token_of


def come(client: httpx2.AsyncClient, cookies: dict[str, str]) -> None:
    """A browser with these cookies and no others."""
    client.cookies = httpx2.Cookies(cookies)


def meaning(answer: httpx2.Response) -> str:
    """``ok``: let in, whatever came of it; ``in``: asked to sign in; ``proof``: to prove it once more; ``no``: not allowed;
    ``404``: as if it did not exist; ``405``: not with this method.

    No payment provider answers in this test (503), which is no refusal. Other faults are told as they are.
    """
    led = answer.headers.get("location", "")
    if answer.status_code >= 500 and answer.status_code != 503:
        return str(answer.status_code)
    if answer.status_code == 401 or led.startswith(("/session?", "/console/session?")):
        return "in"
    if led.startswith("/account/confirm?") or (
        answer.status_code == 403 and "Please confirm that it is you" in answer.text
    ):
        return "proof"
    if answer.status_code == 403:
        return "no"
    if answer.status_code == 400 and answer.text.startswith(('{"error":"UNAUTHORIZED"', '{"error":"FORBIDDEN"')):
        return "in"  # the standard of resellers knows no other status
    return str(answer.status_code) if answer.status_code in (404, 405) else "ok"


async def as_traveller(client: httpx2.AsyncClient, who: str, method: str, path: str, mine: Owner, crew: Crew) -> str:
    """What somebody gets at a page or an endpoint for travellers. `staff` comes with a session at the console and a program's token."""
    people = {"other": crew.other, "owner": mine.person, "member": mine.member, "stale": mine.stale}
    is_api = path.startswith(("/api/", "/.well-known/", "/octo/"))
    token = bearer = ""
    come(client, {})
    if who in people and is_api:
        bearer = people[who].token
    elif who in people:
        come(client, {sessions.COOKIE: people[who].token})
    elif who == "staff":
        come(
            client,
            {access.COOKIE: crew.colleagues["engineer"].token, sessions.COOKIE: crew.colleagues["engineer"].token},
        )
        bearer = crew.api_tokens["engineer"]
    elif who in ("link", "wrong"):
        token = token_of(path, mine.tokens)
        assert token, f"{path} has no signed links: write - for {who}"
        token = token if who == "link" else WRONG
    return meaning(await send(client, method, path, mine.things, bearer=bearer, token=token))


async def as_colleague(client: httpx2.AsyncClient, who: str, method: str, path: str, mine: Owner, crew: Crew) -> str:
    """What somebody gets at the console, or at an endpoint for programs of colleagues. `traveller` owns what is asked about."""
    is_api = path.startswith("/api/")
    bearer = ""
    come(client, {})
    if who == "traveller":
        come(client, {access.COOKIE: mine.person.token, sessions.COOKIE: mine.person.token})
        bearer = mine.person.token if is_api else ""
    elif who != "nobody":
        come(client, {access.COOKIE: crew.colleagues[who].token})
        bearer = crew.api_tokens[who] if is_api else ""
    return meaning(await send(client, method, path, mine.things, bearer=bearer))
