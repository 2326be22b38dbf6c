"""What managers change of a partner: one short function for each ``act`` of the form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from holdfast import partners
from holdfast.web import sessions
from holdfast.web.forms import Form

from .access import Seen
from .pages import page, read_reason

FILE_BYTES_MAX = 1024 * 1024
FIELDS = {"subscribe": "url", "supply": "product_id", "octo": "octo_url", "octo-item": "octo_product"}
"""Act → the field at which a problem without fields is shown."""


async def sent(request: Request) -> tuple[dict[str, str], bytes]:
    """The fields and the content of a file; no content when there is none, or far too much."""
    typed = request.headers.get("content-length", "")
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if not is_form or not typed.isdigit() or int(typed) > FILE_BYTES_MAX + 16 * 1024:
        return {}, b""
    async with request.form(max_files=1, max_fields=10) as found:
        values = {key: value for key, value in found.items() if isinstance(value, str)}
        file = found.get("file")
        return values, await file.read() if isinstance(file, UploadFile) else b""


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _whole(form: Form, field: str) -> int | None:
    """A whole number, or None where nothing is typed."""
    text = form.value(field).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        form.add(field, partners.feeds.MINUTES_FORM)
        return None
    return int(text)


async def supply(request: Request, seen: Seen, form: Form) -> None:
    """The partner vouches for a product, with these times."""
    minutes, day, answer = (_whole(form, field) for field in ("minutes", "day_minutes", "answer_minutes"))
    band = form.value("price_band").strip() or "20"
    if not (band.isascii() and band.isdigit() and int(band) <= 100):
        form.add("price_band", partners.feeds.BAND_FORM)
    if form.wrong:
        return
    await sessions.database(request).run(
        partners.feeds.supply, seen.actor, _id(request), form.value("product_id").strip()[:80], minutes=minutes, day_minutes=day,
        answer_minutes=answer, price_band_bp=int(band) * 100,
    )  # fmt: skip


async def switch(request: Request, seen: Seen, form: Form) -> None:
    """Switched off, or on again."""
    reason = read_reason(form)
    if not form.wrong:
        command = partners.enable if form.value("on") else partners.disable
        await sessions.database(request).run(command, seen.actor, _id(request), reason=reason)


async def bar(request: Request, seen: Seen, form: Form) -> None:
    """One product is stopped by us, or may be sold again."""
    reason = read_reason(form)
    if not form.wrong:
        command = partners.health.put_on if form.value("on") else partners.health.take_off
        await sessions.database(request).run(command, seen.actor, _id(request), form.value("product_id"), reason=reason)


async def price(request: Request, seen: Seen, form: Form) -> None:
    """A price that waits is decided, or one that is in force is taken back."""
    reason, decision = read_reason(form), form.value("decision")
    if not form.wrong and decision in ("apply", "decline", "undo"):
        await sessions.database(request).run(
            partners.feeds.decide_price, seen.actor, _id(request), supplied(form.value("news")), decision, reason=reason
        )


async def token(request: Request, seen: Seen, form: Form) -> Response | None:
    """A token for a program of the partner, shown once."""
    name = " ".join(form.value("token_name").split())
    if not (2 <= len(name) <= 60 and name.isprintable()):
        form.add("token_name", partners.registration.TOKEN_FORM)
        return None
    _made, secret = await sessions.database(request).run(partners.make_token, seen.actor, _id(request), name=name)
    return _once(request, secret, "Token of a program", "Send it as Authorization: Bearer with every request.")


async def end_token(request: Request, seen: Seen, form: Form) -> None:
    """A program is refused from now on."""
    reason = read_reason(form)
    if not form.wrong:
        await sessions.database(request).run(
            partners.end_token, seen.actor, _id(request), supplied(form.value("token")), reason=reason
        )


async def secret(request: Request, seen: Seen, form: Form) -> Response:
    """A secret with which the partner signs what it sends us, shown once."""
    made = await sessions.database(request).run(partners.links.make_secret, seen.actor, _id(request))
    return _once(
        request,
        made,
        "Secret for signed webhooks",
        "The partner signs what it sends us with it. An older one counts a day longer.",
    )


async def subscribe(request: Request, seen: Seen, form: Form) -> Response:
    """The partner is told by webhook; the secret with which we sign is shown once."""
    made = await partners.links.subscribe(
        sessions.database(request), seen.actor, _id(request), form.value("url").strip()[:500]
    )
    return _once(request, made, "Secret of what we send", "With it the partner checks that a message is ours.")


async def link(request: Request, seen: Seen, form: Form) -> None:
    """A new one-tap link; the old one is void."""
    reason = read_reason(form)
    if not form.wrong:
        await sessions.database(request).run(partners.links.renew, seen.actor, _id(request), reason=reason)


async def language(request: Request, seen: Seen, form: Form) -> None:
    """In which language the partner is told."""
    await sessions.database(request).run(partners.links.set_locale, seen.actor, _id(request), form.value("locale"))


async def demo(request: Request, seen: Seen, form: Form) -> None:
    """The demonstration speaks in the partner's name, or is silent."""
    await sessions.database(request).run(partners.demo.set_beating, seen.actor, _id(request), on=bool(form.value("on")))


async def octo(request: Request, seen: Seen, form: Form) -> None:
    """The partner has an OCTO interface that we ask."""
    await partners.client_pull.connect(
        sessions.database(request),
        seen.actor,
        _id(request),
        form.value("octo_url")[:500],
        form.value("octo_token")[:500],
    )


async def octo_item(request: Request, seen: Seen, form: Form) -> None:
    """A product of ours is one of the partner's, and is asked about at once."""
    db, partner_id = sessions.database(request), _id(request)
    await partners.client_pull.sell(
        db, seen.actor, partner_id, form.value("octo_ours")[:80], form.value("octo_product").strip()[:200],
        option_id=form.value("octo_option").strip()[:200] or "DEFAULT", unit_id=form.value("octo_unit").strip()[:200],
    )  # fmt: skip
    await partners.client_pull.pull(db, partner_id)


async def octo_pull(request: Request, seen: Seen, form: Form) -> None:
    """The partner's interface is asked now."""
    await partners.client_pull.pull(sessions.database(request), _id(request))


def _once(request: Request, value: str, title: str, says: str) -> Response:
    here = f"/console/partners/{_id(request)}"
    return page(
        request, "partners_secret.html", here=here, value=value, secret_title=title, says=says, partner_url=here
    )


def supplied(text: str) -> UUID:
    """An id of something of a partner's, from a path or a hidden field. NotSupplied for what can be none."""
    found = sessions.read_id(text)
    if found is None:
        raise partners.NotSupplied
    return found


ACTS: dict[str, Callable[[Request, Seen, Form], Awaitable[Response | None]]] = {
    "supply": supply,
    "switch": switch,
    "bar": bar,
    "price": price,
    "token": token,
    "end-token": end_token,
    "secret": secret,
    "subscribe": subscribe,
    "link": link,
    "language": language,
    "demo": demo,
    "octo": octo,
    "octo-item": octo_item,
    "octo-pull": octo_pull,
}
"""``act`` of the form → what it does."""
