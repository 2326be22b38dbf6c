"""Pages: the Jinja environment, what every page knows, and the headers every page has.

English stands in the templates inside ``_("…")``; the Chinese is in ``zh.po``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast import catalogue
from holdfast.kit import clock, i18n, ids, settings

from . import assets, formats, words

LANGUAGE_COOKIE = "hf_lang"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def language(request: Request) -> i18n.Locale:
    """The visitor's language: as chosen here, else as their browser asks."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen == "zh":
        return "zh"
    if chosen == "en":
        return "en"
    return i18n.negotiate(request.headers.get("accept-language", ""))


def speaker(request: Request) -> Callable[..., str]:
    """The `_` of a handler: an English sentence in the visitor's language."""
    locale = language(request)

    def _(text: str, **values: Any) -> str:
        return i18n.translate(text, locale, **values)

    return _


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    here: str | None = None,
    **context: Any,
) -> Response:
    """The template as an answer. `here` is the address to come back to when this one cannot be opened with GET."""
    locale = language(request)
    here = here or request.url.path + (f"?{request.url.query}" if request.url.query else "")
    known: dict[str, Any] = {
        "locale": locale,
        "gap": "" if locale == "zh" else " ",
        "html_lang": "zh-CN" if locale == "zh" else "en",
        "here": here,
        "path": request.url.path,
        "status": status,
        "switch_url": with_language(here, "en" if locale == "zh" else "zh"),
        "visitor": getattr(request.state, "visitor", None),
        "request_id": request_id(request),
        "in_development": not settings.current().is_production,
        "support": settings.current().support,
    }
    body = environment().get_template(template).render(known | context)
    kept = {
        "Cache-Control": "private, no-cache",
        "Content-Language": known["html_lang"],
        "Vary": "Cookie, Accept-Language",
    }
    return HTMLResponse(body, status, {**SECURITY_HEADERS, **kept, **(headers or {})})


def request_id(request: Request) -> str:
    """The id under which our log knows this request; main sets it, else it is made here."""
    return str(request.scope.setdefault("request_id", ids.new_code()))


def with_language(here: str, locale: str) -> str:
    """The same address, asking for a language."""
    bare = re.sub(r"([?&])lang=[^&]*&?", r"\1", here).rstrip("?&")
    return f"{bare}{'&' if '?' in bare else '?'}lang={locale}"


@cache
def environment() -> Environment:
    """The templates, with every value escaped and every unknown name an error."""
    made = Environment(
        loader=PackageLoader("holdfast.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=not settings.current().is_production,
    )
    made.globals.update(
        {
            "_": _sentence, "asset": assets.url, "words": words, "kinds": catalogue.KINDS, "qr": qr, "qr_file": qr_file, "query": query,
            "field_id": field_id, "now": clock.now,
        }
    )  # fmt: skip
    made.filters.update({name: _in_page_language(function) for name, function in formats.FILTERS.items()})
    made.filters["grouped"] = ids.show_code
    return made


@pass_context
def _sentence(context: Context, text: str, **values: Any) -> str:
    return i18n.translate(text, context["locale"], **values)


def _in_page_language(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def apply(context: Context, value: Any, *more: Any) -> str:
        return function(context["locale"], value, *more)

    return apply


def query(**values: Any) -> str:
    """``?a=1&b=2`` of the values that are not empty; an empty string when none is left."""
    kept = {name: str(value) for name, value in values.items() if value not in (None, "", 0)}
    return f"?{urlencode(kept)}" if kept else ""


def field_id(name: str) -> str:
    """The element id of a form field: ``lines[0].travellers[1].name`` → ``f-lines-0-travellers-1-name``."""
    return "f-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def qr(text: str, label: str) -> Markup:
    """A QR code (ISO/IEC 18004) as an inline picture with a name for those who do not see it."""
    code = segno.make(text, error="m", micro=False)
    width, height = code.symbol_size(border=2)
    path = "".join(f"M{x + 2} {y + 2.5}h{run}" for y, line in enumerate(code.matrix) for x, run in _dark_runs(line))
    return Markup(
        '<svg role="img" aria-label="{label}" viewBox="0 0 {w} {h}" shape-rendering="crispEdges">'
        '<path fill="#fff" d="M0 0h{w}v{h}H0z"/><path stroke="#000" d="{path}"/></svg>'
    ).format(label=label, w=width, h=height, path=path)


def qr_file(text: str) -> str:
    """The same code as a picture to save (PNG in a data URI): phones put it into their album, from where wallets read it."""
    return str(segno.make(text, error="m", micro=False).png_data_uri(scale=8, border=4))


def _dark_runs(line: Any) -> list[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    cells = "".join("1" if cell else "0" for cell in line)
    return [(match.start(), len(match[0])) for match in re.finditer("1+", cells)]
