"""``/gate``, its manifest and its service worker (Web App Manifest, Service Workers: W3C)."""

from __future__ import annotations

import hashlib
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast.kit import i18n
from holdfast.web import assets, render

from . import words

FILES = ("site.css", "gate.css", "gate_core.js", "gate_store.js", "gate.js", "icon.svg")
PERMISSIONS = {"Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()"}


async def page(request: Request) -> Response:
    """``GET /gate``: the scanner. Everything happens in the browser."""
    said = words.both()[render.language(request)]
    data = json.dumps(words.both(), ensure_ascii=False)
    return render.page(request, "gate/page.html", headers=PERMISSIONS, data=data, said=said)


async def manifest(request: Request) -> Response:
    """``GET /gate/manifest.webmanifest``: what a phone needs to install it."""
    locale = render.language(request)
    name = i18n.translate("Gate", locale)
    return JSONResponse(
        {
            "name": f"Holdfast · {name}", "short_name": name, "start_url": "/gate", "scope": "/gate", "display": "standalone",
            "lang": locale, "background_color": "#0c3f47", "theme_color": "#0c3f47",
            "icons": [{"src": assets.url("icon.svg"), "type": "image/svg+xml", "sizes": "any"}],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )  # fmt: skip


async def worker(request: Request) -> Response:
    """``GET /gate/sw.js``: the service worker, with the names of this release's files in it."""
    files = [assets.url(name) for name in FILES]
    version = hashlib.sha256("".join(files).encode()).hexdigest()[:12]
    body = assets.text("gate_sw.js").replace("{version}", version)
    body = body.replace("{files}", json.dumps(["/gate", "/gate/manifest.webmanifest", *files]))
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/gate"}
    return Response(body, media_type=assets.TYPES["js"], headers=headers)


routes = [
    Route("/gate", page, methods=["GET"]),
    Route("/gate/manifest.webmanifest", manifest, methods=["GET"]),
    Route("/gate/sw.js", worker, methods=["GET"]),
]
