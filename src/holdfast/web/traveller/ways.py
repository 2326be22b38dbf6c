"""The ways to pay as a payer is shown them: one row for each provider, the best first, those that rest with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request

from holdfast import payments
from holdfast.kit import i18n
from holdfast.web import formats, words
from holdfast.web.render import language, speaker

from .money import said

ELSEWHERE = frozenset({"native", "qr"})
"""Methods that another device scans; all others lead on in the same browser."""
INSIDE = (("MicroMessenger", "wechatpay"), ("AlipayClient", "alipay"))
"""Browsers inside a wallet, by their sign in User-Agent."""
PHONES = re.compile(r"Mobi|Android|iPhone|HarmonyOS|OpenHarmony")


class How(NamedTuple):
    """One method of a provider. `note` says why it is not offered, or what to know about it."""

    method: str
    label: str
    offered: bool
    chosen: bool
    note: str


class Way(NamedTuple):
    """One provider. `alias` is its name in the other language: people know the sign of their own wallet."""

    provider: str
    name: str
    alias: str
    offered: bool
    chosen: bool
    note: str
    hows: list[How]


def is_outage(offers: Sequence[payments.Offer]) -> bool:
    """Whether no way answers: at best one is offered because it fails least."""
    return not any(offer.offered and not offer.least_bad for offer in offers)


def rows(request: Request, offers: Sequence[payments.Offer], *, beside: str = "", zone: str) -> list[Way]:
    """The rows of the choice. One is chosen beforehand: the best, or the wallet whose browser this is, `beside` the one under way."""
    agent = request.headers.get("user-agent", "")
    providers = list(dict.fromkeys(offer.provider for offer in offers))
    offered = list(dict.fromkeys(offer.provider for offer in offers if offer.offered))
    inside = next((provider for sign, provider in INSIDE if sign in agent), "")
    others = [provider for provider in offered if provider != beside] or offered
    chosen = inside if inside in others else next(iter(others), "")
    here = bool(PHONES.search(agent)) and not inside
    return [
        _row(request, [o for o in offers if o.provider == name], chosen=name == chosen, here=here, zone=zone)
        for name in providers
    ]


def _row(request: Request, offers: list[payments.Offer], *, chosen: bool, here: bool, zone: str) -> Way:
    provider = offers[0].provider
    name = words.PROVIDERS.get(provider, provider)
    other = "en" if language(request) == "zh" else "zh"
    usual = next((o for o in offers if o.offered and (o.method not in ELSEWHERE) == here), None)
    usual = usual or next((o for o in offers if o.offered), offers[0])
    note = _note(request, usual, zone)
    hows = [
        How(o.method, _label(request, o.method), o.offered, o is usual, "" if note else _note(request, o, zone))
        for o in sorted(offers, key=lambda offer: (offer.method in ELSEWHERE) == here)
    ]
    return Way(
        provider, speaker(request)(name), i18n.translate(name, other), any(o.offered for o in offers), chosen,
        note, hows,
    )  # fmt: skip


def _label(request: Request, method: str) -> str:
    phone, otherwise = words.METHODS["elsewhere" if method in ELSEWHERE else "here"]
    return speaker(request)(phone if PHONES.search(request.headers.get("user-agent", "")) else otherwise)


def _note(request: Request, offer: payments.Offer, zone: str) -> str:
    """What to know about a way that is not simply well."""
    if offer.offered:
        sentence = words.OFFERED.get("least_bad" if offer.least_bad else offer.state, "")
    else:
        sentence = words.RESTING.get(offer.state, words.RESTING["down"])
    if not sentence:
        return ""
    _ = speaker(request)
    since = formats.moment(language(request), offer.since, zone) if offer.since else _("a moment ago")
    return said(_(sentence, provider=_(words.SERVICES.get(offer.provider, offer.provider)), time=since))
