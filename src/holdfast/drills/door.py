"""The door: how a drill's travellers reach the site and the payment providers, over real HTTP on loopback, in bounds."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import msgspec

from holdfast.kit import http

from .diary import Diary

CONNECTIONS_MAX = 400
LOOKS_AT_ONCE = 40
"""Looks under way at once: what the machine cannot answer at once is asked a little later, as people do."""
PATIENCE_S = 60.0
COOKIE = "hf_session"


class Heard(msgspec.Struct, frozen=True):
    """An answer. Status 0: none came."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body, if it is an object; an empty one otherwise."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}


class Door:
    """One HTTP client for all travellers; each answer goes into the diary."""

    def __init__(self, site: str, simulator: str, diary: Diary) -> None:
        self._site, self._simulator, self._diary = site, simulator, diary
        self._client = http.client(connections_max=CONNECTIONS_MAX)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def close(self) -> None:
        await self._client.aclose()

    async def command(self, kind: str, token: str, path: str, body: object = None, key: str = "") -> Heard:
        """``POST /api/v1…`` as a signed-in traveller."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        content = b"" if body is None else msgspec.json.encode(body)
        return await self._ask(kind, "POST", f"{self._site}/api/v1{path}", headers, content)

    async def read(self, kind: str, token: str, path: str) -> Heard:
        """``GET /api/v1…`` as a signed-in traveller."""
        async with self._looks:
            return await self._ask(kind, "GET", f"{self._site}/api/v1{path}", {"Authorization": f"Bearer {token}"}, b"")

    async def page(self, kind: str, token: str, path: str, accept: str) -> Heard:
        """A page of the site, or what its script asks, with the session's cookie."""
        async with self._looks:
            headers = {"Cookie": f"{COOKIE}={token}", "Accept": accept, "Accept-Language": "zh"}
            return await self._ask(kind, "GET", f"{self._site}{path}", headers, b"")

    async def provider(self, method: str, path: str, body: object = None) -> Heard:
        """The simulator's control: what happens at the provider, beside its API. Not part of the diary."""
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            got = await http.send(
                self._client, method, f"{self._simulator}/_sim{path}", body=content, timeout_s=PATIENCE_S,
                bytes_max=http.FILE_BYTES_MAX,
            )  # fmt: skip
        except http.NoAnswer:
            return Heard(0)
        return Heard(got.status, got.body)

    async def follow(self, link: str) -> None:
        """The payer's browser goes to the provider's page; nowhere, if that is not our simulator."""
        if link.startswith(f"{self._simulator}/"):
            with suppress(http.NoAnswer):
                await http.send(self._client, "GET", link, timeout_s=PATIENCE_S)

    async def _ask(self, kind: str, method: str, url: str, headers: dict[str, str], content: bytes) -> Heard:
        began = time.monotonic()
        try:
            got = await http.send(self._client, method, url, body=content, headers=headers, timeout_s=PATIENCE_S)
        except http.NoAnswer:
            self._diary.silence()
            return Heard(0)
        self._diary.heard(kind, got.status, got.body, time.monotonic() - began)
        return Heard(got.status, got.body)
