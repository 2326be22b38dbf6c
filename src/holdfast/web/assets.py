"""The few files a browser gets: read once, named by their content, so that a phone keeps them for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from holdfast.kit import settings

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file and the digest of its content."""

    name: str
    body: bytes
    digest: str


@cache
def _kept() -> dict[str, Asset]:
    return _read()


def _read() -> dict[str, Asset]:
    found = {}
    for entry in (files("holdfast.web") / "static").iterdir():
        if entry.name.rpartition(".")[2] in TYPES:
            body = entry.read_bytes()
            found[entry.name] = Asset(entry.name, body, hashlib.sha256(body).hexdigest()[:12])
    return found


def _all() -> dict[str, Asset]:
    """Read anew for each request outside production, so that an edit shows."""
    return _kept() if settings.current().env != "dev" else _read()


def url(name: str) -> str:
    """``/static/site.3fa94c1b22d0.css`` for ``site.css``."""
    stem, _, suffix = name.rpartition(".")
    return f"/static/{stem}.{_all()[name].digest}.{suffix}"


def text(name: str) -> str:
    """What a file says, for pages that fill something in."""
    return _all()[name].body.decode()


async def serve(request: Request) -> Response:
    """A static file: for ever under its hashed name, for five minutes under its plain one or an older hash."""
    name: str = request.path_params["name"]
    pieces = name.split(".")
    plain = f"{pieces[0]}.{pieces[-1]}"
    asset = _all().get(plain)
    if asset is None or len(pieces) not in (2, 3):
        return Response("Not found", 404, media_type="text/plain")
    exact = len(pieces) == 3 and pieces[1] == asset.digest
    kept = "public, max-age=31536000, immutable" if exact else "public, max-age=300"
    headers = {"Cache-Control": kept, "ETag": f'"{asset.digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=TYPES[pieces[-1]])
